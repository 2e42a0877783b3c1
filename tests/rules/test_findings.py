"""What is found wrong with an organisation."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from tests.rules.employers import LARGE, MEDIUM, SINCE, law
from tests.rules.made_up_organisations import organisations
from tests.rules.parts import DAY, away, of, role, work, workers
from workflows.rules.findings import examine
from workflows.rules.organisation import EMPLOYEE_SIDE, Organisation, Role, Unit

LAW = law()
TOP = role(Role.TOP_MANAGER, "top")


# --- succession (E5, E7) ---------------------------------------------------------------------------


VO1, VO2 = role(Role.SAFETY_REP, "vo1", area="a-u1"), role(Role.SAFETY_REP, "vo2", area="a-u2")

M1 = role(Role.MANAGER, "m1", unit="u1")


# --- findings --------------------------------------------------------------------------------------


def found(some: Organisation, code: str, day: date = DAY) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(f.severity, f.place, f.detail) for f in examine(some, LAW, day) if f.code == code]


def test_a_sound_employer_has_no_findings() -> None:
    assert examine(LARGE, LAW, DAY) == ()
    assert examine(MEDIUM, LAW, DAY) == ()


def test_units_that_are_above_each_other_are_an_error() -> None:
    units = [Unit(id=a, name=a, parent=b, since=SINCE) for a, b in (("x", "y"), ("y", "z"), ("z", "x"))]
    assert found(of(units=units), "unit_loop") == [("error", "x", ("x", "y", "z", "x"))]


def test_a_unit_above_itself_is_a_loop() -> None:
    assert found(of(units=[Unit(id="x", name="x", parent="x", since=SINCE)]), "unit_loop") == [
        ("error", "x", ("x", "x"))
    ]


def test_two_units_that_change_places_are_no_loop() -> None:
    units = [
        Unit(id="a", name="a", since=DAY), Unit(id="a", name="a", parent="b", since=SINCE, until=DAY),
        Unit(id="b", name="b", since=SINCE, until=DAY), Unit(id="b", name="b", parent="a", since=DAY),
    ]  # fmt: skip
    for order in (units, units[::-1]):
        assert found(of(units=order), "unit_loop") == []


def test_a_loop_that_stands_only_for_a_while_is_found() -> None:
    units = [
        Unit(id="a", name="a", parent="b", since=SINCE, until=DAY), Unit(id="a", name="a", since=DAY),
        Unit(id="b", name="b", parent="a", since=date(2027, 3, 1)),
    ]  # fmt: skip
    for order in (units, units[::-1]):
        assert len(found(of(units=order), "unit_loop")) == 1


@pytest.mark.parametrize(
    ("parts", "code", "place", "detail"),
    [
        ({"units": [Unit(id="x", name="x", parent="gone", since=SINCE)]}, "unknown_unit", "x", ("gone",)),
        ({"employments": [work("p", unit="gone")]}, "unknown_unit", "p", ("gone",)),
        ({"assignments": [role(Role.MANAGER, "p", unit="gone")]}, "unknown_unit", "p", ("gone",)),
        ({"units": [Unit(id="x", name="x", area="gone", since=SINCE)]}, "unknown_area", "x", ("gone",)),
        ({"assignments": [role(Role.SAFETY_REP, "p", area="gone")]}, "unknown_area", "p", ("gone",)),
        ({}, "no_top_manager", "fjell", ()),
        ({"assignments": [role(Role.TOP_MANAGER, "p", until=DAY)]}, "no_top_manager", "fjell", ()),
        ({"absences": [away("a", "b"), away("b", "a")]}, "substitute_loop", "a", ("a", "b", "a")),
        ({"absences": [away("a", "a")]}, "substitute_loop", "a", ("a", "a")),
    ],
)
def test_what_is_impossible_is_an_error(
    parts: dict[str, Any], code: str, place: str, detail: tuple[str, ...]
) -> None:
    assert ("error", place, detail) in found(of(**parts), code)


def test_a_unit_that_stands_twice_at_once_is_an_error_told_once() -> None:
    unit = Unit(id="x", name="x", since=SINCE)
    for twice in ([unit, unit], [unit, unit.model_copy(update={"name": "y"})]):
        assert found(of(units=twice), "duplicate_unit") == [("error", "x", ())]


def test_a_unit_that_moves_is_no_duplicate() -> None:
    moved = [Unit(id="x", name="x", since=SINCE, until=DAY), Unit(id="x", name="y", since=DAY)]
    assert found(of(units=moved), "duplicate_unit") == []


def test_absences_that_do_not_meet_are_no_substitute_loop() -> None:
    spring = {"since": date(2027, 1, 1), "until": date(2027, 3, 1)}
    autumn = {"since": date(2027, 9, 1), "until": date(2027, 11, 1)}
    some = of(absences=[away("a", "b", **spring), away("b", "a", **autumn)])
    days = (date(2027, 1, 1), DAY, date(2027, 10, 1), date(2028, 1, 1))
    assert [found(some, "substitute_loop", d) for d in days] == [[], [], [], []]


def test_absences_that_will_meet_are_a_substitute_loop_beforehand() -> None:
    some = of(
        absences=[
            away("a", "b", since=date(2027, 9, 1), until=date(2027, 12, 1)),
            away("b", "a", since=date(2027, 10, 1), until=date(2027, 11, 1)),
        ]
    )
    assert [place for _, place, _ in found(some, "substitute_loop")] == ["b"]


def test_a_missing_safety_representative_is_told_and_stops_nothing() -> None:
    lacking = of(employments=workers(6), assignments=[TOP, M1])
    assert found(lacking, "no_safety_rep") == [("warning", "u1", ("a-u1",))]
    assert all(f.severity == "warning" for f in examine(lacking, LAW, DAY))


def test_under_five_nobody_misses_a_safety_representative() -> None:
    assert found(of(employments=workers(4), assignments=[TOP, M1]), "no_safety_rep") == []


@pytest.mark.parametrize(
    ("some", "code", "place"),
    [
        (of(employments=workers(6), assignments=[TOP]), "no_manager", "u1"),
        (of(employments=workers(6, unit="root"), assignments=[TOP]), "area_missing", "root"),
        (of(employments=workers(6), assignments=[TOP, M1, VO1, VO2]), "no_senior_safety_rep", "fjell"),
        (of(employments=workers(30), assignments=[TOP, M1, VO1]), "no_wec_chair", "fjell"),
    ],
    ids=["no manager", "no safety area", "two safety representatives, no senior one", "no committee chair"],
)
def test_what_is_missing_is_a_warning(some: Organisation, code: str, place: str) -> None:
    assert [(s, p) for s, p, _ in found(some, code)] == [("warning", place)]


def test_one_elected_for_the_whole_employer_covers_every_unit() -> None:
    some = of(
        employments=[*workers(6), work("x", unit="root")],
        assignments=[TOP, M1, role(Role.SAFETY_REP, "vo")],
    )
    assert found(some, "no_safety_rep") == found(some, "area_missing") == []


@pytest.mark.parametrize("elected", sorted(EMPLOYEE_SIDE))
@pytest.mark.parametrize("employers", [Role.TOP_MANAGER, Role.MANAGER, Role.HR, Role.BOARD])
def test_nobody_is_on_both_sides_at_once(elected: Role, employers: Role) -> None:
    both = of(assignments=[role(elected, "p"), role(employers, "p")])
    assert found(both, "conflicting_roles") == [("error", "p", (elected.value, employers.value))]


def test_a_safety_representative_may_become_manager_the_day_the_election_ends() -> None:
    one_after_the_other = of(
        assignments=[
            TOP, role(Role.SAFETY_REP, "p", area="a-u1", until=DAY), role(Role.MANAGER, "p", unit="u1", since=DAY)
        ]
    )  # fmt: skip
    overlapping = of(
        assignments=[
            TOP, role(Role.SAFETY_REP, "p", area="a-u1", until=DAY + timedelta(days=1)),
            role(Role.MANAGER, "p", unit="u1", since=DAY),
        ]
    )  # fmt: skip
    assert found(one_after_the_other, "conflicting_roles") == []
    assert len(found(overlapping, "conflicting_roles")) == 1


@settings(max_examples=100, deadline=None)
@given(some=organisations)
def test_findings_can_be_told_of_any_organisation(some: Organisation) -> None:
    assert {f.severity for f in examine(some, LAW, DAY)} <= {"error", "warning"}
