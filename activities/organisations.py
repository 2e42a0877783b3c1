"""Putting a new picture of an organisation in force, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from activities.directory.people import PersonCard
from activities.store.database import Database
from activities.store.rows import EmployerRow, Mode, PersonRow
from activities.store.transaction import Transaction
from workflows.rules.organisation import Organisation


class Overtaken(Exception):
    """The organisation was changed by somebody else meanwhile: read it again, and make the change on that."""


async def put_in_force(
    database: Database,
    organisation: Organisation,
    people: Iterable[PersonCard],
    now: datetime,
    *,
    mode: Mode = "real",
    after: str | None = None,
) -> str:
    """Store the organisation and its directory, and ring every running year; answers with the content hash.

    A year follows the new organisation from its next moment on, with facts that say so. Putting the same
    picture in force again rings nobody. An employer stays what it was first: real, or a rehearsal.

    `after` is the hash of the organisation that this one was made from: `Overtaken` when another is in force by
    now, so that no delegation or absence that somebody set meanwhile is lost.
    """
    employer = organisation.employer
    row = EmployerRow(
        id=employer, org_number=organisation.org_number, name=organisation.name, mode=mode, created=now
    )
    async with database.write(employer) as tx:
        await tx.put_employer(row)
        if after is not None and await tx.organisation_hash(employer) != after:
            raise Overtaken(f"The organisation of {employer} has changed since {after[:12]} was read.")
        hash = await tx.put_organisation(organisation, now)
        await tx.put_people(
            PersonRow(
                employer=employer, id=card.id, name=card.name, email=card.email, language=card.language,
                external_key=card.external_key,
            )
            for card in people
        )  # fmt: skip
        await ring_running(tx, employer, hash, now)
    return hash


async def ring_running(tx: Transaction, employer: str, organisation: str, now: datetime) -> None:
    """Wake the running years that do not follow this organisation yet."""
    for cycle in await tx.cycles(employer=employer, state="running"):
        if cycle.organisation != organisation:
            await tx.ring(cycle.id, f"{cycle.id}#organisation {organisation} {now.isoformat()}", now)
