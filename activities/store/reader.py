"""Every question that is asked of the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, Table, bindparam, false, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger import merkle
from activities.ledger.log import Payload, read_leaf
from activities.ledger.merkle import EMPTY_ROOT, Node
from activities.ledger.verification import Verification, verify
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
from workflows.rules.phrase import Phrase
from workflows.rules.terms import CycleRef

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

    async def facts_at(self, employer: str, seqs: Sequence[int]) -> dict[int, Fact]:
        """The facts at these places (from 1), by place; places that the ledger does not have are left out."""
        found: dict[int, Fact] = {}
        for at in range(0, len(seqs), _CHUNK):
            mine = _leaf.c.employer == employer, _leaf.c.seq.in_(seqs[at : at + _CHUNK])
            bodies = await self.connection.scalars(select(_leaf.c.body).where(*mine).order_by(_leaf.c.seq))
            found |= dict(map(read_leaf, bodies))
        return found

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

    async def node_hashes(self, employer: str, nodes: Iterable[Node]) -> dict[Node, bytes]:
        """The hashes of these complete subtrees; `StoreError` for one that the ledger does not have."""
        wanted = set(nodes)
        found: dict[Node, bytes] = {}
        if leaves := {node.place + 1: node for node in wanted if node.level == 0}:
            mine = _leaf.c.employer == employer, _leaf.c.seq.in_(leaves)
            rows = await self.connection.execute(select(_leaf.c.seq, _leaf.c.hash).where(*mine))
            found |= {leaves[row.seq]: row.hash for row in rows}
        if inner := [node for node in wanted if node.level > 0]:
            mine = _node.c.employer == employer, tuple_(_node.c.level, _node.c.place).in_(inner)
            rows = await self.connection.execute(
                select(_node.c.level, _node.c.place, _node.c.hash).where(*mine)
            )
            found |= {Node(row.level, row.place): row.hash for row in rows}
        if missing := wanted - found.keys():
            node = min(missing)
            raise StoreError(
                f"The ledger of {employer!r} has no subtree {node.place} of {1 << node.level} leaves. "
                "See what it has: forsvarlig db verify"
            )
        return found

    async def root_at(self, employer: str, size: int) -> bytes:
        """The root of the first `size` leaves; `StoreError` when there are fewer."""
        nodes = await self.node_hashes(employer, merkle.root_nodes(size))
        return merkle.root_at(size, nodes.__getitem__)

    async def inclusion(self, employer: str, seq: int, size: int) -> list[bytes]:
        """The proof that the leaf `seq` (from 1) is among the first `size`: `merkle.inclusion`."""
        nodes = await self.node_hashes(employer, merkle.inclusion_nodes(seq - 1, size))
        return merkle.inclusion(seq - 1, size, nodes.__getitem__)

    async def consistency(self, employer: str, first: int, second: int) -> list[bytes]:
        """The proof that the first `second` leaves begin with the first `first`: `merkle.consistency`."""
        nodes = await self.node_hashes(employer, merkle.consistency_nodes(first, second))
        return merkle.consistency(first, second, nodes.__getitem__)

    async def lag(self, employer: str) -> int:
        """How many of the employer's facts the projections lack, as after an upgrade that emptied one."""
        row = await _PROJECTED.first(self.connection, employer=employer)
        first, last = (row["first"], row["last"]) if row is not None else (None, None)
        there = 0 if first is None or last is None else last - first + 1
        return max(0, (await self.head(employer)).size - there)

    async def verify(self, employer: str) -> Verification:
        """The whole ledger read again and compared: `ledger.verification.verify`."""
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
                Phrase("There is no programme or legal register with hash {hash}.", hash=hash),
                Phrase("Restore it from a backup."),
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
        if cycle is not None:
            # Of the two, only the unit has an index.
            found = found.where(tables.timeline.c.unit.is_not_distinct_from(CycleRef.parse(cycle).unit))
        if person is not None:
            named = tables.timeline_person
            mine = named.c.employer == employer, named.c.person == person
            found = found.where(tables.timeline.c.seq.in_(select(named.c.seq).where(*mine)))
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

    async def payloads(self, employer: str, fact_ids: Sequence[str]) -> dict[str, str]:
        """The texts that belong to these facts, by fact; those without a text, or an erased one, are left out."""
        found: dict[str, str] = {}
        for at in range(0, len(fact_ids), _CHUNK):
            among = tables.payload.c.fact_id.in_(fact_ids[at : at + _CHUNK])
            rows = await self.connection.execute(
                select(tables.payload.c.fact_id, tables.payload.c.text).where(
                    tables.payload.c.employer == employer, among
                )
            )
            found |= {row.fact_id: row.text for row in rows}
        return found

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


_CHUNK = 500

_ALL = 2**62
"""A limit that limits nothing."""

_ASKED_FOR: dict[tuple[type[Frozen], str, tuple[str, ...]], Prepared] = {}
"""The statement for each model, table and set of columns that something was wanted of."""

_leaf, _node, _outbox = tables.ledger_leaf, tables.ledger_node, tables.outbox

_FACT = Prepared(select(_leaf.c.body).where(*bound(_leaf, "employer"), _leaf.c.fact_id == bindparam("id")))
_HEAD = Prepared(
    select(tables.ledger_head.c.size, tables.ledger_head.c.root).where(*bound(tables.ledger_head, "employer"))
)
_PROJECTED = Prepared(
    # Two looks at the ends of an index; both in one expression would be a walk along all of it.
    select(
        *(
            select(end(tables.timeline.c.seq))
            .where(*bound(tables.timeline, "employer"))
            .scalar_subquery()
            .label(name)
            for name, end in (("first", func.min), ("last", func.max))
        )
    )
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
