"""The keys under which what we send through Temporal is sealed: 256 random bits, of each employer's own, in files.

`<folder>/<employer>/0001.key` is the first key and the highest number the one to write with; the others are kept
for reading. Processes on one folder agree: a key is put in place whole, and only where there is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

OTHERS = "_"
"""The folder of the key for what concerns no employer. No employer can have this id."""

SUFFIX = ".key"

_EMPLOYER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NUMBER = re.compile(r"[0-9]{4,9}")
_CONTENT = re.compile(rb"[0-9a-f]{64}\n?")

_SETTLED = 2.0
"""Seconds after which a change to a folder is sure to have changed its time stamp."""


@dataclass(frozen=True)
class PayloadKey:
    """One key. `id` goes with what it seals: its number, and the beginning of a hash of it."""

    id: str
    number: int
    secret: bytes = field(repr=False)
    made: datetime


@dataclass(frozen=True)
class KeyFault:
    """A file among the keys that is not as it should be: `missing`, `unreadable`, `corrupt` or `open_to_others`."""

    file: Path
    problem: str


@dataclass
class _Shelf:
    """The usable keys of an employer by their ids, and the highest number that any file has."""

    keys: dict[str, PayloadKey]
    highest: int
    seen: tuple[int, bool]
    """The folder's time stamp when it was read, and whether it was old enough then to be relied on."""


class Keyring:
    """The keys in `folder`, read when they are asked for and again when the folder has changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shelves: dict[str, _Shelf] = {}

    def current(self, employer: str) -> PayloadKey:
        """The key to seal with; the employer's first is made now. `OSError` when none can be read or made."""
        shelf = self._shelf(employer)
        if shelf.keys:
            return max(shelf.keys.values(), key=lambda key: key.number)
        # The number that everybody who saw the same makes, so that all end up with one key.
        return self._make(employer, shelf.highest + 1)

    def find(self, employer: str, id: str) -> PayloadKey | None:
        """The employer's key with this id. None also when its file cannot be read; never raises."""
        with contextlib.suppress(OSError):
            return self._shelf(employer).keys.get(id)
        return None

    def rotate(self, employer: str) -> PayloadKey:
        """Make a new key, to be written with from now on by every process on the folder. Raises `OSError`."""
        self._shelves.pop(_name(employer), None)
        return self._make(employer, self._shelf(employer).highest + 1)

    def employers(self) -> list[str]:
        """Those who have keys, sorted; raises `OSError`."""
        if not self.folder.exists():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir())

    def keys(self, employer: str) -> list[PayloadKey]:
        """The employer's usable keys, oldest first; the last one is written with. Raises `OSError`."""
        return sorted(self._shelf(employer).keys.values(), key=lambda key: key.number)

    def faults(self) -> Iterator[KeyFault]:
        """What is wrong with the files: what a key has sealed can be read with it only. Raises `OSError`."""
        for employer in self.employers():
            there = {int(file.stem): file for file in (self.folder / employer).iterdir() if _is_key(file)}
            for number in range(1, max(there, default=0) + 1):
                if number not in there:
                    yield KeyFault(_file(self.folder / employer, number), "missing")
                elif problem := _problem(there[number]):
                    yield KeyFault(there[number], problem)

    def _shelf(self, employer: str) -> _Shelf:
        shelf, home = self._shelves.get(_name(employer)), self._home(employer)
        try:
            stamp = home.stat().st_mtime_ns
        except FileNotFoundError:
            return _Shelf({}, 0, (0, False))
        if shelf is None or shelf.seen != (stamp, True):
            relied_on = time.time() - stamp / 1e9 > _SETTLED
            shelf = self._shelves[_name(employer)] = _on_disk(home, (stamp, relied_on))
        return shelf

    def _make(self, employer: str, number: int) -> PayloadKey:
        home = self._home(employer)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _put(_file(home, number))
        self._shelves.pop(_name(employer), None)
        return made

    def _home(self, employer: str) -> Path:
        return self.folder / _name(employer)


def _name(employer: str) -> str:
    """The employer comes from the id of a workflow, and anybody can start one under any id."""
    return employer if _EMPLOYER.fullmatch(employer) else OTHERS


def _on_disk(home: Path, seen: tuple[int, bool]) -> _Shelf:
    shelf = _Shelf({}, 0, seen)
    for file in home.iterdir():
        if _is_key(file):
            shelf.highest = max(shelf.highest, int(file.stem))
            with contextlib.suppress(OSError):
                if key := _read(file):
                    shelf.keys[key.id] = key
    return shelf


def _file(home: Path, number: int) -> Path:
    return home / f"{number:04}{SUFFIX}"


def _problem(file: Path) -> str | None:
    try:
        if _read(file) is None:
            return "corrupt"
        return "open_to_others" if file.stat().st_mode & 0o077 else None
    except OSError:
        return "unreadable"


def _is_key(file: Path) -> bool:
    return file.suffix == SUFFIX and _NUMBER.fullmatch(file.stem) is not None


def _read(file: Path) -> PayloadKey | None:
    content = file.read_bytes()
    if not _CONTENT.fullmatch(content):
        return None
    secret = bytes.fromhex(content.decode().strip())
    id = f"{file.stem}-{hashlib.sha256(b'key id' + secret).hexdigest()[:12]}"
    return PayloadKey(id, int(file.stem), secret, datetime.fromtimestamp(file.stat().st_mtime, UTC))


def _put(file: Path) -> PayloadKey:
    """Put a new key in place, or answer with the one that another process put there first.

    It is linked when it is whole and on the disk: what is sealed with a lost key is lost.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(secrets.token_hex(32).encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    key = _read(file)
    if key is None:
        raise OSError(f"{file} is not a key")
    return key
