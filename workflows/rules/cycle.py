"""How a cycle moves: what is due at a moment, given where it stands. Pure, total, and safe to ask twice.

`advance` answers with the facts that the calendar and the gate bring about; `next_moment` says when to ask
again if nobody does anything before that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from workflows.rules.appointments import newly_responsible
from workflows.rules.calendar import oslo_day
from workflows.rules.events import (
    CycleClosed,
    DutyChanged,
    Fact,
    OrganisationChanged,
    StepOpened,
    StepWithdrawn,
    UnitYearStarted,
)
from workflows.rules.organisation import Role
from workflows.rules.plan import PlannedStep, due_when_opened
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, StepStanding, fold
from workflows.rules.steps import next_in_step, step_facts
from workflows.rules.terms import at


def advance(situation: Situation, standing: Standing, now: datetime) -> tuple[Fact, ...]:
    """The facts that are due at `now` and not yet recorded, in the order to record them.

    Asking again with these facts folded in gives nothing more. After a stop, several missed reminders of a
    step become one, the latest.
    """
    facts: list[Fact] = []
    # Each pass may enable the next (opened → asked, decided → closed → informed); the passes are few.
    while standing.closed_at is None:
        new = _due(situation, standing, now)
        if not new:
            break
        facts += new
        standing = fold(new, standing)
    return tuple(facts)


def _due(situation: Situation, standing: Standing, now: datetime) -> list[Fact]:
    new = [*_organisation_facts(situation, standing, now), *_appointed(situation, standing, now)]
    new += _step_facts(situation, standing, now)
    new += _no_longer_planned(situation, standing, now)
    # What has only now become due may open something again, so the end comes when nothing else does.
    if not new and _may_close(situation, standing, now):
        states = [s.settled for s in standing.steps.values()]
        body = CycleClosed(
            closed=states.count("closed"),
            left_open=states.count("left_open"),
            withdrawn=states.count("withdrawn"),
        )
        new.append(situation.fact(None, "closed", min(now, situation.closing), now, body))
    return new


def _step_facts(situation: Situation, standing: Standing, now: datetime) -> Iterator[Fact]:
    closing = now >= situation.closing
    for step in situation.plan.of(situation.cycle):
        here = standing.step(step.key)
        if here is None:
            opens = situation.programme.calendar.moment(step.opens)
            if opens <= now and not closing and not situation.ended(step, now):
                yield _opened(situation, standing, step, opens, now)
        else:
            yield from step_facts(situation, standing, step, here, now)


# --- the cycle ------------------------------------------------------------------------------------


def _organisation_facts(situation: Situation, standing: Standing, now: datetime) -> Iterator[Fact]:
    day = oslo_day(now)
    if standing.organisation != situation.organisation_hash:
        body = OrganisationChanged(organisation=situation.organisation_hash, before=standing.organisation)
        yield situation.fact(
            None, f"organisation {situation.organisation_hash[:12]} {at(now)}", now, now, body
        )
    if situation.cycle.unit is not None:
        return
    for unit in situation.plan.units:
        slice_ = situation.organisation.unit_on(unit, day)
        if unit not in standing.units_started and slice_ is not None and now < situation.closing:
            yield situation.fact(None, f"unit {unit}", now, now, UnitYearStarted(unit=unit))
    duties = situation.organisation.duties(situation.law, day)
    if (
        standing.profile is not None
        and duties.profile is not standing.profile
        and day.year == situation.cycle.year
    ):
        change = DutyChanged(
            profile_before=standing.profile, profile_after=duties.profile, everyone=duties.everyone
        )
        yield situation.fact(None, f"profile {duties.profile} {at(now)}", now, now, change)


def _appointed(situation: Situation, standing: Standing, now: datetime) -> Iterator[Fact]:
    """Those who have become responsible in this year, told before anybody is asked for anything."""
    planned = [
        s for s in situation.plan.of(situation.cycle) if s.ends is None or not situation.closes_early(s, now)
    ]
    if now >= situation.closing or not any(_waits(standing.step(s.key)) for s in planned):
        return
    ahead = [s for s in planned if (here := standing.step(s.key)) is None or _waits(here)]
    told: dict[Role, frozenset[str]] = {}
    for role, person in standing.appointed:
        told[role] = told.get(role, frozenset()) | {person}
    for body in newly_responsible(ahead, situation.organisation, oslo_day(now), told):
        before = len(told.get(body.role, ()))
        yield situation.fact(None, f"appointed {body.role} {before}", now, now, body)


def _waits(here: StepStanding | None) -> bool:
    """Whether people are waited for in the step."""
    return here is not None and (here.settled is None or bool(here.unanswered()))


def _may_close(situation: Situation, standing: Standing, now: datetime) -> bool:
    """A cycle closes when nothing is open and nothing is to come, the employer's year after the units'."""
    if any(s.settled is None or _owes_information(situation, s) for s in standing.steps.values()):
        return False
    if now < situation.closing and any(_owes_answer(s) for s in standing.steps.values()):
        return False
    if situation.cycle.unit is None and situation.units_open:
        return False
    to_come = [
        s
        for s in situation.plan.of(situation.cycle)
        if standing.step(s.key) is None and not situation.ended(s, now)
    ]
    return now >= situation.closing or (not to_come and bool(standing.steps))


def _owes_information(situation: Situation, here: StepStanding) -> bool:
    step = situation.plan.find(situation.cycle, here.key)
    return here.settled == "closed" and not here.informed and step is not None and bool(step.inform)


def _owes_answer(here: StepStanding) -> bool:
    return here.settled == "closed" and bool(here.unanswered())


def _no_longer_planned(situation: Situation, standing: Standing, now: datetime) -> Iterator[Fact]:
    planned = {s.key for s in situation.plan.of(situation.cycle)}
    for key, here in standing.steps.items():
        if here.settled is None and key not in planned:
            unit = situation.cycle.unit
            gone = unit is not None and situation.organisation.unit_on(unit, oslo_day(now)) is None
            body = StepWithdrawn(reason="unit_closed" if gone else "duty_ended")
            yield situation.fact(key, "withdrawn", now, now, body)


# --- one step -------------------------------------------------------------------------------------


def _opened(
    situation: Situation, standing: Standing, step: PlannedStep, opens: datetime, now: datetime
) -> Fact:
    unfinished = tuple(
        key
        for key, s in sorted(standing.steps.items())
        if s.settled is None and key.split(".")[0] in step.builds_on
    )
    due = due_when_opened(situation.programme, step, oslo_day(now))
    return situation.fact(step.key, "opened", opens, now, StepOpened(due=due, predecessors_open=unfinished))


# --- when to look again ---------------------------------------------------------------------------


def next_moment(situation: Situation, standing: Standing, now: datetime) -> datetime | None:
    """The next moment at which the calendar brings something about; None when the cycle is closed."""
    if standing.closed_at is not None:
        return None
    moment = situation.programme.calendar.moment
    moments: list[datetime] = [situation.closing]
    waited_for = False
    for step in situation.plan.of(situation.cycle):
        here = standing.step(step.key)
        if here is None:
            moments += [moment(d) for d in (step.opens, step.ends) if d is not None]
            continue
        waited_for = waited_for or _waits(here)
        moments += [moment(d) for d in next_in_step(situation, step, here)]
    if waited_for or situation.cycle.unit is None:
        moments += [moment(d) for d in situation.organisation.change_days()]
    if situation.cycle.unit is None:
        moments += [moment(d) for d in situation.organisation.hiring_days() if d >= oslo_day(now)]
    later = [m for m in moments if m > now]
    return min(later, default=None)
