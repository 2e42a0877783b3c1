"""The one gate: who may say what, when, about which version, and why an attempt is refused."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.rules.employers import MEDIUM
from tests.rules.one_gate import (
    ANYBODY,
    APPROVE_MANAGER,
    APPROVE_TOP,
    APPROVED,
    ASKED,
    CALENDAR,
    CHANGES,
    COMMENT,
    EMPTY,
    HEARD,
    HR,
    MANAGER,
    NO_REP,
    NOON,
    OK,
    REJECTED,
    REP,
    SENT_BACK,
    SILENT,
    TOP,
    TREATED,
    TWO_UNIONS,
    V1,
    V2,
    Answer,
    H,
    M,
    R,
    T,
    U,
    W,
    accepted,
    away,
    gate,
    noon,
    said,
    slot,
    standing,
    step,
    with_role,
    without,
)
from workflows.rules.calendar import OSLO
from workflows.rules.events import AttemptRefused, DecisionRecorded
from workflows.rules.gate import decide
from workflows.rules.organisation import Holder, Role
from workflows.rules.programme import Kind
from workflows.rules.standing import Question
from workflows.rules.statement import Decide
from workflows.rules.terms import Outcome, Refusal

DEPUTY = with_role(Role.DEPUTY_SAFETY_REP, "p5")
BOTH_UNIONS = slot(Kind.CONSULT, Role.UNION_REP, quorum=2)
REP_VACANT = standing(vacant=(("consult", Role.SAFETY_REP, 1),), questions=())
AGREED, REMARKS, DISAGREES = Outcome.AGREED, Outcome.AGREED_WITH_REMARKS, Outcome.DISAGREES


def case(what: str, answer: Answer, expected: str, **more: Any) -> Any:
    return pytest.param(answer, expected, more, id=what)


@pytest.mark.parametrize(
    ("answer", "expected", "where"),
    [
        # The plain way through.
        case("the safety rep agrees", (REP, R, AGREED), OK),
        case("the safety rep agrees with a remark", (REP, R, REMARKS), OK),
        case("the safety rep disagrees: heard, not a veto", (REP, R, DISAGREES), OK),
        case("the manager approves once the rep is heard", (MANAGER, M, APPROVED), OK, here=HEARD),
        case(
            "the manager approves against the rep's advice", (MANAGER, M, APPROVED), OK,
            here=standing(decisions=(said(R, DISAGREES, REP),)),
        ),
        case("the manager rejects", (MANAGER, M, REJECTED), OK, here=HEARD),
        case("the manager wants changes", (MANAGER, M, CHANGES), OK, here=HEARD),
        # Too early, too late, nowhere.
        case("a closed step", (REP, R, AGREED), Refusal.CLOSED, here=standing(settled="closed")),
        case("a step left open at year's end", (REP, R, AGREED), Refusal.TOO_LATE, here=standing(settled="left_open")),
        case("a step of a closed unit", (REP, R, AGREED), Refusal.TOO_LATE, here=standing(settled="withdrawn")),
        case("nothing is filed yet", (REP, R, AGREED), Refusal.NO_EVIDENCE, here=EMPTY),
        case("after the due date all the same", (REP, R, AGREED), OK, day=date(2027, 9, 1)),
        # Bound to what was seen.
        case("an older version", (REP, R, AGREED), Refusal.STALE_VERSION, here=standing(document=V2, version=2)),
        case("a later version than there is", (REP, R, AGREED), Refusal.WRONG_DOCUMENT, version=2),
        case("another document", (REP, R, AGREED), Refusal.WRONG_DOCUMENT, document=V2),
        case("the version that was sent back", (REP, R, AGREED), Refusal.NO_EVIDENCE, here=SENT_BACK),
        case(
            "a version that is being sent back, though nobody has looked yet", (TOP, T, APPROVED),
            Refusal.NO_EVIDENCE, step=step(slot(Kind.APPROVE, M), slot(Kind.APPROVE, T)),
            here=standing(decisions=(said(M, CHANGES, MANAGER),)),
        ),
        case(
            "a version whose basis has changed since", (REP, R, AGREED), Refusal.STALE_VERSION,
            here=standing(void="basis_changed", sent_back=1),
        ),
        # Who.
        case("a role that is not asked", (HR, H, APPROVED), Refusal.NOT_ELIGIBLE),
        case("somebody without the role", (ANYBODY, R, AGREED), Refusal.NOT_ELIGIBLE),
        case("the manager in the rep's place", (MANAGER, R, AGREED), Refusal.NOT_ELIGIBLE),
        case("the top manager in the manager's place", (TOP, M, APPROVED), Refusal.NOT_ELIGIBLE, here=HEARD),
        case("a stranger", ("nobody", R, AGREED), Refusal.NOT_ELIGIBLE),
        # What fits the question.
        case("the rep cannot approve", (REP, R, APPROVED), Refusal.WRONG_OUTCOME),
        case("the rep cannot reject: no veto", (REP, R, REJECTED), Refusal.WRONG_OUTCOME),
        case("a manager cannot just agree", (MANAGER, M, AGREED), Refusal.WRONG_OUTCOME, here=HEARD),
        case("a manager cannot treat for the committee", (MANAGER, M, TREATED), Refusal.WRONG_OUTCOME, here=HEARD),
        case(
            "the committee's chair treats", ("p8", W, TREATED), OK,
            step=step(slot(Kind.TREAT, W)), organisation=with_role(W, "p8"),
        ),
        case(
            "the committee's chair does not approve", ("p8", W, APPROVED), Refusal.WRONG_OUTCOME,
            step=step(slot(Kind.TREAT, W)), organisation=with_role(W, "p8"),
        ),
        case(
            "one role in two slots: the answer tells which", (TOP, T, APPROVED), OK,
            step=step(slot(Kind.CONSULT, T, 1), slot(Kind.APPROVE, T, 2)),
            here=standing(decisions=(said(T, AGREED, "p7"),)),
        ),
        # Order.
        case("the manager before the rep is heard", (MANAGER, M, APPROVED), Refusal.NOT_YOUR_TURN),
        case(
            "half a quorum does not open the next turn", (MANAGER, M, APPROVED), Refusal.NOT_YOUR_TURN,
            step=step(BOTH_UNIONS, APPROVE_MANAGER), organisation=TWO_UNIONS,
            here=standing(decisions=(said(U, AGREED, "p6"),)),
        ),
        case(
            "a vacant consultation, on record, opens the next turn", (MANAGER, M, APPROVED), OK,
            organisation=NO_REP, here=REP_VACANT,
        ),
        case(
            "a vacancy that is not on record yet does not", (MANAGER, M, APPROVED), Refusal.NOT_YOUR_TURN,
            organisation=NO_REP, here=standing(questions=()),
        ),
        case(
            "somebody was elected since: the rep's turn again", (MANAGER, M, APPROVED), Refusal.NOT_YOUR_TURN,
            here=REP_VACANT,
        ),
        case("whoever was elected since is heard", (REP, R, AGREED), OK, here=REP_VACANT),
        case(
            "nobody approves for want of an approver", (MANAGER, M, APPROVED), Refusal.NOT_YOUR_TURN,
            step=step(slot(Kind.APPROVE, T, 1), APPROVE_MANAGER), organisation=without(T),
            here=standing(vacant=(("approve", T, 1),)),
        ),
        # Once.
        case("the same person twice", (REP, R, DISAGREES), Refusal.ALREADY_DECIDED, here=HEARD),
        case(
            "a second approver after the first", (TOP, T, APPROVED), Refusal.ALREADY_DECIDED,
            step=step(slot(Kind.APPROVE, T)), here=standing(decisions=(said(T, APPROVED, "p7"),)),
        ),
        case(
            "the first half of a quorum", ("p6", U, AGREED), OK, step=step(BOTH_UNIONS), organisation=TWO_UNIONS,
        ),
        case(
            "the same person for both halves", ("p6", U, AGREED), Refusal.ALREADY_DECIDED, step=step(BOTH_UNIONS),
            organisation=TWO_UNIONS, here=standing(decisions=(said(U, AGREED, "p6"),)),
        ),
        case(
            "one who acts for both halves", ("p6", U, AGREED), Refusal.ALREADY_DECIDED, step=step(BOTH_UNIONS),
            organisation=away(TWO_UNIONS, "p7", "p6"),
            here=standing(decisions=(said(U, AGREED, "p6"),)),
        ),
        case(
            "a new version is decided anew", (REP, R, AGREED), OK, document=V2, version=2,
            here=standing(document=V2, version=2, decisions=(said(R, AGREED, REP),)),
        ),
        case(
            "the answer to the old version opens no turn", (MANAGER, M, APPROVED), Refusal.NOT_YOUR_TURN,
            document=V2, version=2,
            here=standing(document=V2, version=2, decisions=(said(R, AGREED, REP),)),
        ),
        # Two people, two sides.
        case(
            "four eyes: one's own document", (TOP, T, APPROVED), Refusal.OWN_DOCUMENT, step=step(APPROVE_TOP),
            here=standing(author=TOP),
        ),
        case("four eyes: another's document", (TOP, T, APPROVED), OK, step=step(APPROVE_TOP)),
        case(
            "four eyes: the document that one's substitute filed", (TOP, T, APPROVED), Refusal.OWN_DOCUMENT,
            step=step(APPROVE_TOP), here=standing(author="p7", author_for=TOP),
        ),
        case(
            "four eyes: the substitute of the author", ("p7", T, APPROVED), Refusal.OWN_DOCUMENT,
            step=step(APPROVE_TOP), organisation=away(MEDIUM, TOP, "p7"), here=standing(author=TOP),
        ),
        case("without four eyes the owner approves its own", (MANAGER, M, APPROVED), OK, here=HEARD),
        case(
            "who was consulted does not approve too", (TOP, T, APPROVED), Refusal.TWO_ROLES,
            step=step(slot(Kind.CONSULT, R), slot(Kind.APPROVE, T, 2)),
            here=standing(decisions=(said(R, AGREED, TOP),)),
        ),
        case(
            "nor through a substitute", ("p7", T, APPROVED), Refusal.TWO_ROLES,
            step=step(slot(Kind.CONSULT, R), slot(Kind.APPROVE, T, 2)), organisation=away(MEDIUM, TOP, "p7"),
            here=standing(decisions=(said(R, AGREED, TOP),)),
        ),
        case(
            "who approved is not consulted too", (REP, R, AGREED), Refusal.TWO_ROLES,
            step=step(slot(Kind.APPROVE, T, 1), slot(Kind.CONSULT, R, 2)),
            here=standing(decisions=(said(T, APPROVED, REP),)),
        ),
        case(
            "having stated that nobody answered is no second role", (MANAGER, M, APPROVED), OK,
            here=standing(decisions=(said(R, SILENT, MANAGER),)),
        ),
        # With a reason.
        *[
            case(f"{o.value} without a comment", (p, r, o), Refusal.COMMENT_REQUIRED, comment=None, here=h)
            for p, r, o, h in [
                (REP, R, REMARKS, standing()), (REP, R, DISAGREES, standing()),
                (MANAGER, M, REJECTED, HEARD), (MANAGER, M, CHANGES, HEARD),
            ]
        ],
        case("agreeing needs no comment", (REP, R, AGREED), OK, comment=None),
        case("approving needs no comment", (MANAGER, M, APPROVED), OK, comment=None, here=HEARD),
        # Silence. Asked on Monday 10 May; fourteen days later it is Monday 24 May.
        case("silence, while there is time", (MANAGER, R, SILENT), Refusal.OPPORTUNITY_NOT_GIVEN),
        case(
            "silence, on the last day for an answer", (MANAGER, R, SILENT), Refusal.OPPORTUNITY_NOT_GIVEN,
            day=date(2027, 5, 24),
        ),
        case("silence, the day after", (MANAGER, R, SILENT), OK, day=date(2027, 5, 25)),
        case("an answer on the last day", (REP, R, AGREED), OK, day=date(2027, 5, 24)),
        case("an answer after the last day, before silence is stated", (REP, R, AGREED), OK, day=date(2027, 6, 1)),
        case(
            "an answer after silence was stated", (REP, R, AGREED), Refusal.ALREADY_DECIDED, day=date(2027, 6, 1),
            here=standing(decisions=(said(R, SILENT, MANAGER),)),
        ),
        case(
            "silence without a reason", (MANAGER, R, SILENT), Refusal.COMMENT_REQUIRED, comment=None,
            day=date(2027, 6, 1),
        ),
        case("silence stated by the silent one", (REP, R, SILENT), Refusal.NOT_ELIGIBLE, day=date(2027, 6, 1)),
        case("silence stated by HR, who is not the owner", (HR, R, SILENT), Refusal.NOT_ELIGIBLE, day=date(2027, 6, 1)),
        case(
            "silence about a question never asked", (MANAGER, R, SILENT), Refusal.OPPORTUNITY_NOT_GIVEN,
            day=date(2027, 6, 1), here=standing(questions=()),
        ),
        case(
            "silence about an approval", (MANAGER, M, SILENT), Refusal.WRONG_OUTCOME, day=date(2027, 6, 1),
            here=HEARD,
        ),
        case(
            "silence after an answer", (MANAGER, R, SILENT), Refusal.ALREADY_DECIDED, day=date(2027, 6, 1),
            here=HEARD,
        ),
        case(
            "silence, by the author, where the slot asks for four eyes", (MANAGER, R, SILENT), OK,
            day=date(2027, 6, 1), step=step(slot(Kind.CONSULT, R, four_eyes=True)),
        ),
        # Substitutes.
        case(
            "the substitute approves", ("p7", M, APPROVED), OK, here=HEARD,
            organisation=away(MEDIUM, MANAGER, "p7"),
        ),
        case(
            "the one who is away may still approve", (MANAGER, M, APPROVED), OK, here=HEARD,
            organisation=away(MEDIUM, MANAGER, "p7"),
        ),
        case(
            "two who are away and have one substitute may both still answer", ("p7", U, AGREED), OK,
            step=step(BOTH_UNIONS), organisation=away(away(TWO_UNIONS, "p6", "p8"), "p7", "p8"),
        ),
        case("the deputy answers for the rep", ("p5", R, AGREED), OK, organisation=away(DEPUTY, REP)),
        case(
            "a substitute whom the employer named does not", ("p7", R, AGREED), Refusal.NOT_ELIGIBLE,
            organisation=away(MEDIUM, REP, "p7"),
        ),
        case(
            "a deputy does not answer while the rep is there", ("p5", R, AGREED), Refusal.NOT_ELIGIBLE,
            organisation=DEPUTY,
        ),
        case(
            "not both the substitute and the one who is away", (TOP, T, APPROVED), Refusal.ALREADY_DECIDED,
            step=step(slot(Kind.APPROVE, T, quorum=2)), organisation=away(MEDIUM, TOP, "p7"),
            here=standing(decisions=(said(T, APPROVED, "p7", on_behalf_of=TOP),)),
        ),
        case(
            "nor the other way round", ("p7", T, APPROVED), Refusal.ALREADY_DECIDED,
            step=step(slot(Kind.APPROVE, T, quorum=2)), organisation=away(MEDIUM, TOP, "p7"),
            here=standing(decisions=(said(T, APPROVED, TOP),)),
        ),
        case("a vacant manager: the top manager approves", (TOP, M, APPROVED), OK, here=HEARD, organisation=without(M)),
    ],
)  # fmt: skip
def test_an_answer_is_accepted_or_refused_because(
    answer: Answer, expected: str, where: dict[str, Any]
) -> None:
    actor, role, outcome = answer
    statement = Decide(
        role=role, outcome=outcome, document=where.get("document", V1), version=where.get("version", 1),
        comment=where.get("comment", COMMENT),
    )  # fmt: skip
    here = gate(where.get("here", standing()), where.get("step"), where.get("organisation", MEDIUM))
    got = decide(here, actor, statement, noon(where["day"]) if "day" in where else NOON)
    assert (got.reason if isinstance(got, AttemptRefused) else OK) == expected


def test_a_decision_names_the_document_and_version_it_is_of() -> None:
    got = accepted((REP, R, DISAGREES))
    assert (got.document, got.version, got.comment, got.asked) == (V1, 1, COMMENT, Kind.CONSULT)
    assert got.fulfils


def test_a_substitute_decides_on_behalf_of_the_one_who_is_away() -> None:
    some = away(MEDIUM, MANAGER, "p7")
    assert accepted(("p7", M, APPROVED), here=HEARD, organisation=some).on_behalf_of == MANAGER
    assert accepted((MANAGER, M, APPROVED), here=HEARD, organisation=some).on_behalf_of is None


def test_a_deputy_decides_on_behalf_of_the_safety_representative() -> None:
    assert accepted(("p5", R, AGREED), organisation=away(DEPUTY, REP)).on_behalf_of == REP


def test_silence_is_stated_by_the_owner_in_the_owner_s_own_name() -> None:
    got = accepted((MANAGER, R, SILENT), day=date(2027, 6, 1))
    assert (got.on_behalf_of, got.role, got.fulfils) == (None, R, True)


def test_a_quorum_of_two_is_full_at_the_second_answer() -> None:
    both = {"step": step(BOTH_UNIONS), "organisation": TWO_UNIONS}
    assert not accepted(("p6", U, AGREED), **both).fulfils
    half = standing(decisions=(said(U, AGREED, "p6"),))
    assert accepted(("p7", U, DISAGREES), here=half, **both).fulfils


@pytest.mark.parametrize("answered", [0, 1])
def test_silence_fills_a_quorum_that_nobody_else_answers(answered: int) -> None:
    question = Question(
        what="consult", role=U, version=1, people=(Holder(person="p6"), Holder(person="p7")), asked_at=ASKED
    )
    here = standing(questions=(question,), decisions=(said(U, AGREED, "p6"),) * answered)
    stated = accepted(
        (MANAGER, U, SILENT), step=step(BOTH_UNIONS), organisation=TWO_UNIONS, here=here, day=date(2027, 6, 1)
    )
    assert stated.fulfils


@pytest.mark.parametrize("outcome", [REJECTED, CHANGES])
def test_what_sends_back_fills_no_slot(outcome: Outcome) -> None:
    assert not accepted((MANAGER, M, outcome), here=HEARD).fulfils


@pytest.mark.parametrize(
    ("asked", "last_day"),
    [
        (date(2027, 5, 10), date(2027, 5, 24)),
        (date(2027, 7, 5), date(2027, 8, 16)),
        (date(2027, 3, 15), date(2027, 4, 6)),
        (date(2026, 12, 14), date(2027, 1, 12)),
    ],
    ids=["May", "over fellesferie", "over Easter", "over Christmas"],
)
def test_the_time_to_answer_stands_still_while_people_are_away(asked: date, last_day: date) -> None:
    question = Question(
        what="consult", role=R, version=1, people=(Holder(person=REP),), asked_at=CALENDAR.moment(asked)
    )
    here = standing(questions=(question,))
    silence = Decide(role=R, outcome=SILENT, document=V1, version=1, comment=COMMENT)
    midnight = datetime.combine(last_day + timedelta(days=1), time(), OSLO)
    on_the_last = decide(gate(here), MANAGER, silence, midnight - timedelta(seconds=1))
    after = decide(gate(here), MANAGER, silence, midnight)
    assert isinstance(on_the_last, AttemptRefused)
    assert on_the_last.reason is Refusal.OPPORTUNITY_NOT_GIVEN
    assert isinstance(after, DecisionRecorded)


def test_a_refusal_says_what_was_attempted() -> None:
    statement = Decide(role=R, outcome=AGREED, document=V1, version=7)
    got = decide(gate(standing()), ANYBODY, statement, NOON)
    assert got == AttemptRefused(
        attempt="decision", reason=Refusal.NOT_ELIGIBLE, role=R, outcome=AGREED, document=V1, version=7
    )


@pytest.mark.parametrize(
    "spoilt",
    [{"document": "Kari er syk"}, {"document": ""}, {"version": -1}, {"comment": "Dette går ikke."}],
    ids=["a text as document", "no document", "no version", "the comment itself"],
)
def test_a_statement_carries_hashes_and_never_a_text(spoilt: dict[str, Any]) -> None:
    whole = {"role": R, "outcome": AGREED, "document": V1, "version": 1, **spoilt}
    with pytest.raises(ValidationError) as caught:
        Decide.model_validate(whole)
    assert "Kari" not in str(caught.value)
    assert "Dette" not in str(caught.value)
