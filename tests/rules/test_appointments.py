"""Who is told that they have become responsible, once a year and role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.employers import LARGE, MEDIUM, SMALL, employer, manager_changed, year_plan
from tests.rules.parts import away, handed, role
from workflows.rules.appointments import newly_responsible
from workflows.rules.events import Appointed
from workflows.rules.gate import responsible
from workflows.rules.organisation import Holder, Organisation, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.terms import CycleRef, What

DAY = date(2027, 5, 3)
YEAR, U1 = CycleRef(employer="fjell", year=2027), CycleRef(employer="fjell", year=2027, unit="u1")


def steps(some: Organisation, cycle: CycleRef = U1) -> tuple[PlannedStep, ...]:
    return tuple(year_plan(some, 2027).of(cycle))


def told(appointed: tuple[Appointed, ...]) -> dict[Role, frozenset[str]]:
    return {a.role: frozenset(h.person for h in a.people) for a in appointed}


def both(*known: Mapping[Role, frozenset[str]]) -> dict[Role, frozenset[str]]:
    roles = {role for one in known for role in one}
    return {role: frozenset().union(*(one.get(role, frozenset()) for one in known)) for role in roles}


def test_at_the_start_of_a_unit_s_year_everyone_with_a_part_in_it_is_told_which() -> None:
    assert told(newly_responsible(steps(MEDIUM), MEDIUM, DAY, {})) == {
        Role.MANAGER: {"p3"}, Role.SAFETY_REP: {"p4"},
    }  # fmt: skip


def test_nobody_is_told_twice() -> None:
    first = told(newly_responsible(steps(MEDIUM), MEDIUM, DAY, {}))
    assert newly_responsible(steps(MEDIUM), MEDIUM, DAY, first) == ()


def test_a_new_manager_is_told_and_the_others_are_not_told_again() -> None:
    first = told(newly_responsible(steps(MEDIUM), MEDIUM, DAY, {}))
    changed = manager_changed(MEDIUM, "u1", DAY, "p9")
    assert newly_responsible(steps(changed), changed, DAY - timedelta(days=1), first) == ()
    assert newly_responsible(steps(changed), changed, DAY, first) == (
        Appointed(role=Role.MANAGER, people=(Holder(person="p9"),)),
    )


def test_whoever_gets_a_second_role_is_told_of_that_one() -> None:
    changed = manager_changed(MEDIUM, "u1", DAY, "p2")
    first = told(newly_responsible(steps(MEDIUM), MEDIUM, DAY, {}))
    assert told(newly_responsible(steps(changed), changed, DAY, first)) == {Role.MANAGER: {"p2"}}


def test_a_substitute_and_a_delegate_are_told_in_whose_place() -> None:
    first = told(newly_responsible(steps(MEDIUM), MEDIUM, DAY, {}))
    substitute = MEDIUM.model_copy(update={"absences": (away("p3", "p9", since=DAY),)})
    delegate = MEDIUM.model_copy(update={"delegations": (handed("p3", "p9", since=DAY),)})
    for some in (substitute, delegate):
        assert newly_responsible(steps(MEDIUM), some, DAY, first) == (
            Appointed(role=Role.MANAGER, people=(Holder(person="p9", acting_for="p3"),)),
        )


def test_a_delegate_of_one_step_is_told_though_the_manager_keeps_the_others() -> None:
    own = next(s for s in steps(MEDIUM) if s.owner is Role.MANAGER)
    some = MEDIUM.model_copy(update={"delegations": (handed("p3", "p9", step=own.step),)})
    assert told(newly_responsible(steps(MEDIUM), some, DAY, {}))[Role.MANAGER] == {"p3", "p9"}
    elsewhere = MEDIUM.model_copy(update={"delegations": (handed("p3", "p9", step="Z99"),)})
    assert told(newly_responsible(steps(MEDIUM), elsewhere, DAY, {}))[Role.MANAGER] == {"p3"}


def test_what_nobody_holds_falls_to_the_top_manager_who_is_told() -> None:
    without_hr = employer(17, assignments=[a for a in MEDIUM.assignments if a.role is not Role.HR])
    planned = steps(MEDIUM, YEAR)
    assert told(newly_responsible(planned, MEDIUM, DAY, {}))[Role.HR] == {"p2"}
    assert told(newly_responsible(planned, without_hr, DAY, {}))[Role.HR] == {"p1"}


def test_employees_are_not_appointed() -> None:
    for some in (SMALL, MEDIUM, LARGE):
        for cycle in (YEAR, U1):
            assert Role.EMPLOYEES not in told(newly_responsible(steps(some, cycle), some, DAY, {}))


def test_where_there_are_no_steps_nobody_is_appointed() -> None:
    assert newly_responsible((), MEDIUM, DAY, {}) == ()


people = st.sampled_from([f"p{n}" for n in range(1, 10)])
roles = st.none() | st.sampled_from(Role)
changes = st.lists(
    st.one_of(
        st.builds(lambda p, s: {"absences": (away(p, s),)}, people, st.none() | people),
        st.builds(lambda p, to, r: {"delegations": (handed(p, to, role=r),)}, people, people, roles),
        st.builds(lambda p: {"assignments": (*MEDIUM.assignments, role(Role.MANAGER, p, unit="u1"))}, people),
    ),
    max_size=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(history=changes)
def test_whatever_changes_everybody_who_is_asked_was_told_before_in_that_role_and_once(
    history: list[dict[str, object]],
) -> None:
    known: dict[Role, frozenset[str]] = {}
    planned = steps(MEDIUM)
    for change in [{}, *history]:
        some = MEDIUM.model_copy(update=change)
        new = newly_responsible(planned, some, DAY, known)
        for appointed in new:
            assert not {h.person for h in appointed.people} & known.get(appointed.role, frozenset())
        known = both(known, told(new))
        for step in planned:
            asked: list[tuple[What, Role]] = [("evidence", step.owner)]
            asked += [(slot.kind.value, slot.role) for slot in step.slots]
            for what, held in asked:
                names = {h.person for h in responsible(step, some, what, held, DAY)}
                assert held is Role.EMPLOYEES or names <= known.get(held, frozenset())
