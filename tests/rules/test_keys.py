"""Whose key counts when, and who may say that it does."""

from __future__ import annotations

import base64
from datetime import date, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.employers import employer
from tests.rules.statements import EMPLOYER, NOON, statement
from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked
from workflows.rules.events import AttemptRefused, Body, Fact
from workflows.rules.keys import SKEW, KeyRing, enrol, key_id, revoke, why_not
from workflows.rules.statement import LONGEST_LIFE, Authentication, EnrolKey, RevokeKey, Statement
from workflows.rules.terms import Refusal

ORGANISATION = employer(40)
"""p1 is the top manager, p2 HR, p3 leads u1 and p4 is its safety representative."""

DAY = date(2027, 5, 10)
TOP, HR, MANAGER, REP = "p1", "p2", "p3", "p4"


def public(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


def id_of(number: int) -> str:
    return key_id(bytes([number]) * 32)


INSTALLATION, OWN, OTHER, STRANGE = (id_of(n) for n in (1, 2, 3, 9))


def enrolled(number: int, person: str | None = None) -> KeyEnrolled:
    return KeyEnrolled(key=id_of(number), public_key=public(number), person=person)


def revoked(number: int) -> KeyRevoked:
    return KeyRevoked(key=id_of(number), reason="lost")


def ring(*bodies: Body) -> KeyRing:
    """The ring after these facts, at places 1, 2, 3 …"""
    return KeyRing().after((seq, _fact(seq, body)) for seq, body in enumerate(bodies, 1))


def _fact(seq: int, body: Body) -> Fact:
    return Fact(id=f"{EMPLOYER}#{seq}", employer=EMPLOYER, concerns=NOON, recorded=NOON, body=body)


def by(method: str, **changes: Any) -> Statement:
    return statement(authentication=Authentication.model_validate({"method": method}), **changes)


MINE = by("key_file")
SPOKEN_FOR = by("desk")
ALL = ring(enrolled(1), enrolled(2, REP), enrolled(3, MANAGER))


@pytest.mark.parametrize(
    ("name", "said", "key", "keys", "expected"),
    [
        ("a person's own key speaks for that person", MINE, OWN, ALL, None),
        ("nobody's key speaks for somebody else", MINE, OTHER, ALL, Refusal.WRONG_PERSON),
        ("a key that nobody enrolled speaks for nobody", MINE, STRANGE, ALL, Refusal.UNKNOWN_KEY),
        ("the installation speaks for whom it knows", SPOKEN_FOR, INSTALLATION, ring(enrolled(1)), None),
        ("but not as if it were the person's own key", MINE, INSTALLATION, ring(enrolled(1)), Refusal.WRONG_PERSON),
        ("nor with a passkey that it cannot have", by("passkey"), INSTALLATION, ALL, Refusal.WRONG_PERSON),
        ("nor for one who has an own key", SPOKEN_FOR, INSTALLATION, ALL, Refusal.OWN_KEY_REQUIRED),
        ("an own key does not say that the portal knew the person", by("portal"), OWN, ALL, Refusal.WRONG_PERSON),
        ("a revoked key speaks for nobody", MINE, OWN, ring(enrolled(2, REP), revoked(2)), Refusal.REVOKED_KEY),
        (
            "with the own key revoked the installation may speak again", SPOKEN_FOR, INSTALLATION,
            ring(enrolled(1), enrolled(2, REP), revoked(2)), None,
        ),
        (
            "with one of two own keys revoked it may not", SPOKEN_FOR, INSTALLATION,
            ring(enrolled(1), enrolled(2, REP), enrolled(3, REP), revoked(2)), Refusal.OWN_KEY_REQUIRED,
        ),
        (
            "a revoked installation speaks for nobody", SPOKEN_FOR, INSTALLATION,
            ring(enrolled(1), revoked(1)), Refusal.REVOKED_KEY,
        ),
    ],
)  # fmt: skip
def test_whose_key_counts(
    name: str, said: Statement, key: str, keys: KeyRing, expected: Refusal | None
) -> None:
    assert why_not(keys, said, key, 10, NOON) is expected, name


@pytest.mark.parametrize(
    ("come", "expected"),
    [
        (-SKEW - timedelta(seconds=1), Refusal.FUTURE_DATED),
        (-SKEW, None),
        (timedelta(0), None),
        (timedelta(minutes=10, seconds=-1), None),
        (timedelta(minutes=10), Refusal.EXPIRED),
        (timedelta(days=30), Refusal.EXPIRED),
    ],
)
def test_a_statement_counts_from_two_minutes_before_it_was_issued_until_it_expires(
    come: timedelta, expected: Refusal | None
) -> None:
    assert why_not(ALL, MINE, OWN, 10, NOON + come) is expected


@pytest.mark.parametrize(
    ("life", "expected"), [(LONGEST_LIFE, None), (LONGEST_LIFE + timedelta(seconds=1), Refusal.EXPIRED)]
)
def test_a_statement_lives_seven_days_at_the_most(life: timedelta, expected: Refusal | None) -> None:
    assert why_not(ALL, by("key_file", expires=NOON + life), OWN, 10, NOON) is expected


def test_a_recorded_statement_is_not_too_old_to_be_looked_at_again() -> None:
    assert why_not(ALL, MINE, OWN, 10, None) is None


def test_what_a_key_signed_before_it_was_revoked_stays_true() -> None:
    keys = ring(enrolled(2, REP), enrolled(1), enrolled(1), revoked(2))
    assert why_not(keys, MINE, OWN, 3, None) is None
    assert why_not(keys, MINE, OWN, 5, None) is Refusal.REVOKED_KEY


def test_a_key_may_sign_its_own_revocation_and_nothing_after_that() -> None:
    keys = ring(enrolled(2, REP), revoked(2))
    said = statement(RevokeKey(key=OWN, reason="replaced"))
    assert why_not(keys, said, OWN, 2, None) is None
    assert why_not(keys, said, OWN, 3, None) is Refusal.REVOKED_KEY


def test_a_key_does_not_count_for_what_was_recorded_before_it_was_enrolled() -> None:
    assert why_not(ring(enrolled(1), enrolled(2, REP)), MINE, OWN, 2, None) is Refusal.UNKNOWN_KEY


def test_the_first_enrolment_and_the_first_revocation_of_a_key_are_the_ones_that_count() -> None:
    keys = ring(enrolled(2, REP), enrolled(2, MANAGER), revoked(2), enrolled(2, MANAGER), revoked(2))
    assert (keys.keys[OWN].person, keys.keys[OWN].enrolled, keys.keys[OWN].revoked) == (REP, 1, 3)


def test_acts_are_signed_from_the_first_enrolment_on() -> None:
    assert KeyRing().signing_since is None
    assert ring(revoked(2), enrolled(1), enrolled(2, REP)).signing_since == 2


@given(st.lists(st.tuples(st.sampled_from(["enrol", "revoke"]), st.integers(1, 3)), max_size=8), st.data())
def test_a_ring_is_the_same_however_often_it_is_looked_at(
    acts: list[tuple[str, int]], data: st.DataObject
) -> None:
    bodies: list[Body] = [enrolled(n, REP) if act == "enrol" else revoked(n) for act, n in acts]
    facts = [(seq, _fact(seq, body)) for seq, body in enumerate(bodies, 1)]
    cut = data.draw(st.integers(0, len(facts)))
    assert KeyRing().after(facts[:cut]).after(facts[cut:]) == ring(*bodies)


# --- enrolling and revoking -----------------------------------------------------------------------


def refusal(body: Body) -> Refusal | None:
    return body.reason if isinstance(body, AttemptRefused) else None


@pytest.mark.parametrize(
    ("actor", "person", "key", "expected"),
    [
        (REP, REP, public(2), None),
        (HR, REP, public(2), Refusal.WRONG_PERSON),
        ("nobody", "nobody", public(2), Refusal.UNKNOWN_PERSON),
        (REP, REP, public(1), Refusal.ALREADY_DECIDED),
        (REP, REP, "A" * 44, Refusal.UNREADABLE),
        (REP, REP, base64.b64encode(bytes(31)).decode(), Refusal.UNREADABLE),
        (REP, REP, public(2)[:-2] + "J=", Refusal.UNREADABLE),
    ],
)
def test_everybody_enrols_for_themselves_alone_and_each_key_once(
    actor: str, person: str, key: str, expected: Refusal | None
) -> None:
    body = enrol(ring(enrolled(1)), ORGANISATION, actor, EnrolKey(person=person, public_key=key))
    assert refusal(body) is expected
    if expected is None:
        assert body == enrolled(2, REP)


FIELD = 2**255 - 19
ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
"""The y coordinate of points of order 8."""
SMALL = (0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8, FIELD, FIELD + 1)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", SMALL, ids=["0", "1", "-1", "of order 8", "its negative", "p", "p + 1"])
def test_a_key_under_which_anybody_could_sign_is_nobodys(y: int, sign: int) -> None:
    raw = (y + sign * 2**255).to_bytes(32, "little")
    act = EnrolKey(person=REP, public_key=base64.b64encode(raw).decode())
    assert refusal(enrol(ring(), ORGANISATION, REP, act)) is Refusal.UNREADABLE


def test_a_point_of_order_eight_doubled_has_y_0() -> None:
    """There x² = -y², which the curve -x² + y² = 1 + dx²y² makes 2y² = 1 - dy⁴."""
    d = -121665 * pow(121666, -1, FIELD)
    assert (2 * ORDER_8**2 - 1 + d * ORDER_8**4) % FIELD == 0


Reason = Literal["lost", "stolen", "replaced", "left"]


@pytest.mark.parametrize(
    ("actor", "key", "expected"),
    [
        (REP, OWN, None),
        (HR, OWN, None),
        (TOP, OWN, None),
        (MANAGER, OWN, Refusal.NOT_ELIGIBLE),
        (MANAGER, INSTALLATION, Refusal.NOT_ELIGIBLE),
        (HR, INSTALLATION, None),
        (REP, STRANGE, Refusal.UNKNOWN_KEY),
        (MANAGER, OTHER, Refusal.ALREADY_DECIDED),
    ],
)
def test_a_key_is_revoked_by_its_person_or_by_hr_or_the_top_manager(
    actor: str, key: str, expected: Refusal | None
) -> None:
    keys = ring(enrolled(1), enrolled(2, REP), enrolled(3, MANAGER), revoked(3))
    body = revoke(keys, ORGANISATION, actor, RevokeKey(key=key, reason="lost"), DAY)
    assert refusal(body) is expected
    if expected is None:
        assert body == KeyRevoked(key=key, reason="lost")
