"""The doors: whatever comes ends as exactly one recorded outcome, and a refusal is recorded with its reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from activities.doors import Doors
from activities.ledger.log import Payload, commit, commitment
from activities.receipts import Receipt
from activities.signatures import SigningKey
from activities.store.errors import NotThere
from tests.activities.sawmill import EMPLOYER, SITUATIONS, UNIT, YEAR, Sawmill
from workflows.rules.events import AttemptRefused, Fact
from workflows.rules.organisation import Role
from workflows.rules.statement import (
    LONGEST_LIFE,
    LONGEST_TEXT,
    Act,
    Authentication,
    Decide,
    EnrolKey,
    Envelope,
    File,
    MoveDueDate,
    RevokeKey,
    Statement,
    TextTooLong,
    Votes,
)
from workflows.rules.terms import Outcome, Refusal

SIGNAL = "signal 0b5b1f6e-8a53-4f0e-9a52-6d8c1d3f7f11"


class Desk:
    """Per's and others' statements about Y15, which is filed; Per has an own key, which counts."""

    def __init__(self, mill: Sawmill, document: str) -> None:
        self.mill, self.document = mill, document
        self.key = SigningKey.new()

    def agrees(self, **changes: Any) -> Decide:
        said = {"role": Role.SAFETY_REP, "outcome": Outcome.AGREED, "document": self.document, "version": 1}
        return Decide.model_validate({**said, **changes})

    def said(self, act: Act | None = None, **changes: Any) -> Statement:
        """Per's, in Y15, with his own key, for ten minutes."""
        parts = {
            "employer": EMPLOYER, "cycle": UNIT, "step": "Y15", "actor": "per", "act": act or self.agrees(),
            "nonce": "n1", "issued": self.mill.now, "expires": self.mill.now + timedelta(minutes=10),
            "authentication": Authentication(method="key_file"), **changes,
        }  # fmt: skip
        return Statement.model_validate(parts)

    def signed(self, act: Act | None = None, **changes: Any) -> bytes:
        return self.key.sign(self.said(act, **changes)).to_json().encode()

    async def hand_in(self, raw: bytes, via: str = "desk", place: str = UNIT, **more: Any) -> Receipt:
        return await self.mill.doors.receive(raw, place=place, now=self.mill.now, via=via, **more)

    async def size(self) -> int:
        async with self.mill.database.read() as reader:
            return (await reader.head(EMPLOYER)).size

    async def refused(self) -> list[Fact]:
        async with self.mill.database.read() as reader:
            return [f for _, f in await reader.facts(EMPLOYER, kinds=("attempt_refused",))]


@pytest.fixture
async def desk(mill: Sawmill) -> Desk:
    await mill.go(date(2027, 5, 10))
    receipt = await mill.file("Y15", "kari")
    desk = Desk(mill, getattr(receipt.fact.body, "document", ""))
    said = EnrolKey(person="per", public_key=desk.key.public_key)
    assert (await mill.doors.act(EMPLOYER, "per", said, now=mill.now, nonce="k")).accepted
    return desk


async def test_a_signed_statement_is_recorded_whole_with_its_door(desk: Desk) -> None:
    raw = desk.signed()
    receipt = await desk.hand_in(raw, f"{SIGNAL}:1")
    assert receipt.accepted
    assert (receipt.fact.actor, receipt.fact.via) == ("per", f"{SIGNAL}:1")
    assert receipt.fact.signed == Envelope.model_validate_json(raw)


# --- refused before anybody looks at what is said ----------------------------------------------------

FORGERIES: list[tuple[str, Callable[[Desk], bytes], Refusal, str | None]] = [
    ("junk", lambda d: b"junk", Refusal.UNREADABLE, None),
    ("nothing", lambda d: b"", Refusal.UNREADABLE, None),
    ("too much", lambda d: b"x" * 100_000, Refusal.UNREADABLE, None),
    ("no signature", lambda d: unsigned(d.signed()), Refusal.UNSIGNED, None),
    ("a stranger's key", lambda d: by(SigningKey.new(), d.said()), Refusal.UNKNOWN_KEY, "per"),
    ("a changed text", lambda d: changed(d), Refusal.BAD_SIGNATURE, "per"),
    ("somebody else's name", lambda d: d.signed(actor="kari"), Refusal.WRONG_PERSON, "kari"),
    ("the name of nobody here", lambda d: d.signed(actor="ingen"), Refusal.WRONG_PERSON, None),
    (
        "the desk for one with an own key", lambda d: by(d.mill.signer, d.said(authentication=known("desk"))),
        Refusal.OWN_KEY_REQUIRED, "per",
    ),
    (
        "the portal's word under an own key", lambda d: d.signed(authentication=known("portal")),
        Refusal.WRONG_PERSON, "per",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "made", "expected", "claimed"), FORGERIES, ids=[f[0] for f in FORGERIES])
@pytest.mark.parametrize("via", ["desk", f"{SIGNAL}:7"])
async def test_what_proves_nothing_is_recorded_as_nobodys_attempt(
    desk: Desk, name: str, made: Callable[[Desk], bytes], expected: Refusal, claimed: str | None, via: str
) -> None:
    raw = made(desk)
    receipt = await desk.hand_in(raw, via)
    [fact] = await desk.refused()
    assert receipt.reason is expected
    assert isinstance(fact.body, AttemptRefused)
    assert (fact.actor, fact.step, fact.body.reason, fact.via) == ("unknown", None, expected, via)
    assert (fact.body.claimed, fact.body.input) == (claimed, hashlib.sha256(raw).hexdigest())


async def test_a_revoked_key_is_refused(desk: Desk) -> None:
    revoked = RevokeKey(key=desk.key.id, reason="stolen")
    assert (await desk.mill.doors.act(EMPLOYER, "hanne", revoked, now=desk.mill.now, nonce="r")).accepted
    assert (await desk.hand_in(desk.signed())).reason is Refusal.REVOKED_KEY


@pytest.mark.parametrize(
    ("issued", "life", "expected"),
    [
        (timedelta(minutes=3), timedelta(minutes=10), Refusal.FUTURE_DATED),
        (-timedelta(minutes=10), timedelta(minutes=10), Refusal.EXPIRED),
        (-timedelta(days=8), timedelta(days=7), Refusal.EXPIRED),
        (timedelta(0), LONGEST_LIFE + timedelta(seconds=1), Refusal.EXPIRED),
    ],
)
async def test_what_came_too_early_or_too_late_is_recorded_as_the_persons_own(
    desk: Desk, issued: timedelta, life: timedelta, expected: Refusal
) -> None:
    start = desk.mill.now + issued
    receipt = await desk.hand_in(desk.signed(issued=start, expires=start + life))
    assert (receipt.reason, receipt.fact.actor) == (expected, "per")


@pytest.mark.parametrize("place", [YEAR, EMPLOYER])
async def test_a_statement_handed_in_elsewhere_than_it_says_is_refused(desk: Desk, place: str) -> None:
    receipt = await desk.hand_in(desk.signed(), place=place)
    assert (receipt.reason, receipt.fact.actor) == (Refusal.WRONG_PLACE, "per")


async def test_the_same_forgery_twice_is_two_attempts_by_the_desk_and_by_signal(desk: Desk) -> None:
    for number in (1, 2):
        desk.mill.now += timedelta(seconds=1)
        await desk.hand_in(b"junk", f"{SIGNAL}:{number}")
        await desk.hand_in(b"junk")
    assert len(await desk.refused()) == 4


async def test_a_workflow_that_asks_again_about_a_forgery_records_it_once(desk: Desk) -> None:
    first = await desk.hand_in(b"junk", f"{SIGNAL}:1")
    desk.mill.now += timedelta(seconds=1)
    again = await desk.hand_in(b"junk", f"{SIGNAL}:1")
    assert (again.seq, again.reason, again.repeated) == (first.seq, Refusal.UNREADABLE, True)


async def test_junk_that_came_together_is_one_fact_with_how_many_there_were(desk: Desk) -> None:
    inputs = [hashlib.sha256(bytes([n])).hexdigest() for n in range(50)]
    receipt = await desk.mill.doors.refuse_junk(
        UNIT, Refusal.UNKNOWN_SIGNAL, inputs, now=desk.mill.now, via=f"{SIGNAL}:1"
    )
    assert isinstance(receipt.fact.body, AttemptRefused)
    assert (receipt.fact.body.count, receipt.fact.body.attempt) == (50, "signal")


@pytest.mark.parametrize("place", ["unit/nordfjord-sag/kontor/2027", "year/nordfjord-sag/2031", "ingen"])
async def test_a_place_that_is_not_there_is_no_place_to_record_anything(desk: Desk, place: str) -> None:
    with pytest.raises(NotThere):
        await desk.hand_in(desk.signed(), place=place)


# --- refused by the rules -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda d: d.said(d.agrees(version=2)), Refusal.WRONG_DOCUMENT),
        (lambda d: d.said(d.agrees(outcome=Outcome.APPROVED)), Refusal.WRONG_OUTCOME),
        (lambda d: d.said(d.agrees(role=Role.MANAGER, outcome=Outcome.APPROVED)), Refusal.NOT_ELIGIBLE),
        (lambda d: d.said(d.agrees(comment="ab" * 32)), Refusal.COMMENT_REQUIRED),
        (lambda d: d.said(File(document="ab" * 32)), Refusal.NO_EVIDENCE),
        (lambda d: d.said(File(document=d.document)), Refusal.NOT_ELIGIBLE),
        (lambda d: d.said(MoveDueDate(due=date(2027, 6, 1))), Refusal.NOT_ELIGIBLE),
        (
            lambda d: d.said(d.agrees(votes=Votes(majority=("per",), position="ab" * 32))),
            Refusal.NO_EVIDENCE,
        ),
        (lambda d: d.said(step="Y99"), Refusal.UNKNOWN_STEP),
        (lambda d: d.said(step="Y20"), Refusal.NOT_YET),
    ],
)
async def test_what_the_rules_refuse_is_recorded_in_its_step_with_the_signature(
    desk: Desk, made: Callable[[Desk], Statement], expected: Refusal
) -> None:
    said = made(desk)
    raw = by(desk.key, said)
    receipt = await desk.hand_in(raw)
    [fact] = await desk.refused()
    assert (receipt.reason, fact.actor, fact.step) == (expected, "per", said.step)
    assert fact.signed == Envelope.model_validate_json(raw)


# --- once -----------------------------------------------------------------------------------------


async def test_the_same_bytes_at_the_desk_again_are_a_retry(desk: Desk) -> None:
    raw = desk.signed()
    first = await desk.hand_in(raw)
    size = await desk.size()
    again = await desk.hand_in(raw)
    assert (again.seq, again.accepted, again.repeated) == (first.seq, True, True)
    assert await desk.size() == size


async def test_the_same_statement_by_a_second_signal_is_a_replay(desk: Desk) -> None:
    raw = desk.signed()
    assert (await desk.hand_in(raw, f"{SIGNAL}:1")).accepted
    assert (await desk.hand_in(raw, f"{SIGNAL}:2")).reason is Refusal.REPLAYED


async def test_a_statement_from_the_desk_that_comes_by_signal_too_is_a_replay(desk: Desk) -> None:
    raw = desk.signed()
    assert (await desk.hand_in(raw)).accepted
    assert (await desk.hand_in(raw, f"{SIGNAL}:1")).reason is Refusal.REPLAYED


async def test_a_workflow_that_asks_again_about_the_same_signal_gets_the_same_answer(desk: Desk) -> None:
    raw = desk.signed()
    first = await desk.hand_in(raw, f"{SIGNAL}:1")
    again = await desk.hand_in(raw, f"{SIGNAL}:1")
    assert (again.seq, again.reason, again.repeated) == (first.seq, None, True)


async def test_another_statement_with_the_same_nonce_is_a_replay(desk: Desk) -> None:
    assert (await desk.hand_in(desk.signed())).accepted
    other = desk.signed(desk.agrees(outcome=Outcome.DISAGREES))
    assert (await desk.hand_in(other)).reason is Refusal.REPLAYED


async def test_a_refused_attempt_stays_refused_when_it_is_repeated(desk: Desk) -> None:
    raw = desk.signed(desk.agrees(version=2))
    first = await desk.hand_in(raw)
    again = await desk.hand_in(raw)
    assert (again.seq, again.reason, again.repeated) == (first.seq, Refusal.WRONG_DOCUMENT, True)


# --- texts ----------------------------------------------------------------------------------------


async def test_a_comment_stands_beside_the_statement_that_commits_to_it(desk: Desk) -> None:
    text, commitment = commit("Bemanningen mangler.")
    raw = desk.signed(desk.agrees(outcome=Outcome.DISAGREES, comment=commitment))
    receipt = await desk.hand_in(raw, texts=[text])
    assert receipt.accepted
    assert await kept(desk, receipt.fact) == "Bemanningen mangler."
    assert b"Bemanningen" not in raw


async def test_a_comment_may_wait_for_its_statement_and_is_taken_once(desk: Desk) -> None:
    commitment = await desk.mill.doors.deposit(EMPLOYER, "Bemanningen mangler.", desk.mill.now)
    raw = desk.signed(desk.agrees(outcome=Outcome.DISAGREES, comment=commitment))
    receipt = await desk.hand_in(raw, f"{SIGNAL}:1")
    assert await kept(desk, receipt.fact) == "Bemanningen mangler."
    async with desk.mill.database.read() as reader:
        assert await reader.deposited(commitment) is None


async def test_a_comment_of_another_is_not_the_one_that_was_committed_to(desk: Desk) -> None:
    text, _commitment = commit("Bemanningen mangler.")
    _text, other = commit("Bemanningen mangler.")
    raw = desk.signed(desk.agrees(outcome=Outcome.DISAGREES, comment=other))
    assert (await desk.hand_in(raw, texts=[text])).reason is Refusal.COMMENT_REQUIRED


@pytest.mark.parametrize("via", ["desk", f"{SIGNAL}:1"])
async def test_more_than_anybody_writes_is_refused_on_record_and_kept_nowhere(desk: Desk, via: str) -> None:
    text = Payload(salt=b"s" * 32, text="a" * (LONGEST_TEXT + 1))
    promised = commitment(text.salt, text.text)
    if via != "desk":
        async with desk.mill.database.write(EMPLOYER) as tx:
            await tx.deposit(promised, text, desk.mill.now)
    raw = desk.signed(desk.agrees(outcome=Outcome.DISAGREES, comment=promised))
    receipt = await desk.hand_in(raw, via, texts=[text] if via == "desk" else [])
    assert receipt.reason is Refusal.TEXT_TOO_LONG
    [fact] = await desk.refused()
    assert fact.signed == Envelope.model_validate_json(raw)
    assert await kept(desk, fact) is None


async def test_the_longest_text_that_may_be_written_is_kept_whole(desk: Desk) -> None:
    text, commitment = commit("ø" * LONGEST_TEXT)
    raw = desk.signed(desk.agrees(outcome=Outcome.DISAGREES, comment=commitment))
    receipt = await desk.hand_in(raw, texts=[text])
    assert await kept(desk, receipt.fact) == "ø" * LONGEST_TEXT


async def test_a_text_that_is_too_long_is_not_even_promised(desk: Desk) -> None:
    with pytest.raises(TextTooLong, match=f"{LONGEST_TEXT + 1} characters.*{LONGEST_TEXT}.*step submit"):
        await desk.mill.doors.deposit(EMPLOYER, "a" * (LONGEST_TEXT + 1), desk.mill.now)


async def test_what_is_signed_to_be_sent_later_waits_with_its_text_and_is_not_recorded(desk: Desk) -> None:
    text, commitment = commit("Bemanningen mangler.")
    act = desk.agrees(outcome=Outcome.DISAGREES, comment=commitment)
    before = await desk.refused()
    envelope = await desk.mill.doors.sign(
        EMPLOYER, "per", act, cycle=UNIT, step="Y15", now=desk.mill.now, nonce="later", life=LONGEST_LIFE,
        texts=[text], own=desk.key,
    )  # fmt: skip
    assert await desk.refused() == before
    desk.mill.now += timedelta(days=6)
    receipt = await desk.hand_in(envelope.to_json().encode(), f"{SIGNAL}:1")
    assert receipt.accepted
    assert await kept(desk, receipt.fact) == "Bemanningen mangler."


async def test_another_machines_door_knows_the_key_of_the_desk_that_signed_for_later(mill: Sawmill) -> None:
    """Also when that desk has recorded nothing yet."""
    elsewhere = Doors(mill.database, SITUATIONS, signer=SigningKey.new())
    said = MoveDueDate(due=date(2027, 5, 28))
    envelope = await elsewhere.sign(
        EMPLOYER, "kari", said, cycle=UNIT, step="Y15", now=mill.now, nonce="n", life=LONGEST_LIFE
    )
    receipt = await mill.doors.receive(
        envelope.to_json().encode(), place=UNIT, now=mill.now, via=f"{SIGNAL}:1"
    )
    assert receipt.reason is Refusal.NOT_YET


# --- an own key -----------------------------------------------------------------------------------


async def test_the_desk_signs_with_the_own_key_of_one_who_has_it_here(desk: Desk) -> None:
    receipt = await desk.mill.doors.act(
        EMPLOYER, "per", desk.agrees(), cycle=UNIT, step="Y15", now=desk.mill.now, nonce="n", own=desk.key
    )
    assert receipt.accepted
    assert receipt.fact.signed is not None
    assert receipt.fact.signed.key == desk.key.id


async def test_the_same_act_with_an_own_key_a_minute_later_is_a_retry(desk: Desk) -> None:
    for _ in range(2):
        desk.mill.now += timedelta(minutes=1)
        receipt = await desk.mill.doors.act(
            EMPLOYER, "per", desk.agrees(), cycle=UNIT, step="Y15", now=desk.mill.now, nonce="n", own=desk.key
        )
    assert (receipt.accepted, receipt.repeated) == (True, True)
    assert await desk.refused() == []


async def test_a_further_key_needs_a_key_of_ones_own(desk: Desk) -> None:
    further = EnrolKey(person="per", public_key=SigningKey.new().public_key)
    now = desk.mill.now
    refused = await desk.mill.doors.act(EMPLOYER, "per", further, now=now, nonce="a")
    assert refused.reason is Refusal.OWN_KEY_REQUIRED
    assert (await desk.mill.doors.act(EMPLOYER, "per", further, now=now, nonce="b", own=desk.key)).accepted


async def test_nobody_revokes_anothers_key_but_hr_and_the_top_manager(desk: Desk) -> None:
    revoked = RevokeKey(key=desk.key.id, reason="lost")
    refused = await desk.mill.doors.act(EMPLOYER, "kari", revoked, now=desk.mill.now, nonce="a")
    assert refused.reason is Refusal.NOT_ELIGIBLE
    assert (await desk.mill.doors.act(EMPLOYER, "toppen", revoked, now=desk.mill.now, nonce="a")).accepted


async def test_the_one_whose_key_it_is_gets_a_mail_when_it_is_enrolled_and_when_it_is_revoked(
    desk: Desk,
) -> None:
    revoked = RevokeKey(key=desk.key.id, reason="lost")
    await desk.mill.doors.act(EMPLOYER, "hanne", revoked, now=desk.mill.now, nonce="a")
    async with desk.mill.database.read() as reader:
        rows = [r for r in await reader.outbox_due(desk.mill.now, 10_000) if r.target == "per"]
        about = [f.kind for r in rows for f in await told_of(reader, r.fact_seq)]
    assert {"key_enrolled", "key_revoked"} <= set(about)


async def test_the_safety_representative_gets_a_mail_about_the_key_of_another(desk: Desk) -> None:
    said = EnrolKey(person="kari", public_key=SigningKey.new().public_key)
    assert (await desk.mill.doors.act(EMPLOYER, "kari", said, now=desk.mill.now, nonce="k")).accepted
    async with desk.mill.database.read() as reader:
        rows = [r for r in await reader.outbox_due(desk.mill.now, 10_000) if r.target in ("kari", "per")]
        told = {
            (r.target, f.actor)
            for r in rows
            for f in await told_of(reader, r.fact_seq)
            if f.kind == "key_enrolled"
        }
    assert {("kari", "kari"), ("per", "kari")} <= told


async def told_of(reader: Any, seq: int | None) -> list[Fact]:
    return [f for _, f in await reader.facts(EMPLOYER, after=(seq or 1) - 1, limit=1)]


async def kept(desk: Desk, fact: Fact) -> str | None:
    async with desk.mill.database.read() as reader:
        return await reader.payload(EMPLOYER, fact.id)


def by(key: SigningKey, said: Statement) -> bytes:
    return key.sign(said).to_json().encode()


def known(method: str) -> Authentication:
    return Authentication.model_validate({"method": method})


def unsigned(raw: bytes) -> bytes:
    return json.dumps({**json.loads(raw), "signatures": []}).encode()


def changed(desk: Desk) -> bytes:
    """What Per signed, with another answer in it."""
    said = json.loads(desk.signed())
    other = json.loads(desk.signed(desk.agrees(outcome=Outcome.DISAGREES)))
    return json.dumps({**said, "payload": other["payload"]}).encode()
