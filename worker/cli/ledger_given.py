"""`forsvarlig ledger pin`, and what the ledger commands share: which ledgers, and what can be wrong with a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from activities.phrases import said
from worker.cli.failures import BadInput, Conflict, Failure, NotFound
from worker.cli.frame import emit, frame
from worker.cli.options import employer_option

if TYPE_CHECKING:
    from activities.checkpoints import LogKeyError, Made
    from activities.ledger.heads import Anchor
    from activities.store.database import Database
    from activities.store.rows import EmployerRow

LARGEST = 1_000_000
"""Bytes of a file that is read whole: an anchor, a request, a time stamp, certificates."""


@asynccontextmanager
async def ledgers(employer: str | None) -> AsyncIterator[tuple[Database, list[EmployerRow]]]:
    """The store, and the employer that is wanted, or all of them."""
    from worker.cli.employers import chosen, store

    async with store() as database:
        async with database.read() as reader:
            homes = [await chosen(reader, employer)] if employer else await reader.employers()
            homes = homes or [await chosen(reader, None)]
        yield database, homes


@asynccontextmanager
async def one_ledger(employer: str | None) -> AsyncIterator[tuple[Database, EmployerRow]]:
    """The store, and the employer that is wanted, or the only one."""
    from worker.cli.employers import chosen, store

    async with store() as database:
        async with database.read() as reader:
            home = await chosen(reader, employer)
        yield database, home


def content_of(file: Path) -> bytes:
    """What the file holds; `BadInput` when it is too large to be what it should be."""
    with file.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BadInput(
            _("{file} er for stor til å være det den skal være.").format(file=file), _("Rett filnavnet.")
        )
    return content


def log_key_failure(error: LogKeyError) -> Failure:
    """What to do about a log key that is not the one that counts."""
    problem = _("Nøkkelen i {file} er {key}, men hovedboken til {employer} har sist registrert {enrolled}.")
    return Conflict(
        problem.format(
            file=frame().settings.log_key, key=error.key, employer=error.employer, enrolled=error.enrolled
        ),
        _(
            "Legg den rette filen tilbake. Er den borte, bytt nøkkel for åpen skjerm: forsvarlig ledger "
            "rotate-key --lost"
        ),
    )


def damaged(error: Exception) -> Failure:
    """What to do about a ledger or a checkpoint that cannot be read, or is not signed as it must be."""
    return Failure(
        _("Hovedboken eller det nyeste kontrollpunktet er endret utenfra: {error}.").format(
            error=said(error)
        ),
        _("Ta vare på databasen slik den er, og kontroller den: forsvarlig db verify"),
    )


async def newest_checkpoint(database: Database, employer: str) -> Made:
    """The checkpoint over all that is recorded, made now if it is not there."""
    from activities.checkpoints import Checkpoints, LogKeyError
    from activities.ledger.log import LedgerError
    from activities.ledger.notes import NoteError
    from activities.signatures import SigningKey
    from activities.signed_heads import SignedHeads, TakenBack
    from worker.cli import clock
    from worker.cli.ledger_restored import taken_back
    from workflows.rules.stored_facts import FactError

    settings = frame().settings
    key, signed = SigningKey.load_or_make(settings.log_key), SignedHeads(settings.signed_heads)
    try:
        return await Checkpoints(database, key, clock.now, signed).make(employer)
    except LogKeyError as error:
        raise log_key_failure(error) from error
    except TakenBack as error:
        raise taken_back(error) from error
    except (LedgerError, FactError, NoteError) as error:
        raise damaged(error) from error


def write_new(place: Path, content: str) -> None:
    """Write the file; one with the same content is left, and `Conflict` for any other that is there."""
    from activities.anchors import write_file

    if place.exists():
        if content_of(place) == content.encode():
            return
        raise Conflict(
            _("{file} er der fra før, og et anker blir aldri skrevet over.").format(file=place),
            _("Velg et annet navn, eller en mappe."),
        )
    write_file(place, content)


# --- pin ------------------------------------------------------------------------------------------


@click.command(
    short_help=N_("Lag et anker, til å ta vare på utenfor."),
    help=N_(
        "Lag et anker: en liten fil som låser alt som står i hovedboken nå. Send den til verneombudet, eller legg "
        "den et sted der ingen som styrer databasen, kommer til."
    ),
)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar=N_("FIL|MAPPE"),
    help=N_("Hvor ankeret skal ligge (mappen i innstillingen anchor_directory, eller her)."),
)
@click.option(
    "--cosigned", is_flag=True, help=N_("Ta det nyeste kontrollpunktet som et vitne har medsignert.")
)
@employer_option
def pin(to: Path | None, cosigned: bool, employer: str | None) -> None:
    """Write an anchor."""
    asyncio.run(_pin(to, cosigned, employer))


async def _pin(to: Path | None, cosigned: bool, employer: str | None) -> None:
    from activities.anchors import anchor_of, file_name, give
    from worker.cli import clock

    async with one_ledger(employer) as (database, home):
        if cosigned:
            made = await _cosigned(database, home.id)
        else:
            made = await newest_checkpoint(database, home.id)
        async with database.read() as reader:
            found = await anchor_of(reader, home.id, made)
        size = made.checkpoint.size
        place = to or frame().settings.anchor_directory or Path()
        if place.is_dir() or not place.suffix:
            place /= file_name(home.id, size)
        write_new(place, str(found))
        await give(database, home.id, size, place.name, "pin", clock.now())
    emit(
        "ledger-pin",
        {
            "employer": home.id, "file": place, "size": size, "fingerprint": made.checkpoint.fingerprint,
            "time": made.checkpoint.time, "vkey": str(found.key),
            "witnesses": [s.name for s in found.note.signatures[1:]],
        },
        table=lambda: "\n".join(_pinned_lines(found, place)),
    )  # fmt: skip


def _pinned_lines(found: Anchor, place: Path) -> list[str]:
    from worker.cli.layout import wrapped
    from worker.cli.receipts import keep

    lines = [*wrapped(_("Ankeret over {count} fakta ligger i {file}.").format(
        count=found.checkpoint.size, file=place
    )), *wrapped(keep(found.checkpoint.fingerprint))]  # fmt: skip
    if names := [s.name for s in found.note.signatures[1:]]:
        lines += wrapped(_("Medsignert av {names}.").format(names=", ".join(names)))
    lines += wrapped(
        _(
            "Gjør dette: send filen til verneombudet, og ta vare på den et sted der ingen som styrer databasen, "
            "kommer til. Blir noe endret siden, viser den det: {command}"
        ).format(command=f"forsvarlig ledger check {place.name}")
    )
    return lines


async def _cosigned(database: Database, employer: str) -> Made:
    from activities.checkpoints import Made, opened
    from activities.store import checkpoints as kept

    async with database.read() as reader:
        newest = (await kept.newest_anchors(reader, employer)).get("witness")
        row = await kept.at(reader, employer, newest.size) if newest is not None else None
        if row is None:
            raise NotFound(
                _("Ingen har medsignert et kontrollpunkt for {employer} ennå.").format(employer=employer),
                "forsvarlig ledger request / forsvarlig ledger cosign",
            )
        return Made(await opened(reader, employer, row), row.note, new=False)
