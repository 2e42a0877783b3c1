"""What a calendar refuses: settings, years and arguments that make no sense."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from workflows.rules.calendar import WorkCalendar, nth_weekday, oslo_day

ORDINARY = WorkCalendar()


@pytest.mark.parametrize(
    ("setting", "field", "says"),
    [
        ({"hour": 24}, "hour", "24 is not an hour of the day. Write the local hour in Oslo, from 0 to 23."),
        ({"hour": -1}, "hour", "-1 is not an hour of the day"),
        ({"hour": "eight"}, "hour", "valid integer"),
        ({"fellesferie_weeks": (28, 54)}, "fellesferie_weeks", "54 is not an ISO week"),
        ({"fellesferie_weeks": (0,)}, "fellesferie_weeks", "0 is not an ISO week"),
        ({"fellesferie_weeks": (28, 29, 29)}, "fellesferie_weeks", "29 is listed twice"),
        ({"blackouts": ("easter", "easter")}, "blackouts", "easter is listed twice"),
        ({"blackouts": ("whitsun",)}, "blackouts", "'fellesferie', 'easter' or 'christmas'"),
        ({"fellesferie_week": (28,)}, "fellesferie_week", "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_named_with_its_field(setting: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WorkCalendar.model_validate(setting)
    (error,) = refused.value.errors()
    assert error["loc"][0] == field
    assert says in error["msg"]


@pytest.mark.parametrize("direction", ["next", "previous"])
def test_a_calendar_that_never_opens_says_which_settings_close_it(direction: Any) -> None:
    closed = WorkCalendar(fellesferie_weeks=tuple(range(1, 54)))
    with pytest.raises(ValueError, match=r"no open day within a year .* fellesferie_weeks \(1, 2"):
        closed.settle(date(2027, 5, 3), direction)
    with pytest.raises(ValueError, match="take weeks out of fellesferie_weeks"):
        closed.consultation_deadline(date(2027, 5, 3), 1)


@pytest.mark.parametrize("year", [1946, 2101, 9999])
def test_a_year_whose_holidays_are_not_known_is_refused(year: int) -> None:
    for ask in (ORDINARY.holiday, ORDINARY.blackout, ORDINARY.settle, ORDINARY.moment, ORDINARY.end_of):
        with pytest.raises(ValueError, match="outside the years 1947 to 2100"):
            ask(date(year, 6, 1))


def test_a_moment_is_not_taken_for_a_day() -> None:
    moment = datetime(2027, 5, 16, 23, 0, tzinfo=UTC)
    for ask in (
        ORDINARY.holiday,
        ORDINARY.is_working_day,
        ORDINARY.blackout,
        ORDINARY.is_open,
        ORDINARY.settle,
        ORDINARY.moment,
        ORDINARY.end_of,
        lambda day: ORDINARY.add_working_days(day, 0),
        lambda day: ORDINARY.consultation_deadline(day, 0),
        lambda day: ORDINARY.working_days_between(day, day),
    ):
        with pytest.raises(TypeError, match="is a moment, not a day: take its day in Oslo"):
            ask(moment)


def test_a_moment_without_a_time_zone_has_no_day() -> None:
    with pytest.raises(ValueError, match=r"2027-05-17T00:30:00 has no time zone.*tzinfo=UTC"):
        oslo_day(datetime.fromisoformat("2027-05-17T00:30:00"))


def test_a_misspelt_direction_is_refused_instead_of_guessed() -> None:
    wrong: Any = "backwards"
    with pytest.raises(ValueError, match="'backwards': write 'next' or 'previous'"):
        ORDINARY.settle(date(2027, 3, 29), wrong)


def test_less_than_no_time_to_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 days is no time to answer in"):
        ORDINARY.consultation_deadline(date(2027, 1, 15), -1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((2027, 2, 0, 5), "2027-02 has only four of weekday 0"),
        ((2027, 3, 7, 1), "7 is not a weekday: write 0 for Monday"),
        ((2027, 13, 0, 1), "13 is not a month"),
        ((2027, 3, 0, 0), "no month has a weekday number 0"),
        ((2027, 3, 0, 6), "no month has a weekday number 6"),
        ((9999, 12, 4, 5), "outside the years 1947 to 2100"),
    ],
)
def test_a_weekday_that_is_not_there_is_an_error(arguments: tuple[int, int, int, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        nth_weekday(*arguments)
