"""Whose key counts when: a fold over the employer's facts, and the one question that is asked of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked
from workflows.rules.base import Frozen
from workflows.rules.events import AttemptRefused, Fact
from workflows.rules.organisation import Organisation, Role
from workflows.rules.refusals import refused
from workflows.rules.statement import LONGEST_LIFE, EnrolKey, RevokeKey, Statement
from workflows.rules.terms import Refusal

SKEW = timedelta(minutes=2)
"""How far two computers' clocks may be apart."""

VOUCHED = ("desk", "portal", "rehearsal")
"""Ways in which the installation's key speaks for a person."""


class Key(Frozen):
    """A key and the span of ledger places in which it counts; `person` None is the installation's own."""

    id: str
    public_key: str
    person: str | None
    enrolled: int
    revoked: int | None = None

    def counts_at(self, seq: int) -> bool:
        """Whether it counted when the fact at place `seq` was recorded; its own revocation is the last."""
        return self.enrolled < seq and (self.revoked is None or seq <= self.revoked)


class KeyRing(Frozen):
    """The keys of one employer, by id, with the place of the last fact that was looked at."""

    keys: Mapping[str, Key] = {}
    seq: int = 0

    def after(self, facts: Iterable[tuple[int, Fact]]) -> KeyRing:
        """The ring after these facts and their places, in the order of the ledger."""
        keys, last = dict(self.keys), self.seq
        for seq, fact in facts:
            last = seq
            match fact.body:
                case KeyEnrolled(key=id, public_key=public, person=person) if id not in keys:
                    keys[id] = Key(id=id, public_key=public, person=person, enrolled=seq)
                case KeyRevoked(key=id) if id in keys and keys[id].revoked is None:
                    keys[id] = keys[id].model_copy(update={"revoked": seq})
        return KeyRing(keys=keys, seq=last)

    def own(self, person: str, seq: int | None = None) -> tuple[Key, ...]:
        """The keys of `person` that count now, or counted at place `seq`."""
        place = self.seq + 1 if seq is None else seq
        return tuple(k for k in self.keys.values() if k.person == person and k.counts_at(place))

    @property
    def signing_since(self) -> int | None:
        """The place of the first enrolment: acts recorded after it are signed. None before there was any."""
        return min((k.enrolled for k in self.keys.values()), default=None)


def why_not(ring: KeyRing, statement: Statement, key: str, seq: int, now: datetime | None) -> Refusal | None:
    """Why the key may not say this at place `seq` of the ledger; None when it may.

    `now` is the time of arrival; None where a recorded statement is looked at again, whose times were judged
    when it came. Whether the signature is good is another question, for whoever has the bytes.
    """
    found = ring.keys.get(key)
    if found is None or found.enrolled >= seq:
        return Refusal.UNKNOWN_KEY
    if not found.counts_at(seq):
        return Refusal.REVOKED_KEY
    method = statement.authentication.method
    if found.person is None:
        if method not in VOUCHED:
            return Refusal.WRONG_PERSON
        # Otherwise whoever runs the computers could speak for the one who took care that nobody can.
        if ring.own(statement.actor, seq):
            return Refusal.OWN_KEY_REQUIRED
    elif found.person != statement.actor or method in VOUCHED:
        return Refusal.WRONG_PERSON
    return _why_not_now(statement, now) if now is not None else None


def _why_not_now(statement: Statement, now: datetime) -> Refusal | None:
    if statement.issued > now + SKEW:
        return Refusal.FUTURE_DATED
    if now >= statement.expires or statement.expires - statement.issued > LONGEST_LIFE:
        return Refusal.EXPIRED
    return None


def key_id(public_key: bytes) -> str:
    """The id of a key: the first 16 hex digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()[:16]


_FIELD = 2**255 - 19
_OF_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL = {0, 1, _FIELD - 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8}
"""The y coordinates of the eight points of small order on edwards25519."""


def anybody_could_sign(public_key: bytes) -> bool:
    """Whether this is no Ed25519 key that binds anybody: one of small order, under which a signature can be good
    that nobody made, or one written in another form than RFC 8032 § 5.1.3 has."""
    y = int.from_bytes(public_key, "little") % 2**255
    return y >= _FIELD or y in _SMALL


def enrol(
    ring: KeyRing, organisation: Organisation, actor: str, act: EnrolKey
) -> KeyEnrolled | AttemptRefused:
    """May `actor` have this key count? Everybody enrols for themselves alone, and a key once only."""
    raw = base64.b64decode(act.public_key)
    if len(raw) != 32 or base64.b64encode(raw).decode() != act.public_key or anybody_could_sign(raw):
        return refused(act, Refusal.UNREADABLE)
    if actor != act.person:
        return refused(act, Refusal.WRONG_PERSON)
    if act.person not in organisation.people():
        return refused(act, Refusal.UNKNOWN_PERSON)
    if key_id(raw) in ring.keys:
        return refused(act, Refusal.ALREADY_DECIDED)
    return KeyEnrolled(key=key_id(raw), public_key=act.public_key, person=act.person)


def revoke(
    ring: KeyRing, organisation: Organisation, actor: str, act: RevokeKey, day: date
) -> KeyRevoked | AttemptRefused:
    """May `actor` have the key count no longer? Its person may, and HR and the top manager for who cannot."""
    key = ring.keys.get(act.key)
    if key is None:
        return refused(act, Refusal.UNKNOWN_KEY)
    if key.revoked is not None:
        return refused(act, Refusal.ALREADY_DECIDED)
    may = {h.person for role in (Role.HR, Role.TOP_MANAGER) for h in organisation.holders(role, None, day)}
    if actor not in {key.person, *may}:
        return refused(act, Refusal.NOT_ELIGIBLE)
    return KeyRevoked(key=act.key, reason=act.reason)
