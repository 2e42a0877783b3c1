"""How a cycle moves: what is due at a moment, given where it stands. Pure, total, and safe to ask twice.

`advance` answers with the facts that the calendar and the gate bring about; `next_moment` says when to ask
again if nobody does anything before that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.events import (
    SYSTEM,
    Asked,
    Body,
    CycleClosed,
    CycleRef,
    DutyChanged,
    Escalated,
    Fact,
    Informed,
    OrganisationChanged,
    Outcome,
    Reminded,
    ResponsibilityMoved,
    RoleVacant,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepWithdrawn,
    UnitYearStarted,
    at,
)
from workflows.rules.gate import SENDS_BACK, Pending, pending, responsible
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Organisation
from workflows.rules.plan import PlannedStep, YearPlan, due_when_opened, reminder_days, rung_days
from workflows.rules.programme import Programme, Rung
from workflows.rules.standing import Standing, StepStanding, fold


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


def advance(situation: Situation, standing: Standing, now: datetime) -> tuple[Fact, ...]:
    """The facts that are due at `now` and not yet recorded, in the order to record them.

    Asking again with these facts folded in gives nothing more. After a stop, several missed reminders of a
    step become one, the latest.
    """
    facts: list[Fact] = []
    # Each pass may enable the next (opened → asked, decided → closed → informed); the passes are few.
    while standing.closed_at is None:
        new = list(_due(situation, standing, now))
        if not new:
            break
        facts += new
        standing = fold(new, standing)
    return tuple(facts)


def _due(situation: Situation, standing: Standing, now: datetime) -> Iterator[Fact]:
    yield from _organisation_facts(situation, standing, now)
    closing = now >= situation.closing
    for step in situation.plan.of(situation.cycle):
        here = standing.step(step.key)
        if here is None:
            opens = situation.programme.calendar.moment(step.opens)
            if opens <= now and not closing and not _ended(situation, step, now):
                yield _opened(situation, standing, step, opens, now)
        elif here.settled is None:
            yield from _step_facts(situation, step, here, now)
        elif here.settled == "closed" and not here.informed and step.inform:
            yield _informed(situation, step, here, now)
    yield from _no_longer_planned(situation, standing, now)
    if _may_close(situation, standing, now):
        states = [s.settled for s in standing.steps.values()]
        body = CycleClosed(
            closed=states.count("closed"),
            left_open=states.count("left_open"),
            withdrawn=states.count("withdrawn"),
        )
        yield _fact(situation, None, "closed", min(now, situation.closing), now, body)


def _fact(
    situation: Situation, step: str | None, what: str, concerns: datetime, now: datetime, body: Body
) -> Fact:
    where = f"{situation.cycle.id}/{step}" if step else situation.cycle.id
    return Fact(
        id=f"{where}#{what}", employer=situation.cycle.employer, cycle=situation.cycle.id, step=step,
        concerns=concerns, recorded=now, actor=SYSTEM, body=body,
    )  # fmt: skip


# --- the cycle ------------------------------------------------------------------------------------


def _organisation_facts(situation: Situation, standing: Standing, now: datetime) -> Iterator[Fact]:
    day = oslo_day(now)
    if standing.organisation != situation.organisation_hash:
        body = OrganisationChanged(organisation=situation.organisation_hash, before=standing.organisation)
        yield _fact(
            situation, None, f"organisation {situation.organisation_hash[:12]} {at(now)}", now, now, body
        )
    if situation.cycle.unit is not None:
        return
    for unit in situation.plan.units:
        slice_ = situation.organisation.unit_on(unit, day)
        if unit not in standing.units_started and slice_ is not None and now < situation.closing:
            yield _fact(situation, None, f"unit {unit}", now, now, UnitYearStarted(unit=unit))
    duties = situation.organisation.duties(situation.law, day)
    if (
        standing.profile is not None
        and duties.profile is not standing.profile
        and day.year == situation.cycle.year
    ):
        change = DutyChanged(
            profile_before=standing.profile, profile_after=duties.profile, everyone=duties.everyone
        )
        yield _fact(situation, None, f"profile {duties.profile} {at(now)}", now, now, change)


def _may_close(situation: Situation, standing: Standing, now: datetime) -> bool:
    """A cycle closes when nothing is open and nothing is to come, the employer's year after the units'."""
    if any(s.settled is None or _owes_information(situation, s) for s in standing.steps.values()):
        return False
    if situation.cycle.unit is None and situation.units_open:
        return False
    to_come = [
        s
        for s in situation.plan.of(situation.cycle)
        if standing.step(s.key) is None and not _ended(situation, s, now)
    ]
    return now >= situation.closing or (not to_come and bool(standing.steps))


def _owes_information(situation: Situation, here: StepStanding) -> bool:
    step = situation.plan.find(situation.cycle, here.key)
    return here.settled == "closed" and not here.informed and step is not None and bool(step.inform)


def _no_longer_planned(situation: Situation, standing: Standing, now: datetime) -> Iterator[Fact]:
    planned = {s.key for s in situation.plan.of(situation.cycle)}
    for key, here in standing.steps.items():
        if here.settled is None and key not in planned:
            unit = situation.cycle.unit
            gone = unit is not None and situation.organisation.unit_on(unit, oslo_day(now)) is None
            body = StepWithdrawn(reason="unit_closed" if gone else "duty_ended")
            yield _fact(situation, key, "withdrawn", now, now, body)


# --- one step -------------------------------------------------------------------------------------


def _ended(situation: Situation, step: PlannedStep, now: datetime) -> bool:
    return step.ends is not None and situation.programme.calendar.moment(step.ends) <= now


def _opened(
    situation: Situation, standing: Standing, step: PlannedStep, opens: datetime, now: datetime
) -> Fact:
    unfinished = tuple(
        key
        for key, s in sorted(standing.steps.items())
        if s.settled is None and key.split(".")[0] in step.builds_on
    )
    due = due_when_opened(situation.programme, step, oslo_day(now))
    return _fact(situation, step.key, "opened", opens, now, StepOpened(due=due, predecessors_open=unfinished))


def _step_facts(situation: Situation, step: PlannedStep, here: StepStanding, now: datetime) -> Iterator[Fact]:
    day = oslo_day(now)
    waiting = pending(step, here, situation.organisation, day)
    sent_back = next((d for d in here.now_decided() if d.outcome in SENDS_BACK), None)
    # What people had decided before the unit's end stands, also when nobody looked until after it.
    if _ended(situation, step, now) and (waiting or sent_back):
        ended = situation.programme.calendar.moment(step.ends or day)
        yield _fact(situation, step.key, "withdrawn", ended, now, StepWithdrawn(reason="unit_closed"))
        return
    if sent_back is not None and not here.needs_evidence:
        body = SentBack(version=here.version, outcome=sent_back.outcome)
        yield _fact(situation, step.key, f"sent back v{here.version}", now, now, body)
        return
    if not waiting:
        yield _fact(situation, step.key, "closed", now, now, _closing(step, here, day))
        return
    if now >= situation.closing:
        missing = tuple(f"{p.what}:{p.role.value}" for p in waiting)
        yield _fact(situation, step.key, "left open", situation.closing, now, StepLeftOpen(missing=missing))
        return
    if step.ends is not None and day >= step.ends:
        return  # the unit's last hours: whoever was asked there stays asked until the step is withdrawn
    yield from _questions(situation, step, here, waiting, now)
    yield from _ladder(situation, step, here, waiting, now)


def _closing(step: PlannedStep, here: StepStanding, day: date) -> StepClosed:
    decided = here.now_decided()
    answered = {(d.role, d.asked) for d in decided if d.fulfils}
    return StepClosed(
        document=here.document or "",
        version=here.version,
        late=(oslo_day(here.acted_at) if here.acted_at else day) > here.due,
        disagreements=tuple(d.on_behalf_of or d.person for d in decided if d.outcome is Outcome.DISAGREES),
        vacant=tuple(s.role for s in step.slots if (s.role, s.kind) not in answered),
    )


def _informed(situation: Situation, step: PlannedStep, here: StepStanding, now: datetime) -> Fact:
    day = oslo_day(now)
    people = dict.fromkeys(
        h.person for role in step.inform for h in situation.organisation.holders(role, step.cycle.unit, day)
    )
    body = Informed(roles=step.inform, people=tuple(people))
    return _fact(situation, step.key, "informed", here.settled_at or now, now, body)


def _questions(
    situation: Situation, step: PlannedStep, here: StepStanding, waiting: tuple[Pending, ...], now: datetime
) -> Iterator[Fact]:
    day = oslo_day(now)
    for p in waiting:
        people = responsible(step, situation.organisation, p.what, p.role, day)
        label = f"{p.what} {p.role.value} v{p.version}"
        if not people:
            if (p.what, p.role, p.version) not in here.vacant:
                body = RoleVacant(what=p.what, role=p.role, version=p.version)
                yield _fact(situation, step.key, f"vacant {label}", now, now, body)
            continue
        question = here.question(p.what, p.role, p.version)
        if question is not None and question.people == people:
            continue
        if question is not None:
            before = tuple(h.person for h in question.people)
            after = tuple(h.person for h in people)
            moved = ResponsibilityMoved(role=p.role, before=before, after=after)
            yield _fact(situation, step.key, f"moved {label} {at(now)}", now, now, moved)
        asked = Asked(what=p.what, role=p.role, people=people, version=p.version)
        suffix = "" if question is None else f" {at(now)}"
        yield _fact(situation, step.key, f"asked {label}{suffix}", now, now, asked)


def _ladder(
    situation: Situation, step: PlannedStep, here: StepStanding, waiting: tuple[Pending, ...], now: datetime
) -> Iterator[Fact]:
    moment, opened = situation.programme.calendar.moment, here.opened_at
    day = oslo_day(now)
    awaited = tuple(
        dict.fromkeys(
            h.person for p in waiting for h in responsible(step, situation.organisation, p.what, p.role, day)
        )
    )
    passed = [
        (days, at)
        for days, at in _reminders(situation, step, here)
        if opened < moment(at) <= now and (here.reminded is None or days < here.reminded)
    ]
    rungs = [
        (rung, at)
        for rung, at in _rungs(situation, here)
        if opened < moment(at) <= now and rung.days > here.escalated
    ]
    if passed and not rungs and not here.escalated:
        days, at = passed[-1]
        yield _fact(
            situation,
            step.key,
            f"reminded {days}",
            moment(at),
            now,
            Reminded(days_before=days, people=awaited),
        )
    if rungs:
        rung, at = rungs[-1]
        body = Escalated(
            days_after=rung.days, people=_rung_people(situation, step, rung, day),
            deviation=any(r.deviation for r, _ in rungs), wec_item=any(r.wec_item for r, _ in rungs),
        )  # fmt: skip
        yield _fact(situation, step.key, f"escalated {rung.days}", moment(at), now, body)


def _reminders(situation: Situation, step: PlannedStep, here: StepStanding) -> tuple[tuple[int, date], ...]:
    return reminder_days(situation.programme, step.opens, here.due)


def _rungs(situation: Situation, here: StepStanding) -> tuple[tuple[Rung, date], ...]:
    return rung_days(situation.programme, here.due, situation.plan.closing_day(situation.cycle))


def _rung_people(situation: Situation, step: PlannedStep, rung: Rung, day: date) -> tuple[str, ...]:
    people: dict[str, None] = {}
    for to in rung.to:
        holders = (
            situation.organisation.leader_of(step.owner, step.cycle.unit, day)
            if to == "leader_of_owner"
            else situation.organisation.holders(to, step.cycle.unit, day)
        )
        people.update((h.person, None) for h in holders)
    return tuple(people)


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
        if here is not None and here.settled is not None:
            continue
        if step.ends is not None:
            moments.append(moment(step.ends))
        if here is None:
            moments.append(moment(step.opens))
            continue
        waited_for = True
        moments += [moment(at) for days, at in _reminders(situation, step, here) if _ahead(days, here)]
        moments += [moment(at) for rung, at in _rungs(situation, here) if rung.days > here.escalated]
    if waited_for or situation.cycle.unit is None:
        moments += [moment(d) for d in situation.organisation.change_days()]
    if situation.cycle.unit is None:
        moments += [moment(d) for d in situation.organisation.hiring_days() if d >= oslo_day(now)]
    later = [m for m in moments if m > now]
    return min(later, default=None)


def _ahead(days: int, here: StepStanding) -> bool:
    return here.reminded is None or days < here.reminded
