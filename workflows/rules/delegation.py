"""Who may hand a task on, to whom and for how long; and the organisation after that.

Everything here is pure and total: it answers with the body to record, accepted or refused, and never raises. A
task may be handed on, the responsibility stays with the employer (aml. § 2-1). Elected roles are nobody's to
hand on: whoever is elected can say that he or she is away, and then the deputy acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded
from workflows.rules.events import AttemptRefused
from workflows.rules.organisation import (
    EMPLOYEE_SIDE,
    EMPLOYER_SIDE,
    Absence,
    Delegation,
    Organisation,
    Role,
    Slice,
    overlap,
)
from workflows.rules.refusals import refused
from workflows.rules.statement import Delegate, EndDelegation, SetAbsence
from workflows.rules.succession import LONGEST_CHAIN
from workflows.rules.terms import Refusal

LONGEST = 366
"""Days that a delegation lasts at most; who needs longer says so again."""

NEVER_HANDED_ON = EMPLOYEE_SIDE | {Role.EMPLOYEES}
"""Roles in which nobody acts for another by delegation."""

NOT_THE_EMPLOYERS = EMPLOYEE_SIDE | {Role.UNION_REP}
"""Roles in which the employer names no substitute."""


def delegate(
    organisation: Organisation, actor: str, act: Delegate, id: str, day: date
) -> Delegated | AttemptRefused:
    """May `actor` hand this on? Everybody hands on what is asked of themselves, nobody what is another's.

    `id` is what the delegation is called from now on. It lasts `LONGEST` days at most and is not wholly past;
    no chain gets longer than three links and none comes back to where it began, also together with substitutes.
    Whoever has elected roles alone, with or without a seat in the committee, has nothing to hand on; and what is
    handed on already, to the same person for the same time, is not handed on again.
    """
    if reason := _why_not_delegated(organisation, actor, act, id, day):
        return refused(act, reason)
    return Delegated(
        delegation=id, person=act.person, to=act.to, since=act.since, until=act.until, role=act.role,
        unit=act.unit, step=act.step,
    )  # fmt: skip


def elected_in(organisation: Organisation, person: str, since: date, until: date | None) -> tuple[Role, ...]:
    """The elected roles of the person in that time, each once: they stay when all else is handed on."""
    time = Slice(since=since, until=until)
    return tuple(sorted(_held(organisation, person, time) & EMPLOYEE_SIDE))


def end_delegation(
    organisation: Organisation, actor: str, act: EndDelegation, day: date
) -> DelegationEnded | AttemptRefused:
    """May `actor` end the delegation on `act.until`, the first day without it?

    Both people in it may, and for tasks of the employer's side HR and whoever leads the one who handed them on.
    It ends earlier than it would have, and not in the past; before its first day, it never begins.
    """
    if reason := _why_not_ended(organisation, actor, act, day):
        return refused(act, reason)
    return DelegationEnded(delegation=act.delegation, until=act.until)


def set_absence(
    organisation: Organisation, actor: str, act: SetAbsence, day: date
) -> AbsenceSet | AttemptRefused:
    """May `actor` say that `act.person` is away? The person may, HR, and whoever leads the person.

    The employer's side neither says that an elected person is away nor names who acts for a union's
    representative. The absence is not wholly past.
    """
    if reason := _why_not_away(organisation, actor, act, day):
        return refused(act, reason)
    return AbsenceSet(person=act.person, since=act.since, until=act.until, substitute=act.substitute)


def with_act(organisation: Organisation, body: Delegated | DelegationEnded | AbsenceSet) -> Organisation:
    """The organisation after what was recorded; after the same thing twice, the same.

    A new absence takes the place of what a command said before about the same person and time: from its first
    day on the latest word holds. What files say stays beside it.
    """
    match body:
        case Delegated():
            new = Delegation(id=body.delegation, **body.model_dump(exclude={"kind", "delegation"}))
            others = (d for d in organisation.delegations if d.id != new.id)
            return organisation.model_copy(update={"delegations": (*others, new)})
        case DelegationEnded():
            kept = tuple(
                d.model_copy(update={"until": max(body.until, d.since)}) if d.id == body.delegation else d
                for d in organisation.delegations
            )
            return organisation.model_copy(update={"delegations": kept})
        case AbsenceSet():
            away = Absence(origin="command", **body.model_dump(exclude={"kind"}))
            return organisation.model_copy(update={"absences": (*_before(organisation.absences, away), away)})


def _before(absences: Iterable[Absence], new: Absence) -> Iterator[Absence]:
    for one in absences:
        if one.origin == "file" or one.person != new.person or not overlap(one, new):
            yield one
        elif one.since < new.since:
            yield one.model_copy(update={"until": new.since})


# --- refusals -------------------------------------------------------------------------------------


def _why_not_delegated(
    organisation: Organisation, actor: str, act: Delegate, id: str, day: date
) -> Refusal | None:
    time = Slice(since=act.since, until=act.until)
    start = max(act.since, day)
    held = _held(organisation, act.person, Slice(since=start, until=act.until))
    if not {act.person, act.to} <= set(organisation.people()):
        return Refusal.UNKNOWN_PERSON
    # A seat in the committee is told, not asked: beside elected roles it leaves nothing to hand on.
    elected_only = held & NEVER_HANDED_ON and held <= NEVER_HANDED_ON | {Role.WEC}
    if act.role in NEVER_HANDED_ON or (act.role is None and elected_only):
        return Refusal.NOT_DELEGABLE
    if actor != act.person or organisation.has_left(actor, day):
        return Refusal.NOT_ELIGIBLE
    if not _in_time(act.since, act.until, day) or (act.until - act.since).days > LONGEST:
        return Refusal.WRONG_DATES
    if act.unit is not None and not any(u.id == act.unit and overlap(u, time) for u in organisation.units):
        return Refusal.WRONG_PLACE
    if act.role is not None and not ({act.role, Role.TOP_MANAGER} & held or _receives(organisation, act)):
        return Refusal.NOT_ELIGIBLE
    tasks = held if act.role is None else {act.role}
    if reason := _why_not_to(organisation, act.to, tasks, time, start):
        return reason
    new = Delegation(id=id, **act.model_dump(exclude={"act"}))
    if any(d.model_copy(update={"id": id}) == new for d in organisation.delegations):
        return Refusal.ALREADY_DECIDED
    return _why_no_chain(organisation, new.model_copy(update={"since": start}))


def _why_not_ended(organisation: Organisation, actor: str, act: EndDelegation, day: date) -> Refusal | None:
    found = next((d for d in organisation.delegations if d.id == act.delegation), None)
    if found is None:
        return Refusal.UNKNOWN_DELEGATION
    tasks = _held(organisation, found.person, found) if found.role is None else {found.role}
    own = actor in (found.person, found.to) and not organisation.has_left(actor, day)
    if not own and not (tasks & EMPLOYER_SIDE and _leads(organisation, actor, found.person, day)):
        return Refusal.NOT_ELIGIBLE
    if act.until < day or (found.until is not None and found.until <= act.until):
        return Refusal.WRONG_DATES
    return None


def _why_not_away(organisation: Organisation, actor: str, act: SetAbsence, day: date) -> Refusal | None:
    time = Slice(since=act.since, until=act.until)
    held, start = _held(organisation, act.person, time), max(act.since, day)
    known = set(organisation.people())
    if act.person not in known or organisation.has_left(act.person, start):
        return Refusal.UNKNOWN_PERSON
    if actor != act.person and not _leads(organisation, actor, act.person, day):
        return Refusal.NOT_ELIGIBLE
    if actor != act.person and (held & EMPLOYEE_SIDE or (act.substitute and held & NOT_THE_EMPLOYERS)):
        return Refusal.NOT_DELEGABLE
    if not _in_time(act.since, act.until, day):
        return Refusal.WRONG_DATES
    if act.substitute is None:
        return None
    if act.substitute not in known:
        return Refusal.UNKNOWN_PERSON
    if held and held <= EMPLOYEE_SIDE:
        return Refusal.NOT_DELEGABLE
    return _why_not_to(organisation, act.substitute, held, time, start) or _why_no_chain(
        organisation,
        Delegation(id="absence", person=act.person, to=act.substitute, since=start, until=act.until),
    )


def _in_time(since: date, until: date, day: date) -> bool:
    return since < until and day < until


def _why_not_to(
    organisation: Organisation, to: str, tasks: Iterable[Role], time: Slice, start: date
) -> Refusal | None:
    """Why `to` may not take the tasks: gone by then, or elected where the employer's tasks are (E24)."""
    if organisation.has_left(to, start):
        return Refusal.UNKNOWN_PERSON
    if set(tasks) & EMPLOYER_SIDE and _held(organisation, to, time) & EMPLOYEE_SIDE:
        return Refusal.TWO_ROLES
    return None


def _held(organisation: Organisation, person: str, time: Slice) -> set[Role]:
    return {a.role for a in organisation.assignments if a.person == person and overlap(a, time)}


def _receives(organisation: Organisation, act: Delegate) -> bool:
    """Whether somebody else's tasks come to the person meanwhile."""
    time = Slice(since=act.since, until=act.until)
    return any(link.to == act.person and overlap(link, time) for link in _links(organisation))


def _leads(organisation: Organisation, actor: str, person: str, day: date) -> bool:
    """Whether `actor` is HR for the person, or above the person in the line, whoever of them acts in person."""
    led = [a for a in organisation.assignments if a.person == person and organisation.stands(a, day)]
    homes = [e.unit for e in organisation.employments if e.person == person and e.holds_on(day)]
    asked: set[tuple[Role, str | None]] = {(Role.HR, unit) for unit in (None, *homes)}
    if not any(a.role is Role.TOP_MANAGER for a in led):
        managed = [a.unit for a in led if a.role is Role.MANAGER and a.unit is not None]
        line = [up for unit in managed for up in organisation.above(unit, day)]
        line += [up for unit in homes if not managed for up in (unit, *organisation.above(unit, day))]
        asked |= {(Role.TOP_MANAGER, None), *((Role.MANAGER, unit) for unit in line)}
    holders = (h for role, unit in asked for h in organisation.entitled(role, unit, day))
    return any(actor in (h.person, h.acting_for) for h in holders)


# --- chains ---------------------------------------------------------------------------------------


class _Scope(NamedTuple):
    role: Role | None
    unit: str | None
    step: str | None


def _links(organisation: Organisation) -> Iterator[Delegation]:
    """Every way in which tasks go on; a substitute takes whatever there is."""
    yield from organisation.delegations
    for a in organisation.absences:
        if a.substitute is not None:
            yield Delegation(id="absence", person=a.person, to=a.substitute, since=a.since, until=a.until)


def _why_no_chain(organisation: Organisation, new: Delegation) -> Refusal | None:
    """Whether some task, on some day, would go round or through too many hands with the new link."""
    if new.person == new.to:
        return Refusal.LOOP
    others = [link for link in _links(organisation) if link.id != new.id or link.id == "absence"]
    others = [link for link in others if overlap(link, new)]
    for day in sorted({new.since, *(link.since for link in others if new.since < link.since)}):
        links = [link for link in others if link.holds_on(day)]
        scope = _Scope(new.role, new.unit, new.step)
        for before, narrowed in _upwards(organisation, links, (new.person,), scope, day):
            reach = _downwards(organisation, links, (*before, new.to), narrowed, day)
            if new.to in before or reach > LONGEST_CHAIN:
                return Refusal.LOOP
    return None


def _upwards(
    organisation: Organisation, links: Sequence[Delegation], path: tuple[str, ...], scope: _Scope, day: date
) -> Iterator[tuple[tuple[str, ...], _Scope]]:
    """The ways by which tasks come to the end of `path`, each from its beginning."""
    yield path, scope
    if len(path) > LONGEST_CHAIN:
        return
    for link in links:
        if link.to == path[0] and link.person not in path:
            narrowed = _narrowed(organisation, scope, link, day)
            if narrowed is not None:
                yield from _upwards(organisation, links, (link.person, *path), narrowed, day)


def _downwards(
    organisation: Organisation, links: Sequence[Delegation], path: tuple[str, ...], scope: _Scope, day: date
) -> int:
    """Links of the longest way on from the start of `path`; one more than the longest allowed for a loop."""
    longest = len(path) - 1
    for link in links:
        if longest > LONGEST_CHAIN:
            break
        if link.person == path[-1]:
            narrowed = _narrowed(organisation, scope, link, day)
            if narrowed is None:
                continue
            if link.to in path:
                return LONGEST_CHAIN + 1
            longest = max(longest, _downwards(organisation, links, (*path, link.to), narrowed, day))
    return longest


def _narrowed(organisation: Organisation, scope: _Scope, link: Delegation, day: date) -> _Scope | None:
    """What goes through both; None when nothing does."""
    roles, steps = {scope.role, link.role} - {None}, {scope.step, link.step} - {None}
    if len(steps) > 1 or (len(roles) > 1 and roles != {Role.MANAGER, Role.TOP_MANAGER}):
        return None
    unit = scope.unit or link.unit
    if scope.unit is not None and link.unit is not None and scope.unit != link.unit:
        if link.unit in organisation.above(scope.unit, day):
            unit = scope.unit
        elif scope.unit in organisation.above(link.unit, day):
            unit = link.unit
        else:
            return None
    return _Scope(scope.role or link.role, unit, scope.step or link.step)
