"""Who may say that somebody is away, and for how long."""

from __future__ import annotations

import pytest

from tests.rules.office import OFFICE, SINCE, UNTIL, WEEK, after, is_away, leave
from tests.rules.parts import DAY, away
from workflows.rules.delegation import set_absence
from workflows.rules.events import AttemptRefused
from workflows.rules.organisation import Holder, Role
from workflows.rules.statement import SetAbsence
from workflows.rules.terms import Refusal


@pytest.mark.parametrize(
    ("act", "actor", "answer"),
    [
        (leave("m1", "w1"), "m1", "accepted"),
        (leave("m1", "w1"), "boss", "accepted"),
        (leave("m1", "w1"), "top", "accepted"),
        (leave("m1", "w1"), "hr", "accepted"),
        (leave("w1", "w2"), "m1", "accepted"),
        (leave("top", "boss"), "hr", "accepted"),
        (leave("m1"), "boss", "accepted"),
        (leave("vo1"), "vo1", "accepted"),
        (leave("rep"), "hr", "accepted"),
        (leave("rep", "w1"), "rep", "accepted"),
        (leave("m1", "w1"), "m2", Refusal.NOT_ELIGIBLE),
        (leave("boss", "m1"), "m1", Refusal.NOT_ELIGIBLE),
        (leave("top", "boss"), "boss", Refusal.NOT_ELIGIBLE),
        (leave("m1", "w1"), "w1", Refusal.NOT_ELIGIBLE),
        (leave("vo1"), "m1", Refusal.NOT_DELEGABLE),
        (leave("vo1"), "hr", Refusal.NOT_DELEGABLE),
        (leave("deputy1"), "hr", Refusal.NOT_DELEGABLE),
        (leave("vo1", "w1"), "vo1", Refusal.NOT_DELEGABLE),
        (leave("rep", "w1"), "hr", Refusal.NOT_DELEGABLE),
        (leave("m1", "vo1"), "m1", Refusal.TWO_ROLES),
        (leave("m1", "m1"), "m1", Refusal.LOOP),
        (leave("m1", "stranger"), "m1", Refusal.UNKNOWN_PERSON),
        (leave("m1", "gone"), "m1", Refusal.UNKNOWN_PERSON),
        (leave("stranger"), "hr", Refusal.UNKNOWN_PERSON),
        (leave("gone"), "hr", Refusal.UNKNOWN_PERSON),
        (leave("m1", until=SINCE), "m1", Refusal.WRONG_DATES),
        (leave("m1", since=DAY - WEEK, until=DAY), "m1", Refusal.WRONG_DATES),
    ],
    ids=[
        "oneself", "the leader", "the top manager", "HR", "the manager of an employee", "HR for the top manager",
        "nobody in one's place", "a safety representative", "HR for a union's, with nobody", "a union's own substitute",
        "another unit's manager", "upwards", "the top manager's own leader there is none", "the substitute",
        "the manager for the elected", "HR for the elected", "HR for a deputy", "a substitute for the elected",
        "HR names a union's substitute", "an elected substitute for a manager", "oneself as substitute",
        "an unknown substitute", "a substitute who has left", "somebody unknown", "somebody who has left",
        "for no day", "over already",
    ],
)  # fmt: skip
def test_who_may_say_that_somebody_is_away(act: SetAbsence, actor: str, answer: Refusal | str) -> None:
    assert is_away(act, actor) == answer


def test_a_safety_representative_who_says_to_be_away_is_stood_in_for_by_the_deputy() -> None:
    some = after(OFFICE, leave("vo1"))
    assert some.holders(Role.SAFETY_REP, "u1", DAY) == (Holder(person="deputy1", acting_for="vo1"),)


def test_a_refused_absence_is_recorded_as_such() -> None:
    body = set_absence(OFFICE, "m2", leave("m1"), DAY)
    assert body == AttemptRefused(attempt="absence", reason=Refusal.NOT_ELIGIBLE)


def test_whoever_comes_back_early_says_so_with_a_shorter_absence() -> None:
    some = after(OFFICE, leave("m1", "w1"), leave("m1", "w1", until=SINCE + WEEK))
    assert [(a.since, a.until, a.origin) for a in some.absences] == [(SINCE, SINCE + WEEK, "command")]


def test_the_latest_word_about_the_same_time_holds_and_other_times_stay() -> None:
    other = leave("m1", "w2", since=UNTIL + WEEK, until=UNTIL + 2 * WEEK)
    some = after(
        OFFICE, leave("m1", "w1"), other, leave("m1", "a", since=SINCE + WEEK, until=SINCE + 2 * WEEK)
    )
    assert [(a.substitute, a.since, a.until) for a in some.absences] == [
        ("w1", SINCE, SINCE + WEEK), ("w2", other.since, other.until), ("a", SINCE + WEEK, SINCE + 2 * WEEK)
    ]  # fmt: skip


def test_what_files_and_what_others_say_stays_beside_it() -> None:
    by_file = away("m1", since=SINCE, until=UNTIL)
    some = OFFICE.model_copy(update={"absences": (by_file, away("m2", origin="command", until=UNTIL))})
    assert after(some, leave("m1", "w1")).absences[:2] == some.absences
