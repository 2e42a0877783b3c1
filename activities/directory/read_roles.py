"""The tables of roles and of absences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Generic, TypeVar

from activities.directory.cells import day_of, end_of, role_of
from activities.directory.merge import overlap
from activities.directory.read_people import People, folded_key
from activities.directory.read_units import Units, known_start
from activities.directory.rows import Line, Reading
from workflows.rules.organisation import Absence, Assignment, Role

S = TypeVar("S", Assignment, Absence)

NEEDS_AREA = frozenset({Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP})
MAY_HAVE_UNIT = frozenset({Role.MANAGER, Role.HR, Role.UNION_REP, Role.CONTACT_PERSON, *NEEDS_AREA})
"""The other roles are for the whole employer."""


class Told(Generic[S]):
    """What a table tells, with the rows. `bad` are the people, by id, who have a row at fault."""

    def __init__(self, reading: Reading | None) -> None:
        self.told = reading is not None
        self.file = reading.table.file if reading else None
        self.lines: list[tuple[Line, S]] = []
        self.bad: set[str] = set()
        self.unreadable = False

    def refuse(self, line: Line, people: People) -> None:
        id = people.ids.get(folded_key(line.repeatable("key")))
        if id is None:
            self.unreadable = True
        else:
            self.bad.add(id)


def keys_in(reading: Reading | None) -> set[str]:
    """The numbers of everyone a table names, whether the rows are good or bad."""
    return {folded_key(line.cell("key")) for line in reading.lines} if reading else set()


def read_roles(
    reading: Reading | None, before: Sequence[Assignment], units: Units, people: People, *, today: date
) -> Told[Assignment]:
    """The roles of the table.

    A role without a start began when it was first told of, else `today`; one without an end ends when its
    holder leaves.
    """
    told: Told[Assignment] = Told(reading)
    seen: dict[tuple[object, ...], list[tuple[Line, Assignment]]] = {}
    for line in reading.lines if reading else ():
        if line.ok:
            found = _read_role(line, before, units, people, today)
            if found is not None:
                same = seen.setdefault((found.role, found.person, found.unit, found.area), [])
                clash = next((other for other, slice in same if overlap(slice, found)), None)
                if clash is not None:
                    line.bad("duplicate_role", "role", value=line.cell("role"), other=clash.row.line)
                else:
                    same.append((line, found))
                    told.lines.append((line, found))
        if not line.ok:
            told.refuse(line, people)
    return told


def _read_role(
    line: Line, before: Sequence[Assignment], units: Units, people: People, today: date
) -> Assignment | None:
    person, role = line.need("key", people.find), line.need("role", role_of)
    unit, area = line.get("unit", units.find), line.get("area", units.find_area)
    since, until = line.get("since", day_of), line.get("until", end_of)
    if person is None or role is None or not line.ok:
        return None
    if role is Role.MANAGER and unit is None:
        line.bad("role_needs_unit", "unit", role=line.cell("role"))
    if role not in MAY_HAVE_UNIT and unit is not None:
        line.bad("role_takes_no_unit", "unit", role=line.cell("role"))
    if role not in NEEDS_AREA and area is not None:
        line.bad("role_takes_no_area", "area", role=line.cell("role"))
    if role in NEEDS_AREA and unit is None and area is None:
        if len(units.areas) == 1:
            area = next(iter(units.areas))
        else:
            line.bad("role_needs_area", "area", role=line.cell("role"))
    if since is None:
        same = [a for a in before if (a.role, a.person, a.unit, a.area) == (role, person, unit, area)]
        since = known_start(same, today) or today
    if until is not None and until <= since:
        line.bad("until_before_since", "until", value=line.cell("until"), since=since)
    left = people.gone_from(person)
    if left is not None and (left <= since or (until is not None and until > left)):
        line.bad("role_after_leaving", "until", role=line.cell("role"), left=left)
    if not line.ok:
        return None
    return Assignment(role=role, person=person, unit=unit, area=area, since=since, until=until or left)


def read_absences(reading: Reading | None, people: People) -> Told[Absence]:
    told: Told[Absence] = Told(reading)
    for line in reading.lines if reading else ():
        if line.ok:
            person, substitute = line.need("key", people.find), line.get("substitute", people.find)
            since, until = line.need("since", day_of), line.get("until", end_of)
            if since is not None and until is not None and until <= since:
                line.bad("until_before_since", "until", value=line.cell("until"), since=since)
            if person is not None and person == substitute:
                line.bad("own_substitute", "substitute", value=line.cell("substitute"))
            if person is not None and since is not None and line.ok:
                told.lines.append(
                    (line, Absence(person=person, substitute=substitute, since=since, until=until))
                )
        if not line.ok:
            told.refuse(line, people)
    return told
