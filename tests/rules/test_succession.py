"""Who acts in a role when its holder is not there, or nobody has it (E5, E7)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.employers import MEDIUM, SINCE, year_plan
from tests.rules.made_up_organisations import organisations, places
from tests.rules.parts import DAY, names, of, role, work
from workflows.rules.gate import responsible
from workflows.rules.organisation import EMPLOYEE_SIDE, Assignment, Organisation, Role, Unit

TOP = role(Role.TOP_MANAGER, "top")


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


# --- laws ------------------------------------------------------------------------------------------


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
