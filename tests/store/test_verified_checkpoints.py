"""`verify` holds each checkpoint against the leaves, the checkpoint before it, and the key that counted then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities.checkpoints import Checkpoints
from activities.ledger.log import leaf_bytes
from activities.ledger.merkle import leaf_hash
from activities.signatures import SigningKey
from activities.store.database import Database
from tests.store.made import EMPLOYER, NOW, a_fact, raw, without_triggers


@pytest.fixture
async def ledger(database: Database) -> Database:
    """Three checkpoints, over two leaves, three and four; the second leaf enrols the key."""
    checkpoints = Checkpoints(database, SigningKey.new(), lambda: NOW)
    for number in range(3):
        await database.append(EMPLOYER, [a_fact(f"f{number}")])
        await checkpoints.make(EMPLOYER)
    return database


async def faults(database: Database) -> tuple[str, ...]:
    async with database.read() as reader:
        return (await reader.verify(EMPLOYER)).faults


async def test_checkpoints_that_were_made_here_are_right(ledger: Database) -> None:
    assert await faults(ledger) == ()


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ["DELETE FROM ledger_checkpoint WHERE size = 3"],
            ["checkpoint over 4 leaves: it does not name the checkpoint before it"],
        ),
        (
            ["DELETE FROM ledger_checkpoint WHERE size = 2"],
            ["checkpoint over 3 leaves: it does not name the checkpoint before it"],
        ),
        (
            [
                "DELETE FROM ledger_checkpoint WHERE size = 3",
                "UPDATE ledger_checkpoint SET size = 3 WHERE size = 4",
            ],
            [
                "checkpoint over 3 leaves: it says 4 leaves",
                "checkpoint over 3 leaves: it does not name the checkpoint before it",
            ],
        ),
        (["UPDATE ledger_checkpoint SET size = 9 WHERE size = 4"], ["checkpoint over 9 leaves: there are 4"]),
        (
            ["UPDATE ledger_checkpoint SET note = replace(note, '07:00:00Z', '07:00:01Z') WHERE size = 4"],
            [
                "checkpoint over 4 leaves: The signature of forsvarlig/923609016/nordfjord-tre is not over this text."
            ],
        ),
        (
            ["UPDATE ledger_checkpoint SET note = 'nothing' WHERE size = 4"],
            ["checkpoint over 4 leaves: There is no blank line"],
        ),
    ],
)
async def test_a_checkpoint_that_was_changed_or_taken_away_is_found(
    ledger: Database, store_url: str, statements: list[str], said: list[str]
) -> None:
    without_triggers(store_url, *statements)
    found = await faults(ledger)
    assert [fault[: len(each)] for fault, each in zip(found, said, strict=True)] == said


async def test_a_checkpoint_by_another_key_is_found(ledger: Database, store_url: str) -> None:
    """Whoever has the database but not the log key can write a checkpoint, and not one that counts."""
    with raw(store_url).connect() as connection:
        note = connection.exec_driver_sql("SELECT note FROM ledger_checkpoint WHERE size = 4").scalar_one()
    key = note.rpartition(" ")[2].strip()
    without_triggers(
        store_url, f"UPDATE ledger_checkpoint SET note = replace(note, '{key[:6]}', 'AAAAAA') WHERE size = 4"
    )
    [fault] = await faults(ledger)
    assert "No key that is trusted signed this note" in fault


async def test_a_leaf_that_was_dated_back_after_the_log_key_is_found(
    database: Database, store_url: str
) -> None:
    await Checkpoints(database, SigningKey.new(), lambda: NOW).make(EMPLOYER)
    early = a_fact("f1").model_copy(update={"recorded": NOW - timedelta(hours=1)})
    leaf = leaf_bytes(2, early)
    with raw(store_url).begin() as connection:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        connection.exec_driver_sql(
            "INSERT INTO ledger_leaf (employer, seq, fact_id, cycle, step, kind, body, hash) "
            f"VALUES ({', '.join([mark] * 8)})",
            (EMPLOYER, 2, early.id, early.cycle, early.step, early.kind, leaf, leaf_hash(leaf)),
        )
    found = await faults(database)
    assert "leaf 2: was recorded before the leaf before it" in found
