"""How a year moves: what the calendar brings about, what people bring about, and what silence never does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.rules.cycle_stories import U1, YEAR, asked, at, crowd, d, lawful, of
from tests.rules.employers import MEDIUM, employer
from tests.rules.virtual_people import People, answering, live, nobody, noon, situation, start, usual
from workflows.rules.calendar import oslo_day
from workflows.rules.cycle import advance, next_moment
from workflows.rules.events import AttemptRefused, DueDateChanged, Fact
from workflows.rules.gate import SENDS_BACK
from workflows.rules.organisation import Employment, Organisation, Role, Unit
from workflows.rules.standing import fold
from workflows.rules.terms import Outcome, Refusal


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


def only(key: str, on: str) -> People:
    """People act on one step, at noon of a day, and on nothing else."""
    return answering(lambda step, here, waiting: noon(d(on)) if step.key == key else None)


# --- the ladder ------------------------------------------------------------------------------------


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


# --- the gate in the year --------------------------------------------------------------------------


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


# --- a year that starts late -----------------------------------------------------------------------


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


# --- the end of the year ---------------------------------------------------------------------------


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
