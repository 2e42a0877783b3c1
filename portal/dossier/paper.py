"""The inspection file as a document that knows nothing of its form: the PDF and the web page show the same.

Every text in it is plain: whoever shows it must not read it as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

import activities.legible
from activities.language import Language
from workflows.rules.base import Frozen
from workflows.rules.statement import LONGEST_TEXT

MOST = LONGEST_TEXT
"""Characters of one text that are shown; of a longer one the rest is said to be left out, and facts.jsonl has it."""


NONE = "–"
"""What stands in a cell that is empty."""


def legible(text: str) -> str:
    """The text as it can be shown, with its line breaks: `activities.legible`."""
    return activities.legible.legible(text, lines=True)


class Paragraph(Frozen):
    kind: Literal["paragraph"] = "paragraph"
    text: str
    tone: Literal["plain", "quiet", "lacking"] = "plain"


class Listing(Frozen):
    """Points; `lacking` ones are what the record does not hold, `small` ones a reader may pass by."""

    kind: Literal["listing"] = "listing"
    items: tuple[str, ...] = Field(min_length=1)
    tone: Literal["plain", "lacking", "small"] = "plain"


class Citations(Frozen):
    """What is cited and what it says, small. `names` and `texts` are their languages where they are not the paper's."""

    kind: Literal["citations"] = "citations"
    rows: tuple[tuple[str, str], ...] = Field(min_length=1)
    names: Language | None = None
    texts: Language | None = None


class Pairs(Frozen):
    """Names and values. `code` values are shown with a fixed width, and may be broken anywhere."""

    kind: Literal["pairs"] = "pairs"
    rows: tuple[tuple[str, str], ...] = Field(min_length=1)
    code: bool = False


class Grid(Frozen):
    """A table with a heading row; `widths` are shares of the page's width, one a column.

    A `compact` one has a name and numbers: where the page is narrow, each row is two lines without empty cells.
    """

    kind: Literal["grid"] = "grid"
    caption: str
    head: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...] = Field(min_length=1)
    compact: bool = False


class Quote(Frozen):
    """What somebody wrote, as it was written, and above it who, when and where."""

    kind: Literal["quote"] = "quote"
    said: str
    text: str


class Picture(Frozen):
    """An SVG drawing with literal colours. `alt` says what it shows."""

    kind: Literal["picture"] = "picture"
    svg: str
    alt: str


Block = Paragraph | Listing | Citations | Pairs | Grid | Quote | Picture


class Section(Frozen):
    """`anchor` is unique in the paper; `level` is 1 for a chapter."""

    anchor: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str = Field(min_length=1)
    level: int = Field(ge=1, le=3)
    blocks: tuple[Block, ...] = ()
    new_page: bool = False


class Paper(Frozen):
    """A whole inspection file. `mark` stands on every page (a rehearsal says so); `running` at its head."""

    language: Language
    title: str
    subtitle: str
    running: str
    mark: str
    contents: str
    page: str
    cover: tuple[Block, ...]
    sections: tuple[Section, ...]


def joined(parts: Iterable[str], between: str = "\n") -> str:
    """The parts that are not empty."""
    return between.join(part for part in parts if part)
