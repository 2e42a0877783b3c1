"""Of which cycles it is time to export the history, by the ledger and its projection alone."""

from __future__ import annotations

from datetime import timedelta

from activities.store.database import Database
from activities.store.histories import Exported, due, exported
from activities.store.rows import CycleRow
from tests.store.made import EMPLOYER, NOW, UNIT
from workflows.rules.events import Body, CycleClosed, Fact
from workflows.rules.record_facts import HistoryExported

RUN = "01a206ad-e31a-7f30-acd9-abf72aec6291"


async def begins(database: Database) -> None:
    row = CycleRow(
        id=UNIT, employer=EMPLOYER, unit="sagbruk", year=2027, programme="0" * 64, law="0" * 64,
        organisation="0" * 64, profile="small", state="running", started=NOW,
    )  # fmt: skip
    async with database.write(EMPLOYER) as tx:
        await tx.put_cycle(row)


async def recorded(database: Database, id: str, body: Body, days: int = 0, cycle: str | None = None) -> None:
    moment = NOW + timedelta(days=days)
    fact = Fact(id=id, employer=EMPLOYER, cycle=cycle, concerns=moment, recorded=moment, body=body)
    async with database.write(EMPLOYER) as tx:
        await tx.append([fact])


def export(events: int, *, closed: bool = False) -> HistoryExported:
    return HistoryExported(
        workflow=UNIT, run=RUN, events=events, sha256="a" * 64, size=9, closed=closed, version="0.3.0"
    )


async def closes(database: Database, days: int) -> None:
    await recorded(database, "end", CycleClosed(closed=1, left_open=0, withdrawn=0), days, UNIT)
    async with database.write(EMPLOYER) as tx:
        await tx.update_cycle(UNIT, state="closed", closed=NOW + timedelta(days=days))


async def wanted(database: Database, days: int, closed_since: int | None = None) -> list[str]:
    since = {} if closed_since is None else {"closed_since": NOW + timedelta(days=closed_since)}
    async with database.read() as reader:
        return [cycle.state for cycle in await due(reader, NOW + timedelta(days=days), **since)]


async def test_a_year_is_due_when_it_began_or_was_exported_before_the_given_day(database: Database) -> None:
    await begins(database)
    assert await wanted(database, -1) == []
    assert await wanted(database, 0) == ["running"]
    await recorded(database, "h1", export(9), days=3)
    assert await wanted(database, 2) == []
    assert await wanted(database, 3) == ["running"]


async def test_a_closed_year_is_due_until_its_end_is_exported(database: Database) -> None:
    await begins(database)
    await recorded(database, "h1", export(9), days=3)
    await closes(database, 5)
    assert await wanted(database, -1) == ["closed"]
    await recorded(database, "h2", export(12), days=6)
    assert await wanted(database, -1) == ["closed"]
    await recorded(database, "h3", export(14, closed=True), days=7)
    assert await wanted(database, 300) == []


async def test_a_run_that_ended_before_its_year_did_is_not_the_end(database: Database) -> None:
    await begins(database)
    await recorded(database, "h1", export(9, closed=True), days=3)
    await closes(database, 5)
    assert await wanted(database, -1) == ["closed"]


async def test_who_asks_for_newly_closed_years_only_gets_no_old_ones(database: Database) -> None:
    await begins(database)
    await closes(database, 5)
    assert await wanted(database, -1, closed_since=5) == ["closed"]
    assert await wanted(database, -1, closed_since=6) == []


async def test_an_export_is_read_as_its_fact_says(database: Database) -> None:
    await begins(database)
    await recorded(database, "h1", export(9), days=3)
    async with database.read() as reader:
        [row] = await exported(reader, employer=EMPLOYER, workflow=UNIT)
        assert await exported(reader) == await exported(reader, workflow=UNIT) == [row]
        assert await exported(reader, employer="another") == []
    assert row == Exported(
        employer=EMPLOYER, seq=1, recorded=NOW + timedelta(days=3), **export(9).model_dump(exclude={"kind"})
    )
