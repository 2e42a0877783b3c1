"""The edges of the gate's clauses, one by one, where a year's story would seldom come."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.employers import MEDIUM, SINCE
from tests.rules.gate_parts import (
    COMMENT,
    MANAGER,
    NOW,
    OTHER,
    OWN,
    REP,
    TOP,
    V1,
    away,
    gate,
    owed,
    standing,
    step,
)
from workflows.rules.events import AttemptRefused, DecisionRecorded
from workflows.rules.gate import barred_from, decide, pending, responsible, submit
from workflows.rules.organisation import Absence, Assignment, Holder, Organisation, Role
from workflows.rules.programme import Kind, SlotRule
from workflows.rules.standing import Decision, StepStanding
from workflows.rules.statement import Decide, File, Votes
from workflows.rules.terms import Outcome, Refusal, What


def without(*roles: Role) -> Organisation:
    kept = tuple(a for a in MEDIUM.assignments if a.role not in roles)
    return MEDIUM.model_copy(update={"assignments": kept})


# --- who is barred ---------------------------------------------------------------------------------


CONSULT_REP = SlotRule(kind=Kind.CONSULT, role=Role.SAFETY_REP)
CONSULT_UNION = SlotRule(kind=Kind.CONSULT, role=Role.UNION_REP)
APPROVE_MANAGER = SlotRule(kind=Kind.APPROVE, role=Role.MANAGER, order=2)
APPROVE_TOP = SlotRule(kind=Kind.APPROVE, role=Role.TOP_MANAGER, order=3)
FOUR_EYES_TOP = APPROVE_TOP.model_copy(update={"four_eyes": True})
FOUR_EYES_MANAGER = APPROVE_MANAGER.model_copy(update={"four_eyes": True})


def said(role: Role, outcome: Outcome, person: str, behalf: str | None = None, **more: Any) -> Decision:
    kind = Kind.APPROVE if outcome in (Outcome.APPROVED, Outcome.CHANGES_REQUESTED) else Kind.CONSULT
    return Decision.model_validate(
        {
            "role": role, "asked": kind, "outcome": outcome, "person": person, "on_behalf_of": behalf,
            "version": 1, **more,
        }
    )  # fmt: skip


HEARD = said(Role.SAFETY_REP, Outcome.AGREED, REP, "p9")
APPROVED_BY_TOP = said(Role.MANAGER, Outcome.APPROVED, TOP)


def barred(what: What, role: Role, *slots: SlotRule, version: int = 1, **here: Any) -> set[str]:
    return set(barred_from(step(*slots), standing(**here), what, role, version))


def test_who_was_consulted_does_not_approve_nor_does_whom_they_spoke_for() -> None:
    gate_ = (CONSULT_REP, APPROVE_MANAGER)
    assert barred("approve", Role.MANAGER, *gate_, decisions=(HEARD,)) == {REP, "p9"}


def test_what_was_said_about_another_version_bars_nobody() -> None:
    gate_ = (CONSULT_REP, APPROVE_MANAGER)
    assert barred("approve", Role.MANAGER, *gate_, version=2, decisions=(HEARD,)) == set()


def test_having_stated_silence_bars_nobody() -> None:
    silent = said(Role.SAFETY_REP, Outcome.NO_RESPONSE, MANAGER)
    assert barred("approve", Role.MANAGER, CONSULT_REP, APPROVE_MANAGER, decisions=(silent,)) == set()


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ((APPROVE_MANAGER, APPROVE_TOP), set()),
        ((FOUR_EYES_MANAGER, APPROVE_TOP), {TOP}),
        ((APPROVE_MANAGER, FOUR_EYES_TOP), {TOP, MANAGER}),
        ((APPROVE_MANAGER, APPROVE_TOP, CONSULT_UNION.model_copy(update={"four_eyes": True})), set()),
    ],
    ids=["neither asks for four eyes", "the other does", "this one does", "a third does"],
)
def test_one_person_in_two_roles_counts_once_where_four_eyes_are_asked_for(
    slots: tuple[SlotRule, ...], expected: set[str]
) -> None:
    assert barred("approve", Role.TOP_MANAGER, *slots, decisions=(APPROVED_BY_TOP,)) == expected


def test_an_answer_in_the_same_slot_is_no_second_role() -> None:
    gate_ = (APPROVE_MANAGER.model_copy(update={"four_eyes": True, "quorum": 2}),)
    assert barred("approve", Role.MANAGER, *gate_, author=None, decisions=(APPROVED_BY_TOP,)) == set()


def test_nobody_is_barred_from_being_heard_or_from_filing() -> None:
    gate_ = (CONSULT_REP, CONSULT_UNION, FOUR_EYES_TOP)
    decisions = (HEARD, said(Role.TOP_MANAGER, Outcome.APPROVED, TOP))
    assert barred("consult", Role.UNION_REP, *gate_, decisions=decisions) == set()
    assert barred("evidence", Role.MANAGER, *gate_, decisions=decisions) == set()


def test_a_disagreement_with_a_later_version_bars_nobody_from_answering_an_earlier_one() -> None:
    both = (owed(1, REP), owed(2, "p9"), owed(1, "p10", answered=True))
    assert barred("answer", Role.MANAGER, owed=both) == {REP}
    assert barred("answer", Role.MANAGER, version=2, owed=both) == {REP, "p9"}


def test_what_goes_up_does_not_go_to_the_stand_in_of_who_is_barred() -> None:
    some = with_board(away(TOP, OTHER))
    asked = responsible(OWN, some, "approve", Role.TOP_MANAGER, NOW.date(), frozenset({TOP}))
    assert asked == (Holder(person="b1"),)


def with_board(organisation: Organisation = MEDIUM) -> Organisation:
    board = Assignment(role=Role.BOARD, person="b1", since=SINCE)
    return organisation.model_copy(update={"assignments": (*organisation.assignments, board)})


def test_the_answer_of_a_vacant_owner_is_the_top_manager_s() -> None:
    asked = responsible(step(owner=Role.HR), without(Role.HR), "answer", Role.HR, NOW.date())
    assert asked == (Holder(person=TOP),)


# --- deciding --------------------------------------------------------------------------------------


def decided(
    actor: str, role: Role, outcome: Outcome, *slots: SlotRule, here: StepStanding | None = None,
    organisation: Organisation = MEDIUM, **more: Any,
) -> DecisionRecorded | Refusal:  # fmt: skip
    statement = Decide(role=role, outcome=outcome, document=V1, version=1, comment=COMMENT, **more)
    got = decide(gate(here or standing(), step(*slots), organisation), actor, statement, NOW)
    return got.reason if isinstance(got, AttemptRefused) else got


def test_the_one_who_is_away_speaks_for_nobody_else() -> None:
    some = away(MANAGER, OTHER)
    got = decided(
        MANAGER, Role.MANAGER, Outcome.APPROVED, APPROVE_MANAGER, organisation=some, on_behalf_of="p9"
    )
    assert got is Refusal.NOT_ELIGIBLE


def test_who_may_not_approve_in_a_second_role_is_told_so_and_not_that_they_are_the_author() -> None:
    gate_ = (APPROVE_MANAGER, FOUR_EYES_TOP)
    here = standing(decisions=(APPROVED_BY_TOP,))
    assert decided(TOP, Role.TOP_MANAGER, Outcome.APPROVED, *gate_, here=here, organisation=with_board()) is (
        Refusal.TWO_ROLES
    )
    own = standing(author=TOP, decisions=(said(Role.MANAGER, Outcome.APPROVED, MANAGER),))
    assert decided(TOP, Role.TOP_MANAGER, Outcome.APPROVED, *gate_, here=own, organisation=with_board()) is (
        Refusal.OWN_DOCUMENT
    )


def test_without_four_eyes_one_person_may_approve_in_two_roles() -> None:
    here = standing(decisions=(APPROVED_BY_TOP,))
    got = decided(TOP, Role.TOP_MANAGER, Outcome.APPROVED, APPROVE_MANAGER, APPROVE_TOP, here=here)
    assert isinstance(got, DecisionRecorded)


def test_one_person_may_be_heard_in_two_roles() -> None:
    union = Assignment(role=Role.UNION_REP, person=REP, since=SINCE)
    some = MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, union)})
    here = standing(decisions=(said(Role.SAFETY_REP, Outcome.AGREED, REP),))
    got = decided(
        REP, Role.UNION_REP, Outcome.AGREED, CONSULT_REP, CONSULT_UNION, here=here, organisation=some
    )
    assert isinstance(got, DecisionRecorded)


@pytest.mark.parametrize(
    ("approver", "behalf", "expected"),
    [(MANAGER, None, None), (REP, None, Refusal.TWO_ROLES), (OTHER, REP, Refusal.TWO_ROLES)],
    ids=["by another", "by the representative", "for the representative"],
)
def test_who_approved_is_not_heard_after_that(
    approver: str, behalf: str | None, expected: Refusal | None
) -> None:
    first = APPROVE_MANAGER.model_copy(update={"order": 1})
    then = CONSULT_REP.model_copy(update={"order": 2})
    here = standing(decisions=(said(Role.MANAGER, Outcome.APPROVED, approver, behalf),))
    got = decided(REP, Role.SAFETY_REP, Outcome.AGREED, first, then, here=here)
    assert isinstance(got, DecisionRecorded) if expected is None else got is expected


def test_a_version_that_is_to_be_filed_anew_is_not_decided_about_whoever_sent_it_back() -> None:
    got = decided(REP, Role.SAFETY_REP, Outcome.AGREED, CONSULT_REP, here=standing(sent_back=1))
    assert got is Refusal.NO_EVIDENCE


def test_a_quorum_counts_the_answers_to_its_own_question() -> None:
    two = CONSULT_UNION.model_copy(update={"quorum": 2})
    some = MEDIUM.model_copy(
        update={
            "assignments": (
                *MEDIUM.assignments,
                Assignment(role=Role.UNION_REP, person="p9", since=SINCE),
            )
        }
    )
    here = standing(decisions=(said(Role.SAFETY_REP, Outcome.AGREED, REP),))
    got = decided("p9", Role.UNION_REP, Outcome.AGREED, CONSULT_REP, two, here=here, organisation=some)
    assert isinstance(got, DecisionRecorded)
    assert not got.fulfils


def test_whoever_acts_for_two_acts_for_the_first_of_them_unless_they_say_which() -> None:
    unions = [Assignment(role=Role.UNION_REP, person=p, since=SINCE) for p in ("p9", "p10")]
    gone = tuple(Absence(person=p, substitute=OTHER, since=SINCE) for p in ("p9", "p10"))
    some = MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, *unions), "absences": gone})
    for said_for, counted in ((None, "p9"), ("p9", "p9"), ("p10", "p10")):
        got = decided(
            OTHER, Role.UNION_REP, Outcome.AGREED, CONSULT_UNION, organisation=some, on_behalf_of=said_for
        )
        assert isinstance(got, DecisionRecorded)
        assert got.on_behalf_of == counted


def test_what_is_no_answer_to_any_question_of_a_role_is_refused_as_that() -> None:
    heard = SlotRule(kind=Kind.CONSULT, role=Role.TOP_MANAGER)
    here = standing(author=TOP)
    got = decided(
        TOP, Role.TOP_MANAGER, Outcome.TREATED, heard, FOUR_EYES_TOP, here=here, organisation=with_board()
    )
    assert got is Refusal.WRONG_OUTCOME


def test_the_votes_of_a_committee_are_recorded() -> None:
    chair = Assignment(role=Role.WEC_CHAIR, person="p9", since=SINCE)
    some = MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, chair)})
    votes = Votes(majority=("p9",))
    treat = SlotRule(kind=Kind.TREAT, role=Role.WEC_CHAIR)
    got = decided("p9", Role.WEC_CHAIR, Outcome.TREATED, treat, organisation=some, votes=votes)
    assert isinstance(got, DecisionRecorded)
    assert got.votes == votes


def test_a_refused_filing_says_which_document_it_was() -> None:
    got = submit(gate(standing()), REP, File(document=V1), NOW)
    assert got == AttemptRefused(attempt="evidence", reason=Refusal.NOT_ELIGIBLE, document=V1)


@pytest.mark.parametrize(
    ("answers", "full"),
    [
        ((), False),
        ((said(Role.UNION_REP, Outcome.AGREED, "p9"),), False),
        (tuple(said(Role.UNION_REP, Outcome.AGREED, p) for p in ("p9", "p10")), True),
        ((said(Role.UNION_REP, Outcome.NO_RESPONSE, MANAGER),), True),
        ((said(Role.SAFETY_REP, Outcome.NO_RESPONSE, MANAGER),), False),
        ((said(Role.UNION_REP, Outcome.NO_RESPONSE, MANAGER, version=2),), False),
    ],
    ids=["nothing", "one of two", "both", "silence", "silence elsewhere", "silence about another version"],
)
def test_a_question_is_answered_by_its_quorum_or_by_stated_silence(
    answers: tuple[Decision, ...], full: bool
) -> None:
    two = CONSULT_UNION.model_copy(update={"quorum": 2})
    waits = pending(step(two), standing(decisions=answers), with_unions(), NOW.date())
    assert (waits == ()) is full


def with_unions() -> Organisation:
    unions = [Assignment(role=Role.UNION_REP, person=p, since=SINCE) for p in ("p9", "p10")]
    return MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, *unions)})
