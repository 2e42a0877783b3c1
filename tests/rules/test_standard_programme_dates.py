"""The days on which the standard year falls due, in the years to come."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from employers import LARGE, MEDIUM, SMALL, law
from standard_year import PROGRAMME, STEPS, YEARS, due_days

from workflows.rules.organisation import Organisation
from workflows.rules.plan import plan, window_dates


@pytest.mark.parametrize("year", YEARS)
def test_every_due_date_is_an_open_day_of_its_own_year(year: int) -> None:
    for id, days in due_days(year).items():
        for due in days:
            assert due.year == year, id
            assert PROGRAMME.calendar.is_open(due), f"{id} {due}"


@pytest.mark.parametrize(
    ("year", "last"), [(2026, date(2026, 12, 18)), (2027, date(2027, 12, 17)), (2028, date(2028, 12, 19))]
)
def test_the_year_is_closed_on_the_last_open_day_before_christmas(year: int, last: date) -> None:
    assert due_days(year)["Y32"] == [last]


@pytest.mark.parametrize(
    ("year", "closes", "assess"),
    [
        (2026, date(2026, 4, 7), date(2026, 5, 20)),  # 30 March is in Easter week
        (2027, date(2027, 3, 30), date(2027, 5, 20)),  # 29 March is Easter Monday
        (2028, date(2028, 4, 3), date(2028, 5, 22)),  # 20 May is a Saturday
    ],
)
def test_the_survey_makes_room_for_easter_and_the_assessment_still_has_its_window(
    year: int, closes: date, assess: date
) -> None:
    due = due_days(year)
    assert (due["Y12"], due["Y15"]) == ([closes], [assess])
    assert (assess - due["Y13"][0]).days >= 7


@pytest.mark.parametrize("year", YEARS)
def test_plan_assessment_measures_and_review_follow_one_another(year: int) -> None:
    due = due_days(year)
    line = ["Y06", "Y12", "Y13", "Y15", "Y16", "Y17", "Y29", "Y30", "Y31", "Y32"]
    assert sorted(line, key=lambda id: due[id][-1]) == line


# --- what builds on what ----------------------------------------------------------------------------------

# From hms-domain.md § 2.2: what a name or a date of the table speaks of; Y14 from § 3, figures before risk.
BUILDS_ON = {
    "Y12": {"Y11"}, "Y13": {"Y12"}, "Y15": {"Y13", "Y14"}, "Y16": {"Y15"}, "Y17": {"Y16"}, "Y23": {"Y16"},
    "Y24": {"Y20", "Y23"}, "Y29": {"Y16"}, "Y30": {"Y29"}, "Y31": {"Y30"}, "Y32": {"Y30", "Y31"},
}  # fmt: skip


@pytest.mark.parametrize("organisation", [SMALL, MEDIUM, LARGE], ids=["under 5", "5 to 29", "30 and more"])
def test_a_planned_step_knows_what_it_builds_on(organisation: Organisation) -> None:
    steps = plan(PROGRAMME, organisation, law(), 2027).steps
    assert {s.step: set(s.builds_on) for s in steps if s.builds_on} == BUILDS_ON


@pytest.mark.parametrize("year", YEARS)
def test_a_step_is_due_no_sooner_than_what_it_builds_on(year: int) -> None:
    due = due_days(year)
    for id, others in BUILDS_ON.items():
        for other in others:
            assert due[other][-1] <= due[id][0], f"{id} and {other}"


def test_the_survey_of_2027_opens_before_its_preparation_is_due_and_knows_that_it_builds_on_it() -> None:
    windows = window_dates(PROGRAMME, 2027)
    (opens, _), (_, prepared) = windows["Y12"][0], windows["Y11"][0]
    assert (opens, prepared) == (date(2027, 3, 8), date(2027, 3, 10))
    assert STEPS["Y12"].builds_on == ("Y11",)
