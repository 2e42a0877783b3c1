"""Who acts in a role on a day: the successor when it is vacant, the substitute or delegate when its holder is not
there.

A task is never lost: what nobody can be found for stays with whose it is. Elected roles go their own way: there
only an elected deputy acts, whatever substitute or delegate anybody has named.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from workflows.rules.roles import EMPLOYEE_SIDE, EMPLOYER_SIDE, Delegation, Holder, Role

if TYPE_CHECKING:
    from workflows.rules.organisation import Organisation

LONGEST_CHAIN = 3
"""From A to D by way of B and C: so often a task is handed on at most."""

LEADER_STEPS_IN = frozenset({Role.MANAGER, Role.HR})
"""Roles in which a leader acts when all who hold them are away without anybody in their place."""

ELECTED_FOR_AN_AREA = frozenset({Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP})


class _Task(NamedTuple):
    """What is asked in `role`; `held` is the role through which it came to its holder."""

    role: Role
    held: Role
    unit: str | None
    day: date
    step: str | None


def entitled(
    organisation: Organisation, role: Role, unit: str | None, day: date, step: str | None = None
) -> tuple[Holder, ...]:
    """Who acts in `role` for `unit` that day, with one entry for each person acted for; empty when vacant.

    Where everyone who holds a role of `LEADER_STEPS_IN` is away, with nobody in their place, the nearest leader
    who is there acts for them. While one of them is there, that one is asked and no leader is.
    """
    levels = ((held, people) for held, people in _succession(organisation, role, unit, day) if people)
    held, people = next(levels, (role, ()))
    found = tuple(_acting(organisation, p, _Task(role, held, unit, day, step)) for p in people)
    if role not in LEADER_STEPS_IN or any(not organisation.absences_of(h.person, day) for h in found):
        return found
    top = organisation.assigned(Role.TOP_MANAGER, None, day)
    for held, leaders in chain(levels, [(Role.TOP_MANAGER, top)]):
        acting = (_acting(organisation, p, _Task(role, held, unit, day, step)) for p in leaders)
        there = dict.fromkeys(h.person for h in acting if not organisation.absences_of(h.person, day))
        if there:
            return tuple(Holder(person=leader, acting_for=away) for away in people for leader in there)
    return found


def leader_of(organisation: Organisation, role: Role, unit: str | None, day: date) -> tuple[Holder, ...]:
    """The leader of whoever holds `role` in `unit`: one rung up the organisation, at last the top manager."""
    owners = {h.person for h in organisation.holders(role, unit, day)}
    for higher in organisation.above(unit, day) if unit is not None else ():
        people = [h for h in organisation.holders(Role.MANAGER, higher, day) if h.person not in owners]
        if people:
            return tuple(people)
    return organisation.holders(Role.TOP_MANAGER, None, day)


def _succession(
    organisation: Organisation, role: Role, unit: str | None, day: date
) -> Iterator[tuple[Role, tuple[str, ...]]]:
    """Those the task falls to, nearest first, each level with the role in which it does."""
    assigned = organisation.assigned
    if role is Role.EMPLOYEES:
        yield role, organisation.employed(unit, day)
        return
    if role is Role.MANAGER and unit is None:
        role = Role.TOP_MANAGER
    if unit is not None:
        yield role, assigned(role, unit, day)
        if role not in ELECTED_FOR_AN_AREA:
            for higher in organisation.above(unit, day):
                yield role, assigned(role, higher, day)
    if role in ELECTED_FOR_AN_AREA:
        yield role, organisation.elected_for_all(role, day)
    else:
        yield role, assigned(role, None, day)
    if role is Role.MANAGER:
        yield Role.TOP_MANAGER, assigned(Role.TOP_MANAGER, None, day)
    elif role is Role.SAFETY_REP:
        if unit is not None:
            yield Role.DEPUTY_SAFETY_REP, _deputies(organisation, unit, day)
        yield Role.SENIOR_SAFETY_REP, assigned(Role.SENIOR_SAFETY_REP, None, day)
        yield role, _only_safety_rep(organisation, day)
    elif role is Role.SENIOR_SAFETY_REP:
        yield role, _only_safety_rep(organisation, day)


def _deputies(organisation: Organisation, unit: str | None, day: date) -> tuple[str, ...]:
    near = organisation.assigned(Role.DEPUTY_SAFETY_REP, unit, day)
    return tuple(dict.fromkeys((*near, *organisation.elected_for_all(Role.DEPUTY_SAFETY_REP, day))))


def _only_safety_rep(organisation: Organisation, day: date) -> tuple[str, ...]:
    reps = organisation.assigned(Role.SAFETY_REP, None, day)
    return reps if len(reps) == 1 else ()


# --- in whose place -------------------------------------------------------------------------------


def _acting(organisation: Organisation, person: str, task: _Task) -> Holder:
    """Who acts where `person` holds the role; `person`, when there is nobody else to find."""
    if task.role in EMPLOYEE_SIDE:
        acts = _deputy_for(organisation, person, task)
    elif person in organisation.handing_on:
        acts = _follow(organisation, task, (person,), {}) or person
    else:
        acts = person
    return Holder(person=acts, acting_for=None if acts == person else person)


def _deputy_for(organisation: Organisation, person: str, task: _Task) -> str:
    if not organisation.absences_of(person, task.day):
        return person
    deputies = _deputies(organisation, task.unit, task.day)
    return next((d for d in deputies if not organisation.absences_of(d, task.day)), person)


def _follow(
    organisation: Organisation, task: _Task, path: tuple[str, ...], failed: dict[str, int]
) -> str | None:
    """The last person on the way from the end of `path` who is there; None when none of them is.

    `failed` has those who led to nobody, with how many links were left then, so that none is tried in vain.
    """
    here, links = path[-1], LONGEST_CHAIN + 1 - len(path)
    if failed.get(here, -1) >= links:
        return None
    for to in _handed_to(organisation, here, task) if links else ():
        if to not in path and _may_take(organisation, to, task):
            acts = _follow(organisation, task, (*path, to), failed)
            if acts is not None:
                return acts
    if not organisation.absences_of(here, task.day):
        return here
    failed[here] = links
    return None


def _handed_to(organisation: Organisation, person: str, task: _Task) -> Iterator[str]:
    """Substitutes before delegates, and of those the one with the narrowest delegation first."""
    for absence in organisation.absences_of(person, task.day):
        if absence.substitute is not None:
            yield absence.substitute
    covering = (d for d in organisation.delegations_of(person, task.day) if _covers(organisation, d, task))
    for delegation in sorted(covering, key=_narrowness, reverse=True):
        yield delegation.to


def _covers(organisation: Organisation, delegation: Delegation, task: _Task) -> bool:
    if task.role is Role.EMPLOYEES:
        return False  # what an employee is asked, or told, as an employee is nobody else's
    if delegation.role not in (None, task.role, task.held) or delegation.step not in (None, task.step):
        return False
    if delegation.unit is None or delegation.unit == task.unit:
        return True
    return task.unit is not None and delegation.unit in organisation.above(task.unit, task.day)


def _narrowness(delegation: Delegation) -> tuple[bool, bool, bool, date]:
    d = delegation
    return d.step is not None, d.unit is not None, d.role is not None, d.since


def _may_take(organisation: Organisation, person: str, task: _Task) -> bool:
    """Nobody who has left; and nobody elected acts for the employer (E24)."""
    if organisation.has_left(person, task.day):
        return False
    employers = {task.role, task.held} & EMPLOYER_SIDE
    return not (employers and organisation.elected(person, task.day))
