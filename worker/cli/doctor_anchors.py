"""What `forsvarlig doctor` finds about checkpoints and anchors: the log key, and whether anything is outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from activities.language import _, format_moment, format_number
from worker.cli import clock

if TYPE_CHECKING:
    from activities.store.database import Database
    from worker.cli.doctor import Finding
    from worker.settings import Settings


async def log_key(settings: Settings) -> AsyncIterator[Finding]:
    """Whether checkpoints can be signed."""
    from activities.signatures import KeyFileError, SigningKey
    from worker.cli.doctor import Finding
    from worker.cli.failures import key_file

    place = settings.log_key
    if not place.exists():
        message = _("Nøkkelen som kontrollpunktene signeres med, lages i {file} første gang den trengs.")
        yield Finding("log_key", "ok", message.format(file=place))
        return
    try:
        key = SigningKey.load(place)
    except KeyFileError as error:
        failure = key_file(error.path, error.fault)
        yield Finding("log_key", "error", failure.message, failure.remedy)
        return
    yield Finding("log_key", "ok", _("Kontrollpunktene signeres med nøkkelen {key}.").format(key=key.id))


async def anchors(settings: Settings) -> AsyncIterator[Finding]:
    """Whether what is recorded is in an anchor outside within a day."""
    from activities.store.database import Database
    from activities.store.errors import StoreError

    try:
        database = Database(settings.database_url)
    except StoreError:
        return
    try:
        await database.check()
        async for finding in _of_employers(database):
            yield finding
    except StoreError:
        # What is wrong with the database is said by the check of the database.
        return
    finally:
        await database.close()


async def _of_employers(database: Database) -> AsyncIterator[Finding]:
    from activities.anchors import Damaged, status
    from worker.cli.doctor import Finding

    now = clock.now()
    async with database.read() as reader:
        for employer in await reader.employers():
            try:
                found = await status(reader, employer.id)
            except Damaged as error:
                message = _("Hovedboken til {employer}, eller kontrollpunktet, er endret utenfra: {error}")
                yield Finding(
                    "anchors",
                    "error",
                    message.format(employer=employer.name, error=error),
                    _("Ta vare på databasen slik den er, og kontroller den: forsvarlig db verify"),
                )
                continue
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
