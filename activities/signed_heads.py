"""The heads that the log key of this machine has signed, remembered in files beside it and outside the database.

Whoever owns the database can write the end of a ledger anew and take its newer checkpoints away. A log key that
looked at the database alone would sign the result. So what it signs must grow out of what is remembered here,
and a head is remembered before its checkpoint is committed: only facts that are committed already are under it,
so that a crash between the two hinders nothing.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from activities.ledger.heads import Checkpoint, note_hash, read_checkpoint
from activities.ledger.log import LedgerError
from activities.ledger.merkle import Frontier
from activities.ledger.notes import NoteError
from activities.store import checkpoints as kept
from activities.store.database import Reader

FIRST_LINE = "forsvarlig-signed-head-1"

SUFFIX = ".head"
REFUSED = ".refused"
"""The suffix of a file that says that checkpoints of an employer have stopped."""

_EMPLOYER = re.compile(r"[a-z0-9][a-z0-9-]*")
_SHOWN = 12


class SignedHead(NamedTuple):
    """A head that was signed here or found rightly signed: the tree, and the checkpoint's note over it."""

    frontier: Frontier
    note: str

    @property
    def checkpoint(self) -> Checkpoint:
        return read_checkpoint(self.note)[0]

    def __str__(self) -> str:
        return f"{FIRST_LINE}\n{base64.b64encode(self.frontier.to_bytes()).decode()}\n\n{self.note}"

    @classmethod
    def read(cls, text: str) -> SignedHead:
        """What `str` wrote; `ValueError` for anything else."""
        first, frontier, blank, note = [*text.split("\n", 3), "", "", ""][:4]
        if first != FIRST_LINE or blank:
            raise ValueError("no head that was signed here")
        try:
            tree = Frontier.from_bytes(base64.b64decode(frontier, validate=True))
            checkpoint, _ = read_checkpoint(note)
        except (binascii.Error, NoteError) as error:
            raise ValueError(str(error)) from None
        if (checkpoint.size, checkpoint.root) != (tree.size, tree.root):
            raise ValueError("the tree is not the one that was signed")
        return cls(tree, note)


class HeadFileError(Exception):
    """A file of a signed head that cannot be used: `path` is where, `fault` is what."""

    def __init__(self, path: Path, fault: Literal["unreadable", "unwritable"]) -> None:
        super().__init__(f"{path}: {fault}")
        self.path, self.fault = path, fault


class TakenBack(LedgerError):
    """The ledger does not grow out of the head over `signed` facts that was signed here; it has `size` of them.

    Either it was changed from outside, or an older backup of the database was restored.
    """

    def __init__(self, employer: str, signed: int, size: int) -> None:
        super().__init__(
            f"the ledger of {employer!r}, {size} facts, does not begin with the {signed} that this machine has "
            "signed. Find out why; if a backup was restored: forsvarlig ledger checkpoint --after-restore"
        )
        self.employer, self.signed, self.size = employer, signed, size


class SignedHeads:
    """The remembered heads of the employers of one installation, in `folder`, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, employer: str) -> SignedHead | None:
        """The newest head of the employer's ledger; None the first time. `HeadFileError` for a damaged file."""
        place = self.file(employer)
        try:
            head = SignedHead.read(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise HeadFileError(place, "unreadable") from None
        if head.checkpoint.origin.rpartition("/")[2] != employer:
            raise HeadFileError(place, "unreadable")
        return head

    def remember(self, employer: str, head: SignedHead) -> None:
        """From now on what is signed grows out of this; it is safe on the disk when this returns.

        `HeadFileError` when it cannot be written; then what was remembered before still is.
        """
        place = self.file(employer)
        try:
            _write(place, str(head))
        except OSError:
            raise HeadFileError(place, "unwritable") from None

    def set_aside(self, employer: str) -> Path | None:
        """Forget the employer's head, and keep its file under another name, which is given."""
        place = self.file(employer)
        try:
            content = place.read_bytes()
            beside = place.with_name(f"{employer}-{hashlib.sha256(content).hexdigest()[:_SHOWN]}.before")
            place.replace(beside)
            _sync(place.parent)
        except FileNotFoundError:
            return None
        except OSError:
            raise HeadFileError(place, "unwritable") from None
        return beside

    def refuse(self, employer: str) -> None:
        """Leave word for `refused` that checkpoints of the employer have stopped."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.file(employer).with_suffix(REFUSED).touch(mode=0o600)

    def accept(self, employer: str) -> None:
        """Take that back."""
        with contextlib.suppress(OSError):
            self.file(employer).with_suffix(REFUSED).unlink(missing_ok=True)

    def is_refused(self, employer: str) -> bool:
        """Whether checkpoints of the employer have stopped."""
        return self.file(employer).with_suffix(REFUSED).exists()

    def refused(self) -> list[str]:
        """The employers of whose ledgers no checkpoint is made until somebody has looked."""
        return sorted(found.stem for found in self.folder.glob(f"*{REFUSED}"))

    def file(self, employer: str) -> Path:
        """Where the employer's head is remembered; `ValueError` for something that is no employer's id."""
        if not _EMPLOYER.fullmatch(employer):
            raise ValueError(f"{employer!r} is no id of an employer.")
        return self.folder / f"{employer}{SUFFIX}"


async def grown_out_of(reader: Reader, employer: str, signed: SignedHead | None) -> Frontier:
    """The tree of the employer's ledger, computed from what was signed and the bytes of the leaves after it.

    Nothing else in the database is believed. `TakenBack` when the ledger's own head is another; `LedgerError`
    when that is so and nothing was signed here yet.
    """
    head, before = await reader.head(employer), Frontier() if signed is None else signed.frontier
    reached = await kept.grown(reader, employer, before, head.size)
    if reached is not None and reached.root.hex() == head.root:
        return reached
    if signed is None:
        raise LedgerError(f"the head over {head.size} leaves is not that of the leaves.")
    raise TakenBack(employer, before.size, head.size)


def named(head: SignedHead) -> str:
    """A head in an id: the SHA-256 of its note, hex."""
    return note_hash(head.note)


def _write(place: Path, content: str) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".unfinished")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(place)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(unfinished).unlink()
        raise
    _sync(place.parent)


def _sync(folder: Path) -> None:
    """Make a rename in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
