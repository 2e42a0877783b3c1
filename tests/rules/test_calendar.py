"""Working days, blackouts and the clock in Oslo, against the hand table of hms-domain.md § 2.3 and by law."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.calendar import OSLO, Blackout, WorkCalendar, nth_weekday, oslo_day

DAY = timedelta(days=1)
YEARS = range(2024, 2041)
ORDINARY = WorkCalendar()
WITHOUT_BLACKOUTS = WorkCalendar(blackouts=())

days = st.dates(date(2024, 1, 1), date(2040, 12, 31))
calendars = st.builds(
    WorkCalendar,
    fellesferie_weeks=st.lists(st.integers(1, 53), max_size=8, unique=True).map(tuple),
    blackouts=st.lists(st.sampled_from(Blackout), unique=True).map(tuple),
    eves_are_working_days=st.booleans(),
)


def easter_sunday(year: int) -> date:
    """The Gregorian computus in the form Meeus, Jones and Butcher gave it."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    w = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * w) // 451
    month, day = divmod(h + w - 7 * m + 114, 31)
    return date(year, month, day + 1)


def public_holidays(year: int) -> dict[date, set[str]]:
    easter = easter_sunday(year)
    named = [
        (date(year, 1, 1), "Første nyttårsdag"),
        (easter - 3 * DAY, "Skjærtorsdag"),
        (easter - 2 * DAY, "Langfredag"),
        (easter, "Første påskedag"),
        (easter + DAY, "Andre påskedag"),
        (date(year, 5, 1), "Arbeidernes dag"),
        (date(year, 5, 17), "Grunnlovsdag"),
        (easter + 39 * DAY, "Kristi himmelfartsdag"),
        (easter + 49 * DAY, "Første pinsedag"),
        (easter + 50 * DAY, "Andre pinsedag"),
        (date(year, 12, 25), "Første juledag"),
        (date(year, 12, 26), "Andre juledag"),
    ]
    found: dict[date, set[str]] = {}
    for day, name in named:
        found.setdefault(day, set()).add(name)
    return found


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + DAY * n for n in range((date(year, 12, 31) - first).days + 1)]


HAND_TABLE = {
    2026: ("2026-04-02", "2026-04-03", "2026-04-06", "2026-05-14", "2026-05-25"),
    2027: ("2027-03-25", "2027-03-26", "2027-03-29", "2027-05-06", "2027-05-17"),
    2028: ("2028-04-13", "2028-04-14", "2028-04-17", "2028-05-25", "2028-06-05"),
    2029: ("2029-03-29", "2029-03-30", "2029-04-02", "2029-05-10", "2029-05-21"),
    2030: ("2030-04-18", "2030-04-19", "2030-04-22", "2030-05-30", "2030-06-10"),
}
MOVABLE = ("Skjærtorsdag", "Langfredag", "Andre påskedag", "Kristi himmelfartsdag", "Andre pinsedag")


@pytest.mark.parametrize("year", HAND_TABLE)
def test_the_movable_holidays_fall_where_the_hand_table_says(year: int) -> None:
    for name, text in zip(MOVABLE, HAND_TABLE[year], strict=True):
        day = date.fromisoformat(text)
        assert name in (ORDINARY.holiday(day) or "").split("; ")
        assert not ORDINARY.is_working_day(day)


@pytest.mark.parametrize("year", YEARS)
def test_every_holiday_of_the_year_is_the_one_the_easter_computation_gives(year: int) -> None:
    named = {day: set(name.split("; ")) for day in days_of(year) if (name := ORDINARY.holiday(day))}
    assert named == public_holidays(year)


@pytest.mark.parametrize("year", YEARS)
def test_open_days_are_the_weekdays_left_by_holidays_eves_and_the_three_blackouts(year: int) -> None:
    easter = easter_sunday(year)
    first_week = date.fromisocalendar(year, 28, 1)
    expected = [
        day
        for day in days_of(year)
        if day.isoweekday() <= 5
        and day not in public_holidays(year)
        and not easter - 6 * DAY <= day <= easter + DAY
        and not first_week <= day < first_week + 28 * DAY
        and date(year, 1, 3) < day < date(year, 12, 20)
    ]
    assert [day for day in days_of(year) if ORDINARY.is_open(day)] == expected


def test_17_may_2027_is_both_constitution_day_and_whit_monday() -> None:
    assert ORDINARY.holiday(date(2027, 5, 17)) == "Andre pinsedag; Grunnlovsdag"
    assert ORDINARY.settle(date(2027, 5, 17)) == date(2027, 5, 18)


def test_eves_have_no_name_and_are_no_working_days_unless_the_employer_says_so() -> None:
    allowed = WorkCalendar(eves_are_working_days=True)
    for eve in (date(2026, 12, 24), date(2026, 12, 31)):
        assert ORDINARY.holiday(eve) is None
        assert not ORDINARY.is_working_day(eve)
        assert allowed.is_working_day(eve)
        assert not allowed.is_open(eve)
    assert not allowed.is_working_day(date(2028, 12, 24)), "a Sunday stays a Sunday"


def test_a_due_date_on_easter_monday_moves_to_tuesday() -> None:
    assert ORDINARY.settle(date(2027, 3, 29)) == date(2027, 3, 30)


def test_a_due_date_in_easter_week_moves_back_to_the_friday_before_palm_sunday() -> None:
    assert ORDINARY.settle(date(2027, 3, 22), "previous") == date(2027, 3, 19)


def test_the_easter_blackout_runs_from_monday_to_easter_monday_weekend_included() -> None:
    covered = [day for day in days_of(2027) if ORDINARY.blackout(day) is Blackout.EASTER]
    assert covered == [date(2027, 3, 22) + DAY * n for n in range(8)]


def test_a_due_date_over_christmas_moves_past_3_january_and_its_weekend() -> None:
    assert ORDINARY.blackout(date(2026, 12, 19)) is None
    assert ORDINARY.blackout(date(2026, 12, 20)) is Blackout.CHRISTMAS
    assert ORDINARY.blackout(date(2027, 1, 3)) is Blackout.CHRISTMAS
    assert ORDINARY.blackout(date(2027, 1, 4)) is None
    assert ORDINARY.settle(date(2026, 12, 20)) == date(2027, 1, 4)
    assert ORDINARY.settle(date(2025, 12, 20)) == date(2026, 1, 5)
    assert ORDINARY.settle(date(2027, 1, 3), "previous") == date(2026, 12, 18)


@pytest.mark.parametrize(("first", "last"), [("2026-07-06", "2026-08-02"), ("2027-07-12", "2027-08-08")])
def test_fellesferie_runs_from_the_monday_of_week_28_to_the_sunday_of_week_31(first: str, last: str) -> None:
    monday, sunday = date.fromisoformat(first), date.fromisoformat(last)
    assert ORDINARY.blackout(monday - DAY) is None
    assert ORDINARY.blackout(monday) is ORDINARY.blackout(sunday) is Blackout.FELLESFERIE
    assert ORDINARY.blackout(sunday + DAY) is None
    assert ORDINARY.settle(monday) == sunday + DAY


def test_fellesferie_weeks_need_not_be_adjacent() -> None:
    calendar = WorkCalendar(fellesferie_weeks=(30, 28))
    assert calendar.blackout(date.fromisocalendar(2027, 28, 7)) is Blackout.FELLESFERIE
    assert calendar.is_open(date.fromisocalendar(2027, 29, 3))
    assert not calendar.is_open(date.fromisocalendar(2027, 30, 1))


def test_week_53_is_closed_in_the_years_that_have_it_and_skipped_in_the_others() -> None:
    calendar = WorkCalendar(fellesferie_weeks=(53,), blackouts=(Blackout.FELLESFERIE,))
    assert not calendar.is_open(date(2026, 12, 28))
    assert calendar.blackout(date(2027, 1, 3)) is Blackout.FELLESFERIE
    assert calendar.is_open(date(2027, 12, 28))
    assert all(calendar.blackout(day) is None for day in days_of(2028))


def test_no_fellesferie_weeks_leave_july_open() -> None:
    assert WorkCalendar(fellesferie_weeks=()).is_open(date(2027, 7, 14))


def test_a_week_in_two_blackouts_belongs_to_the_one_listed_first() -> None:
    day = date.fromisocalendar(2027, 52, 1)
    both = (Blackout.FELLESFERIE, Blackout.CHRISTMAS)
    assert WorkCalendar(fellesferie_weeks=(52,), blackouts=both).blackout(day) is Blackout.FELLESFERIE
    assert WorkCalendar(fellesferie_weeks=(52,), blackouts=both[::-1]).blackout(day) is Blackout.CHRISTMAS


def test_five_working_days_from_the_friday_before_palm_sunday_are_counted_past_easter() -> None:
    assert ORDINARY.add_working_days(date(2027, 3, 19), 5) == date(2027, 4, 5)
    assert WITHOUT_BLACKOUTS.add_working_days(date(2027, 3, 19), 5) == date(2027, 3, 31)
    assert ORDINARY.add_working_days(date(2027, 4, 5), -5) == date(2027, 3, 19)


def test_no_working_days_added_leave_even_a_closed_day_as_it_is() -> None:
    assert ORDINARY.add_working_days(date(2027, 3, 28), 0) == date(2027, 3, 28)


def test_working_days_between_leave_out_the_first_day_and_count_the_last() -> None:
    monday, friday = date(2027, 2, 1), date(2027, 2, 5)
    assert ORDINARY.working_days_between(monday, friday) == 4
    assert ORDINARY.working_days_between(friday, monday) == -4
    assert ORDINARY.working_days_between(date(2027, 7, 9), date(2027, 8, 9)) == 1


def test_two_weeks_to_answer_in_january_are_two_weeks() -> None:
    assert ORDINARY.consultation_deadline(date(2027, 1, 15), 14) == date(2027, 1, 29)


def test_two_weeks_to_answer_asked_on_1_july_pause_in_fellesferie() -> None:
    assert ORDINARY.consultation_deadline(date(2027, 7, 1), 14) == date(2027, 8, 12)


def test_two_weeks_to_answer_asked_in_fellesferie_begin_when_it_ends() -> None:
    assert ORDINARY.consultation_deadline(date(2027, 7, 20), 14) == date(2027, 8, 23)


def test_a_deadline_on_ascension_day_moves_to_the_friday() -> None:
    assert ORDINARY.consultation_deadline(date(2027, 4, 22), 14) == date(2027, 5, 7)


def test_no_time_to_answer_is_the_day_of_asking_or_the_next_open_one() -> None:
    assert ORDINARY.consultation_deadline(date(2027, 2, 2), 0) == date(2027, 2, 2)
    assert ORDINARY.consultation_deadline(date(2027, 2, 6), 0) == date(2027, 2, 8)


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        ("2027-03-27", "2027-03-27T07:00+00:00"),
        ("2027-03-28", "2027-03-28T06:00+00:00"),
        ("2027-10-30", "2027-10-30T06:00+00:00"),
        ("2027-10-31", "2027-10-31T07:00+00:00"),
    ],
)
def test_eight_in_oslo_follows_the_change_of_the_clock(day: str, utc: str) -> None:
    moment = ORDINARY.moment(date.fromisoformat(day))
    assert moment == datetime.fromisoformat(utc)
    assert moment.tzinfo is UTC


def test_an_hour_the_clock_skips_is_the_hour_after_and_one_it_repeats_is_the_first() -> None:
    at_two = WorkCalendar(hour=2)
    assert at_two.moment(date(2027, 3, 28)).astimezone(OSLO).hour == 3
    assert at_two.moment(date(2027, 10, 31)) == datetime(2027, 10, 31, 0, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [("2027-03-28", 23), ("2027-10-31", 25), ("2027-06-01", 24)])
def test_a_day_in_oslo_ends_at_local_midnight_however_long_it_was(day: str, hours: int) -> None:
    end = ORDINARY.end_of(date.fromisoformat(day))
    assert end - ORDINARY.end_of(date.fromisoformat(day) - DAY) == timedelta(hours=hours)
    assert end.tzinfo is UTC


def test_the_day_in_oslo_is_read_from_the_wall_there() -> None:
    assert oslo_day(datetime(2027, 6, 1, 22, 0, tzinfo=UTC)) == date(2027, 6, 2)
    assert oslo_day(datetime(2027, 1, 1, 22, 59, tzinfo=UTC)) == date(2027, 1, 1)
    assert oslo_day(datetime(2027, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=9)))) == date(2026, 12, 31)


def test_the_second_monday_of_march_is_found() -> None:
    assert nth_weekday(2027, 3, 0, 2) == date(2027, 3, 8)
    assert nth_weekday(2027, 3, 0, 5) == date(2027, 3, 29)
    assert nth_weekday(2027, 2, 6, 4) == date(2027, 2, 28)


@given(days)
def test_every_day_is_the_nth_weekday_of_its_own_month(day: date) -> None:
    assert nth_weekday(day.year, day.month, day.weekday(), (day.day + 6) // 7) == day


@given(calendars, days)
def test_settling_lands_on_the_nearest_open_day_and_stays_there(calendar: WorkCalendar, day: date) -> None:
    later, earlier = calendar.settle(day), calendar.settle(day, "previous")
    assert earlier <= day <= later
    assert calendar.is_open(earlier)
    assert calendar.is_open(later)
    assert calendar.settle(later) == calendar.settle(later, "previous") == later
    between = (earlier + DAY * n for n in range(1, (later - earlier).days))
    assert calendar.is_open(day) or not any(map(calendar.is_open, between))


@given(calendars, days, st.integers(0, 400))
def test_a_later_day_never_settles_earlier(calendar: WorkCalendar, day: date, ahead: int) -> None:
    later = day + DAY * ahead
    assert calendar.settle(day) <= calendar.settle(later)
    assert calendar.settle(day, "previous") <= calendar.settle(later, "previous")


@given(calendars, days, st.integers(-150, 150))
def test_working_days_added_and_taken_away_lead_back(calendar: WorkCalendar, day: date, count: int) -> None:
    start = calendar.settle(day)
    reached = calendar.add_working_days(start, count)
    assert calendar.is_open(reached)
    assert calendar.add_working_days(reached, -count) == start
    assert calendar.working_days_between(start, reached) == count


@given(calendars, days, st.integers(-60, 60), st.integers(0, 60))
def test_more_days_added_never_lead_back(calendar: WorkCalendar, day: date, count: int, more: int) -> None:
    reached = calendar.add_working_days(day, count)
    assert reached <= calendar.add_working_days(day, count + more)
    assert reached <= calendar.add_working_days(day + DAY * more, count)


@given(calendars, days, st.integers(-200, 200), st.integers(-200, 200))
def test_working_days_between_add_up(calendar: WorkCalendar, day: date, first: int, second: int) -> None:
    middle, end = day + DAY * first, day + DAY * second
    parts = calendar.working_days_between(day, middle) + calendar.working_days_between(middle, end)
    assert calendar.working_days_between(day, end) == parts


@given(calendars, days)
def test_no_day_in_a_blackout_is_open(calendar: WorkCalendar, day: date) -> None:
    blackout = calendar.blackout(day)
    assert blackout is None or blackout in calendar.blackouts
    assert calendar.is_open(day) == (calendar.is_working_day(day) and blackout is None)


@given(calendars, days, st.integers(0, 60))
def test_blackouts_only_lengthen_the_time_to_answer(calendar: WorkCalendar, asked: date, count: int) -> None:
    unpaused = calendar.model_copy(update={"blackouts": ()})
    deadline = calendar.consultation_deadline(asked, count)
    assert deadline >= unpaused.consultation_deadline(asked, count) >= asked + DAY * count
    assert calendar.is_open(deadline)
    running = [asked + DAY * n for n in range(1, (deadline - asked).days + 1)]
    assert sum(calendar.blackout(day) is None for day in running) >= count
    assert deadline <= calendar.consultation_deadline(asked, count + 1)
    assert deadline <= calendar.consultation_deadline(asked + DAY, count)


@given(days)
def test_things_open_at_eight_in_oslo_on_every_day_of_the_year(day: date) -> None:
    moment = ORDINARY.moment(day)
    there = moment.astimezone(OSLO)
    assert (there.date(), there.hour, there.minute) == (day, 8, 0)
    assert ORDINARY.end_of(day - DAY) < moment < ORDINARY.end_of(day)


@given(days, st.integers(0, 86_399_999_999))
def test_a_moment_belongs_to_the_day_whose_end_it_precedes(day: date, microseconds: int) -> None:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(microseconds=microseconds)
    there = oslo_day(moment)
    assert ORDINARY.end_of(there - DAY) <= moment < ORDINARY.end_of(there)


@given(calendars)
def test_a_calendar_survives_its_journey_as_json(calendar: WorkCalendar) -> None:
    assert WorkCalendar.model_validate_json(calendar.model_dump_json()) == calendar


@pytest.mark.parametrize("year", [1947, 2100])
def test_the_first_and_the_last_known_year_have_their_holidays(year: int) -> None:
    assert {day for day in days_of(year) if ORDINARY.holiday(day)} == set(public_holidays(year))
    assert ORDINARY.end_of(date(year, 12, 31)) == datetime(year, 12, 31, 23, tzinfo=UTC)


def run_apart(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def test_the_holidays_are_not_loaded_before_somebody_asks() -> None:
    program = "import sys, workflows.rules.calendar as c; c.WorkCalendar(); print('holidays' in sys.modules)"
    assert run_apart(program).strip() == "False"


def test_nothing_is_imported_or_read_once_the_holidays_are_loaded() -> None:
    program = """
import sys
from datetime import date
from workflows.rules.calendar import WorkCalendar, load_holidays
load_holidays()
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args[0])) if event in ("open", "import") else None)
calendar = WorkCalendar()
for year in range(1947, 2100):
    calendar.moment(calendar.settle(date(year, 5, 17)))
    calendar.end_of(calendar.settle(date(year, 12, 24), "previous"))
assert calendar.settle(date(2027, 5, 17)) == date(2027, 5, 18)
print(seen)
"""
    assert run_apart(program).strip() == "[]"
