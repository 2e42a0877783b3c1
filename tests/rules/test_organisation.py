"""The employer: how many people, which duties, who holds a role when, and what is wrong with it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.rules.employers import LARGE, MEDIUM, SINCE, law, manager_changed, year_plan
from tests.rules.parts import DAY, away, names, of, role, work, workers
from workflows.rules.findings import examine
from workflows.rules.gate import responsible
from workflows.rules.organisation import (
    EMPLOYEE_SIDE,
    Absence,
    Assignment,
    Organisation,
    Profile,
    Role,
    Unit,
)

LAW = law()
TOP = role(Role.TOP_MANAGER, "top")

# --- time -----------------------------------------------------------------------------------------


def test_a_slice_holds_from_its_first_day_up_to_but_not_on_the_day_it_ends() -> None:
    some = work("p", date(2027, 3, 1), date(2027, 6, 1))
    held = [
        some.holds_on(d) for d in (date(2027, 2, 28), date(2027, 3, 1), date(2027, 5, 31), date(2027, 6, 1))
    ]
    assert held == [False, True, True, False]


def test_on_the_day_of_a_handover_only_the_new_one_holds_the_role() -> None:
    changed = manager_changed(MEDIUM, "u1", DAY, "p9")
    assert names(changed.holders(Role.MANAGER, "u1", DAY - timedelta(days=1))) == ["p3"]
    assert names(changed.holders(Role.MANAGER, "u1", DAY)) == ["p9"]


@pytest.mark.parametrize("id", ["Kari", "kari nordmann", "", "-a", "kåre", "a" * 64])
def test_people_are_opaque_ids(id: str) -> None:
    with pytest.raises(ValidationError):
        work(id)


def test_days_of_change_are_those_of_roles_absences_and_units_not_of_hirings() -> None:
    some = of(
        employments=[work("p", date(2027, 2, 1))],
        assignments=[role(Role.HR, "p", since=date(2027, 3, 1), until=date(2027, 4, 1))],
        absences=[away("p", since=date(2027, 3, 1), until=date(2027, 3, 9))],
    )
    assert some.change_days() == (SINCE, date(2027, 3, 1), date(2027, 3, 9), date(2027, 4, 1))


# --- counts ---------------------------------------------------------------------------------------


def test_everyone_counts_for_the_safety_representative() -> None:
    some = of(
        employments=[
            work("full"), work("part", hours_per_week=Decimal(5)), work("hired", kind="hired_in"),
            work("temp", date(2027, 5, 1), date(2027, 6, 1)),
        ]
    )  # fmt: skip
    assert (some.headcount(DAY), some.headcount(date(2027, 6, 1))) == (4, 3)


def test_a_person_in_two_units_is_one_person() -> None:
    assert of(employments=[work("p"), work("p", unit="u2")]).headcount(DAY) == 1


def test_for_the_committee_only_the_employer_s_own_with_twenty_hours_or_more_count() -> None:
    some = of(
        employments=[
            work("full"), work("twenty", hours_per_week=Decimal(20)), work("nearly", hours_per_week=Decimal("19.9")),
            work("hired", kind="hired_in"),
        ]
    )  # fmt: skip
    assert some.year_average_20h(2026) == 2


def test_two_half_posts_in_two_units_make_one_person_with_full_time() -> None:
    half = Decimal("18.75")
    some = of(employments=[work("p", hours_per_week=half), work("p", unit="u2", hours_per_week=half)])
    assert some.year_average_20h(2026) == 1


def test_the_average_is_an_exact_fraction_over_the_twelve_months() -> None:
    some = of(employments=[work("p", date(2026, 3, 1), date(2026, 10, 1)), work("q", date(2026, 12, 1))])
    assert some.year_average_20h(2026) == Fraction(8, 12)


@pytest.mark.parametrize(
    ("people", "expected"), [(4, Profile.SMALL), (5, Profile.MEDIUM), (29, Profile.MEDIUM)]
)
def test_from_five_people_there_is_a_safety_representative(people: int, expected: Profile) -> None:
    assert of(employments=workers(people)).duties(LAW, DAY).profile is expected


@pytest.mark.parametrize(("months", "wec"), [(12, True), (11, False)])
def test_the_committee_is_required_at_an_average_of_exactly_thirty_and_not_just_below(
    months: int, wec: bool
) -> None:
    some = of(employments=[*workers(29), work("x", date(2026, 13 - months, 1))])
    duties = some.duties(LAW, DAY)
    assert duties.year_average_20h == 29 + Fraction(months, 12)
    assert (duties.wec, duties.wec_by) == (wec, "size" if wec else None)


@pytest.mark.parametrize(
    ("people", "section_8_1", "ldl_26"), [(49, False, False), (50, True, False), (51, True, True)]
)
def test_fifty_is_enough_for_chapter_8_but_the_equality_act_says_more_than_fifty(
    people: int, section_8_1: bool, ldl_26: bool
) -> None:
    duties = of(employments=workers(people)).duties(LAW, DAY)
    assert (duties.section_8_1, duties.ldl_26) == (section_8_1, ldl_26)


@pytest.mark.parametrize(
    ("people", "demanded", "by"),
    [
        (9, date(2027, 1, 10), None), (10, date(2027, 1, 10), "demand"), (29, DAY, "demand"),
        (29, DAY + timedelta(days=1), None), (29, None, None), (30, date(2027, 1, 10), "size"), (30, None, "size"),
    ],
)  # fmt: skip
def test_from_ten_to_thirty_a_party_may_demand_the_committee(
    people: int, demanded: date | None, by: str | None
) -> None:
    assert of(employments=workers(people), wec_demanded=demanded).duties(LAW, DAY).wec_by == by


@pytest.mark.parametrize(("people", "owed"), [(19, False), (20, True)])
def test_from_twenty_a_party_may_demand_the_equality_statement(people: int, owed: bool) -> None:
    assert of(employments=workers(people), ldl_26_demanded=DAY).duties(LAW, DAY).ldl_26 is owed


def test_a_public_employer_owes_the_equality_statement_at_any_size() -> None:
    assert of(employments=workers(1), sector="public").duties(LAW, DAY).ldl_26


def test_a_duty_that_was_reached_lasts_the_year_and_falls_away_at_new_year() -> None:
    some = of(employments=[*workers(4), work("fifth", date(2027, 2, 1), date(2027, 2, 15))])
    profiles = [
        some.duties(LAW, d).profile.value
        for d in (date(2027, 1, 31), date(2027, 2, 1), date(2027, 12, 31), date(2028, 1, 1))
    ]
    assert profiles == ["small", "medium", "medium", "small"]


def test_someone_who_leaves_as_another_begins_does_not_count_twice() -> None:
    some = of(employments=[*workers(3), work("old", until=DAY), work("new", DAY)])
    assert some.most_in_year(DAY) == 4


def test_the_committee_s_duty_is_frozen_for_the_year_whatever_happens_in_it() -> None:
    some = of(employments=[*workers(10), *[work(f"x{n}", date(2027, 1, 1)) for n in range(40)]])
    assert not some.duties(LAW, date(2027, 12, 31)).wec
    assert some.duties(LAW, date(2028, 1, 1)).wec


@pytest.mark.parametrize(
    ("day", "people", "safety_rep", "wec"),
    [
        (date(2023, 12, 31), 9, False, False), (date(2023, 12, 31), 10, True, False),
        (date(2023, 12, 31), 49, True, False), (date(2023, 12, 31), 50, True, True),
        (date(2024, 1, 1), 9, True, False), (date(2024, 1, 1), 30, True, True),
    ],
)  # fmt: skip
def test_before_2024_the_old_thresholds_apply(day: date, people: int, safety_rep: bool, wec: bool) -> None:
    duties = of(employments=workers(people)).duties(LAW, day)
    assert (duties.safety_rep, duties.wec) == (safety_rep, wec)


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 700), st.integers(1, 400)), max_size=12), on=st.integers(0, 364)
)
def test_the_most_of_a_year_is_the_largest_count_of_its_days_so_far(
    spans: list[tuple[int, int]], on: int
) -> None:
    start = date(2026, 1, 1)
    some = of(
        employments=[
            work(f"w{n}", start + timedelta(days=since), start + timedelta(days=since + length))
            for n, (since, length) in enumerate(spans)
        ]
    )
    day = date(2027, 1, 1) + timedelta(days=on)
    by_hand = max(some.headcount(date(2027, 1, 1) + timedelta(days=d)) for d in range(on + 1))
    assert some.most_in_year(day) == by_hand


# --- units ----------------------------------------------------------------------------------------


def test_a_unit_with_nobody_in_it_runs_no_year() -> None:
    some = of(employments=[work("p", unit="u2"), work("q", until=date(2027, 1, 1), unit="u3")])
    assert some.cycle_units(date(2027, 1, 1), date(2027, 12, 31)) == ("u2",)


def test_a_unit_closed_on_new_year_s_day_runs_no_year_and_one_that_opens_on_its_last_day_does() -> None:
    some = of(
        units=[
            Unit(id="old", name="old", since=SINCE, until=date(2027, 1, 1)),
            Unit(id="new", name="new", since=date(2027, 12, 31)),
        ],
        employments=[work("p", unit="old"), work("q", unit="new")],
    )
    assert some.cycle_units(date(2027, 1, 1), date(2027, 12, 31)) == ("new",)


def test_somebody_must_work_in_the_unit_while_it_is_there() -> None:
    some = of(
        units=[Unit(id="u1", name="u1", since=SINCE, until=date(2027, 3, 1))],
        employments=[work("p", date(2027, 4, 1))],
    )
    assert some.cycle_units(date(2027, 1, 1), date(2027, 12, 31)) == ()


def test_the_units_above_come_nearest_first_and_as_they_were_that_day() -> None:
    some = of(
        units=[
            Unit(id="root", name="root", since=SINCE),
            Unit(id="west", name="west", parent="root", since=SINCE),
            Unit(id="u1", name="u1", parent="root", since=SINCE, until=DAY),
            Unit(id="u1", name="u1", parent="west", since=DAY),
        ]
    )
    assert some.above("u1", DAY - timedelta(days=1)) == ("root",)
    assert some.above("u1", DAY) == ("west", "root")
    assert some.unit("u1").parent == "west"
    with pytest.raises(KeyError):
        some.unit("u9")


# --- succession (E5, E7) --------------------------------------------------------------------------


def test_when_a_manager_leaves_the_manager_above_answers_and_at_last_the_top_manager() -> None:
    boss = role(Role.MANAGER, "boss", unit="root", until=date(2027, 9, 1))
    some = of(assignments=[TOP, boss, role(Role.MANAGER, "m1", unit="u1", until=DAY)])
    answers = [
        names(some.holders(Role.MANAGER, "u1", d)) for d in (DAY - timedelta(days=1), DAY, date(2027, 9, 1))
    ]
    assert answers == [["m1"], ["boss"], ["top"]]


def test_the_manager_of_the_employer_is_the_top_manager() -> None:
    assert names(of(assignments=[TOP]).holders(Role.MANAGER, None, DAY)) == ["top"]


def test_a_union_representative_is_looked_for_in_the_unit_above_it_and_for_the_employer() -> None:
    everywhere = role(Role.UNION_REP, "all")
    above, here = role(Role.UNION_REP, "above", unit="root"), role(Role.UNION_REP, "here", unit="u1")
    for known, found in [
        ((everywhere,), "all"),
        ((everywhere, above), "above"),
        ((everywhere, above, here), "here"),
    ]:
        assert names(of(assignments=known).holders(Role.UNION_REP, "u1", DAY)) == [found]
    assert of(assignments=[here]).holders(Role.UNION_REP, "u2", DAY) == ()


def test_a_role_that_nobody_holds_is_vacant() -> None:
    assert of(assignments=[TOP]).holders(Role.SAFETY_REP, "u1", DAY) == ()
    assert of(assignments=[TOP]).holders(Role.OHS, "u1", DAY) == ()


VO1, VO2 = role(Role.SAFETY_REP, "vo1", area="a-u1"), role(Role.SAFETY_REP, "vo2", area="a-u2")
DEPUTY1 = role(Role.DEPUTY_SAFETY_REP, "deputy1", area="a-u1")
SENIOR = role(Role.SENIOR_SAFETY_REP, "vo2")


@pytest.mark.parametrize(
    ("elected", "unit", "answers"),
    [
        ((VO1, VO2, SENIOR, DEPUTY1), "u1", "vo1"),
        ((VO2, SENIOR, DEPUTY1), "u1", "deputy1"),
        ((VO1, VO2, SENIOR), "u3", "vo2"),
        ((VO2, SENIOR), "u1", "vo2"),
        ((VO1,), "u1", "vo1"),
        ((VO1,), "u3", "vo1"),
        ((VO1,), None, "vo1"),
        ((role(Role.SAFETY_REP, "vo", unit="u1"),), "u1", "vo"),
        ((role(Role.SAFETY_REP, "all"), role(Role.SAFETY_REP, "vo1", area="a-u1")), "u1", "vo1"),
        ((role(Role.SAFETY_REP, "all"), role(Role.SAFETY_REP, "vo1", area="a-u1")), "u2", "all"),
    ],
    ids=[
        "the unit's own", "no own: its deputy", "no own, no deputy: the senior one", "vacant: the senior one",
        "the only one, own unit", "the only one is the senior one, so answers elsewhere too",
        "the only one, for the employer", "elected for the unit", "the nearest comes first",
        "elected for the whole employer",
    ],
)  # fmt: skip
def test_the_safety_representative_of_a_unit(
    elected: tuple[Assignment, ...], unit: str | None, answers: str
) -> None:
    assert names(of(assignments=elected).holders(Role.SAFETY_REP, unit, DAY)) == [answers]


def test_a_safety_area_may_span_units() -> None:
    units = [Unit(id=u, name=u, area="a-u1", since=SINCE) for u in ("u1", "u2")]
    assert names(of(units=units, assignments=[VO1, VO2, SENIOR]).holders(Role.SAFETY_REP, "u2", DAY)) == [
        "vo1"
    ]


def test_the_only_safety_representative_is_also_the_senior_one() -> None:
    assert names(of(assignments=[VO1]).holders(Role.SENIOR_SAFETY_REP, None, DAY)) == ["vo1"]
    assert of(assignments=[VO1, VO2]).holders(Role.SENIOR_SAFETY_REP, None, DAY) == ()


def test_with_two_representatives_and_no_senior_one_nobody_is_presumed_for_a_third_unit() -> None:
    assert of(assignments=[VO1, VO2]).holders(Role.SAFETY_REP, "u3", DAY) == ()


def test_employees_are_those_who_work_there_that_day() -> None:
    some = of(employments=[work("p"), work("q", unit="u2"), work("r", DAY), work("s", until=DAY)])
    assert names(some.holders(Role.EMPLOYEES, "u1", DAY)) == ["p", "r"]
    assert names(some.holders(Role.EMPLOYEES, None, DAY)) == ["p", "q", "r"]


M1 = role(Role.MANAGER, "m1", unit="u1")

# --- leaders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assignments", "absences", "leaders"),
    [
        ((TOP, M1, role(Role.MANAGER, "boss", unit="root")), (), ["boss"]),
        ((TOP, M1), (), ["top"]),
        ((TOP, M1, role(Role.MANAGER, "m1", unit="root")), (), ["top"]),
        ((TOP, role(Role.MANAGER, "boss", unit="root")), (), ["top"]),
        ((TOP, M1, role(Role.MANAGER, "boss", unit="root")), (away("boss", "m1"),), ["top"]),
        ((TOP, M1, role(Role.MANAGER, "boss", unit="root")), (away("boss", "s"),), ["s"]),
    ],
    ids=[
        "the manager above", "nobody above: the top manager", "the same person above", "the one above owns it",
        "the owner is the leader's substitute", "the leader's substitute",
    ],
)  # fmt: skip
def test_the_leader_of_a_unit_s_manager(
    assignments: tuple[Assignment, ...], absences: tuple[Absence, ...], leaders: list[str]
) -> None:
    some = of(assignments=assignments, absences=absences)
    assert names(some.leader_of(Role.MANAGER, "u1", DAY)) == leaders


def test_the_leader_of_hr_is_the_top_manager() -> None:
    assert names(MEDIUM.leader_of(Role.HR, None, DAY)) == ["p1"]


# --- findings -------------------------------------------------------------------------------------


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


# --- laws -----------------------------------------------------------------------------------------

PEOPLE = ("a", "b", "c", "d", "e")
persons = st.sampled_from(PEOPLE)
slices = st.tuples(st.integers(0, 30), st.none() | st.integers(1, 30)).map(
    lambda s: {
        "since": DAY + timedelta(days=s[0] - 15),
        "until": None if s[1] is None else DAY + timedelta(days=s[0] - 15 + s[1]),
    }
)
assignments = st.builds(
    lambda role, person, unit, area, time: Assignment(role=role, person=person, unit=unit, area=area, **time),
    st.sampled_from(Role), persons, st.sampled_from([None, "root", "u1", "u2"]),
    st.sampled_from([None, "a-u1", "a-u2"]), slices,
)  # fmt: skip
absences = st.builds(
    lambda person, substitute, time: Absence(person=person, substitute=substitute, **time),
    persons, st.none() | persons, slices,
)  # fmt: skip
organisations = st.builds(
    lambda a, b, e: of(assignments=a, absences=b, employments=[work(p) for p in e]),
    st.lists(assignments, max_size=8), st.lists(absences, max_size=6), st.lists(persons, max_size=4),
)  # fmt: skip
places = st.sampled_from([None, "root", "u1", "u2"])


@settings(max_examples=100, deadline=None)
@given(some=organisations, held=st.sampled_from(Role), unit=places)
def test_nobody_is_asked_twice(some: Organisation, held: Role, unit: str | None) -> None:
    people = names(some.holders(held, unit, DAY))
    assert len(set(people)) == len(people)


@settings(max_examples=100, deadline=None)
@given(some=organisations, held=st.sampled_from(sorted(EMPLOYEE_SIDE)), unit=places)
def test_nobody_acts_in_an_elected_role_without_being_elected(
    some: Organisation, held: Role, unit: str | None
) -> None:
    elected = {a.person for a in some.assignments if a.role in EMPLOYEE_SIDE and a.holds_on(DAY)}
    assert set(names(some.holders(held, unit, DAY))) <= elected


STEP = year_plan(MEDIUM, 2027).steps[-1]


@settings(max_examples=100, deadline=None)
@given(some=organisations, owner=st.sampled_from(Role), what=st.sampled_from(["evidence", "approve"]))
def test_what_the_employer_owes_always_has_somebody_while_there_is_a_top_manager(
    some: Organisation, owner: Role, what: Any
) -> None:
    with_top = some.model_copy(update={"assignments": (*some.assignments, TOP)})
    assert responsible(STEP, with_top, what, owner, DAY)


@settings(max_examples=100, deadline=None)
@given(some=organisations)
def test_findings_can_be_told_of_any_organisation(some: Organisation) -> None:
    assert {f.severity for f in examine(some, LAW, DAY)} <= {"error", "warning"}
