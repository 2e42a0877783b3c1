"""How everything stood at any moment, by both clocks, against what the projections said on the day."""

from __future__ import annotations

import asyncio
import shutil
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from activities.as_of import Clock, as_of, end_of, situation
from activities.ledger.log import commit
from activities.store.database import Database
from activities.store.rows import EmployerRow, InboxRow, StepRow
from tests.activities.sawmill import EMPLOYER, UNIT, YEAR, Sawmill, organisation
from workflows.rules.calendar import OSLO
from workflows.rules.events import Fact
from workflows.rules.gate import OUTCOMES
from workflows.rules.programme import Kind
from workflows.rules.statement import Answer
from workflows.rules.terms import Outcome

MOMENTS = 50
DOWN, UP = date(2027, 4, 14), date(2027, 5, 12)
"""Nobody runs a worker between these days: what was due then is recorded late."""

ANSWERS = {kind: [o for o in OUTCOMES[kind] if o is not Outcome.NO_RESPONSE] for kind in Kind}

Projections = tuple[list[StepRow], list[InboxRow]]


class Lived(NamedTuple):
    """A year up to midsummer, with what the projections said after everything that happened, in order."""

    folder: Path
    moments: list[datetime]
    said: list[Projections]
    facts: list[Fact]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    folder = tmp_path_factory.mktemp("mill")
    return asyncio.run(_live(folder, Random(1977)))


class Watched(Sawmill):
    """The mill, with what the projections say noted after everything that happens."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.moments: list[datetime] = []
        self.said: list[Projections] = []

    async def advance(self) -> None:
        await super().advance()
        await self.look()

    async def look(self) -> None:
        self.moments.append(self.now)
        self.said.append(await projections(self.database))


async def _live(folder: Path, random: Random) -> Lived:
    async with Watched.started(folder) as mill:
        assert isinstance(mill, Watched)
        day = date(2027, 1, 5)
        while day <= date(2027, 6, 24):
            day += timedelta(days=random.randint(1, 6))
            if DOWN <= day < UP:
                continue
            if mill.now.date() < DOWN <= day:
                mill.now = datetime.combine(day, time(12), OSLO).astimezone(UTC)
                await mill.advance()
            await mill.go(day)
            async with mill.database.read() as reader:
                waiting = await reader.inbox(employer=EMPLOYER)
            for row in random.sample(waiting, min(2, len(waiting))):
                await _act(mill, row, random)
                await mill.look()
                mill.now += timedelta(minutes=1)
                await mill.advance()
        async with mill.database.read() as reader:
            facts = [fact for _seq, fact in await reader.facts(EMPLOYER)]
    return Lived(folder, mill.moments, mill.said, facts)


async def _act(mill: Sawmill, row: InboxRow, random: Random) -> None:
    """What is waited for, in some way; a refusal is a fact too."""
    nonce = f"{mill.now:%Y%m%dT%H%M%S}{random.randint(0, 9999)}"
    if row.what == "evidence":
        async with mill.database.write(EMPLOYER) as tx:
            document = await mill.documents.put(nonce.encode(), "text/plain", "a.txt", mill.now, tx)
        await mill.doors.submit(row.cycle, row.step, row.person, document.hash, now=mill.now, nonce=nonce)
    elif row.what == "answer":
        text, commitment = commit("Vi ser på det.")
        act = Answer(version=row.version, comment=commitment)
        await mill.doors.act(
            EMPLOYER, row.person, act, now=mill.now, nonce=nonce, cycle=row.cycle, step=row.step, texts=[text]
        )
    else:
        async with mill.database.read() as reader:
            [here] = [s for s in await reader.steps(cycle=row.cycle) if s.step == row.step]
        await mill.doors.decide(
            row.cycle, row.step, row.person, row.role, random.choice(ANSWERS[Kind(row.what)]),
            document=here.document or "", version=here.version, comment="Fordi det er slik.", now=mill.now,
            nonce=nonce,
        )  # fmt: skip


async def projections(database: Database) -> Projections:
    async with database.read() as reader:
        return await reader.steps(employer=EMPLOYER), await reader.inbox(employer=EMPLOYER)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{folder / 'forsvarlig.db'}")
    yield database
    await database.close()


def some_moments(lived: Lived, seed: int) -> list[datetime]:
    random, length = Random(seed), (lived.moments[-1] - lived.moments[0]).total_seconds()
    return [lived.moments[0] + timedelta(seconds=random.randint(0, int(length))) for _n in range(MOMENTS)]


async def test_what_the_ledger_said_then_is_what_the_projections_said_on_the_day(lived: Lived) -> None:
    async with opened(lived.folder) as database, database.read() as reader:
        for at in [*some_moments(lived, 1), *lived.moments[:3], lived.moments[-1]]:
            steps, inbox = lived.said[bisect_right(lived.moments, at) - 1]
            then = await as_of(reader, EMPLOYER, at, "recorded")
            assert (list(then.steps), list(then.inbox)) == (steps, inbox), at
            assert then.size == sum(fact.recorded <= at for fact in lived.facts)


async def test_what_concerned_then_is_what_a_ledger_of_those_facts_alone_says(
    lived: Lived, tmp_path: Path
) -> None:
    await _empty(tmp_path)
    template = tmp_path / "forsvarlig.db"
    async with opened(lived.folder) as database, database.read() as reader:
        for n, at in enumerate(some_moments(lived, 2)):
            then = await as_of(reader, EMPLOYER, at, "concerned")
            folder = tmp_path / str(n)
            folder.mkdir()
            shutil.copy(template, folder)
            async with opened(folder) as other:
                async with other.write(EMPLOYER) as tx:
                    await tx.append([fact for fact in lived.facts if fact.concerns <= at])
                assert (list(then.steps), list(then.inbox)) == await projections(other), at


async def _empty(folder: Path) -> None:
    async with opened(folder) as database:
        await database.upgrade()
        people = organisation()
        row = EmployerRow(
            id=EMPLOYER, org_number=people.org_number, name=people.name, mode="real",
            created=datetime(2027, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        async with database.write(EMPLOYER) as tx:
            await tx.put_employer(row)


async def test_the_clocks_differ_while_something_that_concerns_a_day_is_not_recorded_yet(
    lived: Lived,
) -> None:
    late = [f for f in lived.facts if f.recorded - f.concerns > timedelta(days=2) and f.kind == "step_opened"]
    assert late
    between = late[0].concerns + timedelta(hours=1)
    async with opened(lived.folder) as database, database.read() as reader:
        known, true = [
            {(row.cycle, row.step) for row in (await as_of(reader, EMPLOYER, between, clock)).steps}
            for clock in ("recorded", "concerned")
        ]
    assert (late[0].cycle, late[0].step) in true - known


async def test_a_year_is_as_it_was_with_the_organisation_it_knew(lived: Lived) -> None:
    async with opened(lived.folder) as database, database.read() as reader:
        rows = {row.id: row for row in await reader.cycles(employer=EMPLOYER)}
        hash = await reader.organisation_hash(EMPLOYER)
        then = await as_of(reader, EMPLOYER, lived.moments[5])
        before = await as_of(reader, EMPLOYER, datetime(2026, 1, 1, tzinfo=UTC))
        moved_by = await situation(reader, rows[UNIT], then)
    assert (before.size, before.cycles, before.steps, before.organisation) == (0, (), (), None)
    assert {(c.id, c.state) for c in then.cycles} == {(YEAR, "running"), (UNIT, "running")}
    assert then.organisation == moved_by.organisation_hash == hash
    assert moved_by.plan.of(moved_by.cycle)


@pytest.mark.parametrize("clock", ["recorded", "concerned"])
async def test_an_erased_text_changes_nothing_of_how_it_stood(
    lived: Lived, tmp_path: Path, clock: Clock
) -> None:
    from sqlalchemy import text

    shutil.copy(lived.folder / "forsvarlig.db", tmp_path)
    at = lived.moments[len(lived.moments) // 2]
    async with opened(tmp_path) as database:
        async with database.read() as reader:
            before = await as_of(reader, EMPLOYER, at, clock)
        async with database.write(EMPLOYER) as tx:
            erased = await tx.connection.execute(text("DELETE FROM payload"))
            assert erased.rowcount > 0
        async with database.read() as reader:
            assert await as_of(reader, EMPLOYER, at, clock) == before


async def test_of_some_years_only_their_own_steps_are_told(lived: Lived) -> None:
    async with opened(lived.folder) as database, database.read() as reader:
        whole = await as_of(reader, EMPLOYER, lived.moments[-1])
        unit = await as_of(reader, EMPLOYER, lived.moments[-1], cycles=[UNIT])
    assert unit.steps == tuple(row for row in whole.steps if row.cycle == UNIT)
    assert [cycle.id for cycle in unit.cycles] == [UNIT]


@pytest.mark.parametrize(
    ("day", "second"),
    [(date(2027, 1, 4), "2027-01-04T22:59:59Z"), (date(2027, 7, 4), "2027-07-04T21:59:59Z")],
)
def test_as_of_a_day_is_when_it_was_over_in_norway(day: date, second: str) -> None:
    assert end_of(day) == datetime.fromisoformat(second)
