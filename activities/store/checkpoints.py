"""Checkpoints and the notes of anchors: every statement about `ledger_checkpoint` and `ledger_anchor`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, bindparam, func, select, update

from activities.ledger.log import LedgerError
from activities.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from activities.store.prepared import Prepared, add, add_once, bound
from activities.store.reader import Reader
from activities.store.tables import ledger_anchor, ledger_checkpoint, ledger_head, ledger_leaf
from activities.store.transaction import Transaction
from workflows.rules.base import Frozen

AnchorKind = Literal["pin", "mail", "timestamp", "witness"]

MOST_HELD = 300
"""Characters of a holder."""


class CheckpointRow(Frozen):
    """A checkpoint as it is kept: its note over the first `size` leaves, and when it was made."""

    size: int
    note: str
    made: datetime


class AnchorRow(Frozen):
    """That a head was given to somebody outside; `content` is what came back, if something did."""

    kind: AnchorKind
    size: int
    holder: str
    made: datetime
    content: bytes | None = None


async def checkpoints(reader: Reader, employer: str, upto: int | None = None) -> list[tuple[int, str]]:
    """Sizes and notes in order of size, those of at most `upto` leaves."""
    found = (
        select(ledger_checkpoint.c.size, ledger_checkpoint.c.note)
        .where(ledger_checkpoint.c.employer == employer)
        .order_by(ledger_checkpoint.c.size)
    )
    if upto is not None:
        found = found.where(ledger_checkpoint.c.size <= upto)
    return [(row.size, row.note) for row in await reader.connection.execute(found)]


async def newest(reader: Reader, employer: str) -> CheckpointRow | None:
    """The checkpoint over the most leaves."""
    row = await _NEWEST.first(reader.connection, employer=employer)
    return None if row is None else CheckpointRow(**row)


async def at(reader: Reader, employer: str, size: int) -> CheckpointRow | None:
    """The checkpoint over just so many leaves."""
    row = await _AT.first(reader.connection, employer=employer, size=size)
    return None if row is None else CheckpointRow(**row)


async def add_checkpoint(tx: Transaction, employer: str, row: CheckpointRow) -> None:
    """Keep a checkpoint; there must be none over so many leaves. No later fact is recorded before it was made."""
    await _ADD.do(tx.connection, employer=employer, **row.model_dump())
    await _NOT_BEFORE.do(tx.connection, of=employer, recorded=row.made)


async def uncovered(reader: Reader) -> list[str]:
    """The employers whose newest checkpoint, if there is one, is not over all their facts."""
    return [employer for employer, facts, covered in await extents(reader) if facts > covered]


async def extents(reader: Reader) -> list[tuple[str, int, int]]:
    """Each employer, how many facts it has, and how many of them its newest checkpoint is over."""
    covered = (
        select(func.coalesce(func.max(ledger_checkpoint.c.size), 0))
        .where(ledger_checkpoint.c.employer == ledger_head.c.employer)
        .scalar_subquery()
    )
    found = select(ledger_head.c.employer, ledger_head.c.size, covered).order_by(ledger_head.c.employer)
    return [(employer, facts, size) for employer, facts, size in await reader.connection.execute(found)]


async def add_anchor(tx: Transaction, employer: str, row: AnchorRow) -> None:
    """Note an anchor; one that was given to the same holder before stays as it is."""
    await add_anchors(tx, employer, [row])


async def add_anchors(tx: Transaction, employer: str, rows: Iterable[AnchorRow]) -> None:
    """`add_anchor` for each."""
    await _NOTE.do_all(tx.connection, [{"employer": employer, **row.model_dump()} for row in rows])


async def anchors(
    reader: Reader, employer: str, kind: AnchorKind | None = None, size: int | None = None
) -> list[AnchorRow]:
    """What was given out, oldest first."""
    columns = (ledger_anchor.c[name] for name in AnchorRow.model_fields)
    found = select(*columns).where(ledger_anchor.c.employer == employer)
    if kind is not None:
        found = found.where(ledger_anchor.c.kind == kind)
    if size is not None:
        found = found.where(ledger_anchor.c.size == size)
    found = found.order_by(ledger_anchor.c.made, ledger_anchor.c.size, ledger_anchor.c.holder)
    return [AnchorRow(**row._mapping) for row in await reader.connection.execute(found)]


async def newest_anchors(reader: Reader, employer: str) -> dict[AnchorKind, AnchorRow]:
    """Of each kind the one over the most leaves, without its content."""
    largest = (
        select(ledger_anchor.c.kind, func.max(ledger_anchor.c.size).label("size"))
        .where(ledger_anchor.c.employer == employer)
        .group_by(ledger_anchor.c.kind)
        .subquery()
    )
    found = (
        select(ledger_anchor.c.kind, ledger_anchor.c.size, ledger_anchor.c.holder, ledger_anchor.c.made)
        .join(largest, (largest.c.kind == ledger_anchor.c.kind) & (largest.c.size == ledger_anchor.c.size))
        .where(ledger_anchor.c.employer == employer)
        .order_by(ledger_anchor.c.made.desc(), ledger_anchor.c.holder.desc())
    )
    return {row.kind: AnchorRow(**row._mapping) for row in await reader.connection.execute(found)}


async def roots(reader: Reader, employer: str, sizes: Collection[int]) -> dict[int, bytes]:
    """The root over the first so many leaves, for each size that the ledger has, from the leaves' own bytes.

    It reads every leaf up to the largest size, so that it rests on nothing that is kept beside them.
    `LedgerError` when one is missing.
    """
    found: dict[int, bytes] = {0: EMPTY_ROOT} if 0 in sizes else {}
    async for frontier in _growth(reader, employer, Frontier(), max(sizes, default=0)):
        if frontier.size in sizes:
            found[frontier.size] = frontier.root
    return found


async def grown(reader: Reader, employer: str, tree: Frontier, size: int) -> Frontier | None:
    """The tree over the first `size` leaves: `tree`, and the bytes of the leaves after it.

    None where there is none: `tree` has more leaves than that, or one of those after it is missing.
    """
    try:
        async for frontier in _growth(reader, employer, tree, size):
            tree = frontier
    except LedgerError:
        return None
    return tree if tree.size == size else None


async def _growth(reader: Reader, employer: str, frontier: Frontier, size: int) -> AsyncIterator[Frontier]:
    while frontier.size < size:
        leaves = await _PAGE_OF_LEAVES.rows(
            reader.connection, employer=employer, after=frontier.size, upto=size, most=_PAGE
        )
        if not leaves:
            break
        for leaf in leaves:
            frontier = frontier.append(leaf_hash(leaf["body"]))
            if leaf["seq"] != frontier.size:
                raise LedgerError(f"leaf {frontier.size} is missing.")
            yield frontier


_PAGE = 1000
"""Leaves in memory at the same time."""

_PAGE_OF_LEAVES = Prepared(
    select(ledger_leaf.c.seq, ledger_leaf.c.body)
    .where(
        *bound(ledger_leaf, "employer"),
        ledger_leaf.c.seq > bindparam("after"),
        ledger_leaf.c.seq <= bindparam("upto"),
    )
    .order_by(ledger_leaf.c.seq)
    .limit(bindparam("most", type_=BigInteger))
)
_NEWEST = Prepared(
    select(ledger_checkpoint.c.size, ledger_checkpoint.c.note, ledger_checkpoint.c.made)
    .where(*bound(ledger_checkpoint, "employer"))
    .order_by(ledger_checkpoint.c.size.desc())
    .limit(1)
)
_AT = Prepared(
    select(ledger_checkpoint.c.size, ledger_checkpoint.c.note, ledger_checkpoint.c.made).where(
        *bound(ledger_checkpoint, "employer", "size")
    )
)
_ADD, _NOTE = add(ledger_checkpoint), add_once(ledger_anchor)
_NOT_BEFORE = Prepared(update(ledger_head).where(ledger_head.c.employer == bindparam("of")), ("recorded",))
