"""What the database itself refuses: triggers on both kinds, an authorizer on SQLite, row security on PostgreSQL.

It stops mistakes, and a program that was taken over. It does not stop whoever owns the database: the owner of
SQLite's file or a superuser of PostgreSQL can switch all of it off. What then tells is an anchor outside.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.store.sqlite import driven
from workflows.rules.base import Frozen

APPEND_ONLY = frozenset({"ledger_leaf", "ledger_node", "ledger_checkpoint", "ledger_anchor"})
"""Tables whose rows are added, and neither changed nor deleted."""

GUARDED = (
    "ledger_leaf", "ledger_node", "ledger_checkpoint", "ledger_anchor", "ledger_head", "payload", "text_word",
)  # fmt: skip
"""Tables that a transaction may add to for its own employer only, where row security is set up: `store.roles`."""

_NEVER_CHANGED, _NEVER_DELETED = APPEND_ONLY | {"payload"}, APPEND_ONLY | {"ledger_head"}
_DECLARED = "x"
"""What a virtual table calls itself while it tells its columns; nothing is made then."""

_FORBIDDEN = frozenset(
    {
        sqlite3.SQLITE_ALTER_TABLE, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE, sqlite3.SQLITE_CREATE_TEMP_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW, sqlite3.SQLITE_DROP_VTABLE, sqlite3.SQLITE_DROP_TEMP_INDEX,
        sqlite3.SQLITE_DROP_TEMP_TABLE, sqlite3.SQLITE_DROP_TEMP_TRIGGER, sqlite3.SQLITE_DROP_TEMP_VIEW,
    }
)  # fmt: skip

_ASKS = frozenset({"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"})
"""Pragmas whose argument is what is asked about; any other with an argument would set something."""

SQLITE_TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        "ledger_leaf_no_update": "BEFORE UPDATE ON ledger_leaf "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE refused'); END",
        "ledger_leaf_no_delete": "BEFORE DELETE ON ledger_leaf "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE refused'); END",
        "ledger_leaf_dense": "BEFORE INSERT ON ledger_leaf "
        "WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger_leaf WHERE employer = NEW.employer) "
        "OR EXISTS (SELECT 1 FROM ledger_leaf WHERE employer = NEW.employer AND fact_id = NEW.fact_id) "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is dense: this leaf is not the next'); END",
        "ledger_node_no_update": "BEFORE UPDATE ON ledger_node "
        "BEGIN SELECT RAISE(ABORT, 'ledger_node is append-only: UPDATE refused'); END",
        "ledger_node_no_delete": "BEFORE DELETE ON ledger_node "
        "BEGIN SELECT RAISE(ABORT, 'ledger_node is append-only: DELETE refused'); END",
        "ledger_node_once": "BEFORE INSERT ON ledger_node "
        "WHEN EXISTS ( SELECT 1 FROM ledger_node "
        "WHERE employer = NEW.employer AND level = NEW.level AND place = NEW.place ) "
        "BEGIN SELECT RAISE(ABORT, 'ledger_node is append-only: this node is there'); END",
        "ledger_checkpoint_no_update": "BEFORE UPDATE ON ledger_checkpoint "
        "BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is append-only: UPDATE refused'); END",
        "ledger_checkpoint_no_delete": "BEFORE DELETE ON ledger_checkpoint "
        "BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is append-only: DELETE refused'); END",
        "ledger_checkpoint_onward": "BEFORE INSERT ON ledger_checkpoint "
        "WHEN EXISTS (SELECT 1 FROM ledger_checkpoint WHERE employer = NEW.employer AND size >= NEW.size) "
        "BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint goes onward: there is one over as many leaves'); END",
        "ledger_head_no_delete": "BEFORE DELETE ON ledger_head "
        "BEGIN SELECT RAISE(ABORT, 'ledger_head stays: DELETE refused'); END",
        "ledger_head_onward": "BEFORE UPDATE ON ledger_head "
        "WHEN NEW.size < OLD.size OR NEW.employer <> OLD.employer "
        "BEGIN SELECT RAISE(ABORT, 'ledger_head goes onward: a ledger does not shrink'); END",
        "ledger_head_once": "BEFORE INSERT ON ledger_head "
        "WHEN EXISTS (SELECT 1 FROM ledger_head WHERE employer = NEW.employer) "
        "BEGIN SELECT RAISE(ABORT, 'ledger_head stays: it is there'); END",
        "payload_no_update": "BEFORE UPDATE ON payload "
        "BEGIN SELECT RAISE(ABORT, 'payload is kept or erased: UPDATE refused'); END",
        "payload_once": "BEFORE INSERT ON payload "
        "WHEN EXISTS (SELECT 1 FROM payload WHERE employer = NEW.employer AND fact_id = NEW.fact_id) "
        "BEGIN SELECT RAISE(ABORT, 'payload is kept or erased: this text is there'); END",
    }
)
"""What each trigger says after its name, with single spaces."""

_REFUSE, _EACH = "EXECUTE FUNCTION ledger_refuse()", "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"

POSTGRESQL_TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        "ledger_leaf_no_change": "BEFORE DELETE OR UPDATE ON ledger_leaf "
        "FOR EACH ROW EXECUTE FUNCTION ledger_leaf_refuse()",
        "ledger_leaf_no_truncate": "BEFORE TRUNCATE ON ledger_leaf "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_leaf_refuse()",
        "ledger_leaf_dense": "BEFORE INSERT ON ledger_leaf FOR EACH ROW EXECUTE FUNCTION ledger_leaf_next()",
        "ledger_node_no_change": f"BEFORE DELETE OR UPDATE ON ledger_node {_EACH}",
        "ledger_node_no_truncate": f"BEFORE TRUNCATE ON ledger_node FOR EACH STATEMENT {_REFUSE}",
        "ledger_checkpoint_no_change": f"BEFORE DELETE OR UPDATE ON ledger_checkpoint {_EACH}",
        "ledger_checkpoint_no_truncate": f"BEFORE TRUNCATE ON ledger_checkpoint FOR EACH STATEMENT {_REFUSE}",
        "ledger_checkpoint_onward": "BEFORE INSERT ON ledger_checkpoint "
        "FOR EACH ROW EXECUTE FUNCTION ledger_checkpoint_next()",
        "ledger_head_no_delete": f"BEFORE DELETE ON ledger_head {_EACH}",
        "ledger_head_no_truncate": f"BEFORE TRUNCATE ON ledger_head FOR EACH STATEMENT {_REFUSE}",
        "ledger_head_onward": "BEFORE UPDATE ON ledger_head FOR EACH ROW "
        f"WHEN (new.size < old.size OR new.employer <> old.employer) {_REFUSE}",
        "payload_no_update": f"BEFORE UPDATE ON payload {_EACH}",
        "payload_no_truncate": f"BEFORE TRUNCATE ON payload FOR EACH STATEMENT {_REFUSE}",
    }
)
"""As PostgreSQL tells a trigger after its name."""

POSTGRESQL_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "ledger_leaf_refuse": "BEGIN RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP; END",
        "ledger_leaf_next": "BEGIN IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger_leaf "
        "WHERE employer = NEW.employer) THEN RAISE EXCEPTION 'the ledger is dense: this leaf is not the next'; "
        "END IF; RETURN NEW; END",
        "ledger_refuse": "BEGIN RAISE EXCEPTION '% is kept as it is: % refused', TG_TABLE_NAME, TG_OP; END",
        "ledger_checkpoint_next": "BEGIN IF EXISTS (SELECT 1 FROM ledger_checkpoint "
        "WHERE employer = NEW.employer AND size >= NEW.size) THEN "
        "RAISE EXCEPTION 'ledger_checkpoint goes onward: there is one over as many leaves'; "
        "END IF; RETURN NEW; END",
    }
)
"""What the triggers' functions do, with single spaces."""


class Enforcement(Frozen):
    """What is in force on the connection that was looked at.

    `missing` are triggers and functions that are not there, not as they were made, or switched off.
    `recursive_triggers` and `authorizer` are SQLite's, the rest is PostgreSQL's; None on the other. `can_undo`
    says why this user could switch the triggers off; `unguarded` are tables without row security for everybody.
    """

    missing: tuple[str, ...]
    recursive_triggers: bool | None = None
    authorizer: bool | None = None
    user: str | None = None
    can_undo: tuple[str, ...] = ()
    unguarded: tuple[str, ...] = ()


def authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None
) -> int:
    """SQLite's authorizer on the connections that are not for migrating: it denies what the product never does."""
    match action:
        case sqlite3.SQLITE_UPDATE:
            denied = first in _NEVER_CHANGED
        case sqlite3.SQLITE_DELETE:
            denied = first in _NEVER_DELETED
        case sqlite3.SQLITE_CREATE_TABLE:
            denied = first != _DECLARED
        case sqlite3.SQLITE_PRAGMA:
            denied = second is not None and first not in _ASKS
        case _:
            denied = action in _FORBIDDEN
    return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK


async def examine(connection: AsyncConnection) -> Enforcement:
    """Look at what is in force; nothing is changed."""
    driver = driven(connection)
    return await _on_server(connection) if driver is None else _on_file(driver)


def _on_file(driver: sqlite3.Connection) -> Enforcement:
    made = driver.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    found = {name: " ".join(sql.split()) for name, sql in made}
    return Enforcement(
        missing=tuple(
            name
            for name, said in SQLITE_TRIGGERS.items()
            if found.get(name) != f"CREATE TRIGGER {name} {said}"
        ),
        recursive_triggers=bool(driver.execute("PRAGMA recursive_triggers").fetchone()[0]),
        authorizer=_is_denied(driver, "EXPLAIN DROP TABLE ledger_leaf"),
    )


def _is_denied(driver: sqlite3.Connection, sql: str) -> bool:
    try:
        driver.execute(sql)
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_AUTH
    return False


async def _on_server(connection: AsyncConnection) -> Enforcement:
    triggers = {
        row.name: row.said
        for row in await connection.execute(_TRIGGERS)
        if row.enabled in ("O", "A") and row.said is not None
    }
    functions = {row.name: " ".join(row.said.split()) for row in await connection.execute(_FUNCTIONS)}
    user = (await connection.execute(_USER)).one()
    guarded = set(await connection.scalars(_FORCED))
    why = {
        "superuser": user.superuser, "bypasses row security": user.bypasses,
        "owner of the tables": user.owner, "triggers are off": user.role != "origin",
    }  # fmt: skip
    return Enforcement(
        missing=(
            *(
                name
                for name, said in POSTGRESQL_TRIGGERS.items()
                if triggers.get(name) != f"CREATE TRIGGER {name} {said}"
            ),
            *(name for name, said in POSTGRESQL_FUNCTIONS.items() if functions.get(name) != said),
        ),
        user=user.name,
        can_undo=tuple(name for name, true in why.items() if true),
        unguarded=tuple(table for table in GUARDED if table not in guarded),
    )


_TRIGGERS = text(
    "SELECT tgname AS name, tgenabled::text AS enabled, pg_get_triggerdef(t.oid, true) AS said "
    "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "WHERE NOT tgisinternal AND c.relnamespace = current_schema()::regnamespace"
)
_FUNCTIONS = text(
    "SELECT proname AS name, prosrc AS said FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
)
_USER = text(
    "SELECT rolname AS name, rolsuper AS superuser, rolbypassrls AS bypasses, "
    "coalesce(pg_has_role(c.relowner, 'MEMBER'), false) AS owner, "
    "current_setting('session_replication_role') AS role "
    "FROM pg_roles LEFT JOIN pg_class c ON c.oid = to_regclass('ledger_leaf') WHERE rolname = current_user"
)
_FORCED = text(
    "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity "
    "AND relnamespace = current_schema()::regnamespace"
)
