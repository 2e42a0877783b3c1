"""Every question that is asked of the store."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.log import Verification, read_leaf, verify
from activities.ledger.merkle import EMPTY_ROOT
from activities.store import projections, tables
from activities.store.errors import NotThere, StoreError
from activities.store.rows import (
    CycleRow,
    DocumentRow,
    EmployerRow,
    Head,
    InboxRow,
    OutboxRow,
    PersonRow,
    State,
    StepRow,
    TimelineRow,
)
from workflows.rules.base import Frozen
from workflows.rules.events import Fact
from workflows.rules.organisation import Organisation

Row = TypeVar("Row", bound=Frozen)


class Reader:
    """One consistent view of the database; `Database.read` gives it. Not for several tasks at once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def fact(self, employer: str, id: str) -> tuple[int, Fact] | None:
        """A fact by its id, with its place."""
        leaf = select(tables.ledger_leaf.c.body).where(
            tables.ledger_leaf.c.employer == employer, tables.ledger_leaf.c.fact_id == id
        )
        body: bytes | None = await self.connection.scalar(leaf)
        return None if body is None else read_leaf(body)

    async def facts(
        self, employer: str, *, cycle: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[tuple[int, Fact]]:
        """Facts in the order of the ledger with their places (from 1), those after place `after`."""
        leaves = (
            select(tables.ledger_leaf.c.body)
            .where(tables.ledger_leaf.c.employer == employer, tables.ledger_leaf.c.seq > after)
            .where(*_equal(tables.ledger_leaf, cycle=cycle))
            .order_by(tables.ledger_leaf.c.seq)
            .limit(limit)
        )
        return [read_leaf(body) for body in await self.connection.scalars(leaves)]

    async def head(self, employer: str) -> Head:
        """The size and root of the ledger; an employer without facts has the root of the empty tree."""
        found = select(tables.ledger_head.c.size, tables.ledger_head.c.root).where(
            tables.ledger_head.c.employer == employer
        )
        row = (await self.connection.execute(found)).first()
        return Head(size=row.size, root=row.root.hex()) if row else Head(size=0, root=EMPTY_ROOT.hex())

    async def verify(self, employer: str) -> Verification:
        """The whole ledger read again and compared: `ledger.log.verify`."""
        return await verify(self.connection, employer)

    async def checksums(self, employer: str) -> dict[str, str]:
        """A checksum of each projection: `store.projections.checksums`."""
        return await projections.checksums(self.connection, employer)

    async def organisation(self, employer: str, hash: str | None = None) -> tuple[str, Organisation]:
        """The organisation by its hash, or the newest, with its hash; `NotThere` when there is none."""
        found = (
            select(tables.organisation_version.c.hash, tables.organisation_version.c.body)
            .where(
                tables.organisation_version.c.employer == employer,
                *_equal(tables.organisation_version, hash=hash),
            )
            .order_by(tables.organisation_version.c.seq.desc())
            .limit(1)
        )
        row = (await self.connection.execute(found)).first()
        if row is None:
            raise NotThere.organisation(employer, hash)
        return row.hash, Organisation.model_validate_json(row.body)

    async def organisation_hash(self, employer: str) -> str:
        """The hash of the newest organisation; `NotThere` when there is none."""
        newest = (
            select(tables.organisation_version.c.hash)
            .where(tables.organisation_version.c.employer == employer)
            .order_by(tables.organisation_version.c.seq.desc())
            .limit(1)
        )
        found: str | None = await self.connection.scalar(newest)
        if found is None:
            raise NotThere.organisation(employer)
        return found

    async def rulebook(self, hash: str) -> str:
        """The programme or legal register with this content hash, as JSON; `StoreError` if there is none."""
        body: str | None = await self.connection.scalar(
            select(tables.rulebook.c.body).where(tables.rulebook.c.hash == hash)
        )
        if body is None:
            raise StoreError(
                f"There is no programme or legal register with hash {hash}. Restore it from a backup."
            )
        return body

    async def cycle(self, id: str) -> CycleRow | None:
        return await self._one(CycleRow, tables.cycle, tables.cycle.c.id == id)

    async def cycles(
        self, *, employer: str | None = None, year: int | None = None, state: State | None = None
    ) -> list[CycleRow]:
        """By year, the employer's own year before those of its units."""
        found = _select(CycleRow, tables.cycle).where(
            *_equal(tables.cycle, employer=employer, year=year, state=state)
        )
        order = (tables.cycle.c.employer, tables.cycle.c.year, tables.cycle.c.unit.nulls_first())
        return await self._all(CycleRow, found.order_by(*order))

    async def employer(self, id: str) -> EmployerRow:
        """The employer; `NotThere` when it is not there."""
        found = await self._one(EmployerRow, tables.employer, tables.employer.c.id == id)
        if found is None:
            raise NotThere.employer(id)
        return found

    async def employers(self) -> list[EmployerRow]:
        return await self._all(
            EmployerRow, _select(EmployerRow, tables.employer).order_by(tables.employer.c.id)
        )

    async def person(self, employer: str, id: str) -> PersonRow | None:
        return await self._one(
            PersonRow, tables.person, tables.person.c.employer == employer, tables.person.c.id == id
        )

    async def people(self, employer: str) -> dict[str, PersonRow]:
        """The directory of an employer, by id."""
        found = (
            _select(PersonRow, tables.person)
            .where(tables.person.c.employer == employer)
            .order_by(tables.person.c.id)
        )
        return {row.id: row for row in await self._all(PersonRow, found)}

    async def inbox(
        self, *, employer: str | None = None, person: str | None = None, cycle: str | None = None
    ) -> list[InboxRow]:
        """Who is waited for, soonest due first. Ids of people are unique within an employer only."""
        found = _select(InboxRow, tables.inbox).where(
            *_equal(tables.inbox, employer=employer, person=person, cycle=cycle)
        )
        order = (
            tables.inbox.c.due.nulls_last(),
            tables.inbox.c.cycle,
            tables.inbox.c.step,
            tables.inbox.c.what,
            tables.inbox.c.role,
            tables.inbox.c.person,
        )
        return await self._all(InboxRow, found.order_by(*order))

    async def steps(
        self, *, employer: str | None = None, year: int | None = None, cycle: str | None = None
    ) -> list[StepRow]:
        """How the steps stand, by due date within a cycle."""
        found = _select(StepRow, tables.step_status).where(
            *_equal(tables.step_status, employer=employer, year=year, cycle=cycle)
        )
        order = (tables.step_status.c.cycle, tables.step_status.c.due.nulls_last(), tables.step_status.c.step)
        return await self._all(StepRow, found.order_by(*order))

    async def timeline(
        self,
        *,
        employer: str,
        cycle: str | None = None,
        unit: str | None = None,
        step: str | None = None,
        kind: str | None = None,
        person: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[TimelineRow]:
        """Facts in the order of the ledger.

        `person` = acted or is named; `since` and `until` (not included) bound the time the fact concerns.
        """
        found = _select(TimelineRow, tables.timeline).where(
            tables.timeline.c.employer == employer, tables.timeline.c.seq > after
        )
        found = found.where(*_equal(tables.timeline, cycle=cycle, unit=unit, step=step, kind=kind))
        if person is not None:
            found = found.where(tables.timeline.c.people.contains(f" {person} ", autoescape=True))
        if since is not None:
            found = found.where(tables.timeline.c.concerns >= since)
        if until is not None:
            found = found.where(tables.timeline.c.concerns < until)
        return await self._all(TimelineRow, found.order_by(tables.timeline.c.seq).limit(limit))

    async def payload(self, employer: str, fact_id: str) -> str | None:
        """The text that belongs to a fact, if it has one that is not erased."""
        found = select(tables.payload.c.text).where(
            tables.payload.c.employer == employer, tables.payload.c.fact_id == fact_id
        )
        text: str | None = await self.connection.scalar(found)
        return text

    async def document(self, hash: str) -> DocumentRow | None:
        return await self._one(DocumentRow, tables.document, tables.document.c.hash == hash)

    async def outbox_due(self, now: datetime, limit: int) -> list[OutboxRow]:
        """What is to be delivered by `now`, in the order it was put there."""
        found = _select(OutboxRow, tables.outbox).where(
            tables.outbox.c.delivered.is_(None), tables.outbox.c.not_before <= now
        )
        return await self._all(OutboxRow, found.order_by(tables.outbox.c.id).limit(limit))

    async def outbox_pending(self) -> int:
        """How many are not delivered, due or not."""
        found = select(func.count()).select_from(tables.outbox).where(tables.outbox.c.delivered.is_(None))
        return int(await self.connection.scalar(found) or 0)

    async def _all(self, model: type[Row], query: Select[tuple[object, ...]]) -> list[Row]:
        return [model.model_validate(dict(row._mapping)) for row in await self.connection.execute(query)]

    async def _one(self, model: type[Row], table: Table, *which: ColumnElement[bool]) -> Row | None:
        return next(iter(await self._all(model, _select(model, table).where(*which))), None)


def _select(model: type[Frozen], table: Table) -> Select[tuple[object, ...]]:
    return select(*(table.c[name] for name in model.model_fields))


def _equal(table: Table, **wanted: object) -> list[ColumnElement[bool]]:
    """A condition for each column that something is wanted of; None wants nothing."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]
