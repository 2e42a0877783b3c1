"""The ledger in the database: appended once, whole or not at all, dense, and closed to every change."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
import sqlalchemy as sa

from activities.ledger.log import Payload, commit
from activities.ledger.merkle import Frontier, leaf_hash
from activities.store.database import Database, NotThere, StoreError
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer, raw
from workflows.rules.events import DecisionRecorded
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome


def disagreement(comment: str | None) -> DecisionRecorded:
    return DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment=comment,
    )  # fmt: skip


async def test_facts_come_back_in_the_order_they_were_appended(database: Database) -> None:
    facts = [a_fact(f"f{n}") for n in range(5)]
    async with database.write(EMPLOYER) as transaction:
        assert await transaction.append(facts) == list(enumerate(facts, 1))
    async with database.read() as reader:
        assert await reader.facts(EMPLOYER) == list(enumerate(facts, 1))
        assert await reader.facts(EMPLOYER, after=2, limit=2) == [(3, facts[2]), (4, facts[3])]
        assert await reader.fact(EMPLOYER, "f3") == (4, facts[3])
        assert await reader.fact(EMPLOYER, "f9") is None


async def test_facts_of_one_cycle_are_found_among_others(database: Database) -> None:
    other = a_fact("f2").model_copy(update={"cycle": f"year/{EMPLOYER}/2027"})
    about_the_employer = a_fact("f3").model_copy(update={"cycle": None, "step": None})
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1"), other, about_the_employer])
        assert await transaction.facts(EMPLOYER, cycle=other.cycle) == [(2, other)]


async def test_the_head_is_the_merkle_root_over_the_leaves(database: Database, store_url: str) -> None:
    async with database.write(EMPLOYER) as transaction:
        assert (await transaction.head(EMPLOYER)).root == Frontier().root.hex()
        await transaction.append([a_fact(f"f{n}") for n in range(7)])
    expected = Frontier()
    with raw(store_url).connect() as connection:
        for body in connection.exec_driver_sql("SELECT body FROM ledger_leaf ORDER BY seq").scalars():
            expected = expected.append(leaf_hash(bytes(body)))
    async with database.read() as reader:
        head = await reader.head(EMPLOYER)
    assert (head.size, head.root) == (7, expected.root.hex())


async def test_a_fact_that_is_there_already_is_skipped_and_the_first_stands(database: Database) -> None:
    first, second = a_fact("f1"), a_fact("f1", actor="kari")
    async with database.write(EMPLOYER) as transaction:
        assert await transaction.append([first, second]) == [(1, first)]
    async with database.write(EMPLOYER) as transaction:
        assert await transaction.append([second, a_fact("f2")]) == [(2, a_fact("f2"))]
        assert await transaction.append([]) == []
    async with database.read() as reader:
        assert [fact.actor for _, fact in await reader.facts(EMPLOYER)] == ["system", "system"]


async def test_more_facts_than_a_statement_can_name_are_appended_and_recognised(database: Database) -> None:
    facts = [a_fact(f"f{n}") for n in range(1203)]
    async with database.write(EMPLOYER) as transaction:
        assert len(await transaction.append(facts)) == 1203
    async with database.write(EMPLOYER) as transaction:
        assert await transaction.append(facts) == []


async def test_the_same_facts_from_several_tasks_at_once_are_appended_once(database: Database) -> None:
    async def append(task: int) -> int:
        async with database.write(EMPLOYER) as transaction:
            return len(await transaction.append([a_fact("same"), a_fact(f"of {task}")]))

    assert sorted(await asyncio.gather(*(append(task) for task in range(8)))) == [1] * 7 + [2]
    async with database.read() as reader:
        assert [seq for seq, _ in await reader.facts(EMPLOYER)] == list(range(1, 10))


async def test_many_writers_in_two_processes_worth_of_connections_keep_one_ledger_dense(
    database: Database, store_url: str
) -> None:
    other = Database(store_url)

    async def append(store: Database, writer: int) -> None:
        for number in range(5):
            async with store.write(EMPLOYER) as transaction:
                await transaction.append([a_fact(f"{writer}-{number}")])

    await asyncio.gather(*(append((database, other)[writer % 2], writer) for writer in range(8)))
    await other.close()
    async with database.read() as reader:
        assert [seq for seq, _ in await reader.facts(EMPLOYER)] == list(range(1, 41))
        assert (await reader.verify(EMPLOYER)).faults == ()


async def test_two_employers_have_two_ledgers(database: Database) -> None:
    await add_employer(database, "fjellheimen")
    theirs = a_fact("f1").model_copy(update={"employer": "fjellheimen", "cycle": None, "step": None})
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1"), a_fact("f2")])
    async with database.write("fjellheimen") as transaction:
        assert await transaction.append([theirs]) == [(1, theirs)]


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    payload, commitment = commit("Støyen er ikke målt.")
    with pytest.raises(RuntimeError, match="mailer"):  # noqa: PT012 (the block is what fails)
        async with database.write(EMPLOYER) as transaction:
            await transaction.append([a_fact("f1", disagreement(commitment))], {"f1": payload})
            await transaction.enqueue("mail", "kari", "f1|kari", NOW)
            raise RuntimeError("the mailer broke")
    async with database.read() as reader:
        assert (await reader.head(EMPLOYER)).size == 0
        assert await reader.facts(EMPLOYER) == []
        assert await reader.timeline(employer=EMPLOYER) == []
        assert await reader.payload(EMPLOYER, "f1") is None
        assert await reader.outbox_pending() == 0


async def test_a_failed_append_that_the_caller_swallows_is_rolled_back_all_the_same(
    database: Database, store_url: str
) -> None:
    with raw(store_url).begin() as connection:
        connection.exec_driver_sql("DROP TABLE timeline")
    with pytest.raises(StoreError, match="was not undone"):  # noqa: PT012 (the block is what fails)
        async with database.write(EMPLOYER) as transaction:
            with pytest.raises(sa.exc.DBAPIError):
                await transaction.append([a_fact("f1")])
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).size == 0


async def test_a_comment_is_kept_beside_the_ledger_and_not_in_it(database: Database, store_url: str) -> None:
    payload, commitment = commit("Kari skriver at hun er utslitt.")
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1", disagreement(commitment), actor="kari")], {"f1": payload})
    async with database.read() as reader:
        assert await reader.payload(EMPLOYER, "f1") == "Kari skriver at hun er utslitt."
        assert await reader.payload(EMPLOYER, "f2") is None
    with raw(store_url).connect() as connection:
        [leaf] = connection.exec_driver_sql("SELECT body FROM ledger_leaf").scalars()
    assert b"utslitt" not in bytes(leaf)


async def test_a_repeated_decision_does_not_replace_the_comment_of_the_first(database: Database) -> None:
    for text in ("Uenig.", "Enig likevel."):
        payload, commitment = commit(text)
        async with database.write(EMPLOYER) as transaction:
            await transaction.append([a_fact("f1", disagreement(commitment))], {"f1": payload})
    async with database.read() as reader:
        assert await reader.payload(EMPLOYER, "f1") == "Uenig."
        assert (await reader.verify(EMPLOYER)).ok


async def test_a_comment_that_its_fact_does_not_commit_to_is_refused(database: Database) -> None:
    _, commitment = commit("Uenig.")
    async with database.write(EMPLOYER) as transaction:
        with pytest.raises(StoreError, match="does not commit"):
            await transaction.append(
                [a_fact("f1", disagreement(commitment))], {"f1": Payload(salt=b"s", text="Enig.")}
            )
        with pytest.raises(StoreError, match="does not commit"):
            await transaction.append([a_fact("f1")], {"f1": Payload(salt=b"s", text="Enig.")})
        with pytest.raises(StoreError, match="'f9'"):
            await transaction.append([a_fact("f1")], {"f9": Payload(salt=b"s", text="Enig.")})
        assert await transaction.facts(EMPLOYER) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"employer": "fjellheimen"}, "writes for 'nordfjord-tre', not for 'fjellheimen'"),
        ({"cycle": "unit/fjellheimen/sagbruk/2027"}, "not for 'fjellheimen'"),
        ({"cycle": "2027"}, "'f1': '2027' is no cycle"),
    ],
)
async def test_a_fact_that_belongs_elsewhere_is_refused(
    database: Database, changes: dict[str, str], said: str
) -> None:
    async with database.write(EMPLOYER) as transaction:
        with pytest.raises(StoreError, match=said):
            await transaction.append([a_fact("f1").model_copy(update=changes)])


async def test_nothing_is_written_for_an_employer_that_is_not_there(database: Database) -> None:
    async with database.write("ukjent") as transaction:
        with pytest.raises(NotThere, match=r"no employer 'ukjent'.*forsvarlig org import"):
            await transaction.append([])
        assert (await transaction.head("ukjent")).size == 0


async def test_a_moment_without_a_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="no time zone"):
        async with database.write(EMPLOYER) as transaction:
            await transaction.enqueue("mail", "kari", "k", NOW.replace(tzinfo=None))


INSERT = (
    "INTO ledger_leaf (employer, seq, fact_id, kind, body, hash) "
    "SELECT employer, {seq}, {id}, kind, body, hash FROM ledger_leaf WHERE seq = 1"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_leaf SET kind = 'step_closed' WHERE seq = 1",
        "DELETE FROM ledger_leaf WHERE seq = 2",
        "DELETE FROM ledger_leaf",
        "INSERT " + INSERT.format(seq=4, id="'new'"),
        "INSERT " + INSERT.format(seq=0, id="'new'"),
        "INSERT " + INSERT.format(seq=3, id="'f1'"),
    ],
)
async def test_the_database_refuses_a_change_or_a_gap(
    database: Database, store_url: str, statement: str
) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1"), a_fact("f2")])
    with pytest.raises(sa.exc.DBAPIError), raw(store_url).begin() as connection:
        connection.exec_driver_sql(statement)
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).model_dump(include={"size", "ok"}) == {"size": 2, "ok": True}


async def test_the_database_accepts_the_next_leaf_from_anyone_and_verify_tells(
    database: Database, store_url: str
) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1"), a_fact("f2")])
    with raw(store_url).begin() as connection:
        connection.exec_driver_sql("INSERT " + INSERT.format(seq=3, id="'new'"))
    async with database.read() as reader:
        assert not (await reader.verify(EMPLOYER)).ok


async def test_what_only_one_kind_of_database_knows_is_refused_there(
    database: Database, store_url: str
) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1"), a_fact("f2")])
    if store_url.startswith("sqlite"):
        # SQLite's own default, under which REPLACE deletes rows without their delete triggers.
        engine = sqlite3.connect(store_url.removeprefix("sqlite:///"))
        for seq, id in ((1, "'new'"), (2, "'f2'"), (3, "'f1'")):
            with pytest.raises(sqlite3.IntegrityError, match="dense"):
                engine.execute("INSERT OR REPLACE " + INSERT.format(seq=seq, id=id))
        engine.close()
    else:
        for statement in (
            "TRUNCATE ledger_leaf",
            "INSERT "
            + INSERT.format(seq=2, id="'f2'")
            + " ON CONFLICT (employer, seq) DO UPDATE SET kind = 'x'",
        ):
            with (
                pytest.raises(sa.exc.DBAPIError, match="the ledger is"),
                raw(store_url).begin() as connection,
            ):
                connection.exec_driver_sql(statement)
