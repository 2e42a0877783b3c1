"""Where a command finds the store and the employer that it is about."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from activities.language import _
from worker.cli.failures import Conflict, NotFound
from worker.cli.frame import frame

if TYPE_CHECKING:
    from activities.store.database import Database, Reader
    from activities.store.rows import EmployerRow


@asynccontextmanager
async def store() -> AsyncIterator[Database]:
    """The database of the settings, as it is: nothing is made and nothing is upgraded.

    `NotFound` when there is none yet, `SchemaError` when it is at another version.
    """
    from activities.store.database import Database

    database = Database(frame().settings.database_url)
    try:
        if await database.version() is None:
            raise _nobody()
        await database.check()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def reading() -> AsyncIterator[Reader]:
    """One view of the `store`."""
    async with store() as database, database.read() as reader:
        yield reader


async def chosen(reader: Reader, wanted: str | None) -> EmployerRow:
    """The employer with this id, organisation number or name; without any, the only one there is.

    `NotFound` says which there are; `Conflict` when one must be chosen.
    """
    employers = await reader.employers()
    if not employers:
        raise _nobody()
    known = ", ".join(employer.id for employer in employers)
    if wanted is None:
        if len(employers) > 1:
            raise Conflict(
                _("Her er det flere virksomheter: {known}.").format(known=known),
                _("Velg en av dem med --employer, som --employer {one}.").format(one=employers[0].id),
            )
        return employers[0]
    for employer in employers:
        if wanted.casefold() in (employer.id, employer.org_number, employer.name.casefold()):
            return employer
    near = difflib.get_close_matches(wanted, [employer.id for employer in employers], n=1)
    raise NotFound(
        _("Virksomheten «{wanted}» finnes ikke.").format(wanted=wanted),
        _("Mente du {near}?").format(near=near[0])
        if near
        else _("Disse finnes: {known}.").format(known=known),
    )


def real(employer: EmployerRow) -> EmployerRow:
    """`employer`, unless it is a rehearsal, which stays one for ever: then `Conflict`."""
    if employer.mode == "rehearsal":
        raise Conflict(
            _("{employer} er en prøvekjøring og kan ikke bli en virkelig virksomhet.").format(
                employer=employer.id
            ),
            _("Velg en annen tilstandsmappe med --state."),
        )
    return employer


def _nobody() -> NotFound:
    return NotFound(_("Ingen virksomhet er lest inn ennå."), _("forsvarlig org import MAPPE"))
