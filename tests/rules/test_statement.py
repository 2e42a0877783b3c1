"""Signed statements: one way to write each, and nothing else is read."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.statements import CYCLE, DOCUMENT, NOON, of_employer, statement, statements
from workflows.rules.statement import (
    LARGEST,
    Envelope,
    File,
    RevokeKey,
    Statement,
    Unreadable,
    pae,
    payload,
    read_envelope,
    read_statement,
    sealed,
)

KEY = "0123456789abcdef"
SIGNATURE = bytes(64)


def sealed_as(body: bytes) -> Envelope:
    return sealed(body, KEY, SIGNATURE)


def changed(**changes: Any) -> Envelope:
    """A genuine statement whose JSON says something else, in the one way to write it."""
    said = json.loads(payload(statement()))
    said |= changes
    return sealed_as(json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())


def fault(envelope: Envelope) -> str:
    with pytest.raises(Unreadable) as refused:
        read_statement(envelope)
    return str(refused.value)


def test_what_is_signed_is_an_in_toto_statement_about_the_version_that_was_seen() -> None:
    said = json.loads(payload(statement()))
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "urn:forsvarlig:statement:1"
    assert said["subject"] == [{"digest": {"sha256": DOCUMENT}, "name": f"{CYCLE}/Y15@1"}]
    assert said["predicate"]["issued"] == "2027-05-10T10:00:00Z"


def test_the_bytes_are_sorted_and_have_no_spaces_so_that_everybody_writes_the_same() -> None:
    body = payload(statement()).decode()
    again = json.dumps(json.loads(body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert body == again


def test_a_moment_is_the_same_bytes_in_whatever_time_zone_it_is_given() -> None:
    oslo = timezone(timedelta(hours=2))
    assert payload(statement(issued=NOON.astimezone(oslo))) == payload(statement())


def test_the_signature_covers_the_type_and_the_length_as_dsse_says() -> None:
    assert pae(b"hello world", "http://example.com/HelloWorld") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(statements())
def test_every_statement_is_read_back_as_it_was_written(said: Statement) -> None:
    envelope = sealed_as(payload(said))
    assert read_statement(read_envelope(envelope.to_json().encode())) == said


@given(statements())
def test_nothing_that_is_signed_is_a_floating_point_number(said: Statement) -> None:
    json.loads(payload(said), parse_float=lambda text: pytest.fail(text))


# --- what is not read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"signed"',
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[{}]}',
        b'{"payload":"e30=","payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[1]}',
        b"x" * (LARGEST + 1),
    ],
)
def test_what_is_no_envelope_is_unreadable_and_not_unsigned(raw: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read_envelope(raw)
    assert not refused.value.unsigned


@pytest.mark.parametrize("signatures", [[], None, "absent"])
def test_a_statement_without_a_signature_is_told_apart_from_junk(signatures: object) -> None:
    said = json.loads(sealed_as(payload(statement())).to_json())
    said["signatures"] = signatures
    if signatures == "absent":
        del said["signatures"]
    with pytest.raises(Unreadable) as refused:
        read_envelope(json.dumps(said).encode())
    assert refused.value.unsigned


def test_two_signatures_are_one_too_many() -> None:
    said = json.loads(sealed_as(payload(statement())).to_json())
    said["signatures"] *= 2
    with pytest.raises(Unreadable):
        read_envelope(json.dumps(said).encode())


def test_what_is_unreadable_is_not_repeated_in_the_fault() -> None:
    said = json.loads(sealed_as(payload(statement())).to_json())
    said["signatures"][0]["keyid"] = "Kari Nordmann"
    with pytest.raises(Unreadable) as refused:
        read_envelope(json.dumps(said).encode())
    assert "Kari" not in str(refused.value)


def test_base64_that_could_be_written_otherwise_is_refused() -> None:
    envelope = json.loads(sealed_as(payload(statement(nonce="n22"))).to_json())
    text = envelope["payload"]
    assert text.endswith("=")
    # The last character before the padding has bits that mean nothing.
    last = text.rstrip("=")[-1]
    other = chr(ord(last) + 1)
    envelope["payload"] = text.rstrip("=")[:-1] + other + "=" * (len(text) - len(text.rstrip("=")))
    assert base64.b64decode(envelope["payload"]) == base64.b64decode(text)
    with pytest.raises(Unreadable):
        read_envelope(json.dumps(envelope).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "urn:forsvarlig:statement:2"},
        {"predicate": {}},
        {"predicate": None},
        {"subject": []},
        {"subject": [{"digest": {"sha256": "cd" * 32}, "name": f"{CYCLE}/Y15@1"}]},
        {"subject": [{"digest": {"sha256": DOCUMENT}, "name": f"{CYCLE}/Y16@1"}]},
        {"more": 1},
    ],
)
def test_a_payload_that_says_anything_else_is_no_statement(changes: dict[str, Any]) -> None:
    fault(changed(**changes))


def test_a_statement_in_another_order_of_fields_is_refused() -> None:
    said = json.loads(payload(statement()))
    turned = json.dumps(dict(reversed(said.items())), separators=(",", ":")).encode()
    assert "could be written otherwise" in fault(sealed_as(turned))


def test_a_moment_with_fractions_of_a_second_is_refused_since_the_ledger_drops_them() -> None:
    said = json.loads(payload(statement()))
    said["predicate"]["issued"] = "2027-05-10T10:00:00.500Z"
    assert "could be written otherwise" in fault(changed(**said))


def test_an_act_in_a_step_names_the_step_and_an_act_of_the_employer_names_none() -> None:
    revoked = RevokeKey(key=KEY, reason="lost")
    for wrong in (
        statement(step=None),
        statement(cycle=None),
        statement(revoked),
        of_employer(File(document=DOCUMENT)),
    ):
        assert "names its step" in fault(sealed_as(payload(wrong)))


@given(statements(), st.data())
def test_a_bit_that_is_turned_over_never_gives_the_same_statement(
    said: Statement, data: st.DataObject
) -> None:
    """Whatever is turned over: it is unreadable, or the signature is over other bytes or another signature."""
    raw = sealed_as(payload(said)).to_json().encode()
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    turned = bytearray(raw)
    turned[bit // 8] ^= 1 << bit % 8
    try:
        envelope = read_envelope(bytes(turned))
    except Unreadable:
        return
    assert (envelope.body, envelope.signatures) != (payload(said), sealed_as(payload(said)).signatures)


@given(st.binary(max_size=400))
def test_whatever_else_comes_is_said_to_be_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_envelope(raw)


@given(st.binary(max_size=400))
def test_whatever_else_is_signed_is_said_to_be_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_statement(read_envelope(sealed_as(body).to_json().encode()))


@pytest.mark.parametrize("nonce", ["", "a b", "å", "x" * 65])
def test_a_nonce_is_a_short_plain_word(nonce: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        statement(nonce=nonce)


def test_a_moment_without_a_time_zone_cannot_be_stated() -> None:
    with pytest.raises(ValueError, match="timezone"):
        statement(issued=datetime(2027, 5, 10, 12))  # noqa: DTZ001 (what is tried)
    assert statement(issued=datetime(2027, 5, 10, 10, tzinfo=UTC)).issued == NOON
