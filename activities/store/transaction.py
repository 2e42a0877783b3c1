"""Every change of the store: one transaction of one employer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from sqlalchemy import Row, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.log import Payload, canonical, commitment, committed, leaf_bytes, read_leaf
from activities.ledger.merkle import Frontier, leaf_hash
from activities.store import projections, tables
from activities.store.errors import NotThere, StoreError
from activities.store.reader import Reader
from activities.store.rows import Channel, CycleRow, DocumentRow, EmployerRow, PersonRow, State
from workflows.rules.events import CycleRef, Fact
from workflows.rules.organisation import Organisation, Profile

__all__ = ["Keep", "Reader", "Transaction"]

_NONE: Mapping[str, Payload] = MappingProxyType({})
_CHUNK = 500
_LONGEST_ERROR = 500

Item = TypeVar("Item")


class Keep(Enum):
    """What stands where a value may be cleared with None: leave it as it is."""

    KEEP = "keep"


class Transaction(Reader):
    """Changes of one employer that are committed together, or not at all; `Database.write` gives it.

    It holds the lock of the employer's ledger. Not for several tasks at once.
    """

    def __init__(self, connection: AsyncConnection, employer: str) -> None:
        super().__init__(connection)
        self._employer = employer
        self.broken = False
        """A change was begun and not finished: the transaction can only be rolled back."""
        self._frontier: Frontier | None = None

    async def lock(self) -> None:
        """Wait for the other writers of this employer; `StoreError` if the head of its ledger is damaged."""
        head = tables.ledger_head
        locked = select(head).where(head.c.employer == self._employer).with_for_update()
        row = (await self.connection.execute(locked)).first()
        self._frontier = None if row is None else _frontier(row)

    async def append(
        self, facts: Sequence[Fact], comments: Mapping[str, Payload] = _NONE
    ) -> list[tuple[int, Fact]]:
        """Append facts to the ledger and bring the projections up to date; gives the new ones, as stored.

        A fact whose id is in the ledger already is skipped, also if it says something else. `comments` are
        texts by fact id; a text must be the one that its fact commits to. `StoreError`, and nothing is
        written, for a fact of another employer, of something that is no cycle, or with another text.
        """
        frontier = self._known_frontier()
        for fact in facts:
            self._check(fact, comments.get(fact.id))
        if strangers := comments.keys() - {fact.id for fact in facts}:
            raise StoreError(
                f"There is a comment for {min(strangers)!r}, which is not among the facts appended."
            )
        there = await self._there([fact.id for fact in facts])
        new: dict[str, Fact] = {}
        for fact in facts:
            if fact.id not in there:
                new.setdefault(fact.id, fact)
        if not new:
            return []
        leaves, stored = [], []
        for fact in new.values():
            seq, body = frontier.size + 1, leaf_bytes(frontier.size + 1, fact)
            frontier = frontier.append(hashed := leaf_hash(body))
            stored.append(read_leaf(body))
            leaves.append(
                {
                    "employer": self._employer, "seq": seq, "fact_id": fact.id, "cycle": fact.cycle,
                    "step": fact.step, "kind": fact.kind, "body": body, "hash": hashed,
                }
            )  # fmt: skip
        self.broken = True
        await self.connection.execute(insert(tables.ledger_leaf), leaves)
        head = {"size": frontier.size, "root": frontier.root, "frontier": frontier.to_bytes()}
        await self.connection.execute(
            update(tables.ledger_head).where(tables.ledger_head.c.employer == self._employer).values(**head)
        )
        texts = [
            {"employer": self._employer, "fact_id": id, "salt": kept.salt, "text": kept.text}
            for id, kept in comments.items()
            if id in new
        ]
        if texts:
            await self.connection.execute(insert(tables.payload), texts)
        await projections.apply(self.connection, stored)
        self._frontier, self.broken = frontier, False
        return stored

    async def rebuild(self) -> dict[str, str]:
        """Drop this employer's projections and fill them from the ledger: `store.projections.rebuild`."""
        return await projections.rebuild(self.connection, self._employer)

    async def put_employer(self, row: EmployerRow) -> None:
        """Add the employer, or change its name and number; `StoreError` for another mode."""
        self._own(row.id)
        mode = await self.connection.scalar(
            select(tables.employer.c.mode).where(tables.employer.c.id == row.id)
        )
        if mode is not None and mode != row.mode:
            raise StoreError(
                f"The employer {row.id!r} is {mode} and stays so. Choose another id for {row.mode}."
            )
        await self._upsert(tables.employer, [row.model_dump()], keys=("id",), keep=("mode", "created"))
        if self._frontier is None:
            start = Frontier()
            head = {"employer": row.id, "size": 0, "root": start.root, "frontier": start.to_bytes()}
            await self.connection.execute(
                self._insert(tables.ledger_head).values(**head).on_conflict_do_nothing()
            )
            await self.lock()

    async def put_organisation(self, organisation: Organisation, recorded: datetime) -> str:
        """Make this the newest organisation and give its SHA-256; nothing changes if it is that already."""
        self._own(organisation.employer)
        self._known_frontier()
        body = canonical(organisation.model_dump(mode="json"))
        hash = hashlib.sha256(body).hexdigest()
        newest = (
            select(tables.organisation_version.c.seq, tables.organisation_version.c.hash)
            .where(tables.organisation_version.c.employer == self._employer)
            .order_by(tables.organisation_version.c.seq.desc())
            .limit(1)
        )
        found = (await self.connection.execute(newest)).first()
        if found is None or found.hash != hash:
            row = {
                "employer": self._employer,
                "seq": found.seq + 1 if found else 1,
                "hash": hash,
                "body": body.decode(),
            }
            await self.connection.execute(
                insert(tables.organisation_version).values(**row, recorded=recorded)
            )
        return hash

    async def put_rulebook(self, hash: str, kind: Literal["programme", "law"], body: str) -> None:
        """Keep a programme or a legal register, as JSON, under its content hash; once is enough."""
        row = {"hash": hash, "kind": kind, "body": body}
        await self.connection.execute(self._insert(tables.rulebook).values(**row).on_conflict_do_nothing())

    async def put_people(self, people: Iterable[PersonRow]) -> None:
        """Add or change people in the directory; `StoreError` when a key belongs to somebody else."""
        self._known_frontier()
        rows = {row.id: row for row in people}
        for row in rows.values():
            self._own(row.employer)
        await self._check_keys(rows)
        for chunk in _chunks(list(rows)):
            # Keys may change hands within one import, so they are let go before they are given out.
            mine = tables.person.c.employer == self._employer, tables.person.c.id.in_(chunk)
            await self.connection.execute(update(tables.person).where(*mine).values(external_key=None))
        for chunk in _chunks(list(rows)):
            await self._upsert(
                tables.person, [rows[id].model_dump() for id in chunk], keys=("employer", "id")
            )

    async def put_cycle(self, row: CycleRow) -> None:
        """Add a cycle. Repeating it changes nothing; `StoreError` if it exists with other pinned hashes."""
        self._own(row.employer)
        self._known_frontier()
        found = await self.cycle(row.id)
        if found is None:
            await self.connection.execute(insert(tables.cycle).values(_values(row)))
        elif (found.programme, found.law) != (row.programme, row.law):
            raise StoreError(
                f"The cycle {row.id} runs already, with another programme or law, and keeps those. "
                "See it with: forsvarlig year show"
            )

    async def update_cycle(
        self,
        id: str,
        *,
        state: State | Keep = Keep.KEEP,
        closed: datetime | Keep | None = Keep.KEEP,
        next_moment: datetime | Keep | None = Keep.KEEP,
        organisation: str | Keep = Keep.KEEP,
        profile: Profile | Keep = Keep.KEEP,
    ) -> None:
        """Change what is given; `NotThere` for a cycle that this employer does not have."""
        given = {
            "state": state, "closed": closed, "next_moment": next_moment,
            "organisation": organisation, "profile": profile,
        }  # fmt: skip
        values = {name: _value(value) for name, value in given.items() if value is not Keep.KEEP}
        mine = tables.cycle.c.id == id, tables.cycle.c.employer == self._employer
        change = (
            update(tables.cycle).where(*mine).values(**values)
            if values
            else select(tables.cycle.c.id).where(*mine)
        )
        result = await self.connection.execute(change)
        if (result.rowcount if values else len(result.all())) == 0:
            raise NotThere.cycle(id)

    async def put_document(self, row: DocumentRow) -> None:
        """Remember a document; the same content again changes nothing."""
        await self.connection.execute(
            self._insert(tables.document).values(_values(row)).on_conflict_do_nothing()
        )

    async def ring(self, cycle_id: str, key: str, now: datetime) -> bool:
        """Have the workflow of a cycle woken: `enqueue` to its bell."""
        return await self.enqueue("bell", cycle_id, key, now)

    async def enqueue(
        self, channel: Channel, target: str, key: str, now: datetime, fact_seq: int | None = None
    ) -> bool:
        """Put something into the outbox; False, and no change, if `key` was put there before."""
        self._known_frontier()
        row = {
            "employer": self._employer, "key": key, "channel": channel, "target": target,
            "fact_seq": fact_seq, "created": now, "not_before": now, "attempts": 0,
        }  # fmt: skip
        put = self._insert(tables.outbox).values(**row).on_conflict_do_nothing(index_elements=["key"])
        return await self.connection.scalar(put.returning(tables.outbox.c.id)) is not None

    async def tell(self, people: Sequence[str], fact: Fact, seq: int, now: datetime) -> None:
        """Have each of `people` told of the fact at place `seq` by mail, once."""
        self._known_frontier()
        if not people:
            return
        rows = [
            {
                "employer": self._employer, "key": f"{fact.id}|{person}", "channel": "mail", "target": person,
                "fact_seq": seq, "created": now, "not_before": now, "attempts": 0,
            }
            for person in people
        ]  # fmt: skip
        put = self._insert(tables.outbox).on_conflict_do_nothing(index_elements=["key"])
        await self.connection.execute(put, rows)

    async def delivered(self, ids: Sequence[int], now: datetime) -> None:
        """Rows of the outbox have reached their receivers."""
        for chunk in _chunks(ids):
            await self._attempted(chunk, delivered=now, last_error=None)

    async def failed(self, id: int, error: str, not_before: datetime) -> None:
        """A row of the outbox could not be delivered; it is due again at `not_before`."""
        await self._attempted([id], not_before=not_before, last_error=error[:_LONGEST_ERROR])

    async def _attempted(self, ids: Sequence[int], **values: object) -> None:
        mine = tables.outbox.c.id.in_(ids), tables.outbox.c.employer == self._employer
        change = update(tables.outbox).where(*mine).values(attempts=tables.outbox.c.attempts + 1, **values)
        if (await self.connection.execute(change)).rowcount != len(ids):
            rows = ", ".join(str(id) for id in ids)
            raise StoreError(f"Not every row of {rows} is in the outbox of {self._employer!r}.")

    def _known_frontier(self) -> Frontier:
        if self._frontier is None:
            raise NotThere.employer(self._employer)
        return self._frontier

    def _own(self, other: str) -> None:
        if other != self._employer:
            raise StoreError(
                f"This transaction writes for {self._employer!r}, not for {other!r}. Open one for it."
            )

    def _check(self, fact: Fact, comment: Payload | None) -> None:
        self._own(fact.employer)
        if fact.cycle is not None:
            try:
                ref = CycleRef.parse(fact.cycle)
            except ValueError as error:
                raise StoreError(f"The fact {fact.id!r}: {error}") from error
            self._own(ref.employer)
        if comment is not None and committed(fact) != commitment(comment.salt, comment.text):
            raise StoreError(
                f"The fact {fact.id!r} does not commit to its comment. Use ledger.log.commit for both."
            )

    async def _there(self, ids: Sequence[str]) -> set[str]:
        there: set[str] = set()
        for chunk in _chunks(ids):
            mine = tables.ledger_leaf.c.employer == self._employer, tables.ledger_leaf.c.fact_id.in_(chunk)
            there.update(await self.connection.scalars(select(tables.ledger_leaf.c.fact_id).where(*mine)))
        return there

    async def _check_keys(self, rows: Mapping[str, PersonRow]) -> None:
        keys: dict[str, str] = {}
        for row in rows.values():
            if (
                row.external_key is not None
                and (other := keys.setdefault(row.external_key, row.id)) != row.id
            ):
                raise StoreError(
                    f"{other!r} and {row.id!r} have the same key {row.external_key!r}. Mend one of them."
                )
        for chunk in _chunks(list(keys)):
            mine = tables.person.c.employer == self._employer, tables.person.c.external_key.in_(chunk)
            for id, key in await self.connection.execute(
                select(tables.person.c.id, tables.person.c.external_key).where(*mine)
            ):
                if id not in rows:
                    raise StoreError(f"The key {key!r} of {keys[key]!r} belongs to {id!r}. Mend one of them.")

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An insert that can say what happens on a conflict."""
        if self.connection.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)

    async def _upsert(
        self, table: Table, rows: list[dict[str, Any]], *, keys: tuple[str, ...], keep: tuple[str, ...] = ()
    ) -> None:
        statement = self._insert(table)
        changes = {c.name: statement.excluded[c.name] for c in table.c if c.name not in (*keys, *keep)}
        await self.connection.execute(
            statement.on_conflict_do_update(index_elements=list(keys), set_=changes), rows
        )


def _frontier(head: Row[Any]) -> Frontier:
    try:
        frontier = Frontier.from_bytes(head.frontier)
    except ValueError:
        frontier = None
    if frontier is None or (frontier.size, frontier.root) != (head.size, head.root):
        raise StoreError(
            f"The head of the ledger of {head.employer!r} was changed from outside, so nothing is added. "
            "See what else was: forsvarlig doctor. Then restore a backup."
        )
    return frontier


def _values(row: CycleRow | DocumentRow) -> dict[str, Any]:
    return {name: _value(value) for name, value in row}


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _chunks(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[at : at + _CHUNK] for at in range(0, len(items), _CHUNK))
