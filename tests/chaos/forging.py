"""Statements that are forged, and how they are sent."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from activities.signatures import SigningKey
from tests.chaos.besieged import Besieged, Gate
from worker.installation import wall_clock
from workflows.rules.statement import Envelope, Signature, Statement, pae, payload
from workflows.rules.terms import Refusal

How = Callable[[Besieged, Gate], Awaitable[int]]
"""Makes the attack, and answers how many refusals it is to be recorded as."""

Forge = Callable[[Besieged, Gate], bytes]


@dataclass(frozen=True)
class Attack:
    """One attack. `expected` is None where nothing comes that could be recorded as refused."""

    name: str
    how: How
    expected: Refusal | None
    setting: dict[str, Any] = field(default_factory=dict)
    first: Refusal | None = None
    """Why it is refused the first time, where it is said again."""


def everywhere(forge: Forge) -> How:
    """Sent through Temporal's command line, its raw interface, and the portal's door: each time one of its own."""

    async def how(here: Besieged, gate: Gate) -> int:
        for door in (here.by_command, here.by_rpc, here.by_portal):
            raw = forge(here, gate)
            before = await here.place()
            await door(raw)
            await here.refused(before, 1)
            [body] = await here.refusals(before)
            assert body.model_dump().get("input") == hashlib.sha256(raw).hexdigest()
        return 3

    return how


def own(**changes: Any) -> Forge:
    """The safety representative's own, with her own key, with these changes."""
    return lambda here, gate: signed(here.own, here.agrees(gate, **changes))


def desk(**changes: Any) -> Forge:
    """The approver's, with the installation's key, with these changes."""
    return lambda here, gate: signed(here.live.installation.signer, here.approves(gate, **changes))


def at(since: timedelta, life: timedelta = timedelta(minutes=10)) -> Forge:
    """The safety representative's own, issued so long from now."""

    def forge(here: Besieged, gate: Gate) -> bytes:
        issued = wall_clock().replace(microsecond=0) + since
        return signed(here.own, here.agrees(gate, issued=issued, expires=issued + life))

    return forge


def with_key(of: Callable[[Besieged], SigningKey], **changes: Any) -> Forge:
    """What the safety representative would say, signed with another key."""
    return lambda here, gate: signed(of(here), here.agrees(gate, **changes))


def rewritten(change: Callable[[dict[str, Any], Besieged, Gate], Any]) -> Forge:
    """A genuine envelope, changed afterwards."""

    def forge(here: Besieged, gate: Gate) -> bytes:
        envelope = json.loads(signed(here.own, here.agrees(gate)))
        found = change(envelope, here, gate)
        return found if isinstance(found, bytes) else json.dumps(found).encode()

    return forge


def saying(body: Callable[[bytes], bytes]) -> Forge:
    """Other bytes than a statement has, signed with the genuine key."""

    def forge(here: Besieged, gate: Gate) -> bytes:
        content = body(payload(here.agrees(gate)))
        return enveloped(here.own, content)

    return forge


def literally(raw: bytes) -> Forge:
    return lambda here, gate: raw


def signed(key: SigningKey, statement: Statement) -> bytes:
    return key.sign(statement).to_json().encode()


def enveloped(key: SigningKey, content: bytes, signed: bytes | None = None) -> bytes:
    signature = key._private.sign(pae(content) if signed is None else signed)
    body, sig = base64.b64encode(content).decode(), base64.b64encode(signature).decode()
    return Envelope(payload=body, signatures=(Signature(keyid=key.id, sig=sig),)).to_json().encode()
