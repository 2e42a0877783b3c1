"""What `forsvarlig year show` shows: how a year stands, and what the record shows of what the law asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Self

from pydantic import AwareDatetime
from rich.console import RenderableType
from rich.text import Text

from activities.language import N_, _, current, ngettext
from activities.situations import Situations
from activities.store.reader import Reader
from activities.store.rows import EmployerRow, InboxRow, StepRow
from worker.cli import words
from worker.cli.failures import NotFound
from worker.cli.tables import Cell, Column, heading, indented, mark, plain, stacked, table, then, unheaded
from worker.cli.words import STANDINGS, WAITS, counted, day_and_year, listed, role_name, short_day
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.coverage import Coverage, StepState, coverage
from workflows.rules.organisation import Role
from workflows.rules.plan import PlannedStep
from workflows.rules.plan import plan as planned
from workflows.rules.programme import Programme
from workflows.rules.programme import Text as Bilingual
from workflows.rules.standing import Standing, fold
from workflows.rules.terms import CycleRef

MARKS: Mapping[words.Standing, tuple[str, str]] = {
    "planned": ("·", "dim"),
    "open": ("○", "cyan"),
    "overdue": ("!", "red"),
    "closed": ("✓", "green"),
    "closed_late": ("✓", "yellow"),
    "left_open": ("✗", "red"),
    "withdrawn": ("–", "dim"),
}
MOST_UNDELIVERED = 1000
"""More rows of the outbox are not counted."""

RECORDS = {
    "shown": N_("vist"),
    "under_way": N_("på vei"),
    "missing": N_("mangler"),
    "elsewhere": N_("ikke i årshjulet"),
}
"""What the record shows of a requirement, as `Coverage.record` has it."""


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

    def only(self, unit: str) -> Self:
        """The same year with one unit; `NotFound` when it has none."""
        found = tuple(part for part in self.parts if part.unit == unit)
        if not found:
            raise NotFound(
                _("Enheten «{unit}» har ikke noe årshjul i {year}.").format(unit=unit, year=self.year),
                f"forsvarlig year show {self.year}",
            )
        return self.model_copy(update={"parts": found})


async def read(reader: Reader, employer: EmployerRow, year: int, moment: datetime) -> YearView:
    """The started year as it stands at `moment`, from the ledger and its projections."""
    rows = {row.unit: row for row in await reader.cycles(employer=employer.id, year=year)}
    situation = await Situations().of(reader, rows[None])
    organisation, programme = situation.organisation, situation.programme
    whole = planned(programme, organisation, situation.law, year)
    facts = {row.id: await reader.facts(employer.id, cycle=row.id) for row in rows.values()}
    standings = {id: fold(fact for _seq, fact in told) for id, told in facts.items()}
    told = _Told(
        programme=programme,
        steps={(step.cycle.id, step.key): step for step in whole.steps},
        status={(row.cycle, row.step): row for row in await reader.steps(employer=employer.id, year=year)},
        inbox=_by_step(await reader.inbox(employer=employer.id)),
        names={id: person.name for id, person in (await reader.people(employer.id)).items()},
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
        undelivered=len(await reader.outbox_due(moment, MOST_UNDELIVERED)),
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


# --- for programs ---------------------------------------------------------------------------------------


def document(view: YearView) -> dict[str, Any]:
    """The whole year: every step, and every requirement with the steps that carry it."""
    return {
        **view.model_dump(exclude={"requirements", "later"}),
        "requirements": [
            {
                "id": each.requirement.id,
                "nb": each.requirement.nb,
                "en": each.requirement.en,
                "record": each.record,
                "steps": each.steps,
                "carried_later_by": view.later.get(each.requirement.id),
            }
            for each in view.requirements
        ],
    }


# --- the steps, for people ------------------------------------------------------------------------------


def steps(view: YearView, *, whole: bool) -> RenderableType:
    """The employer's steps, and each unit's open ones; with `whole`, all of the one unit that `view` has."""
    return stacked(
        *_head(view),
        *(line for part in view.parts for line in _part(part, view, whole=whole or part.unit is None)),
        *(() if whole else law_in_short(view)),
    )


def _head(view: YearView) -> Iterator[RenderableType]:
    state = _("kjører") if view.state == "running" else _("lukket")
    title = Text.assemble((f"{view.name} {view.year}", "bold"), f"  {state}")
    yield title.append("  " + _("prøvekjøring"), "yellow") if view.rehearsal else title
    text = _("Startet {started}. Det som er åpent {closes}, blir stående som ikke gjort.")
    if view.state == "running":
        started, closes = day_and_year(oslo_day(view.started)), day_and_year(view.closes)
        yield plain(text.format(started=started, closes=closes), "dim")
    if view.undelivered:
        waiting = ngettext(
            "{count} beskjed venter på å bli sendt: kjører motoren? (forsvarlig up)",
            "{count} beskjeder venter på å bli sendt: kjører motoren? (forsvarlig up)",
            view.undelivered,
        )
        yield mark("warning", waiting.format(count=view.undelivered))


def _part(part: UnitView, view: YearView, *, whole: bool) -> Iterator[RenderableType]:
    yield heading(part.name if part.unit else _("Virksomheten"))
    if part.state is None:
        yield indented(plain(_("Enheten er ikke startet ennå."), "dim"))
        return
    yield indented(plain(_counted(part), "dim"))
    shown = part.steps if whole else [s for s in part.steps if s.standing in ("open", "overdue", "left_open")]
    if shown:
        columns = [
            Column("", width=1), Column("", width=5, style="cyan"), Column("", share=1),
            Column("", width=16), Column("", fixed=True, right=True),
        ]  # fmt: skip
        yield indented(unheaded((_row(step, view) for step in shown), columns))


def _counted(part: UnitView) -> str:
    counts = Counter(step.standing for step in part.steps)
    return ", ".join(counted(standing, counts[standing]) for standing in STANDINGS if counts[standing])


def _row(step: StepView, view: YearView) -> tuple[Cell, ...]:
    sign, style = MARKS[step.standing]
    what = Text(step.name.in_(current()))
    for line in _waiting(step):
        what.append("\n" + line, "dim")
    version = _("v{version}").format(version=step.version) if step.version else ""
    return plain(sign, style), step.key, what, _when(step), plain(version, "dim")


def _when(step: StepView) -> Text:
    match step.standing:
        case "planned":
            text = Text(_("åpner {day}").format(day=short_day(step.opens)), style="dim")
        case "closed" | "closed_late":
            text = Text(_("ferdig {day}").format(day=short_day(step.settled or step.due)))
        case "left_open" | "withdrawn":
            text = Text(_(STANDINGS[step.standing]))
        case _:
            overdue = step.standing == "overdue"
            text = Text(_("frist {day}").format(day=short_day(step.due)), style="red" if overdue else "")
    if step.standing == "closed_late":
        text.append("\n" + _("frist {day}").format(day=short_day(step.due)), "yellow")
    if step.original_due is not None and step.standing in ("open", "overdue", "closed_late"):
        text.append("\n" + _("først {day}").format(day=short_day(step.original_due)), "dim")
    return text


def _waiting(step: StepView) -> Iterator[str]:
    """One line for each question: who is waited for, and what for."""
    asked: dict[tuple[str, Role], list[str]] = {}
    for one in step.waiting_for:
        name = one.name
        if one.acting_for is not None:
            name = _("{name} for {other}").format(name=name, other=one.acting_for)
        asked.setdefault((one.what, one.role), []).append(name)
    for (what, role), names in asked.items():
        who = f"{listed(names)} ({role_name(role)})"
        yield _(WAITS[what]).format(who=who)
    for role in step.vacant:
        yield _("ingen har rollen {role}").format(role=role_name(role))


# --- the law, for people --------------------------------------------------------------------------------


def law_in_short(view: YearView) -> Iterator[RenderableType]:
    yield heading(_("Hva loven krever, og hva som er vist"))
    counts = {record: sum(c.record == record for c in view.requirements) for record in RECORDS}
    summary = ", ".join(f"{count} {_(RECORDS[record])}" for record, count in counts.items() if count)
    total = _("{count} krav: {summary}.").format(count=len(view.requirements), summary=summary)
    yield indented(plain(total))
    overdue = {(s.cycle, s.key) for part in view.parts for s in part.steps if s.standing == "overdue"}
    wanting = [
        c for c in view.requirements
        if c.record == "missing" or any((s.cycle, s.step) in overdue for s in c.open_steps)
    ]  # fmt: skip
    if wanting:
        yield indented(plain(_("Disse mangler noe, eller har et steg over fristen:")))
        yield indented(_requirement_table(wanting, view))
    yield then(_("Alle kravene:"), f"forsvarlig year show {view.year} --requirements")


def requirements(view: YearView, *, whole: bool) -> RenderableType:
    """Every requirement of the law, and the steps that carry it; what is in order is for people to judge."""
    return stacked(*_head(view), plain(""), _requirement_table(view.requirements, view))


def _requirement_table(rows: Iterable[Coverage], view: YearView) -> RenderableType:
    columns = [
        Column(_("Krav"), fixed=True, style="cyan"), Column("", share=1), Column(_("Bæres av"), width=17),
        Column(_("Vist"), width=8),
    ]  # fmt: skip
    return table(columns, (_requirement(row, view) for row in rows))


def _requirement(row: Coverage, view: YearView) -> tuple[Cell, ...]:
    text = row.requirement.en if current() == "en" else row.requirement.nb
    what = Text(text)
    later = view.later.get(row.requirement.id)
    if row.record == "elsewhere" and later is not None:
        what.append("\n" + _("Føres av: {what}").format(what=later.in_(current())), "dim")
    style = {"shown": "green", "missing": "red"}.get(row.record, "dim")
    return row.requirement.id, what, _carried(row.steps), plain(_(RECORDS[row.record]), style)


def _carried(states: Sequence[StepState]) -> str:
    """Each step with how many of its cycles are closed: «Y15 2/4»."""
    keys = dict.fromkeys(state.step for state in states if state.state != "withdrawn")
    parts = []
    for key in keys:
        mine = [s for s in states if s.step == key and s.state != "withdrawn"]
        parts.append(f"{key} {sum(s.state == 'closed' for s in mine)}/{len(mine)}")
    return "\n".join(parts)
