"""Signed notes, checkpoints, cosignatures and anchors, as C2SP has them (signed-note, tlog-checkpoint,
tlog-cosignature, each v1.0.0).

Everything is read strictly: what this accepts, it writes again byte for byte.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from activities.ledger.merkle import DIGEST
from activities.signatures import is_signature
from workflows.rules.base import Frozen

ED25519 = 0x01
"""The signature type of a log's own key (signed-note)."""

COSIGNATURE = 0x04
"""The signature type of a witness (tlog-cosignature)."""

LARGEST_NOTE = 100_000
"""Bytes; what is larger is no note of ours, and is not looked at."""

MOST_SIGNATURES = 32

LATEST = 2**63 - 1
"""The largest time of a cosignature (tlog-cosignature)."""

ANCHOR = "forsvarlig-anchor-1"
"""The first line of an anchor file."""

_DASH = "\N{EM DASH}"
_SIGNED, _TIMED = 64, 8
_KEY_ID = 4
_PRINTED = 10
"""Bytes of a root in a fingerprint: 80 bits, 16 characters of base32."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_HASH = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"(0|[1-9][0-9]{0,18})[- ]*((?:[A-Z2-7][- ]*){16})")
_MISREAD = str.maketrans("018", "OIB")
_WHEN = "%Y-%m-%dT%H:%M:%SZ"


class NoteError(ValueError):
    """Bytes that are no such note, or a note that is not signed as it must be; the message says where."""


class Signing(Protocol):
    """A private key of Ed25519, as `activities.signatures.SigningKey`."""

    @property
    def public_bytes(self) -> bytes:
        """The public key, 32 bytes."""

    def sign_bytes(self, message: bytes) -> bytes:
        """The signature over the message (RFC 8032), 64 bytes."""


# --- keys -----------------------------------------------------------------------------------------


class Vkey(Frozen):
    """A key that notes are verified with: a name, what kind of signatures it makes, and 32 bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ newline ‖ kind ‖ public key)."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:_KEY_ID]

    def __str__(self) -> str:
        """As signed-note writes it: `name+hex id+base64`."""
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def of(cls, name: str, key: Signing, kind: int = ED25519) -> Vkey:
        """The key that verifies what `key` signs as `name`; `NoteError` for a name that cannot be one."""
        return cls(name=_name(name), kind=kind, public=key.public_bytes)

    @classmethod
    def read(cls, text: str) -> Vkey:
        """What `str` gives; `NoteError` for anything else."""
        name, *rest = text.split("+", 2)
        if len(rest) != 2:
            raise NoteError(f"{_shown(text)} is no key: it is written name+id+base64.")
        raw = _bytes(rest[1], "a key")
        if len(raw) != DIGEST + 1 or raw[0] not in (ED25519, COSIGNATURE):
            raise NoteError(f"{_shown(text)} is no key of Ed25519: its base64 is not of a kind and 32 bytes.")
        key = cls(name=_name(name), kind=raw[0], public=raw[1:])
        if str(key) != text:
            raise NoteError(f"{_shown(text)} is no key: its id is not that of its name and its bytes.")
        return key


def log_vkey(origin: str, public_key: str) -> Vkey:
    """The key of the log with that origin; `public_key` is base64 as the facts have it."""
    return Vkey(name=_name(origin), kind=ED25519, public=base64.b64decode(public_key))


def origin_of(org_number: str, employer: str, *, rehearsal: bool) -> str:
    """What an employer's log is called, of a rehearsal so that it is never taken for a real one."""
    return f"forsvarlig/{'rehearsal/' if rehearsal else ''}{org_number}/{employer}"


# --- notes ----------------------------------------------------------------------------------------


class Signature(NamedTuple):
    """One signature line: the key's name and id, and the bytes after the id."""

    name: str
    key: bytes
    signed: bytes

    def __str__(self) -> str:
        return f"{_DASH} {self.name} {_base64(self.key + self.signed)}\n"


class Note(NamedTuple):
    """A text, which ends with a newline, and its signatures, at least one."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def by(self, key: Vkey) -> bytes | None:
        """What the key signed with, if it has a line here."""
        return next((s.signed for s in self.signatures if (s.name, s.key) == (key.name, key.id)), None)


def read_note(raw: str | bytes) -> Note:
    """The note that these bytes are; `NoteError` says what they are instead. No signature is checked."""
    text = _text(raw)
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not body:
        raise NoteError("There is no blank line between a text and its signatures.")
    if not lines.endswith("\n"):
        raise NoteError("The last line of the note does not end.")
    signatures = tuple(map(read_signature, lines[:-1].split("\n")))
    if len(signatures) > MOST_SIGNATURES:
        raise NoteError(f"The note has {len(signatures)} signatures; {MOST_SIGNATURES} are looked at.")
    if len({(s.name, s.key) for s in signatures}) < len(signatures):
        raise NoteError("A key has two lines among the signatures.")
    return Note(f"{body}\n", signatures)


def read_signature(line: str) -> Signature:
    """A signature line without its newline; `NoteError` for anything else."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise NoteError(f"{_shown(line)} is no signature: it is written «{_DASH} name base64».")
    raw = _bytes(parts[2], "a signature")
    if len(raw) <= _KEY_ID:
        raise NoteError(f"{_shown(line)} is no signature: it is shorter than a key's id.")
    return Signature(_name(parts[1]), raw[:_KEY_ID], raw[_KEY_ID:])


def signed(text: str, name: str, key: Signing) -> Note:
    """The text as a note that `key` signs as `name`."""
    vkey = Vkey.of(name, key)
    return Note(text, (Signature(name, vkey.id, key.sign_bytes(text.encode())),))


def verified(note: Note, keys: Iterable[Vkey]) -> list[Vkey]:
    """Which of the keys signed the note. `NoteError` when none did, or when a signature of one is not its own.

    Signatures by other keys are not looked at.
    """
    found = []
    for key in keys:
        line = note.by(key)
        if line is None:
            continue
        if not _is_by(note.text, key, line):
            raise NoteError(f"The signature of {key.name} is not over this text.")
        found.append(key)
    if not found:
        names = ", ".join(s.name for s in note.signatures)
        raise NoteError(f"No key that is trusted signed this note; it is signed as {names}.")
    return found


def _is_by(text: str, key: Vkey, line: bytes) -> bool:
    if key.kind == ED25519:
        return len(line) == _SIGNED and is_signature(text.encode(), line, key.public)
    if len(line) != _TIMED + _SIGNED:
        return False
    when = int.from_bytes(line[:_TIMED])
    return when <= LATEST and is_signature(_cosigned(text, when), line[_TIMED:], key.public)


# --- cosignatures ---------------------------------------------------------------------------------


def cosign(text: str, name: str, key: Signing, when: datetime) -> Signature:
    """The line with which a witness says that at `when` this is the newest head it knows, and a consistent one."""
    seconds = int(when.timestamp())
    vkey = Vkey.of(name, key, COSIGNATURE)
    made = key.sign_bytes(_cosigned(text, seconds))
    return Signature(name, vkey.id, seconds.to_bytes(_TIMED) + made)


def cosigned_at(note: Note, key: Vkey) -> datetime | None:
    """When the witness cosigned, as it says itself; None without a line of its own. Check with `verified` first."""
    line = note.by(key)
    if line is None:
        return None
    try:
        return datetime.fromtimestamp(int.from_bytes(line[:_TIMED]), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise NoteError(f"The cosignature of {key.name} has no time that can be: {error}.") from None


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


# --- checkpoints ----------------------------------------------------------------------------------


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
        lines = [self.origin, str(self.size), _base64(self.root), f"time {self.time:{_WHEN}}"]
        return "\n".join([*lines, *([f"prev {self.prev}"] if self.prev else [])]) + "\n"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.size, self.root)

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """The checkpoint with this text; `NoteError` says which line is none of a checkpoint."""
        lines = text.split("\n")
        if lines.pop() != "" or len(lines) not in (4, 5):
            raise NoteError(f"A checkpoint is four or five lines; these are {len(lines)}.")
        origin, size, root, time, *before = lines
        if not _DECIMAL.fullmatch(size):
            raise NoteError(f"Line 2 of the checkpoint, {_shown(size)}, is no number of facts.")
        if len(hashed := _bytes(root, "line 3 of the checkpoint")) != DIGEST:
            raise NoteError(f"Line 3 of the checkpoint, {_shown(root)}, is no hash of {DIGEST} bytes.")
        when = _moment(time)
        prev = before[0].removeprefix("prev ") if before else None
        if before and (not before[0].startswith("prev ") or not _HASH.fullmatch(prev or "")):
            raise NoteError(f"Line 5 of the checkpoint, {_shown(before[0])}, names no checkpoint before it.")
        return cls(origin=_name(origin), size=int(size), root=hashed, time=when, prev=prev)


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
        raise NoteError(f"Line 4 of the checkpoint, {_shown(line)}, is no time.")
    return when


# --- fingerprints and anchors ---------------------------------------------------------------------


def fingerprint(size: int, root: bytes) -> str:
    """A head in so few characters that it can be read aloud: `545-K3QF-7D2A-QWER-TYUI`.

    The size, then the first 80 bits of the root in base32 (RFC 4648 § 6).
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
        raise NoteError(f"{_shown(text)} is no fingerprint: it is written like 545-K3QF-7D2A-QWER-TYUI.")
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
        raise NoteError(f"The key is {key.name}'s, and the checkpoint is of {checkpoint.origin}.")
    return Anchor(key, found, checkpoint)


def read_anchor(raw: str | bytes) -> Anchor:
    """An anchor file, its signature checked; `NoteError` says what it is instead.

    That the key in it is the right one is for its holder to know, who got the file when it was made.
    """
    first, _, rest = _text(raw).partition("\n")
    if first != ANCHOR:
        raise NoteError(f"The first line of an anchor is {ANCHOR}, and this begins with {_shown(first)}.")
    key, _, note = rest.partition("\n")
    if not note.startswith("\n"):
        raise NoteError("The third line of an anchor is blank.")
    return anchor(Vkey.read(key), note[1:])


# --- what is read ---------------------------------------------------------------------------------


def _text(raw: str | bytes) -> str:
    content = raw.encode(errors="surrogatepass") if isinstance(raw, str) else raw
    if len(content) > LARGEST_NOTE:
        raise NoteError(f"A note has at most {LARGEST_NOTE} bytes; this has {len(content)}.")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"A note is UTF-8; the byte at {error.start} is not.") from None
    if found := next((c for c in text if c < " " and c != "\n"), None):
        raise NoteError(f"A note has no control characters; this has U+{ord(found):04X}.")
    return text


def _name(text: str) -> str:
    if not text or "+" in text or "\n" in text or any(c.isspace() for c in text):
        raise NoteError(f"{_shown(text)} is no name of a key: it is not empty and has no space and no plus.")
    return text


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError(f"{_shown(text)} is no base64, as {what} must be.") from None
    if _base64(raw) != text:
        raise NoteError(f"{_shown(text)} is not the base64 that {what} must be: its last bits are not zero.")
    return raw


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
