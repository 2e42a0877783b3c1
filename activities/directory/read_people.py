"""The table of people: who they are, where they work, and the ids that stand for them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from activities.directory.cells import (
    EMPLOYMENT_TYPES,
    FULL_TIME,
    LANGUAGES,
    BadCell,
    choice_of,
    day_of,
    email_of,
    end_of,
    hours_of,
    hours_of_percentage,
    text_of,
)
from activities.directory.faults import fault
from activities.directory.merge import overlap
from activities.directory.people import PersonCard
from activities.directory.read_units import UNREAD, Units
from activities.directory.rows import Line, Reading
from activities.language import Language
from workflows.rules.organisation import Employment, Organisation

_NUMBERED = re.compile(r"p(\d{4,})")


class _Person(NamedTuple):
    name: str
    email: str
    language: Language
    external_key: str
    line: Line


class People:
    """The people told of, found by the employer's number; its leading zeros may be dropped by a spreadsheet.

    People whose rows are at fault are in `bad`; as with `Units` they can still be found.
    """

    def __init__(
        self,
        existing: Organisation | None,
        existing_people: Sequence[PersonCard],
        *,
        told: bool,
        skipping: bool,
    ) -> None:
        self.told = told
        self.bad: set[str] = set()
        self.unreadable = False
        self.employments: list[tuple[Line, Employment]] = []
        self._of: dict[str, list[tuple[Line, Employment]]] = {}
        self._unitless: set[str] = set()
        self.ids: dict[str, str] = {}
        self.before = tuple(existing_people)
        self._persons: dict[str, _Person] = {}
        self._known = {folded_key(card.external_key): card.id for card in existing_people}
        named = [*self._known.values(), *(existing.people() if existing else ())]
        self._next = max((int(m.group(1)) for id in named if (m := _NUMBERED.fullmatch(id))), default=0) + 1
        self._emails: dict[str, str] = {}
        self._skipping = skipping
        if not told:
            self.ids = dict(self._known)

    def find(self, cell: str) -> str:
        """The id of the person with this number."""
        key = folded_key(cell)
        if key not in self.ids:
            if self.unreadable and not self._skipping:
                return UNREAD
            raise BadCell("unknown_person", value=cell)
        if self._skipping and key in self.bad:
            raise BadCell("person_skipped", value=cell)
        return self.ids[key]

    def external_key(self, id: str) -> str:
        """The employer's own number for an id; «–» when it is not known any more."""
        known = {self.ids[key]: person.external_key for key, person in self._persons.items()}
        return known.get(id) or next((card.external_key for card in self.before if card.id == id), "–")

    def cards(self) -> tuple[PersonCard, ...]:
        """The cards of those told of, then those of people known before who are not."""
        told = {
            self.ids[key]: PersonCard(
                id=self.ids[key], name=p.name, email=p.email, language=p.language, external_key=p.external_key
            )
            for key, p in self._persons.items()
            if not (self._skipping and key in self.bad)
        }
        return (*told.values(), *(card for card in self.before if card.id not in told))

    def gone_from(self, person: str) -> date | None:
        """The first day that someone told of does not work here any more; ``None`` without one."""
        ends = [employment.until for _, employment in self.rows_of(person)]
        if not ends or None in ends or person in self._unitless:
            return None
        return max(end for end in ends if end is not None)

    def gone(self, today: date) -> dict[str, date]:
        """Everyone who has left or will leave, with the first day they are not there.

        Who is not told of any more is gone `today`; nobody is, as long as a bad row could be about anyone.
        """
        leaving = {person: day for person in self._of if (day := self.gone_from(person)) is not None}
        told = set(self.ids.values())
        if self.told and not self.unreadable:
            leaving |= {card.id: today for card in self.before if card.id not in told}
        return leaving

    def number(self, key: str) -> str:
        """The id for a number: the one it had, else the next."""
        if key not in self.ids:
            known = self._known.get(key)
            self.ids[key] = known or f"p{self._next:04d}"
            self._next += known is None
        return self.ids[key]

    def note(self, key: str, person: _Person) -> None:
        """Keep who the number belongs to; note on the row when it says something else than an earlier one."""
        first = self._persons.setdefault(key, person)
        if (first.name.casefold(), first.email.casefold()) != (
            person.name.casefold(),
            person.email.casefold(),
        ):
            person.line.bad("duplicate_person", "key", value=person.external_key, other=first.line.row.line)
        owner = self._emails.setdefault(person.email.casefold(), key)
        if owner != key:
            other = self._persons[owner].line.row.line
            person.line.bad("duplicate_email", "email", value=person.email, other=other)

    def take(self, line: Line, employment: Employment) -> None:
        self.employments.append((line, employment))
        self._of.setdefault(employment.person, []).append((line, employment))

    def stay(self, person: str) -> None:
        """Someone who belongs here without working in a unit."""
        self._unitless.add(person)

    def rows_of(self, person: str) -> Sequence[tuple[Line, Employment]]:
        return self._of.get(person, ())

    def refuse(self, line: Line) -> None:
        """Remember whose row is bad, so that nobody is thought to have left because of it."""
        cell = line.repeatable("key")
        if cell:
            self.bad.add(folded_key(cell))
            self.number(folded_key(cell))
        else:
            self.unreadable = True


def folded_key(cell: str) -> str:
    """A number of the employer's as it is compared."""
    key = " ".join(cell.casefold().split())
    return key.lstrip("0") or key


def read_people(
    reading: Reading | None,
    existing: Organisation | None,
    existing_people: Sequence[PersonCard],
    units: Units,
    *,
    keys_with_roles: Collection[str],
    skipping: bool,
) -> People:
    """The people of the table, or those known before when there is no table."""
    people = People(existing, existing_people, told=reading is not None, skipping=skipping)
    if reading is None:
        return people
    if not reading.table.rows:
        reading.faults.append(fault(reading.table.file, "no_rows", scope="file"))
    for line in reading.lines:
        if line.ok:
            _read_person(line, people, units, keys_with_roles)
        if not line.ok:
            people.refuse(line)
    if skipping:
        _skip_other_rows(people)
    return people


def _skip_other_rows(people: People) -> None:
    """Someone with one bad row is left out as a whole: half of the rows would not be the truth."""
    for line, _ in people.employments:
        if line.ok and folded_key(line.cell("key")) in people.bad:
            line.bad("person_skipped", "key", value=line.cell("key"))
    people.employments = [(line, e) for line, e in people.employments if line.ok]


def _read_person(line: Line, people: People, units: Units, keys_with_roles: Collection[str]) -> None:
    external_key = line.need("key", text_of)
    name = _name(line)
    email = line.need("email", email_of)
    language = line.get("language", lambda cell: choice_of(cell, LANGUAGES, "nb, nn, en"))
    unit = line.get("unit", units.find)
    hours = _hours(line)
    kind = line.get("kind", lambda cell: choice_of(cell, EMPLOYMENT_TYPES, "ansatt, innleid, ekstern"))
    since = line.need("since", day_of) if line.cell("unit") else line.get("since", day_of)
    until = line.get("until", end_of)
    if since is not None and until is not None and until <= since:
        line.bad("until_before_since", "until", value=line.cell("until"), since=since)
    if kind == "external" and line.cell("unit"):
        line.bad("external_in_unit", "unit", value=line.cell("unit"))
    if external_key is None or name is None or email is None:
        return
    key = folded_key(external_key)
    person = people.number(key)
    people.note(key, _Person(name, email, language or "nb", external_key, line))
    if not line.cell("unit"):
        has_part = kind == "external" or (kind is None and key in keys_with_roles)
        if not has_part:
            line.bad("missing_unit", "unit")
        elif line.ok:
            people.stay(person)
        return
    if unit is None or since is None or kind == "external" or not line.ok:
        return
    closed = units.closed_from(unit)
    if closed is not None and (until is None or until > closed):
        line.bad("unit_closed", "unit", value=line.cell("unit"), since=closed)
    employment = Employment(
        person=person, unit=unit, kind=kind or "employee", hours_per_week=hours, since=since, until=until
    )
    for other_line, other in people.rows_of(person):
        if other.unit == unit and overlap(other, employment):
            line.bad("duplicate_person", "key", value=external_key, other=other_line.row.line)
            break
    if line.ok:
        people.take(line, employment)


def _name(line: Line) -> str | None:
    """The name from its own column, else the given and the family name."""
    if line.cell("name"):
        return line.get("name", text_of)
    given, family = line.get("given", text_of), line.get("family", text_of)
    if given or family:
        return " ".join(part for part in (given, family) if part)
    return line.need("name", text_of)


def _hours(line: Line) -> Decimal:
    """Hours a week as told; else from the percentage; else full time."""
    hours, part = line.get("hours", hours_of), line.get("percentage", hours_of_percentage)
    return hours or part or FULL_TIME
