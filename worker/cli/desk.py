"""An employer at a command's desk: what is known of it, who acts, and what became of the act."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from activities.directory.people import names_of
from worker.cli import clock
from worker.cli.employers import chosen, store
from worker.cli.failures import Failure
from worker.cli.frame import emit, frame
from worker.cli.people import find_person
from workflows.rules.calendar import oslo_day
from workflows.rules.organisation import Organisation

if TYPE_CHECKING:
    from activities.receipts import Receipt
    from activities.store.database import Database
    from activities.store.rows import PersonRow
    from workflows.rules.statement import Delegate, EndDelegation, SetAbsence


@dataclass
class Desk:
    """An employer as it is known when a command begins."""

    database: Database
    employer: str
    organisation: Organisation
    directory: Mapping[str, PersonRow]
    now: datetime

    @property
    def today(self) -> date:
        return oslo_day(self.now)

    @property
    def names(self) -> dict[str, str]:
        return names_of(self.directory)

    def person(self, text: str, option: str) -> str:
        """The id of the person that an option names."""
        return find_person(self.directory, text, option).id

    async def act(
        self, actor: str, act: Delegate | EndDelegation | SetAbsence, nonce: str, key: Path | None
    ) -> Receipt:
        """Through the door, signed with the actor's own key if its file is here."""
        from worker.cli.signing import desk, own_key

        own = own_key(self.employer, actor, key)
        return await desk(self.database).act(self.employer, actor, act, now=self.now, nonce=nonce, own=own)


@asynccontextmanager
async def at_desk(employer: str | None) -> AsyncIterator[Desk]:
    """The employer that is meant, ready for an act."""
    async with store() as database:
        async with database.read() as reader:
            row = await chosen(reader, employer)
            _hash, organisation = await reader.organisation(row.id)
            directory = await reader.people(row.id)
        yield Desk(database, row.id, organisation, directory, clock.now())


def answer(
    schema: str, receipt: Receipt, document: Mapping[str, object], lines: list[str], refused: Failure
) -> None:
    """Say what became of an act; a refused one is raised, after its document for programs."""
    whole = {
        "accepted": receipt.accepted, "seq": receipt.seq, "repeated": receipt.repeated,
        "reason": receipt.reason, "fingerprint": receipt.fingerprint, **document,
    }  # fmt: skip
    if not receipt.accepted:
        if frame().json:
            emit(schema, whole, table="")
        raise refused
    from worker.cli.layout import wrapped
    from worker.cli.receipts import keep, noted

    told = [noted(receipt, lines[0]), *lines[1:], keep(receipt.fingerprint)]
    emit(schema, whole, table=lambda: "\n".join(part for line in told for part in wrapped(line, hang=2)))
