"""What is due in one opened step: asking, reminding, sending back, closing, and opening it anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from workflows.rules.calendar import oslo_day
from workflows.rules.dissent import awaited_answers, dissent_facts
from workflows.rules.events import (
    Asked,
    DecisionsStale,
    Escalated,
    Fact,
    Informed,
    Reminded,
    ResponsibilityMoved,
    RoleVacant,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepReopened,
    StepWithdrawn,
)
from workflows.rules.gate import SENDS_BACK, Pending, barred_from, fulfilled, pending, responsible
from workflows.rules.organisation import Role
from workflows.rules.plan import PlannedStep, reminder_days, rung_days
from workflows.rules.programme import Rung
from workflows.rules.situation import Situation
from workflows.rules.standing import Decision, Standing, StepStanding
from workflows.rules.terms import Outcome

REOPENED_DAYS = timedelta(days=14)
"""How long people have for a step that is open again."""


def step_facts(
    situation: Situation, standing: Standing, step: PlannedStep, here: StepStanding, now: datetime
) -> Iterator[Fact]:
    """What is due in a step that was opened."""
    yield from dissent_facts(situation, step, here, now)
    if here.settled in ("left_open", "withdrawn"):
        return
    if here.settled == "closed":
        yield from _after_the_gate(situation, standing, step, here, now)
    else:
        yield from _open_step(situation, standing, step, here, now)


def _labelled(here: StepStanding, what: str) -> str:
    """An id for this time round: what comes again after a reopening or a new due date is another fact."""
    return what if here.rounds == 0 else f"{what} r{here.rounds}"


# --- the gate is passed ---------------------------------------------------------------------------


def _after_the_gate(
    situation: Situation, standing: Standing, step: PlannedStep, here: StepStanding, now: datetime
) -> Iterator[Fact]:
    if now < situation.ends(step):
        newer = (
            key
            for key, version in here.basis
            if (other := standing.step(key)) is not None
            and other.settled == "closed"
            and other.version > version
        )
        if (by := next(newer, None)) is not None:
            body = StepReopened(because="basis_changed", due=_new_due(situation, step, here, now), by=by)
            yield situation.fact(
                step.key, _reopening(here, f"{by} v{_version(standing, by)}"), now, now, body
            )
            return
        if not situation.closes_early(step, now):
            yield from _questions(situation, step, here, awaited_answers(step, here), now)
    if not here.informed and step.inform:
        yield _informed(situation, step, here, now)


def _version(standing: Standing, key: str) -> int:
    other = standing.step(key)
    return other.version if other is not None else 0


def _informed(situation: Situation, step: PlannedStep, here: StepStanding, now: datetime) -> Fact:
    day = oslo_day(now)
    people = dict.fromkeys(
        h.person for role in step.inform for h in situation.organisation.holders(role, step.cycle.unit, day)
    )
    body = Informed(roles=step.inform, people=tuple(people))
    return situation.fact(step.key, _labelled(here, "informed"), here.settled_at or now, now, body)


def _new_due(situation: Situation, step: PlannedStep, here: StepStanding, now: datetime) -> date:
    wish = situation.programme.calendar.settle(oslo_day(now) + REOPENED_DAYS)
    return max(here.due, situation.within(step, wish, now))


def _reopening(here: StepStanding, why: str) -> str:
    return f"reopened by {why} r{here.rounds + 1}"


# --- the gate is open -----------------------------------------------------------------------------


def _open_step(
    situation: Situation, standing: Standing, step: PlannedStep, here: StepStanding, now: datetime
) -> Iterator[Fact]:
    if here.filed_anew:
        body = StepReopened(because="new_version", due=_new_due(situation, step, here, now))
        yield situation.fact(step.key, _reopening(here, f"v{here.version}"), now, now, body)
        return
    stale = list(_stale(situation, step, here, now))
    if stale:
        yield from stale
        return
    day = oslo_day(now)
    waiting = pending(step, here, situation.organisation, day)
    sent_back = next((d for d in here.now_decided() if d.outcome in SENDS_BACK), None)
    # What people had decided before the unit's end stands, also when nobody looked until after it.
    if situation.ended(step, now) and (waiting or sent_back):
        withdrawn = StepWithdrawn(reason="unit_closed")
        yield situation.fact(step.key, "withdrawn", situation.ends(step), now, withdrawn)
        return
    if sent_back is not None and not here.needs_evidence:
        yield from _sent_back(situation, standing, step, here, sent_back, now)
        return
    if not waiting:
        closing = _closing(standing, step, here, day)
        yield situation.fact(step.key, _labelled(here, "closed"), now, now, closing)
        return
    if now >= situation.closing:
        missing = tuple(f"{p.what}:{p.role.value}" for p in waiting)
        yield situation.fact(step.key, "left open", situation.closing, now, StepLeftOpen(missing=missing))
        return
    if situation.closes_early(step, now):
        return  # the unit's last hours: whoever was asked there stays asked until the step is withdrawn
    yield from _questions(situation, step, here, awaited_answers(step, here), now)
    if any(s.settled is None and s.reopened_by == step.key for s in standing.steps.values()):
        return  # the matter is back at an earlier stage; its people are asked first
    yield from _questions(situation, step, here, waiting, now)
    yield from _ladder(situation, step, here, waiting, now)


def _stale(situation: Situation, step: PlannedStep, here: StepStanding, now: datetime) -> Iterator[Fact]:
    newest = here.version if here.void is not None else here.version - 1
    given: dict[int, list[Decision]] = {}
    for decision in here.decisions:
        counted = decision.outcome not in SENDS_BACK and decision.outcome is not Outcome.NO_RESPONSE
        if here.stale < decision.version <= newest and counted:
            given.setdefault(decision.version, []).append(decision)
    for version, decisions in given.items():
        people = tuple(dict.fromkeys(d.person for d in decisions))
        because = here.void if here.void is not None and version == here.version else "new_version"
        body = DecisionsStale(document=decisions[0].document, version=version, people=people, because=because)
        yield situation.fact(step.key, f"stale v{version}", now, now, body)


def _sent_back(
    situation: Situation,
    standing: Standing,
    step: PlannedStep,
    here: StepStanding,
    decision: Decision,
    now: datetime,
) -> Iterator[Fact]:
    body = SentBack(version=here.version, outcome=decision.outcome, back_to=decision.back_to)
    yield situation.fact(step.key, f"sent back v{here.version}", now, now, body)
    for earlier in situation.behind(step, standing):
        if earlier.stage is not decision.back_to or now >= situation.ends(earlier):
            continue
        if (there := standing.step(earlier.key)) is not None:
            due = _new_due(situation, earlier, there, now)
            again = StepReopened(because="sent_back", due=due, by=step.key)
            label = _reopening(there, f"{step.key} v{here.version}")
            yield situation.fact(earlier.key, label, now, now, again)


def _closing(standing: Standing, step: PlannedStep, here: StepStanding, day: date) -> StepClosed:
    decided = here.now_decided()
    return StepClosed(
        document=here.document or "",
        version=here.version,
        late=(oslo_day(here.acted_at) if here.acted_at else day) > here.due,
        disagreements=tuple(d.on_behalf_of or d.person for d in decided if d.outcome is Outcome.DISAGREES),
        vacant=tuple(s.role for s in step.slots if not fulfilled(s, here)),
        basis=tuple(
            (key, other.passed)
            for key, other in sorted(standing.steps.items())
            if key.partition(".")[0] in step.builds_on and other.passed
        ),
    )


def _questions(
    situation: Situation, step: PlannedStep, here: StepStanding, waiting: tuple[Pending, ...], now: datetime
) -> Iterator[Fact]:
    day = oslo_day(now)
    for p in waiting:
        barred = barred_from(step, here, p.what, p.role, p.version)
        people = responsible(step, situation.organisation, p.what, p.role, day, barred)
        label = _labelled(here, _question(here, p))
        if not people:
            if (p.what, p.role, p.version) not in here.vacant:
                body = RoleVacant(what=p.what, role=p.role, version=p.version)
                yield situation.fact(step.key, f"vacant {label}", now, now, body)
            continue
        question = here.question(p.what, p.role, p.version)
        if question is not None and question.people == people:
            continue
        if question is not None and question.people:
            before = tuple(h.person for h in question.people)
            after = tuple(h.person for h in people)
            moved = ResponsibilityMoved(role=p.role, before=before, after=after)
            yield situation.fact(step.key, f"moved {label} {question.moved + 1}", now, now, moved)
        asked = Asked(what=p.what, role=p.role, people=people, version=p.version)
        suffix = "" if question is None else f" {question.moved + 1}"
        yield situation.fact(step.key, f"asked {label}{suffix}", now, now, asked)


def _question(here: StepStanding, p: Pending) -> str:
    answered = sum(o.answered for o in here.owed if o.version == p.version)
    again = f" after {answered}" if p.what == "answer" and answered else ""
    return f"{p.what} {p.role.value} v{p.version}{again}"


# --- the ladder -----------------------------------------------------------------------------------


def _ladder(
    situation: Situation, step: PlannedStep, here: StepStanding, waiting: tuple[Pending, ...], now: datetime
) -> Iterator[Fact]:
    moment, day = situation.programme.calendar.moment, oslo_day(now)
    since = max(here.opened_at, here.ladder_from or here.opened_at)
    passed = [
        (days, on)
        for days, on in reminders(situation, step, here)
        if since < moment(on) <= now and (here.reminded is None or days < here.reminded)
    ]
    climbed = [
        (rung, on)
        for rung, on in rungs(situation, here)
        if since < moment(on) <= now and rung.days > here.escalated
    ]
    if passed and not climbed and not here.escalated:
        days, on = passed[-1]
        awaited = dict.fromkeys(
            h.person
            for p in waiting
            for h in responsible(
                step,
                situation.organisation,
                p.what,
                p.role,
                day,
                barred_from(step, here, p.what, p.role, p.version),
            )
        )
        reminded = Reminded(days_before=days, people=tuple(awaited))
        yield situation.fact(step.key, _labelled(here, f"reminded {days}"), moment(on), now, reminded)
    if climbed:
        rung, on = climbed[-1]
        body = Escalated(
            days_after=rung.days, people=_rung_people(situation, step, rung, day),
            deviation=any(r.deviation for r, _ in climbed), wec_item=any(r.wec_item for r, _ in climbed),
        )  # fmt: skip
        yield situation.fact(step.key, _labelled(here, f"escalated {rung.days}"), moment(on), now, body)


def reminders(situation: Situation, step: PlannedStep, here: StepStanding) -> tuple[tuple[int, date], ...]:
    """The reminders of the step with their days, from its due date as it is now."""
    return reminder_days(situation.programme, step.opens, here.due)


def rungs(situation: Situation, here: StepStanding) -> tuple[tuple[Rung, date], ...]:
    """The rungs of the step with their days, up to the day the year is closed."""
    return rung_days(situation.programme, here.due, situation.plan.closing_day(situation.cycle))


def _rung_people(situation: Situation, step: PlannedStep, rung: Rung, day: date) -> tuple[str, ...]:
    """Whom the rung tells; where every role on it is vacant, the top manager, for somebody must know."""
    organisation, unit = situation.organisation, step.cycle.unit
    people: dict[str, None] = {}
    for to in rung.to:
        holders = (
            organisation.leader_of(step.owner, unit, day)
            if to == "leader_of_owner"
            else organisation.holders(to, unit, day)
        )
        people.update((h.person, None) for h in holders)
    top = (h.person for h in organisation.holders(Role.TOP_MANAGER, None, day))
    return tuple(people or dict.fromkeys(top))


def next_in_step(situation: Situation, step: PlannedStep, here: StepStanding) -> Iterator[date]:
    """The days on which the calendar brings something about in the step; past ones are among them."""
    if here.settled in (None, "closed"):
        yield from (o.due + timedelta(days=1) for o in here.unanswered() if not o.overdue)
    if here.settled is not None:
        return
    if step.ends is not None:
        yield step.ends
    for days, on in reminders(situation, step, here):
        if here.reminded is None or days < here.reminded:
            yield on
    yield from (on for rung, on in rungs(situation, here) if rung.days > here.escalated)
