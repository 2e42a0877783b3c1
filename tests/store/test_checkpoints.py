"""Checkpoints and notes of anchors, on both databases: made once, in order, and read as they were written."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.checkpoints import Checkpoints, Made, enrolled, opened
from activities.ledger.heads import note_hash, read_checkpoint
from activities.ledger.log import LedgerError, leaf_bytes
from activities.ledger.merkle import Frontier, leaf_hash
from activities.signatures import SigningKey
from activities.store import checkpoints as kept
from activities.store.checkpoints import AnchorRow
from activities.store.database import Database, NotThere, StoreError
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer, without_triggers

LATER = NOW + timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = LATER

    def __call__(self) -> datetime:
        return self.now


async def recorded(database: Database, *ids: str) -> None:
    async with database.write(EMPLOYER) as tx:
        await tx.append([a_fact(id) for id in ids])


async def made(database: Database, key: SigningKey) -> Made:
    return await Checkpoints(database, key, Clock()).make(EMPLOYER)


async def size_of(database: Database) -> int:
    async with database.read() as reader:
        return (await reader.head(EMPLOYER)).size


async def test_the_first_checkpoint_enrols_the_key_and_covers_that_too(database: Database) -> None:
    key = SigningKey.new()
    await recorded(database, "one", "two")
    first = await made(database, key)
    async with database.read() as reader:
        assert [(k.seq, k.id, k.vouched) for k in await enrolled(reader, EMPLOYER)] == [(3, key.id, True)]
        row = await kept.newest(reader, EMPLOYER)
        assert row is not None
        assert await opened(reader, EMPLOYER, row) == first.checkpoint
        assert await reader.root_at(EMPLOYER, 3) == first.checkpoint.root
        assert (await reader.verify(EMPLOYER)).ok
    assert (first.checkpoint.size, first.checkpoint.prev, first.new) == (3, None, True)


async def test_a_checkpoint_is_not_made_twice_over_the_same_facts(database: Database) -> None:
    key = SigningKey.new()
    first = await made(database, key)
    again = await made(database, key)
    assert (again.note, again.new, await size_of(database)) == (first.note, False, 1)


async def test_each_checkpoint_names_the_one_before_it(database: Database) -> None:
    key = SigningKey.new()
    notes = []
    for id in ("one", "two", "three"):
        await recorded(database, id)
        notes.append((await made(database, key)).note)
    async with database.read() as reader:
        assert await kept.checkpoints(reader, EMPLOYER) == list(zip((2, 3, 4), notes, strict=True))
        assert await kept.checkpoints(reader, EMPLOYER, upto=3) == list(zip((2, 3), notes[:2], strict=True))
    chain = [read_checkpoint(note)[0].prev for note in notes]
    assert chain == [None, note_hash(notes[0]), note_hash(notes[1])]


async def test_two_processes_at_once_make_one_checkpoint(store_url: str, database: Database) -> None:
    key = SigningKey.new()
    await recorded(database, "one")
    other = Database(store_url)
    try:
        both = await asyncio.gather(*(made(each, key) for each in (database, other, database, other)))
    finally:
        await other.close()
    async with database.read() as reader:
        assert len(await kept.checkpoints(reader, EMPLOYER)) == 1
    assert len({each.note for each in both}) == 1
    assert sum(each.new for each in both) == 1


async def test_a_checkpoint_is_never_older_than_what_it_covers(database: Database) -> None:
    clock, key = Clock(), SigningKey.new()
    checkpoints = Checkpoints(database, key, clock)
    first = await checkpoints.make(EMPLOYER)
    clock.now = datetime(2026, 1, 1, tzinfo=UTC)
    await recorded(database, "one")
    second = await checkpoints.make(EMPLOYER)
    assert second.checkpoint.time >= first.checkpoint.time == LATER
    async with database.read() as reader:
        [(_, fact)] = await reader.facts(EMPLOYER, after=1)
    assert second.checkpoint.time >= fact.recorded


async def test_every_employer_that_is_behind_gets_one_and_no_other(database: Database) -> None:
    await add_employer(database, "annen")
    await recorded(database, "one")
    checkpoints = Checkpoints(database, SigningKey.new(), Clock())
    assert set(await checkpoints.make_all()) == {EMPLOYER}
    assert await checkpoints.make_all() == {}
    await recorded(database, "two")
    assert set(await checkpoints.make_all()) == {EMPLOYER}


async def test_there_is_no_checkpoint_of_an_employer_that_is_not_there(database: Database) -> None:
    with pytest.raises(NotThere):
        await Checkpoints(database, SigningKey.new(), Clock()).make("ingen")


async def test_the_roots_come_from_the_leaves_and_not_from_what_is_kept_beside_them(
    store_url: str, database: Database
) -> None:
    await recorded(database, *(f"fact {n}" for n in range(9)))
    async with database.read() as reader:
        right = {size: await reader.root_at(EMPLOYER, size) for size in range(1, 10)}
        assert await kept.roots(reader, EMPLOYER, range(1, 12)) == right
    without_triggers(store_url, "UPDATE ledger_leaf SET body = hash WHERE seq = 5")
    async with database.read() as reader:
        changed = await kept.roots(reader, EMPLOYER, right)
        assert [size for size in right if changed[size] != right[size]] == [5, 6, 7, 8, 9]
        assert await reader.root_at(EMPLOYER, 9) == right[9]


async def test_a_leaf_that_is_missing_in_the_middle_is_said(store_url: str, database: Database) -> None:
    await recorded(database, *(f"fact {n}" for n in range(9)))
    without_triggers(store_url, "DELETE FROM ledger_leaf WHERE seq = 5")
    async with database.read() as reader:
        with pytest.raises(LedgerError, match="leaf 5"):
            await kept.roots(reader, EMPLOYER, [9])
        assert set(await kept.roots(reader, EMPLOYER, [4])) == {4}


async def test_the_newest_anchor_of_each_kind_is_the_one_over_the_most_facts(database: Database) -> None:
    rows = [
        AnchorRow(kind="pin", size=3, holder="a.anchor", made=NOW),
        AnchorRow(kind="pin", size=9, holder="b.anchor", made=NOW),
        AnchorRow(kind="mail", size=5, holder="per", made=LATER),
        AnchorRow(kind="mail", size=5, holder="kari", made=NOW),
        AnchorRow(kind="witness", size=2, holder="union.example", made=NOW, content=b"line\n"),
    ]
    async with database.write(EMPLOYER) as tx:
        await kept.add_anchors(tx, EMPLOYER, rows)
        await kept.add_anchor(tx, EMPLOYER, rows[0].model_copy(update={"made": LATER}))
    async with database.read() as reader:
        newest = await kept.newest_anchors(reader, EMPLOYER)
        assert {kind: (row.size, row.made) for kind, row in newest.items()} == {
            "pin": (9, NOW), "mail": (5, NOW), "witness": (2, NOW),
        }  # fmt: skip
        assert await kept.anchors(reader, EMPLOYER, kind="witness", size=2) == rows[4:]
        assert await kept.anchors(reader, EMPLOYER, kind="pin") == rows[:2]


async def test_no_two_heads_that_contradict_each_other_are_signed(store_url: str, database: Database) -> None:
    """Who has the database and not the key writes the history anew, hashes and all: it is not signed."""
    key = SigningKey.new()
    await recorded(database, *(f"fact {n}" for n in range(6)))
    await made(database, key)
    await rewritten(store_url, database, 4)
    await recorded(database, "later")
    with pytest.raises(LedgerError, match="do not begin with the 7"):
        await made(database, key)
    found = await Checkpoints(database, key, Clock()).make_all()
    assert isinstance(found[EMPLOYER], LedgerError)


async def test_a_ledger_that_is_shorter_than_its_checkpoint_is_not_signed(
    store_url: str, database: Database
) -> None:
    key = SigningKey.new()
    await recorded(database, *(f"fact {n}" for n in range(6)))
    await made(database, key)
    await recorded(database, "eight", "nine")
    await made(database, key)
    await rewritten(store_url, database, 0, upto=8)
    with pytest.raises(LedgerError, match="8 leaves, and a checkpoint over 9"):
        await made(database, key)


async def rewritten(url: str, database: Database, seq: int, upto: int | None = None) -> None:
    """Change the fact at `seq`, and every hash that follows from it; leave out what comes after `upto`."""
    async with database.read() as reader:
        facts = (await reader.facts(EMPLOYER))[:upto]
    frontier, nodes, statements = Frontier(), [], []
    for place, fact in facts:
        body = leaf_bytes(place, fact.model_copy(update={"actor": "toppen"}) if place == seq else fact)
        frontier, complete = frontier.grown(leaf_hash(body))
        nodes += complete
        statements.append(f"UPDATE ledger_leaf SET body = {hexed(url, body)}, hash = "
                          f"{hexed(url, leaf_hash(body))} WHERE seq = {place}")  # fmt: skip
    statements += [
        f"UPDATE ledger_node SET hash = {hexed(url, hash)} WHERE level = {n.level} AND place = {n.place}"
        for n, hash in nodes
    ]
    head = (
        f"UPDATE ledger_head SET size = {frontier.size}, root = {hexed(url, frontier.root)}, "
        f"frontier = {hexed(url, frontier.to_bytes())}"
    )
    without_triggers(
        url,
        *statements,
        head,
        f"DELETE FROM ledger_leaf WHERE seq > {frontier.size}",
        f"DELETE FROM ledger_node WHERE (place + 1) * (1 << level) > {frontier.size}",
    )


def hexed(url: str, raw: bytes) -> str:
    return f"x'{raw.hex()}'" if url.startswith("sqlite") else f"decode('{raw.hex()}', 'hex')"


async def test_a_checkpoint_cannot_be_changed_or_taken_away(store_url: str, database: Database) -> None:
    await made(database, SigningKey.new())
    for statement in ("UPDATE ledger_checkpoint SET note = ''", "DELETE FROM ledger_checkpoint"):
        with pytest.raises(StoreError):
            async with database.write(EMPLOYER) as tx:
                await tx.connection.exec_driver_sql(statement)
    async with database.read() as reader:
        assert await kept.newest(reader, EMPLOYER) is not None
