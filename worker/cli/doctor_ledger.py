"""What `forsvarlig doctor` finds about what keeps the ledgers as they are: triggers, authorizer, roles, and clocks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from activities.language import _, format_moment
from worker.cli import clock
from worker.cli.doctor_database import found_in_database
from worker.cli.doctor_finding import Finding

if TYPE_CHECKING:
    from activities.store.database import Database, Reader
    from activities.store.enforcement import Enforcement
    from worker.settings import Settings


async def enforced(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the database refuses changes of what is recorded, and whether the record is ahead of the clock."""
    async for finding in found_in_database(settings, _enforced):
        yield finding


async def _enforced(database: Database) -> AsyncIterator[Finding]:
    from activities.store.enforcement import examine

    async with database.read() as reader:
        found = await examine(reader.connection)
        ahead = [finding async for finding in _ahead(reader)]
    for finding in (*_triggers(found), *_connection(found), *_role(found), *ahead):
        yield finding


def _triggers(found: Enforcement) -> Iterator[Finding]:
    if found.missing:
        yield Finding(
            "triggers",
            "error",
            _("Vern mot endring av hovedboken mangler eller er endret: {names}.").format(
                names=", ".join(found.missing)
            ),
            _(
                "Finn ut hvem som gjorde det. Kjør «forsvarlig db verify», og hent utløserne fra en sikkerhetskopi."
            ),
        )
    else:
        yield Finding("triggers", "ok", _("Databasen nekter endring og sletting i hovedboken."))


def _connection(found: Enforcement) -> Iterator[Finding]:
    if found.recursive_triggers is False or found.authorizer is False:
        yield Finding(
            "authorizer",
            "error",
            _("Tilkoblingen til databasen er ikke vernet slik den skal."),
            _("Installer forsvarlig på nytt: programmet er endret."),
        )


def _role(found: Enforcement) -> Iterator[Finding]:
    if found.user is None:
        return
    if found.can_undo:
        yield Finding(
            "database_role",
            "warning",
            _("Forsvarlig kobler seg til som {user}, som kan slå av vernet av hovedboken ({why}).").format(
                user=found.user, why=", ".join(map(_reason, found.can_undo))
            ),
            "forsvarlig db roles --app forsvarlig_app --apply",
        )
    elif found.unguarded:
        yield Finding(
            "database_role",
            "warning",
            _("Tabeller uten radvern: {tables}.").format(tables=", ".join(found.unguarded)),
            f"forsvarlig db roles --app {found.user} --apply",
        )
    else:
        yield Finding(
            "database_role",
            "ok",
            _("Forsvarlig kobler seg til som {user}, som ikke kan endre hovedboken.").format(user=found.user),
        )


def _reason(why: str) -> str:
    return {
        "superuser": _("superbruker"),
        "bypasses row security": _("går forbi radvernet"),
        "owner of the tables": _("eier tabellene"),
        "triggers are off": _("utløserne er slått av"),
    }[why]


async def _ahead(reader: Reader) -> AsyncIterator[Finding]:
    """Employers whose last fact was recorded later than it is now: all that follows gets that time too."""
    from activities.store.leaves import SKEW

    now = clock.now()
    for employer in await reader.employers():
        if employer.mode == "rehearsal":
            continue
        head = await reader.head(employer.id)
        # None where the head was changed from outside, which is another check's to say.
        newest = await reader.facts(employer.id, after=head.size - 1, limit=1)
        if newest and (last := newest[-1][1]).recorded > now + SKEW:
            yield Finding(
                "clock",
                "warning",
                _("{employer}: siste faktum er ført {when}, og det er senere enn nå.").format(
                    employer=employer.name, when=format_moment(last.recorded)
                ),
                _(
                    "Still klokken på maskinene etter en tidstjener. Det som føres før da, får samme tid og et merke."
                ),
            )
