"""What people wrote, as it can be shown anywhere: nothing in it is hidden, turned round or steers a terminal."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

TAB = "    "
"""What a tab is shown as."""

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""What has no look of its own, and shapes what stands on both sides of it."""


def legible(text: str, *, lines: bool = False) -> str:
    """The text with what nobody can see written out as `\\x1b`: controls, marks that turn the direction, lone
    surrogates.

    With `lines`, line breaks stay, as `\\n`. A tab becomes spaces. The two joiners stay where they shape what
    stands on both sides of them, as in a family of emoji or a Persian word. Doing it again changes nothing.
    """
    if lines:
        text = text.replace("\r\n", "\n")
    if text.isprintable():
        return text
    shown = []
    for before, char, after in zip(["", *text], text, [*text[1:], ""], strict=False):
        if char == "\t":
            shown.append(TAB)
        elif (lines and char == "\n") or not _is_hidden(char) or (char in JOINERS and _joins(before, after)):
            shown.append(char)
        else:
            shown.append(char.encode("unicode_escape").decode())
    return "".join(shown)


@lru_cache(4096)
def _is_hidden(char: str) -> bool:
    return unicodedata.category(char).startswith(("C", "Zl", "Zp"))


def _joins(before: str, after: str) -> bool:
    """Whether a joiner between these has something to do. Between two of ASCII's it has not, and only hides."""
    if not before or not after or (before + after).isascii():
        return False
    return not any(_is_hidden(c) or c.isspace() for c in (before, after))
