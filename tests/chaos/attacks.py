"""The attacks on a gate, as a table: what is done, through which doors, and how it is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from tests.chaos.besieged import HR, LEADER, MANAGER, Besieged, Gate
from tests.chaos.forging import (
    Attack,
    How,
    at,
    desk,
    enveloped,
    everywhere,
    literally,
    own,
    rewritten,
    saying,
    signed,
    with_key,
)
from worker.codec import ENCODING, KEY, WORKFLOW
from worker.installation import wall_clock
from workflows.rules.events import DecisionRecorded, Fact
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.statement import Authentication, payload
from workflows.rules.terms import Outcome, Refusal

# --- forged statements ------------------------------------------------------------------------------


def _stripped(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    return envelope | {"signatures": []}


def _tampered(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    other = payload(here.agrees(gate, outcome=Outcome.AGREED_WITH_REMARKS))
    return envelope | {"payload": base64.b64encode(other).decode()}


def _signature_of_another(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    return envelope | {"signatures": json.loads(own()(here, gate))["signatures"]}


def _signed_under_her_name(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    forged = json.loads(signed(here.unknown, here.agrees(gate)))
    forged["signatures"][0]["keyid"] = here.own.id
    return forged


def _without_encoding(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    body = payload(here.agrees(gate))
    return enveloped(here.own, body, signed=body)


def _twice(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    return b'{"payload":"e30=",' + json.dumps(envelope).encode()[1:]


def _loose_base64(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    # The last digit before == carries four bits that nobody reads.
    sig = envelope["signatures"][0]["sig"]
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    envelope["signatures"][0]["sig"] = sig[:-3] + digits[digits.index(sig[-3]) + 1] + "=="
    return envelope


def _two_signatures(envelope: dict[str, Any], here: Besieged, gate: Gate) -> Any:
    more = json.loads(with_key(lambda h: h.unknown)(here, gate))["signatures"]
    return envelope | {"signatures": envelope["signatures"] + more}


def _other_step(here: Besieged, gate: Gate) -> bytes:
    return signed(here.own, here.agrees(gate, document=hashlib.sha256(b"another step's").hexdigest()))


def _other_employers(here: Besieged, gate: Gate) -> bytes:
    other = here.live.employer + "-other"
    cycle = gate.cycle.replace(here.live.employer, other)
    return signed(here.live.installation.signer, here.approves(gate, employer=other, cycle=cycle))


def _other_cycle(here: Besieged, gate: Gate) -> bytes:
    return signed(here.own, here.agrees(gate, cycle=here.live.year))


def _older(here: Besieged, gate: Gate) -> bytes:
    return signed(here.own, here.agrees(gate, version=gate.version - 1))


SIGNED = (
    Attack("a statement that nobody signed",
           everywhere(lambda here, gate: payload(here.agrees(gate))), Refusal.UNSIGNED),
    Attack("a signature taken away", everywhere(rewritten(_stripped)), Refusal.UNSIGNED),
    Attack("the outcome changed after it was signed", everywhere(rewritten(_tampered)), Refusal.BAD_SIGNATURE),
    Attack("the signature of other bytes", everywhere(rewritten(_signature_of_another)), Refusal.BAD_SIGNATURE),
    Attack("another key's signature under her key's id",
           everywhere(rewritten(_signed_under_her_name)), Refusal.BAD_SIGNATURE),
    Attack("a signature over the bare bytes, as another program would make it",
           everywhere(rewritten(_without_encoding)), Refusal.BAD_SIGNATURE),
    Attack("a key that nobody enrolled", everywhere(with_key(lambda h: h.unknown)), Refusal.UNKNOWN_KEY),
    Attack("a colleague's key", everywhere(with_key(lambda h: h.colleagues)), Refusal.WRONG_PERSON),
    Attack("the installation's key for somebody who has her own",
           everywhere(with_key(lambda h: h.live.installation.signer, authentication=Authentication(method="desk"))),
           Refusal.OWN_KEY_REQUIRED),
    Attack("the installation's key, pretending to be hers",
           everywhere(with_key(lambda h: h.live.installation.signer)), Refusal.WRONG_PERSON),
    Attack("her own key, pretending that the desk vouches",
           everywhere(own(authentication=Authentication(method="desk"))), Refusal.WRONG_PERSON),
    Attack("the key she lost and had revoked", everywhere(with_key(lambda h: h.lost)), Refusal.REVOKED_KEY),
    Attack("the revoked key, with a date from before",
           everywhere(with_key(lambda h: h.lost, issued=wall_clock() - timedelta(days=3))), Refusal.REVOKED_KEY),
    Attack("a statement that has expired", everywhere(at(-timedelta(minutes=11))), Refusal.EXPIRED),
    Attack("a statement that would live for eight days",
           everywhere(at(-timedelta(minutes=1), timedelta(days=8))), Refusal.EXPIRED),
    Attack("a statement from the future", everywhere(at(timedelta(minutes=4))), Refusal.FUTURE_DATED),
    Attack("another year's statement", everywhere(_other_cycle), Refusal.WRONG_PLACE),
    Attack("another employer's statement", everywhere(_other_employers), Refusal.WRONG_PLACE),
    Attack("another step's document", everywhere(_other_step), Refusal.WRONG_DOCUMENT),
    Attack("a step that the year does not have", everywhere(own(step="Y998")), Refusal.UNKNOWN_STEP),
    Attack("the version before the last", everywhere(_older), Refusal.STALE_VERSION, {"versions": 2}),
    Attack("a version that is to come", everywhere(own(version=9)), Refusal.WRONG_DOCUMENT),
    Attack("the hash of another document", everywhere(own(document="0" * 64)), Refusal.WRONG_DOCUMENT),
    Attack("a role that is somebody else's", everywhere(own(role=Role.MANAGER)), Refusal.NOT_ELIGIBLE),
    Attack("an outcome that is not hers to give", everywhere(own(outcome=Outcome.APPROVED)), Refusal.WRONG_OUTCOME),
    Attack("a disagreement without its reason",
           everywhere(own(outcome=Outcome.DISAGREES)), Refusal.COMMENT_REQUIRED),
    Attack("silence, before there was time to answer",
           everywhere(desk(outcome=Outcome.NO_RESPONSE, role=Role.SAFETY_REP, comment="0" * 64)),
           Refusal.COMMENT_REQUIRED),
    Attack("the manager before the safety representative", everywhere(desk()), Refusal.NOT_YOUR_TURN),
    Attack("the manager about his own document",
           everywhere(desk(actor=MANAGER)), Refusal.OWN_DOCUMENT, {"author": MANAGER}),
    Attack("acting for somebody who handed nothing on",
           everywhere(desk(actor=HR, on_behalf_of=LEADER)), Refusal.NOT_ELIGIBLE),
    Attack("a name twice in the envelope", everywhere(rewritten(_twice)), Refusal.UNREADABLE),
    Attack("a name twice in what was signed",
           everywhere(saying(lambda b: b'{"_type":"https://in-toto.io/Statement/v1",' + b[1:])), Refusal.UNREADABLE),
    Attack("more in what was signed than we know",
           everywhere(saying(lambda b: b[:-1] + b',"z":1}')), Refusal.UNREADABLE),
    Attack("the same JSON with spaces", everywhere(saying(lambda b: b.replace(b":", b": "))), Refusal.UNREADABLE),
    Attack("base64 that could be written otherwise", everywhere(rewritten(_loose_base64)), Refusal.UNREADABLE),
    Attack("two signatures", everywhere(rewritten(_two_signatures)), Refusal.UNREADABLE),
    Attack("another type of payload",
           everywhere(rewritten(lambda e, h, g: e | {"payloadType": "text/plain"})), Refusal.UNREADABLE),
    Attack("nine thousand brackets", everywhere(literally(b"[" * 9000 + b"]" * 9000)), Refusal.UNREADABLE),
    Attack("a number", everywhere(literally(b"7")), Refusal.UNREADABLE),
    Attack("a list", everywhere(literally(b'["approved", 1]')), Refusal.UNREADABLE),
    Attack("null", everywhere(literally(b"null")), Refusal.UNREADABLE),
    Attack("a text", everywhere(literally(b'"approved"')), Refusal.UNREADABLE),
)  # fmt: skip


# --- said again -------------------------------------------------------------------------------------


async def _replayed(here: Besieged, gate: Gate) -> int:
    raw = signed(here.own, here.agrees(gate, outcome=Outcome.APPROVED))
    assert (await here.by_portal(raw)).reason is Refusal.WRONG_OUTCOME
    await here.by_rpc(raw)
    await here.by_command(raw)
    return 3


def _with_another_nonce(here: Besieged, gate: Gate) -> bytes:
    """What was signed once, under another nonce and the attacker's key."""
    return signed(here.unknown, here.agrees(gate, nonce="another"))


async def _genuine_again(here: Besieged, gate: Gate) -> int:
    other = await here.gate()
    raw = signed(here.own, here.agrees(other))
    await here.by_rpc(raw)
    await here.until_asked(other, "approve")
    await here.by_rpc(raw)
    await here.by_command(raw)
    return 2


# --- what is no statement ---------------------------------------------------------------------------


def raw(*payloads: Payload, name: str = "decide") -> How:
    """These payloads, by the raw interface."""

    async def how(here: Besieged, gate: Gate) -> int:
        await here.live.signal(here.unit, name, *payloads)
        return 1

    return how


def encoded(encoding: bytes, data: bytes, **metadata: bytes) -> Payload:
    return Payload(metadata={"encoding": encoding, **metadata}, data=data)


def fake(key: Callable[[Besieged], str]) -> How:
    """What looks sealed for this very year."""

    async def how(here: Besieged, gate: Gate) -> int:
        metadata = {KEY: key(here).encode(), WORKFLOW: here.unit.encode()}
        payload = Payload(metadata={"encoding": ENCODING, **metadata}, data=b"\x07" * 200)
        await here.live.signal(here.unit, "decide", payload)
        return 1

    return how


def lifted(kind: str, of: Callable[[Besieged], str]) -> How:
    """What our own worker sealed, taken from a history and sent as an answer."""

    async def how(here: Besieged, gate: Gate) -> int:
        events = await here.live.events(of(here))
        sealed = {
            "input": lambda: events[0].workflow_execution_started_event_attributes.input.payloads[0],
            "bell": lambda: next(
                e.workflow_execution_signaled_event_attributes.input.payloads[0]
                for e in reversed(events)
                if e.workflow_execution_signaled_event_attributes.signal_name == "ring"
            ),
        }[kind]()
        assert sealed.metadata["encoding"] == ENCODING
        await here.live.signal(here.unit, "decide", sealed)
        return 1

    return how


async def _named_after_a_person(here: Besieged, gate: Gate) -> int:
    name = "Kari Nordmann er sykmeldt"
    await here.by_rpc(b"1", name=name)
    folder = here.live.installation.settings.state
    await asyncio.sleep(0.3)
    written = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    assert b"Nordmann" not in written
    said = [e for e in await here.live.events(here.unit) if b"Nordmann" in e.SerializeToString()]
    assert [bool(e.workflow_execution_signaled_event_attributes.signal_name) for e in said] == [True]
    return 1


async def _too_large_for_the_server(here: Besieged, gate: Gate) -> int:
    with pytest.raises(RPCError):
        await here.by_rpc(b'"' + b"A" * 2_100_000 + b'"')
    return 0


async def _asked_and_updated(here: Besieged, gate: Gate) -> int:
    handle = here.live.stranger.get_workflow_handle(here.unit)
    for name in ("approve", "__temporal_workflow_metadata", "x" * 900):
        # What is answered comes sealed, so that a stranger cannot read it.
        with pytest.raises((WorkflowQueryFailedError, KeyError)):
            await handle.query(name, args=[1, 2])
    for name in ("approve", "ring", "decide"):
        with pytest.raises(Exception, match="update"):
            await asyncio.wait_for(handle.execute_update(name, {"outcome": "approved"}), 5)
    return 0


SENT = (
    Attack("a refused statement said again", _replayed, Refusal.REPLAYED,
           first=Refusal.WRONG_OUTCOME),
    Attack("a recorded statement said again", _genuine_again, Refusal.REPLAYED),
    Attack("a statement with another nonce and the attacker's key",
           everywhere(_with_another_nonce), Refusal.UNKNOWN_KEY),
    Attack("bytes that are no text", raw(encoded(b"binary/plain", b"\xff\xfe\x00")), Refusal.UNREADABLE),
    Attack("a null of Temporal's own", raw(encoded(b"binary/null", b"")), Refusal.UNREADABLE),
    Attack("a protobuf message that nobody knows",
           raw(encoded(b"binary/protobuf", b"\n\x01x", messageType=b"forged.Decision")), Refusal.UNREADABLE),
    Attack("a protobuf message in JSON",
           raw(encoded(b"json/protobuf", b"{}", messageType=b"temporal.api.common.v1.Payload")), Refusal.UNREADABLE),
    Attack("an encoding that nobody knows", raw(encoded(b"binary/other", b"x" * 80)), Refusal.UNREADABLE),
    Attack("half a JSON", raw(encoded(b"json/plain", b'{"payload": ')), Refusal.UNREADABLE),
    Attack("a JSON of sixty thousand levels", raw(encoded(b"json/plain", b"[" * 60_000)), Refusal.UNREADABLE),
    Attack("nothing at all", raw(), Refusal.UNREADABLE),
    Attack("two payloads", raw(encoded(b"json/plain", b"{}"), encoded(b"json/plain", b"{}")), Refusal.UNREADABLE),
    Attack("1.9 MB", raw(encoded(b"json/plain", b'"' + b"A" * 1_900_000 + b'"')), Refusal.UNREADABLE),
    Attack("2.1 MB, which the server itself refuses", _too_large_for_the_server, None),
    Attack("what looks sealed with our key",
           fake(lambda h: h.live.installation.keyring.current(h.live.employer).id), Refusal.UNREADABLE),
    Attack("what looks sealed with a key of ours that there is not", fake(lambda h: "0009-abcdef"), Refusal.UNREADABLE),
    Attack("this year's own input", lifted("input", lambda h: h.live.unit), Refusal.UNSIGNED),
    Attack("a bell that this year heard, sent as an answer", lifted("bell", lambda h: h.live.unit), Refusal.UNSIGNED),
    Attack("what was sealed for another year", lifted("input", lambda h: h.live.year), Refusal.UNREADABLE),
    Attack("a signal that there is not", raw(encoded(b"json/plain", b"{}"), name="approve"), Refusal.UNKNOWN_SIGNAL),
    Attack("a signal named after a person", _named_after_a_person, Refusal.UNKNOWN_SIGNAL),
    Attack("queries and updates that there are not", _asked_and_updated, None),
)  # fmt: skip


# --- written into the database ----------------------------------------------------------------------


def decision(here: Besieged, gate: Gate, who: str, role: Role, outcome: Outcome, **more: Any) -> Fact:
    """An answer as the ledger has it."""
    kind = Kind.CONSULT if role is Role.SAFETY_REP else Kind.APPROVE
    body = DecisionRecorded(
        role=role, asked=kind, outcome=outcome, document=gate.document, version=gate.version
    )
    now = wall_clock()
    return Fact(
        id=f"{gate.cycle}/{gate.step}#act {who} {here.nonce()}", employer=here.live.employer, cycle=gate.cycle,
        step=gate.step, concerns=now, recorded=now, actor=who, body=body, via="desk", **more,
    )  # fmt: skip


def written(*said: tuple[str, Role, Outcome], signed_for: str | None = None) -> How:
    """Answers written straight into the ledger, each a whole leaf of a tree without a fault.

    With `signed_for`, each in the envelope of a genuine answer: in another step, or to another outcome.
    """

    async def how(here: Besieged, gate: Gate) -> int:
        more = dict[str, Any]()
        if signed_for is not None:
            changes = {"step": "Y999"} if signed_for == "another step" else {"outcome": Outcome.DISAGREES}
            more["signed"] = here.own.sign(here.agrees(gate, **changes))
        await here.write(*(decision(here, gate, *one, **more) for one in said))
        await here.by_rpc(b"", name="ring")
        return len(said)

    return how


async def _written_in_silence(here: Besieged, gate: Gate) -> int:
    """She finds that somebody has answered for her, and nobody has looked at the gate since."""
    await here.write(decision(here, gate, *AGREED[0]))
    await here.by_portal(signed(here.own, here.agrees(gate, document="0" * 64)))
    return 2


AGREED = (("p4", Role.SAFETY_REP, Outcome.AGREED),)
BOTH = (*AGREED, (MANAGER, Role.MANAGER, Outcome.APPROVED))

WRITTEN = (
    Attack("both answers written into the ledger", written(*BOTH), Refusal.UNSIGNED),
    Attack("one answer written into the ledger", written(*AGREED), Refusal.UNSIGNED),
    Attack("one answer written into the ledger, without waking anybody",
           _written_in_silence, Refusal.UNSIGNED, first=Refusal.WRONG_DOCUMENT),
    Attack("an answer written with the envelope of another step's",
           written(*AGREED, signed_for="another step"), Refusal.WRONG_PLACE),
    Attack("an answer written with the envelope of another outcome",
           written(*AGREED, signed_for="another outcome"), Refusal.WRONG_OUTCOME),
)  # fmt: skip
