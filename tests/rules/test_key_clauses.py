"""The edges of when a key counts: the place it was enrolled at, the place it was revoked at, and now."""

from __future__ import annotations

import base64

import pytest

from tests.rules.statements import EMPLOYER, NOON, statement
from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked
from workflows.rules.events import Body, Fact
from workflows.rules.keys import VOUCHED, KeyRing, key_id, why_not
from workflows.rules.statement import Authentication
from workflows.rules.terms import Refusal

RAW = bytes([7]) * 32
KEY, PUBLIC = key_id(RAW), base64.b64encode(RAW).decode()
ENROLLED = KeyEnrolled(key=KEY, public_key=PUBLIC, person="p4")
REVOKED = KeyRevoked(key=KEY, reason="lost")
INSTALLED = KeyEnrolled(key=KEY, public_key=PUBLIC)


def ring(**at: Body) -> KeyRing:
    """The ring after these facts, each at its place, as `p3=…`."""
    facts = [
        Fact(id=name, employer=EMPLOYER, concerns=NOON, recorded=NOON, body=body) for name, body in at.items()
    ]
    return KeyRing().after((int(fact.id[1:]), fact) for fact in facts)


def test_a_key_counts_from_the_place_after_its_enrolment() -> None:
    some = ring(p3=ENROLLED, p9=REVOKED)
    assert [bool(some.own("p4", place)) for place in (2, 3, 4, 9, 10)] == [False, False, True, True, False]


def test_now_is_after_the_last_fact_that_was_looked_at() -> None:
    assert [key.id for key in ring(p3=ENROLLED).own("p4")] == [KEY]
    assert ring(p3=ENROLLED, p4=REVOKED).own("p4") == ()
    assert ring(p3=ENROLLED).own("p3") == ()


def test_a_ring_without_facts_has_no_keys_now() -> None:
    assert KeyRing().own("p4") == ()
    assert KeyRing().signing_since is None


@pytest.mark.parametrize("method", ["desk", "portal", "rehearsal"])
def test_the_installation_speaks_in_each_of_its_ways_and_a_person_s_key_in_none_of_them(method: str) -> None:
    said = statement(authentication=Authentication.model_validate({"method": method}))
    assert method in VOUCHED
    assert why_not(ring(p3=INSTALLED), said, KEY, 4, None) is None
    own = ENROLLED.model_copy(update={"person": said.actor})
    assert why_not(ring(p3=own), said, KEY, 4, None) is Refusal.WRONG_PERSON
