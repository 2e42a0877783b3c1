"""Tables and texts for people, through rich. Nothing is read as markup: names may have brackets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


class Column(NamedTuple):
    """A column of a table; a `fixed` one is never made narrower than what is in it."""

    heading: str
    fixed: bool = False
    right: bool = False
    share: int | None = None
    """How much of the room that is left it takes, against the others with a share."""
    style: str | None = None
    width: int | None = None


Cell = str | Text


def plain(text: str, style: str = "") -> Text:
    """`text` as it is, in a style."""
    return Text(text, style=style)


def heading(text: str) -> RenderableType:
    """A heading with an empty line before it."""
    return Padding(Text(text, style="bold"), (1, 0, 0, 0), expand=False)


def mark(kind: Literal["ok", "warning", "error"], text: str) -> Text:
    """A line that says at its beginning, in a sign and in colour, how serious it is."""
    sign, style = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}[kind]
    return Text.assemble((sign, style), " ", text)


def then(label: str, command: str) -> Text:
    """What to do next: a label, and a command to type."""
    return Text.assemble((label, "bold"), " ", command)


def indented(part: RenderableType, by: int = 2) -> RenderableType:
    """`part` moved to the right, every line of it."""
    return Padding(part, (0, 0, 0, by), expand=False)


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]] = ()) -> Table:
    """A table without lines, which fits into any width by wrapping the columns that are not fixed."""
    wide = any(column.share for column in columns)
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=wide)
    for column in columns:
        options: dict[str, Any] = {
            "no_wrap": column.fixed, "overflow": "fold", "ratio": column.share, "width": column.width,
        }  # fmt: skip
        made.add_column(
            Text(column.heading), justify="right" if column.right else "left", style=column.style, **options
        )
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return made


def unheaded(rows: Iterable[Sequence[Cell]], columns: Sequence[Column] = ()) -> Table:
    """Rows whose columns need no names."""
    cells = list(rows)
    made = table(columns or [Column("")] * max((len(row) for row in cells), default=0), cells)
    made.show_header = False
    return made


def stacked(*parts: RenderableType | None) -> Group:
    """The parts below each other; what is None is left out."""
    return Group(*(Text(part) if isinstance(part, str) else part for part in parts if part is not None))
