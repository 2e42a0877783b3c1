"""The log key of an installation: enrolled once, changed for all to see, and never exchanged silently."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from activities.checkpoints import Checkpoints, LogKeyError, enrolled, opened
from activities.ledger.heads import signed_checkpoint
from activities.ledger.log_keys import LogKey, claim, counting_at, enrolment, log_keys
from activities.ledger.notes import NoteError
from activities.signatures import KeyFileError, SigningKey
from activities.signed_heads import SignedHeads
from activities.store import checkpoints as kept
from activities.store.database import Database
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer
from worker.log_key import NotLost, rotate_log_key
from workflows.rules.events import Fact
from workflows.rules.record_facts import LogKeyEnrolled


def clock() -> datetime:
    return NOW + timedelta(hours=1)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A store with two employers in it, one of which has a fact."""
    database = Database(f"sqlite:///{tmp_path / 'forsvarlig.db'}")
    await database.upgrade()
    for id in (EMPLOYER, "annen"):
        await add_employer(database, id)
    async with database.write(EMPLOYER) as tx:
        await tx.append([a_fact("one")])
    yield database
    await database.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "log.pem"


async def make(database: Database, key: SigningKey, employer: str = EMPLOYER) -> None:
    await Checkpoints(database, key, clock).make(employer)


async def keys_of(database: Database, employer: str = EMPLOYER) -> list[LogKey]:
    async with database.read() as reader:
        return await enrolled(reader, employer)


def enrolling(seq: int, body: LogKeyEnrolled, employer: str = EMPLOYER) -> tuple[int, Fact]:
    return seq, Fact(id=f"key {seq}", employer=employer, concerns=NOW, recorded=NOW, body=body)


OLD, NEW, STRANGER = SigningKey.new(), SigningKey.new(), SigningKey.new()


# --- which keys count -----------------------------------------------------------------------------


def test_a_key_counts_from_its_enrolment_until_the_next() -> None:
    facts = [enrolling(3, enrolment(EMPLOYER, OLD)), enrolling(9, enrolment(EMPLOYER, NEW, OLD.id, OLD))]
    keys = log_keys(facts)
    assert [(k.seq, k.id, k.vouched) for k in keys] == [(3, OLD.id, True), (9, NEW.id, True)]
    counting = [counting_at(keys, size) for size in (2, 3, 8, 9, 50)]
    assert [k.id if k else None for k in counting] == [None, OLD.id, OLD.id, NEW.id, NEW.id]


def test_what_is_signed_says_whose_key_it_is_and_after_which() -> None:
    said = f"forsvarlig log key\n{EMPLOYER}\n{NEW.public_key}\n{OLD.id}\n".encode()
    assert claim(EMPLOYER, NEW.public_key, OLD.id) == said
    assert claim(EMPLOYER, NEW.public_key, None).endswith(b"=\n\n")


@pytest.mark.parametrize(
    "body",
    [
        enrolment(EMPLOYER, STRANGER, OLD.id, STRANGER),
        enrolment(EMPLOYER, STRANGER),
        enrolment(EMPLOYER, STRANGER, STRANGER.id, OLD),
        enrolment("annen", STRANGER, OLD.id, OLD),
        enrolment(EMPLOYER, NEW, OLD.id, OLD).model_copy(update={"public_key": STRANGER.public_key}),
        enrolment(EMPLOYER, NEW, OLD.id, OLD).model_copy(update={"key": STRANGER.id}),
        enrolment(EMPLOYER, NEW, OLD.id, OLD).model_copy(update={"signature": "AAAA"}),
        enrolment(EMPLOYER, NEW, OLD.id, OLD).model_copy(update={"previous_signature": "=="}),
    ],
    ids=["vouched for by itself", "as if it were the first", "after another", "for another employer",
         "of another key", "under another id", "unsigned", "not vouched for"],
)  # fmt: skip
def test_an_enrolment_that_is_not_signed_as_it_must_be_counts_not(body: LogKeyEnrolled) -> None:
    keys = log_keys([enrolling(3, enrolment(EMPLOYER, OLD)), enrolling(9, body)])
    assert [k.id for k in keys] == [OLD.id]


def test_a_key_after_a_lost_one_counts_and_is_known_as_not_vouched_for() -> None:
    facts = [enrolling(3, enrolment(EMPLOYER, OLD)), enrolling(9, enrolment(EMPLOYER, NEW, OLD.id))]
    assert [k.vouched for k in log_keys(facts)] == [True, False]


# --- making checkpoints ---------------------------------------------------------------------------


async def test_another_key_than_the_enrolled_one_is_not_taken_silently(database: Database) -> None:
    await make(database, OLD)
    async with database.write(EMPLOYER) as tx:
        await tx.append([a_fact("two")])
    with pytest.raises(LogKeyError, match="forsvarlig ledger rotate-key") as caught:
        await make(database, NEW)
    assert (caught.value.key, caught.value.enrolled) == (NEW.id, OLD.id)
    assert len(await keys_of(database)) == 1
    found = await Checkpoints(database, NEW, clock).make_all()
    assert isinstance(found[EMPLOYER], LogKeyError)


async def test_a_checkpoint_that_the_log_key_did_not_sign_is_not_opened(database: Database) -> None:
    await make(database, OLD)
    async with database.read() as reader:
        row = await kept.newest(reader, EMPLOYER)
        assert row is not None
        checkpoint = await opened(reader, EMPLOYER, row)
        forged = row.model_copy(update={"note": signed_checkpoint(checkpoint, STRANGER)})
        with pytest.raises(NoteError, match="No key that is trusted"):
            await opened(reader, EMPLOYER, forged)


# --- changing the key -----------------------------------------------------------------------------


async def test_a_changed_key_is_vouched_for_in_every_ledger_and_the_old_file_is_kept(
    database: Database, place: Path
) -> None:
    old = SigningKey.load_or_make(place)
    for employer in (EMPLOYER, "annen"):
        await make(database, old, employer)
    done = await rotate_log_key(database, place, clock, SignedHeads(place.parent / "signed"))
    new = SigningKey.load(place)
    beside = place.with_name(f"log-{old.id}.pem")
    assert tuple(done) == (new.id, beside, ("annen", EMPLOYER))
    assert SigningKey.load(beside).id == old.id
    for employer in done.employers:
        assert [(k.id, k.vouched) for k in await keys_of(database, employer)] == [
            (old.id, True), (new.id, True),
        ]  # fmt: skip
        async with database.read() as reader:
            assert (await reader.verify(employer)).ok
            row = await kept.newest(reader, employer)
            assert row is not None
            await opened(reader, employer, row)
    await make(database, new)


async def test_a_change_that_was_cut_short_is_finished_with_the_same_new_key(
    database: Database, place: Path
) -> None:
    old = SigningKey.load_or_make(place)
    for employer in (EMPLOYER, "annen"):
        await make(database, old, employer)
    begun = SigningKey.load_or_make(place.with_name("log-next.pem"))
    await Checkpoints(database, old, clock).rotate(EMPLOYER, begun)
    done = await rotate_log_key(database, place, clock, SignedHeads(place.parent / "signed"))
    assert done.key == begun.id == SigningKey.load(place).id
    for employer in (EMPLOYER, "annen"):
        assert [k.id for k in await keys_of(database, employer)] == [old.id, begun.id]
    assert not place.with_name("log-next.pem").exists()


async def test_changing_back_and_forth_is_recorded_each_time(database: Database) -> None:
    await make(database, OLD)
    for before, after in ((OLD, NEW), (NEW, OLD), (OLD, NEW)):
        await Checkpoints(database, before, clock).rotate(EMPLOYER, after)
    assert [k.id for k in await keys_of(database)] == [OLD.id, NEW.id, OLD.id, NEW.id]


async def test_nothing_is_changed_when_one_ledger_knows_another_key(database: Database, place: Path) -> None:
    mine = SigningKey.load_or_make(place)
    await make(database, mine, "annen")
    await make(database, STRANGER, EMPLOYER)
    with pytest.raises(LogKeyError):
        await rotate_log_key(database, place, clock, SignedHeads(place.parent / "signed"))
    assert [k.id for k in await keys_of(database, "annen")] == [mine.id]
    assert SigningKey.load(place).id == mine.id
    assert not place.with_name("log-next.pem").exists()


async def test_a_lost_key_is_followed_by_one_that_nobody_vouches_for(database: Database, place: Path) -> None:
    await make(database, OLD)
    with pytest.raises(KeyFileError, match="missing"):
        await rotate_log_key(database, place, clock, SignedHeads(place.parent / "signed"))
    done = await rotate_log_key(database, place, clock, SignedHeads(place.parent / "signed"), lost=True)
    new = SigningKey.load(place)
    assert (done.key, done.kept, done.employers) == (new.id, None, (EMPLOYER,))
    assert [(k.id, k.vouched) for k in await keys_of(database)] == [(OLD.id, True), (new.id, False)]
    await make(database, new)


async def test_a_key_that_counts_is_not_lost(database: Database, place: Path) -> None:
    await make(database, SigningKey.load_or_make(place))
    with pytest.raises(NotLost):
        await rotate_log_key(database, place, clock, SignedHeads(place.parent / "signed"), lost=True)


# --- a clock that is set back ---------------------------------------------------------------------


async def test_a_fact_after_a_checkpoint_is_not_recorded_before_it_though_the_clock_was_set_back(
    database: Database,
) -> None:
    await make(database, OLD)  # at an hour past
    async with database.write(EMPLOYER) as tx:
        [(_, late)] = await tx.append([a_fact("two")])
    assert (late.recorded, late.clock) == (clock(), "ran_back")
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).faults == ()
