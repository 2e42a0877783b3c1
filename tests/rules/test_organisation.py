"""The employer: how many people, which duties, and who leads what when."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.rules.employers import MEDIUM, SINCE, law, manager_changed
from tests.rules.parts import DAY, away, names, of, role, work, workers
from workflows.rules.organisation import Absence, Assignment, Profile, Role, Unit

LAW = law()
TOP = role(Role.TOP_MANAGER, "top")


# --- time ------------------------------------------------------------------------------------------


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


# --- counts ----------------------------------------------------------------------------------------


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


# --- units -----------------------------------------------------------------------------------------


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


M1 = role(Role.MANAGER, "m1", unit="u1")


# --- leaders ---------------------------------------------------------------------------------------


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
