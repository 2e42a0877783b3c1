"""What the tests of a cycle ask of the facts that it leaves, and the people they give it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from tests.rules.employers import programme
from tests.rules.virtual_people import People, answering, usual
from workflows.rules.calendar import oslo_day
from workflows.rules.events import (
    AnswerDemanded,
    AnswerOverdue,
    DecisionRecorded,
    DisagreementAnswered,
    Fact,
    WecMatterRaised,
)
from workflows.rules.gate import Pending
from workflows.rules.plan import PlannedStep
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, StepStanding
from workflows.rules.terms import CycleRef, Outcome

YEAR, U1 = CycleRef(employer="fjell", year=2027), CycleRef(employer="fjell", year=2027, unit="u1")
SETTLED = ("step_closed", "step_left_open", "step_withdrawn")


def d(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    """Eight o'clock in Oslo on that day, when things happen."""
    return programme().calendar.moment(d(text))


def of(facts: Sequence[Fact], step: str, *kinds: str) -> list[Fact]:
    return [f for f in facts if f.step == step and (not kinds or f.kind in kinds)]


def asked(facts: Sequence[Fact], step: str) -> list[tuple[str, str, list[str]]]:
    return [
        (oslo_day(f.recorded).isoformat(), f.body.what, [h.person for h in f.body.people])
        for f in of(facts, step, "asked")
        if f.body.kind == "asked"
    ]


def crowd(seed: int) -> People:
    """People of whom some never answer, the others after some days, and some not as one would like."""

    def chance(step: PlannedStep, here: StepStanding, waiting: Pending) -> Random:
        return Random(f"{seed} {step.cycle.id} {step.key} {waiting.what} {waiting.role} {here.version}")

    def when(step: PlannedStep, here: StepStanding, waiting: Pending) -> datetime | None:
        some = chance(step, here, waiting)
        if some.random() < 0.3:
            return None
        question = here.question(waiting.what, waiting.role, waiting.version)
        return (question.asked_at if question else here.opened_at) + timedelta(hours=some.randint(1, 900))

    def what(step: PlannedStep, here: StepStanding, waiting: Pending) -> Outcome:
        if chance(step, here, waiting).random() > 0.45 or here.version > 2:
            return usual(step, here, waiting)
        return {"approve": Outcome.CHANGES_REQUESTED, "consult": Outcome.DISAGREES}.get(
            waiting.what, usual(step, here, waiting)
        )

    return answering(when, what)


def moved_again(facts: Sequence[Fact]) -> dict[str, int]:
    return {id: n for id, n in Counter(f.id for f in facts).items() if n > 1}


AFTER_THE_GATE = {
    "informed", "asked", "role_vacant", "responsibility_moved", "answer_demanded", "wec_matter_raised",
    "disagreement_answered", "answer_overdue", "evidence_submitted",
}  # fmt: skip

WHATEVER_BECAME_OF_IT = {"answer_demanded", "wec_matter_raised", "answer_overdue"}


def lawful(where: Situation, facts: Sequence[Fact], standing: Standing) -> None:
    """What holds of every year, whatever people do in it."""
    assert moved_again(facts) == {}
    assert [f.recorded for f in facts] == sorted(f.recorded for f in facts)
    assert all(f.concerns <= f.recorded for f in facts)
    told_of = [(f.body.role, h.person) for f in facts if f.body.kind == "appointed" for h in f.body.people]
    assert len(told_of) == len(set(told_of)), "nobody is told twice of the same role"
    for key in standing.steps:
        story = of(facts, key)
        planned = where.plan.find(where.cycle, key)
        assert story[0].kind == "step_opened"
        if planned is not None:
            assert story[0].recorded >= where.programme.calendar.moment(planned.opens)
        for round in rounds(story):
            lawful_round(round, planned)
        lawful_dissent(story, standing)


def rounds(story: Sequence[Fact]) -> list[list[Fact]]:
    """The story of a step, parted where it was opened anew or its due date was moved."""
    parts: list[list[Fact]] = [[]]
    for fact in story:
        if fact.kind in ("step_reopened", "due_date_changed"):
            parts.append([])
        parts[-1].append(fact)
    return parts


def lawful_round(story: Sequence[Fact], planned: PlannedStep | None) -> None:
    ends = [n for n, f in enumerate(story) if f.kind in SETTLED]
    assert len(ends) <= 1
    if ends:
        closed = story[ends[0]].kind == "step_closed"
        after = {f.kind for f in story[ends[0] + 1 :]}
        assert after <= (AFTER_THE_GATE if closed else WHATEVER_BECAME_OF_IT)
    reminders = [f.body.days_before for f in story if f.body.kind == "reminded"]
    rungs = [f.body.days_after for f in story if f.body.kind == "escalated"]
    assert reminders == sorted(set(reminders), reverse=True)
    assert rungs == sorted(set(rungs))
    kinds = [f.kind for f in story if f.kind in ("reminded", "escalated")]
    assert kinds == sorted(kinds, reverse=True), "reminders come before rungs"
    closed_by = next((f.body for f in story if f.body.kind == "step_closed"), None)
    if closed_by is not None and closed_by.kind == "step_closed":
        of_it = [
            f.body
            for f in story
            if f.body.kind == "decision_recorded" and f.body.version == closed_by.version
        ]
        answers = {(a.role, a.asked) for a in of_it}
        for slot in planned.slots if planned else ():
            assert (slot.role, slot.kind) in answers or slot.role in closed_by.vacant
            assert slot.kind != "approve" or (slot.role, slot.kind) in answers


def lawful_dissent(story: Sequence[Fact], standing: Standing) -> None:
    """Whoever disagrees is owed an answer and has a matter raised, and no answer stays away unnoticed."""
    disagree, demanded, raised = Counter[str](), Counter[str](), Counter[str]()
    owed: set[tuple[int, date]] = set()
    for fact in story:
        match fact.body:
            case DecisionRecorded(outcome=Outcome.DISAGREES, version=version, on_behalf_of=other):
                disagree[f"v{version} {other or fact.actor}"] += 1
            case AnswerDemanded(version=version, disagree=people, due=due):
                demanded.update(f"v{version} {person}" for person in people)
                owed.add((version, due))
            case WecMatterRaised(version=version, disagree=people):
                raised.update(f"v{version} {person}" for person in people)
            case DisagreementAnswered(version=version):
                owed = {o for o in owed if o[0] > version}
            case AnswerOverdue(version=version, due=due):
                owed.discard((version, due))
    assert disagree == demanded == raised
    assert standing.closed_at is None or not owed
