"""Verifying the whole ledger where it is stored: everything that follows from its leaves is compared with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.heads import note_hash, read_checkpoint
from activities.ledger.log import LedgerError, commitment, committed, read_leaf
from activities.ledger.log_keys import KIND, LogKey, counting_at, log_keys
from activities.ledger.merkle import Frontier, Node, leaf_hash
from activities.ledger.notes import NoteError, log_vkey, verified
from activities.store.tables import ledger_checkpoint, ledger_head, ledger_leaf, ledger_node, payload
from workflows.rules.base import Frozen
from workflows.rules.events import Fact
from workflows.rules.stored_facts import FactError

MOST_FAULTS = 100
"""`verify` names this many faults and counts the rest."""

PAGE = 1000
"""Leaves in memory at the same time."""


class Verification(Frozen):
    """What `verify` found: the size and root computed from the leaves (hex), and every fault in words."""

    size: int
    root: str
    ok: bool
    faults: tuple[str, ...] = ()


async def verify(connection: AsyncConnection, employer: str) -> Verification:
    """Read the whole log of `employer` again and compare everything that follows from its leaves.

    Every leaf re-hashed and parsed, places dense from 1, times that do not run back, the columns beside a leaf
    equal to it, every node, the head's size, root, frontier and time as computed, every payload as committed
    to, or gone, and every checkpoint: its root, the one before it, and its signature by the log key that
    counted then. Run it in one reading transaction (`Database.read`), so that nothing is appended meanwhile. A
    ledger without a head is empty.
    """
    reading = _Reading(await _payloads(connection, employer), await _notes(connection, employer))
    leaves = select(ledger_leaf).where(ledger_leaf.c.employer == employer).order_by(ledger_leaf.c.seq)
    last: int | None = None
    while True:
        page = leaves.limit(PAGE) if last is None else leaves.where(ledger_leaf.c.seq > last).limit(PAGE)
        rows = (await connection.execute(page)).all()
        if not rows:
            break
        before, last = reading.frontier.size, rows[-1].seq
        for row in rows:
            reading.take(row)
        stored = await _nodes(connection, employer, before, reading.frontier.size)
        reading.compare_nodes(stored)
    mine = ledger_node.c.employer == employer
    nodes = await connection.scalar(select(func.count()).select_from(ledger_node).where(mine))
    head = (await connection.execute(select(ledger_head).where(ledger_head.c.employer == employer))).first()
    return reading.result(head, nodes or 0)


async def _payloads(connection: AsyncConnection, employer: str) -> dict[str, str]:
    """The commitment that follows from each payload that is kept, by fact."""
    rows = await connection.execute(select(payload).where(payload.c.employer == employer))
    return {row.fact_id: commitment(row.salt, row.text) for row in rows}


async def _notes(connection: AsyncConnection, employer: str) -> list[tuple[int, str]]:
    """The checkpoints' sizes and notes, in order of size."""
    wanted = select(ledger_checkpoint.c.size, ledger_checkpoint.c.note)
    mine = wanted.where(ledger_checkpoint.c.employer == employer).order_by(ledger_checkpoint.c.size)
    return [(row.size, row.note) for row in await connection.execute(mine)]


async def _nodes(connection: AsyncConnection, employer: str, before: int, size: int) -> dict[Node, bytes]:
    """The stored nodes that were completed after `before` leaves, up to `size`."""
    completed = [
        and_(
            ledger_node.c.level == level,
            ledger_node.c.place >= before >> level,
            ledger_node.c.place < size >> level,
        )
        for level in range(1, size.bit_length())
    ]
    if not completed:
        return {}
    mine = select(ledger_node).where(ledger_node.c.employer == employer, or_(*completed))
    return {Node(row.level, row.place): row.hash for row in await connection.execute(mine)}


class _Reading:
    """A ledger as it is read from its first leaf: what follows from the leaves so far, and the faults."""

    def __init__(self, payloads: dict[str, str], notes: Sequence[tuple[int, str]]) -> None:
        self.frontier = Frontier()
        self._payloads, self._notes = payloads, notes
        self._roots = dict.fromkeys([size for size, _ in notes], b"")
        self._expected: dict[Node, bytes] = {}
        self._known = 0
        self._recorded: datetime | None = None
        self._latest: datetime | None = None
        self._log_keys: list[tuple[int, Fact]] = []
        self._faults: list[str] = []

    def take(self, row: Row[Any]) -> None:
        """The leaf that ought to be next."""
        hashed = leaf_hash(row.body)
        self.frontier, complete = self.frontier.grown(hashed)
        self._expected.update(complete)
        if self.frontier.size in self._roots:
            self._roots[self.frontier.size] = self.frontier.root
        self._faults += self._of_leaf(row, hashed)

    def compare_nodes(self, stored: dict[Node, bytes]) -> None:
        """Nodes above the leaves that were taken since the last time."""
        for node, hash in self._expected.items():
            if stored.get(node) != hash:
                said = "is missing" if node not in stored else "is not the hash of the two below it"
                self._faults.append(f"node {node.place} of {1 << node.level} leaves: {said}")
        self._known += len(self._expected)
        self._expected = {}

    def result(self, head: Row[Any] | None, nodes: int) -> Verification:
        faults = [
            *self._faults,
            *(f"payload of {id}: no leaf commits to it" for id in self._payloads),
            *self._of_checkpoints(),
            *self._of_head(head),
        ]
        if nodes > self._known:
            faults.append(f"nodes: there are {nodes}; the leaves make {self._known}")
        if len(faults) > MOST_FAULTS:
            faults[MOST_FAULTS:] = [f"and {len(faults) - MOST_FAULTS} faults more"]
        root = self.frontier.root.hex()
        return Verification(size=self.frontier.size, root=root, ok=not faults, faults=tuple(faults))

    def _of_leaf(self, row: Row[Any], hashed: bytes) -> Iterator[str]:
        """The faults of a leaf; takes its payload out of those that are left over."""
        name, place = f"leaf {row.seq}", self.frontier.size
        if row.seq != place:
            yield f"{name}: stands where {place} was expected"
        if row.hash != hashed:
            yield f"{name}: the hash beside it is not the hash of its bytes"
        kept = self._payloads.pop(row.fact_id, None)
        try:
            seq, fact = read_leaf(row.body)
        except (LedgerError, FactError) as error:
            yield f"{name}: {error}"
            return
        beside = (row.seq, row.employer, row.fact_id, row.cycle, row.step, row.kind)
        if beside != (seq, fact.employer, fact.id, fact.cycle, fact.step, fact.kind):
            yield f"{name}: the columns beside it say something else than its bytes"
        if kept is not None and kept != committed(fact):
            yield f"{name}: the payload of {row.fact_id} is not the text that was committed to"
        # Before there were checkpoints a clock could run back, and what was recorded then stays as it is.
        if self._log_keys and self._recorded is not None and fact.recorded < self._recorded:
            yield f"{name}: was recorded before the leaf before it"
        self._recorded = self._latest = fact.recorded
        if fact.kind == KIND:
            self._log_keys.append((seq, fact))

    def _of_head(self, head: Row[Any] | None) -> Iterator[str]:
        if head is None:
            if self.frontier.size:
                yield "head: missing"
            return
        if head.size != self.frontier.size:
            yield f"head: says {head.size} leaves; there are {self.frontier.size}"
        if head.root != self.frontier.root:
            yield f"head: says root {head.root.hex()}; the leaves give {self.frontier.root.hex()}"
        if head.frontier != self.frontier.to_bytes():
            yield "head: the frontier is not that of the leaves"
        if head.recorded != self._latest:
            yield "head: the time is not that of the last leaf or checkpoint"

    def _of_checkpoints(self) -> Iterator[str]:
        keys, before = log_keys(self._log_keys), None
        for size, note in self._notes:
            for fault in self._of_checkpoint(size, note, before, keys):
                yield f"checkpoint over {size} leaves: {fault}"
            before = note_hash(note)

    def _of_checkpoint(
        self, size: int, note: str, before: str | None, keys: Sequence[LogKey]
    ) -> Iterator[str]:
        if size > self.frontier.size:
            yield f"there are {self.frontier.size}"
            return
        try:
            checkpoint, signed = read_checkpoint(note)
            if (checkpoint.size, checkpoint.root) != (size, self._roots[size]):
                yield f"it says {checkpoint.size} leaves with root {checkpoint.root.hex()}"
            if checkpoint.prev != before:
                yield "it does not name the checkpoint before it"
            key = counting_at(keys, size)
            verified(signed, [] if key is None else [log_vkey(checkpoint.origin, key.public_key)])
            self._latest = max(self._latest or checkpoint.time, checkpoint.time)
        except NoteError as error:
            yield str(error)
