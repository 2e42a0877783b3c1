"""The keys that an employer's checkpoints are signed with: how one is enrolled, and which counts when."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from activities.signatures import SigningKey, is_signature
from workflows.rules.events import Fact
from workflows.rules.keys import key_id
from workflows.rules.record_facts import LogKeyEnrolled

KIND = "log_key_enrolled"


class LogKey(NamedTuple):
    """A log key that counts for checkpoints over `seq` leaves and more, until the next one.

    `vouched` says whether the key before it signed for it; the first one needs nobody.
    """

    seq: int
    id: str
    public_key: str
    vouched: bool


def claim(employer: str, public_key: str, previous: str | None) -> bytes:
    """What is signed to enrol a log key, by itself and by the key before it."""
    return f"forsvarlig log key\n{employer}\n{public_key}\n{previous or ''}\n".encode()


def enrolment(
    employer: str, key: SigningKey, previous: str | None = None, by: SigningKey | None = None
) -> LogKeyEnrolled:
    """The fact that enrols `key` after the key with id `previous`, which vouches for it when it is given as `by`."""
    said = claim(employer, key.public_key, previous)
    return LogKeyEnrolled(
        key=key.id, public_key=key.public_key, signature=_signed(key, said), previous=previous,
        previous_signature=_signed(by, said) if by is not None else None,
    )  # fmt: skip


def log_keys(facts: Iterable[tuple[int, Fact]]) -> list[LogKey]:
    """The keys that these facts enrol, in the order of the ledger; an enrolment that nobody signed counts not.

    One must be signed by its own key and name the key before it. Where it has that key's signature, that must
    be right; where it has none, the old key was lost, and only an anchor tells that this is no stranger's.
    """
    found: list[LogKey] = []
    for seq, fact in facts:
        body = fact.body
        before = found[-1] if found else None
        if isinstance(body, LogKeyEnrolled) and _is_right(fact.employer, body, before):
            vouched = before is None or body.previous_signature is not None
            found.append(LogKey(seq, body.key, body.public_key, vouched))
    return found


def counting_at(keys: Sequence[LogKey], size: int) -> LogKey | None:
    """The key that must have signed a checkpoint over the first `size` leaves."""
    return next((key for key in reversed(keys) if key.seq <= size), None)


def _is_right(employer: str, body: LogKeyEnrolled, before: LogKey | None) -> bool:
    if body.previous != (before.id if before is not None else None):
        return False
    said = claim(employer, body.public_key, body.previous)
    try:
        public = base64.b64decode(body.public_key)
        if key_id(public) != body.key or not _is_by(body.public_key, said, body.signature):
            return False
        if body.previous_signature is None:
            return True
        return before is not None and _is_by(before.public_key, said, body.previous_signature)
    except ValueError:
        return False


def _signed(key: SigningKey, said: bytes) -> str:
    return base64.b64encode(key.sign_bytes(said)).decode()


def _is_by(public_key: str, said: bytes, signature: str) -> bool:
    return is_signature(said, base64.b64decode(signature), base64.b64decode(public_key))
