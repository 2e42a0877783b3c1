"""Every question that is asked of the store."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, Table, bindparam, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.log import Payload, Verification, read_leaf, verify
from activities.ledger.merkle import EMPTY_ROOT
from activities.store import projections, tables
from activities.store.errors import NotThere, StoreError
from activities.store.prepared import Prepared, bound
from activities.store.rows import (
    CHANNELS,
    Channel,
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
        body: bytes | None = await _FACT.value(self.connection, employer=employer, id=id)
        return None if body is None else read_leaf(body)

    async def facts(
        self,
        employer: str,
        *,
        cycle: str | None = None,
        step: str | None = None,
        kinds: Collection[str] = (),
        after: int = 0,
        limit: int | None = None,
    ) -> list[tuple[int, Fact]]:
        """Facts in the order of the ledger with their places (from 1), those after place `after`.

        `kinds` are the kinds of facts that are wanted; none is all.
        """
        equal = {"cycle": cycle, "step": step}
        given = {name: value for name, value in equal.items() if value is not None}
        among = {f"kind_{n}": kind for n, kind in enumerate(kinds)}
        most = _ALL if limit is None else limit
        found = await _leaves(tuple(given), len(among)).rows(
            self.connection, employer=employer, after=after, most=most, **given, **among
        )
        return [read_leaf(row["body"]) for row in found]

    async def deposited(self, commitment: str) -> Payload | None:
        """The text that waits for a statement with this commitment, with its salt."""
        row = await _DEPOSITED.first(self.connection, commitment=commitment)
        return None if row is None else Payload(**row)

    async def head(self, employer: str) -> Head:
        """The size and root of the ledger; an employer without facts has the root of the empty tree."""
        row = await _HEAD.first(self.connection, employer=employer)
        if row is None:
            return Head(size=0, root=EMPTY_ROOT.hex())
        return Head(size=row["size"], root=row["root"].hex())

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
        found: str | None = await _NEWEST_ORGANISATION.value(self.connection, employer=employer)
        if found is None:
            raise NotThere.organisation(employer)
        return found

    async def rulebook(self, hash: str) -> str:
        """The programme or legal register with this content hash, as JSON; `StoreError` if there is none."""
        body: str | None = await _RULEBOOK.value(self.connection, hash=hash)
        if body is None:
            raise StoreError(
                f"There is no programme or legal register with hash {hash}. Restore it from a backup."
            )
        return body

    async def cycle(self, id: str) -> CycleRow | None:
        return await self._one(CycleRow, tables.cycle, id=id)

    async def cycles(
        self, *, employer: str | None = None, year: int | None = None, state: State | None = None
    ) -> list[CycleRow]:
        """By year, the employer's own year before those of its units."""
        order = (tables.cycle.c.employer, tables.cycle.c.year, tables.cycle.c.unit.nulls_first())
        return await self._all(CycleRow, tables.cycle, *order, employer=employer, year=year, state=state)

    async def employer(self, id: str) -> EmployerRow:
        """The employer; `NotThere` when it is not there."""
        found = await self._one(EmployerRow, tables.employer, id=id)
        if found is None:
            raise NotThere.employer(id)
        return found

    async def employers(self) -> list[EmployerRow]:
        return await self._all(EmployerRow, tables.employer, tables.employer.c.id)

    async def person(self, employer: str, id: str) -> PersonRow | None:
        return await self._one(PersonRow, tables.person, employer=employer, id=id)

    async def people(self, employer: str) -> dict[str, PersonRow]:
        """The directory of an employer, by id."""
        found = await self._all(PersonRow, tables.person, tables.person.c.id, employer=employer)
        return {row.id: row for row in found}

    async def inbox(
        self, *, employer: str | None = None, person: str | None = None, cycle: str | None = None
    ) -> list[InboxRow]:
        """Who is waited for, soonest due first. Ids of people are unique within an employer only."""
        order = (
            tables.inbox.c.due.nulls_last(),
            tables.inbox.c.cycle,
            tables.inbox.c.step,
            tables.inbox.c.what,
            tables.inbox.c.role,
            tables.inbox.c.person,
        )
        return await self._all(InboxRow, tables.inbox, *order, employer=employer, person=person, cycle=cycle)

    async def steps(
        self, *, employer: str | None = None, year: int | None = None, cycle: str | None = None
    ) -> list[StepRow]:
        """How the steps stand, by due date within a cycle."""
        order = (tables.step_status.c.cycle, tables.step_status.c.due.nulls_last(), tables.step_status.c.step)
        return await self._all(StepRow, tables.step_status, *order, employer=employer, year=year, cycle=cycle)

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
        found = found.order_by(tables.timeline.c.seq).limit(limit)
        rows = await self.connection.execute(found)
        return [TimelineRow.model_validate(dict(row._mapping)) for row in rows]

    async def payload(self, employer: str, fact_id: str) -> str | None:
        """The text that belongs to a fact, if it has one that is not erased."""
        text: str | None = await _PAYLOAD.value(self.connection, employer=employer, fact_id=fact_id)
        return text

    async def document(self, hash: str) -> DocumentRow | None:
        return await self._one(DocumentRow, tables.document, hash=hash)

    async def outbox_due(
        self, now: datetime, limit: int, channels: Collection[Channel] = CHANNELS
    ) -> list[OutboxRow]:
        """What is to be delivered on these channels by `now`, in the order it was put there."""
        wanted = {f"channel_{n}": channel for n, channel in enumerate(channels)}
        found = await _due(len(wanted)).rows(self.connection, now=now, most=limit, **wanted)
        return [OutboxRow.model_validate(row) for row in found]

    async def outbox_pending(self) -> int:
        """How many are not delivered, due or not."""
        found = select(func.count()).select_from(tables.outbox).where(tables.outbox.c.delivered.is_(None))
        return int(await self.connection.scalar(found) or 0)

    async def _all(
        self, model: type[Row], table: Table, *order: ColumnElement[Any], **wanted: object
    ) -> list[Row]:
        given = {name: value for name, value in wanted.items() if value is not None}
        key = (model, table.name, tuple(given))
        if key not in _ASKED_FOR:
            _ASKED_FOR[key] = Prepared(_select(model, table).where(*bound(table, *given)).order_by(*order))
        found = await _ASKED_FOR[key].rows(self.connection, **given)
        return [model.model_validate(row) for row in found]

    async def _one(self, model: type[Row], table: Table, **wanted: object) -> Row | None:
        return next(iter(await self._all(model, table, **wanted)), None)


def _select(model: type[Frozen], table: Table) -> Select[tuple[object, ...]]:
    return select(*(table.c[name] for name in model.model_fields))


def _equal(table: Table, **wanted: object) -> list[ColumnElement[bool]]:
    """A condition for each column that something is wanted of; None wants nothing."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


_ALL = 2**62
"""A limit that limits nothing."""

_ASKED_FOR: dict[tuple[type[Frozen], str, tuple[str, ...]], Prepared] = {}
"""The statement for each model, table and set of columns that something was wanted of."""

_leaf, _outbox = tables.ledger_leaf, tables.outbox

_FACT = Prepared(select(_leaf.c.body).where(*bound(_leaf, "employer"), _leaf.c.fact_id == bindparam("id")))
_HEAD = Prepared(
    select(tables.ledger_head.c.size, tables.ledger_head.c.root).where(*bound(tables.ledger_head, "employer"))
)
_NEWEST_ORGANISATION = Prepared(
    select(tables.organisation_version.c.hash)
    .where(*bound(tables.organisation_version, "employer"))
    .order_by(tables.organisation_version.c.seq.desc())
    .limit(1)
)
_DEPOSITED = Prepared(
    select(tables.deposited_text.c.salt, tables.deposited_text.c.text).where(
        *bound(tables.deposited_text, "commitment")
    )
)
_RULEBOOK = Prepared(select(tables.rulebook.c.body).where(*bound(tables.rulebook, "hash")))
_PAYLOAD = Prepared(select(tables.payload.c.text).where(*bound(tables.payload, "employer", "fact_id")))


@cache
def _leaves(columns: tuple[str, ...], kinds: int) -> Prepared:
    """The statement that asks for leaves by these columns and so many kinds; none is every kind."""
    return Prepared(
        select(_leaf.c.body)
        .where(*bound(_leaf, "employer", *columns), _leaf.c.seq > bindparam("after"))
        .where(*([_among(_leaf.c.kind, "kind", kinds)] if kinds else []))
        .order_by(_leaf.c.seq)
        .limit(bindparam("most", type_=BigInteger))
    )


@cache
def _due(channels: int) -> Prepared:
    """The statement for so many channels."""
    return Prepared(
        _select(OutboxRow, _outbox)
        .where(
            _outbox.c.delivered.is_(None),
            _outbox.c.not_before <= bindparam("now", type_=tables.UTC),
            _among(_outbox.c.channel, "channel", channels),
        )
        .order_by(_outbox.c.id)
        .limit(bindparam("most", type_=BigInteger))
    )


def _among(column: ColumnElement[str], name: str, count: int) -> ColumnElement[bool]:
    """The column is what one of so many parameters says, `name` with their numbers."""
    return or_(false(), *(column == bindparam(f"{name}_{n}") for n in range(count)))
