"""A disagreement never blocks and never vanishes: what it demands, and when that is overdue (aml. § 6-2, E8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from workflows.rules.answers import answering_role, told_of_disagreement
from workflows.rules.calendar import oslo_day
from workflows.rules.events import AnswerDemanded, AnswerOverdue, Fact, WecMatterRaised
from workflows.rules.gate import Pending
from workflows.rules.plan import PlannedStep
from workflows.rules.situation import Situation
from workflows.rules.standing import StepStanding


def dissent_facts(
    situation: Situation, step: PlannedStep, here: StepStanding, now: datetime
) -> Iterator[Fact]:
    """The demand for an answer, the matter for the committee, and the answer's being overdue.

    They follow however the step stands: closed, withdrawn or left open, it was said. What can be answered no
    more when the year is closed is overdue by then.
    """
    for version in dict.fromkeys(d.version for d in here.decisions):
        yield from _demanded(situation, step, here, version, now)
    for version, due in dict.fromkeys((o.version, o.due) for o in here.unanswered() if not o.overdue):
        moment = situation.programme.calendar.moment(due + timedelta(days=1))
        if moment > now:
            continue
        leaders = situation.organisation.leader_of(answering_role(step), step.cycle.unit, oslo_day(now))
        told = dict.fromkeys(h.person for h in (*leaders, *told_of_disagreement(situation.organisation, now)))
        body = AnswerOverdue(version=version, due=due, people=tuple(told))
        yield situation.fact(step.key, f"answer overdue v{version} {due}", moment, now, body)


def _demanded(
    situation: Situation, step: PlannedStep, here: StepStanding, version: int, now: datetime
) -> Iterator[Fact]:
    known = {person for owed in here.owed if owed.version == version for person in owed.disagree}
    new = tuple(person for person in here.disagreeing(version) if person not in known)
    if not new:
        return
    label = f"v{version}" + (f" {len(known)}" if known else "")
    days = timedelta(days=situation.programme.ladder.answer_days)
    due = situation.within(step, situation.programme.calendar.settle(oslo_day(now) + days), now)
    demanded = AnswerDemanded(version=version, disagree=new, due=due)
    yield situation.fact(step.key, f"answer demanded {label}", now, now, demanded)
    people = tuple(h.person for h in told_of_disagreement(situation.organisation, now))
    raised = WecMatterRaised(version=version, disagree=new, people=people)
    yield situation.fact(step.key, f"wec matter {label}", now, now, raised)


def awaited_answers(step: PlannedStep, here: StepStanding) -> tuple[Pending, ...]:
    """The answer that the employer is asked for: about the newest version that somebody disagrees with."""
    versions = [owed.version for owed in here.unanswered()]
    newest = versions and Pending(what="answer", role=answering_role(step), version=max(versions))
    return (newest,) if newest else ()
