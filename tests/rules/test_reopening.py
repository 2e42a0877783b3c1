"""What comes back: closed steps that are open again, answers that went stale, disagreements that are owed an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from tests.rules.gate_story import (
    ASSESSED,
    HR,
    MANAGER,
    MAPPED,
    REP,
    STAND_IN,
    UNIT,
    V1,
    V2,
    V3,
    Do,
    M,
    R,
    U,
    filed,
    is_away,
    moment,
    moves,
    says,
)  # fmt: skip
from tests.rules.reopened import AGREED, APPROVED, asked, bodies, days, kinds, lived
from workflows.rules.events import Appointed, DecisionsStale, Fact, SentBack, StepClosed, StepReopened
from workflows.rules.organisation import Role
from workflows.rules.programme import Stage
from workflows.rules.terms import Outcome

HEARD = (filed(ASSESSED), says(ASSESSED, REP, R, AGREED))
CLOSED = (*HEARD, says(ASSESSED, MANAGER, M, APPROVED, at="02-04 10:00"))
MAPPED_FIRST = (filed(MAPPED, at="01-06 10:00"), says(MAPPED, REP, R, AGREED, at="01-07 10:00"))
MAPPED_ANEW = (
    filed(MAPPED, content=V2, at="02-08 10:00"), says(MAPPED, REP, R, AGREED, version=2, at="02-09 10:00"),
)  # fmt: skip
BACK_TO_MAPPING = says(
    ASSESSED, MANAGER, M, Outcome.CHANGES_REQUESTED, at="02-04 10:00", back_to=Stage.MAP
)  # fmt: skip


# --- open again ------------------------------------------------------------------------------------


def test_a_new_version_of_what_was_closed_opens_the_step_and_says_whose_answers_went_stale() -> None:
    play = lived(*CLOSED, filed(ASSESSED, content=V2, at="02-10 10:00"))
    assert kinds(play, ASSESSED, "02-10 10:00") == [
        "evidence_submitted", "step_reopened", "decisions_stale", "asked",
    ]  # fmt: skip
    [again] = bodies(play, StepReopened)
    assert again == StepReopened(because="new_version", due=date(2027, 2, 26))
    [stale] = bodies(play, DecisionsStale)
    assert stale == DecisionsStale(document=V1, version=1, people=(REP, MANAGER), because="new_version")


def test_whoever_is_asked_again_has_two_weeks_from_then() -> None:
    play = lived(*CLOSED, filed(ASSESSED, content=V2, at="03-01 10:00"))
    [again] = bodies(play, StepReopened)
    assert again == StepReopened(because="new_version", due=date(2027, 3, 15))
    here = play.standings[UNIT].steps[ASSESSED]
    assert (here.due, here.first_due) == (date(2027, 3, 15), date(2027, 2, 26))


def test_a_step_is_open_again_when_what_it_builds_on_has_a_newer_closed_version() -> None:
    play = lived(*MAPPED_FIRST, *CLOSED, MAPPED_ANEW[0])
    assert play.standings[UNIT].steps[ASSESSED].settled == "closed", (
        "nothing is decided about the new map yet"
    )
    play.live(MAPPED_ANEW[1:])
    assert bodies(play, StepReopened)[-1] == StepReopened(
        because="basis_changed", due=date(2027, 2, 26), by=MAPPED
    )
    assert bodies(play, DecisionsStale) == [
        DecisionsStale(document=V1, version=1, people=(REP, MANAGER), because="basis_changed")
    ]
    assert asked(play, ASSESSED, "02-09 10:00") == [("evidence", [MANAGER])]


def test_what_is_found_to_hold_on_the_new_basis_closes_on_it_and_stays_closed() -> None:
    play = lived(
        *MAPPED_FIRST, *CLOSED, *MAPPED_ANEW, filed(ASSESSED, at="02-10 10:00"),
        says(ASSESSED, REP, R, AGREED, version=2, content=V1, at="02-11 10:00"),
        says(ASSESSED, MANAGER, M, APPROVED, version=2, content=V1, at="02-12 10:00"), until="06-01 10:00",
    )  # fmt: skip
    closings = bodies(play, StepClosed)
    assert [(c.version, c.basis) for c in closings if isinstance(c, StepClosed)] == [
        (1, ((MAPPED, 1),)), (2, ((MAPPED, 2),)),
    ]  # fmt: skip
    assert len(bodies(play, StepReopened)) == 1


def test_a_matter_that_is_sent_back_to_a_stage_waits_until_that_is_done_anew() -> None:
    play = lived(*MAPPED_FIRST, *HEARD, BACK_TO_MAPPING)
    [back] = bodies(play, SentBack)
    assert back == SentBack(version=1, outcome=Outcome.CHANGES_REQUESTED, back_to=Stage.MAP)
    assert bodies(play, StepReopened, MAPPED) == [
        StepReopened(because="sent_back", due=date(2027, 2, 18), by=ASSESSED)
    ]
    assert asked(play, MAPPED, "02-04 10:00") == [("evidence", [MANAGER])]
    play.until(moment("02-08 09:00"))
    assert asked(play, ASSESSED, "02-04 10:00") == [], "its people wait"
    play.live(MAPPED_ANEW)
    assert asked(play, ASSESSED, "02-04 10:00") == [("evidence", [MANAGER])]


def test_nothing_is_reminded_in_a_step_that_waits_for_an_earlier_one() -> None:
    play = lived(*MAPPED_FIRST, *HEARD, BACK_TO_MAPPING, until="04-01 10:00")
    assert not days(play, ASSESSED, "reminded", "escalated")
    assert days(play, MAPPED, "escalated")[-1][0] == "escalated"


def test_what_was_approved_too_early_is_open_again_when_the_earlier_step_is_done() -> None:
    play = lived(
        *MAPPED_FIRST, *HEARD, BACK_TO_MAPPING, filed(ASSESSED, content=V3, at="02-05 10:00"),
        says(ASSESSED, REP, R, AGREED, version=2, content=V3, at="02-05 11:00"),
        says(ASSESSED, MANAGER, M, APPROVED, version=2, content=V3, at="02-05 12:00"), *MAPPED_ANEW,
    )  # fmt: skip
    assert play.standings[UNIT].steps[ASSESSED].settled is None
    assert bodies(play, StepReopened)[-1] == StepReopened(
        because="basis_changed", due=date(2027, 2, 26), by=MAPPED
    )


def test_going_round_for_ever_leaves_every_fact_its_own_name() -> None:
    story: list[Do] = [*MAPPED_FIRST, *HEARD, BACK_TO_MAPPING]
    for n in range(4):
        day, version = 8 + 3 * n, n + 2
        name = f"{n + 9:064x}"
        story += [
            filed(MAPPED, content=name, at=f"02-{day:02} 10:00"),
            says(MAPPED, REP, R, AGREED, version=version, content=name, at=f"02-{day:02} 11:00"),
            filed(ASSESSED, content=name, at=f"02-{day:02} 12:00"),
            says(ASSESSED, REP, R, AGREED, version=version, content=name, at=f"02-{day:02} 13:00"),
            BACK_TO_MAPPING.model_copy(
                update={
                    "at": moment(f"02-{day:02} 14:00"),
                    "act": BACK_TO_MAPPING.act.model_copy(update={"version": version, "document": name}),
                }
            ),
        ]
    play = lived(*story)
    ids = [f.id for f in play.facts]
    assert len(ids) == len(set(ids))
    assert len(bodies(play, StepReopened, MAPPED)) == 5


def test_what_is_filed_in_the_last_second_leaves_the_step_open_and_says_so() -> None:
    play = lived(*CLOSED, filed(ASSESSED, content=V2, at="2028-01-31 07:59:59"), until="2028-01-31 08:00:01")
    assert kinds(play, ASSESSED, "2028-01-31 07:00")[-1] == "step_left_open"
    [again] = bodies(play, StepReopened)
    assert isinstance(again, StepReopened)
    assert again.due < date(2028, 1, 31), "no due date comes after the year's end"


def test_nothing_is_opened_anew_when_the_year_is_over() -> None:
    play = lived(*MAPPED_FIRST, filed(ASSESSED), says(ASSESSED, REP, R, AGREED))
    play.until(moment("2028-01-31 07:59:59"))
    late = BACK_TO_MAPPING.model_copy(update={"at": moment("2028-01-31 07:59:59")})
    standing = play.standings[UNIT]
    body = play.does(late)
    # As if nobody had looked between the act and the closing.
    play.standings[UNIT], play.facts = standing, [f for f in play.facts if f.recorded < late.at]
    play.add(UNIT, play.fact(UNIT, ASSESSED, MANAGER, body))
    play.now = moment("2028-01-31 08:00:00")
    play.look(UNIT)
    steps = play.standings[UNIT].steps
    assert (steps[MAPPED].settled, steps[ASSESSED].settled) == ("closed", "left_open")


def test_a_step_that_is_open_again_when_its_unit_ends_is_withdrawn() -> None:
    play = lived(
        *CLOSED,
        filed(ASSESSED, content=V2, at="03-31 10:00"),
        until="04-01 08:00:01",
        employer="the unit ends in April",
    )
    assert kinds(play, ASSESSED, "03-31 10:00")[-1] == "step_withdrawn"
    [again] = bodies(play, StepReopened)
    assert isinstance(again, StepReopened)
    assert again.due == date(2027, 3, 31), "no due date comes after the unit's end"


def test_a_closed_step_of_a_unit_that_ends_stays_closed() -> None:
    play = lived(*CLOSED, until="06-01 10:00", employer="the unit ends in April")
    assert play.standings[UNIT].steps[ASSESSED].settled == "closed"


# --- due dates -------------------------------------------------------------------------------------


def test_a_due_date_that_is_moved_later_begins_the_ladder_anew_and_keeps_the_first_in_sight() -> None:
    play = lived(moves(ASSESSED, MANAGER, "2027-04-15", at="03-01 10:00"), until="05-01 10:00")
    assert days(play, ASSESSED, "reminded", "escalated") == [
        ("reminded", "2027-02-23"), ("escalated", "2027-03-01"), ("reminded", "2027-04-12"),
        ("escalated", "2027-04-19"),
    ]  # fmt: skip
    here = play.standings[UNIT].steps[ASSESSED]
    assert (here.due, here.first_due) == (date(2027, 4, 15), date(2027, 2, 26))


def test_a_due_date_that_is_moved_to_today_is_not_reminded_of_what_is_past() -> None:
    play = lived(moves(ASSESSED, MANAGER, "2027-02-10", at="02-10 10:00"), until="03-20 10:00")
    assert days(play, ASSESSED, "reminded", "escalated") == [("escalated", "2027-02-15")]


# --- who is told -----------------------------------------------------------------------------------


def appointed(facts: Sequence[Fact]) -> list[tuple[datetime, Role, list[str]]]:
    return [
        (f.recorded, f.body.role, [h.person for h in f.body.people])
        for f in facts
        if isinstance(f.body, Appointed)
    ]


def test_those_who_are_responsible_are_told_before_anybody_is_asked() -> None:
    play = lived(until="01-06 10:00")
    first = next(n for n, f in enumerate(play.facts) if f.kind == "asked")
    told = appointed(play.facts[:first])
    assert {role: people for _, role, people in told} == {
        M: [MANAGER], R: [REP], U: ["p9", "p10", "p11"],
    }  # fmt: skip
    assert appointed(play.facts[first:]) == []


def test_whoever_becomes_responsible_is_told_before_they_are_asked_and_once() -> None:
    play = lived(is_away(MANAGER, "2027-02-05", "2027-02-12", STAND_IN), until="03-20 10:00")
    told = appointed([f for f in play.facts if f.recorded >= moment("02-01 10:00")])
    assert told == [(moment("02-05 08:00"), M, [STAND_IN])]
    names = [(f.kind, f.recorded) for f in play.facts]
    assert names.index(("appointed", moment("02-05 08:00"))) < names.index(("asked", moment("02-05 08:00")))


def test_hr_files_and_nobody_is_told_of_it() -> None:
    play = lived(filed(ASSESSED, HR))
    assert Role.HR not in {role for _, role, _ in appointed(play.facts)}
