"""A witness of a log: what it is asked, and when it may say yes (C2SP tlog-witness, `add-checkpoint`).

A witness remembers of each log the newest head that it cosigned. It says yes to a head only when that follows
from the one it remembers. So two who trust one witness cannot be shown two histories.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Literal, NamedTuple

from activities.ledger.heads import Anchor, Checkpoint, anchor, read_checkpoint, with_cosignatures
from activities.ledger.merkle import DIGEST, verify_consistency
from activities.ledger.notes import LARGEST_NOTE, Note, NoteError, Signature, Signing, Vkey, cosign, verified

LONGEST_PROOF = 63
"""Hashes in a request (tlog-witness)."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")

Refused = Literal["unknown_log", "unknown_key", "forged", "rolled_back", "out_of_step", "unproven", "forked"]
"""Why a witness says no. Of `forked`, two heads of one size, the request itself is evidence against the log."""


class Request(NamedTuple):
    """What a witness is asked: to cosign `note`, whose tree begins with the one of `old` leaves, by this proof."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def __str__(self) -> str:
        hashes = (f"{base64.b64encode(hash).decode()}\n" for hash in self.proof)
        return f"old {self.old}\n{''.join(hashes)}\n{self.note}"


class WitnessError(Exception):
    """The witness does not cosign. `reason` is a stable word; `known` is the size of the head it remembers."""

    def __init__(self, reason: Refused, origin: str, known: int, size: int) -> None:
        super().__init__(f"{origin}: {reason} (remembered: {known} leaves, shown: {size})")
        self.reason, self.origin, self.known, self.size = reason, origin, known, size


class Cosigned(NamedTuple):
    """The witness's line for the log, and what it remembers from now on: an anchor with that line in it."""

    line: Signature
    remembered: Anchor


def read_request(raw: bytes) -> tuple[Request, Checkpoint, Note]:
    """The request, and the checkpoint in it; `NoteError` for anything else. No signature is checked."""
    if len(raw) > LARGEST_NOTE:
        raise NoteError(
            "A request has at most {most} bytes; this has {count}.", most=LARGEST_NOTE, count=len(raw)
        )
    try:
        head, blank, note = raw.decode().partition("\n\n")
    except UnicodeDecodeError as error:
        raise NoteError("A request is UTF-8; the byte at {place} is not.", place=error.start) from None
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if not blank or old is None:
        raise NoteError("A request begins with a line like «old 120», and ends its proof with a blank line.")
    if len(lines) > LONGEST_PROOF:
        raise NoteError(
            "A proof has at most {most} hashes; this has {count}.", most=LONGEST_PROOF, count=len(lines)
        )
    checkpoint, found = read_checkpoint(note)
    return Request(int(old[1]), tuple(map(_hash, lines)), note), checkpoint, found


def witness(
    raw: bytes, remembered: Anchor | None, trusted: Vkey | None, name: str, key: Signing, now: datetime
) -> Cosigned:
    """Cosign the request as `name`, or say why not: `NoteError` for no request, `WitnessError` otherwise.

    `remembered` is the newest head of the same log that this witness cosigned. `trusted` is the log's key; without
    one it is the key that is remembered.
    """
    request, checkpoint, note = read_request(raw)
    known = remembered.checkpoint.size if remembered is not None else 0
    log = trusted or (remembered.key if remembered is not None else None)

    def no(reason: Refused) -> WitnessError:
        return WitnessError(reason, checkpoint.origin, known, checkpoint.size)

    if log is None or log.name != checkpoint.origin:
        raise no("unknown_log")
    if remembered is not None and remembered.checkpoint.origin != checkpoint.origin:
        raise no("unknown_log")
    if note.by(log) is None:
        raise no("unknown_key")
    try:
        verified(note, [log])
    except NoteError:
        raise no("forged") from None
    if fault := _why_not(request, checkpoint, remembered):
        raise no(fault)
    line = cosign(note.text, name, key, now)
    return Cosigned(line, anchor(log, with_cosignatures(_alone(note, log), [line])))


def _why_not(request: Request, new: Checkpoint, remembered: Anchor | None) -> Refused | None:
    """Whether the new head follows from the one that is remembered, as the proof says."""
    if remembered is None:
        return "out_of_step" if request.old or request.proof else None
    known = remembered.checkpoint
    if new.size < known.size:
        return "rolled_back"
    if new.size == known.size:
        # The proof cannot help here, whatever it says that it begins with.
        return None if new.root == known.root else "forked"
    if request.old != known.size:
        return "out_of_step"
    if not verify_consistency(known.size, known.root, new.size, new.root, request.proof):
        return "unproven"
    return None


def _alone(note: Note, log: Vkey) -> str:
    """The note with the log's signature only: what others added to it is not for this witness to keep."""
    return str(Note(note.text, tuple(s for s in note.signatures if (s.name, s.key) == (log.name, log.id))))


def _hash(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != DIGEST or base64.b64encode(raw).decode() != line:
        raise NoteError(
            "{shown!r} is no hash of a proof: it is the base64 of {bytes} bytes.",
            shown=line[:80],
            bytes=DIGEST,
        )
    return raw
