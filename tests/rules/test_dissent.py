"""A disagreement: the answer that it demands, and when that is overdue."""

from __future__ import annotations

from datetime import date

import pytest

from tests.rules.gate_story import (
    ASSESSED,
    CHAIR,
    DEPUTY,
    MANAGER,
    MET,
    REP,
    STAND_IN,
    TOP,
    UNION_A,
    UNION_B,
    UNIT,
    V2,
    M,
    Play,
    R,
    U,
    answers,
    filed,
    is_away,
    moment,
    says,
)  # fmt: skip
from tests.rules.reopened import APPROVED, DISAGREES, asked, bodies, days, kinds, lived
from workflows.rules.calendar import oslo_day
from workflows.rules.events import AnswerDemanded, AnswerOverdue, Asked, DisagreementAnswered, WecMatterRaised


def test_a_disagreement_demands_an_answer_and_is_a_matter_for_the_committee() -> None:
    play = lived(filed(ASSESSED), says(ASSESSED, REP, R, DISAGREES))
    assert kinds(play, ASSESSED, "02-03 10:00")[1:] == [
        "answer_demanded", "wec_matter_raised", "asked", "asked",
    ]  # fmt: skip
    assert bodies(play, AnswerDemanded) == [AnswerDemanded(version=1, disagree=(REP,), due=date(2027, 2, 17))]
    assert bodies(play, WecMatterRaised) == [WecMatterRaised(version=1, disagree=(REP,), people=(CHAIR,))]
    assert asked(play, ASSESSED, "02-03 10:00") == [("approve", [MANAGER]), ("answer", [MANAGER])]


def test_a_disagreement_that_a_deputy_states_is_the_representative_s() -> None:
    play = lived(
        is_away(REP, "2027-02-01", "2027-03-01"), filed(ASSESSED), says(ASSESSED, DEPUTY, R, DISAGREES)
    )
    [demanded] = bodies(play, AnswerDemanded)
    assert isinstance(demanded, AnswerDemanded)
    assert demanded.disagree == (REP,)


def test_an_answer_that_does_not_come_is_told_to_the_leader_and_the_committee_once() -> None:
    play = lived(filed(ASSESSED), says(ASSESSED, REP, R, DISAGREES), until="05-01 10:00")
    assert days(play, ASSESSED, "answer_overdue") == [("answer_overdue", "2027-02-18")]
    assert bodies(play, AnswerOverdue) == [
        AnswerOverdue(version=1, due=date(2027, 2, 17), people=(TOP, CHAIR))
    ]


def test_an_answer_is_not_overdue_on_the_day_it_is_due() -> None:
    play = lived(filed(ASSESSED), says(ASSESSED, REP, R, DISAGREES), until="02-17 12:00")
    play.look(UNIT)
    assert not bodies(play, AnswerOverdue)


def test_two_versions_that_somebody_disagrees_with_are_two_matters_and_the_newest_is_asked_about() -> None:
    play = lived(
        filed(ASSESSED), says(ASSESSED, REP, R, DISAGREES), filed(ASSESSED, content=V2, at="02-04 09:00"),
        says(ASSESSED, REP, R, DISAGREES, version=2, at="02-05 10:00"), until="05-01 10:00",
    )  # fmt: skip
    ids = [f.id for f in play.facts]
    assert len(ids) == len(set(ids))
    assert [b.version for b in bodies(play, WecMatterRaised) if isinstance(b, WecMatterRaised)] == [1, 2]
    questions = [b.version for b in bodies(play, Asked) if isinstance(b, Asked) and b.what == "answer"]
    assert questions == [1, 2]


@pytest.mark.parametrize(("at", "late"), [("02-17 23:59:59", False), ("02-18 00:00:00", True)])
def test_an_answer_is_late_from_the_day_after_it_was_due(at: str, late: bool) -> None:
    play = lived(
        filed(ASSESSED),
        says(ASSESSED, REP, R, DISAGREES),
        answers(ASSESSED, MANAGER, at=at),
        until="05-01 10:00",
    )
    [answer] = bodies(play, DisagreementAnswered)
    assert isinstance(answer, DisagreementAnswered)
    assert (answer.late, answer.disagree) == (late, (REP,))
    assert not bodies(play, AnswerOverdue)


def test_two_who_disagree_at_different_times_are_each_owed_an_answer_in_its_own_time() -> None:
    play = lived(
        filed(MET), says(MET, UNION_A, U, DISAGREES), says(MET, UNION_B, U, DISAGREES, at="02-10 10:00"),
        until="05-01 10:00",
    )  # fmt: skip
    assert [
        (b.disagree, b.due) for b in bodies(play, AnswerDemanded, MET) if isinstance(b, AnswerDemanded)
    ] == [
        ((UNION_A,), date(2027, 2, 17)), ((UNION_B,), date(2027, 2, 24)),
    ]  # fmt: skip
    assert days(play, MET, "answer_overdue") == [
        ("answer_overdue", "2027-02-18"), ("answer_overdue", "2027-02-25"),
    ]  # fmt: skip


def test_who_disagrees_after_the_first_was_answered_is_answered_too() -> None:
    play = lived(
        filed(MET), says(MET, UNION_A, U, DISAGREES), answers(MET, MANAGER), says(
            MET, UNION_B, U, DISAGREES, at="02-10 10:00"
        ),
    )  # fmt: skip
    assert ("answer", [MANAGER]) in asked(play, MET, "02-10 10:00")
    play.live([answers(MET, MANAGER, at="02-11 10:00")], moment("05-01 10:00"))
    given = [
        b.disagree for b in bodies(play, DisagreementAnswered, MET) if isinstance(b, DisagreementAnswered)
    ]
    assert given == [(UNION_A,), (UNION_B,)]
    assert not bodies(play, AnswerOverdue, MET)


def test_being_asked_for_a_second_answer_and_being_asked_in_another_s_place_are_two_facts() -> None:
    play = lived(
        is_away(MANAGER, "2027-02-04", "2027-02-20", STAND_IN), filed(MET), says(MET, UNION_A, U, DISAGREES),
        answers(MET, STAND_IN, at="02-05 10:00"), says(MET, UNION_B, U, DISAGREES, at="02-05 12:00"),
    )  # fmt: skip
    ids = [f.id for f in play.facts]
    assert len(ids) == len(set(ids))
    assert asked(play, MET, "02-04 08:00").count(("answer", [STAND_IN])) == 2


def test_an_answer_about_the_newest_version_is_an_answer_about_those_before() -> None:
    play = lived(
        filed(ASSESSED), says(ASSESSED, REP, R, DISAGREES), filed(ASSESSED, content=V2, at="02-04 09:00"),
        says(ASSESSED, REP, R, DISAGREES, version=2, at="02-05 10:00"),
        answers(ASSESSED, MANAGER, 2, at="02-06 10:00"), until="05-01 10:00",
    )  # fmt: skip
    assert not play.standings[UNIT].steps[ASSESSED].unanswered()
    assert not bodies(play, AnswerOverdue)


def test_a_disagreement_does_not_block_and_does_not_end_with_the_gate() -> None:
    play = lived(
        filed(ASSESSED), says(ASSESSED, REP, R, DISAGREES), says(ASSESSED, MANAGER, M, APPROVED, at="02-04 10:00"),
        until="05-01 10:00",
    )  # fmt: skip
    assert play.standings[UNIT].steps[ASSESSED].settled == "closed"
    assert days(play, ASSESSED, "answer_overdue") == [("answer_overdue", "2027-02-18")]


def unlooked(at: str, *, then: str, employer: str = "usual") -> Play:
    """The representative disagrees at `at`, and nobody looks before `then`."""
    play = lived(filed(ASSESSED), employer=employer)
    play.until(moment(at))
    said = says(ASSESSED, REP, R, DISAGREES, at=at)
    standing = play.standings[UNIT]
    body = play.does(said)
    play.standings[UNIT], play.facts = standing, [f for f in play.facts if f.recorded < said.at]
    play.add(UNIT, play.fact(UNIT, ASSESSED, REP, body))
    play.now = moment(then)
    play.look(UNIT)
    return play


@pytest.mark.parametrize(
    ("at", "then", "employer", "end"),
    [
        ("2028-01-31 07:59:59", "2028-01-31 08:00:00", "usual", "step_left_open"),
        ("2028-01-28 10:00", "2028-02-10 10:00", "usual", "step_left_open"),
        ("04-01 07:59:59", "04-01 08:00:00", "the unit ends in April", "step_withdrawn"),
    ],
    ids=["in the year's last second", "while the worker stood still", "in the unit's last second"],
)
def test_a_disagreement_in_the_last_moment_is_a_matter_all_the_same(
    at: str, then: str, employer: str, end: str
) -> None:
    play = unlooked(at, then=then, employer=employer)
    seen = kinds(play, ASSESSED, at)
    assert {"answer_demanded", "wec_matter_raised", "answer_overdue", end} <= set(seen)
    [demanded] = bodies(play, AnswerDemanded)
    assert isinstance(demanded, AnswerDemanded)
    assert demanded.due < oslo_day(moment(then)), "it cannot be answered later"
    assert play.facts[-1].kind == "cycle_closed" or employer != "usual"


def test_what_is_owed_at_the_year_s_end_is_overdue_then() -> None:
    play = lived(
        filed(ASSESSED), says(ASSESSED, REP, R, DISAGREES, at="2028-01-24 10:00"), until="2028-02-05 10:00"
    )
    [demanded] = bodies(play, AnswerDemanded)
    assert isinstance(demanded, AnswerDemanded)
    assert demanded.due == date(2028, 1, 28), "the last open day before the year is closed"
    assert days(play, ASSESSED, "answer_overdue") == [("answer_overdue", "2028-01-29")]
