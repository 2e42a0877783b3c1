"""`forsvarlig ledger timestamp`: somebody else's clock says when a checkpoint was there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.language import N_, _, format_moment
from worker.cli.failures import BadInput, Conflict, Failure
from worker.cli.frame import emit, frame, working
from worker.cli.ledger_given import newest_checkpoint, one_ledger, write_new
from worker.cli.options import employer_option

if TYPE_CHECKING:
    from activities.timestamps import TimestampError


@click.command(
    short_help=N_("Få et tidsstempel av noen utenfor."),
    help=N_(
        "Få et tidsstempel (RFC 3161) på det nyeste kontrollpunktet fra en tjeneste utenfor huset. Da kan ingen "
        "hevde at hovedboken ble skrevet senere."
    ),
)
@click.option("--url", metavar=N_("ADRESSE"), help=N_("Tjenesten som spørres (innstillingen timestamp_url)."))
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    metavar=N_("MAPPE"),
    help=N_("Legg også stempelet og kontrollpunktet her, til å ta vare på utenfor databasen."),
)
@employer_option
def timestamp(url: str | None, to: Path | None, employer: str | None) -> None:
    """Have the newest checkpoint time-stamped."""
    asked = url or frame().settings.timestamp_url
    if asked is None:
        raise click.UsageError(
            _("Ingen tjeneste er valgt: skriv --url, eller sett FORSVARLIG_TIMESTAMP_URL.")
        )
    asyncio.run(_timestamp(asked, to, employer))


async def _timestamp(url: str, to: Path | None, employer: str | None) -> None:
    from activities.anchors import file_name, give
    from activities.timestamps import TimestampError, authority, stamp
    from worker.cli import clock
    from worker.cli.ledger_check import STAMP

    async with one_ledger(employer) as (database, home):
        made = await newest_checkpoint(database, home.id)
        size = made.checkpoint.size
        try:
            with working(_("Spør {host} …").format(host=authority(url))):
                found = await stamp(url, made.note)
        except TimestampError as error:
            raise stamp_failure(error) from error
        files: list[Path] = []
        if to is not None:
            place = to / file_name(home.id, size)
            files = [place.with_suffix(".note"), place.with_suffix(STAMP)]
            write_new(files[0], made.note)
            files[1].write_bytes(found.answer)
        await give(database, home.id, size, authority(url), "timestamp", clock.now(), found.answer)
    said = _("{host} sier at kontrollpunktet over {count} fakta fantes {when}.").format(
        host=authority(url), count=size, when=format_moment(found.time)
    )
    how = _("Kontroller det uten nett: {command}").format(
        command="forsvarlig ledger check --timestamps --roots " + _("FIL")
    )
    emit(
        "ledger-timestamp",
        {
            "employer": home.id, "size": size, "time": found.time, "authority": authority(url),
            "bytes": len(found.answer), "files": files,
        },
        table="\n".join([said, *(str(file) for file in files), how]),
    )  # fmt: skip


def stamp_failure(error: TimestampError) -> Failure:
    """What is wrong with a time stamp, and what to do."""
    match error.fault:
        case "not_installed":
            return Failure(
                _("Tidsstempler trenger en tilleggspakke som ikke er installert."),
                "pip install 'forsvarlig[timestamps]'",
            )
        case "unreachable":
            return Failure(
                _("Tidsstempeltjenesten svarer ikke: {detail}.").format(detail=error.detail),
                _("Kontroller adressen og nettet, og prøv igjen; kontrollpunktet er tatt vare på."),
            )
        case "refused":
            return Conflict(
                _("Tidsstempeltjenesten sa nei: {detail}.").format(detail=error.detail),
                _("Spør den som driver tjenesten, eller velg en annen med --url."),
            )
        case "no_roots":
            return BadInput(
                _("Filen har ingen rotsertifikater i PEM."),
                _("Hent rotsertifikatet hos den som driver tidsstempeltjenesten."),
            )
        case "not_trusted":
            return Failure(
                _("Tidsstempelet leder ikke til noen av rotsertifikatene."),
                _("Er --roots de rette? Da er stempelet ikke ekte."),
            )
        case "not_over_this":
            return Failure(
                _("Tidsstempelet er over noe annet enn dette kontrollpunktet."),
                _("Ta vare på stempelet og databasen slik de er; ett av dem er byttet ut."),
            )
    return Failure(
        _("Det som kom tilbake, er ikke et tidsstempel ({detail}).").format(detail=error.detail),
        _("Kontroller at adressen er til en tjeneste for RFC 3161, eller velg en annen med --url."),
    )
