"""Who acts when somebody is away, has handed a task on, or has left."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.rules.parts import DAY, away, handed, names, of, role, work
from workflows.rules.organisation import (
    EMPLOYEE_SIDE,
    Absence,
    Assignment,
    Delegation,
    Holder,
    Organisation,
    Role,
)

BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
TOP = role(Role.TOP_MANAGER, "top")
BOSS = role(Role.MANAGER, "boss", unit="root")
M1 = role(Role.MANAGER, "m1", unit="u1")
VO1 = role(Role.SAFETY_REP, "vo1", area="a-u1")
DEPUTY1 = role(Role.DEPUTY_SAFETY_REP, "deputy1", area="a-u1")


def acting(some: Organisation, day: date = DAY, step: str | None = None) -> tuple[Holder, ...]:
    return some.holders(Role.MANAGER, "u1", day, step)


# --- away ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("absences", "acts"),
    [
        ((), Holder(person="m1")),
        ((away("m1", "s"),), Holder(person="s", acting_for="m1")),
        ((away("m1", "s"), away("s", "t")), Holder(person="t", acting_for="m1")),
        ((away("m1", "s"), away("s", "t"), away("t", "u")), Holder(person="u", acting_for="m1")),
        ((away("m1", "s", until=DAY),), Holder(person="m1")),
        ((away("m1", "s", since=DAY),), Holder(person="s", acting_for="m1")),
        ((away("m1", "s", since=AFTER),), Holder(person="m1")),
        ((away("m1", "s", since=DAY, until=DAY),), Holder(person="m1")),
        ((away("m1", "s", since=AFTER, until=BEFORE),), Holder(person="m1")),
        ((away("m1"), away("m1", "s")), Holder(person="s", acting_for="m1")),
        ((away("m1", "s"), away("s"), away("m1", "t")), Holder(person="t", acting_for="m1")),
    ],
    ids=[
        "present", "a substitute", "a chain", "three links", "back again", "away from today", "away from tomorrow",
        "away for no day", "back before going", "two absences, one with a substitute",
        "two absences, two substitutes, one of them away",
    ],
)  # fmt: skip
def test_who_acts_when_a_manager_is_away(absences: tuple[Absence, ...], acts: Holder) -> None:
    assert acting(of(assignments=[TOP, M1], absences=absences)) == (acts,)


NOBODY_IN_THEIR_PLACE = pytest.mark.parametrize(
    "absences",
    [
        (away("m1"),),
        (away("m1", "s"), away("s")),
        (away("m1", "s"), away("s", "m1")),
        (away("m1", "m1"),),
        (away("m1", "s"), away("s", "t"), away("t", "u"), away("u", "v")),
    ],
    ids=[
        "no substitute",
        "the substitute is away",
        "a loop",
        "one's own substitute",
        "the chain is too long",
    ],
)


@NOBODY_IN_THEIR_PLACE
def test_without_anybody_in_their_place_the_nearest_leader_acts(absences: tuple[Absence, ...]) -> None:
    some = of(assignments=[TOP, BOSS, M1], absences=absences)
    assert acting(some) == (Holder(person="boss", acting_for="m1"),)


@NOBODY_IN_THEIR_PLACE
def test_where_there_is_no_leader_either_the_task_stays_with_whose_it_is(
    absences: tuple[Absence, ...],
) -> None:
    assert acting(of(assignments=[M1], absences=absences)) == (Holder(person="m1"),)


def test_a_leader_who_is_away_too_is_passed_by_or_stood_in_for() -> None:
    assignments = [TOP, BOSS, M1]
    passed_by = of(assignments=assignments, absences=[away("m1"), away("boss")])
    stood_in_for = of(assignments=assignments, absences=[away("m1"), away("boss", "s")])
    assert acting(passed_by) == (Holder(person="top", acting_for="m1"),)
    assert acting(stood_in_for) == (Holder(person="s", acting_for="m1"),)


def test_while_one_of_two_managers_is_there_no_leader_steps_in() -> None:
    both = [TOP, BOSS, M1, role(Role.MANAGER, "m2", unit="u1")]
    assert acting(of(assignments=both, absences=[away("m1")])) == (Holder(person="m1"), Holder(person="m2"))
    gone = of(assignments=both, absences=[away("m1"), away("m2")])
    assert gone.entitled(Role.MANAGER, "u1", DAY) == (
        Holder(person="boss", acting_for="m1"),
        Holder(person="boss", acting_for="m2"),
    )


def test_the_top_manager_acts_for_an_absent_hr_but_nobody_for_an_absent_union_representative() -> None:
    roles = [TOP, role(Role.HR, "hr"), role(Role.UNION_REP, "rep"), role(Role.WEC_CHAIR, "chair")]
    some = of(assignments=roles, absences=[away(p) for p in ("hr", "rep", "chair")])
    assert some.holders(Role.HR, "u1", DAY) == (Holder(person="top", acting_for="hr"),)
    assert some.holders(Role.UNION_REP, "u1", DAY) == (Holder(person="rep"),)
    assert some.holders(Role.WEC_CHAIR, None, DAY) == (Holder(person="chair"),)


def test_when_the_top_manager_is_away_without_a_substitute_the_task_waits() -> None:
    some = of(assignments=[TOP, role(Role.BOARD, "b")], absences=[away("top")])
    assert some.holders(Role.TOP_MANAGER, None, DAY) == (Holder(person="top"),)


def test_someone_who_acts_for_two_people_is_asked_once() -> None:
    some = of(
        assignments=[role(Role.UNION_REP, p, unit="u1") for p in ("a", "b", "c")],
        absences=[away("a", "c"), away("b", "c")],
    )
    assert names(some.holders(Role.UNION_REP, "u1", DAY)) == ["c"]


def test_both_people_someone_acts_for_are_known() -> None:
    some = of(assignments=[role(Role.UNION_REP, p, unit="u1") for p in ("a", "b")], absences=[away("a", "b")])
    assert some.holders(Role.UNION_REP, "u1", DAY) == (Holder(person="b", acting_for="a"),)
    assert some.entitled(Role.UNION_REP, "u1", DAY) == (
        Holder(person="b", acting_for="a"),
        Holder(person="b"),
    )


# --- handed on -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delegations", "acts"),
    [
        ((handed("m1", "d"),), Holder(person="d", acting_for="m1")),
        ((handed("m1", "d"), handed("d", "e")), Holder(person="e", acting_for="m1")),
        ((handed("m1", "a"), handed("a", "b"), handed("b", "c")), Holder(person="c", acting_for="m1")),
        (
            (handed("m1", "a"), handed("a", "b"), handed("b", "c"), handed("c", "d")),
            Holder(person="c", acting_for="m1"),
        ),
        ((handed("m1", "d", until=DAY),), Holder(person="m1")),
        ((handed("m1", "d", since=AFTER),), Holder(person="m1")),
        ((handed("m1", "d"), handed("d", "m1")), Holder(person="d", acting_for="m1")),
        ((handed("m1", "m1"),), Holder(person="m1")),
        ((handed("m1", "d", role=Role.MANAGER),), Holder(person="d", acting_for="m1")),
        ((handed("m1", "d", role=Role.HR),), Holder(person="m1")),
        ((handed("m1", "d", unit="u1"),), Holder(person="d", acting_for="m1")),
        ((handed("m1", "d", unit="root"),), Holder(person="d", acting_for="m1")),
        ((handed("m1", "d", unit="u2"),), Holder(person="m1")),
        ((handed("m1", "d", step="Y15"),), Holder(person="d", acting_for="m1")),
        ((handed("m1", "d", step="Y16"),), Holder(person="m1")),
        ((handed("m1", "d"), handed("m1", "e", step="Y15")), Holder(person="e", acting_for="m1")),
        (
            (handed("m1", "e", unit="u1"), handed("m1", "d", role=Role.MANAGER)),
            Holder(person="e", acting_for="m1"),
        ),
        ((handed("m1", "d"), handed("m1", "e", since=DAY)), Holder(person="e", acting_for="m1")),
    ],
    ids=[
        "handed on", "a chain", "three links", "a fourth link: the third keeps it", "over", "not begun", "a loop",
        "to oneself", "this role", "another role", "this unit", "the unit above", "another unit", "this step",
        "another step", "a step goes before all else", "a unit goes before a role", "the latest word",
    ],
)  # fmt: skip
def test_who_acts_when_a_manager_has_handed_on(delegations: tuple[Delegation, ...], acts: Holder) -> None:
    assert acting(of(assignments=[TOP, M1], delegations=delegations), step="Y15") == (acts,)


def test_a_delegation_of_one_step_is_unknown_where_no_step_is_asked_about() -> None:
    some = of(assignments=[TOP, M1], delegations=[handed("m1", "d", step="Y15")])
    assert acting(some) == (Holder(person="m1"),)


def test_a_delegation_of_a_unit_does_not_cover_the_whole_employer() -> None:
    some = of(assignments=[TOP], delegations=[handed("top", "d", unit="root")])
    assert some.holders(Role.TOP_MANAGER, None, DAY) == (Holder(person="top"),)
    assert acting(some) == (Holder(person="d", acting_for="top"),)


def test_a_top_manager_who_hands_on_that_role_does_so_also_where_a_manager_is_missing() -> None:
    some = of(assignments=[TOP], delegations=[handed("top", "d", role=Role.TOP_MANAGER)])
    for unit in (None, "u1"):
        assert some.holders(Role.MANAGER, unit, DAY) == (Holder(person="d", acting_for="top"),)


def test_substitutes_and_delegates_make_one_chain() -> None:
    some = of(assignments=[TOP, M1], absences=[away("m1", "s")], delegations=[handed("s", "d")])
    assert acting(some) == (Holder(person="d", acting_for="m1"),)


def test_the_delegate_of_somebody_who_is_away_acts_when_the_substitute_cannot() -> None:
    some = of(assignments=[TOP, M1], absences=[away("m1", "s"), away("s")], delegations=[handed("m1", "d")])
    assert acting(some) == (Holder(person="d", acting_for="m1"),)


def test_what_was_handed_to_somebody_who_is_away_comes_back() -> None:
    some = of(assignments=[TOP, M1], absences=[away("d")], delegations=[handed("m1", "d")])
    assert acting(some) == (Holder(person="m1"),)


def test_an_employee_is_asked_as_an_employee_whatever_was_handed_on() -> None:
    some = of(employments=[work("m1")], assignments=[TOP, M1], delegations=[handed("m1", "d")])
    assert some.holders(Role.EMPLOYEES, "u1", DAY) == (Holder(person="m1"),)


# --- elected ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elected", "absences", "acts"),
    [
        ((VO1, DEPUTY1), (away("vo1", "scab"),), Holder(person="deputy1", acting_for="vo1")),
        ((VO1,), (away("vo1", "scab"),), Holder(person="vo1")),
        ((VO1, DEPUTY1), (away("vo1", "scab"), away("deputy1", "scab")), Holder(person="vo1")),
        (
            (VO1, role(Role.DEPUTY_SAFETY_REP, "deputy2", area="a-u2")),
            (away("vo1", "scab"),),
            Holder(person="vo1"),
        ),
    ],
    ids=["the deputy acts", "no deputy", "the deputy is away too", "another area's deputy does not act"],
)
def test_for_an_elected_role_only_the_deputy_stands_in_never_somebody_the_employer_names(
    elected: tuple[Assignment, ...], absences: tuple[Absence, ...], acts: Holder
) -> None:
    some = of(assignments=[TOP, BOSS, *elected], absences=absences)
    assert some.holders(Role.SAFETY_REP, "u1", DAY) == (acts,)


@pytest.mark.parametrize("held", sorted(EMPLOYEE_SIDE))
def test_an_elected_role_is_not_handed_on_even_where_a_delegation_says_so(held: Role) -> None:
    unit = None if held is Role.SENIOR_SAFETY_REP else "u1"
    some = of(
        assignments=[TOP, role(held, "vo", unit=unit)],
        delegations=[handed("vo", "d"), handed("vo", "e", id="e", role=held)],
    )
    assert some.holders(held, unit, DAY) == (Holder(person="vo"),)


def test_a_deputy_elected_for_the_whole_employer_acts_in_every_unit() -> None:
    elected = [role(Role.SAFETY_REP, "vo"), role(Role.DEPUTY_SAFETY_REP, "deputy")]
    some = of(assignments=elected, absences=[away("vo")])
    assert some.holders(Role.SAFETY_REP, "u2", DAY) == (Holder(person="deputy", acting_for="vo"),)
    assert names(of(assignments=elected[1:]).holders(Role.SAFETY_REP, "u2", DAY)) == ["deputy"]


def test_when_the_only_safety_representative_is_away_the_deputy_acts_as_the_senior_one_too() -> None:
    some = of(assignments=[VO1, DEPUTY1], absences=[away("vo1")])
    assert some.holders(Role.SENIOR_SAFETY_REP, None, DAY) == (Holder(person="deputy1", acting_for="vo1"),)


@pytest.mark.parametrize("held", sorted(EMPLOYEE_SIDE))
def test_nobody_elected_acts_for_the_employer_even_where_a_file_says_so(held: Role) -> None:
    roles = [TOP, BOSS, M1, role(held, "vo"), role(Role.UNION_REP, "rep")]
    some = of(assignments=roles, absences=[away("m1", "vo"), away("rep", "vo")])
    assert acting(some) == (Holder(person="boss", acting_for="m1"),)
    assert some.holders(Role.UNION_REP, None, DAY) == (Holder(person="vo", acting_for="rep"),)
    after_the_election = of(
        assignments=[TOP, M1, role(held, "vo", since=DAY)], delegations=[handed("m1", "vo")]
    )
    assert acting(after_the_election, BEFORE) == (Holder(person="vo", acting_for="m1"),)
    assert acting(after_the_election) == (Holder(person="m1"),)


# --- those who have left ---------------------------------------------------------------------------


def test_a_role_falls_away_with_the_last_employment_though_nobody_gave_it_an_end() -> None:
    some = of(
        employments=[work("m1", until=DAY), work("m1", unit="u2", until=AFTER)], assignments=[TOP, BOSS, M1]
    )
    assert [names(acting(some, d)) for d in (BEFORE, DAY, AFTER)] == [["m1"], ["m1"], ["boss"]]


@pytest.mark.parametrize("held", [Role.OHS, Role.BOARD, Role.UNION_REP, Role.DPO])
def test_roles_of_people_from_outside_do_not_fall_away_with_an_employment(held: Role) -> None:
    never_employed = of(assignments=[TOP, role(held, "x")])
    was_employed = of(employments=[work("x", until=DAY)], assignments=[TOP, role(held, "x")])
    for some in (never_employed, was_employed):
        assert names(some.holders(held, None, AFTER)) == ["x"]


def test_whoever_gets_a_role_after_leaving_has_it() -> None:
    back = role(Role.WEC_CHAIR, "x", since=DAY)
    some = of(employments=[work("x", until=BEFORE)], assignments=[TOP, back], absences=[away("top", "x")])
    assert names(some.holders(Role.WEC_CHAIR, None, DAY)) == ["x"]
    assert names(some.holders(Role.TOP_MANAGER, None, DAY)) == ["x"]


def test_a_manager_who_comes_back_from_another_employer_is_manager_again() -> None:
    some = of(employments=[work("m1", until=DAY), work("m1", since=AFTER)], assignments=[TOP, M1])
    assert [names(acting(some, d)) for d in (BEFORE, DAY, AFTER)] == [["m1"], ["top"], ["m1"]]


def test_a_manager_appointed_before_the_first_day_of_work_is_manager() -> None:
    some = of(employments=[work("m1", since=AFTER)], assignments=[TOP, M1])
    assert names(acting(some)) == ["m1"]


def test_nobody_who_has_left_is_substitute_or_delegate() -> None:
    gone = work("s", until=DAY)
    substitute = of(employments=[gone], assignments=[TOP, M1], absences=[away("m1", "s")])
    delegate = of(employments=[gone], assignments=[TOP, M1], delegations=[handed("m1", "s")])
    assert [names(acting(substitute, d)) for d in (BEFORE, DAY)] == [["s"], ["top"]]
    assert [names(acting(delegate, d)) for d in (BEFORE, DAY)] == [["s"], ["m1"]]


def test_a_deputy_who_has_left_does_not_stand_in() -> None:
    some = of(employments=[work("deputy1", until=DAY)], assignments=[VO1, DEPUTY1], absences=[away("vo1")])
    assert [names(some.holders(Role.SAFETY_REP, "u1", d)) for d in (BEFORE, DAY)] == [["deputy1"], ["vo1"]]


# --- days of change --------------------------------------------------------------------------------


def test_responsibility_may_move_when_a_delegation_begins_or_ends_and_when_somebody_who_acts_leaves() -> None:
    days = [date(2027, 3, 1) + timedelta(days=n) for n in range(8)]
    some = of(
        employments=[work(p, until=d) for p, d in zip(("s", "m1", "d", "w"), days, strict=False)],
        assignments=[M1], absences=[away("m1", "s", since=days[4], until=days[5])],
        delegations=[handed("m1", "d", since=days[6], until=days[7])],
    )  # fmt: skip
    assert set(some.change_days()) & set(days) == {*days} - {days[3]}


def test_a_copy_with_other_parts_knows_nothing_of_the_old_ones() -> None:
    some = of(employments=[work("m1")], assignments=[TOP, M1])
    asked_before = acting(some), some.change_days()
    changed = some.model_copy(
        update={
            "absences": (away("m1", "s", since=DAY),), "delegations": (handed("s", "d"),),
            "employments": (work("d", until=AFTER),), "assignments": (M1,),
        }
    )  # fmt: skip
    assert asked_before[0] == (Holder(person="m1"),)
    assert [names(acting(changed, d)) for d in (BEFORE, DAY, AFTER)] == [["m1"], ["d"], ["s"]]
    assert AFTER in changed.change_days()
    assert some == of(employments=[work("m1")], assignments=[TOP, M1])
    assert type(some).model_validate_json(some.model_dump_json()) == some
