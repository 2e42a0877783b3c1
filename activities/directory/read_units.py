"""The tables of the employer and of its units and safety areas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from activities.directory.cells import (
    SECTORS,
    YES_NO,
    BadCell,
    choice_of,
    day_of,
    end_of,
    id_of,
    org_number_of,
    text_of,
)
from activities.directory.faults import fault
from activities.directory.merge import overlap
from activities.directory.rows import Line, Reading
from workflows.rules.organisation import Organisation, SafetyArea, Slice, Unit


def read_employer(reading: Reading, existing: Organisation | None) -> dict[str, Any] | None:
    """The employer's own fields of the `Organisation`; ``None`` when there is a fault."""
    if len(reading.lines) != 1:
        table = reading.table
        reading.faults.append(
            fault(
                table.file,
                "one_employer",
                line=table.header_line,
                scope="file",
                params={"found": len(reading.lines)},
            )
        )
        return None
    line = reading.lines[0]
    if not line.ok:
        return None
    name, org_number = line.need("name", text_of), line.need("org_number", org_number_of)
    id = line.get("id", id_of)
    sector = line.get("sector", lambda cell: choice_of(cell, SECTORS, "privat, offentlig"))
    ohs_required = line.get("ohs_required", lambda cell: choice_of(cell, YES_NO, "ja, nei"))
    demanded = {field: line.get(field, day_of) for field in ("wec_demanded", "ldl_26_demanded")}
    if existing is not None and org_number is not None and org_number != existing.org_number:
        line.bad("other_employer", "org_number", value=org_number, known=existing.org_number)
    elif existing is not None and id is not None and id != existing.employer:
        line.bad("other_employer", "id", value=id, known=existing.employer)
    if not line.ok:
        return None
    return {
        # Not made of the name: a sole proprietor's is a person's, and ids stand where nothing can be erased.
        "employer": existing.employer if existing else id or org_number,
        "org_number": org_number,
        "name": name,
        "sector": sector or "private",
        "ohs_required": bool(ohs_required),
        **demanded,
    }


UNREAD = "unread"
"""Stands for what a bad row may be about, so that the row is told of once; such an import gives no result."""


class Units:
    """The units told of and the rows they stand in; finds a unit or a safety area by what a cell calls it.

    Units whose only rows are at fault are in `bad`. They can still be found, so that one fault does not make
    a hundred, except when bad rows are skipped and the unit is not known from before.
    """

    def __init__(self, existing: Organisation | None, *, told: bool, skipping: bool) -> None:
        self.told = told
        self.lines: list[tuple[Line, Unit]] = []
        self.areas: dict[str, SafetyArea] = {}
        self.bad: set[str] = set()
        self.unreadable = False
        self.before: tuple[Unit, ...] = existing.units if existing else ()
        self._skipping = skipping
        self._slices: dict[str, list[Unit]] = {}
        self._rows: dict[str, list[tuple[Line, Unit]]] = {}
        self._names: dict[str, set[str]] = {}

    def add(self, unit: Unit) -> None:
        self._slices.setdefault(unit.id, []).append(unit)
        self._names.setdefault(_folded(unit.name), set()).add(unit.id)

    def take(self, line: Line, unit: Unit) -> None:
        """Add the unit of a row, unless another row has the same unit at the same time."""
        rows = self._rows.setdefault(unit.id, [])
        for other_line, other in rows:
            if overlap(other, unit):
                line.bad("duplicate_unit", "id", value=line.cell("id"), other=other_line.row.line)
                return
        rows.append((line, unit))
        self.lines.append((line, unit))
        self.add(unit)

    def refuse(self, line: Line) -> None:
        """Remember what a bad row calls its unit."""
        cell, name = line.repeatable("id"), line.repeatable("name")
        try:
            id = id_of(cell)
        except BadCell:
            self.unreadable = True
            return
        self.bad.add(id)
        if name:
            self._names.setdefault(_folded(name), set()).add(id)

    def drop(self, line: Line, unit: Unit) -> None:
        self.lines.remove((line, unit))
        self._slices[unit.id].remove(unit)
        if not self._slices[unit.id]:
            del self._slices[unit.id]
        self.refuse(line)

    def __contains__(self, id: str) -> bool:
        return id in self._slices

    def stays(self, id: str) -> bool:
        """Whether a unit that only stands in bad rows stays as it was."""
        return any(u.id == id for u in self.before)

    def find(self, cell: str) -> str:
        """The id of the unit that the cell names by id or by name."""
        try:
            id: str | None = id_of(cell)
        except BadCell:
            id = None
        if id is None or not (id in self._slices or id in self.bad):
            named = self._names.get(_folded(cell), set())
            if len(named) > 1:
                raise BadCell("ambiguous_unit", value=cell, known=", ".join(sorted(named)))
            id = next(iter(named), None)
        if id is None:
            if self.unreadable and not self._skipping:
                return UNREAD
            raise BadCell("unknown_unit", value=cell)
        if self._skipping and id not in self._slices and not self.stays(id):
            raise BadCell("unit_skipped", value=cell)
        return id

    def find_area(self, cell: str) -> str:
        """The id of a safety area that some unit lies in."""
        try:
            id = id_of(cell)
        except BadCell:
            id = ""
        if id not in self.areas:
            known = ", ".join(a.name for a in self.areas.values()) or "–"
            raise BadCell("unknown_area", value=cell, known=known)
        return id

    def note_area(self, cell: str) -> str:
        id = id_of(cell)
        self.areas.setdefault(id, SafetyArea(id=id, name=text_of(cell)))
        return id

    def closed_from(self, id: str) -> date | None:
        """The day the unit is closed from; ``None`` while no end is known."""
        ends = [unit.until for unit in self._slices.get(id, [])]
        return max((e for e in ends if e is not None), default=None) if None not in ends else None

    def line_of(self, id: str) -> Line | None:
        return next((line for line, unit in self.lines if unit.id == id), None)


def read_units(
    reading: Reading | None, existing: Organisation | None, *, first_day: date, today: date, skipping: bool
) -> Units:
    """The units of the table, or those in `existing` when there is no table.

    A unit without a start has been there as long as it is known, else since `first_day`.
    """
    units = Units(existing, told=reading is not None, skipping=skipping)
    if reading is None:
        for unit in units.before:
            units.add(unit)
        units.areas = {area.id: area for area in existing.areas} if existing else {}
        return units
    if not reading.table.rows:
        reading.faults.append(fault(reading.table.file, "no_rows", scope="file"))
    for line in reading.lines:
        _read_unit(line, units, first_day, today)
    _find_parents(units)
    return units


def _read_unit(line: Line, units: Units, first_day: date, today: date) -> None:
    if line.ok:
        id, name = line.need("id", id_of), line.need("name", text_of)
        area = line.get("area", units.note_area)
        since, until = line.get("since", day_of), line.get("until", end_of)
        if id is not None and name is not None and line.ok:
            if since is None:
                since = known_start([u for u in units.before if u.id == id], today) or first_day
            if until is not None and until <= since:
                line.bad("until_before_since", "until", value=line.cell("until"), since=since)
            else:
                unit = Unit(id=id, name=name, area=area, since=since, until=until)
                units.take(line, unit)
    if not line.ok:
        units.refuse(line)


def _find_parents(units: Units) -> None:
    """Give every unit its parent; one whose parent is not found is refused, and those below it may follow."""
    while True:
        for place, (line, unit) in enumerate(units.lines):
            cell = line.cell("parent")
            parent = line.get("parent", units.find)
            if line.ok:
                units.lines[place] = (line, unit.model_copy(update={"parent": parent if cell else None}))
            else:
                units.drop(line, unit)
                break
        else:
            return


def known_start(slices: Sequence[Slice], today: date) -> date | None:
    """When the slice in force began, or else the last one."""
    in_force = [s.since for s in slices if s.holds_on(today)]
    return max(in_force or [s.since for s in slices], default=None)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
