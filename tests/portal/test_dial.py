"""The year as a circle, and the place of every step on it: none over another, and room for each key."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pictures.dial import CORE, KEY, RIM, Band, Dial, WheelStep, arranged, band_names
from portal.pictures.scales import Span, angle_of, months, point, span, upright
from portal.pictures.svg import text_width
from tests.portal.made_up_years import NEW_YEAR, YEAR, law, step, year_bands, year_steps
from workflows.rules.programme import Level

# --- the circle -----------------------------------------------------------------------------------


def test_the_year_begins_at_the_top_and_runs_clockwise() -> None:
    assert point(months(YEAR)[0].start, 100) == pytest.approx((0, -100))
    april, july, october = (point(months(YEAR)[n].start, 100) for n in (3, 6, 9))
    assert april[0] > 98
    assert july[1] > 98
    assert october[0] < -98


@pytest.mark.parametrize(("year", "days"), [(2027, 365), (2028, 366)])
def test_every_day_is_equally_wide_in_an_ordinary_and_in_a_leap_year(year: int, days: int) -> None:
    last = span(date(year, 12, 31), date(year, 12, 31), year)
    assert last is not None
    assert (last.end, last.width) == (360, pytest.approx(360 / days))
    february = months(year)[1]
    assert february.width == pytest.approx(360 * (28 + days - 365) / days)


@law
@given(st.floats(0, 360))
def test_no_text_along_the_circle_is_upside_down(angle: float) -> None:
    turn = upright(angle)
    assert -90 <= turn <= 90
    assert (angle - turn) % 180 == pytest.approx(0)


# --- where the steps go ---------------------------------------------------------------------------


def assert_apart(dial: Dial) -> None:
    for one, other in combinations(dial.steps, 2):
        if (one.step.level, one.place.lane) == (other.step.level, other.place.lane):
            assert not one.place.taken.overlaps(other.place.taken)
            assert one.step.due < other.step.opens or other.step.due < one.step.opens


@law
@given(year_steps())
def test_steps_in_one_lane_never_overlap_in_time(steps: list[WheelStep]) -> None:
    assert_apart(arranged(steps, YEAR))


@law
@given(year_steps())
def test_every_step_has_one_place_that_covers_all_its_days(steps: list[WheelStep]) -> None:
    dial = arranged(steps, YEAR)
    assert Counter(found.step.key for found in dial.steps) == Counter(s.key for s in steps)
    for found in dial.steps:
        assert found.stretch == span(found.step.opens, found.step.due, YEAR)
        start, end = found.place.taken
        assert 0 <= start <= found.stretch.start < found.stretch.end <= end <= 360


@law
@given(year_steps())
def test_a_key_has_room_for_all_its_letters_where_no_other_step_is(steps: list[WheelStep]) -> None:
    dial = arranged(steps, YEAR)
    for found in dial.steps:
        half = angle_of(text_width(found.step.key, KEY), dial.radius(found)) / 2
        start, end = found.place.taken
        assert start <= found.key_angle - half
        assert found.key_angle + half <= end


@law
@given(year_steps())
def test_the_two_levels_and_the_year_in_the_middle_keep_apart(steps: list[WheelStep]) -> None:
    dial = arranged(steps, YEAR)
    radii = {level: [dial.radius(f) for f in dial.steps if f.step.level is level] for level in Level}
    if radii[Level.UNIT] and radii[Level.EMPLOYER]:
        assert min(radii[Level.UNIT]) > max(radii[Level.EMPLOYER]) + 22
    assert all(radius > dial.core >= CORE for level in Level for radius in radii[level])


def test_a_short_step_has_its_key_beside_it_also_on_the_last_day_of_the_year() -> None:
    first, last = (arranged([step("Y01", day, day)], YEAR).steps[0] for day in (NEW_YEAR, date(YEAR, 12, 31)))
    assert first.key_angle > first.stretch.end
    assert last.key_angle < last.stretch.start


def test_the_wheel_grows_when_more_steps_run_at_once_than_fit() -> None:
    many = [step(f"Y{n}", date(YEAR, 3, 1), date(YEAR, 4, 1)) for n in range(40)]
    assert arranged(many[:3], YEAR).rim == RIM
    assert arranged(many, YEAR).rim > RIM
    assert_apart(arranged(many, YEAR))


def test_a_step_of_another_year_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Y09 runs 2028-01-04 to 2028-02-01, outside 2027"):
        arranged([step("Y09", date(2028, 1, 4), date(2028, 2, 1))], YEAR)


def test_a_step_that_is_due_before_it_opens_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Y09 is due 2027-02-01, before it opens 2027-02-02"):
        arranged([step("Y09", date(YEAR, 2, 2), date(YEAR, 2, 1))], YEAR)


@law
@given(year_bands())
def test_the_names_of_closed_stretches_never_overlap(bands: list[Band]) -> None:
    names = band_names(bands, YEAR, RIM)
    assert len({name for name, _ in names}) == len(names)
    for (_, one), (_, other) in combinations(names, 2):
        assert one.lane != other.lane or not one.taken.overlaps(other.taken)
    for _, (_, taken) in names:
        assert 0 <= taken.start < taken.end <= 360


def test_a_stretch_and_its_neighbour_touch_without_overlapping() -> None:
    assert not Span(10, 20).overlaps(Span(20, 30))
    assert Span(10, 21).overlaps(Span(20, 30))
