"""Every change of the store: one transaction of one employer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.log import Payload, canonical, commitment, committed
from activities.ledger.merkle import Frontier
from activities.store import leaves, projections, tables
from activities.store.errors import NotThere, StoreError
from activities.store.leaves import Top
from activities.store.prepared import Prepared, add, add_once, bound, put
from activities.store.reader import Reader
from activities.store.rows import Channel, CycleRow, DocumentRow, EmployerRow, PersonRow, State
from workflows.rules.events import Fact
from workflows.rules.organisation import Organisation, Profile
from workflows.rules.phrase import Phrase
from workflows.rules.terms import CycleRef

__all__ = ["Keep", "Reader", "Transaction"]

NO_TEXTS: Mapping[str, Payload] = MappingProxyType({})
_CHUNK = 500
_LONGEST_ERROR = 500

DEPOSITED = timedelta(days=30)
"""How long a text waits for its statement."""

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
        self._top: Top | None = None

    async def lock(self) -> None:
        """Wait for the other writers of this employer; `StoreError` if the head of its ledger is damaged."""
        self._top = await leaves.locked(self.connection, self._employer)

    @property
    def frontier(self) -> Frontier:
        """The tree of the employer's ledger as it is in this transaction; `NotThere` without such an employer."""
        return self._known_top().frontier

    async def append(
        self, facts: Sequence[Fact], comments: Mapping[str, Payload] = NO_TEXTS
    ) -> list[tuple[int, Fact]]:
        """Append facts to the ledger and bring the projections up to date; gives the new ones, as stored.

        A fact whose id is in the ledger already is skipped, also if it says something else. None is recorded
        before the one before it: `leaves.grown`. `comments` are texts by fact id; a text must be the one that its
        fact commits to. `StoreError`, and nothing is written, for a fact of another employer, of something that
        is no cycle, or with another text.
        """
        self.check(facts, comments)
        there = await self._there([fact.id for fact in facts])
        new: dict[str, Fact] = {}
        for fact in facts:
            if fact.id not in there:
                new.setdefault(fact.id, fact)
        if not new:
            return []
        growth = leaves.grown(self._employer, self._known_top(), new.values())
        self.broken = True
        await leaves.write(self.connection, self._employer, growth)
        texts = [
            {"employer": self._employer, "fact_id": id, "salt": kept.salt, "text": kept.text}
            # In the order of the ledger, in which the index of words numbers them.
            for id in new
            if (kept := comments.get(id)) is not None
        ]
        await _TEXT.do_all(self.connection, texts)
        await projections.apply(self.connection, growth.stored)
        self._top, self.broken = growth.top, False
        return growth.stored

    def check(self, facts: Sequence[Fact], comments: Mapping[str, Payload]) -> None:
        """What `append` refuses, before anything is written."""
        self._known_top()
        for fact in facts:
            self._check(fact, comments.get(fact.id))
        if strangers := comments.keys() - {fact.id for fact in facts}:
            raise StoreError(
                f"There is a comment for {min(strangers)!r}, which is not among the facts appended."
            )

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
            modes = {"real": Phrase("real"), "rehearsal": Phrase("a rehearsal")}
            raise StoreError(
                Phrase("The employer {id!r} is {mode} and stays so.", id=row.id, mode=modes[mode]),
                Phrase("Choose another id for {mode}.", mode=modes[row.mode]),
            )
        await _EMPLOYER.do(self.connection, **row.model_dump())
        if self._top is None:
            await leaves.begin(self.connection, row.id)
            await self.lock()

    async def put_organisation(self, organisation: Organisation, recorded: datetime) -> str:
        """Make this the newest organisation and give its SHA-256; nothing changes if it is that already."""
        self._own(organisation.employer)
        self._known_top()
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
        await _RULEBOOK.do(self.connection, **row)

    async def put_people(self, people: Iterable[PersonRow]) -> None:
        """Add or change people in the directory; `StoreError` when a key belongs to somebody else.

        Who was erased stays so: whoever read the directory before that does not bring the name back.
        """
        self._known_top()
        rows = {row.id: row for row in people}
        for row in rows.values():
            self._own(row.employer)
        for id in await self._erased(list(rows)):
            del rows[id]
        await self._check_keys(rows)
        for chunk in _chunks(list(rows)):
            # Keys may change hands within one import, so they are let go before they are given out.
            mine = tables.person.c.employer == self._employer, tables.person.c.id.in_(chunk)
            await self.connection.execute(update(tables.person).where(*mine).values(external_key=None))
        for chunk in _chunks(list(rows)):
            await _PERSON.do_all(self.connection, [rows[id].model_dump() for id in chunk])

    async def put_cycle(self, row: CycleRow) -> None:
        """Add a cycle. Repeating it changes nothing; `StoreError` if it exists with other pinned hashes."""
        self._own(row.employer)
        self._known_top()
        found = await self.cycle(row.id)
        if found is None:
            await _CYCLE.do(self.connection, **_values(row))
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
        if await _cycle_changed(*values).do(self.connection, of=self._employer, this=id, **values) == 0:
            raise NotThere.cycle(id)

    async def put_document(self, row: DocumentRow) -> None:
        """Remember a document; the same content again changes nothing."""
        await _DOCUMENT.do(self.connection, **_values(row))

    async def deposit(self, commitment: str, text: Payload, now: datetime) -> None:
        """Keep a text until the statement that commits to it arrives, `DEPOSITED` at most."""
        self._known_top()
        row = {"employer": self._employer, "commitment": commitment, "deposited": now, **text.model_dump()}
        await _WAITED.do(self.connection, employer=self._employer, since=now - DEPOSITED)
        await _DEPOSIT.do(self.connection, **row)

    async def withdraw_deposit(self, commitment: str) -> None:
        """The text has its place beside a fact now."""
        await _WITHDRAW.do(self.connection, employer=self._employer, commitment=commitment)

    async def ring(self, cycle_id: str, key: str, now: datetime) -> bool:
        """Have the workflow of a cycle woken: `enqueue` to its bell."""
        return await self.enqueue("bell", cycle_id, key, now)

    async def enqueue(
        self, channel: Channel, target: str, key: str, now: datetime, fact_seq: int | None = None
    ) -> bool:
        """Put something into the outbox; False, and no change, if `key` was put there before."""
        self._known_top()
        row = self._outbox_row(key, channel, target, now, fact_seq)
        return await _TO_TELL.do(self.connection, **row) == 1

    async def tell(self, people: Sequence[str], fact: Fact, seq: int, now: datetime) -> None:
        """Have each of `people` told of the fact at place `seq` by mail, once."""
        self._known_top()
        if not people:
            return
        rows = [self._outbox_row(f"{fact.id}|{person}", "mail", person, now, seq) for person in people]
        await _TO_TELL.do_all(self.connection, rows)

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

    def _outbox_row(
        self, key: str, channel: Channel, target: str, now: datetime, fact_seq: int | None
    ) -> dict[str, Any]:
        return {
            "employer": self._employer, "key": key, "channel": channel, "target": target,
            "fact_seq": fact_seq, "created": now, "not_before": now, "attempts": 0,
        }  # fmt: skip

    def _known_top(self) -> Top:
        if self._top is None:
            raise NotThere.employer(self._employer)
        return self._top

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
        if len(ids) == 1:
            found = await _PLACE.value(self.connection, employer=self._employer, fact_id=ids[0])
            return set() if found is None else set(ids)
        there: set[str] = set()
        for chunk in _chunks(ids):
            mine = tables.ledger_leaf.c.employer == self._employer, tables.ledger_leaf.c.fact_id.in_(chunk)
            there.update(await self.connection.scalars(select(tables.ledger_leaf.c.fact_id).where(*mine)))
        return there

    async def _erased(self, ids: Sequence[str]) -> list[str]:
        gone: list[str] = []
        for chunk in _chunks(ids):
            mine = tables.person.c.employer == self._employer, tables.person.c.id.in_(chunk)
            found = select(tables.person.c.id).where(*mine, tables.person.c.name == "")
            gone += await self.connection.scalars(found)
        return gone

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


def _values(row: CycleRow | DocumentRow) -> dict[str, Any]:
    return {name: _value(value) for name, value in row}


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _chunks(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[at : at + _CHUNK] for at in range(0, len(items), _CHUNK))


_PLACE = Prepared(select(tables.ledger_leaf.c.seq).where(*bound(tables.ledger_leaf, "employer", "fact_id")))
_TEXT, _CYCLE = add(tables.payload), add(tables.cycle)
_RULEBOOK, _DOCUMENT = add_once(tables.rulebook), add_once(tables.document)
_TO_TELL = add_once(
    tables.outbox, "employer", "key", "channel", "target", "fact_seq", "created", "not_before", "attempts"
)
_DEPOSIT = add_once(tables.deposited_text)
_WITHDRAW = Prepared(
    delete(tables.deposited_text).where(*bound(tables.deposited_text, "employer", "commitment"))
)
_WAITED = Prepared(
    delete(tables.deposited_text).where(
        *bound(tables.deposited_text, "employer"), tables.deposited_text.c.deposited < bindparam("since")
    )
)
_EMPLOYER, _PERSON = put(tables.employer, keep=("mode", "created")), put(tables.person)


@cache
def _cycle_changed(*columns: str) -> Prepared:
    """The statement that changes these columns of a cycle; with none, it changes nothing and finds it."""
    mine = tables.cycle.c.id == bindparam("this"), tables.cycle.c.employer == bindparam("of")
    change = update(tables.cycle).where(*mine)
    return Prepared(change if columns else change.values(id=tables.cycle.c.id), columns)
