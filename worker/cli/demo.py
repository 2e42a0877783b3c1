"""`forsvarlig demo`: the whole year 2027 of the example employer, Nordfjord Tre AS."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import click

from activities.language import N_, _

YEAR = 2027


@click.command(
    help=N_(
        "Kjør hele året 2027 for eksempelvirksomheten Nordfjord Tre AS på den ekte motoren, på under ett minutt.\n\n"
        "112 oppdiktede ansatte i fire enheter: noen er sene, én er vikar, ett verneombud er uenig, én "
        "beslutning blir nektet, en leder slutter og en enhet blir lagt ned."
    )
)
@click.option("--folder", type=click.Path(path_type=Path), help=N_("Hvor demonstrasjonen skal ligge."))
def demo(folder: Path | None) -> None:
    from worker.cli.failures import Failure
    from worker.cli.frame import frame
    from worker.cli.rehearsal_run import Script, run
    from worker.story import read_story

    files = Path(__file__).parents[2] / "examples" / "nordfjord"
    if not files.is_dir():
        raise Failure(
            _("Eksempelvirksomheten mangler: {folder} finnes ikke.").format(folder=files),
            _("Installer forsvarlig på nytt, eller kjør «make demo» i kildekoden."),
        )
    script = Script(
        year=YEAR,
        employer=None,
        files=files,
        programme=None,
        story=read_story(files / "story.toml"),
        folder=folder or frame().settings.state / "demo",
    )
    asyncio.run(run(script, today=date(YEAR, 1, 1)))
