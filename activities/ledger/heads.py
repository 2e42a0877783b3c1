"""The head of a log: as its key signs it (C2SP tlog-checkpoint v1.0.0), in a few characters, and kept outside.

Everything is read strictly: what this accepts, it writes again byte for byte.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from activities.ledger.merkle import DIGEST
from activities.ledger.notes import (
    ED25519,
    Note,
    NoteError,
    Signature,
    Signing,
    Vkey,
    base64_of,
    bytes_of,
    checked_name,
    read_note,
    shown,
    signed,
    text_of,
    verified,
)
from workflows.rules.base import Frozen
from workflows.rules.phrase import Phrase

ANCHOR = "forsvarlig-anchor-1"
"""The first line of an anchor file."""

_PRINTED = 20
"""Bytes of a root in a fingerprint: 160 bits, so many that nobody can prepare two histories with the same one."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_HASH = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"(0|[1-9][0-9]{0,18})[- ]*((?:[A-Z2-7][- ]*){32})")
_MISREAD = str.maketrans("018", "OIB")
_WHEN = "%Y-%m-%dT%H:%M:%SZ"


def origin_of(org_number: str, employer: str, *, rehearsal: bool) -> str:
    """What an employer's log is called, of a rehearsal so that it is never taken for a real one."""
    return f"forsvarlig/{'rehearsal/' if rehearsal else ''}{org_number}/{employer}"


class Checkpoint(Frozen):
    """The head of a log as its key signs it: the first `size` leaves have this root.

    `time` is when it was made, by the log's clock, in whole seconds; `prev` the SHA-256 of the note of the
    checkpoint before it, hex, and None for the first.
    """

    origin: str
    size: int
    root: bytes
    time: datetime
    prev: str | None = None

    @property
    def text(self) -> str:
        """The text of the note: origin, size, root, and as extension lines the time and what came before."""
        lines = [self.origin, str(self.size), base64_of(self.root), f"time {self.time:{_WHEN}}"]
        return "\n".join([*lines, *([f"prev {self.prev}"] if self.prev else [])]) + "\n"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.size, self.root)

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """The checkpoint with this text; `NoteError` says which line is none of a checkpoint."""
        lines = text.split("\n")
        if lines.pop() != "" or len(lines) not in (4, 5):
            raise NoteError("A checkpoint is four or five lines; these are {count}.", count=len(lines))
        origin, size, root, time, *before = lines
        if not _DECIMAL.fullmatch(size):
            raise NoteError("Line 2 of the checkpoint, {shown}, is no number of facts.", shown=shown(size))
        if len(hashed := bytes_of(root, Phrase("line 3 of the checkpoint"))) != DIGEST:
            raise NoteError(
                "Line 3 of the checkpoint, {shown}, is no hash of {bytes} bytes.",
                shown=shown(root),
                bytes=DIGEST,
            )
        when = _moment(time)
        prev = before[0].removeprefix("prev ") if before else None
        if before and (not before[0].startswith("prev ") or not _HASH.fullmatch(prev or "")):
            raise NoteError(
                "Line 5 of the checkpoint, {shown}, names no checkpoint before it.", shown=shown(before[0])
            )
        return cls(origin=checked_name(origin), size=int(size), root=hashed, time=when, prev=prev)


def signed_checkpoint(checkpoint: Checkpoint, key: Signing) -> str:
    """The note that is kept: the checkpoint, signed as its origin."""
    return str(signed(checkpoint.text, checkpoint.origin, key))


def read_checkpoint(raw: str | bytes) -> tuple[Checkpoint, Note]:
    """A checkpoint's note, not yet verified; `NoteError` for anything else."""
    note = read_note(raw)
    return Checkpoint.read(note.text), note


def note_hash(note: str) -> str:
    """What the next checkpoint names this one by: SHA-256 of the whole note, hex."""
    return hashlib.sha256(note.encode()).hexdigest()


def with_cosignatures(note: str, lines: Sequence[Signature]) -> str:
    """The note with these further signatures, each once."""
    found = read_note(note)
    known = {(s.name, s.key) for s in found.signatures}
    more = {(s.name, s.key): s for s in lines if (s.name, s.key) not in known}
    return str(Note(found.text, (*found.signatures, *more.values())))


def _moment(line: str) -> datetime:
    try:
        when = datetime.strptime(line, f"time {_WHEN}").replace(tzinfo=UTC)
    except ValueError:
        when = None
    if when is None or f"time {when:{_WHEN}}" != line:
        raise NoteError("Line 4 of the checkpoint, {shown}, is no time.", shown=shown(line))
    return when


def fingerprint(size: int, root: bytes) -> str:
    """A head in so few characters that it can be read aloud: `545-K3QF-7D2A-QWER-TYUI-2XMB-Q7CN-5HWL-ZD4E`.

    The size, then the first 160 bits of the root in base32 (RFC 4648 § 6).
    """
    said = base64.b32encode(root[:_PRINTED]).decode()
    return "-".join([str(size), *(said[at : at + 4] for at in range(0, len(said), 4))])


class Fingerprint(NamedTuple):
    """A head as `fingerprint` writes it: how many facts, and how their root begins."""

    size: int
    begins: bytes

    def matches(self, root: bytes) -> bool:
        """Whether a root may be the one that was meant."""
        return root.startswith(self.begins)

    def __str__(self) -> str:
        return fingerprint(self.size, self.begins)


def read_fingerprint(text: str) -> Fingerprint:
    """What `fingerprint` wrote, as people type it: in either case, with spaces, `0`, `1`, `8` for `O`, `I`, `B`.

    `NoteError` for anything else.
    """
    size, cut, rest = text.strip().partition("-")
    found = _FINGERPRINT.fullmatch(f"{size}{cut}{rest.upper().translate(_MISREAD)}")
    if not cut or found is None:
        raise NoteError(
            "{shown} is no fingerprint: it is written like 545-K3QF-7D2A-QWER-TYUI-2XMB-Q7CN-5HWL-ZD4E.",
            shown=shown(text),
        )
    return Fingerprint(int(found[1]), base64.b32decode(re.sub("[- ]", "", found[2])))


class Anchor(NamedTuple):
    """What is kept outside: the log's key, and a checkpoint that it signed, with any cosignatures."""

    key: Vkey
    note: Note
    checkpoint: Checkpoint

    def __str__(self) -> str:
        return f"{ANCHOR}\n{self.key}\n\n{self.note}"


def anchor(key: Vkey, note: str) -> Anchor:
    """An anchor to give away; `NoteError` unless the key signed the note as the log that the note is of."""
    checkpoint, found = read_checkpoint(note)
    verified(found, [key])
    if key.kind != ED25519 or key.name != checkpoint.origin:
        raise NoteError(
            "The key is {name}'s, and the checkpoint is of {origin}.", name=key.name, origin=checkpoint.origin
        )
    return Anchor(key, found, checkpoint)


def read_anchor(raw: str | bytes) -> Anchor:
    """An anchor file, its signature checked; `NoteError` says what it is instead.

    That the key in it is the right one is for its holder to know, who got the file when it was made.
    """
    first, _, rest = text_of(raw).partition("\n")
    if first != ANCHOR:
        # Not what it is instead: the file may be anybody's.
        raise NoteError("The first line of an anchor is {first}, and this is another.", first=ANCHOR)
    key, _, note = rest.partition("\n")
    if not note.startswith("\n"):
        raise NoteError("The third line of an anchor is blank.")
    return anchor(Vkey.read(key), note[1:])
