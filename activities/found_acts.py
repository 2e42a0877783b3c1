"""Signed acts that are found in a file, and what their signatures prove with no ledger at hand."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from activities.proof import is_act, mismatch, not_genuine, proof, statement_of, with_keys
from activities.signatures import is_signed_by
from workflows.rules.base import Frozen
from workflows.rules.events import AttemptRefused, Fact
from workflows.rules.keys import KeyRing, key_id
from workflows.rules.statement import Envelope, Statement
from workflows.rules.stored_facts import FactError, read_fact
from workflows.rules.terms import Refusal


class Found(Frozen):
    """One act that was found, and what its signature proves.

    `seq` and `fact` are there for a recorded act, `envelope` and `statement` for a signed one that can be read.
    `fault` is None when the signature is good, by a key that counted for that person, about just that.
    """

    envelope: Envelope | None = None
    statement: Statement | None = None
    seq: int | None = None
    fact: Fact | None = None
    fault: Refusal | None = None


def look_through(values: Iterable[Any]) -> tuple[list[tuple[int, Fact]], list[Envelope]]:
    """The recorded facts, by place, and the signed envelopes in JSON values, wherever in them they are."""
    facts: dict[int, Fact] = {}
    envelopes: dict[str, Envelope] = {}
    for value in values:
        for found in _pieces(value):
            if isinstance(found, Envelope):
                envelopes.setdefault(found.to_json(), found)
            else:
                facts.setdefault(*found)
    return sorted(facts.items(), key=lambda item: item[0]), list(envelopes.values())


def _pieces(value: Any) -> Iterator[Envelope | tuple[int, Fact]]:
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, list):
            stack += here
        elif isinstance(here, dict):
            stack += here.values()
            try:
                if here.keys() >= {"payload", "payloadType", "signatures"}:
                    yield Envelope.model_validate(here)
                elif isinstance(here.get("fact"), dict) and isinstance(here.get("seq"), int):
                    yield here["seq"], read_fact(here["fact"])
                elif here.keys() >= {"id", "body", "employer"} and isinstance(here.get("seq"), int):
                    yield here["seq"], read_fact({name: v for name, v in here.items() if name != "seq"})
            except (ValidationError, FactError):
                continue


def check_all(
    facts: Sequence[tuple[int, Fact]],
    envelopes: Iterable[Envelope],
    public_keys: Iterable[str],
    key_facts: Iterable[tuple[int, Fact]] = (),
) -> list[Found]:
    """Each act among the facts and each envelope, with what speaks against it.

    The keys are those that the facts and the `key_facts` enrol, and `public_keys` (base64) of which only the
    caller knows whose they are: what they signed is checked for its signature alone.
    """
    ring = with_keys(KeyRing(), sorted({**dict(key_facts), **dict(facts)}.items(), key=lambda item: item[0]))
    given = {key_id(base64.b64decode(key)): key for key in public_keys}
    found, seen = list[Found](), set[str]()
    for seq, fact in facts:
        if fact.signed is not None:
            seen.add(fact.signed.to_json())
        if is_act(fact) and (fact.signed is not None or not isinstance(fact.body, AttemptRefused)):
            found.append(_recorded(ring, given, seq, fact))
    found += [_alone(ring, given, envelope) for envelope in envelopes if envelope.to_json() not in seen]
    return found


def _recorded(ring: KeyRing, given: Mapping[str, str], seq: int, fact: Fact) -> Found:
    envelope, statement = fact.signed, statement_of(fact.signed)
    fault = proof(ring, seq, fact).fault
    if envelope is None and ring.signing_since is None:
        fault = Refusal.UNSIGNED
    elif envelope is not None and statement is not None and envelope.key not in ring.keys:
        fault = _by_given(envelope, given) or (
            None if isinstance(fact.body, AttemptRefused) else mismatch(statement, fact)
        )
    return Found(envelope=envelope, statement=statement, seq=seq, fact=fact, fault=fault)


def _alone(ring: KeyRing, given: Mapping[str, str], envelope: Envelope) -> Found:
    """An envelope that no recorded fact was found for."""
    statement = statement_of(envelope)
    key = ring.keys.get(envelope.key)
    if statement is None:
        fault: Refusal | None = Refusal.UNREADABLE
    elif key is None:
        fault = _by_given(envelope, given)
    else:
        # Nothing says when it came, so a key that counted at any time may have counted then.
        fault = not_genuine(ring, key.enrolled + 1, envelope)
    return Found(envelope=envelope, statement=statement, fault=fault)


def _by_given(envelope: Envelope, given: Mapping[str, str]) -> Refusal | None:
    if envelope.key not in given:
        return Refusal.UNKNOWN_KEY
    return None if is_signed_by(envelope, given[envelope.key]) else Refusal.BAD_SIGNATURE
