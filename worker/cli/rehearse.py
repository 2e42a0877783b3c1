"""`forsvarlig rehearse`: a whole year on the real engine with virtual clocks, before anybody is bothered."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import click

from activities.language import N_, _
from worker.cli.options import employer_option


@click.command(
    help=N_(
        "Kjør et helt år på prøve: de samme arbeidsflytene på den ekte motoren, med virtuell klokke.\n\n"
        "Alt havner i en egen mappe og sier for alltid at det er en prøve. Uten --files brukes organisasjonen "
        "som er importert. Uten --story svarer alle i god tid; med --silent svarer ingen."
    )
)
@click.argument("year", type=click.IntRange(2000, 2099), metavar="ÅR")
@employer_option
@click.option(
    "--files",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help=N_("Mappe med virksomhetens filer, i stedet for det som er importert."),
)
@click.option(
    "--programme", type=click.Path(path_type=Path), help=N_("Et annet program enn standardprogrammet.")
)
@click.option("--story", type=click.Path(path_type=Path), help=N_("TOML-fil med hva folk gjør."))
@click.option("--silent", is_flag=True, help=N_("Ingen svarer: vis alle påminnelser og opptrappinger."))
@click.option("--folder", type=click.Path(path_type=Path), help=N_("Hvor prøven skal ligge."))
def rehearse(
    year: int,
    employer: str | None,
    files: Path | None,
    programme: Path | None,
    story: Path | None,
    silent: bool,
    folder: Path | None,
) -> None:
    from worker.cli.frame import frame
    from worker.cli.rehearsal_run import Script, run
    from worker.story import Story, read_story

    if silent and story is not None:
        raise click.UsageError(_("Velg enten --story eller --silent."))
    told = Story(silent=True) if silent else read_story(story) if story else Story()
    place = folder or frame().settings.state / "rehearsals" / f"{employer or 'year'}-{year}"
    script = Script(year=year, employer=employer, files=files, programme=programme, story=told, folder=place)
    asyncio.run(run(script, today=date(year, 1, 1)))
