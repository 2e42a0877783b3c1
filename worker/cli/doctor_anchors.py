"""What `forsvarlig doctor` finds about anchors: whether what is recorded is kept outside as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from activities.language import _, format_moment, format_number
from activities.phrases import said
from worker.cli import clock
from worker.cli.doctor_database import found_in_database
from worker.cli.doctor_finding import Finding
from worker.cli.ledger_restored import in_the_way

if TYPE_CHECKING:
    from activities.anchors import Status
    from activities.store.database import Database
    from worker.settings import Settings


async def anchors(settings: Settings) -> AsyncIterator[Finding]:
    """Whether what is recorded is in an anchor outside within a day."""
    look = partial(_of_employers, stamped_by=settings.timestamp_url)
    async for finding in found_in_database(settings, look):
        yield finding


async def _of_employers(database: Database, stamped_by: str | None) -> AsyncIterator[Finding]:
    from activities.anchors import Damaged, status

    now = clock.now()
    async with database.read() as reader:
        for employer in await reader.employers():
            try:
                found = await status(reader, employer.id)
            except Damaged as error:
                message = _("Hovedboken til {employer}, eller kontrollpunktet, er endret utenfra: {error}.")
                yield Finding(
                    "anchors",
                    "error",
                    message.format(employer=employer.name, error=said(error)),
                    _("Ta vare på databasen slik den er, og kontroller den: forsvarlig db verify"),
                )
                continue
            if stopped := await in_the_way(reader, employer.id):
                yield Finding("signed_heads", "error", stopped.message, stopped.remedy)
            if stamped_by is not None and not found.rehearsal:
                yield _stamps(employer.name, found, stamped_by)
            if found.is_late(now) and found.unanchored_since is not None:
                message = _(
                    "{employer}: {count} fakta er ikke i noe anker utenfor; det første er fra {when}."
                )
                yield Finding(
                    "anchors",
                    "warning",
                    message.format(
                        employer=employer.name,
                        count=format_number(found.unanchored),
                        when=format_moment(found.unanchored_since),
                    ),
                    _("forsvarlig ledger pin, eller sett FORSVARLIG_ANCHOR_DIRECTORY til en annen disk."),
                )
            elif found.anchors:
                message = _("{employer}: det nyeste ankeret utenfor er fra {when}.")
                newest = max(row.made for row in found.anchors.values())
                yield Finding(
                    "anchors", "ok", message.format(employer=employer.name, when=format_moment(newest))
                )


def _stamps(employer: str, found: Status, url: str) -> Finding:
    """Whether the authority that workers ask once a day answers."""
    from activities.timestamps import authority

    newest = found.anchors.get("timestamp")
    if find_spec("rfc3161_client") is None:
        text = _("Tidsstempler fra {host} trenger en tilleggspakke som ikke er installert.")
        remedy = "pip install 'forsvarlig[timestamps]'"
        return Finding("timestamps", "warning", text.format(host=authority(url)), remedy)
    if found.lacks_stamp(clock.now()) and found.unstamped_since is not None:
        text = _("{employer}: {host} har ikke stemplet det som er ført siden {when}.")
        return Finding(
            "timestamps",
            "warning",
            text.format(employer=employer, host=authority(url), when=format_moment(found.unstamped_since)),
            _("Kjører en arbeider? Spør selv, og se hva som er i veien: forsvarlig ledger timestamp"),
        )
    if newest is None:
        text = _("{employer}: {host} blir bedt om det første tidsstempelet når en arbeider kjører.")
        return Finding("timestamps", "ok", text.format(employer=employer, host=authority(url)))
    text = _("{employer}: det nyeste tidsstempelet er fra {when}.")
    return Finding("timestamps", "ok", text.format(employer=employer, when=format_moment(newest.made)))
