"""The dated year: programme × organisation × law × year → every opening, reminder, due date and rung.

`plan` is the dry run. The engine asks the same functions at the same moments, so that what was planned and
what happened can be laid side by side, to the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Literal

from workflows.rules.base import Frozen
from workflows.rules.calendar import WorkCalendar, nth_weekday
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Organisation, Role
from workflows.rules.phrase import Phrase
from workflows.rules.programme import (
    Level,
    Programme,
    ProgrammeError,
    Rung,
    SlotRule,
    Stage,
    StepRule,
    Text,
    When,
    Window,
)
from workflows.rules.terms import CycleRef

REAL_OPPORTUNITY_DAYS = 14
"""Days a step that opens late keeps at least, and days a consultation lasts at least (E8's default)."""


class PlannedStep(Frozen):
    """One step of one cycle with its dates. `key` is the step's id, with a number where it comes twice."""

    key: str
    step: str
    cycle: CycleRef
    name: Text
    stage: Stage
    opens: date
    due: date
    owner: Role
    participants: tuple[Role, ...]
    slots: tuple[SlotRule, ...]
    inform: tuple[Role, ...]
    evidence: Text
    requirements: tuple[str, ...]
    law: tuple[str, ...]
    methods: tuple[str, ...]
    builds_on: tuple[str, ...]
    ends: date | None = None
    """The day the unit is closed, when it is while the year runs."""


class YearPlan(Frozen):
    """All dated steps of an employer's year, the employer's own first, then unit by unit."""

    employer: str
    year: int
    units: tuple[str, ...]
    closes: date
    year_closes: date
    steps: tuple[PlannedStep, ...]

    def of(self, cycle: CycleRef) -> tuple[PlannedStep, ...]:
        return tuple(s for s in self.steps if s.cycle.unit == cycle.unit and s.cycle == cycle)

    def only(self, cycle: CycleRef) -> YearPlan:
        """The same plan with the steps of one cycle."""
        return self.model_copy(update={"steps": self.of(cycle)})

    def closing_day(self, cycle: CycleRef) -> date:
        """The day on which what is still open is left open; the employer's year closes after the units'."""
        return self.closes if cycle.unit else self.year_closes

    def find(self, cycle: CycleRef, key: str) -> PlannedStep | None:
        return next((s for s in self.steps if s.key == key and s.cycle == cycle), None)


def plan(programme: Programme, organisation: Organisation, law: LegalRegister, year: int) -> YearPlan:
    """Every dated step of `year`. `ProgrammeError` when a due date would come before its opening."""
    dates = window_dates(programme, year)
    calendar = programme.calendar
    closes = calendar.settle(_absolute(programme.closes, year + 1))
    first, last = date(year, 1, 1), date(year, 12, 31)
    units = organisation.cycle_units(first, last)
    duties = organisation.duties_on(law, {opens for windows in dates.values() for opens, _ in windows})
    steps: list[PlannedStep] = []
    # The units' steps differ in cycle and end only; hundreds of units share the rest.
    made: dict[str, PlannedStep] = {}
    for unit in (None, *units):
        cycle = CycleRef(employer=organisation.employer, year=year, unit=unit)
        # Alone with its own slices, a unit is found without looking through hundreds of others.
        alone = organisation.model_copy(
            update={"units": tuple(u for u in organisation.units if u.id == unit)}
        )
        for rule in programme.steps:
            if (rule.level is Level.UNIT) != (unit is not None):
                continue
            for number, (opens, due) in enumerate(dates[rule.id], 1):
                here = duties[opens]
                if here.profile not in rule.profiles or (rule.only_if and not getattr(here, rule.only_if)):
                    continue
                ends = None
                if unit is not None:
                    if alone.unit_on(unit, opens) is None:
                        continue
                    closed = alone.unit_closed(unit, opens)
                    ends = closed if closed is not None and closed < closes else None
                key = rule.id if len(rule.windows) == 1 else f"{rule.id}.{number}"
                if key not in made:
                    made[key] = _planned(key, cycle, rule.for_profile(here.profile), opens, due)
                steps.append(made[key].model_copy(update={"cycle": cycle, "ends": ends}))
    return YearPlan(
        employer=organisation.employer,
        year=year,
        units=units,
        closes=closes,
        year_closes=calendar.add_working_days(closes, 1),
        steps=tuple(steps),
    )


def _planned(key: str, cycle: CycleRef, rule: StepRule, opens: date, due: date) -> PlannedStep:
    return PlannedStep(
        key=key, step=rule.id, cycle=cycle, name=rule.name, stage=rule.stage, opens=opens, due=due,
        owner=rule.owner, participants=rule.participants, slots=rule.gate, inform=rule.inform,
        evidence=rule.evidence, requirements=rule.requirements, law=rule.law, methods=rule.methods,
        builds_on=tuple(sorted({*rule.anchors(), *rule.builds_on})),
    )  # fmt: skip


def window_dates(programme: Programme, year: int) -> dict[str, tuple[tuple[date, date], ...]]:
    """Opening and due date of every window of every step in `year`, all of them open days."""
    rules = {s.id: s for s in programme.steps}
    done: dict[str, tuple[tuple[date, date], ...]] = {}

    def resolve(id: str) -> tuple[tuple[date, date], ...]:
        if id not in done:
            done[id] = tuple(window(id, n, w) for n, w in enumerate(rules[id].windows, 1))
        return done[id]

    def window(id: str, number: int, w: Window) -> tuple[date, date]:
        calendar = programme.calendar
        if w.opens.base == "due":
            due = _due(calendar, w, day(w.due, None), year)
            opens = calendar.settle(due + timedelta(days=w.opens.days), "previous")
        else:
            opens = calendar.settle(day(w.opens, None))
            due = _due(calendar, w, day(w.due, opens), year)
        if due < opens:
            raise ProgrammeError(
                f"{id}.windows[{number}]",
                Phrase(
                    "in {year} it would be due {due}, before it opens {opens}.",
                    year=year,
                    due=due,
                    opens=opens,
                ),
                Phrase("Move `due` later or `opens` earlier."),
            )
        return opens, due

    def day(when: When, opens: date | None) -> date:
        if when.base is None:
            return _absolute(when, year)
        base = opens if when.base == "opens" and opens is not None else resolve(when.base)[-1][1]
        return base + timedelta(days=when.days)

    return {id: resolve(id) for id in rules}


def _absolute(when: When, year: int) -> date:
    if when.weekday is not None and when.month is not None and when.nth is not None:
        return nth_weekday(year, when.month, when.weekday, when.nth)
    if when.month is None or when.day is None:
        raise ProgrammeError(
            "closes",
            Phrase("«{text}» is not a day of the year.", text=when.text),
            Phrase("Write it as MM-DD."),
        )
    return date(year, when.month, when.day)


def _due(calendar: WorkCalendar, window: Window, raw: date, year: int) -> date:
    latest = date(year, *window.due.latest) if window.due.latest else None
    settled = calendar.settle(min(raw, latest) if latest else raw, window.move)
    return calendar.settle(latest, "previous") if latest and settled > latest else settled


# --- the ladder -----------------------------------------------------------------------------------


def reminder_days(programme: Programme, opens: date, due: date) -> tuple[tuple[int, date], ...]:
    """(days before, date) of each reminder, strictly after the opening, never after the due date.

    A reminder on a closed day goes out on the open day before; two on one day become the later one.
    """
    by_day: dict[date, int] = {}
    for days in programme.ladder.reminders:
        day = programme.calendar.settle(due - timedelta(days=days), "previous")
        if opens < day <= due:
            by_day[day] = days
    return tuple((days, day) for day, days in sorted(by_day.items()))


def rung_days(programme: Programme, due: date, closing: date) -> tuple[tuple[Rung, date], ...]:
    """Each rung with its date: open days, each after the one before, all before the closing day."""
    out: list[tuple[Rung, date]] = []
    previous = due
    for rung in programme.ladder.rungs:
        day = programme.calendar.settle(due + timedelta(days=rung.days))
        if day <= previous:
            day = programme.calendar.add_working_days(previous, 1)
        if day < closing:
            out.append((rung, day))
        previous = day
    return tuple(out)


def due_when_opened(programme: Programme, step: PlannedStep, day: date) -> date:
    """The due date of a step that opens on `day`.

    On time it is the planned one. Late (the year was started in mid-year, a unit is new), people keep the
    time the step gives, up to `REAL_OPPORTUNITY_DAYS`; the planned date stays visible in the plan.
    """
    if day <= step.opens:
        return step.due
    given = min(step.due - step.opens, timedelta(days=REAL_OPPORTUNITY_DAYS))
    return max(step.due, programme.calendar.settle(day + given))


# --- the timeline ---------------------------------------------------------------------------------


class Entry(Frozen):
    """One line of the dated timeline."""

    day: date
    cycle: str
    step: str
    event: Literal["opens", "reminder", "due", "escalation", "withdrawn", "left_open"]
    days: int = 0


def timeline(
    programme: Programme, year_plan: YearPlan, settled: Mapping[tuple[str, str], date] | None = None
) -> tuple[Entry, ...]:
    """What will happen and when, if each step is settled on the day `settled` names (never, where it names none).

    Entries are ordered by day, cycle, step. Nothing is listed for a step after the day it is settled;
    what falls on that very day, at the opening hour, still happens.
    """
    entries: list[Entry] = []
    for step in year_plan.steps:
        end = (settled or {}).get((step.cycle.id, step.key))
        entries += [
            e
            for e in _entries(programme, year_plan, step)
            if end is None or e.day <= end or e.event == "due"
            if not (end is not None and e.event in ("withdrawn", "left_open"))
        ]
    return tuple(sorted(entries, key=lambda e: (e.day, e.cycle, e.step, e.event, -e.days)))


def _entries(programme: Programme, year_plan: YearPlan, step: PlannedStep) -> Iterable[Entry]:
    cycle, key = step.cycle.id, step.key
    closing = year_plan.closing_day(step.cycle)
    end = min(step.ends or closing, closing)
    yield Entry(day=step.opens, cycle=cycle, step=key, event="opens")
    for days, day in reminder_days(programme, step.opens, step.due):
        if day < end:
            yield Entry(day=day, cycle=cycle, step=key, event="reminder", days=days)
    if step.due < end:
        yield Entry(day=step.due, cycle=cycle, step=key, event="due")
    for rung, day in rung_days(programme, step.due, closing):
        if day < end:
            yield Entry(day=day, cycle=cycle, step=key, event="escalation", days=rung.days)
    if step.ends is not None and step.ends < closing:
        yield Entry(day=step.ends, cycle=cycle, step=key, event="withdrawn")
    else:
        yield Entry(day=closing, cycle=cycle, step=key, event="left_open")
