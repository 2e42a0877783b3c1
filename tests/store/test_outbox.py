"""The outbox: what is to be told outside, once per key, in order, until it is delivered."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from activities.store.database import Database, StoreError
from tests.store.made import EMPLOYER, NOW, UNIT, add_employer

LATER = NOW + timedelta(minutes=5)


async def test_a_bell_is_rung_for_its_cycle_once_per_key(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        assert await transaction.ring(UNIT, "f1", NOW)
    async with database.write(EMPLOYER) as transaction:
        assert not await transaction.ring(UNIT, "f1", LATER)
        [row] = await transaction.outbox_due(NOW, 10)
    assert (row.channel, row.target, row.key, row.created, row.employer) == (
        "bell",
        UNIT,
        "f1",
        NOW,
        EMPLOYER,
    )
    assert (row.attempts, row.delivered, row.last_error, row.fact_seq) == (0, None, None, None)


async def test_the_same_mail_enqueued_by_several_tasks_at_once_is_there_once(database: Database) -> None:
    async def enqueue() -> bool:
        async with database.write(EMPLOYER) as transaction:
            return await transaction.enqueue("mail", "kari", "f1|kari", NOW, fact_seq=1)

    assert sum(await asyncio.gather(*(enqueue() for _ in range(6)))) == 1
    async with database.read() as reader:
        assert await reader.outbox_pending() == 1


async def test_what_is_due_comes_in_the_order_it_was_put_there(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        for number in (3, 1, 2):
            await transaction.enqueue("mail", "kari", f"k{number}", NOW, fact_seq=number)
        await transaction.enqueue("mail", "kari", "future", LATER)
        assert [row.key for row in await transaction.outbox_due(NOW, 10)] == ["k3", "k1", "k2"]
        assert [row.key for row in await transaction.outbox_due(NOW, 2)] == ["k3", "k1"]
        assert [row.key for row in await transaction.outbox_due(LATER, 10)] == ["k3", "k1", "k2", "future"]
        assert await transaction.outbox_pending() == 4


async def test_bells_are_found_behind_however_many_mails(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        for number in range(20):
            await transaction.enqueue("mail", "kari", f"k{number}", NOW, fact_seq=number)
        await transaction.enqueue("start", UNIT, "s", NOW)
        await transaction.ring(UNIT, "b", NOW)
        assert [row.key for row in await transaction.outbox_due(NOW, 5, ("bell", "start"))] == ["s", "b"]
        assert [row.key for row in await transaction.outbox_due(NOW, 2, ("mail",))] == ["k0", "k1"]
        assert await transaction.outbox_due(NOW, 5, ()) == []


async def test_what_is_delivered_is_not_due_again_and_its_key_stays_taken(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.enqueue("start", UNIT, "k", NOW)
        [row] = await transaction.outbox_due(NOW, 1)
        await transaction.delivered([row.id], LATER)
        assert await transaction.outbox_due(LATER, 10) == []
        assert await transaction.outbox_pending() == 0
        assert not await transaction.enqueue("start", UNIT, "k", LATER)


async def test_what_failed_is_due_again_later_with_its_error(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.enqueue("mail", "kari", "k", NOW)
        [row] = await transaction.outbox_due(NOW, 1)
        await transaction.failed(row.id, "451 try again " * 100, LATER)
        assert await transaction.outbox_due(NOW, 10) == []
        [again] = await transaction.outbox_due(LATER, 10)
        assert (again.id, again.attempts, again.not_before) == (row.id, 1, LATER)
        assert again.last_error is not None
        assert len(again.last_error) == 500
        await transaction.delivered([row.id], LATER)
        assert await transaction.outbox_pending() == 0


async def test_a_row_of_another_employer_cannot_be_ticked_off(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.enqueue("mail", "kari", "k", NOW)
        [row] = await transaction.outbox_due(NOW, 1)
    await add_employer(database, "fjellheimen")
    async with database.write("fjellheimen") as transaction:
        with pytest.raises(StoreError, match=f"{row.id} is in the outbox of 'fjellheimen'"):
            await transaction.delivered([row.id], NOW)
