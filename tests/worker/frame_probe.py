"""Commands that do what a command may do; `test_cli_frame` puts a copy where `forsvarlig` finds it."""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import click

from activities.language import N_
from worker.cli import failures
from worker.cli.frame import emit, progress, working


@click.group(help=N_("Vis innstillingene og hvor de kommer fra."))
def probe() -> None:
    pass


@probe.command(help=N_("Avbrutt."))
@click.argument("kind")
def fail(kind: str) -> None:
    raise getattr(failures, kind)("Året 2027 finnes ikke.", "forsvarlig year list")


@probe.command()
def crash() -> None:
    raise KeyError("x")


@probe.command()
@click.option("--count", type=int, required=True)
@click.option("--state", help="own meaning")
def show(count: int, state: str | None) -> None:
    progress("busy")
    emit("probe", {"day": date(2027, 1, 4), "count": count, "state": state}, table="én\nto")


@probe.command()
def ask() -> None:
    click.confirm("?", abort=True)


@probe.command()
def wait() -> None:
    click.echo("waiting")
    sys.stdout.flush()
    time.sleep(60)


@probe.command()
def much() -> None:
    for number in range(100000):
        click.echo(number)


@probe.command()
def slow() -> None:
    with working("busy"):
        click.echo("done")


@probe.command()
@click.argument("file", type=click.File())
def read(file: Any) -> None:
    pass


@probe.command()
def remedied() -> None:
    from worker.connection import NoTemporal

    raise NoTemporal("No server.", "Start it.")


@probe.command()
@click.argument("kind")
def absent(kind: str) -> None:
    from activities.cycles import YearError
    from activities.store.errors import NotThere

    if kind in ("employer", "organisation", "cycle", "document"):
        raise getattr(NotThere, kind)("nordfjord")
    raise YearError(kind, "nordfjord")


@probe.command()
def missing() -> None:
    Path("/nowhere/at/all").read_text()
