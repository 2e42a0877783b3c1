"""What holds whoever is away and whoever acts for them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.made_up_organisations import organisations, places
from tests.rules.parts import DAY, away, names, of, role
from workflows.rules.organisation import (
    EMPLOYEE_SIDE,
    EMPLOYER_SIDE,
    Holder,
    Organisation,
    Role,
    SafetyArea,
    Unit,
)
from workflows.rules.succession import LONGEST_CHAIN

asked = st.tuples(st.sampled_from(Role), places, st.sampled_from([None, "Y15"]))


def present(some: Organisation, person: str) -> bool:
    return not any(a.person == person and a.holds_on(DAY) for a in some.absences)


def links(some: Organisation, person: str, held: Role, unit: str | None, step: str | None) -> set[str]:
    """To whom the person's tasks in the role go on, one link on."""
    elected = {
        a.person for a in some.assignments if a.role in EMPLOYEE_SIDE and some.stands(a, DAY)
    } if held in EMPLOYER_SIDE else set()  # fmt: skip
    to = {a.substitute for a in some.absences if a.person == person and a.holds_on(DAY) and a.substitute}
    for d in some.delegations:
        whole = d.person == person and d.holds_on(DAY) and held is not Role.EMPLOYEES
        units = {None, unit, *(some.above(unit, DAY) if unit else ())}
        if whole and d.role in (None, held) and d.step in (None, step) and d.unit in units:
            to.add(d.to)
    return {p for p in to if not some.has_left(p, DAY)} - elected


@settings(max_examples=150, deadline=None)
@given(some=organisations, task=asked)
def test_nobody_who_is_away_is_asked_while_somebody_in_their_chain_is_there(
    some: Organisation, task: tuple[Role, str | None, str | None]
) -> None:
    held, unit, step = task
    if held in EMPLOYEE_SIDE:
        return
    for holder in some.holders(held, unit, DAY, step):
        if not present(some, holder.person):
            assert holder.acting_for is None
            near = {holder.person}
            for _ in range(LONGEST_CHAIN):
                near |= {to for p in near for to in links(some, p, held, unit, step)}
            assert not any(present(some, p) for p in near)


@settings(max_examples=150, deadline=None)
@given(some=organisations, task=asked)
def test_no_task_is_lost_on_the_way(some: Organisation, task: tuple[Role, str | None, str | None]) -> None:
    """Whoever would be asked if all were at their desks is asked, or somebody acts for them."""
    desks = some.model_copy(update={"absences": (), "delegations": ()})
    owners = {h.person for h in desks.entitled(*task[:2], DAY, task[2])}
    holders = some.entitled(*task[:2], DAY, task[2])
    assert {h.acting_for or h.person for h in holders} == owners
    assert all(h.acting_for != h.person for h in holders)
    assert len({h.person for h in some.holders(*task[:2], DAY, task[2])}) == len(
        some.holders(*task[:2], DAY, task[2])
    )


@settings(max_examples=150, deadline=None)
@given(some=organisations, task=asked)
def test_nobody_who_has_left_acts(some: Organisation, task: tuple[Role, str | None, str | None]) -> None:
    for holder in some.entitled(*task[:2], DAY, task[2]):
        assert not some.has_left(holder.person, DAY)


@settings(max_examples=200, deadline=None)
@given(some=organisations, held=st.sampled_from(sorted(EMPLOYEE_SIDE)), unit=places)
def test_nobody_acts_in_an_elected_role_without_being_elected(
    some: Organisation, held: Role, unit: Any
) -> None:
    elected = {a.person for a in some.assignments if a.role in EMPLOYEE_SIDE and a.holds_on(DAY)}
    assert set(names(some.holders(held, unit, DAY))) <= elected


def test_a_crowd_of_substitutes_for_each_other_is_gone_through_once() -> None:
    """Sixty people who all are away and all stand in for each other: the way through them ends."""
    crowd = [f"x{n}" for n in range(60)]
    some = of(
        units=[Unit(id="u1", name="u1", since=DAY)], areas=[SafetyArea(id="a", name="a")],
        assignments=[role(Role.UNION_REP, "x0")],
        absences=[away(p, q) for p in crowd for q in crowd],
    )  # fmt: skip
    assert some.holders(Role.UNION_REP, None, DAY) == (Holder(person="x0"),)
