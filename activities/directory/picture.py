"""The picture that the files give, laid on what was known before."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

from activities.directory.merge import ended, merged, one_at_a_time
from activities.directory.read_people import People
from activities.directory.read_roles import Told
from activities.directory.read_units import Units
from activities.directory.rows import Line
from workflows.rules.organisation import (
    Absence,
    Assignment,
    Delegation,
    Employment,
    Organisation,
    Slice,
    Unit,
)

PARTS = ("units", "areas", "employments", "assignments", "absences", "delegations")
"""The fields of an organisation that are not the employer's own."""

S = TypeVar("S", bound=Slice)
A = TypeVar("A", Assignment, Absence, Delegation)


class Tables(NamedTuple):
    """All tables read, each good row with its place."""

    fields: dict[str, Any]
    units: Units
    people: People
    roles: Told[Assignment]
    absences: Told[Absence]


def lay(tables: Tables, existing: Organisation | None, today: date) -> Organisation:
    """The organisation that follows; a part whose table is missing is as in `existing`.

    What only stands in rows at fault stays as it was. What people have set by command, absences and delegations,
    stays too: files replace what files have said.
    """
    before = existing or Organisation(**tables.fields, units=())
    units, people, roles, absences = tables.units, tables.people, tables.roles, tables.absences
    bad_people = {people.ids[key] for key in people.bad}
    told_people = set(people.ids.values())

    def in_bad_row(person: str) -> bool:
        return person in bad_people or (people.unreadable and person not in told_people)

    def lay_part(
        known: Sequence[S],
        told: Sequence[tuple[Line, S]],
        *,
        subject: Callable[[S], Hashable],
        content: Callable[[S], Hashable],
        stays: Callable[[S], bool],
    ) -> tuple[S, ...]:
        subjects = {subject(one) for _, one in told}
        staying = [one for one in known if subject(one) not in subjects and stays(one)]
        moving = [one for one in known if subject(one) in subjects or not stays(one)]
        new = [one for _, one in told]
        return (*merged(moving, new, subject=subject, content=content, today=today), *staying)

    laid: dict[str, Sequence[Slice]] = {}
    if units.told:
        laid_units: tuple[Unit, ...] = lay_part(
            before.units,
            units.lines,
            subject=_unit_id,
            content=lambda u: (u.name, u.parent, u.area),
            stays=lambda u: u.id in units.bad or (units.unreadable and u.id not in units),
        )
        laid["units"] = _one_slice_a_day(laid_units)
    if people.told:
        laid_employments: tuple[Employment, ...] = lay_part(
            before.employments,
            people.employments,
            subject=lambda e: e.person,
            content=lambda e: (e.unit, e.kind, e.hours_per_week),
            stays=lambda e: in_bad_row(e.person),
        )
        laid["employments"] = laid_employments
    gone = {person: day for person, day in people.gone(today).items() if not in_bad_row(person)}
    laid_assignments: tuple[Assignment, ...] = before.assignments
    if roles.told:
        laid_assignments = lay_part(
            before.assignments,
            roles.lines,
            subject=lambda a: (a.role, a.person, a.unit, a.area),
            content=lambda a: (),
            stays=lambda a: in_bad_row(a.person) or a.person in roles.bad or roles.unreadable,
        )
    laid["assignments"] = _without_the_gone(laid_assignments, gone)
    laid_absences: tuple[Absence, ...] = before.absences
    if absences.told:
        of_files = lay_part(
            [a for a in before.absences if a.origin == "file"],
            absences.lines,
            subject=lambda a: a.person,
            content=lambda a: a.substitute,
            stays=lambda a: in_bad_row(a.person) or a.person in absences.bad or absences.unreadable,
        )
        by_command = [a for a in before.absences if a.origin == "command"]
        laid_absences = (*of_files, *(a for a in by_command if not _told_too(a, of_files)))
    laid["absences"] = _without_the_gone(laid_absences, gone)
    laid["delegations"] = _without_the_gone(before.delegations, gone)
    areas = (*units.areas.values(), *(a for a in before.areas if a.id not in units.areas))
    return before.model_copy(update={**tables.fields, **laid, "areas": areas})


def _without_the_gone(slices: Sequence[A], gone: Mapping[str, date]) -> tuple[A, ...]:
    """The roles, absences and delegations of those who leave end when they do."""
    result: list[A] = []
    for one in slices:
        day = gone.get(one.person)
        result += [one] if day is None else ended([one], day)
    return tuple(result)


def _told_too(command: Absence, of_files: Sequence[Absence]) -> bool:
    """Whether a file now says the same or more: away all that time, with the same substitute if there was one."""
    return any(
        told.person == command.person
        and told.since <= command.since
        and (told.until is None or (command.until is not None and command.until <= told.until))
        and command.substitute in (None, told.substitute)
        for told in of_files
    )


def _one_slice_a_day(units: Sequence[Unit]) -> tuple[Unit, ...]:
    return one_at_a_time(units, subject=_unit_id)


def _unit_id(unit: Unit) -> str:
    return unit.id
