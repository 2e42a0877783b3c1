"""What an import changes, so that a person can look before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal

from activities.directory.people import PersonCard
from workflows.rules.base import Frozen
from workflows.rules.organisation import Assignment, Employment, Organisation, Role, Unit

Detail = Literal[
    "name", "email", "language", "external_key", "unit", "kind", "hours", "parent", "area", "dates"
]


class Change(Frozen):
    """One detail that becomes another; an empty text stands for nothing."""

    detail: Detail
    before: str
    after: str


class PersonLine(Frozen):
    """A person as the preview names them. `day` is the first day here, or the first day no longer here."""

    person: str
    name: str
    external_key: str
    day: date | None = None
    changes: tuple[Change, ...] = ()


class UnitLine(Frozen):
    """A unit that is new, changed or closed, from `day`."""

    unit: str
    name: str
    day: date | None = None
    changes: tuple[Change, ...] = ()


class RoleLine(Frozen):
    """A role that somebody gets or loses, from `day`; ``None`` when one that was only planned is dropped."""

    role: Role
    person: str
    name: str
    unit: str | None = None
    area: str | None = None
    day: date | None = None


class Preview(Frozen):
    people_added: tuple[PersonLine, ...] = ()
    people_changed: tuple[PersonLine, ...] = ()
    people_left: tuple[PersonLine, ...] = ()
    units_added: tuple[UnitLine, ...] = ()
    units_changed: tuple[UnitLine, ...] = ()
    units_closed: tuple[UnitLine, ...] = ()
    roles_gained: tuple[RoleLine, ...] = ()
    roles_lost: tuple[RoleLine, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, by the name of the field."""
        return {name: len(getattr(self, name)) for name in type(self).model_fields}

    @property
    def empty(self) -> bool:
        return not any(self.counts.values())


def preview(
    before: Organisation | None,
    after: Organisation,
    people_before: Sequence[PersonCard],
    people_after: Sequence[PersonCard],
) -> Preview:
    """The difference between two pictures of one employer.

    Somebody has *left* whose last employment has got an end it did not have; the same for a unit that is
    *closed* and a role that is *lost*. An end may lie in the future.
    """
    added, changed, left = _people(before, after, people_before, people_after)
    opened, altered, closed = _units(before.units if before else (), after.units)
    gained, lost = _roles(before.assignments if before else (), after.assignments, people_after)
    return Preview(
        people_added=added,
        people_changed=changed,
        people_left=left,
        units_added=opened,
        units_changed=altered,
        units_closed=closed,
        roles_gained=gained,
        roles_lost=lost,
    )


def _people(
    before: Organisation | None,
    after: Organisation,
    cards_before: Sequence[PersonCard],
    cards_after: Sequence[PersonCard],
) -> tuple[tuple[PersonLine, ...], tuple[PersonLine, ...], tuple[PersonLine, ...]]:
    known = {card.id: card for card in cards_before}
    was, now = _by_person(before.employments if before else ()), _by_person(after.employments)
    added: list[PersonLine] = []
    changed: list[PersonLine] = []
    left: list[PersonLine] = []
    for card in cards_after:
        old, here, then = known.get(card.id), now.get(card.id, ()), was.get(card.id, ())
        line = PersonLine(person=card.id, name=card.name, external_key=card.external_key)
        if old is None or (here and not then) or _returned(then, here):
            added.append(
                line.model_copy(update={"day": min((e.since for e in here if e not in then), default=None)})
            )
            continue
        changes = (*_card_changes(old, card), *_work_changes(then, here))
        if (end := _end(here)) is not None and end != _end(then):
            left.append(line.model_copy(update={"day": end}))
        elif changes:
            day = min((e.since for e in here if _work(e) not in map(_work, then)), default=None)
            changed.append(line.model_copy(update={"day": day, "changes": changes}))
    return tuple(added), tuple(changed), tuple(left)


def _by_person(employments: Iterable[Employment]) -> dict[str, tuple[Employment, ...]]:
    people: dict[str, tuple[Employment, ...]] = {}
    for employment in employments:
        people[employment.person] = (*people.get(employment.person, ()), employment)
    return people


def _end(slices: Sequence[Employment | Unit | Assignment]) -> date | None:
    """The first day after all the slices; ``None`` when one of them goes on or there is none."""
    ends = [s.until for s in slices]
    return None if None in ends else max((e for e in ends if e is not None), default=None)


def _returned(then: Sequence[Employment], here: Sequence[Employment]) -> bool:
    """Whether someone whose employment was over, or was to be, has another that begins later."""
    end = _end(then)
    return end is not None and any(e.since >= end for e in here)


def _work(e: Employment) -> tuple[str, str, str]:
    return e.unit, e.kind, str(e.hours_per_week)


def _card_changes(old: PersonCard, new: PersonCard) -> list[Change]:
    details: tuple[Detail, ...] = ("name", "email", "language", "external_key")
    return [
        Change(detail=d, before=getattr(old, d), after=getattr(new, d))
        for d in details
        if getattr(old, d) != getattr(new, d)
    ]


def _work_changes(then: Sequence[Employment], here: Sequence[Employment]) -> list[Change]:
    """Unit, kind and hours as they were last and will be last; dates when only they differ."""
    if not then or not here:
        return []
    details: tuple[Detail, ...] = ("unit", "kind", "hours")
    last_then, last_here = (max(part, key=lambda e: e.since) for part in (then, here))
    changes = [
        Change(detail=d, before=b, after=a)
        for d, b, a in zip(details, _work(last_then), _work(last_here), strict=True)
        if a != b
    ]
    if not changes and set(then) != set(here):
        changes = [Change(detail="dates", before=_dates(last_then), after=_dates(last_here))]
    return changes


def _dates(s: Employment | Unit) -> str:
    return f"{s.since}/{s.until or ''}"


def _units(
    before: Sequence[Unit], after: Sequence[Unit]
) -> tuple[tuple[UnitLine, ...], tuple[UnitLine, ...], tuple[UnitLine, ...]]:
    added: list[UnitLine] = []
    changed: list[UnitLine] = []
    closed: list[UnitLine] = []
    for id in dict.fromkeys(u.id for u in after):
        was, now = ([u for u in part if u.id == id] for part in (before, after))
        last = max(now, key=lambda u: u.since)
        line = UnitLine(unit=id, name=last.name)
        end = _end(now)
        if not was:
            added.append(line.model_copy(update={"day": min(u.since for u in now)}))
        elif end is not None and end != _end(was):
            closed.append(line.model_copy(update={"day": end}))
        elif set(was) != set(now):
            old = max(was, key=lambda u: u.since)
            changes = _unit_changes(old, last)
            changed.append(line.model_copy(update={"day": last.since, "changes": changes}))
    return tuple(added), tuple(changed), tuple(closed)


def _unit_changes(old: Unit, new: Unit) -> tuple[Change, ...]:
    details: tuple[Detail, ...] = ("name", "parent", "area")
    changes = [
        Change(detail=d, before=getattr(old, d) or "", after=getattr(new, d) or "")
        for d in details
        if getattr(old, d) != getattr(new, d)
    ]
    return tuple(changes) or (Change(detail="dates", before=_dates(old), after=_dates(new)),)


def _roles(
    before: Sequence[Assignment], after: Sequence[Assignment], cards: Sequence[PersonCard]
) -> tuple[tuple[RoleLine, ...], tuple[RoleLine, ...]]:
    names = {card.id: card.name for card in cards}
    was, now = _by_role(before), _by_role(after)
    gained: list[RoleLine] = []
    lost: list[RoleLine] = []
    for key in dict.fromkeys([*now, *was]):
        then, here = was.get(key, ()), now.get(key, ())
        role, person, unit, area = key
        line = RoleLine(role=role, person=person, name=names.get(person, person), unit=unit, area=area)
        over, end = _end(then), _end(here)
        if not here:
            lost.append(line)
        elif not then or (over is not None and (end is None or end > over)):
            gained.append(line.model_copy(update={"day": max(a.since for a in here)}))
        elif end is not None and end != over:
            lost.append(line.model_copy(update={"day": end}))
    return tuple(gained), tuple(lost)


RoleKey = tuple[Role, str, str | None, str | None]


def _by_role(assignments: Iterable[Assignment]) -> dict[RoleKey, tuple[Assignment, ...]]:
    roles: dict[RoleKey, tuple[Assignment, ...]] = {}
    for a in assignments:
        key = (a.role, a.person, a.unit, a.area)
        roles[key] = (*roles.get(key, ()), a)
    return roles
