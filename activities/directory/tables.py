"""What a file holds once it is decoded: headings and rows of text, with their place in the file."""

from __future__ import annotations

import unicodedata

from activities.directory.columns import Kind
from workflows.rules.base import Frozen


class Row(Frozen):
    """One row; `line` counts from 1 as an editor or a spreadsheet shows it."""

    line: int
    cells: tuple[str, ...]


class Table(Frozen):
    """One table of one file or sheet. Every cell is text: NFC, stripped; dates as 2026-01-31, numbers with a
    point, yes and no as «ja» and «nei».

    `column_lines` is set for a TOML file, where each key stands on a line of its own.
    """

    kind: Kind
    file: str
    header_line: int = 1
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    column_lines: tuple[int, ...] = ()


class Sources(Frozen):
    """The files of one employer, at most one table of each kind. `ignored` files and sheets were not read."""

    tables: tuple[Table, ...]
    ignored: tuple[str, ...] = ()

    def table(self, kind: Kind) -> Table | None:
        return next((t for t in self.tables if t.kind == kind), None)


def clean(text: str) -> str:
    """A cell as it is kept: composed characters (NFC), no space or byte-order mark around it."""
    return unicodedata.normalize("NFC", text).strip().strip("\ufeff").strip()
