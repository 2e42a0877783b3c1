"""The dated year: openings, due dates, reminders and rungs on real days of real years."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.rules.employers import (
    LARGE,
    MEDIUM,
    SINCE,
    SMALL,
    employer,
    hired,
    law,
    programme,
    unit_closed,
    year_plan,
)
from workflows.rules.calendar import Blackout, WorkCalendar
from workflows.rules.organisation import Employment, Organisation, Unit
from workflows.rules.plan import (
    REAL_OPPORTUNITY_DAYS,
    PlannedStep,
    YearPlan,
    due_when_opened,
    plan,
    reminder_days,
    rung_days,
    timeline,
    window_dates,
)
from workflows.rules.programme import Programme, ProgrammeError
from workflows.rules.terms import CycleRef

YEAR, U1 = CycleRef(employer="fjell", year=2027), CycleRef(employer="fjell", year=2027, unit="u1")


def d(text: str) -> date:
    return date.fromisoformat(text)


def find(some: YearPlan, key: str, unit: str | None = None) -> PlannedStep:
    step = some.find(CycleRef(employer="fjell", year=some.year, unit=unit), key)
    assert step is not None, key
    return step


# --- days worked out by hand ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "unit", "opens", "due"),
    [
        (
            "Y01",
            None,
            "2027-01-04",
            "2027-01-15",
        ),  # 2 January is a Saturday, and inside the Christmas blackout
        ("Y04", None, "2027-01-05", "2027-02-01"),  # 31 January is a Sunday
        ("Y05", None, "2027-01-11", "2027-02-10"),  # 10 January is a Sunday
        ("Y12", None, "2027-03-08", "2027-03-30"),  # 21 days later is Easter Monday
        ("Y10", "u1", "2027-03-01", "2027-03-31"),  # Wednesday after Easter
        ("Y13", "u1", "2027-04-13", "2027-05-04"),  # 14 and 35 days after 30 March
        ("Y15", "u1", "2027-05-05", "2027-05-20"),  # the day after; Thursday
        ("Y16", "u1", "2027-05-21", "2027-06-07"),  # 5 June is a Saturday
        ("Y17", None, "2027-05-25", "2027-06-15"),  # three weeks before, a Tuesday
        ("Y22", None, "2027-07-01", "2027-08-31"),
        ("Y20", "u1", "2027-08-16", "2027-09-20"),  # 15 August is a Sunday
        ("Y32", None, "2027-12-10", "2027-12-17"),  # moves back, out of the Christmas blackout
        ("Y28.1", "u1", "2027-09-01", "2027-09-30"),
        ("Y28.2", "u1", "2027-11-01", "2027-11-30"),
    ],
)
def test_steps_of_2027_fall_on_the_days_worked_out_by_hand(
    key: str, unit: str | None, opens: str, due: str
) -> None:
    step = find(year_plan(MEDIUM, 2027), key, unit)
    assert (step.opens, step.due) == (d(opens), d(due))


def small_programme(*windows: str, **changes: Any) -> Programme:
    """A programme of unit steps Y01, Y02 … with one window «opens → due» each."""
    text = {"nb": "x", "en": "x"}
    steps = []
    for number, window in enumerate(windows, 1):
        opens, _, due = window.partition(" → ")
        steps.append(
            {
                "id": f"Y{number:02}", "name": text, "stage": "map", "level": "unit", "owner": "manager",
                "windows": [{"opens": opens, "due": due}], "evidence": text,
            }
        )  # fmt: skip
    whole = {
        "id": "small", "version": 1, "name": text, "closes": "01-31", "steps": steps,
        "ladder": {
            "reminders": [14, 3, 0],
            "rungs": [{"days": 3, "to": ["leader_of_owner"]}, {"days": 10, "to": ["hr"]}],
        },
        **changes,
    }  # fmt: skip
    return Programme.model_validate(whole)


@pytest.mark.parametrize(
    ("window", "opens", "due"),
    [
        ("05-02 → 05-17", "2027-05-03", "2027-05-18"),  # 17 May and Whit Monday on one day
        ("03-20 → 03-25", "2027-03-30", "2027-03-30"),  # Easter week is closed from the Monday before
        ("07-10 → 07-20", "2027-08-09", "2027-08-09"),  # the whole of fellesferie
        ("due - 21 d → 08-09", "2027-07-09", "2027-08-09"),  # counted back into fellesferie: earlier still
        ("05-06 → opens + 7 d", "2027-05-07", "2027-05-14"),  # Ascension Day
        ("12-01 → 12-24", "2027-12-01", "2028-01-04"),  # over Christmas into the next year
        ("1st monday of january → 01-20", "2027-01-04", "2027-01-20"),
        ("05-03 → opens + 40 d, at latest 06-01", "2027-05-03", "2027-06-01"),
        ("05-03 → opens + 40 d, at latest 05-17", "2027-05-03", "2027-05-14"),  # never past, so back
    ],
)
def test_a_window_settles_on_open_days(window: str, opens: str, due: str) -> None:
    assert window_dates(small_programme(window), 2027)["Y01"] == ((d(opens), d(due)),)


def test_a_step_that_builds_on_another_follows_it_when_a_holiday_moves_it() -> None:
    dates = window_dates(small_programme("05-03 → 05-17", "Y01 + 1 d → Y01 + 8 d"), 2027)
    assert dates["Y02"] == ((d("2027-05-19"), d("2027-05-26")),)


def test_a_due_date_before_its_opening_is_refused_with_the_place_and_the_days() -> None:
    with pytest.raises(ProgrammeError) as error:
        window_dates(small_programme("01-11 → 02-10", "Y01 + 30 d → 03-01"), 2027)
    assert error.value.where == "Y02.windows[1]"
    assert "due 2027-03-01, before it opens 2027-03-12" in str(error.value)


def test_a_programme_that_fits_one_year_may_fail_in_another() -> None:
    tight = small_programme("2nd monday of march → opens + 21 d", "Y01 + 1 d → 04-04")
    assert window_dates(tight, 2027)["Y02"] == ((d("2027-03-31"), d("2027-04-05")),)
    with pytest.raises(
        ProgrammeError, match="in 2026 it would be due 2026-04-07, before it opens 2026-04-08"
    ):
        window_dates(tight, 2026)


def test_the_year_closes_on_an_open_day_and_the_employer_s_after_the_units() -> None:
    some = year_plan(MEDIUM, 2027)
    assert (some.closing_day(U1), some.closing_day(YEAR)) == (d("2028-01-31"), d("2028-02-01"))
    assert (year_plan(MEDIUM, 2026).closes, year_plan(MEDIUM, 2026).year_closes) == (
        d("2027-02-01"),
        d("2027-02-02"),
    )


# --- who has which steps --------------------------------------------------------------------------


def profiles_of(some: YearPlan) -> dict[str, set[str]]:
    return {s.key: {slot.role.value for slot in s.slots} for s in some.steps}


def test_the_size_of_the_employer_decides_who_is_heard() -> None:
    heard = [profiles_of(year_plan(some, 2027))["Y07"] for some in (SMALL, MEDIUM, LARGE)]
    assert heard == [{"contact_person"}, {"senior_safety_rep"}, {"wec_chair"}]


def test_steps_after_the_fifth_person_is_hired_have_a_safety_representative() -> None:
    some = year_plan(hired(SMALL, d("2027-04-15"), 3), 2027)
    heard = {s.key: {x.role.value for x in s.slots} for s in some.of(U1)}
    assert heard["Y13"] == {"contact_person"}, "opened on 13 April"
    assert heard["Y19"] == {"safety_rep"}, "opened on 1 June"


def test_a_step_that_hangs_on_a_condition_is_left_out_without_it() -> None:
    assert year_plan(MEDIUM, 2027).find(YEAR, "Y03") is None
    with_health_service = employer(17, ohs_required=True)
    assert year_plan(with_health_service, 2027).find(YEAR, "Y03") is not None


def test_the_employer_s_steps_come_first_then_unit_by_unit() -> None:
    units = [s.cycle.unit for s in year_plan(LARGE, 2027).steps]
    assert list(dict.fromkeys(units)) == [None, "u1", "u2", "u3", "u4"]
    assert units == sorted(units, key=lambda u: u or "")


# --- units that come, go and move -----------------------------------------------------------------


def test_a_unit_that_is_closed_has_no_step_that_opens_after_and_ends_those_that_are_open() -> None:
    steps = year_plan(unit_closed(MEDIUM, "u1", d("2027-10-01")), 2027).of(U1)
    assert max(s.opens for s in steps) < d("2027-10-01")
    assert {s.ends for s in steps} == {d("2027-10-01")}
    assert "Y29" not in {s.key for s in steps}


def moved(until: date, again: date | None = None) -> Organisation:
    """MEDIUM, where u1 is laid under another unit that day, or closed and opened anew on `again`."""
    units = [Unit(id="root", name="r", since=SINCE), Unit(id="west", name="w", parent="root", since=SINCE)]
    units += [
        Unit(id="u1", name="u1", parent="root", area="a-u1", since=SINCE, until=until),
        Unit(id="u1", name="u1", parent="west", area="a-u1", since=again or until),
    ]
    return employer(17).model_copy(update={"units": tuple(units)})


def test_a_unit_that_is_laid_under_another_goes_on_with_its_year() -> None:
    some = year_plan(moved(d("2027-06-01")), 2027)
    assert {s.ends for s in some.of(U1)} == {None}
    assert [s.key for s in some.of(U1)] == [s.key for s in year_plan(MEDIUM, 2027).of(U1)]


def test_a_unit_that_is_closed_and_opened_anew_ends_what_was_open() -> None:
    some = {s.key: s for s in year_plan(moved(d("2027-06-01"), d("2027-09-15")), 2027).of(U1)}
    assert some["Y16"].ends == d("2027-06-01")
    assert "Y20" not in some
    assert some["Y28.2"].ends is None


def test_a_unit_closed_on_the_very_closing_day_leaves_its_steps_open() -> None:
    some = year_plan(unit_closed(MEDIUM, "u1", d("2028-01-31")), 2027)
    assert {
        e.event for e in timeline(programme(), some) if e.cycle == U1.id and e.day == d("2028-01-31")
    } == {"left_open"}


def test_a_unit_that_begins_in_april_has_the_steps_that_open_from_then() -> None:
    base = employer(17)
    units = (*base.units, Unit(id="u2", name="u2", parent="root", area="a-u1", since=d("2027-04-01")))
    people = (*base.employments, Employment(person="p18", unit="u2", since=d("2027-04-01")))
    some = year_plan(base.model_copy(update={"units": units, "employments": people}), 2027)
    keys = [s.key for s in some.of(CycleRef(employer="fjell", year=2027, unit="u2"))]
    assert "Y10" not in keys
    assert {"Y13", "Y15", "Y28.2"} <= set(keys)


# --- late openings --------------------------------------------------------------------------------


def test_a_step_that_opens_late_keeps_the_real_opportunity() -> None:
    step = find(year_plan(MEDIUM, 2027), "Y15", "u1")
    assert due_when_opened(programme(), step, step.opens) == d("2027-05-20")
    assert due_when_opened(programme(), step, d("2027-05-06")) == d("2027-05-20"), "fourteen days are left"
    assert due_when_opened(programme(), step, d("2027-05-19")) == d("2027-06-02")
    assert due_when_opened(programme(), step, d("2027-07-05")) == d("2027-08-09"), "never inside fellesferie"


def test_a_step_that_gives_less_time_gives_as_much_when_it_opens_late() -> None:
    step = find(year_plan(MEDIUM, 2027), "Y01")
    assert (step.due - step.opens).days == 11
    assert due_when_opened(programme(), step, d("2027-03-15")) == d("2027-03-30"), "eleven days end in Easter"


# --- laws -----------------------------------------------------------------------------------------

RULES = programme()
some_weeks = st.lists(st.integers(20, 40), max_size=6, unique=True).map(tuple)
calendars = st.builds(
    WorkCalendar, fellesferie_weeks=some_weeks,
    blackouts=st.lists(st.sampled_from(Blackout), unique=True).map(tuple), eves_are_working_days=st.booleans(),
)  # fmt: skip
calendar_days = st.dates(date(2026, 1, 1), date(2026, 12, 28)).map(lambda day: f"{day:%m-%d}")
first_windows = st.one_of(
    st.builds(lambda a, n: f"{a} → opens + {n} d", calendar_days, st.integers(0, 60)),
    st.builds(lambda a, n: f"due - {n} d → {a}", calendar_days, st.integers(0, 60)),
    st.builds(lambda n, w, m, k: f"{n} {w} of {m} → opens + {k} d", st.sampled_from(["1st", "2nd", "3rd", "4th"]),
              st.sampled_from(["monday", "sunday"]), st.sampled_from(["march", "december"]), st.integers(0, 30)),
)  # fmt: skip
next_windows = st.builds(
    lambda a, n: f"Y01 + {a} d → Y01 + {a + n} d", st.integers(0, 20), st.integers(0, 30)
)
ladders = st.builds(
    lambda reminders, rungs: {
        "reminders": sorted(reminders, reverse=True), "rungs": [{"days": r, "to": ["hr"]} for r in sorted(rungs)]
    },
    st.sets(st.integers(0, 40), max_size=5), st.sets(st.integers(1, 40), max_size=5),
)  # fmt: skip
programmes = st.builds(
    lambda one, two, calendar, ladder: small_programme(one, two, calendar=calendar, ladder=ladder),
    first_windows, next_windows, calendars, ladders,
)  # fmt: skip
coming_years = st.integers(2025, 2035)


def planned(some: Programme, organisation: Organisation, year: int) -> YearPlan:
    """The year of a made-up programme; one whose windows cannot fit that year is passed over."""
    try:
        return plan(some, organisation, law(), year)
    except ProgrammeError:
        reject()


@settings(max_examples=120, deadline=None)
@given(some=programmes, year=coming_years)
def test_nothing_opens_falls_due_or_is_told_on_a_closed_day(some: Programme, year: int) -> None:
    for step in planned(some, MEDIUM, year).steps:
        assert step.opens <= step.due
        days = [step.opens, step.due]
        days += [day for _, day in reminder_days(some, step.opens, step.due)]
        days += [day for _, day in rung_days(some, step.due, date(year + 3, 1, 1))]
        assert all(some.calendar.is_open(day) for day in days)


@settings(max_examples=120, deadline=None)
@given(some=programmes, year=coming_years)
def test_the_ladder_only_climbs(some: Programme, year: int) -> None:
    some_plan = planned(some, MEDIUM, year)
    for step in some_plan.steps:
        reminders = reminder_days(some, step.opens, step.due)
        rungs = rung_days(some, step.due, some_plan.closes)
        days = [step.opens, *(day for _, day in reminders)]
        assert days == sorted(set(days))
        assert all(day <= step.due for day in days)
        climbed = [step.due, *(day for _, day in rungs)]
        assert climbed == sorted(set(climbed))
        assert all(day < some_plan.closes for _, day in rungs)
        assert [n for n, _ in reminders] == sorted((n for n, _ in reminders), reverse=True)
        assert [r.days for r, _ in rungs] == [r.days for r in some.ladder.rungs][: len(rungs)]


@settings(max_examples=60, deadline=None)
@given(some=programmes, year=coming_years, gone=st.integers(1, 420))
def test_nothing_is_planned_for_a_unit_after_its_end(some: Programme, year: int, gone: int) -> None:
    end = date(year, 1, 1) + timedelta(days=gone)
    some_plan = planned(some, unit_closed(MEDIUM, "u1", end), year)
    for entry in timeline(some, some_plan):
        if entry.cycle == f"unit/fjell/u1/{year}":
            assert (
                entry.day < end
                or (entry.day == end and entry.event == "withdrawn")
                or end >= some_plan.closes
            )


@pytest.mark.parametrize("year", range(2025, 2036))
def test_the_standard_year_can_be_planned_for_every_size(year: int) -> None:
    calendar = RULES.calendar
    for organisation in (SMALL, MEDIUM, LARGE):
        some = plan(RULES, organisation, law(), year)
        assert all(
            calendar.is_open(s.opens) and calendar.is_open(s.due) and s.opens <= s.due for s in some.steps
        )
        assert all(s.due < some.closes for s in some.steps)
        for entry in timeline(RULES, some):
            assert calendar.is_open(entry.day)
        assert len({(s.cycle.id, s.key) for s in some.steps}) == len(some.steps)


@settings(max_examples=60, deadline=None)
@given(late=st.integers(0, 330), number=st.integers(0, 1000))
def test_a_late_opening_gives_the_step_s_own_time_or_fourteen_days(late: int, number: int) -> None:
    steps = year_plan(MEDIUM, 2027).steps
    step = steps[number % len(steps)]
    day = step.opens + timedelta(days=late)
    due = due_when_opened(RULES, step, day)
    assert due >= step.due
    assert RULES.calendar.is_open(due)
    assert due - day >= min(step.due - step.opens, timedelta(days=REAL_OPPORTUNITY_DAYS))


# --- the timeline ---------------------------------------------------------------------------------


def test_the_timeline_of_one_step_written_by_hand() -> None:
    lines = [
        (e.day.isoformat(), e.event, e.days)
        for e in timeline(RULES, year_plan(MEDIUM, 2027))
        if (e.cycle, e.step) == (U1.id, "Y15")
    ]
    assert lines == [
        ("2027-05-05", "opens", 0),
        ("2027-05-14", "reminder", 3),  # 17 May is a holiday, and the days before it are a weekend
        ("2027-05-20", "due", 0),
        ("2027-05-20", "reminder", 0),
        ("2027-05-24", "escalation", 3),  # 23 May is a Sunday
        ("2027-05-31", "escalation", 10),  # 30 May is a Sunday
        ("2027-06-09", "escalation", 20),
        ("2028-01-31", "left_open", 0),
    ]


def test_after_a_step_is_settled_only_its_due_date_stays() -> None:
    settled = {(U1.id, "Y15"): d("2027-05-14")}
    lines = [
        (e.day.isoformat(), e.event)
        for e in timeline(RULES, year_plan(MEDIUM, 2027), settled)
        if (e.cycle, e.step) == (U1.id, "Y15")
    ]
    assert lines == [("2027-05-05", "opens"), ("2027-05-14", "reminder"), ("2027-05-20", "due")]
