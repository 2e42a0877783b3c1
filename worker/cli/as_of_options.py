"""The options that ask how something stood on a day of the past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from activities.language import N_, _
from worker.cli.moments import DAY

if TYPE_CHECKING:
    from activities.as_of import Clock


class Then(NamedTuple):
    """A day of the past, seen when it was over, and which of the facts' times is meant."""

    day: date
    clock: Clock


Command = TypeVar("Command", bound=Callable[..., Any])


def as_of_options(command: Command) -> Command:
    """`--as-of` and `--by`; give both to `asked_then`."""
    by = click.option(
        "--by",
        "clock",
        type=click.Choice(["recorded", "concerned"]),
        metavar=N_("KLOKKE"),
        help=N_("Med --as-of: det som var ført da (recorded), eller det som gjaldt da (concerned)."),
    )
    day = click.option(
        "--as-of", type=DAY, metavar=N_("DATO"), help=N_("Slik det var da denne dagen var over.")
    )
    return day(by(command))


def asked_then(as_of: date | None, clock: str | None) -> Then | None:
    """The day and the clock that were typed; None for now. A `--by` alone is a usage error."""
    if as_of is None:
        if clock is not None:
            raise click.UsageError(_("--by hører til --as-of."))
        return None
    return Then(as_of, "concerned" if clock == "concerned" else "recorded")
