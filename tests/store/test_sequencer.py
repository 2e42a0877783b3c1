"""Facts that come at the same time share a transaction, and each has its own outcome all the same."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.ledger.log import Payload, commit
from activities.store.database import Database, NotThere, StoreError, Unusable
from tests.chaos.postgres import Postgres
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer, raw
from workflows.rules.events import DecisionRecorded, Fact
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome


def disagreement(id: str, comment: str) -> Fact:
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment=comment,
    )  # fmt: skip
    return a_fact(id, body, actor="kari")


async def begun() -> None:
    """Return when every task that was made has come to where it waits for the lock."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def crowd(database: Database) -> Callable[..., asyncio.Future[list[object]]]:
    """Start all of these appends while nobody can write; then let them go, and gather what came of them."""

    def start(*requests: tuple[list[Fact], dict[str, Payload]]) -> asyncio.Future[list[object]]:
        async def run() -> list[object]:
            async with database.write(EMPLOYER):
                waiting = [
                    asyncio.create_task(database.append(EMPLOYER, facts, texts)) for facts, texts in requests
                ]
                await begun()
            return list(await asyncio.gather(*waiting, return_exceptions=True))

        return asyncio.ensure_future(run())

    return start


async def test_an_append_of_its_own_is_there_when_it_returns(database: Database) -> None:
    payload, commitment = commit("Støyen er ikke målt.")
    fact = disagreement("f1", commitment)
    assert await database.append(EMPLOYER, [fact], {"f1": payload}) == [(1, fact)]
    assert await database.append(EMPLOYER, []) == []
    async with database.read() as reader:
        assert await reader.fact(EMPLOYER, "f1") == (1, fact)
        assert await reader.payload(EMPLOYER, "f1") == "Støyen er ikke målt."


async def test_each_of_many_gets_its_own_facts_in_the_order_in_which_they_came(
    database: Database, crowd: Callable[..., asyncio.Future[list[object]]]
) -> None:
    facts = [[a_fact(f"{n}-a"), a_fact(f"{n}-b")] for n in range(20)]
    stored = await crowd(*((pair, {}) for pair in facts))
    assert stored == [[(2 * n + 1, a), (2 * n + 2, b)] for n, (a, b) in enumerate(facts)]
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).ok


async def test_a_fact_that_several_bring_is_the_first_ones_with_its_text(
    database: Database, crowd: Callable[..., asyncio.Future[list[object]]]
) -> None:
    (first, of_first), (second, of_second) = commit("Uenig."), commit("Enig likevel.")
    one, other = disagreement("same", of_first), disagreement("same", of_second)
    stored = await crowd(([one], {"same": first}), ([other, a_fact("new")], {"same": second}))
    assert stored == [[(1, one)], [(2, a_fact("new"))]]
    async with database.read() as reader:
        assert await reader.payload(EMPLOYER, "same") == "Uenig."
        assert (await reader.verify(EMPLOYER)).ok


async def test_what_is_refused_fails_alone(
    database: Database, crowd: Callable[..., asyncio.Future[list[object]]]
) -> None:
    strange = a_fact("strange").model_copy(update={"employer": "fjellheimen", "cycle": None})
    uncommitted = {"loose": Payload(salt=b"s", text="Enig.")}
    good, bad, loose, late = await crowd(
        ([a_fact("f1")], {}), ([strange], {}), ([a_fact("loose")], uncommitted), ([a_fact("f2")], {})
    )
    assert (good, late) == ([(1, a_fact("f1"))], [(2, a_fact("f2"))])
    assert isinstance(bad, StoreError)
    assert "not for 'fjellheimen'" in str(bad)
    assert isinstance(loose, StoreError)
    assert "does not commit" in str(loose)


async def test_what_cannot_even_be_written_down_fails_alone(
    database: Database, crowd: Callable[..., asyncio.Future[list[object]]]
) -> None:
    """A moment without a zone is found only when the leaf is made, after the others are."""
    timeless = a_fact("timeless").model_copy(update={"recorded": NOW.replace(tzinfo=None)})
    good, bad, late = await crowd(([a_fact("f1")], {}), ([timeless], {}), ([a_fact("f2")], {}))
    assert (good, late) == ([(1, a_fact("f1"))], [(2, a_fact("f2"))])
    assert isinstance(bad, Exception)
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).model_dump(include={"size", "ok"}) == {"size": 2, "ok": True}


async def test_what_the_database_refuses_fails_alone(
    database: Database, store_url: str, crowd: Callable[..., asyncio.Future[list[object]]]
) -> None:
    with raw(store_url).begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER no BEFORE INSERT ON timeline WHEN NEW.actor = 'per' "
                "BEGIN SELECT RAISE(ABORT, 'not per'); END"
            )
        else:
            connection.exec_driver_sql("ALTER TABLE timeline ADD CHECK (actor <> 'per')")
    good, bad, late = await crowd(
        ([a_fact("f1")], {}), ([a_fact("f2", actor="per")], {}), ([a_fact("f3")], {})
    )
    assert (good, late) == ([(1, a_fact("f1"))], [(2, a_fact("f3"))])
    assert isinstance(bad, StoreError)
    assert "refused a change" in str(bad)


async def test_an_employer_that_is_not_there_holds_up_nobody(database: Database) -> None:
    lost = database.append("ukjent", [a_fact("f1")])
    found = database.append(EMPLOYER, [a_fact("f1")])
    refused, stored = await asyncio.gather(lost, found, return_exceptions=True)
    assert isinstance(refused, NotThere)
    assert stored == [(1, a_fact("f1"))]


async def test_whoever_stops_waiting_withdraws_what_is_not_being_written(database: Database) -> None:
    async with database.write(EMPLOYER):
        first = asyncio.create_task(database.append(EMPLOYER, [a_fact("under way")]))
        await begun()
        withdrawn = asyncio.create_task(database.append(EMPLOYER, [a_fact("withdrawn")]))
        last = asyncio.create_task(database.append(EMPLOYER, [a_fact("last")]))
        await begun()
        withdrawn.cancel()
        first.cancel()
    assert await last == [(2, a_fact("last"))]
    assert withdrawn.cancelled()
    assert first.cancelled()
    async with database.read() as reader:
        assert [fact.id for _, fact in await reader.facts(EMPLOYER)] == ["under way", "last"]
    assert await database.append(EMPLOYER, [a_fact("under way")]) == []


async def test_more_than_fits_into_one_transaction_is_written_in_several(
    database: Database, crowd: Callable[..., asyncio.Future[list[object]]]
) -> None:
    batches = [[a_fact(f"{n}-{m}", step=None) for m in range(300)] for n in range(3)]
    stored = await crowd(*((batch, {}) for batch in batches))
    assert [len(found) if isinstance(found, list) else found for found in stored] == [300] * 3
    async with database.read() as reader:
        assert (await reader.head(EMPLOYER)).size == 900


async def test_closing_waits_for_what_was_given(store_url: str) -> None:
    database = Database(store_url)
    await add_employer(database, EMPLOYER)
    under_way = [asyncio.create_task(database.append(EMPLOYER, [a_fact(f"f{n}")])) for n in range(5)]
    await asyncio.sleep(0)
    await database.close()
    assert [seq for [(seq, _)] in await asyncio.gather(*under_way)] == [1, 2, 3, 4, 5]


async def test_when_the_database_is_lost_everybody_who_waits_is_told_and_nothing_is_half_written() -> None:
    with tempfile.TemporaryDirectory(prefix="pg") as folder, Postgres(Path(folder)) as server:
        database = Database(server.url)
        await database.upgrade()
        await add_employer(database, EMPLOYER)
        await database.append(EMPLOYER, [a_fact("before")])
        inside, go = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with database.write(EMPLOYER):
                inside.set()
                await go.wait()

        holder = asyncio.create_task(hold())
        await inside.wait()
        waiting = [
            asyncio.create_task(database.append(EMPLOYER, [a_fact(f"{n}-a"), a_fact(f"{n}-b")]))
            for n in range(6)
        ]
        await begun()
        await asyncio.to_thread(server.crash)
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, Unusable) for error in told), told
        assert len({id(error) for error in told}) == 6
        go.set()
        await asyncio.gather(holder, return_exceptions=True)
        assert await database.append(EMPLOYER, [a_fact("after")]) == [(2, a_fact("after"))]
        async with database.read() as reader:
            assert (await reader.verify(EMPLOYER)).ok
        await database.close()
