"""On PostgreSQL the product has a role that can add to its ledgers and not change them.

That everything the product does works with it, all other tests of the store show: they run as it.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from activities.ledger.log import commit
from activities.store.database import Database, StoreError
from activities.store.enforcement import GUARDED, examine
from activities.store.roles import PRIVILEGES, statements
from activities.store.tables import METADATA
from tests.store.made import APP, EMPLOYER, a_fact, add_employer, as_app, fresh_postgres, opened, raw
from workflows.rules.events import DecisionRecorded
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome

pytestmark = pytest.mark.parametrize("migrated", ["postgresql"], indirect=True)

OTHER = "fjellheimen"
MINE = f"SELECT set_config('forsvarlig.employer', '{EMPLOYER}', true)"


@pytest.fixture
async def app(database: Database, store_url: str) -> sa.Engine:
    """The role's own way to two ledgers with three leaves each, of which the last has a text beside it."""
    await add_employer(database, OTHER)
    payload, commitment = commit("Uenig.")
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment=commitment,
    )  # fmt: skip
    facts = [a_fact("f1", step=None), a_fact("f2", step=None), a_fact("f3", body)]
    await database.append(EMPLOYER, facts, {"f3": payload})
    theirs = [f.model_copy(update={"employer": OTHER, "cycle": None, "step": None}) for f in facts]
    await database.append(OTHER, theirs, {"f3": payload})
    return raw(as_app(store_url))


def told(engine: sa.Engine, *statements: str) -> str:
    """What the role is told; empty when it all goes through."""
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    return ""


FORBIDDEN = [
    *(f"UPDATE {table} SET employer = employer" for table in GUARDED),
    *(f"DELETE FROM {table}" for table in GUARDED if table not in ("payload", "text_word")),
    *(f"TRUNCATE {table}" for table in GUARDED),
    *(f"DROP TABLE {table}" for table in GUARDED),
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in GUARDED),
    *(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY" for table in GUARDED),
    "INSERT INTO ledger_leaf SELECT * FROM ledger_leaf ON CONFLICT (employer, seq) DO UPDATE SET kind = 'x'",
    "INSERT INTO payload SELECT * FROM payload ON CONFLICT (employer, fact_id) DO UPDATE SET text = 'x'",
    "TRUNCATE timeline",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "DROP POLICY forsvarlig_add ON ledger_leaf",
    "CREATE TRIGGER mine BEFORE INSERT ON ledger_leaf FOR EACH ROW EXECUTE FUNCTION ledger_refuse()",
    "UPDATE employer SET mode = 'rehearsal'",
    "UPDATE organisation_version SET body = '{}'",
    "DELETE FROM rulebook",
    "SET ROLE postgres",
]


async def test_the_role_may_not_change_what_is_recorded_nor_what_keeps_it_so(app: sa.Engine) -> None:
    answers = {statement: told(app, statement) for statement in FORBIDDEN}
    refused = ("permission denied", "must be owner")
    assert {s: said for s, said in answers.items() if not any(word in said for word in refused)} == {}


LEAF = (
    "INSERT INTO ledger_leaf (employer, seq, fact_id, kind, body, hash) "
    "SELECT '{0}', 4, 'forged', kind, body, hash FROM ledger_leaf WHERE employer = '{0}' AND seq = 1"
)


FOR_OTHERS = [
    LEAF.format(OTHER),
    f"INSERT INTO ledger_node VALUES ('{OTHER}', 9, 9, 'x')",
    f"INSERT INTO ledger_checkpoint VALUES ('{OTHER}', 9, 'note', now())",
    f"INSERT INTO ledger_anchor VALUES ('{OTHER}', 'pin', 9, 'file', now(), NULL)",
    f"INSERT INTO payload VALUES ('{OTHER}', 'f1', 'salt', 'text')",
    f"INSERT INTO text_word VALUES ('{OTHER}', 2, '')",
    f"UPDATE ledger_head SET size = 9 WHERE employer = '{OTHER}'",
]


async def test_a_transaction_of_one_employer_adds_nothing_for_another_nor_for_nobody(app: sa.Engine) -> None:
    for statement in FOR_OTHERS:
        assert "row-level security" in told(app, MINE, statement), statement
        assert "row-level security" in told(app, statement), statement
        assert told(app, MINE, statement.replace(OTHER, EMPLOYER)) == ""


async def test_a_text_of_another_employer_is_not_erased(app: sa.Engine, store_url: str) -> None:
    assert told(app, MINE, "DELETE FROM payload") == ""
    assert told(app, MINE, "DELETE FROM text_word") == ""
    with raw(store_url).connect() as connection:
        for table in ("payload", "text_word"):
            assert connection.exec_driver_sql(f"SELECT employer FROM {table}").scalars().all() == [OTHER]


async def test_reading_is_across_employers_as_the_product_needs_it(app: sa.Engine) -> None:
    with app.begin() as connection:
        for settings in ((), (MINE,)):
            for setting in settings:
                connection.exec_driver_sql(setting)
            found = connection.exec_driver_sql("SELECT DISTINCT employer FROM ledger_leaf ORDER BY 1")
            assert found.scalars().all() == [OTHER, EMPLOYER]


async def test_what_is_not_stopped_is_a_role_that_names_another_employer_itself(app: sa.Engine) -> None:
    """Row security holds a program to what it means to do; whoever has the role's password may mean anything."""
    claim = f"SELECT set_config('forsvarlig.employer', '{OTHER}', true)"
    assert told(app, claim, LEAF.format(OTHER)) == ""


# --- setting it up --------------------------------------------------------------------------------


def test_every_table_is_thought_of(migrated: object) -> None:
    assert PRIVILEGES.keys() == METADATA.tables.keys() | {"alembic_version", "text_word"}


@pytest.mark.parametrize("name", ["", "App", "app; DROP TABLE x", "app'", 'app"', "1app", "å", "a" * 64])
def test_a_name_that_could_be_anything_else_is_refused(migrated: object, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be the name of a role"):
        statements(name)


async def test_an_owner_who_is_no_superuser_upgrades_and_lets_the_role_in(store_url: str) -> None:
    with fresh_postgres(store_url) as url, raw(url).connect() as connection:
        name = sa.make_url(url).database
        connection.exec_driver_sql("DROP ROLE IF EXISTS huseier")
        connection.exec_driver_sql("CREATE ROLE huseier LOGIN")
        connection.exec_driver_sql(f"ALTER DATABASE {name} OWNER TO huseier")
        connection.commit()
        owner = Database(sa.make_url(url).set(username="huseier").render_as_string(False))
        await owner.upgrade()
        with pytest.raises(StoreError, match="huseier owns the tables"):
            await owner.let_in("huseier")
        with pytest.raises(StoreError, match="permission denied to create role"):
            await owner.let_in("ny_rolle")
        await owner.let_in(APP)
        await owner.let_in(APP)
        async with owner.read() as reader:
            assert (await examine(reader.connection)).can_undo == ("owner of the tables",)
        await owner.close()
        async with opened(as_app(url)) as database:
            assert await database.append(EMPLOYER, [a_fact("f1")]) == [(1, a_fact("f1"))]
            async with database.read() as reader:
                found = await examine(reader.connection)
            assert (found.user, found.missing, found.can_undo, found.unguarded) == (APP, (), (), ())
            with pytest.raises(StoreError, match=r"must be owner|permission denied"):
                await database.let_in(APP)


async def test_before_the_role_is_let_in_the_ledgers_are_unguarded(store_url: str) -> None:
    with fresh_postgres(store_url) as url:
        database = Database(url)
        await database.upgrade()
        async with database.read() as reader:
            assert (await examine(reader.connection)).unguarded == GUARDED
        await database.close()


async def test_the_claim_ends_with_its_transaction(database: Database) -> None:
    await database.append(EMPLOYER, [a_fact("f1")])
    async with database.write(EMPLOYER) as transaction:
        setting = sa.text("SELECT current_setting('forsvarlig.employer', true)")
        assert await transaction.connection.scalar(setting) == EMPLOYER
    async with database.read() as reader:
        assert not await reader.connection.scalar(setting)
