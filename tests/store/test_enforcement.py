"""What the database refuses by itself, whoever asks, and what it cannot refuse to whoever owns it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from activities.ledger.log import commit
from activities.store.database import Database, StoreError
from activities.store.enforcement import (
    GUARDED,
    POSTGRESQL_TRIGGERS,
    SQLITE_TRIGGERS,
    Enforcement,
    examine,
)
from activities.store.sqlite import driven
from tests.store.made import EMPLOYER, a_fact, raw, without_triggers
from workflows.rules.events import DecisionRecorded
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome

CHECKPOINT = (
    "INSERT INTO ledger_checkpoint (employer, size, note, made) VALUES ('{}', {}, 'note', '2027-01-04')"
)


@pytest.fixture
async def ledger(database: Database, store_url: str) -> Database:
    """Four leaves with a text beside the last one, and a row where a checkpoint over two of them would be."""
    payload, commitment = commit("Uenig: støyen er ikke målt.")
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment=commitment,
    )  # fmt: skip
    facts = [a_fact("f1"), a_fact("f2"), a_fact("f3"), a_fact("f4", body)]
    await database.append(EMPLOYER, facts, {"f4": payload})
    with raw(store_url).begin() as connection:
        connection.exec_driver_sql(CHECKPOINT.format(EMPLOYER, 2))
    return database


async def looked_at(database: Database) -> Enforcement:
    async with database.read() as reader:
        return await examine(reader.connection)


def refusal(url: str, *statements: str) -> str:
    """What an engine as anybody may open one is told; empty when it all goes through."""
    try:
        with raw(url).begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    return ""


def contents(url: str) -> list[list[tuple[object, ...]]]:
    with raw(url).connect() as connection:
        order = "ORDER BY 1, 2"
        return [
            [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} {order}")]
            for table in GUARDED
            if table != "text_word"
        ]


REFUSED = [
    "UPDATE ledger_node SET hash = hash",
    "DELETE FROM ledger_node WHERE level = 2",
    "DELETE FROM ledger_node",
    "UPDATE ledger_checkpoint SET note = 'other'",
    "DELETE FROM ledger_checkpoint",
    CHECKPOINT.format(EMPLOYER, 2),
    CHECKPOINT.format(EMPLOYER, 1),
    "DELETE FROM ledger_head",
    "UPDATE ledger_head SET size = 3",
    "UPDATE payload SET text = 'Enig.'",
    "UPDATE payload SET fact_id = 'f1'",
]


async def test_what_is_recorded_cannot_be_changed_by_any_statement(ledger: Database, store_url: str) -> None:
    before = contents(store_url)
    answers = {statement: refusal(store_url, statement) for statement in REFUSED}
    assert {s: said for s, said in answers.items() if "refused" not in said and "onward" not in said} == {}
    assert contents(store_url) == before
    assert (await looked_at(ledger)).missing == ()


async def test_what_only_one_kind_of_database_can_do_is_refused_there(
    ledger: Database, store_url: str
) -> None:
    before = contents(store_url)
    if store_url.startswith("sqlite"):
        # Under SQLite's own default REPLACE deletes rows without their delete triggers.
        for statement in (
            "INSERT OR REPLACE INTO ledger_node SELECT employer, level, place, x'00' FROM ledger_node",
            "INSERT OR REPLACE INTO ledger_head SELECT employer, 9, root, frontier, recorded FROM ledger_head",
            "INSERT OR REPLACE INTO payload SELECT employer, fact_id, salt, 'Enig.' FROM payload",
            CHECKPOINT.format(EMPLOYER, 2).replace("INSERT", "INSERT OR REPLACE"),
            "UPDATE OR REPLACE ledger_node SET place = 0",
        ):
            assert refusal(store_url, "PRAGMA recursive_triggers = OFF", statement), statement
    else:
        for table in GUARDED:
            if table not in ("ledger_anchor", "text_word"):
                assert "TRUNCATE refused" in refusal(store_url, f"TRUNCATE {table}")
        assert "UPDATE refused" in refusal(
            store_url,
            "INSERT INTO ledger_node SELECT * FROM ledger_node "
            "ON CONFLICT (employer, level, place) DO UPDATE SET hash = 'x'",
        )
    assert contents(store_url) == before


async def test_a_text_can_be_erased_and_the_ledger_stays_valid(ledger: Database, store_url: str) -> None:
    assert refusal(store_url, "DELETE FROM payload") == ""
    async with ledger.read() as reader:
        assert await reader.payload(EMPLOYER, "f4") is None
        assert not any("payload" in fault for fault in (await reader.verify(EMPLOYER)).faults)


# --- what doctor looks at -------------------------------------------------------------------------


async def test_a_new_database_has_every_trigger_and_nothing_is_left_unsaid(
    ledger: Database, store_url: str
) -> None:
    found = await looked_at(ledger)
    if store_url.startswith("sqlite"):
        assert found == Enforcement(missing=(), recursive_triggers=True, authorizer=True)
        names, table = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'", SQLITE_TRIGGERS
    else:
        assert found == Enforcement(missing=(), user="forsvarlig_app")
        names = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        table = POSTGRESQL_TRIGGERS
    with raw(store_url).connect() as connection:
        there = {
            name: of for name, of in connection.exec_driver_sql(names) if not name.startswith("payload_words")
        }
    assert there.keys() == table.keys()
    assert set(there.values()) == set(GUARDED) - {"ledger_anchor", "text_word"}


async def test_a_trigger_that_was_taken_away_or_replaced_is_named(ledger: Database, store_url: str) -> None:
    if store_url.startswith("sqlite"):
        replaced = "CREATE TRIGGER payload_no_update BEFORE UPDATE ON payload BEGIN SELECT 1; END"
        statements = ["DROP TRIGGER ledger_leaf_no_delete", "DROP TRIGGER payload_no_update", replaced]
        gone = ("ledger_leaf_no_delete", "payload_no_update")
    else:
        statements = [
            "ALTER TABLE ledger_leaf DISABLE TRIGGER ledger_leaf_no_change",
            "DROP TRIGGER payload_no_update ON payload",
            "CREATE OR REPLACE FUNCTION ledger_checkpoint_next() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NEW; END $$",
        ]
        gone = ("ledger_leaf_no_change", "payload_no_update", "ledger_checkpoint_next")
    assert refusal(store_url, *statements) == ""
    assert (await looked_at(ledger)).missing == gone


async def test_a_connection_without_the_stores_own_care_is_told(store_url: str, ledger: Database) -> None:
    if store_url.startswith("sqlite"):
        async with ledger.read() as reader:
            driver = driven(reader.connection)
            assert driver is not None
            driver.set_authorizer(None)
            driver.execute("PRAGMA recursive_triggers = OFF")
            found = await examine(reader.connection)
        assert (found.recursive_triggers, found.authorizer) == (False, False)
    else:
        owner = Database(store_url)
        found = await looked_at(owner)
        assert found.can_undo == ("superuser", "bypasses row security", "owner of the tables")
        await owner.close()


# --- SQLite: what the product's own connections are denied -----------------------------------------


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER ledger_leaf_no_update",
        "DROP TABLE ledger_leaf",
        "ALTER TABLE ledger_leaf RENAME TO other",
        "ALTER TABLE ledger_leaf ADD COLUMN other TEXT",
        "CREATE TRIGGER mine BEFORE INSERT ON ledger_leaf BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TEMP TRIGGER mine BEFORE INSERT ON ledger_leaf BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TEMP TABLE ledger_leaf (employer TEXT)",
        "CREATE TEMP VIEW ledger_head AS SELECT 1",
        "CREATE TABLE another (id TEXT)",
        "ATTACH DATABASE ':memory:' AS other",
        "PRAGMA writable_schema = ON",
        "PRAGMA recursive_triggers = OFF",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA journal_mode = DELETE",
        "UPDATE sqlite_master SET sql = '' WHERE name = 'ledger_leaf_no_update'",
        "UPDATE ledger_leaf SET kind = 'x'",
        "DELETE FROM ledger_leaf",
        "UPDATE ledger_node SET hash = hash",
        "DELETE FROM ledger_checkpoint",
        "UPDATE ledger_anchor SET holder = 'x'",
        "DELETE FROM ledger_anchor",
        "DELETE FROM ledger_head",
        "UPDATE payload SET text = 'Enig.'",
        "INSERT INTO payload SELECT * FROM payload WHERE true "
        "ON CONFLICT (employer, fact_id) DO UPDATE SET text = 'x'",
    ],
)
async def test_a_program_that_was_taken_over_is_denied_it(
    ledger: Database, store_url: str, statement: str
) -> None:
    """On PostgreSQL the role does this: `test_roles`."""
    before = contents(store_url)
    with pytest.raises(StoreError, match=r"refused a change|may not be modified|not authorized"):
        async with ledger.write(EMPLOYER) as transaction:
            await transaction.connection.exec_driver_sql(statement)
    assert contents(store_url) == before
    assert (await looked_at(ledger)).missing == ()


# --- what nothing in the database can stop ---------------------------------------------------------


async def test_whoever_owns_the_database_can_rewrite_it_all_so_that_it_agrees_with_itself(
    ledger: Database, store_url: str
) -> None:
    """No fault is found afterwards: only an anchor outside tells. This is why there are anchors."""
    gone = [
        "DELETE FROM ledger_checkpoint", "DELETE FROM payload", "DELETE FROM ledger_node",
        "DELETE FROM ledger_leaf", "DELETE FROM ledger_head", "DELETE FROM timeline",
        "DELETE FROM step_status", "DELETE FROM inbox", "DELETE FROM timeline_person",
    ]  # fmt: skip
    without_triggers(store_url, *gone)
    owner = Database(store_url)
    async with owner.write(EMPLOYER) as transaction:
        row = await transaction.employer(EMPLOYER)
        await transaction.put_employer(row)
        await transaction.append([a_fact("f1", actor="somebody-else")])
    async with owner.read() as reader:
        assert (await reader.verify(EMPLOYER)).ok
    await owner.close()


@pytest.mark.parametrize("migrated", ["postgresql"], indirect=True)
async def test_a_superuser_passes_by_the_triggers_without_taking_them_away(
    ledger: Database, store_url: str
) -> None:
    passing = "SET session_replication_role = replica"
    assert refusal(store_url, passing, "UPDATE payload SET text = 'Enig.'") == ""
    assert (await looked_at(ledger)).missing == ()
    async with ledger.read() as reader:
        assert any("payload of f4" in fault for fault in (await reader.verify(EMPLOYER)).faults)
