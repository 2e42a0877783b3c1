"""Options whose values are words that stand for something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import click

from activities.language import _
from worker.cli.naming import visible

_SHOWN = 40
"""Characters that are repeated of a word that is none of them."""


Word = TypeVar("Word", bound=str)


class Meaning(click.Choice[Word]):
    """One of several words. Who gives none of them, or another, reads what each of them means.

    `meanings` holds a message id for each word.
    """

    def __init__(self, meanings: Mapping[Word, str]) -> None:
        super().__init__(list(meanings))
        self._meanings = dict(meanings)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """The words with their meanings, one a line."""
        return "\n".join([_("Velg blant:"), *self._lines()])

    def get_invalid_choice_message(self, value: str, ctx: click.Context | None) -> str:
        """What was typed, and the words with their meanings."""
        wrong = _("«{value}» kan ikke velges her. Velg blant:").format(value=visible(value[:_SHOWN]))
        return "\n".join([wrong, *self._lines()])

    def _lines(self) -> list[str]:
        widest = max(map(len, self._meanings))
        return [f"  {word:<{widest}}  {_(text)}" for word, text in self._meanings.items()]
