"""Anchors: heads of the ledgers that are kept outside the database, how old the newest is, and what they tell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from activities.checkpoints import HINDERED, Checkpoints, Made, enrolled, follows, opened
from activities.ledger.heads import (
    Anchor,
    Checkpoint,
    Fingerprint,
    anchor,
    fingerprint,
    origin_of,
    read_checkpoint,
    with_cosignatures,
)
from activities.ledger.log import LedgerError
from activities.ledger.log_keys import LogKey, counting_at
from activities.ledger.notes import NoteError, Vkey, log_vkey, read_note, read_signature, verified
from activities.store import checkpoints as kept
from activities.store.checkpoints import AnchorKind, AnchorRow
from activities.store.database import Database, Reader
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.stored_facts import FactError

LATE = timedelta(days=1)
"""So long a fact may be in the ledger and in no anchor outside."""

STAMP_LATE = LATE + timedelta(hours=1)
"""So long a fact may be in no time stamp where workers ask for one a day: the first try is at midnight."""

SUFFIX = ".anchor"


# --- giving anchors out ---------------------------------------------------------------------------


def file_name(employer: str, size: int) -> str:
    """What the file of an anchor is called unless somebody says otherwise."""
    return f"{employer}-{size}{SUFFIX}"


async def anchor_of(reader: Reader, employer: str, made: Made) -> Anchor:
    """The anchor of a checkpoint, with the cosignatures that came for it."""
    key = counting_at(await enrolled(reader, employer), made.checkpoint.size)
    if key is None:
        raise NoteError(
            "No log key was enrolled among the first {size} facts of {employer}.",
            size=made.checkpoint.size, employer=employer,
        )  # fmt: skip
    rows = await kept.anchors(reader, employer, kind="witness", size=made.checkpoint.size)
    lines = [read_signature(row.content.decode().rstrip("\n")) for row in rows if row.content is not None]
    vkey = log_vkey(made.checkpoint.origin, key.public_key)
    return anchor(vkey, with_cosignatures(made.note, lines))


async def give(
    database: Database, employer: str, size: int, holder: str, kind: AnchorKind, now: datetime,
    content: bytes | None = None,
) -> None:  # fmt: skip
    """Note that the head over `size` facts is with `holder`, outside."""
    row = AnchorRow(kind=kind, size=size, holder=holder[: kept.MOST_HELD], made=now, content=content)
    async with database.write(employer) as tx:
        await kept.add_anchor(tx, employer, row)


def write_file(place: Path, content: str) -> None:
    """Write a file whole or not at all, and safe on the disk before this returns; `OSError` otherwise."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".unfinished")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(place)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(unfinished).unlink()
        raise


async def pin_daily(
    database: Database, checkpoints: Checkpoints, folder: Path, now: datetime
) -> dict[str, Path | Exception]:
    """Put an anchor of each real employer's ledger into the folder, where that has none of today with all in it.

    Gives the files written, by employer, or why an anchor could not be made. `OSError` when the folder cannot
    be written.
    """
    done: dict[str, Path | Exception] = {}
    async with database.read() as reader:
        due = [row.id for row in await reader.employers() if await _is_due(reader, row.id, row.mode, now)]
    for employer in due:
        try:
            done[employer] = await _pin(database, checkpoints, folder, employer, now)
        except HINDERED as error:
            done[employer] = error
    return done


async def _pin(
    database: Database, checkpoints: Checkpoints, folder: Path, employer: str, now: datetime
) -> Path:
    made = await checkpoints.make(employer)
    async with database.read() as reader:
        content = str(await anchor_of(reader, employer, made))
    place = folder / file_name(employer, made.checkpoint.size)
    await asyncio.to_thread(write_file, place, content)
    await give(database, employer, made.checkpoint.size, place.name, "pin", now)
    return place


async def _is_due(reader: Reader, employer: str, mode: str, now: datetime) -> bool:
    if mode != "real":
        return False
    size = (await reader.head(employer)).size
    pins = await kept.anchors(reader, employer, kind="pin")
    daily = [pin for pin in pins if pin.holder == file_name(employer, pin.size)]
    return size > 0 and all(pin.size < size and oslo_day(pin.made) < oslo_day(now) for pin in daily[-1:])


# --- what came back -------------------------------------------------------------------------------


class NotCosigned(Exception):
    """None of the checkpoints is what the line was made over, or the line is not the witness's."""


async def keep_cosignature(
    database: Database, employer: str, content: str, key: Vkey, now: datetime
) -> Checkpoint:
    """Keep a witness's cosignature with the checkpoint that it is over, and give that.

    `content` is the line, or a whole note with it. `NotCosigned` when it is no line of the witness `key` over one
    of this employer's checkpoints; `NoteError` for something else altogether.
    """
    if "\n\n" in content:
        lines = [*read_note(content).signatures]
    else:
        lines = [read_signature(line) for line in content.splitlines() if line.strip()]
    line = next((found for found in lines if (found.name, found.key) == (key.name, key.id)), None)
    if line is None:
        raise NotCosigned(f"no line there is by {key.name}")
    async with database.read() as reader:
        notes = await kept.checkpoints(reader, employer)
    for size, note in reversed(notes):
        candidate = read_note(with_cosignatures(note, [line]))
        try:
            verified(candidate, [key])
        except NoteError:
            continue
        await give(database, employer, size, key.name, "witness", now, str(line).encode())
        return Checkpoint.read(candidate.text)
    raise NotCosigned(f"the line by {key.name} is over none of the checkpoints")


# --- how old the newest is ------------------------------------------------------------------------


class Status(Frozen):
    """How far an employer's ledger is covered by checkpoints, and by anchors outside.

    `uncovered` facts came after the newest checkpoint, the first of them at `uncovered_since`. `unanchored` and
    `unanchored_since` say the same of the newest anchor of any kind, `unstamped` and `unstamped_since` of the
    newest time stamp; `anchors` has the newest of each.
    """

    employer: str
    rehearsal: bool
    facts: int
    root: str
    checkpoint: Checkpoint | None
    uncovered: int
    uncovered_since: datetime | None
    anchors: Mapping[AnchorKind, AnchorRow]
    unanchored: int
    unanchored_since: datetime | None
    unstamped: int
    unstamped_since: datetime | None

    def is_late(self, now: datetime) -> bool:
        """Whether something has been recorded for longer than `LATE` that no anchor outside tells of."""
        since = self.unanchored_since
        return not self.rehearsal and since is not None and now - since > LATE

    def lacks_stamp(self, now: datetime) -> bool:
        """Whether an authority that is asked once a day has not answered for longer than `STAMP_LATE`."""
        since = self.unstamped_since
        return not self.rehearsal and since is not None and now - since > STAMP_LATE

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.facts, bytes.fromhex(self.root))


class Damaged(Exception):
    """The ledger or its newest checkpoint was changed from outside."""


async def status(reader: Reader, employer: str) -> Status:
    """How the ledger is covered; `NotThere` without such an employer.

    `Damaged` when the newest checkpoint is not signed as it must be, when the ledger does not begin with what it
    is over, or when a fact cannot be read.
    """
    try:
        return await _status(reader, employer)
    except (NoteError, LedgerError, FactError) as error:
        raise Damaged(str(error)) from error


async def _status(reader: Reader, employer: str) -> Status:
    home, head = await reader.employer(employer), await reader.head(employer)
    row = await kept.newest(reader, employer)
    given = await kept.newest_anchors(reader, employer)
    checkpoint = await opened(reader, employer, row) if row is not None else None
    if checkpoint is not None:
        await follows(reader, employer, checkpoint, head.size, bytes.fromhex(head.root))
    covered = checkpoint.size if checkpoint is not None else 0
    anchored = max((found.size for found in given.values()), default=0)
    stamped = given["timestamp"].size if "timestamp" in given else 0
    return Status(
        employer=employer, rehearsal=home.mode == "rehearsal", facts=head.size, root=head.root,
        checkpoint=checkpoint,
        uncovered=max(head.size - covered, 0), uncovered_since=await _since(reader, employer, covered),
        anchors=given, unanchored=max(head.size - anchored, 0),
        unanchored_since=await _since(reader, employer, anchored),
        unstamped=max(head.size - stamped, 0), unstamped_since=await _since(reader, employer, stamped),
    )  # fmt: skip


async def _since(reader: Reader, employer: str, size: int) -> datetime | None:
    found = await reader.facts(employer, after=size, limit=1)
    return found[0][1].recorded if found else None


# --- what they tell -------------------------------------------------------------------------------

Verdict = Literal["same", "changed", "shorter", "other_log", "other_key", "not_whole"]
"""What an anchor tells of a ledger. `same`: the ledger begins with what the anchor was made over. `changed`: what it
was made over is not what is there. `shorter`: the ledger has fewer facts than it had. `other_log`: it is another
employer's. `other_key`: it is signed by a key that did not count. `not_whole`: leaves of the ledger are missing."""


class Checked(Frozen):
    """One anchor or fingerprint, held against the ledger."""

    name: str
    size: int
    fingerprint: str
    verdict: Verdict
    there: str | None = None
    """The ledger's own fingerprint over so many facts, where it has so many."""

    @property
    def ok(self) -> bool:
        return self.verdict == "same"


async def check(
    reader: Reader, employer: str, held: Sequence[tuple[str, Anchor | Fingerprint]]
) -> list[Checked]:
    """Hold anchors and fingerprints, each with a name, against the employer's ledger.

    The leaves themselves are read again; nothing that the database says about them is believed.
    """
    sizes = {_size(item) for _, item in held}
    keys, origins = await _keys(reader, employer), await _origins(reader, employer)
    try:
        roots = await kept.roots(reader, employer, sizes)
    except LedgerError:
        return [_checked(name, item, "not_whole", None) for name, item in held]
    return [
        _checked(name, item, _verdict(item, roots.get(_size(item)), origins, keys), roots.get(_size(item)))
        for name, item in held
    ]


def forks(held: Sequence[tuple[str, Anchor | Fingerprint]]) -> list[tuple[str, str]]:
    """Pairs of names that cannot both be true: two heads of one log over as many facts, with different roots.

    No ledger is needed for that, and no key but the log's own: it signed two histories.
    """
    pairs = []
    for at, (name, one) in enumerate(held):
        for other_name, other in held[at + 1 :]:
            if _size(one) == _size(other) and _logs(one, other) and not _same_root(one, other):
                pairs.append((name, other_name))
    return pairs


def _logs(one: Anchor | Fingerprint, other: Anchor | Fingerprint) -> bool:
    if isinstance(one, Anchor) and isinstance(other, Anchor):
        return one.checkpoint.origin == other.checkpoint.origin
    return True


def _same_root(one: Anchor | Fingerprint, other: Anchor | Fingerprint) -> bool:
    # Of a fingerprint only the beginning of the root is known.
    length = min(len(_known(one)), len(_known(other)))
    return _known(one)[:length] == _known(other)[:length]


def _known(item: Anchor | Fingerprint) -> bytes:
    return item.checkpoint.root if isinstance(item, Anchor) else item.begins


def _verdict(
    item: Anchor | Fingerprint, root: bytes | None, origins: set[str], keys: Sequence[LogKey]
) -> Verdict:
    if isinstance(item, Anchor) and item.checkpoint.origin not in origins:
        return "other_log"
    if root is None:
        return "shorter"
    if isinstance(item, Fingerprint):
        return "same" if item.matches(root) else "changed"
    if item.checkpoint.root != root:
        return "changed"
    key = counting_at(keys, item.checkpoint.size)
    if key is None or log_vkey(item.checkpoint.origin, key.public_key) != item.key:
        return "other_key"
    return "same"


def _checked(name: str, item: Anchor | Fingerprint, verdict: Verdict, root: bytes | None) -> Checked:
    there = fingerprint(_size(item), root) if root is not None else None
    said = item.checkpoint.fingerprint if isinstance(item, Anchor) else str(item)
    return Checked(name=name, size=_size(item), fingerprint=said, verdict=verdict, there=there)


def _size(item: Anchor | Fingerprint) -> int:
    return item.checkpoint.size if isinstance(item, Anchor) else item.size


async def _keys(reader: Reader, employer: str) -> list[LogKey]:
    """The log keys; none where the facts that enrol them cannot be read, since then nothing is signed rightly."""
    try:
        return await enrolled(reader, employer)
    except (LedgerError, FactError):
        return []


async def _origins(reader: Reader, employer: str) -> set[str]:
    """What the log is called: as its checkpoints say, and as it would be called today."""
    home, row = await reader.employer(employer), await kept.newest(reader, employer)
    origins = {origin_of(home.org_number, employer, rehearsal=home.mode == "rehearsal")}
    with contextlib.suppress(NoteError):
        origins |= {read_checkpoint(row.note)[0].origin} if row is not None else set()
    return origins
