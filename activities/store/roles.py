"""The role that the product runs as on PostgreSQL: it may do what the product does, and nothing else.

The tables belong to another role, which upgrades the schema and is not used for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from activities.store.enforcement import GUARDED
from activities.store.errors import StoreError
from activities.store.leaves import OF_EMPLOYER
from activities.store.projections import PROJECTIONS
from activities.store.scrub import PERSONAL

_READ, _ADD, _CHANGE, _REMOVE = "SELECT", "INSERT", "UPDATE", "DELETE"

PRIVILEGES: dict[str, tuple[str, ...]] = {
    "alembic_version": (_READ,),
    "employer": (_READ, _ADD, "UPDATE (org_number, name)"),
    "organisation_version": (_READ, _ADD),
    "person": (_READ, _ADD, _CHANGE),
    "rulebook": (_READ, _ADD),
    "document": (_READ, _ADD, _REMOVE),
    "cycle": (_READ, _ADD, _CHANGE),
    "ledger_leaf": (_READ, _ADD),
    "ledger_head": (_READ, _ADD, "UPDATE (size, root, frontier, recorded)"),
    "ledger_node": (_READ, _ADD),
    "ledger_checkpoint": (_READ, _ADD),
    "ledger_anchor": (_READ, _ADD),
    "payload": (_READ, _ADD, _REMOVE),
    "text_word": (_READ, _ADD, _REMOVE),
    "deposited_text": (_READ, _ADD, _REMOVE),
    "outbox": (_READ, _ADD, _CHANGE, _REMOVE),
    **dict.fromkeys(PROJECTIONS, (_READ, _ADD, _CHANGE, _REMOVE)),
}
"""What the product's role may do with each table; nobody may empty one with TRUNCATE."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_MINE = f"employer = current_setting('{OF_EMPLOYER}', true)"
_POLICIES = {
    "forsvarlig_read": "FOR SELECT USING (true)",
    "forsvarlig_add": f"FOR INSERT WITH CHECK ({_MINE})",
}
_MORE_POLICIES = {
    # The lock is taken before the transaction has said whose it is, so every row may be looked at for a change.
    "ledger_head": {"forsvarlig_move": f"FOR UPDATE USING (true) WITH CHECK ({_MINE})"},
    **{table: {"forsvarlig_erase": f"FOR DELETE USING ({_MINE})"} for table in ("payload", "text_word")},
}


def statements(app: str) -> list[str]:
    """What the owner of the tables runs to let `app` work, in order; running it again changes nothing.

    The role is made, without a password, if it is not there. Row security lets a transaction add to one
    employer's ledger only. `StoreError` for a name that is not made of small letters, digits and underscores.
    """
    if not _NAME.fullmatch(app):
        raise StoreError(
            f"{app!r} cannot be the name of a role: use small letters, digits and underscores, at most 63."
        )
    return [*_role(app), *_privileges(app), *_row_security()]


def _role(app: str) -> Iterable[str]:
    yield (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{app}') THEN "
        f"CREATE ROLE {app} LOGIN; END IF; END $$"
    )
    of_owner = "(SELECT relowner FROM pg_class WHERE oid = to_regclass('ledger_leaf'))"
    yield (
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles "
        f"WHERE rolname = '{app}' AND (rolsuper OR rolbypassrls OR pg_has_role(oid, {of_owner}, 'MEMBER'))) "
        f"THEN RAISE EXCEPTION '{app} owns the tables or passes by every rule; choose another role'; END IF; END $$"
    )


def _privileges(app: str) -> Iterable[str]:
    yield (
        "DO $$ BEGIN EXECUTE 'GRANT USAGE ON SCHEMA ' || quote_ident(current_schema()) || "
        f"' TO {app}'; END $$"
    )
    for table, allowed in PRIVILEGES.items():
        yield f"REVOKE ALL ON {table} FROM PUBLIC, {app}"
        yield f"GRANT {', '.join(allowed)} ON {table} TO {app}"
    yield f"GRANT USAGE ON SEQUENCE outbox_id_seq TO {app}"
    # So that what was erased does not lie in old pages: `store.scrub`. Before version 17 only the owner may.
    yield (
        "DO $$ BEGIN IF current_setting('server_version_num')::int >= 170000 THEN "
        f"EXECUTE 'GRANT MAINTAIN ON {', '.join(PERSONAL)} TO {app}'; END IF; END $$"
    )


def _row_security() -> Iterable[str]:
    for table in GUARDED:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        for name, rule in (_POLICIES | _MORE_POLICIES.get(table, {})).items():
            yield f"DROP POLICY IF EXISTS {name} ON {table}"
            yield f"CREATE POLICY {name} ON {table} {rule}"
