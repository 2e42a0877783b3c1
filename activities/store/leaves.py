"""How a ledger grows: the next leaves, the nodes above them and the new head, written as one change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Text, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.log import leaf_bytes, read_leaf
from activities.ledger.merkle import Frontier, leaf_hash
from activities.store import tables
from activities.store.errors import StoreError
from activities.store.prepared import Prepared, Row, add, add_once, bound
from activities.store.sqlite import driven
from workflows.rules.events import Fact
from workflows.rules.phrase import Phrase

SKEW = timedelta(minutes=1)
"""How far behind the fact before it a time may be and say nothing of the clock: writers wait for their turn for up
to half a minute with the time they came with, and two machines' clocks differ a little."""

OF_EMPLOYER = "forsvarlig.employer"
"""The setting of a PostgreSQL transaction that says whose ledger it may add to; row security compares with it."""


class Top(NamedTuple):
    """Where a ledger ends: its tree, and the time before which nothing more is recorded."""

    frontier: Frontier
    recorded: datetime | None


class Growth(NamedTuple):
    """What is to be written, the facts as they will be stored, and where the ledger ends then."""

    leaves: list[Row]
    nodes: list[Row]
    stored: list[tuple[int, Fact]]
    top: Top


async def locked(connection: AsyncConnection, employer: str) -> Top | None:
    """Wait for the other writers of this employer; None without such an employer.

    On PostgreSQL the transaction may add to this employer's ledger from now on, and to no other's. `StoreError`
    if the head of the ledger is damaged.
    """
    row = await _LOCK.first(connection, employer=employer)
    if row is None:
        await _CLAIM.rows(connection, employer=employer)
        return None
    return Top(_frontier(row), row["recorded"])


async def begin(connection: AsyncConnection, employer: str) -> None:
    """The head of an empty ledger; one that is there stays."""
    start = Frontier()
    head = {"employer": employer, "size": 0, "root": start.root, "frontier": start.to_bytes()}
    await _FIRST_HEAD.do(connection, recorded=None, **head)


def grown(employer: str, top: Top, facts: Iterable[Fact]) -> Growth:
    """The ledger with these facts after its last.

    A time before that of the fact before it becomes that time, so that the record never runs back; where it was
    more than `SKEW` behind, the fact says so (`Fact.clock`).
    """
    leaves, nodes, stored = [], [], []
    frontier, recorded = top
    for fact in facts:
        seq = frontier.size + 1
        body = leaf_bytes(seq, _onward(fact, recorded))
        place, kept = read_leaf(body)
        recorded = kept.recorded
        frontier, complete = frontier.grown(hashed := leaf_hash(body))
        leaves.append(
            {
                "employer": employer, "seq": seq, "fact_id": kept.id, "cycle": kept.cycle, "step": kept.step,
                "kind": kept.kind, "body": body, "hash": hashed,
            }
        )  # fmt: skip
        nodes += [
            {"employer": employer, "level": node.level, "place": node.place, "hash": hash}
            for node, hash in complete
        ]
        stored.append((place, kept))
    return Growth(leaves, nodes, stored, Top(frontier, recorded))


async def write(connection: AsyncConnection, employer: str, growth: Growth) -> None:
    """Add the leaves and nodes and move the head; on PostgreSQL in one journey to the server."""
    frontier, recorded = growth.top
    head = {
        "size": frontier.size, "root": frontier.root, "frontier": frontier.to_bytes(), "recorded": recorded,
    }  # fmt: skip
    if driven(connection) is not None:
        await _LEAF.do_all(connection, growth.leaves)
        await _NODE.do_all(connection, growth.nodes)
        await _HEAD.do(connection, of=employer, **head)
        return
    leaves = {f"leaf_{name}": [leaf[name] for leaf in growth.leaves] for name in _OF_LEAF}
    nodes = {f"node_{name}": [node[name] for node in growth.nodes] for name in _OF_NODE}
    await connection.execute(_ALL, {"of": employer, **head, **leaves, **nodes})


def _onward(fact: Fact, recorded: datetime | None) -> Fact:
    if recorded is None or fact.recorded >= recorded:
        return fact
    ran_back = recorded - fact.recorded > SKEW
    return fact.model_copy(update={"recorded": recorded, "clock": "ran_back" if ran_back else fact.clock})


def _frontier(head: Row) -> Frontier:
    try:
        frontier = Frontier.from_bytes(head["frontier"])
    except ValueError:
        frontier = None
    if frontier is None or (frontier.size, frontier.root) != (head["size"], head["root"]):
        raise StoreError(
            Phrase(
                "The head of the ledger of {employer!r} was changed from outside, so nothing is added.",
                employer=head["employer"],
            ),
            Phrase("See what else was: forsvarlig doctor. Then restore a backup."),
        )
    return frontier


_head, _leaf, _node = tables.ledger_head, tables.ledger_leaf, tables.ledger_node
_HEAD_NOW = ("size", "root", "frontier", "recorded")
_OF_LEAF = ("seq", "fact_id", "cycle", "step", "kind", "body", "hash")
_OF_NODE = ("level", "place", "hash")

_LOCKED = select(_head).where(*bound(_head, "employer")).with_for_update()
_CLAIMED = func.set_config(OF_EMPLOYER, bindparam("employer", type_=Text), True)
_LOCK = Prepared(_LOCKED, on_server=_LOCKED.add_columns(_CLAIMED))
_CLAIM = Prepared(select(bindparam("employer", type_=Text)), on_server=select(_CLAIMED))
_FIRST_HEAD, _LEAF, _NODE = add_once(_head), add(_leaf), add(_node)
_HEAD = Prepared(update(_head).where(_head.c.employer == bindparam("of")), _HEAD_NOW)


_ALL = text(
    """
    WITH leaf AS (
      INSERT INTO ledger_leaf (employer, seq, fact_id, cycle, step, kind, body, hash)
      SELECT :of, * FROM unnest(
        :leaf_seq, :leaf_fact_id, :leaf_cycle, :leaf_step, :leaf_kind, :leaf_body, :leaf_hash
      ) AS new (seq)
      ORDER BY seq
    ), node AS (
      INSERT INTO ledger_node (employer, level, place, hash)
      SELECT :of, * FROM unnest(:node_level, :node_place, :node_hash)
    )
    UPDATE ledger_head SET size = :size, root = :root, frontier = :frontier, recorded = :recorded
    WHERE employer = :of
    """
).bindparams(
    bindparam("of", type_=Text),
    *(bindparam(name, type_=_head.c[name].type) for name in _HEAD_NOW),
    *(bindparam(f"leaf_{name}", type_=ARRAY(_leaf.c[name].type)) for name in _OF_LEAF),
    *(bindparam(f"node_{name}", type_=ARRAY(_node.c[name].type)) for name in _OF_NODE),
)
"""All that grows, in one statement of PostgreSQL."""
