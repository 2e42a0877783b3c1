"""`forsvarlig ledger export`: the whole ledger in one file, for whoever checks it without trusting this program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.language import N_, _, format_number
from worker.cli.failures import Conflict
from worker.cli.frame import emit
from worker.cli.ledger_given import damaged, newest_checkpoint, one_ledger
from worker.cli.options import employer_option

if TYPE_CHECKING:
    from activities.ledger.bundle import Bundle
    from activities.store.database import Database
    from workflows.rules.events import Fact


@click.command(
    short_help=N_("Skriv hele hovedboken til én fil."),
    help=N_(
        "Skriv hele hovedboken til én fil, med alle kontrollpunkter. Den kontrolleres uten nett og uten dette "
        "programmet."
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar=N_("FIL"))
@click.option(
    "--texts",
    type=click.Choice(["none", "all"]),
    default="none",
    show_default=True,
    help=N_("Om det folk har skrevet, skal være med: none (ikke) eller all (det --as får lese)."),
)
@click.option(
    "--as",
    "person",
    metavar=N_("PERSON"),
    help=N_("Den som leser tekstene: id, e-post, ansattnr eller navn."),
)
@employer_option
def export(file: Path, texts: str, person: str | None, employer: str | None) -> None:
    """Write a bundle."""
    if (texts == "all") != (person is not None):
        raise click.UsageError(
            _("Med --texts all må det stå hvem som leser dem, med --as; ellers skal --as ikke være med.")
        )
    asyncio.run(_export(file, person, employer))


async def _export(file: Path, person: str | None, employer: str | None) -> None:
    from activities.ledger.log import LedgerError

    if file.exists():
        raise Conflict(_("{file} er der fra før.").format(file=file), _("Velg et annet navn."))
    try:
        written, home = await _written(file, person, employer)
    except LedgerError as error:
        raise damaged(error) from error
    emit(
        "ledger-export",
        {"employer": home, "file": file, **written.model_dump()},
        table=lambda: "\n".join(_lines(file, written)),
    )


async def _written(file: Path, person: str | None, employer: str | None) -> tuple[Bundle, str]:
    from activities.ledger.bundle import write_bundle

    async with one_ledger(employer) as (database, home):
        show = await _readable(database, home.id, person) if person is not None else _nothing
        await newest_checkpoint(database, home.id)
        async with database.read() as reader:
            try:
                with file.open("xb") as out:
                    written = await write_bundle(reader, home.id, out, show=show)
            except BaseException:
                # Half a ledger must not be taken for a whole one.
                file.unlink(missing_ok=True)
                raise
    return written, home.id


def _nothing(_seq: int, _fact: Fact) -> bool:
    return False


async def _readable(database: Database, employer: str, text: str) -> Callable[[int, Fact], bool]:
    """Which texts the person may read; that those of others are read now is noted first."""
    from activities.ledger.log import committed
    from activities.reading import Readership, note_read
    from worker.cli import clock
    from worker.cli.people import find_person
    from workflows.rules.calendar import oslo_day
    from workflows.rules.reading import written_by

    now = clock.now()
    day: date = oslo_day(now)
    async with database.read() as reader:
        person = find_person(await reader.people(employer), text).id
        readers = await Readership.of(reader, employer)
        facts = await reader.facts(employer)
    mine = {
        seq: person in written_by(fact)
        for seq, fact in facts
        if committed(fact) is not None and readers.may_read(person, fact, day)
    }
    await note_read(database, employer, person, "history", [seq for seq, own in mine.items() if not own], now)
    return lambda seq, _fact: seq in mine


def _lines(file: Path, written: Bundle) -> list[str]:
    said = _("{count} fakta ligger i {file}. Kontrollpunkter: {checkpoints}.").format(
        count=format_number(written.size), checkpoints=format_number(written.checkpoints), file=file
    )
    held = _("Tekster som er holdt tilbake: {count}. At de finnes, kontrolleres likevel.").format(
        count=format_number(written.withheld)
    )
    digest = f"SHA-256 {written.sha256}"
    return [said, *([held] if written.withheld else []), digest]
