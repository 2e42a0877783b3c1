"""What the record shows of a step and of a requirement: nothing more than was recorded, and nothing less."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from tests.rules import parts
from tests.rules.small_year import YEAR as SMALL
from workflows.rules.base import Frozen
from workflows.rules.events import (
    AnswerDemanded,
    AnswerOverdue,
    AttemptRefused,
    Body,
    CycleStarted,
    DecisionDisregarded,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    RoleVacant,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepWithdrawn,
    WecMatterRaised,
)
from workflows.rules.evidence import Evidence, StepEvidence, evidence, refused
from workflows.rules.law import parse_law
from workflows.rules.organisation import Organisation, Profile, Role
from workflows.rules.plan import plan
from workflows.rules.programme import Kind
from workflows.rules.programme_file import parse_programme
from workflows.rules.statement import Votes
from workflows.rules.terms import CycleRef, Outcome, Refusal
from workflows.standard import law_text

PROGRAMME, LAW = parse_programme(SMALL), parse_law(law_text())
ORGANISATION: Organisation = parts.of(
    employments=[*parts.workers(8), parts.work("x2", unit="u2"), parts.work("x3", unit="u3")]
)
PLAN = plan(PROGRAMME, ORGANISATION, LAW, 2027)
OWN, U1 = CycleRef(employer="fjell", year=2027), CycleRef(employer="fjell", year=2027, unit="u1")
HASH, OTHER = "ab" * 32, "cd" * 32
STARTED = CycleStarted(programme=HASH, law=HASH, organisation=HASH, profile=Profile.MEDIUM)
OPENED = StepOpened(due=date(2027, 1, 15))
FILED = EvidenceSubmitted(document=HASH, version=1)
CLOSED = StepClosed(document=HASH, version=1, late=False)
LATER = date(2027, 3, 1)


def said(outcome: Outcome, kind: Kind = Kind.CONSULT, **more: object) -> DecisionRecorded:
    given = {"role": Role.SENIOR_SAFETY_REP, "asked": kind, "document": HASH, "version": 1, **more}
    return DecisionRecorded.model_validate({"outcome": outcome, **given})


def shown(*bodies: Body, cycle: CycleRef = OWN, step: str = "Y01", on: date = LATER) -> Evidence:
    """The evidence when a cycle was started and these things happened to the step, a minute apart."""
    places, facts = count(1), []
    for body in (STARTED, *bodies):
        seq = next(places)
        at = datetime(2027, 1, 4, 8, tzinfo=UTC) + timedelta(minutes=seq)
        facts.append(
            (
                seq,
                Fact(
                    id=f"f{seq}", employer="fjell", cycle=cycle.id, concerns=at, recorded=at, actor="kari",
                    step=None if body is STARTED else step, body=body,
                ),
            )
        )  # fmt: skip
    return evidence(PROGRAMME, LAW, PLAN, {cycle.id: facts}, on)


def only(*bodies: Body, on: date = LATER) -> StepEvidence:
    """What is shown of Y01."""
    return next(s for s in shown(*bodies, on=on).steps if s.key == "Y01")


def lacking(step: StepEvidence) -> list[str]:
    return [lack.what for lack in step.lacks]


def test_a_step_that_has_not_come_is_planned_and_lacks_nothing() -> None:
    step = only(on=date(2027, 1, 2))
    assert (step.state, lacking(step)) == ("planned", [])


def test_a_step_whose_day_has_come_and_that_nobody_opened_is_said_to_be_missing() -> None:
    assert lacking(only()) == ["not_opened"]


def test_a_closed_step_tells_what_was_filed_who_said_what_and_when_it_closed() -> None:
    step = only(OPENED, FILED, said(Outcome.AGREED), said(Outcome.APPROVED, Kind.APPROVE), CLOSED)
    assert (step.state, step.closed_seq, lacking(step)) == ("closed", 6, [])
    assert [(f.seq, f.version, f.document, f.person) for f in step.filings] == [(3, 1, HASH, "kari")]
    assert [(r.seq, r.outcome) for r in step.replies] == [(4, Outcome.AGREED), (5, Outcome.APPROVED)]
    assert step.seqs == (2, 3, 4, 5, 6)


def test_late_is_what_the_fact_says_and_not_what_a_reader_counts() -> None:
    step = only(OPENED, FILED, CLOSED.model_copy(update={"late": True}))
    assert step.state == "closed_late"
    assert [(lack.what, lack.seqs) for lack in step.lacks] == [("late", (4,))]


def test_a_step_over_its_due_date_names_the_rungs_and_that_nothing_was_filed() -> None:
    rung = Escalated(days_after=3, people=("toppen",), deviation=False, wec_item=False)
    step = only(OPENED, rung)
    assert step.state == "overdue"
    assert [(lack.what, lack.role, lack.seqs) for lack in step.lacks] == [
        ("overdue", None, (3,)),
        ("no_document", Role.TOP_MANAGER, (3,)),
    ]


def test_a_step_on_its_due_date_is_not_late_yet() -> None:
    assert only(OPENED, on=date(2027, 1, 15)).state == "open"
    assert only(OPENED, on=date(2027, 1, 16)).state == "overdue"


def test_a_moved_due_date_shows_both_days() -> None:
    moved = DueDateChanged(before=date(2027, 1, 15), after=date(2027, 3, 15), reason="decided")
    step = only(OPENED, moved)
    assert (step.state, step.first_due, step.due) == ("open", date(2027, 1, 15), date(2027, 3, 15))
    assert [seq for seq, _fact in step.moved] == [3]


def test_what_was_left_open_names_whose_answer_was_missing() -> None:
    missing = ("evidence:top_manager", "consult:senior_safety_rep", "something")
    step = only(OPENED, StepLeftOpen(missing=missing))
    assert [(lack.what, lack.role) for lack in step.lacks] == [
        ("left_open", None),
        ("no_document", Role.TOP_MANAGER),
        ("no_answer", Role.SENIOR_SAFETY_REP),
        ("no_answer", None),
    ]


def test_a_withdrawn_step_lacks_nothing() -> None:
    step = only(OPENED, StepWithdrawn(reason="duty_ended"))
    assert (step.state, lacking(step)) == ("withdrawn", [])


def test_a_vacant_role_is_one_lack_however_often_it_was_found_vacant() -> None:
    vacant = RoleVacant(what="consult", role=Role.SENIOR_SAFETY_REP, version=1)
    step = only(OPENED, vacant, vacant.model_copy(update={"version": 2}), on=date(2027, 1, 10))
    assert [(lack.what, lack.role, lack.seqs) for lack in step.lacks] == [
        ("vacant", Role.SENIOR_SAFETY_REP, (3, 4))
    ]


def test_silence_is_told_as_silence() -> None:
    step = only(OPENED, FILED, said(Outcome.NO_RESPONSE), CLOSED)
    assert [(lack.what, lack.role) for lack in step.lacks] == [("no_response", Role.SENIOR_SAFETY_REP)]


DEMANDED = AnswerDemanded(version=1, disagree=("per",), due=date(2027, 1, 29))


def test_a_disagreement_without_an_answer_is_missing_one() -> None:
    overdue = AnswerOverdue(version=1, due=DEMANDED.due, people=("toppen",))
    raised = WecMatterRaised(version=1, disagree=("per",), people=("amund",))
    step = only(OPENED, FILED, said(Outcome.DISAGREES, comment=HASH), DEMANDED, raised, overdue)
    [dissent] = step.dissent
    assert (dissent.demanded, dissent.raised, dissent.overdue, dissent.answered) == (5, 6, 7, None)
    assert ("answer_missing", (5, 7)) in [(lack.what, lack.seqs) for lack in step.lacks]


def test_an_answered_disagreement_stays_and_a_late_answer_is_said_to_be_late() -> None:
    answered = DisagreementAnswered(version=1, disagree=("per",), comment=HASH, late=False)
    [dissent] = only(OPENED, FILED, said(Outcome.DISAGREES), DEMANDED, answered).dissent
    assert (dissent.disagree, dissent.answered, dissent.answered_by) == (("per",), 6, "kari")
    late = only(
        OPENED, FILED, said(Outcome.DISAGREES), DEMANDED, answered.model_copy(update={"late": True}), CLOSED
    )
    assert lacking(late) == ["answer_late"]


def test_an_answer_to_one_version_answers_no_later_disagreement() -> None:
    answered = DisagreementAnswered(version=1, disagree=("per",), comment=HASH, late=False)
    again = DEMANDED.model_copy(update={"version": 2})
    first, second = only(OPENED, FILED, DEMANDED, answered, again).dissent
    assert first.answered is not None
    assert second.answered is None


def test_both_sides_of_a_vote_are_told_with_the_minoritys_document() -> None:
    votes = Votes(majority=("toppen", "amund"), minority=("per",), position=OTHER)
    treated = said(Outcome.TREATED, Kind.TREAT, role=Role.WEC_CHAIR, votes=votes)
    [reply] = only(OPENED, FILED, treated).replies
    assert (reply.majority, reply.minority, reply.position) == (("toppen", "amund"), ("per",), OTHER)


def test_an_answer_whose_signature_did_not_hold_is_shown_and_does_not_count() -> None:
    void = DecisionDisregarded(decision="f4", reason=Refusal.BAD_SIGNATURE)
    [reply] = only(OPENED, FILED, said(Outcome.AGREED), void).replies
    assert not reply.counts


def test_refused_attempts_are_found_and_change_nothing() -> None:
    attempt = AttemptRefused(attempt="decision", reason=Refusal.NOT_ELIGIBLE)
    step = only(OPENED, attempt, on=date(2027, 1, 10))
    assert (step.state, step.replies, lacking(step)) == ("open", (), [])
    fact = Fact(
        id="x", employer="fjell", concerns=datetime(2027, 1, 4, tzinfo=UTC),
        recorded=datetime(2027, 1, 4, tzinfo=UTC), body=attempt,
    )  # fmt: skip
    assert refused([(7, fact)]) == ((7, fact),)


def test_a_requirement_gathers_the_steps_that_carry_it_in_every_unit() -> None:
    found = {r.requirement.id: r for r in shown().requirements}
    assert [s.cycle.unit for s in found["R-18"].steps] == ["u1", "u2", "u3"]
    assert found["R-01"].record == "under_way"
    assert found["R-20"].record == "elsewhere"
    assert found["R-20"].steps == ()


def test_a_requirement_is_shown_missing_where_one_of_its_steps_was_left_open() -> None:
    told = shown(StepOpened(due=date(2027, 3, 29)), StepLeftOpen(missing=()), cycle=U1, step="Y02")
    found = next(r for r in told.requirements if r.requirement.id == "R-18")
    assert found.record == "missing"
    assert [(s.cycle.unit, lack.what) for s, lack in found.lacking] == [("u1", "left_open")]


def test_one_unit_is_told_with_the_employers_own_steps_and_no_others() -> None:
    told = evidence(PROGRAMME, LAW, PLAN, {}, date(2027, 1, 2), unit="u1")
    assert {s.cycle.unit for s in told.steps} == {None, "u1"}
    assert {s.cycle.unit for r in told.requirements for s in r.steps} == {None, "u1"}


def test_a_step_that_was_opened_and_is_planned_no_longer_is_told_all_the_same() -> None:
    told = shown(StepOpened(due=date(2027, 3, 29)), cycle=CycleRef(employer="fjell", year=2027, unit="borte"),
                 step="Y02", on=date(2027, 3, 1))  # fmt: skip
    [step] = [s for s in told.steps if s.cycle.unit == "borte"]
    assert (step.key, step.requirements, step.due) == ("Y02", ("R-18",), date(2027, 3, 29))


def bodies() -> st.SearchStrategy[Frozen]:
    return st.sampled_from(
        [
            FILED, FILED.model_copy(update={"version": 2}), said(Outcome.AGREED), said(Outcome.DISAGREES), DEMANDED,
            said(Outcome.NO_RESPONSE), CLOSED, RoleVacant(what="consult", role=Role.SENIOR_SAFETY_REP, version=1),
            DisagreementAnswered(version=1, disagree=("per",), comment=HASH, late=True),
            AnswerOverdue(version=1, due=DEMANDED.due, people=()),
            Escalated(days_after=3, people=(), deviation=True, wec_item=False), StepLeftOpen(missing=("evidence",)),
        ]
    )  # fmt: skip


@given(st.lists(bodies(), max_size=12))
def test_every_place_that_is_named_is_a_fact_of_the_step(told: list[Body]) -> None:
    step = only(OPENED, *told)
    named = {f.seq for f in step.filings} | {r.seq for r in step.replies}
    named |= {seq for lack in step.lacks for seq in lack.seqs} | {seq for seq, _fact in step.escalated}
    for dissent in step.dissent:
        named |= {s for s in (dissent.demanded, dissent.raised, dissent.overdue, dissent.answered) if s}
    assert named <= set(step.seqs)
    assert set(step.seqs) == set(range(2, len(told) + 3))


@given(st.lists(bodies(), max_size=12))
def test_nothing_that_was_recorded_is_left_out(told: list[Body]) -> None:
    step = only(OPENED, *told)
    assert len(step.filings) == sum(b.kind == "evidence_submitted" for b in told)
    assert len(step.replies) == sum(b.kind == "decision_recorded" for b in told)
    assert len(step.dissent) == sum(b.kind == "answer_demanded" for b in told)
