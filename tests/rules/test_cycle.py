"""How a year moves: what the calendar brings about, what people bring about, and what silence never does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.employers import (
    LARGE,
    MEDIUM,
    SMALL,
    employer,
    hired,
    manager_changed,
    programme,
    unit_closed,
)
from tests.rules.virtual_people import (
    HASH,
    OTHER_HASH,
    People,
    answering,
    live,
    nobody,
    noon,
    situation,
    start,
    usual,
)
from workflows.rules.calendar import oslo_day
from workflows.rules.cycle import advance, next_moment
from workflows.rules.events import (
    AnswerDemanded,
    AnswerOverdue,
    AttemptRefused,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    Fact,
    WecMatterRaised,
)
from workflows.rules.gate import SENDS_BACK, Pending
from workflows.rules.organisation import Absence, Assignment, Employment, Organisation, Role, Unit
from workflows.rules.plan import PlannedStep
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, StepStanding, fold
from workflows.rules.terms import CycleRef, Outcome, Refusal

YEAR, U1 = CycleRef(employer="fjell", year=2027), CycleRef(employer="fjell", year=2027, unit="u1")
SETTLED = ("step_closed", "step_left_open", "step_withdrawn")


def d(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    """Eight o'clock in Oslo on that day, when things happen."""
    return programme().calendar.moment(d(text))


def of(facts: Sequence[Fact], step: str, *kinds: str) -> list[Fact]:
    return [f for f in facts if f.step == step and (not kinds or f.kind in kinds)]


def told(facts: Sequence[Fact], step: str) -> list[tuple[str, str, int]]:
    """Reminders and rungs of a step, by the day they were sent."""
    return [
        (
            oslo_day(f.recorded).isoformat(),
            f.kind,
            getattr(f.body, "days_before", getattr(f.body, "days_after", 0)),
        )
        for f in of(facts, step, "reminded", "escalated")
    ]


def asked(facts: Sequence[Fact], step: str) -> list[tuple[str, str, list[str]]]:
    return [
        (oslo_day(f.recorded).isoformat(), f.body.what, [h.person for h in f.body.people])
        for f in of(facts, step, "asked")
        if f.body.kind == "asked"
    ]


def only(key: str, on: str) -> People:
    """People act on one step, at noon of a day, and on nothing else."""
    return answering(lambda step, here, waiting: noon(d(on)) if step.key == key else None)


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


# --- laws -----------------------------------------------------------------------------------------


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


CYCLES = [situation(MEDIUM, YEAR), situation(MEDIUM, U1), situation(SMALL, U1)]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), which=st.integers(0, 2))
def test_every_year_is_lawful_whoever_answers(seed: int, which: int) -> None:
    where = CYCLES[which]
    facts, standing = live(where, crowd(seed))
    lawful(where, facts, standing)
    assert standing.closed_at is not None


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    which=st.integers(0, 2),
    begin=st.integers(0, 390),
    length=st.integers(1, 90),
)
def test_every_year_is_lawful_also_when_the_worker_stops_for_a_while(
    seed: int, which: int, begin: int, length: int
) -> None:
    where = CYCLES[which]
    stop = datetime(2027, 1, 1, 12, tzinfo=UTC) + timedelta(days=begin)
    facts, standing = live(where, crowd(seed), stopped=(stop, stop + timedelta(days=length)))
    lawful(where, facts, standing)
    assert standing.closed_at is not None


LIVED = {(n, seed): live(where, crowd(seed))[0] for n, where in enumerate(CYCLES) for seed in (1,)}


@settings(max_examples=120, deadline=None)
@given(which=st.sampled_from(sorted(LIVED)), known=st.floats(0, 1), hours=st.integers(0, 24 * 500))
def test_asking_twice_gives_nothing_new(which: tuple[int, int], known: float, hours: int) -> None:
    where, facts = CYCLES[which[0]], LIVED[which]
    before = fold(facts[: 1 + int(known * (len(facts) - 1))])
    now = datetime(2027, 1, 1, 6, tzinfo=UTC) + timedelta(hours=hours)
    new = advance(where, before, now)
    assert advance(where, fold(new, before), now) == ()
    upcoming = next_moment(where, fold(new, before), now)
    assert upcoming is None or upcoming > now


@settings(max_examples=60, deadline=None)
@given(which=st.sampled_from(sorted(LIVED)), known=st.floats(0, 1), hours=st.integers(1, 24 * 40))
def test_nothing_is_due_before_the_next_moment(which: tuple[int, int], known: float, hours: int) -> None:
    where, facts = CYCLES[which[0]], LIVED[which]
    taken = facts[: 1 + int(known * (len(facts) - 1))]
    now = taken[-1].recorded
    before = fold(taken)
    before = fold(advance(where, before, now), before)
    upcoming = next_moment(where, before, now)
    later = now + timedelta(hours=hours)
    if upcoming is None or later < upcoming:
        assert advance(where, before, later) == ()


@pytest.mark.parametrize("where", CYCLES, ids=["employer", "unit", "small unit"])
def test_sixty_days_of_silence_end_with_an_open_gate_that_was_escalated(where: Situation) -> None:
    filed_only = answering(
        lambda step, here, waiting: (
            here.opened_at + timedelta(hours=5) if waiting.what == "evidence" else None
        )
    )
    facts, standing = live(where, filed_only, until=at("2027-07-19"))
    due = max(s.due for s in standing.steps.values() if s.version and s.due <= d("2027-05-20"))
    assert d("2027-07-19") - due >= timedelta(days=60)
    silent = [
        s for s in standing.steps.values() if s.version and s.due <= due and pending_answers(facts, s.key)
    ]
    assert silent
    for step in silent:
        assert step.settled is None
        assert step.escalated > 0
        assert not of(facts, step.key, "decision_recorded", "step_closed")


def pending_answers(facts: Sequence[Fact], step: str) -> list[Fact]:
    return [f for f in of(facts, step, "asked") if getattr(f.body, "what", "") in ("approve", "consult")]


@pytest.mark.parametrize("where", CYCLES, ids=["employer", "unit", "small unit"])
def test_silence_closes_nothing_and_opens_everything_on_its_day(where: Situation) -> None:
    facts, standing = live(where)
    lawful(where, facts, standing)
    assert {s.settled for s in standing.steps.values()} == {"left_open"}
    assert set(standing.steps) == {s.key for s in where.plan.of(where.cycle)}
    assert not [f for f in facts if f.kind in ("step_closed", "decision_recorded", "sent_back")]


@pytest.mark.parametrize("where", CYCLES, ids=["employer", "unit", "small unit"])
def test_a_clock_that_was_ahead_once_does_not_move_what_happened_after_it(where: Situation) -> None:
    facts, standing = live(where, crowd(7))
    ahead = facts[-1].recorded + timedelta(days=365)
    held = [f.model_copy(update={"recorded": ahead, "clock": "ran_back"}) for f in facts]
    assert {f.happened for f in facts} == {f.recorded for f in facts}
    assert fold(held) == standing


# --- the ladder -----------------------------------------------------------------------------------


def test_a_step_that_nobody_does_climbs_the_whole_ladder_once() -> None:
    facts, _ = live(situation(MEDIUM, U1))
    assert told(facts, "Y15") == [
        ("2027-05-14", "reminded", 3), ("2027-05-20", "reminded", 0), ("2027-05-24", "escalated", 3),
        ("2027-05-31", "escalated", 10), ("2027-06-09", "escalated", 20),
    ]  # fmt: skip


def test_each_rung_tells_the_people_it_names() -> None:
    facts, _ = live(situation(MEDIUM, U1))
    rungs = {f.body.days_after: f.body for f in of(facts, "Y15", "escalated") if f.body.kind == "escalated"}
    assert {n: r.people for n, r in rungs.items()} == {3: ("p1",), 10: ("p2", "p4"), 20: ("p1",)}
    assert [(n, r.deviation, r.wec_item) for n, r in rungs.items()] == [
        (3, False, False), (10, True, False), (20, False, True)
    ]  # fmt: skip


def test_a_rung_on_which_every_role_is_vacant_tells_the_top_manager() -> None:
    gone = (Role.HR, Role.SAFETY_REP, Role.SENIOR_SAFETY_REP)
    kept = tuple(a for a in MEDIUM.assignments if a.role not in gone)
    facts, _ = live(situation(MEDIUM.model_copy(update={"assignments": kept}), U1))
    rungs = {
        f.body.days_after: f.body.people for f in of(facts, "Y15", "escalated") if f.body.kind == "escalated"
    }
    assert rungs[10] == ("p1",)


def test_a_reminder_goes_to_those_who_are_waited_for() -> None:
    people = answering(
        lambda step, here, waiting: (
            noon(d("2027-05-10")) if (step.key, waiting.what) == ("Y15", "evidence") else None
        )
    )
    facts, _ = live(situation(MEDIUM, U1), people, until=at("2027-05-20"))
    assert {f.body.people for f in of(facts, "Y15", "reminded") if f.body.kind == "reminded"} == {("p4",)}


@pytest.mark.parametrize("day", ["2027-05-07", "2027-05-14", "2027-05-20", "2027-05-26"])
def test_nobody_is_reminded_of_what_is_done(day: str) -> None:
    facts, _ = live(situation(MEDIUM, U1), only("Y15", day))
    assert [f.kind for f in of(facts, "Y15")][-1] == "step_closed"
    assert all(sent <= day for sent, _, _ in told(facts, "Y15"))


def test_after_a_stop_of_thirty_days_one_reminder_comes_the_latest() -> None:
    stop = (at("2027-10-02"), at("2027-11-01") + timedelta(hours=1))
    facts, _ = live(situation(MEDIUM, YEAR), stopped=stop, until=at("2027-11-02"))
    # Y25 is due 1 November: the reminders of 18 and 29 October were missed.
    assert told(facts, "Y25") == [("2027-11-01", "reminded", 0)]


def test_after_a_stop_the_highest_rung_passed_comes_once_with_all_that_was_missed() -> None:
    stop = (at("2027-05-21"), at("2027-06-20"))
    facts, _ = live(situation(MEDIUM, U1), stopped=stop, until=at("2027-07-30"))
    assert told(facts, "Y15") == [
        ("2027-05-14", "reminded", 3), ("2027-05-20", "reminded", 0), ("2027-06-20", "escalated", 20)
    ]  # fmt: skip
    [rung] = of(facts, "Y15", "escalated")
    assert rung.body.kind == "escalated"
    assert rung.concerns == at("2027-06-09")
    assert (rung.body.deviation, rung.body.wec_item) == (True, True)


def test_after_a_stop_over_the_due_date_nobody_is_reminded_once_it_is_escalated() -> None:
    stop = (at("2027-05-12"), at("2027-05-26"))
    facts, _ = live(situation(MEDIUM, U1), stopped=stop, until=at("2027-05-27"))
    assert told(facts, "Y15") == [("2027-05-26", "escalated", 3)]


def test_a_step_done_while_the_worker_stood_still_is_not_late() -> None:
    stop = (at("2027-05-12"), at("2027-06-20"))
    facts, _ = live(situation(MEDIUM, U1), only("Y15", "2027-05-19"), stopped=stop, until=at("2027-06-21"))
    [closed] = of(facts, "Y15", "step_closed")
    assert closed.body.kind == "step_closed"
    assert not closed.body.late
    assert told(facts, "Y15") == []


@pytest.mark.parametrize(("day", "late"), [("2027-05-20", False), ("2027-05-21", True)])
def test_a_step_is_late_from_the_day_after_its_due_date(day: str, late: bool) -> None:
    facts, _ = live(situation(MEDIUM, U1), only("Y15", day))
    [closed] = of(facts, "Y15", "step_closed")
    assert closed.body.kind == "step_closed"
    assert closed.body.late is late


# --- the gate in the year -------------------------------------------------------------------------


def test_a_step_goes_from_its_document_through_its_gate_to_those_who_are_informed() -> None:
    facts, _ = live(situation(MEDIUM, YEAR), only("Y11", "2027-02-10"), until=at("2027-02-20"))
    assert [f.kind for f in of(facts, "Y11")] == [
        "step_opened", "asked", "evidence_submitted", "asked", "decision_recorded", "asked", "decision_recorded",
        "step_closed", "informed",
    ]  # fmt: skip
    [informed] = of(facts, "Y11", "informed")
    assert informed.body.kind == "informed"
    assert len(informed.body.people) == 17


def test_disagreement_does_not_stop_a_step_and_is_named_when_it_closes() -> None:
    people = answering(
        lambda step, here, waiting: noon(d("2027-05-12")) if step.key == "Y15" else None,
        lambda step, here, waiting: Outcome.DISAGREES if waiting.what == "consult" else Outcome.APPROVED,
    )
    facts, _ = live(situation(MEDIUM, U1), people, until=at("2027-05-13"))
    [closed] = of(facts, "Y15", "step_closed")
    assert closed.body.kind == "step_closed"
    assert (closed.body.disagreements, closed.body.vacant) == (("p4",), ())


def without_reps() -> Organisation:
    gone = (Role.SAFETY_REP, Role.SENIOR_SAFETY_REP)
    kept = tuple(a for a in MEDIUM.assignments if a.role not in gone)
    return MEDIUM.model_copy(update={"assignments": kept})


def test_where_no_safety_representative_is_elected_the_work_goes_on_and_the_record_says_so() -> None:
    facts, _ = live(situation(without_reps(), U1), only("Y15", "2027-05-12"), until=at("2027-05-13"))
    kinds = [f.kind for f in of(facts, "Y15")]
    assert kinds.index("role_vacant") < kinds.index("decision_recorded") < kinds.index("step_closed")
    [closed] = of(facts, "Y15", "step_closed")
    assert closed.body.kind == "step_closed"
    assert closed.body.vacant == (Role.SAFETY_REP,)


def test_nothing_is_approved_while_there_is_nobody_to_approve_it() -> None:
    kept = tuple(a for a in MEDIUM.assignments if a.role is not Role.TOP_MANAGER)
    headless = MEDIUM.model_copy(update={"assignments": kept})
    facts, standing = live(situation(headless, YEAR), only("Y02", "2027-01-12"))
    assert standing.steps["Y02"].settled == "left_open"
    [left] = of(facts, "Y02", "step_left_open")
    assert left.body.kind == "step_left_open"
    assert left.body.missing == ("approve:top_manager",)


@pytest.mark.parametrize("outcome", sorted(SENDS_BACK))
def test_what_is_rejected_goes_back_to_the_owner_and_everybody_is_heard_anew(outcome: Outcome) -> None:
    people = answering(
        lambda step, here, waiting: noon(d("2027-05-12")) if step.key == "Y15" else None,
        lambda step, here, waiting: (
            outcome if waiting.what == "approve" and here.version == 1 else usual(step, here, waiting)
        ),
    )
    facts, standing = live(situation(MEDIUM, U1), people, until=at("2027-05-13"))
    story = of(facts, "Y15")
    assert [f.kind for f in story] == [
        "step_opened", "asked", "evidence_submitted", "asked", "decision_recorded", "asked", "decision_recorded",
        "sent_back", "asked", "evidence_submitted", "decisions_stale", "asked", "decision_recorded", "asked",
        "decision_recorded", "step_closed",
    ]  # fmt: skip
    assert [(what, who) for _, what, who in asked(facts, "Y15")] == [
        ("evidence", ["p3"]), ("consult", ["p4"]), ("approve", ["p3"]),
    ] * 2  # fmt: skip
    here = standing.steps["Y15"]
    assert (here.version, here.sent_back, len(here.decisions), len(here.now_decided())) == (2, 1, 4, 2)


# --- a year that starts late ----------------------------------------------------------------------


def test_a_year_that_starts_in_march_opens_what_is_overdue_at_once_with_time_to_do_it() -> None:
    where = situation(MEDIUM, YEAR)
    facts, _ = live(where, begin=at("2027-03-15"), until=at("2027-03-15"))
    opened = {f.step: f.body.due for f in facts if f.body.kind == "step_opened"}
    should = {s.key for s in where.plan.of(YEAR) if s.opens <= d("2027-03-15")}
    assert set(opened) == should
    for step in where.plan.of(YEAR):
        if step.key in opened:
            given = opened[step.key] - d("2027-03-15")
            assert given >= min(step.due - step.opens, timedelta(days=14))
            assert opened[step.key] >= step.due
    assert opened["Y05"] == d("2027-03-30"), "fourteen days on is Easter Monday"
    assert not [f for f in facts if f.kind in ("reminded", "escalated")]


def test_a_step_that_opened_late_climbs_its_ladder_from_its_own_due_date() -> None:
    facts, _ = live(situation(MEDIUM, YEAR), begin=at("2027-03-15"), until=at("2027-04-30"))
    assert told(facts, "Y05") == [
        ("2027-03-16", "reminded", 14), ("2027-03-19", "reminded", 3), ("2027-03-30", "reminded", 0),
        ("2027-04-02", "escalated", 3), ("2027-04-09", "escalated", 10), ("2027-04-19", "escalated", 20),
    ]  # fmt: skip


def test_a_late_year_is_lawful_and_closes() -> None:
    where = situation(MEDIUM, U1)
    facts, standing = live(where, crowd(5), begin=at("2027-03-15") + timedelta(hours=5))
    lawful(where, facts, standing)
    assert standing.closed_at is not None


# --- people who come and go -----------------------------------------------------------------------


def test_when_a_manager_leaves_the_new_one_is_asked_that_day() -> None:
    changed = manager_changed(MEDIUM, "u1", d("2027-05-10"), "p9")
    facts, _ = live(situation(changed, U1), until=at("2027-05-11"))
    [moved] = of(facts, "Y15", "responsibility_moved")
    assert moved.body.kind == "responsibility_moved"
    assert (oslo_day(moved.recorded), moved.body.before, moved.body.after) == (
        d("2027-05-10"),
        ("p3",),
        ("p9",),
    )
    assert asked(facts, "Y15") == [("2027-05-05", "evidence", ["p3"]), ("2027-05-10", "evidence", ["p9"])]


def test_when_a_manager_leaves_and_nobody_follows_the_one_above_is_asked() -> None:
    changed = manager_changed(MEDIUM, "u1", d("2027-05-10"), None)
    facts, _ = live(situation(changed, U1), until=at("2027-05-11"))
    assert asked(facts, "Y15")[-1] == ("2027-05-10", "evidence", ["p1"])


def test_while_the_manager_is_away_the_substitute_is_asked_and_after_that_the_manager_again() -> None:
    away = Absence(person="p3", substitute="p9", since=d("2027-05-07"), until=d("2027-05-13"))
    some = MEDIUM.model_copy(update={"absences": (away,)})
    facts, _ = live(situation(some, U1), until=at("2027-05-14"))
    assert asked(facts, "Y15") == [
        ("2027-05-05", "evidence", ["p3"]), ("2027-05-07", "evidence", ["p9"]), ("2027-05-13", "evidence", ["p3"]),
    ]  # fmt: skip


def test_nobody_is_asked_anew_when_nothing_changed_for_them() -> None:
    changed = manager_changed(LARGE, "u2", d("2027-05-10"), "p9")
    facts, _ = live(situation(changed, U1), until=at("2027-05-31"))
    assert not [f for f in facts if f.kind == "responsibility_moved"]


def uuid(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012x}"


def with_unions(count: int) -> Organisation:
    """MEDIUM with so many union representatives, whose ids are as long as they are in the directory."""
    more = tuple(Assignment(role=Role.UNION_REP, person=uuid(n), since=d("2020-01-01")) for n in range(count))
    return MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, *more)})


def test_a_change_among_many_representatives_is_recorded() -> None:
    away = Absence(person=uuid(1), substitute=uuid(99), since=d("2027-03-08"))
    some = with_unions(9).model_copy(update={"absences": (away,)})
    people = answering(
        lambda step, here, waiting: (
            noon(d("2027-03-03")) if step.key == "Y14" and waiting.role is not Role.UNION_REP else None
        )
    )
    facts, standing = live(situation(some, U1), people, until=at("2027-03-09"))
    lawful(situation(some, U1), facts, standing)
    assert uuid(99) in asked(facts, "Y14")[-1][2]


def test_the_longest_ids_there_are_fit_into_a_fact() -> None:
    long = "e" * 63
    ref = CycleRef(employer=long, year=2027, unit="u" * 63)
    base = employer(17)
    some = base.model_copy(
        update={
            "employer": long,
            "units": tuple(u.model_copy(update={"id": "u" * 63}) if u.id == "u1" else u for u in base.units),
            "employments": tuple(e.model_copy(update={"unit": "u" * 63}) for e in base.employments),
        }
    )
    away = Absence(person="p4", since=d("2027-03-15"))
    deputy = Assignment(role=Role.DEPUTY_SAFETY_REP, person="p" * 63, area="a-u1", since=d("2020-01-01"))
    some = some.model_copy(update={"absences": (away,), "assignments": (*some.assignments, deputy)})
    people = answering(
        lambda step, here, waiting: noon(d("2027-03-03")) if waiting.what == "evidence" else None
    )
    facts, _ = live(situation(some, ref), people, until=at("2027-03-30"))
    assert of(facts, "Y10", "responsibility_moved")


def test_three_changes_on_one_day_are_three_facts() -> None:
    ways = {
        h: manager_changed(MEDIUM, "u1", d("2027-05-06"), p) for h, p in ((HASH, "p9"), (OTHER_HASH, "p8"))
    }
    noons = noon(d("2027-05-06"))
    order = [HASH, OTHER_HASH, HASH, OTHER_HASH, HASH]
    facts, standing = live(situation(ways[HASH], U1), until=at("2027-05-06"))
    for hour, hash in enumerate(order):
        new = advance(situation(ways[hash], U1, hash), standing, noons + timedelta(hours=hour))
        standing = fold(new, standing)
        facts += new
    assert moved_again(facts) == {}
    assert [who for _, _, who in asked(facts, "Y15")] == [["p3"], ["p9"], ["p8"], ["p9"], ["p8"], ["p9"]]


# --- an employer that changes ---------------------------------------------------------------------


def test_when_a_unit_is_closed_its_open_steps_are_withdrawn_and_its_year_ends() -> None:
    facts, standing = live(situation(unit_closed(MEDIUM, "u1", d("2027-10-01")), U1))
    withdrawn = [f for f in facts if f.body.kind == "step_withdrawn"]
    assert {f.body.reason for f in withdrawn if f.body.kind == "step_withdrawn"} == {"unit_closed"}
    assert {s.settled for s in standing.steps.values()} == {"withdrawn"}
    assert {f.concerns for f in withdrawn} == {at("2027-10-01")}
    assert standing.closed_at == at("2027-10-01")
    assert max(f.recorded for f in facts) == at("2027-10-01")
    assert "Y29" not in standing.steps


def test_in_the_last_hours_of_a_unit_nobody_new_is_asked() -> None:
    # The unit's own representative is not the senior one, who would answer for a unit that is gone.
    where = situation(
        unit_closed(LARGE, "u2", d("2027-10-01")), CycleRef(employer="fjell", year=2027, unit="u2")
    )
    people = answering(
        lambda step, here, waiting: noon(d("2027-09-20")) if waiting.what == "evidence" else None
    )
    _, standing = live(where, people, until=at("2027-09-30"))
    night = at("2027-10-01") - timedelta(hours=5)
    assert oslo_day(night) == d("2027-10-01")
    assert advance(where, standing, night) == ()


def test_what_was_decided_before_a_unit_closed_stands_though_nobody_looked_until_after() -> None:
    where = situation(unit_closed(MEDIUM, "u1", d("2027-10-01")), U1)
    stop = (at("2027-09-20"), at("2027-10-04"))
    people = answering(lambda step, here, waiting: noon(d("2027-09-28")) if step.key == "Y28.1" else None)
    facts, standing = live(where, people, stopped=stop)
    lawful(where, facts, standing)
    assert standing.steps["Y28.1"].settled == "closed"
    assert standing.steps["Y23"].settled == "withdrawn"


def test_a_unit_closed_on_the_closing_day_leaves_its_steps_open() -> None:
    _, standing = live(situation(unit_closed(MEDIUM, "u1", d("2028-01-31")), U1))
    assert {s.settled for s in standing.steps.values()} == {"left_open"}


def test_a_unit_that_is_laid_under_another_keeps_its_open_steps() -> None:
    west = Unit(id="west", name="west", parent="root", since=d("2020-01-01"))
    old = next(u for u in MEDIUM.units if u.id == "u1")
    units = (
        *(u for u in MEDIUM.units if u.id != "u1"), west, old.model_copy(update={"until": d("2027-05-10")}),
        old.model_copy(update={"since": d("2027-05-10"), "parent": "west"}),
    )  # fmt: skip
    facts, standing = live(situation(MEDIUM.model_copy(update={"units": units}), U1))
    assert not of(facts, "Y15", "step_withdrawn", "responsibility_moved")
    assert standing.steps["Y29"].settled == "left_open"


def test_a_closing_that_is_told_afterwards_withdraws_what_had_opened() -> None:
    before, after = (
        situation(MEDIUM, U1),
        situation(unit_closed(MEDIUM, "u1", d("2027-03-01")), U1, OTHER_HASH),
    )
    facts, standing = live(
        before, change=lambda now: before if now < at("2027-03-10") else after, until=at("2027-03-31")
    )
    reasons = {f.body.reason for f in facts if f.body.kind == "step_withdrawn"}
    assert reasons == {"unit_closed"}
    assert {s.settled for s in standing.steps.values()} == {"withdrawn"}


def test_a_new_version_of_the_organisation_is_noted_once() -> None:
    before, after = situation(MEDIUM, U1), situation(MEDIUM, U1, OTHER_HASH)
    facts, _ = live(before, change=lambda now: before if now < at("2027-05-05") else after)
    noted = [f.body for f in facts if f.body.kind == "organisation_changed"]
    assert [(b.organisation, b.before) for b in noted if b.kind == "organisation_changed"] == [
        (OTHER_HASH, HASH)
    ]


def test_the_fifth_person_brings_a_safety_representative_the_day_they_are_hired() -> None:
    some = hired(SMALL, d("2027-04-15"), 3)
    facts, standing = live(situation(some, YEAR))
    [changed] = [f for f in facts if f.body.kind == "duty_changed"]
    assert changed.body.kind == "duty_changed"
    assert (oslo_day(changed.concerns), changed.body.profile_after, changed.body.everyone) == (
        d("2027-04-15"), "medium", 7,
    )  # fmt: skip
    assert standing.profile == "medium"
    # No representative is elected yet: the record says so, step by step.
    people = answering(lambda step, here, waiting: noon(step.due))
    facts, _ = live(situation(some, U1), people)
    assert not of(facts, "Y13", "role_vacant"), "opened on 13 April for the contact person"
    assert [f.body.role for f in of(facts, "Y19", "role_vacant") if f.body.kind == "role_vacant"] == [
        Role.SAFETY_REP
    ]


def test_a_step_that_is_no_longer_planned_is_withdrawn() -> None:
    before = situation(employer(17, ohs_required=True), YEAR)
    after = situation(MEDIUM, YEAR, OTHER_HASH)
    facts, standing = live(
        before, change=lambda now: before if now < at("2027-01-11") else after, until=at("2027-01-12")
    )
    [withdrawn] = of(facts, "Y03", "step_withdrawn")
    assert withdrawn.body.kind == "step_withdrawn"
    assert withdrawn.body.reason == "duty_ended"
    assert {k for k, s in standing.steps.items() if s.settled} == {"Y03"}


# --- the end of the year --------------------------------------------------------------------------


def test_the_closing_day_leaves_open_what_is_open_and_names_what_is_missing() -> None:
    people = answering(
        lambda step, here, waiting: (
            noon(step.due)
            if step.key == "Y15" and waiting.what != "approve"
            else (noon(step.opens) if step.key == "Y16" and waiting.what == "evidence" else None)
        )
    )
    facts, standing = live(situation(MEDIUM, U1), people)
    missing = {f.step: f.body.missing for f in facts if f.body.kind == "step_left_open"}
    assert (missing["Y15"], missing["Y16"], missing["Y10"]) == (
        ("approve:manager",), ("consult:safety_rep",), ("evidence:manager",)
    )  # fmt: skip
    assert {f.concerns for f in facts if f.kind == "step_left_open"} == {at("2028-01-31")}
    assert standing.closed_at == at("2028-01-31")


def test_a_unit_s_year_closes_as_soon_as_all_is_done() -> None:
    facts, standing = live(situation(MEDIUM, U1), answering(lambda step, here, waiting: noon(step.opens)))
    assert {s.settled for s in standing.steps.values()} == {"closed"}
    assert standing.closed_at == noon(d("2027-11-01"))
    assert facts[-1].kind == "cycle_closed"


def test_the_employer_s_year_does_not_close_while_a_unit_s_is_open() -> None:
    running = situation(MEDIUM, YEAR).model_copy(update={"units_open": True})
    done = answering(lambda step, here, waiting: noon(step.opens))
    _, standing = live(running, done)
    assert standing.closed_at is None
    assert {s.settled for s in standing.steps.values()} == {"closed"}
    after = datetime(2028, 3, 1, 12, tzinfo=UTC)
    assert advance(running, standing, after) == ()
    [closed] = advance(situation(MEDIUM, YEAR), standing, after)
    assert closed.kind == "cycle_closed"
    assert (closed.recorded, closed.concerns) == (after, at("2028-02-01"))


def test_nothing_happens_in_a_closed_year() -> None:
    where = situation(MEDIUM, U1)
    _, standing = live(where)
    later = datetime(2028, 6, 1, tzinfo=UTC)
    assert (advance(where, standing, later), next_moment(where, standing, later)) == ((), None)


def test_the_employer_s_year_starts_each_unit_s_once_and_a_new_unit_when_it_begins() -> None:
    base = employer(17)
    units = (*base.units, Unit(id="u2", name="u2", parent="root", area="a-u1", since=d("2027-04-01")))
    begins = Employment(person="n1", unit="u2", since=d("2027-04-01"))
    some = base.model_copy(update={"units": units, "employments": (*base.employments, begins)})
    facts, _ = live(situation(some, YEAR))
    started = [(f.body.unit, oslo_day(f.recorded)) for f in facts if f.body.kind == "unit_year_started"]
    assert started == [("u1", d("2027-01-01")), ("u2", d("2027-04-01"))]


def test_nothing_opens_before_its_hour() -> None:
    where = situation(MEDIUM, U1)
    standing = fold([start(where, datetime(2027, 1, 1, 6, tzinfo=UTC))])
    assert advance(where, standing, at("2027-03-01") - timedelta(seconds=1)) == ()
    assert {f.step for f in advance(where, standing, at("2027-03-01")) if f.kind == "step_opened"} == {
        "Y10",
        "Y14",
    }


def test_a_refused_attempt_changes_nothing_but_is_counted() -> None:
    where = situation(MEDIUM, U1)
    facts, standing = live(where, nobody, until=at("2027-05-05"))
    refusal = facts[-1].model_copy(
        update={
            "id": "r", "step": "Y15", "actor": "p9",
            "body": AttemptRefused(attempt="decision", reason=Refusal.NOT_ELIGIBLE),
        }
    )  # fmt: skip
    after = fold([refusal], standing)
    assert (after.refused, after.steps) == (standing.refused + 1, standing.steps)


def test_a_due_date_that_is_moved_moves_the_ladder() -> None:
    where = situation(MEDIUM, U1)
    facts, standing = live(where, nobody, until=at("2027-05-05"))
    body = DueDateChanged(before=d("2027-05-20"), after=d("2027-06-21"), reason="decided")
    standing = fold([facts[-1].model_copy(update={"id": "m", "step": "Y15", "body": body})], standing)
    assert [f.kind for f in advance(where, standing, at("2027-06-18")) if f.step == "Y15"] == ["reminded"]
