"""Lines of text that fit the terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from datetime import date

import click

from activities.language import _, format_day, ngettext

_WIDEST = 100


def width() -> int:
    """Columns that texts may take: those of the terminal, up to what is still easy to read."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return min(_WIDEST, max(40, shutil.get_terminal_size().columns))
    return _WIDEST


def wrapped(text: str, indent: int = 0, hang: int | None = None) -> list[str]:
    """`text` in lines that fit, after `indent` spaces, or `hang` from the second on; its line breaks stay."""
    hang = indent if hang is None else hang
    lines: list[str] = []
    for part in text.splitlines() or [""]:
        lines += textwrap.wrap(
            part, width(), initial_indent=" " * (hang if lines else indent),
            subsequent_indent=" " * hang,
            break_long_words=False, break_on_hyphens=False,
        ) or [""]  # fmt: skip
    return lines


def heading(text: str) -> str:
    return click.style(text, bold=True)


def deadline(due: date | None, today: date) -> str:
    """The due date with its weekday, and how far off it is; late ones in words and in red."""
    if due is None:
        return _("ingen frist")
    days = (due - today).days
    if days < 0:
        text = ngettext("{day} – {days} dag over fristen", "{day} – {days} dager over fristen", -days)
        return click.style(text.format(day=format_day(due), days=-days), fg="red", bold=True)
    if days == 0:
        return click.style(_("{day} – i dag").format(day=format_day(due)), fg="yellow", bold=True)
    text = ngettext("{day} – om {days} dag", "{day} – om {days} dager", days)
    return text.format(day=format_day(due), days=days)
