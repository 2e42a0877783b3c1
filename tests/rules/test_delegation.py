"""Handing a task on, ending that, and saying that somebody is away: who may, to whom, for how long."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.rules.made_up_organisations import organisations, persons, places
from tests.rules.office import OFFICE, SINCE, UNTIL, WEEK, after, is_away, leave
from tests.rules.parts import DAY, handed, names, of, role, work
from workflows.rules.authority_facts import Delegated, DelegationEnded
from workflows.rules.delegation import LONGEST, delegate, elected_in, end_delegation, set_absence, with_act
from workflows.rules.events import AttemptRefused
from workflows.rules.organisation import Absence, Delegation, Holder, Organisation, Role
from workflows.rules.statement import Delegate, EndDelegation, SetAbsence
from workflows.rules.succession import LONGEST_CHAIN
from workflows.rules.terms import Refusal


def handing(person: str, to: str, **more: Any) -> Delegate:
    return Delegate(**{"person": person, "to": to, "since": SINCE, "until": UNTIL, **more})


def hands_on(act: Delegate, organisation: Organisation = OFFICE, actor: str | None = None) -> Refusal | str:
    """Why it is refused, or "accepted"."""
    body = delegate(organisation, act.person if actor is None else actor, act, "d-new", DAY)
    return body.reason if isinstance(body, AttemptRefused) else "accepted"


# --- handing on ------------------------------------------------------------------------------------


def test_a_manager_hands_on_for_four_weeks_and_has_the_tasks_back_after_them() -> None:
    some = after(OFFICE, handing("m1", "w1"))
    days = (SINCE - timedelta(days=1), SINCE, UNTIL - timedelta(days=1), UNTIL)
    assert [names(some.holders(Role.MANAGER, "u1", d)) for d in days] == [["m1"], ["w1"], ["w1"], ["m1"]]
    assert some.holders(Role.MANAGER, "u1", SINCE) == (Holder(person="w1", acting_for="m1"),)


@pytest.mark.parametrize(
    ("act", "actor", "reason"),
    [
        (handing("m1", "w1"), "boss", Refusal.NOT_ELIGIBLE),
        (handing("m1", "w1"), "hr", Refusal.NOT_ELIGIBLE),
        (handing("m1", "w1"), "w1", Refusal.NOT_ELIGIBLE),
        (handing("m1", "w1"), "nobody", Refusal.NOT_ELIGIBLE),
        (handing("gone", "w1"), "gone", Refusal.NOT_ELIGIBLE),
        (handing("vo1", "w1"), "boss", Refusal.NOT_DELEGABLE),
        (handing("vo1", "w1"), "vo1", Refusal.NOT_DELEGABLE),
        (handing("vo1", "w1", role=Role.SAFETY_REP), "vo1", Refusal.NOT_DELEGABLE),
        (handing("deputy1", "w1"), "deputy1", Refusal.NOT_DELEGABLE),
        (handing("w1", "w2", role=Role.EMPLOYEES), "w1", Refusal.NOT_DELEGABLE),
        (handing("m1", "stranger"), "m1", Refusal.UNKNOWN_PERSON),
        (handing("stranger", "m1"), "stranger", Refusal.UNKNOWN_PERSON),
        (handing("m1", "gone"), "m1", Refusal.UNKNOWN_PERSON),
        (handing("m1", "m1"), "m1", Refusal.LOOP),
        (handing("m1", "vo1"), "m1", Refusal.TWO_ROLES),
        (handing("m1", "deputy1", role=Role.MANAGER), "m1", Refusal.TWO_ROLES),
        (handing("m1", "w1", role=Role.HR), "m1", Refusal.NOT_ELIGIBLE),
        (handing("m1", "w1", unit="u9"), "m1", Refusal.WRONG_PLACE),
        (handing("m1", "w1", until=SINCE), "m1", Refusal.WRONG_DATES),
        (handing("m1", "w1", until=SINCE - WEEK), "m1", Refusal.WRONG_DATES),
        (handing("m1", "w1", since=DAY - WEEK, until=DAY), "m1", Refusal.WRONG_DATES),
        (handing("m1", "w1", until=SINCE + timedelta(days=LONGEST + 1)), "m1", Refusal.WRONG_DATES),
        (handing("m1", "w1", since=date.min, until=date.max), "m1", Refusal.WRONG_DATES),
    ],
    ids=[
        "the leader for another", "HR for another", "the receiver", "somebody unknown", "somebody who has left",
        "the employer for the elected", "an elected role is all there is", "an elected role by name",
        "a deputy", "what an employee is asked as one", "to a stranger", "by a stranger", "to somebody who has left",
        "to oneself", "to a safety representative", "to a deputy, by name", "a role one has not", "an unknown unit",
        "for no day", "backwards", "over already", "for more than a year", "for all time",
    ],
)  # fmt: skip
def test_who_may_not_hand_on_what(act: Delegate, actor: str, reason: Refusal) -> None:
    assert hands_on(act, actor=actor) == reason


@pytest.mark.parametrize(
    "act",
    [
        handing("m1", "w1", role=Role.MANAGER, unit="u1", step="Y15"),
        handing("m1", "w1", since=DAY - WEEK),
        handing("m1", "w1", until=SINCE + timedelta(days=LONGEST)),
        handing("m1", "hr"),
        handing("rep", "vo1"),
        handing("rep", "w1", role=Role.UNION_REP),
        handing("chair", "vo1", role=Role.WEC_CHAIR),
        handing("top", "boss", role=Role.MANAGER),
        handing("top", "boss", role=Role.HR),
        handing("w1", "w2"),
    ],
    ids=[
        "one step of one unit", "from last week on", "for a year and a day", "to another of the employer's",
        "a union's, to the safety representative", "a union's", "the committee's, to a member",
        "a manager's, which come to the top manager", "HR's, which come to the top manager", "whatever may come",
    ],
)  # fmt: skip
def test_what_one_may_hand_on(act: Delegate) -> None:
    assert hands_on(act) == "accepted"


def test_an_employer_s_task_may_go_to_somebody_whose_election_is_over_by_then() -> None:
    over = [*OFFICE.assignments[:-3], role(Role.SAFETY_REP, "vo1", area="a-u1", until=SINCE)]
    some = OFFICE.model_copy(update={"assignments": tuple(over)})
    assert hands_on(handing("m1", "vo1"), some) == "accepted"
    assert hands_on(handing("m1", "vo1", since=SINCE - timedelta(days=1)), some) is Refusal.TWO_ROLES


def test_whoever_has_but_elected_roles_from_now_on_has_nothing_to_hand_on() -> None:
    manager_before = role(Role.MANAGER, "vo1", unit="u3", until=DAY)
    some = OFFICE.model_copy(update={"assignments": (*OFFICE.assignments, manager_before)})
    assert hands_on(handing("vo1", "w1", since=DAY - WEEK), some) is Refusal.NOT_DELEGABLE
    assert hands_on(handing("vo1", "w1", since=DAY - WEEK, role=Role.MANAGER), some) is Refusal.NOT_ELIGIBLE


def test_a_seat_in_the_committee_beside_elected_roles_leaves_nothing_to_hand_on() -> None:
    seats = (role(Role.WEC, "vo1"), role(Role.WEC, "w2"))
    some = OFFICE.model_copy(update={"assignments": (*OFFICE.assignments, *seats)})
    assert hands_on(handing("vo1", "w1"), some) is Refusal.NOT_DELEGABLE
    assert hands_on(handing("vo1", "w1", role=Role.WEC), some) == "accepted"
    assert hands_on(handing("w2", "w1"), some) == "accepted"


def test_elected_roles_stay_when_all_else_is_handed_on() -> None:
    some = OFFICE.model_copy(update={"assignments": (*OFFICE.assignments, role(Role.WEC_CHAIR, "vo1"))})
    assert hands_on(handing("vo1", "w1"), some) == "accepted"
    handed_on = after(some, handing("vo1", "w1"))
    assert names(handed_on.holders(Role.SAFETY_REP, "u1", SINCE)) == ["vo1"]
    assert elected_in(some, "vo1", SINCE, UNTIL) == (Role.SAFETY_REP, Role.SENIOR_SAFETY_REP)
    assert elected_in(some, "m1", SINCE, UNTIL) == ()


@pytest.mark.parametrize(
    ("again", "answer"),
    [
        ({}, Refusal.ALREADY_DECIDED),
        ({"to": "w2"}, "accepted"),
        ({"since": SINCE + WEEK}, "accepted"),
        ({"until": UNTIL + WEEK}, "accepted"),
        ({"role": None}, "accepted"),
        ({"unit": "root"}, "accepted"),
        ({"step": "Y15"}, "accepted"),
    ],
    ids=[
        "the same",
        "to another",
        "from another day",
        "for longer",
        "every role",
        "another unit",
        "one step",
    ],
)
def test_what_is_handed_on_already_is_not_handed_on_again(
    again: dict[str, Any], answer: Refusal | str
) -> None:
    first = {"person": "m1", "to": "w1", "role": Role.MANAGER, "unit": "u1"}
    some = after(OFFICE, handing(**first))
    assert hands_on(handing(**first | again), some) == answer


def test_what_was_ended_may_be_handed_on_again() -> None:
    some = after(OFFICE, handing("m1", "w1"))
    some = with_act(some, DelegationEnded(delegation="d-0", until=SINCE + WEEK))
    assert hands_on(handing("m1", "w1"), some) == "accepted"


def test_whoever_acts_for_somebody_may_hand_that_role_on_too() -> None:
    some = after(OFFICE, leave("m1", "a"))
    assert hands_on(handing("a", "b", role=Role.MANAGER), some) == "accepted"
    assert hands_on(handing("c", "b", role=Role.MANAGER), some) is Refusal.NOT_ELIGIBLE


def test_what_is_refused_names_no_more_than_the_role() -> None:
    body = delegate(OFFICE, "m1", handing("m1", "vo1", role=Role.MANAGER), "d-1", DAY)
    assert body == AttemptRefused(attempt="delegation", reason=Refusal.TWO_ROLES, role=Role.MANAGER)


def test_what_is_accepted_says_who_to_whom_when_and_what() -> None:
    act = handing("m1", "w1", role=Role.MANAGER, unit="u1", step="Y15")
    assert delegate(OFFICE, "m1", act, "d-1", DAY) == Delegated(
        delegation="d-1", person="m1", to="w1", since=SINCE, until=UNTIL, role=Role.MANAGER, unit="u1", step="Y15"
    )  # fmt: skip


# --- chains ----------------------------------------------------------------------------------------


def test_round_in_a_ring_is_refused() -> None:
    some = after(OFFICE, handing("a", "b"), handing("b", "c"))
    assert hands_on(handing("c", "a"), some) is Refusal.LOOP
    assert hands_on(handing("b", "a"), after(OFFICE, handing("a", "b"))) is Refusal.LOOP


def test_three_links_are_enough_wherever_the_fourth_is_set() -> None:
    links = [handing("a", "b"), handing("b", "c"), handing("c", "d"), handing("d", "e")]
    for last in range(4):
        others = [link for n, link in enumerate(links) if n != last]
        assert hands_on(links[last], after(OFFICE, *others)) is Refusal.LOOP
        assert hands_on(others[-1], after(OFFICE, *others[:-1])) == "accepted"


def test_a_substitute_is_a_link_too() -> None:
    some = after(OFFICE, leave("a", "b"), handing("b", "c"))
    assert hands_on(handing("c", "a"), some) is Refusal.LOOP
    assert is_away(leave("c", "a"), organisation=some) is Refusal.LOOP
    assert is_away(leave("c"), organisation=some) == "accepted"


def test_links_that_never_hold_on_the_same_day_make_no_ring() -> None:
    some = after(OFFICE, handing("a", "b", until=SINCE + WEEK))
    assert hands_on(handing("b", "a", since=SINCE + WEEK), some) == "accepted"
    assert hands_on(handing("b", "a", since=SINCE + WEEK - timedelta(days=1)), some) is Refusal.LOOP


def test_a_ring_that_closes_only_in_a_later_week_is_found() -> None:
    later = handing("b", "c", since=SINCE + 2 * WEEK)
    assert hands_on(handing("c", "a"), after(OFFICE, handing("a", "b"), later)) is Refusal.LOOP


@pytest.mark.parametrize(
    ("there", "back", "meet"),
    [
        ({"unit": "u1"}, {"unit": "u2"}, False),
        ({"unit": "u1"}, {"unit": "root"}, True),
        ({"unit": "root"}, {"unit": "u1"}, True),
        ({"step": "Y15"}, {"step": "Y16"}, False),
        ({"step": "Y15"}, {}, True),
        ({"role": Role.MANAGER}, {"role": Role.HR}, False),
        ({"role": Role.MANAGER}, {"role": Role.TOP_MANAGER}, True),
        ({"role": Role.HR}, {"unit": "u1"}, True),
    ],
)
def test_only_links_that_some_task_goes_through_make_a_ring(
    there: dict[str, Any], back: dict[str, Any], meet: bool
) -> None:
    some = OFFICE.model_copy(update={"delegations": (handed("boss", "top", since=SINCE, **there),)})
    assert hands_on(handing("top", "boss", **back), some) == (Refusal.LOOP if meet else "accepted")


# --- ending ----------------------------------------------------------------------------------------


HANDED = after(OFFICE, handing("m1", "w1"), handing("rep", "w2"))


def ended(by: str, until: date, id: str = "d-0", day: date = DAY) -> Refusal | Organisation:
    body = end_delegation(HANDED, by, EndDelegation(delegation=id, until=until), day)
    return body.reason if isinstance(body, AttemptRefused) else with_act(HANDED, body)


@pytest.mark.parametrize("by", ["m1", "w1", "boss", "top", "hr"])
def test_both_people_in_it_the_leaders_and_hr_may_end_a_managers_delegation(by: str) -> None:
    some = ended(by, DAY + WEEK)
    assert isinstance(some, Organisation)
    days = (DAY + WEEK - timedelta(days=1), DAY + WEEK)
    assert [names(some.holders(Role.MANAGER, "u1", d)) for d in days] == [["w1"], ["m1"]]


@pytest.mark.parametrize(
    ("by", "until", "id", "reason"),
    [
        ("w2", DAY, "d-0", Refusal.NOT_ELIGIBLE), ("m2", DAY, "d-0", Refusal.NOT_ELIGIBLE),
        ("hr", DAY, "d-1", Refusal.NOT_ELIGIBLE), ("top", DAY, "d-1", Refusal.NOT_ELIGIBLE),
        ("m1", DAY - WEEK, "d-0", Refusal.WRONG_DATES), ("m1", UNTIL, "d-0", Refusal.WRONG_DATES),
        ("m1", UNTIL + WEEK, "d-0", Refusal.WRONG_DATES), ("m1", DAY, "d-9", Refusal.UNKNOWN_DELEGATION),
    ],
    ids=[
        "a colleague", "another manager", "HR and a union's delegation", "the top manager and a union's", "in the past",
        "when it ends anyway", "later than it ends", "an unknown one",
    ],
)  # fmt: skip
def test_a_delegation_that_may_not_be_ended(by: str, until: date, id: str, reason: Refusal) -> None:
    assert ended(by, until, id) == reason


def test_a_delegation_ended_before_its_first_day_never_holds() -> None:
    some = after(OFFICE, handing("m1", "w1", since=SINCE + WEEK))
    body = end_delegation(some, "m1", EndDelegation(delegation="d-0", until=DAY), DAY)
    assert isinstance(body, DelegationEnded)
    changed = with_act(some, body)
    assert not any(d.holds_on(DAY + timedelta(days=n)) for d in changed.delegations for n in range(60))


def test_ending_what_is_not_there_changes_nothing() -> None:
    assert with_act(OFFICE, DelegationEnded(delegation="d-9", until=DAY)) == OFFICE


# --- laws ------------------------------------------------------------------------------------------


days = st.integers(-5, 40).map(lambda n: DAY + timedelta(days=n))


@settings(max_examples=150, deadline=None)
@given(
    some=organisations, person=persons, to=persons, held=st.none() | st.sampled_from(Role), unit=places,
    step=st.sampled_from([None, "Y15"]), since=days, until=days,
)  # fmt: skip
def test_every_delegation_is_answered_and_what_is_accepted_stands_in_the_organisation(
    some: Organisation, person: str, to: str, held: Role | None, unit: str | None, step: str | None,
    since: date, until: date,
) -> None:  # fmt: skip
    act = Delegate(person=person, to=to, role=held, unit=unit, step=step, since=since, until=until)
    body = delegate(some, person, act, "d-new", DAY)
    if isinstance(body, AttemptRefused):
        assert body.attempt == "delegation"
        return
    changed = with_act(some, body)
    assert with_act(changed, body) == changed
    assert changed.delegations[-1] == Delegation(
        id="d-new", person=person, to=to, role=held, unit=unit, step=step, since=since, until=until
    )
    assert Organisation.model_validate_json(changed.model_dump_json()) == changed


@settings(max_examples=150, deadline=None)
@given(ways=st.lists(st.tuples(persons, persons, st.booleans()), max_size=12))
def test_what_is_accepted_step_by_step_has_no_rings_and_no_long_chains(
    ways: list[tuple[str, str, bool]],
) -> None:
    some = of(employments=[work(p) for p in "abcdef"])
    links: dict[str, set[str]] = {}
    for n, (person, to, by_absence) in enumerate(ways):
        if by_absence:
            body: Any = set_absence(some, person, leave(person, to), DAY)
        else:
            body = delegate(some, person, handing(person, to), f"d-{n}", DAY)
        if not isinstance(body, AttemptRefused):
            some = with_act(some, body)
    for a in some.absences:
        links.setdefault(a.person, set()).add(a.substitute or "")
    for d in some.delegations:
        links.setdefault(d.person, set()).add(d.to)

    def longest(here: str, seen: tuple[str, ...]) -> int:
        assert here not in seen
        return max((1 + longest(to, (*seen, here)) for to in links.get(here, ())), default=0)

    assert all(longest(p, ()) <= LONGEST_CHAIN for p in "abcdef")


@settings(max_examples=100, deadline=None)
@given(some=organisations, actor=persons, person=persons, to=st.none() | persons, since=days, until=days)
def test_every_absence_is_answered_and_what_is_accepted_holds_from_its_first_day_to_its_last(
    some: Organisation, actor: str, person: str, to: str | None, since: date, until: date
) -> None:
    act = SetAbsence(person=person, substitute=to, since=since, until=until)
    body = set_absence(some, actor, act, DAY)
    if isinstance(body, AttemptRefused):
        assert body.attempt == "absence"
        return
    changed = with_act(some, body)
    for n in (-1, 0):
        assert Absence(person=person, substitute=to, since=since, until=until, origin="command") in (
            changed.absences_of(person, (since, until + timedelta(days=-1))[n])
        )
    assert with_act(changed, body) == changed


@pytest.mark.parametrize("id", ["", "D-1", "d 1", "kåre", "d" * 65])
def test_a_delegation_s_name_is_an_opaque_id(id: str) -> None:
    with pytest.raises(ValidationError):
        handed("a", "b", id=id)
