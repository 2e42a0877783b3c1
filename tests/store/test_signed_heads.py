"""What the log key has signed on a machine is remembered there, and nothing is signed that does not grow out of it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from activities.checkpoints import Checkpoints, NotTakenBack
from activities.ledger.log import LedgerError
from activities.ledger.merkle import Frontier
from activities.signatures import SigningKey
from activities.signed_heads import HeadFileError, SignedHead, SignedHeads, TakenBack
from activities.store import checkpoints as kept
from activities.store.database import Database
from activities.store.transaction import Transaction
from tests.store.made import EMPLOYER, NOW, a_fact, cut_off, without_triggers
from workflows.rules.record_facts import LedgerRestored

KEY = SigningKey.new()


def clock() -> datetime:
    return NOW + timedelta(hours=1)


@pytest.fixture
def signed(tmp_path: Path) -> SignedHeads:
    return SignedHeads(tmp_path / "signed-heads")


@pytest.fixture
def worker(database: Database, signed: SignedHeads) -> Checkpoints:
    return Checkpoints(database, KEY, clock, signed)


async def recorded(database: Database, *ids: str) -> None:
    async with database.write(EMPLOYER) as tx:
        await tx.append([a_fact(id) for id in ids])


async def size_of(database: Database) -> int:
    async with database.read() as reader:
        return (await reader.head(EMPLOYER)).size


async def sizes_of_checkpoints(database: Database) -> list[int]:
    async with database.read() as reader:
        return [size for size, _ in await kept.checkpoints(reader, EMPLOYER)]


@asynccontextmanager
async def rewritten(url: str, database: Database, *ids: str) -> AsyncIterator[None]:
    """The end after three facts is taken away with its checkpoint, and another one is written."""
    await cut_off(url, database, 3)
    await recorded(database, *ids)
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).ok
    yield


@pytest.fixture
async def five_signed(database: Database, worker: Checkpoints) -> None:
    """Checkpoints over three facts and over five."""
    await recorded(database, "one", "two")
    await worker.make(EMPLOYER)
    await recorded(database, "three", "four")
    assert (await worker.make(EMPLOYER)).checkpoint.size == 5


# --- the end written anew -------------------------------------------------------------------------


@pytest.mark.parametrize("new", [("x",), ("x", "y"), ("x", "y", "z")], ids=["shorter", "as long", "longer"])
async def test_an_end_that_was_written_anew_is_not_signed(
    store_url: str, database: Database, worker: Checkpoints, five_signed: None, new: tuple[str, ...]
) -> None:
    async with rewritten(store_url, database, *new):
        found = (await worker.make_all())[EMPLOYER]
        assert isinstance(found, TakenBack)
        assert (found.employer, found.signed, found.size) == (EMPLOYER, 5, 3 + len(new))
        assert await sizes_of_checkpoints(database) == [3]


async def test_a_forged_tree_over_other_leaves_is_not_signed_either(
    store_url: str, database: Database, worker: Checkpoints, five_signed: None
) -> None:
    """With the nodes left as they were, proofs from the database still hold; the leaves tell."""
    await recorded(database, "six")
    without_triggers(
        store_url, "UPDATE ledger_leaf SET body = (SELECT body FROM ledger_leaf WHERE seq = 1) WHERE seq = 6"
    )
    with pytest.raises(TakenBack):
        await worker.make(EMPLOYER)
    assert await sizes_of_checkpoints(database) == [3, 5]


async def test_an_end_that_was_only_cut_off_is_seen_though_nothing_new_came(
    store_url: str, database: Database, worker: Checkpoints, five_signed: None
) -> None:
    await cut_off(store_url, database, 3)
    assert isinstance((await worker.make_all())[EMPLOYER], TakenBack)


async def test_a_ledger_that_was_begun_anew_gets_no_fact_and_no_checkpoint(
    store_url: str, database: Database, worker: Checkpoints, five_signed: None
) -> None:
    await cut_off(store_url, database, 0)
    await recorded(database, "another")
    with pytest.raises(TakenBack):
        await worker.make(EMPLOYER)
    assert await size_of(database) == 1


async def test_a_new_log_key_does_not_launder_it(
    store_url: str, database: Database, worker: Checkpoints, five_signed: None
) -> None:
    async with rewritten(store_url, database, "x"):
        for lost in (False, True):
            with pytest.raises(TakenBack):
                await worker.rotate(EMPLOYER, SigningKey.new(), lost=lost)
        assert await size_of(database) == 4


async def test_facts_are_recorded_all_the_same_and_it_is_said_until_it_is_put_right(
    store_url: str, database: Database, worker: Checkpoints, signed: SignedHeads, five_signed: None
) -> None:
    before = (signed.folder / f"{EMPLOYER}.head").read_text()
    async with rewritten(store_url, database, "x"):
        await worker.make_all()
        assert signed.refused() == [EMPLOYER]
        await recorded(database, "y")
        assert (signed.folder / f"{EMPLOYER}.head").read_text() == before
    await cut_off(store_url, database, 3)
    await recorded(database, "three", "four")  # the same facts again: the same leaves
    assert not isinstance((await worker.make_all())[EMPLOYER], Exception)
    assert signed.refused() == []


# --- what hinders nothing -------------------------------------------------------------------------


async def test_a_crash_between_remembering_and_the_commit_hinders_no_later_checkpoint(
    database: Database, worker: Checkpoints, signed: SignedHeads, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(tx: Transaction, employer: str, row: kept.CheckpointRow) -> None:
        raise ConnectionError

    await recorded(database, "one", "two")
    with monkeypatch.context() as cut:
        cut.setattr(kept, "add_checkpoint", crash)
        with pytest.raises(ConnectionError):
            await worker.make(EMPLOYER)
    remembered = signed.of(EMPLOYER)
    assert remembered is not None
    assert (remembered.frontier.size, await sizes_of_checkpoints(database)) == (3, [])
    again = (await worker.make_all())[EMPLOYER]
    assert not isinstance(again, Exception)
    assert again.checkpoint.root == remembered.frontier.root
    await recorded(database, "three")
    assert (await worker.make(EMPLOYER)).checkpoint.size == 4


async def test_nothing_is_remembered_that_is_not_committed(
    store_url: str, database: Database, worker: Checkpoints, signed: SignedHeads
) -> None:
    await recorded(database, "one")
    await worker.make(EMPLOYER)
    other = Database(store_url)
    old, new = KEY, SigningKey.new()
    await Checkpoints(other, old, clock, signed).rotate(EMPLOYER, new)
    await other.close()
    remembered = signed.of(EMPLOYER)
    assert remembered is not None
    assert remembered.frontier.size == await size_of(database) == 3
    await recorded(database, "two")
    assert (await Checkpoints(database, new, clock, signed).make(EMPLOYER)).checkpoint.size == 4


async def test_several_machines_remember_each_its_own_and_all_go_on(
    database: Database, worker: Checkpoints, tmp_path: Path
) -> None:
    other = Checkpoints(database, KEY, clock, SignedHeads(tmp_path / "other machine"))
    for number, machine in enumerate([worker, other, other, worker, other]):
        await recorded(database, f"fact {number}")
        assert (await machine.make(EMPLOYER)).new
    for machine in (worker, other):
        for found in (await machine.make_all()).values():
            assert not isinstance(found, Exception)
        assert await machine.make_all() == {}
    assert await sizes_of_checkpoints(database) == [2, 3, 4, 5, 6]


async def test_the_other_machine_refuses_too(
    store_url: str, database: Database, worker: Checkpoints, five_signed: None, tmp_path: Path
) -> None:
    other = Checkpoints(database, KEY, clock, SignedHeads(tmp_path / "other machine"))
    assert not (await other.make(EMPLOYER)).new
    async with rewritten(store_url, database, "x", "y", "z"):
        assert isinstance((await other.make_all())[EMPLOYER], TakenBack)


async def test_the_first_time_the_leaves_themselves_must_fit_the_head(
    store_url: str, database: Database, worker: Checkpoints
) -> None:
    await recorded(database, "one", "two")
    without_triggers(
        store_url, "UPDATE ledger_leaf SET body = (SELECT body FROM ledger_leaf WHERE seq = 1) WHERE seq = 2"
    )
    with pytest.raises(LedgerError, match="is not that of the leaves"):
        await worker.make(EMPLOYER)


# --- going on after a restore ---------------------------------------------------------------------


async def test_after_a_restore_it_goes_on_when_told_and_says_what_was_lost(
    store_url: str, database: Database, worker: Checkpoints, signed: SignedHeads, five_signed: None
) -> None:
    lost = signed.of(EMPLOYER)
    assert lost is not None
    await cut_off(store_url, database, 3)
    await recorded(database, "x")
    made = await worker.go_on_after_restore(EMPLOYER, "backup")
    async with database.read() as reader:
        [(seq, fact)] = await reader.facts(EMPLOYER, kinds=("ledger_restored",))
        assert (await reader.verify(EMPLOYER)).ok
    assert fact.body == LedgerRestored(reason="backup", size=4, lost=5, root=lost.frontier.root.hex())
    assert made.checkpoint.size == seq == 5
    [aside] = signed.folder.glob("*.before")
    assert SignedHead.read(aside.read_text()) == lost
    await recorded(database, "y")
    assert not isinstance((await worker.make_all())[EMPLOYER], Exception)
    assert signed.refused() == []


async def test_where_nothing_is_in_the_way_there_is_nothing_to_go_on_from(
    database: Database, worker: Checkpoints, five_signed: None
) -> None:
    with pytest.raises(NotTakenBack):
        await worker.go_on_after_restore(EMPLOYER, "backup")
    assert await size_of(database) == 5


async def test_going_on_that_was_cut_short_is_finished_by_the_next_call_and_recorded_once(
    store_url: str, database: Database, worker: Checkpoints, signed: SignedHeads, five_signed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def crash(employer: str) -> None:
        raise ConnectionError

    await cut_off(store_url, database, 3)
    with monkeypatch.context() as cut:
        cut.setattr(signed, "set_aside", crash)
        with pytest.raises(ConnectionError):
            await worker.go_on_after_restore(EMPLOYER, "backup")
    assert isinstance((await worker.make_all())[EMPLOYER], TakenBack)
    await worker.go_on_after_restore(EMPLOYER, "backup")
    async with database.read() as reader:
        assert len(await reader.facts(EMPLOYER, kinds=("ledger_restored",))) == 1


async def test_a_backup_from_before_a_change_of_keys_can_be_gone_on_from(
    store_url: str, database: Database, worker: Checkpoints, signed: SignedHeads, five_signed: None
) -> None:
    new = SigningKey.new()
    await worker.rotate(EMPLOYER, new)
    await cut_off(store_url, database, 5)
    later = Checkpoints(database, new, clock, signed)
    with pytest.raises(Exception, match="rotate-key"):
        await later.go_on_after_restore(EMPLOYER, "backup")
    await later.rotate(EMPLOYER, new, lost=True)
    assert not isinstance((await later.make_all()).get(EMPLOYER), Exception)


# --- the file -------------------------------------------------------------------------------------


async def test_the_file_is_for_its_owner_only_and_is_read_as_it_was_written(
    worker: Checkpoints, signed: SignedHeads, five_signed: None
) -> None:
    place = signed.file(EMPLOYER)
    assert place.stat().st_mode & 0o077 == 0
    head = signed.of(EMPLOYER)
    assert head is not None
    assert SignedHead.read(str(head)) == head
    assert list(signed.folder.iterdir()) == [place]


@pytest.mark.parametrize(
    "damage", ["", "forsvarlig-signed-head-1\n", "another\n", "half", "other tree", "binary"]
)
async def test_a_damaged_file_stops_the_signing_and_is_named(
    database: Database, worker: Checkpoints, signed: SignedHeads, five_signed: None, damage: str
) -> None:
    place = signed.file(EMPLOYER)
    whole = place.read_text()
    tree = base64.b64encode(Frontier().append(bytes(32)).to_bytes()).decode()
    lines = whole.split("\n")
    bad = {"half": whole[:-40], "other tree": "\n".join([lines[0], tree, *lines[2:]])}.get(damage, damage)
    place.write_bytes(b"\xff\xfe" if damage == "binary" else bad.encode())
    await recorded(database, "six")
    found = (await worker.make_all())[EMPLOYER]
    assert isinstance(found, HeadFileError)
    assert (found.path, found.fault) == (place, "unreadable")
    assert await sizes_of_checkpoints(database) == [3, 5]
    await worker.go_on_after_restore(EMPLOYER, "backup")
    assert (await sizes_of_checkpoints(database))[-1] == 7


async def test_the_head_of_another_employer_is_not_taken_for_this_ones(
    signed: SignedHeads, worker: Checkpoints, five_signed: None
) -> None:
    signed.file("annen").write_text(signed.file(EMPLOYER).read_text())
    with pytest.raises(HeadFileError):
        signed.of("annen")


async def test_nothing_is_signed_that_cannot_be_remembered(
    database: Database, worker: Checkpoints, signed: SignedHeads
) -> None:
    signed.folder.write_text("i veien")
    await recorded(database, "one")
    found = (await worker.make_all())[EMPLOYER]
    assert isinstance(found, HeadFileError)
    assert await sizes_of_checkpoints(database) == []


@pytest.mark.parametrize("id", ["../log", "a/b", "", "A"])
def test_a_name_that_is_no_employers_leads_to_no_file(signed: SignedHeads, id: str) -> None:
    with pytest.raises(ValueError, match="no id of an employer"):
        signed.file(id)
