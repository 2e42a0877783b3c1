"""When a digest goes is data of the programme."""

from __future__ import annotations

import sys
from datetime import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_year import YEAR, changed, fault_in

from workflows.rules.programme import Programme
from workflows.rules.programme_file import parse_programme

LADDER = "[ladder]\n"


def at(value: str) -> str:
    return changed(LADDER, f"{LADDER}digest_at = {value}\n")


def test_a_digest_goes_soon_after_the_notices_of_the_day() -> None:
    programme = parse_programme(YEAR)
    assert programme.digest_at == time(programme.calendar.hour, 15)


@pytest.mark.parametrize("written", ['"10:30"', "10:30:00"])
def test_the_programme_may_say_when_in_quotes_or_as_a_time(written: str) -> None:
    programme = parse_programme(at(written))
    assert programme.digest_at == time(10, 30)
    again = Programme.model_validate_json(programme.model_dump_json())
    assert (again, again.content_hash) == (programme, programme.content_hash)


@pytest.mark.parametrize("written", ['"8"', '"25:00"', '"08:60"', '"8.15"', '""', "8", "true", "10:30:30"])
def test_what_is_no_time_of_day_is_told_with_one_that_is(written: str) -> None:
    error = fault_in(at(written))
    assert error.where == "year.toml: ladder.digest_at"
    assert error.fault.endswith("is not a time of day.")
    assert error.remedy == 'Write it in quotes, from 00:00 to 23:59: "08:15".'


def test_a_digest_before_the_days_notices_would_hold_them_up_for_a_day() -> None:
    error = fault_in(at('"07:00"'))
    assert error.where == "year.toml: ladder.digest_at"
    assert error.fault == "07:00 is before the day's notices, at 08:00."
    assert error.remedy == "Write a later time, or set an earlier `hour` under [calendar]."
