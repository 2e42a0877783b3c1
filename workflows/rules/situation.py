"""What a cycle moves by, besides its own facts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.events import SYSTEM, Body, Fact
from workflows.rules.gate import Gate
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Organisation
from workflows.rules.plan import PlannedStep, YearPlan
from workflows.rules.programme import Programme
from workflows.rules.standing import Standing
from workflows.rules.terms import CycleRef


class Situation(Frozen):
    """Everything outside the facts that a cycle moves by."""

    cycle: CycleRef
    programme: Programme
    law: LegalRegister
    organisation: Organisation
    organisation_hash: str
    plan: YearPlan
    units_open: bool = False
    """For an employer's year: some unit's year is still running, so this one may not close yet."""

    @property
    def closing(self) -> datetime:
        return self.programme.calendar.moment(self.plan.closing_day(self.cycle))

    def ends(self, step: PlannedStep) -> datetime:
        """From when nothing in the step counts any longer: the year's closing, or the end of its unit."""
        if step.ends is None:
            return self.closing
        return min(self.closing, self.programme.calendar.moment(step.ends))

    def within(self, step: PlannedStep, day: date, now: datetime) -> date:
        """`day`, or the last open day before nothing in the step counts any longer; no day that is past while
        there is one left."""
        last = oslo_day(self.ends(step)) - timedelta(days=1)
        return max(min(day, self.programme.calendar.settle(last, "previous")), min(oslo_day(now), last))

    def ended(self, step: PlannedStep, now: datetime) -> bool:
        """Whether the step's unit is gone."""
        return step.ends is not None and self.programme.calendar.moment(step.ends) <= now

    def behind(self, step: PlannedStep, standing: Standing) -> tuple[PlannedStep, ...]:
        """The closed steps of this cycle that the step builds on, also through others."""
        planned = self.plan.of(self.cycle)
        ids, before = {step.step}, 0
        while len(ids) > before:
            before = len(ids)
            ids.update(id for s in planned if s.step in ids for id in s.builds_on)
        return tuple(
            s
            for s in planned
            if s.step in ids - {step.step}
            and (here := standing.step(s.key)) is not None
            and here.settled == "closed"
        )

    def gate(self, step: PlannedStep, standing: Standing) -> Gate | None:
        """The gate of the step as it stands; None for one that is not opened yet."""
        here = standing.step(step.key)
        if here is None:
            return None
        return Gate(
            step=step, standing=here, organisation=self.organisation, calendar=self.programme.calendar,
            closes=self.ends(step), stages=frozenset(s.stage for s in self.behind(step, standing)),
        )  # fmt: skip

    def fact(self, step: str | None, what: str, concerns: datetime, now: datetime, body: Body) -> Fact:
        """A fact that follows from the rules; `what` makes its id, which is the same whenever it follows."""
        where = f"{self.cycle.id}/{step}" if step else self.cycle.id
        return Fact(
            id=f"{where}#{what}", employer=self.cycle.employer, cycle=self.cycle.id, step=step,
            concerns=concerns, recorded=now, actor=SYSTEM, body=body,
        )  # fmt: skip

    def closes_early(self, step: PlannedStep, now: datetime) -> bool:
        """Whether `now` is the unit's last day, when nobody new is asked any more."""
        return step.ends is not None and oslo_day(now) >= step.ends
