"""`forsvarlig config`: what is set, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from worker.cli.frame import emit, frame

if TYPE_CHECKING:
    from rich.table import Table

    from worker.settings import Effective


@click.group(help=N_("Vis innstillingene og hvor de kommer fra."))
def config() -> None:
    """What is set, and where."""


@config.command(
    help=N_(
        "Vis hver innstilling, verdien som gjelder, og hvor den kommer fra. Hemmeligheter vises ikke. "
        "Tilkoblingen til Temporal settes på Temporals egen måte: TEMPORAL_ADDRESS eller en profil."
    )
)
def show() -> None:
    """Print each effective value and its origin, secrets masked."""
    from worker.settings import effective

    settings = list(effective(frame().settings))
    emit("config", {"settings": [each._asdict() for each in settings]}, table=lambda: _table(settings))


def _table(settings: list[Effective]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in (_("Innstilling"), _("Verdi"), _("Kommer fra")):
        table.add_column(heading, overflow="fold")
    for name, value, origin in settings:
        # Not as markup: a value may have brackets.
        table.add_row(Text(name), Text(_shown(value)), Text(origin))
    return table


def _shown(value: str | int | bool | None) -> str:
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)
