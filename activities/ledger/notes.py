"""Signed notes and cosignatures as C2SP has them (signed-note and tlog-cosignature, each v1.0.0).

Everything is read strictly: what this accepts, it writes again byte for byte.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from activities.ledger.merkle import DIGEST
from activities.signatures import is_signature
from workflows.rules.base import Frozen
from workflows.rules.phrase import Phrase

ED25519 = 0x01
"""The signature type of a log's own key (signed-note)."""

COSIGNATURE = 0x04
"""The signature type of a witness (tlog-cosignature)."""

LARGEST_NOTE = 100_000
"""Bytes; what is larger is no note of ours, and is not looked at."""

MOST_SIGNATURES = 32

LATEST = 2**63 - 1
"""The largest time of a cosignature (tlog-cosignature)."""

_DASH = "\N{EM DASH}"
_SIGNED, _TIMED = 64, 8
_KEY_ID = 4


class NoteError(ValueError):
    """Bytes that are no such note, or a note that is not signed as it must be: `fault` says where."""

    def __init__(self, template: str, **values: object) -> None:
        self.fault = Phrase(template, **values)
        super().__init__(self.fault)


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
        return f"{self.name}+{self.id.hex()}+{base64_of(bytes([self.kind]) + self.public)}"

    @classmethod
    def of(cls, name: str, key: Signing, kind: int = ED25519) -> Vkey:
        """The key that verifies what `key` signs as `name`; `NoteError` for a name that cannot be one."""
        return cls(name=checked_name(name), kind=kind, public=key.public_bytes)

    @classmethod
    def read(cls, text: str) -> Vkey:
        """What `str` gives; `NoteError` for anything else."""
        name, *rest = text.split("+", 2)
        if len(rest) != 2:
            raise NoteError("{shown} is no key: it is written name+id+base64.", shown=shown(text))
        raw = bytes_of(rest[1], Phrase("a key"))
        if len(raw) != DIGEST + 1 or raw[0] not in (ED25519, COSIGNATURE):
            raise NoteError(
                "{shown} is no key of Ed25519: its base64 is not of a kind and 32 bytes.", shown=shown(text)
            )
        key = cls(name=checked_name(name), kind=raw[0], public=raw[1:])
        if str(key) != text:
            raise NoteError(
                "{shown} is no key: its id is not that of its name and its bytes.", shown=shown(text)
            )
        return key


def log_vkey(origin: str, public_key: str) -> Vkey:
    """The key of the log with that origin; `public_key` is base64 as the facts have it."""
    return Vkey(name=checked_name(origin), kind=ED25519, public=base64.b64decode(public_key))


# --- notes ----------------------------------------------------------------------------------------


class Signature(NamedTuple):
    """One signature line: the key's name and id, and the bytes after the id."""

    name: str
    key: bytes
    signed: bytes

    def __str__(self) -> str:
        return f"{_DASH} {self.name} {base64_of(self.key + self.signed)}\n"


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
    text = text_of(raw)
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not body:
        raise NoteError("There is no blank line between a text and its signatures.")
    if not lines.endswith("\n"):
        raise NoteError("The last line of the note does not end.")
    signatures = tuple(map(read_signature, lines[:-1].split("\n")))
    if len(signatures) > MOST_SIGNATURES:
        raise NoteError(
            "The note has {count} signatures; {most} are looked at.",
            count=len(signatures),
            most=MOST_SIGNATURES,
        )
    if len({(s.name, s.key) for s in signatures}) < len(signatures):
        raise NoteError("A key has two lines among the signatures.")
    return Note(f"{body}\n", signatures)


def read_signature(line: str) -> Signature:
    """A signature line without its newline; `NoteError` for anything else."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise NoteError(
            "{shown} is no signature: it is written «{dash} name base64».", shown=shown(line), dash=_DASH
        )
    raw = bytes_of(parts[2], Phrase("a signature"))
    if len(raw) <= _KEY_ID:
        raise NoteError("{shown} is no signature: it is shorter than a key's id.", shown=shown(line))
    return Signature(checked_name(parts[1]), raw[:_KEY_ID], raw[_KEY_ID:])


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
            raise NoteError("The signature of {name} is not over this text.", name=key.name)
        found.append(key)
    if not found:
        names = ", ".join(s.name for s in note.signatures)
        raise NoteError("No key that is trusted signed this note; it is signed as {names}.", names=names)
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
        raise NoteError(
            "The cosignature of {name} has no time that can be: {said}.", name=key.name, said=error
        ) from None


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


# --- what is read ---------------------------------------------------------------------------------


def text_of(raw: str | bytes) -> str:
    """The text that these bytes are; `NoteError` when they are too many, no UTF-8, or control a terminal."""
    content = raw.encode(errors="surrogatepass") if isinstance(raw, str) else raw
    if len(content) > LARGEST_NOTE:
        raise NoteError(
            "A note has at most {most} bytes; this has {count}.", most=LARGEST_NOTE, count=len(content)
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NoteError("A note is UTF-8; the byte at {place} is not.", place=error.start) from None
    if found := next((c for c in text if c < " " and c != "\n"), None):
        raise NoteError("A note has no control characters; this has U+{code:04X}.", code=ord(found))
    return text


def checked_name(text: str) -> str:
    """The name itself; `NoteError` when it can be none of a key."""
    if not text or "+" in text or "\n" in text or any(c.isspace() for c in text):
        raise NoteError(
            "{shown} is no name of a key: it is not empty and has no space and no plus.", shown=shown(text)
        )
    return text


def base64_of(raw: bytes) -> str:
    """Base64 with padding (RFC 4648 § 4)."""
    return base64.b64encode(raw).decode()


def bytes_of(text: str, what: str) -> bytes:
    """What `base64_of` wrote; `NoteError` for anything else, in which `what` says what the text should be."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("{shown} is no base64, as {what} must be.", shown=shown(text), what=what) from None
    if base64_of(raw) != text:
        raise NoteError(
            "{shown} is not the base64 that {what} must be: its last bits are not zero.",
            shown=shown(text),
            what=what,
        )
    return raw


def shown(text: str) -> str:
    """The text as an error quotes it, at most 80 characters."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
