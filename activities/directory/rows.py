"""From tables of text to rows whose cells can be asked for by field, with every fault noted at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from activities.directory.cells import BadCell
from activities.directory.columns import NATIONAL_ID_HEADINGS, TABLES, field_of, folded, missing_fields
from activities.directory.faults import Code, ImportFault, Scope, fault, shown
from activities.directory.national_ids import contains_national_id
from activities.directory.tables import Row, Table
from workflows.rules.base import Frozen

T = TypeVar("T")


class IgnoredColumn(Frozen):
    """A column that no field is known for; it is left out."""

    file: str
    column: str


class Line:
    """One row being read. `ok` turns false with the first fault; a bad row gives nothing."""

    def __init__(self, table: Table, row: Row, places: Mapping[str, int], faults: list[ImportFault]) -> None:
        self.table = table
        self.row = row
        self.ok = True
        self._places = places
        self._faults = faults

    def bad(self, code: Code, field: str | None = None, **params: object) -> None:
        self.ok = False
        self._faults.append(self.fault_here(code, field, **params))

    def fault_here(self, code: Code, field: str | None = None, **params: object) -> ImportFault:
        place = self._places.get(field) if field else None
        line = self.row.line
        if place is not None and self.table.column_lines:
            line = self.table.column_lines[place]
        column = None if place is None else self.table.columns[place]
        return fault(self.table.file, code, line=line, column=column, params=params)

    def cell(self, field: str) -> str:
        place = self._places.get(field)
        return "" if place is None or place >= len(self.row.cells) else self.row.cells[place]

    def repeatable(self, field: str) -> str:
        """The cell, or nothing when it holds a national identity number."""
        cell = self.cell(field)
        return "" if contains_national_id(cell) else cell

    def get(self, field: str, meaning: Callable[[str], T]) -> T | None:
        """What the cell means; ``None`` when it is empty or wrong, and then the fault is noted."""
        cell = self.cell(field)
        if not cell:
            return None
        try:
            return meaning(cell)
        except BadCell as error:
            self.bad(error.code, field, **error.params)
            return None

    def need(self, field: str, meaning: Callable[[str], T]) -> T | None:
        """The same for a cell that must not be empty."""
        if not self.cell(field):
            self.bad("missing_value", field, heading=TABLES[self.table.kind][field].headings[0])
            return None
        return self.get(field, meaning)


class Reading:
    """A table with its columns found: good rows in `lines`, `complete` when no required column is missing."""

    def __init__(self, table: Table, faults: list[ImportFault]) -> None:
        self.table = table
        self.faults = faults
        self.ignored: list[IgnoredColumn] = []
        places: dict[str, int] = {}
        unknown: list[int] = []
        for place, heading in enumerate(table.columns):
            field = field_of(table.kind, heading)
            if field is None:
                unknown.append(place)
            elif field in places:
                first = table.columns[places[field]]
                faults.append(self._column_fault("duplicate_column", place, "file", other=first))
            else:
                places[field] = place
        for place in unknown:
            self._leave_out(place, faults)
        missing = missing_fields(table.kind, places.keys())
        for field in missing:
            known = ", ".join(TABLES[table.kind][field].headings)
            faults.append(
                fault(
                    table.file,
                    "missing_column",
                    line=table.header_line,
                    scope="file",
                    params={"known": known},
                )
            )
        self.complete = not missing
        self.lines = [Line(table, row, places, faults) for row in table.rows] if self.complete else []
        for line in self.lines:
            self._check(line, places)

    def _column_fault(self, code: Code, place: int, scope: Scope = "column", **params: object) -> ImportFault:
        table = self.table
        line = table.column_lines[place] if table.column_lines else table.header_line
        return fault(table.file, code, line=line, column=table.columns[place], scope=scope, params=params)

    def _leave_out(self, place: int, faults: list[ImportFault]) -> None:
        """Keep a column of no known field out, and refuse it when it holds national identity numbers."""
        table = self.table
        heading = table.columns[place]
        cells = [
            (row.line, row.cells[place]) for row in table.rows if place < len(row.cells) and row.cells[place]
        ]
        if not heading and not cells:
            return
        self.ignored.append(IgnoredColumn(file=table.file, column=shown(heading)))
        found = [line for line, cell in cells if contains_national_id(cell)]
        if contains_national_id(heading) or (folded(heading) in NATIONAL_ID_HEADINGS and cells):
            faults.append(self._column_fault("national_id_column", place))
        elif found:
            faults.append(
                self._column_fault("national_id_column", place).model_copy(update={"line": found[0]})
            )

    def _check(self, line: Line, places: Mapping[str, int]) -> None:
        """Refuse a row with a national identity number in it before anything in it can be repeated."""
        for field, place in places.items():
            if place < len(line.row.cells) and contains_national_id(line.row.cells[place]):
                line.bad("national_id", field)
        width = len(self.table.columns)
        if line.ok and any(line.row.cells[width:]):
            if any(contains_national_id(cell) for cell in line.row.cells[width:]):
                line.bad("national_id")
            else:
                line.bad("too_many_cells", expected=width, found=len(line.row.cells))
