"""The inspection file as a document that knows nothing of its form: the PDF and the web page show the same.

Every text in it is plain: whoever shows it must not read it as markup.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from activities.language import Language
from workflows.rules.base import Frozen

MOST = 12_000
"""Characters of one text that are shown; the rest is said to be left out. facts.jsonl has all of it."""


def legible(text: str) -> str:
    """The text with what nobody can see written out: controls, marks that turn the direction, lone surrogates.

    Line breaks stay. A no-break space stays, since it is seen.
    """
    shown = "".join(
        char if char == "\n" or not unicodedata.category(char).startswith(("C", "Zl", "Zp"))
        else char.encode("unicode_escape").decode()
        for char in text.replace("\r\n", "\n")
    )  # fmt: skip
    return shown if len(shown) <= MOST else f"{shown[:MOST]} […]"


class Paragraph(Frozen):
    kind: Literal["paragraph"] = "paragraph"
    text: str
    tone: Literal["plain", "quiet", "lacking"] = "plain"


class Listing(Frozen):
    """Points; `lacking` ones are what the record does not hold, `small` ones a reader may pass by."""

    kind: Literal["listing"] = "listing"
    items: tuple[str, ...] = Field(min_length=1)
    tone: Literal["plain", "lacking", "small"] = "plain"


class Pairs(Frozen):
    """Names and values. `code` values are shown with a fixed width, and may be broken anywhere."""

    kind: Literal["pairs"] = "pairs"
    rows: tuple[tuple[str, str], ...] = Field(min_length=1)
    code: bool = False


class Grid(Frozen):
    """A table with a heading row; `widths` are shares of the page's width, one a column."""

    kind: Literal["grid"] = "grid"
    caption: str
    head: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...] = Field(min_length=1)


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


Block = Paragraph | Listing | Pairs | Grid | Quote | Picture


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
