"""Anchors: what is kept outside tells whether the ledger is what it was, and nobody need believe the database."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from activities.anchors import (
    LATE,
    Damaged,
    NotCosigned,
    anchor_of,
    check,
    file_name,
    forks,
    give,
    keep_cosignature,
    pin_daily,
    status,
    write_file,
)
from activities.checkpoints import Checkpoints, Made
from activities.ledger.heads import (
    Anchor,
    Fingerprint,
    anchor,
    fingerprint,
    read_anchor,
    read_fingerprint,
    signed_checkpoint,
)
from activities.ledger.log import LedgerError, leaf_bytes
from activities.ledger.merkle import Frontier, leaf_hash
from activities.ledger.notes import COSIGNATURE, NoteError, Vkey, cosign, cosigned_at, verified
from activities.mail import EmlFolder
from activities.receipts import Receipt
from activities.signatures import SigningKey
from activities.store import checkpoints as kept
from activities.store.database import Database
from tests.activities.posting import Sent, later, outbox
from tests.activities.sawmill import EMPLOYER, EVE, UNIT, Sawmill, text_of
from tests.store.made import add_employer, without_triggers
from workflows.rules.organisation import Role
from workflows.rules.terms import Outcome

WITNESS = SigningKey.new()
NAME = "fagforbund.example/hms"
WITNESS_KEY = Vkey.of(NAME, WITNESS, COSIGNATURE)


@pytest.fixture
async def mill(mill: Sawmill) -> Sawmill:
    """The sawmill on the day after the eve: Y15 is open."""
    await mill.go(EVE + timedelta(days=1))
    return mill


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.new()


def checkpoints(mill: Sawmill, key: SigningKey) -> Checkpoints:
    return Checkpoints(mill.database, key, lambda: mill.now)


async def pinned(mill: Sawmill, key: SigningKey) -> Anchor:
    made = await checkpoints(mill, key).make(EMPLOYER)
    async with mill.database.read() as reader:
        return await anchor_of(reader, EMPLOYER, made)


async def verdicts(database: Database, *held: Anchor | Fingerprint) -> list[str]:
    async with database.read() as reader:
        found = await check(reader, EMPLOYER, [(str(n), item) for n, item in enumerate(held)])
    return [each.verdict for each in found]


async def size_of(mill: Sawmill) -> int:
    async with mill.database.read() as reader:
        return (await reader.head(EMPLOYER)).size


# --- receipts -------------------------------------------------------------------------------------


async def test_a_receipt_has_the_fingerprint_of_the_ledger_with_the_act_in_it(mill: Sawmill) -> None:
    receipt = await mill.file("Y15", "kari")
    printed = read_fingerprint(receipt.fingerprint)
    assert printed.size == receipt.seq
    async with mill.database.read() as reader:
        assert printed.matches(await reader.root_at(EMPLOYER, receipt.seq))
    assert await verdicts(mill.database, printed) == ["same"]


async def test_a_receipt_that_is_given_again_has_the_head_of_then(mill: Sawmill) -> None:
    await mill.file("Y15", "kari")
    now, nonce = mill.now, f"{mill.now:%Y%m%dT%H%M%S}"
    async with mill.database.read() as reader:
        [here] = [s for s in await reader.steps(cycle=UNIT) if s.step == "Y15"]

    async def answered() -> Receipt:
        return await mill.doors.decide(
            UNIT, "Y15", "per", Role.SAFETY_REP, Outcome.AGREED, document=here.document or "",
            version=here.version, now=now, nonce=nonce,
        )  # fmt: skip

    first = await answered()
    await mill.advance()
    again = await answered()
    assert (again.repeated, again.seq) == (True, first.seq)
    assert read_fingerprint(again.fingerprint).size == await size_of(mill) > first.seq
    assert await verdicts(mill.database, *(read_fingerprint(r.fingerprint) for r in (first, again))) == [
        "same", "same",
    ]  # fmt: skip


# --- what an anchor tells -------------------------------------------------------------------------


async def test_an_untouched_ledger_is_the_same_for_every_anchor_that_was_ever_kept(
    mill: Sawmill, key: SigningKey
) -> None:
    held = []
    for n in range(3):
        await mill.file("Y15", "kari", f"utgave {n}")
        held.append(await pinned(mill, key))
    printed = read_fingerprint(held[0].checkpoint.fingerprint)
    assert await verdicts(mill.database, *held, printed) == ["same"] * 4


async def rewritten(mill: Sawmill, seq: int) -> None:
    """Change one fact and everything that follows from it, as somebody does who owns the database."""
    async with mill.database.read() as reader:
        facts = await reader.facts(EMPLOYER)
    frontier, statements = Frontier(), []
    for place, fact in facts:
        body = leaf_bytes(place, fact.model_copy(update={"actor": "toppen"}) if place == seq else fact)
        frontier = frontier.append(leaf_hash(body))
        statements.append(
            f"UPDATE ledger_leaf SET body = x'{body.hex()}', hash = x'{leaf_hash(body).hex()}' "
            f"WHERE employer = '{EMPLOYER}' AND seq = {place}"
        )
    statements.append(
        f"UPDATE ledger_head SET root = x'{frontier.root.hex()}', frontier = x'{frontier.to_bytes().hex()}' "
        f"WHERE employer = '{EMPLOYER}'"
    )
    statements.append("DELETE FROM ledger_checkpoint")
    without_triggers(url_of(mill), *statements)


def url_of(mill: Sawmill) -> str:
    return f"sqlite:///{mill.database.place}"


async def test_a_rewritten_fact_is_found_by_every_anchor_made_after_it(
    mill: Sawmill, key: SigningKey
) -> None:
    before = await pinned(mill, key)
    receipt = await mill.file("Y15", "kari")
    after = await pinned(mill, key)
    printed = read_fingerprint(receipt.fingerprint)
    await rewritten(mill, receipt.seq)
    assert await verdicts(mill.database, before, after, printed) == ["same", "changed", "changed"]
    async with mill.database.read() as reader:
        [found] = await check(reader, EMPLOYER, [("anker", after)])
    assert found.there is not None
    assert found.there != found.fingerprint


async def test_a_ledger_whose_end_was_cut_off_is_shorter_than_the_anchor(
    mill: Sawmill, key: SigningKey
) -> None:
    before = await pinned(mill, key)
    await mill.file("Y15", "kari")
    after = await pinned(mill, key)
    without_triggers(
        url_of(mill),
        f"DELETE FROM ledger_leaf WHERE seq > {before.checkpoint.size}",
        f"DELETE FROM ledger_checkpoint WHERE size > {before.checkpoint.size}",
    )
    assert await verdicts(mill.database, before, after) == ["same", "shorter"]


async def test_a_ledger_with_a_hole_is_not_whole(mill: Sawmill, key: SigningKey) -> None:
    held = await pinned(mill, key)
    without_triggers(url_of(mill), "DELETE FROM ledger_leaf WHERE seq = 7")
    assert await verdicts(mill.database, held) == ["not_whole"]


async def test_a_head_signed_by_a_key_that_never_counted_is_no_anchor_of_this_ledger(
    mill: Sawmill, key: SigningKey
) -> None:
    right = await pinned(mill, key)
    thief = SigningKey.new()
    forged = anchor(Vkey.of(right.key.name, thief), signed_checkpoint(right.checkpoint, thief))
    assert await verdicts(mill.database, forged) == ["other_key"]


async def test_a_ledger_of_which_nothing_can_be_read_is_changed_and_that_is_all(
    mill: Sawmill, key: SigningKey
) -> None:
    held = await pinned(mill, key)
    without_triggers(
        url_of(mill), "UPDATE ledger_leaf SET body = x'00'", "UPDATE ledger_checkpoint SET note = 'note'"
    )
    assert await verdicts(mill.database, held) == ["changed"]
    async with mill.database.read() as reader:
        with pytest.raises(Damaged):
            await status(reader, EMPLOYER)


async def test_another_employers_anchor_is_known_as_that(mill: Sawmill, key: SigningKey) -> None:
    right = await pinned(mill, key)
    other = right.checkpoint.model_copy(update={"origin": "forsvarlig/1/annen"})
    elsewhere = anchor(Vkey.of("forsvarlig/1/annen", key), signed_checkpoint(other, key))
    assert await verdicts(mill.database, elsewhere) == ["other_log"]


async def test_two_databases_that_were_one_make_a_fork_that_their_anchors_show(
    mill: Sawmill, key: SigningKey, tmp_path: Path
) -> None:
    """The employer shows the labour inspectorate one history and the safety representative another."""
    (tmp_path / "kopi").mkdir()
    shutil.copytree(tmp_path / "keys", tmp_path / "kopi" / "keys")
    async with Sawmill.continued(tmp_path, tmp_path / "kopi") as copy:
        await copy.go(EVE + timedelta(days=1))
        await mill.file("Y15", "kari", "den ene")
        await copy.file("Y15", "kari", "den andre")
        one, other = await pinned(mill, key), await pinned(copy, key)
        assert one.checkpoint.size == other.checkpoint.size
        assert forks([("verneombud", one), ("tilsyn", other)]) == [("verneombud", "tilsyn")]
        short = read_fingerprint(other.checkpoint.fingerprint)
        assert forks([("verneombud", one), ("kvittering", short)]) == [("verneombud", "kvittering")]
        assert await verdicts(mill.database, one, other, short) == ["same", "changed", "changed"]
        assert await verdicts(copy.database, one, other, short) == ["changed", "same", "same"]


# --- witnesses ------------------------------------------------------------------------------------


async def test_a_cosignature_is_kept_with_its_checkpoint_and_goes_into_the_anchor(
    mill: Sawmill, key: SigningKey
) -> None:
    first = await pinned(mill, key)
    seen = mill.now
    line = cosign(first.note.text, NAME, WITNESS, seen)
    await mill.file("Y15", "kari")
    await pinned(mill, key)
    found = await keep_cosignature(mill.database, EMPLOYER, str(line), WITNESS_KEY, mill.now)
    assert found == first.checkpoint
    async with mill.database.read() as reader:
        row = await kept.at(reader, EMPLOYER, found.size)
        assert row is not None
        again = await anchor_of(reader, EMPLOYER, Made(found, row.note, new=False))
        assert (await reader.verify(EMPLOYER)).ok
    assert verified(again.note, [first.key, WITNESS_KEY]) == [first.key, WITNESS_KEY]
    assert cosigned_at(again.note, WITNESS_KEY) == seen


async def test_a_cosigned_note_is_taken_as_well_as_the_line_alone(mill: Sawmill, key: SigningKey) -> None:
    first = await pinned(mill, key)
    line = cosign(first.note.text, NAME, WITNESS, mill.now)
    content = f"{first.note}{line}"
    found = await keep_cosignature(mill.database, EMPLOYER, content, WITNESS_KEY, mill.now)
    assert found == first.checkpoint


async def test_a_line_that_is_not_the_witnesss_or_over_something_else_is_refused(
    mill: Sawmill, key: SigningKey
) -> None:
    first = await pinned(mill, key)
    stranger = cosign(first.note.text, NAME, SigningKey.new(), mill.now)
    elsewhere = cosign(first.note.text.replace("time 2", "time 1"), NAME, WITNESS, mill.now)
    for line in (stranger, elsewhere):
        with pytest.raises(NotCosigned):
            await keep_cosignature(mill.database, EMPLOYER, str(line), WITNESS_KEY, mill.now)
    for junk in ("hei", "— x", str(first.note)[:40]):
        with pytest.raises(NoteError):
            await keep_cosignature(mill.database, EMPLOYER, junk, WITNESS_KEY, mill.now)
    async with mill.database.read() as reader:
        assert await kept.anchors(reader, EMPLOYER) == []


# --- mail -----------------------------------------------------------------------------------------


async def test_a_mail_carries_the_fingerprint_and_its_delivery_is_noted(
    mill: Sawmill, key: SigningKey
) -> None:
    held = await pinned(mill, key)
    await mill.file("Y15", "kari")
    sent = Sent()
    await outbox(mill.database, sent, later(mill)).run_once(limit=1000)
    assert sent.to("per")
    for message in sent.messages:
        assert message["X-Forsvarlig-Fingerprint"] == held.checkpoint.fingerprint
        assert held.checkpoint.fingerprint in text_of(message)
    async with mill.database.read() as reader:
        rows = await kept.anchors(reader, EMPLOYER, kind="mail")
    assert {row.holder for row in rows} == {str(m["X-Forsvarlig-Person"]) for m in sent.messages}
    assert {row.size for row in rows} == {held.checkpoint.size}


async def test_before_the_first_checkpoint_a_mail_has_the_fingerprint_of_the_ledger_as_it_is(
    mill: Sawmill,
) -> None:
    await mill.file("Y15", "kari")
    async with mill.database.read() as reader:
        head = await reader.head(EMPLOYER)
    sent = Sent()
    await outbox(mill.database, sent, later(mill)).run_once(limit=1000)
    now = fingerprint(head.size, bytes.fromhex(head.root))
    assert {m["X-Forsvarlig-Fingerprint"] for m in sent.messages} == {now}
    assert all(now in text_of(m) for m in sent.messages)
    async with mill.database.read() as reader:
        anchors = await kept.anchors(reader, EMPLOYER)
        [checked] = await check(reader, EMPLOYER, [("mail", read_fingerprint(now))])
    assert {(row.kind, row.size) for row in anchors} == {("mail", head.size)}
    assert checked.ok


async def test_a_mail_in_a_folder_beside_the_database_is_outside_of_nothing(
    mill: Sawmill, key: SigningKey, tmp_path: Path
) -> None:
    await pinned(mill, key)
    await mill.file("Y15", "kari")
    await outbox(mill.database, EmlFolder(tmp_path / "mail"), later(mill)).run_once(limit=1000)
    assert list((tmp_path / "mail").glob("*.eml"))
    async with mill.database.read() as reader:
        assert await kept.anchors(reader, EMPLOYER) == []


# --- every day ------------------------------------------------------------------------------------


async def test_one_pin_a_day_is_written_while_something_is_recorded(
    mill: Sawmill, key: SigningKey, tmp_path: Path
) -> None:
    folder = tmp_path / "annen disk"

    async def daily() -> list[str]:
        written = await pin_daily(mill.database, checkpoints(mill, key), folder, mill.now)
        return [place.name for place in written.values() if isinstance(place, Path)]

    [first] = await daily()
    assert first == file_name(EMPLOYER, await size_of(mill))
    await mill.file("Y15", "kari")
    assert await daily() == []
    mill.now += timedelta(days=1)
    [second] = await daily()
    assert await daily() == []
    mill.now += timedelta(days=1)
    assert await daily() == []
    held = [read_anchor((folder / name).read_bytes()) for name in (first, second)]
    assert await verdicts(mill.database, *held) == ["same", "same"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([first, second])


async def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_noted(
    mill: Sawmill, key: SigningKey, tmp_path: Path
) -> None:
    (tmp_path / "fil").write_text("i veien", encoding="utf-8")
    with pytest.raises(OSError, match="fil"):
        await pin_daily(mill.database, checkpoints(mill, key), tmp_path / "fil" / "mappe", mill.now)
    async with mill.database.read() as reader:
        assert await kept.anchors(reader, EMPLOYER) == []


async def test_a_ledger_that_cannot_be_read_hinders_no_other(
    mill: Sawmill, key: SigningKey, tmp_path: Path
) -> None:
    await add_employer(mill.database, "annen")
    for employer in (EMPLOYER, "annen"):
        await checkpoints(mill, key).make(employer)
    without_triggers(
        url_of(mill),
        f"UPDATE ledger_leaf SET body = x'00' WHERE employer = '{EMPLOYER}'",
        f"DELETE FROM ledger_checkpoint WHERE employer = '{EMPLOYER}'",
    )
    done = await pin_daily(mill.database, checkpoints(mill, key), tmp_path / "ut", mill.now)
    assert isinstance(done["annen"], Path)
    assert isinstance(done[EMPLOYER], LedgerError)
    [made] = (await checkpoints(mill, key).make_all()).values()
    assert isinstance(made, LedgerError)


async def test_a_rehearsal_is_not_pinned_and_never_late(tmp_path: Path, key: SigningKey) -> None:
    async with Sawmill.started(tmp_path, mode="rehearsal") as mill:
        assert await pin_daily(mill.database, checkpoints(mill, key), tmp_path / "ut", mill.now) == {}
        async with mill.database.read() as reader:
            assert not (await status(reader, EMPLOYER)).is_late(mill.now + 300 * LATE)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "ny" / "a.anchor"
    write_file(place, "én\n")
    assert place.read_bytes() == "én\n".encode()
    with pytest.raises(UnicodeEncodeError):
        write_file(place, "to\udcff\n")
    assert [path.name for path in place.parent.iterdir()] == ["a.anchor"]
    assert place.read_bytes() == "én\n".encode()


# --- how old the newest is ------------------------------------------------------------------------


async def late_at(mill: Sawmill, now: datetime) -> bool:
    async with mill.database.read() as reader:
        return (await status(reader, EMPLOYER)).is_late(now)


async def test_a_fact_that_no_anchor_tells_of_is_late_after_a_day(mill: Sawmill, key: SigningKey) -> None:
    held = await pinned(mill, key)
    assert await late_at(mill, mill.now)
    await give(mill.database, EMPLOYER, held.checkpoint.size, "a.anchor", "pin", mill.now)
    assert not await late_at(mill, mill.now + 300 * LATE)
    receipt = await mill.file("Y15", "kari")
    recorded = receipt.fact.recorded
    assert not await late_at(mill, recorded + LATE)
    assert await late_at(mill, recorded + LATE + timedelta(seconds=1))
    async with mill.database.read() as reader:
        found = await status(reader, EMPLOYER)
    assert found.uncovered == found.unanchored == found.facts - held.checkpoint.size
    assert found.unanchored_since == found.uncovered_since == recorded
    assert found.fingerprint.startswith(f"{found.facts}-")


async def test_an_empty_ledger_lacks_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'forsvarlig.db'}")
    await database.upgrade()
    await add_employer(database, "tom")
    async with database.read() as reader:
        found = await status(reader, "tom")
    await database.close()
    assert (found.facts, found.checkpoint, found.uncovered, found.unanchored_since) == (0, None, 0, None)
