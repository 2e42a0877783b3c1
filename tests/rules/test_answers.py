"""What the employer owes besides the gate, clause by clause: a reasoned answer, and the reason for a new date."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.rules.employers import MEDIUM, SINCE
from tests.rules.gate_parts import (
    CLOSES,
    COMMENT,
    MANAGER,
    NOW,
    OTHER,
    OWN,
    REP,
    TOP,
    away,
    gate,
    owed,
    standing,
    step,
)
from workflows.rules.answers import answer, answering_role, move_due_date, told_of_disagreement
from workflows.rules.events import AttemptRefused, DisagreementAnswered, DueDateChanged
from workflows.rules.organisation import Assignment, Holder, Organisation, Role
from workflows.rules.standing import Owed, StepStanding
from workflows.rules.statement import Answer, MoveDueDate
from workflows.rules.terms import Refusal

# --- who answers for the employer ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "unit", "answers"),
    [
        (Role.HR, None, Role.HR),
        (Role.HR, "u1", Role.HR),
        (Role.SAFETY_REP, "u1", Role.MANAGER),
        (Role.WEC_CHAIR, None, Role.TOP_MANAGER),
    ],
)
def test_the_owner_answers_or_who_leads_where_an_elected_role_owns_the_step(
    owner: Role, unit: str | None, answers: Role
) -> None:
    assert answering_role(step(owner=owner, unit=unit)) is answers


def test_where_there_is_no_committee_the_senior_representative_is_told_of_a_disagreement() -> None:
    assert told_of_disagreement(MEDIUM, NOW) == (Holder(person=REP),)
    chair = Assignment(role=Role.WEC_CHAIR, person="p9", since=SINCE)
    some = MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, chair)})
    assert told_of_disagreement(some, NOW) == (Holder(person="p9"),)


# --- the reasoned answer ---------------------------------------------------------------------------


def answered(
    *of: Owed, version: int = 1, actor: str = MANAGER, now: datetime = NOW, **where: Any
) -> DisagreementAnswered | AttemptRefused:
    said = Answer(version=version, comment=COMMENT)
    return answer(gate(standing(owed=of), **where), actor, said, now)


def test_an_answer_names_those_it_is_to_and_for_whom_it_is_given() -> None:
    some = away(MANAGER, OTHER)
    got = answered(owed(1, REP, "p9"), owed(2, "p10"), actor=OTHER, organisation=some)
    assert got == DisagreementAnswered(
        version=1, disagree=(REP, "p9"), comment=COMMENT, late=False, on_behalf_of=MANAGER
    )


def test_an_answer_is_late_when_the_first_of_those_it_is_to_was_due() -> None:
    both = (owed(1, REP, due=date(2027, 5, 11)), owed(1, "p9", due=date(2027, 5, 26)))
    got = answered(*both)
    assert isinstance(got, DisagreementAnswered)
    assert got.late


def test_a_refused_answer_says_which_version_it_was_about() -> None:
    assert answered(owed(1, REP), version=3) == AttemptRefused(
        attempt="answer", reason=Refusal.NOTHING_TO_ANSWER, version=3
    )


def test_what_was_answered_about_another_version_is_not_answered_about_this() -> None:
    got = answered(owed(1, REP, answered=True), version=2)
    assert isinstance(got, AttemptRefused)
    assert got.reason is Refusal.NOTHING_TO_ANSWER


@pytest.mark.parametrize(
    ("actor", "disagrees", "organisation"),
    [
        (TOP, TOP, MEDIUM),
        (OTHER, TOP, away(TOP, OTHER)),
        (OTHER, OTHER, away(TOP, OTHER)),
    ],
    ids=["in person", "for the one who disagrees", "by the one who disagrees, for another"],
)
def test_where_nobody_is_above_them_their_own_disagreement_stays_unanswered(
    actor: str, disagrees: str, organisation: Organisation
) -> None:
    got = answered(owed(1, disagrees), actor=actor, planned=OWN, organisation=organisation)
    assert isinstance(got, AttemptRefused)
    assert got.reason is Refusal.TWO_ROLES


# --- a new due date --------------------------------------------------------------------------------


def moved(here: StepStanding, now: datetime = NOW) -> DueDateChanged | AttemptRefused:
    return move_due_date(gate(here), MANAGER, MoveDueDate(due=date(2027, 6, 10), comment=COMMENT), now)


def test_a_new_due_date_keeps_the_one_before_and_the_reason() -> None:
    assert moved(standing()) == DueDateChanged(
        before=date(2027, 5, 20), after=date(2027, 6, 10), reason="decided", comment=COMMENT
    )


@pytest.mark.parametrize(
    ("settled", "now"),
    [("withdrawn", NOW), ("left_open", NOW), (None, CLOSES), (None, CLOSES + timedelta(seconds=1))],
)
def test_what_is_over_has_no_due_date_any_more(settled: str | None, now: datetime) -> None:
    got = moved(standing(settled=settled), now)
    assert isinstance(got, AttemptRefused)
    assert got.reason is Refusal.TOO_LATE
