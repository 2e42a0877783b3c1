"""An answer that is disregarded is as if it had never been counted, and its question is asked again."""

from __future__ import annotations

from datetime import UTC, date, datetime

from workflows.rules.events import (
    Asked,
    Body,
    DecisionDisregarded,
    DecisionRecorded,
    EvidenceSubmitted,
    Fact,
    StepOpened,
)
from workflows.rules.gate import fulfilled
from workflows.rules.organisation import Holder, Role
from workflows.rules.programme import Kind, SlotRule
from workflows.rules.standing import StepStanding, fold
from workflows.rules.terms import Outcome, Refusal

NOON = datetime(2027, 5, 10, 10, tzinfo=UTC)
DOCUMENT = "ab" * 32
TWO_OF_THEM = SlotRule(kind=Kind.CONSULT, role=Role.UNION_REP, order=1, quorum=2)


def standing(*acts: tuple[str, Body]) -> StepStanding:
    """After a document was filed and two union representatives were asked, and these facts by these people."""
    asked = Asked(
        what="consult", role=Role.UNION_REP, people=(Holder(person="a"), Holder(person="b")), version=1
    )
    before = [
        ("system", StepOpened(due=date(2027, 5, 20))), ("m", EvidenceSubmitted(document=DOCUMENT, version=1)),
        ("system", asked),
    ]  # fmt: skip
    facts = [
        Fact(
            id=f"f{n}", employer="fjell", cycle="unit/fjell/u1/2027", step="Y15", concerns=NOON, recorded=NOON,
            actor=actor, body=body,
        )
        for n, (actor, body) in enumerate([*before, *acts])
    ]  # fmt: skip
    here = fold(facts).step("Y15")
    assert here is not None
    return here


def agrees(fulfils: bool) -> DecisionRecorded:
    return DecisionRecorded(
        role=Role.UNION_REP, asked=Kind.CONSULT, outcome=Outcome.AGREED, document=DOCUMENT, version=1,
        fulfils=fulfils,
    )  # fmt: skip


def without(number: int) -> DecisionDisregarded:
    return DecisionDisregarded(decision=f"f{number}", reason=Refusal.UNSIGNED)


def test_two_answers_fulfil_what_needs_two() -> None:
    assert not fulfilled(TWO_OF_THEM, standing(("a", agrees(False))))
    assert fulfilled(TWO_OF_THEM, standing(("a", agrees(False)), ("b", agrees(True))))


def test_the_answer_that_was_the_last_one_needed_is_not_enough_without_the_forged_one_before_it() -> None:
    here = standing(("a", agrees(False)), ("b", agrees(True)), ("system", without(3)))
    assert [d.person for d in here.decisions] == ["b"]
    assert not fulfilled(TWO_OF_THEM, here)


def test_an_answer_that_says_of_itself_that_it_is_enough_is_not() -> None:
    assert not fulfilled(TWO_OF_THEM, standing(("a", agrees(True))))


def test_a_question_whose_answer_is_disregarded_is_nobodys_until_it_is_asked_again() -> None:
    here = standing(("a", agrees(False)), ("system", without(3)))
    question = here.question("consult", Role.UNION_REP, 1)
    assert question is not None
    assert question.people == ()
    assert question.asked_at == NOON
