"""Asking before something is done that cannot be undone."""

from __future__ import annotations

import sys

import click

from activities.language import _
from worker.cli.failures import Conflict, Failure
from worker.cli.frame import frame
from worker.cli.words import is_yes


class NotConfirmed(Failure):
    """Nobody can answer here, and the answer was not given beforehand."""

    code = "usage"
    exit_code = 2


def confirm(question: str, *, yes: bool) -> None:
    """Go on when the answer was given with `--yes` or is yes; `Conflict` when it is no.

    `NotConfirmed` for a program, or where nobody sits at the keyboard.
    """
    if yes:
        return
    if frame().json or not sys.stdin.isatty():
        raise NotConfirmed(
            _("Ingenting er gjort: ingen kan svare ja her."), _("Kjør igjen med --yes (eller --dry-run).")
        )
    if not is_yes(click.prompt(question, default="", show_default=False, err=True)):
        raise Conflict(_("Ingenting er gjort."), _("Kjør kommandoen igjen når du er sikker."))
