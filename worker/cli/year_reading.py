"""How a year stands, or stood: read from the ledger and its projections for `worker.cli.year_view`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Self

from pydantic import AwareDatetime

from activities.as_of import as_of, end_of
from activities.as_of import situation as situation_then
from activities.directory.people import names_of
from activities.language import _
from activities.situations import Situations
from activities.store.reader import Reader
from activities.store.rows import EmployerRow, InboxRow, StepRow
from worker.cli import words
from worker.cli.as_of_options import Then
from worker.cli.cases import not_started_then
from worker.cli.failures import NotFound
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.coverage import Coverage, coverage
from workflows.rules.organisation import Role
from workflows.rules.plan import PlannedStep
from workflows.rules.plan import plan as planned
from workflows.rules.programme import Programme
from workflows.rules.programme import Text as Bilingual
from workflows.rules.standing import Standing, fold
from workflows.rules.terms import CycleRef

MOST_UNDELIVERED = 1000
"""More rows of the outbox are not counted."""


class Awaited(Frozen):
    """One person who is waited for."""

    what: str
    role: Role
    person: str
    name: str
    acting_for: str | None


class StepView(Frozen):
    """One step of one cycle as it stands."""

    cycle: str
    unit: str | None
    key: str
    name: Bilingual
    standing: words.Standing
    opens: date
    due: date
    original_due: date | None
    settled: date | None
    version: int
    document: str | None
    waiting_for: tuple[Awaited, ...]
    vacant: tuple[Role, ...]
    requirements: tuple[str, ...]


class UnitView(Frozen):
    """The cycle of the employer (`unit` None) or of a unit; `state` None while it has not been started."""

    unit: str | None
    name: str
    state: str | None
    steps: tuple[StepView, ...]


class YearView(Frozen):
    """How a whole year stands on a day."""

    employer: str
    name: str
    year: int
    rehearsal: bool
    state: str
    day: date
    started: AwareDatetime
    closes: date
    parts: tuple[UnitView, ...]
    requirements: tuple[Coverage, ...]
    later: Mapping[str, Bilingual]
    undelivered: int
    as_of: date | None = None
    lag: int = 0

    def only(self, unit: str) -> Self:
        """The same year with one unit; `NotFound` when it has none."""
        found = tuple(part for part in self.parts if part.unit == unit)
        if not found:
            raise NotFound(
                _("Enheten «{unit}» har ikke noe årshjul i {year}.").format(unit=unit, year=self.year),
                f"forsvarlig year show {self.year}",
            )
        return self.model_copy(update={"parts": found})


async def read(
    reader: Reader, employer: EmployerRow, year: int, moment: datetime, then: Then | None = None
) -> YearView:
    """The started year as it stands at `moment`, or stood `then`; `NotFound` when it had not begun by then."""
    rows = {row.unit: row for row in await reader.cycles(employer=employer.id, year=year)}
    facts = {row.id: await reader.facts(employer.id, cycle=row.id) for row in rows.values()}
    if then is None:
        situation = await Situations().of(reader, rows[None])
        steps = await reader.steps(employer=employer.id, year=year)
        inbox = await reader.inbox(employer=employer.id)
    else:
        past = await as_of(reader, employer.id, end_of(then.day), then.clock, cycles=list(facts))
        if past.cycle(rows[None].id) is None:
            raise not_started_then(rows[None].id, then.day)
        situation, moment = await situation_then(reader, rows[None], past), past.at
        steps, inbox = list(past.steps), list(past.inbox)
        facts = {id: [item for item in told if past.counts(*item)] for id, told in facts.items()}
        known = {unit: (row, past.cycle(row.id)) for unit, row in rows.items()}
        rows = {
            unit: row.model_copy(update={"state": there.state})
            for unit, (row, there) in known.items()
            if there is not None
        }
    organisation, programme = situation.organisation, situation.programme
    whole = planned(programme, organisation, situation.law, year)
    standings = {row.id: fold(fact for _seq, fact in facts[row.id]) for row in rows.values()}
    told = _Told(
        programme=programme,
        steps={(step.cycle.id, step.key): step for step in whole.steps},
        status={(row.cycle, row.step): row for row in steps},
        inbox=_by_step(inbox),
        names=names_of(await reader.people(employer.id)),
        standings=standings,
        day=oslo_day(moment),
    )

    def part(unit: str | None, name: str) -> UnitView:
        cycle = CycleRef(employer=employer.id, year=year, unit=unit).id
        row = rows.get(unit)
        return UnitView(unit=unit, name=name, state=row.state if row else None, steps=tuple(told.of(cycle)))

    units = dict.fromkeys([*whole.units, *(unit for unit in rows if unit is not None)])
    return YearView(
        employer=employer.id,
        name=employer.name,
        year=year,
        rehearsal=employer.mode == "rehearsal",
        state=rows[None].state,
        day=told.day,
        started=rows[None].started,
        closes=whole.year_closes,
        parts=(part(None, employer.name), *(part(unit, organisation.unit(unit).name) for unit in units)),
        requirements=coverage(situation.law, whole, standings),
        later={later.requirement: later.by for later in programme.later},
        undelivered=len(await reader.outbox_due(moment, MOST_UNDELIVERED)) if then is None else 0,
        as_of=then.day if then is not None else None,
        lag=await reader.lag(employer.id),
    )


def _by_step(rows: Iterable[InboxRow]) -> dict[tuple[str, str], list[InboxRow]]:
    found: dict[tuple[str, str], list[InboxRow]] = {}
    for row in rows:
        found.setdefault((row.cycle, row.step), []).append(row)
    return found


class _Told(NamedTuple):
    """All that is known of the steps of a year, to lay out."""

    programme: Programme
    steps: Mapping[tuple[str, str], PlannedStep]
    status: Mapping[tuple[str, str], StepRow]
    inbox: Mapping[tuple[str, str], Sequence[InboxRow]]
    names: Mapping[str, str]
    standings: Mapping[str, Standing]
    day: date

    def of(self, cycle: str) -> Iterator[StepView]:
        """The steps of one cycle by opening: those planned, and those opened before the plan changed."""
        keys = dict.fromkeys(key for id, key in (*self.steps, *self.status) if id == cycle)
        yield from sorted((self._step(cycle, key) for key in keys), key=lambda s: (s.opens, s.due, s.key))

    def _step(self, cycle: str, key: str) -> StepView:
        step, row = self.steps.get((cycle, key)), self.status.get((cycle, key))
        here = self.standings[cycle].step(key) if cycle in self.standings else None
        rule = self.programme.step(key.partition(".")[0])
        opens = step.opens if step else self.day
        if row is not None and row.opened_at is not None:
            opens = oslo_day(row.opened_at)
        due = row.due if row and row.due else step.due if step else self.day
        vacant = [role for _what, role, version in here.vacant if version == here.version] if here else []
        return StepView(
            cycle=cycle,
            unit=CycleRef.parse(cycle).unit,
            key=key,
            name=step.name if step else rule.name,
            standing=self._standing(row, due),
            opens=opens,
            due=due,
            original_due=self._original(row, step, due),
            settled=oslo_day(row.closed_at) if row and row.closed_at else None,
            version=row.version if row else 0,
            document=row.document if row else None,
            waiting_for=tuple(self._awaited(w) for w in self.inbox.get((cycle, key), ())),
            vacant=tuple(vacant),
            requirements=step.requirements if step else rule.requirements,
        )

    def _original(self, row: StepRow | None, step: PlannedStep | None, due: date) -> date | None:
        """The due date that was first, in the plan or at the opening; None when it is still that."""
        first = step.due if step else row.original_due if row else None
        return first if first != due else None

    def _standing(self, row: StepRow | None, due: date) -> words.Standing:
        if row is None:
            return "planned"
        if row.status == "open":
            return "overdue" if due < self.day else "open"
        return "closed_late" if row.status == "closed" and row.late else row.status

    def _awaited(self, row: InboxRow) -> Awaited:
        return Awaited(
            what=row.what,
            role=row.role,
            person=row.person,
            name=self.names.get(row.person, row.person),
            acting_for=self.names.get(row.acting_for, row.acting_for) if row.acting_for else None,
        )
