"""What is written into the ledger by somebody who can write there opens no gate; what was signed can be proved."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from activities.found_acts import Found, check_all, look_through
from activities.ledger.log import leaf_bytes
from activities.proof import Keys, is_act, proof, unproven
from activities.signatures import SigningKey
from tests.activities.sawmill import EMPLOYER, UNIT, Sawmill
from workflows.rules.authority_facts import KeyEnrolled
from workflows.rules.events import DecisionDisregarded, DecisionRecorded, EvidenceSubmitted, Fact, StepClosed
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.statement import Authentication, Decide, EnrolKey, Envelope, RevokeKey, Statement
from workflows.rules.terms import Outcome, Refusal

ASSESSED = date(2027, 5, 10)
"""Y15 is open: Per is heard first, then Kari decides."""


@pytest.fixture
async def filed(mill: Sawmill) -> Sawmill:
    await mill.go(ASSESSED)
    await mill.file("Y15", "kari")
    return mill


async def forge(mill: Sawmill, who: str, signed: Envelope | None = None, document: str | None = None) -> Fact:
    """Write an answer in Y15 straight into the ledger, as somebody with the database could."""
    consulted = who == "per"
    body = DecisionRecorded(
        role=Role.SAFETY_REP if consulted else Role.MANAGER,
        asked=Kind.CONSULT if consulted else Kind.APPROVE,
        outcome=Outcome.AGREED if consulted else Outcome.APPROVED,
        document=document or await filed_document(mill),
        version=1,
    )
    fact = Fact(
        id=f"{UNIT}/Y15#act {who} forged", employer=EMPLOYER, cycle=UNIT, step="Y15", concerns=mill.now,
        recorded=mill.now, actor=who, body=body, via="desk", signed=signed,
    )  # fmt: skip
    async with mill.database.write(EMPLOYER) as tx:
        await tx.append([fact])
    mill.now += timedelta(minutes=1)
    await mill.advance()
    return fact


async def filed_document(mill: Sawmill) -> str:
    [body] = [f.body for _, f in await facts(mill, "evidence_submitted")]
    assert isinstance(body, EvidenceSubmitted)
    return body.document


async def facts(mill: Sawmill, kind: str | None = None) -> list[tuple[int, Fact]]:
    async with mill.database.read() as reader:
        found = await reader.facts(EMPLOYER)
    return [(seq, f) for seq, f in found if (kind is None and is_act(f)) or f.kind == kind]


async def asked(mill: Sawmill) -> list[str]:
    """Whom Y15 waits for."""
    async with mill.database.read() as reader:
        return [row.person for row in await reader.inbox(cycle=UNIT) if row.step == "Y15"]


async def disregarded(mill: Sawmill) -> dict[str, Refusal]:
    bodies = [f.body for _, f in await facts(mill, "decision_disregarded")]
    return {b.decision: b.reason for b in bodies if isinstance(b, DecisionDisregarded)}


async def closed(mill: Sawmill) -> bool:
    return any(
        isinstance(f.body, StepClosed) and f.step == "Y15" for _, f in await facts(mill, "step_closed")
    )


async def test_answers_that_nobody_signed_open_no_gate_and_the_record_says_so(filed: Sawmill) -> None:
    of_per = await forge(filed, "per")
    of_kari = await forge(filed, "kari")
    assert not await closed(filed)
    assert await disregarded(filed) == {of_per.id: Refusal.UNSIGNED}
    assert await asked(filed) == ["per"]
    await filed.decide("Y15", "per", Role.SAFETY_REP, Outcome.AGREED)
    assert await disregarded(filed) == {of_per.id: Refusal.UNSIGNED, of_kari.id: Refusal.UNSIGNED}
    assert await asked(filed) == ["kari"]
    await filed.decide("Y15", "kari", Role.MANAGER, Outcome.APPROVED)
    assert await closed(filed)


async def test_nobody_is_asked_next_because_of_an_answer_that_nobody_signed(filed: Sawmill) -> None:
    await forge(filed, "per")
    assert await asked(filed) == ["per"]


async def test_an_answer_with_somebody_elses_key_is_disregarded(filed: Sawmill) -> None:
    key = await enrol(filed, "vera")
    forged = await forge(filed, "per", key.sign(await agreeing(filed)))
    assert await disregarded(filed) == {forged.id: Refusal.WRONG_PERSON}


async def test_an_answer_with_a_key_that_nobody_enrolled_is_disregarded(filed: Sawmill) -> None:
    forged = await forge(filed, "per", SigningKey.new().sign(await agreeing(filed)))
    assert await disregarded(filed) == {forged.id: Refusal.UNKNOWN_KEY}


async def test_the_installations_key_proves_nothing_for_one_who_has_an_own_key(filed: Sawmill) -> None:
    await enrol(filed, "per")
    forged = await forge(filed, "per", filed.signer.sign(await agreeing(filed, "desk")))
    assert await disregarded(filed) == {forged.id: Refusal.OWN_KEY_REQUIRED}


async def test_a_signature_from_another_step_is_disregarded(filed: Sawmill) -> None:
    key = await enrol(filed, "per")
    forged = await forge(filed, "per", key.sign(await agreeing(filed, step="Y10")))
    assert await disregarded(filed) == {forged.id: Refusal.WRONG_PLACE}


async def test_a_signature_under_another_answer_is_disregarded(filed: Sawmill) -> None:
    key = await enrol(filed, "per")
    said = await agreeing(filed)
    disagrees = said.act.model_copy(update={"outcome": Outcome.DISAGREES})
    forged = await forge(filed, "per", key.sign(said.model_copy(update={"act": disagrees})))
    assert await disregarded(filed) == {forged.id: Refusal.WRONG_OUTCOME}


async def test_a_forged_disagreement_is_no_matter_for_the_committee(filed: Sawmill) -> None:
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, version=1,
        document=await filed_document(filed),
    )  # fmt: skip
    fact = Fact(
        id="forged", employer=EMPLOYER, cycle=UNIT, step="Y15", concerns=filed.now, recorded=filed.now,
        actor="per", body=body,
    )  # fmt: skip
    async with filed.database.write(EMPLOYER) as tx:
        await tx.append([fact])
    await filed.advance()
    assert await disregarded(filed) == {"forged": Refusal.UNSIGNED}
    assert not await facts(filed, "answer_demanded")


async def test_to_be_looked_at_again_changes_nothing(filed: Sawmill) -> None:
    await forge(filed, "per")
    before = await facts(filed, "decision_disregarded")
    await filed.advance()
    async with filed.database.read() as reader:
        size = (await reader.head(EMPLOYER)).size
    await filed.advance()
    async with filed.database.read() as reader:
        assert (await reader.head(EMPLOYER)).size == size
    assert await facts(filed, "decision_disregarded") == before


async def test_a_key_that_is_revoked_afterwards_does_not_undo_what_it_signed_before(filed: Sawmill) -> None:
    key = await enrol(filed, "per")
    raw = key.sign(await agreeing(filed)).to_json().encode()
    receipt = await filed.doors.receive(raw, place=UNIT, now=filed.now, via="desk")
    assert receipt.accepted
    revoked = RevokeKey(key=key.id, reason="lost")
    assert (await filed.doors.act(EMPLOYER, "hanne", revoked, now=filed.now, nonce="r")).accepted
    filed.now += timedelta(minutes=1)
    await filed.advance()
    await filed.decide("Y15", "kari", Role.MANAGER, Outcome.APPROVED)
    assert await closed(filed)
    async with filed.database.read() as reader:
        ring = await Keys().of(reader, EMPLOYER)
    assert unproven(ring, receipt.seq, receipt.fact) is None


async def test_what_was_recorded_before_anybody_signed_needs_no_signature(mill: Sawmill) -> None:
    fact = Fact(
        id="old", employer=EMPLOYER, cycle=UNIT, step="Y15", concerns=mill.now, recorded=mill.now, actor="kari",
        body=EvidenceSubmitted(document="ab" * 32, version=1),
    )  # fmt: skip
    async with mill.database.write(EMPLOYER) as tx:
        [(seq, old)] = await tx.append([fact])
    await mill.go(ASSESSED)
    await mill.file("Y10", "kari")
    async with mill.database.read() as reader:
        ring = await Keys().of(reader, EMPLOYER)
    assert ring.signing_since is not None
    assert unproven(ring, seq, old) is None


async def enrol(mill: Sawmill, who: str) -> SigningKey:
    """A new own key that counts for the person."""
    key = SigningKey.new()
    said = EnrolKey(person=who, public_key=key.public_key)
    assert (await mill.doors.act(EMPLOYER, who, said, now=mill.now, nonce=f"key-{who}")).accepted
    return key


async def agreeing(mill: Sawmill, method: str = "key_file", step: str = "Y15") -> Statement:
    """Per agrees with version 1."""
    act = Decide(role=Role.SAFETY_REP, outcome=Outcome.AGREED, document=await filed_document(mill), version=1)
    return Statement(
        employer=EMPLOYER, cycle=UNIT, step=step, actor="per", act=act, nonce="n1", issued=mill.now,
        expires=mill.now + timedelta(minutes=10),
        authentication=Authentication.model_validate({"method": method}),
    )  # fmt: skip


# --- from a file ----------------------------------------------------------------------------------


@pytest.fixture
async def done(filed: Sawmill) -> Sawmill:
    """Per has agreed with his own key, and Kari approved without one."""
    key = await enrol(filed, "per")
    raw = key.sign(await agreeing(filed)).to_json().encode()
    assert (await filed.doors.receive(raw, place=UNIT, now=filed.now, via="desk")).accepted
    filed.now += timedelta(minutes=1)
    await filed.advance()
    await filed.decide("Y15", "kari", Role.MANAGER, Outcome.APPROVED)
    return filed


async def leaves(mill: Sawmill) -> list[dict[str, object]]:
    """The ledger as it is given away."""
    async with mill.database.read() as reader:
        return [json.loads(leaf_bytes(seq, fact)) for seq, fact in await reader.facts(EMPLOYER)]


def checked(values: list[dict[str, object]], *keys: str) -> list[Found]:
    found, envelopes = look_through(values)
    return check_all(found, envelopes, keys)


async def test_every_act_of_a_ledger_can_be_proved_from_its_leaves_alone(done: Sawmill) -> None:
    found = checked(await leaves(done))
    assert [(f.fact.kind, f.fact.actor) for f in found if f.fact is not None] == [
        ("evidence_submitted", "kari"), ("key_enrolled", "per"), ("decision_recorded", "per"),
        ("decision_recorded", "kari"),
    ]  # fmt: skip
    assert {f.fault for f in found} == {None}


async def test_a_leaf_that_was_changed_is_not_proved(done: Sawmill) -> None:
    values = await leaves(done)
    [leaf] = [v for v in values if v["actor"] == "kari" and v["body"]["kind"] == "decision_recorded"]  # type: ignore[index]
    leaf["body"]["outcome"] = "rejected"  # type: ignore[index]
    assert [f.fault for f in checked(values) if f.fault is not None] == [Refusal.WRONG_OUTCOME]


async def test_without_the_keys_nothing_is_proved_and_with_a_key_what_it_signed_is(done: Sawmill) -> None:
    values = [v for v in await leaves(done) if v["body"]["kind"] != "key_enrolled"]  # type: ignore[index]
    assert {f.fault for f in checked(values)} == {Refusal.UNKNOWN_KEY}
    with_key = {f.statement.actor: f.fault for f in checked(values, done.signer.public_key) if f.statement}
    assert with_key == {"kari": None, "per": Refusal.UNKNOWN_KEY}


async def test_an_unsigned_answer_among_signed_ones_is_not_proved(done: Sawmill) -> None:
    values = await leaves(done)
    for value in values:
        if value["body"]["kind"] == "decision_recorded":  # type: ignore[index]
            del value["signed"]
    assert [f.fault for f in checked(values) if f.fault is not None] == [Refusal.UNSIGNED] * 2


async def test_a_statement_is_found_however_deep_it_lies_and_once_only(done: Sawmill) -> None:
    [value] = [v for v in await leaves(done) if v["actor"] == "per" and "step" in v and v["step"] == "Y15"]
    deep = {"a": [{"b": value["signed"]}, {"c": {"statement": value["signed"]}}]}
    [found] = checked([deep], done.signer.public_key)
    assert (found.seq, found.fault) == (None, Refusal.UNKNOWN_KEY)
    assert found.statement is not None
    assert found.statement.actor == "per"


async def test_how_it_was_known_who_spoke_is_told_of_each_act(done: Sawmill) -> None:
    async with done.database.read() as reader:
        ring = await Keys().of(reader, EMPLOYER)
    known = {f.actor: proof(ring, seq, f) for seq, f in await facts(done, "decision_recorded")}
    assert (known["per"].method, known["per"].via, known["per"].fault) == ("key_file", "desk", None)
    assert (known["kari"].method, known["kari"].key, known["kari"].fault) == ("desk", done.signer.id, None)


async def test_the_installations_own_enrolment_is_nobodys_act(done: Sawmill) -> None:
    enrolled = await facts(done, "key_enrolled")
    whose = {f.body.person: is_act(f) for _, f in enrolled if isinstance(f.body, KeyEnrolled)}
    assert whose == {None: False, "per": True}


async def test_a_key_that_somebody_wrote_into_the_ledger_for_per_speaks_for_nobody(filed: Sawmill) -> None:
    theirs = SigningKey.new()
    enrolled = Fact(
        id=f"{EMPLOYER}#act per forged", employer=EMPLOYER, concerns=filed.now, recorded=filed.now, actor="per",
        body=KeyEnrolled(key=theirs.id, public_key=theirs.public_key, person="per"),
    )  # fmt: skip
    async with filed.database.write(EMPLOYER) as tx:
        await tx.append([enrolled])
    said = Statement(
        employer=EMPLOYER, cycle=UNIT, step="Y15", actor="per", nonce="1", issued=filed.now,
        expires=filed.now + timedelta(minutes=5), authentication=Authentication(method="key_file"),
        act=Decide(
            role=Role.SAFETY_REP, outcome=Outcome.AGREED, document=await filed_document(filed), version=1
        ),
    )  # fmt: skip
    raw = theirs.sign(said).to_json().encode()
    receipt = await filed.doors.receive(raw, place=UNIT, now=filed.now, via="desk")
    assert receipt.reason is Refusal.UNKNOWN_KEY
