"""Making an inspection file from an installation: what is read, what is gathered, and what is put on record."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from io import BytesIO
from pathlib import Path, PurePosixPath

from activities.checkpoints import opened
from activities.documents import DocumentError, Documents
from activities.history_files import place as history_place
from activities.ledger import bundle
from activities.ledger.heads import Checkpoint
from activities.ledger.log import LedgerError
from activities.ledger.notes import NoteError
from activities.reading import Readership, note_read
from activities.store import checkpoints
from activities.store.checkpoints import CheckpointRow
from activities.store.database import Database
from activities.store.reader import Reader
from activities.store.rows import EmployerRow
from portal.dossier.colophon import Attached
from portal.dossier.packing import files, packed
from portal.dossier.sources import Options, Show, Sources, read
from portal.dossier.telling import Teller, Voice
from workflows.rules.calendar import oslo_day
from workflows.rules.events import SYSTEM, Fact
from workflows.rules.reading import written_by
from workflows.rules.record_facts import DossierMade, HistoryExported
from workflows.rules.scheduled import ScheduledRef
from workflows.rules.terms import CycleRef


class NoCheckpoint(LookupError):
    """There is no checkpoint over just `size` facts (None: none at all); `sizes` are those there are, at most 8."""

    def __init__(self, employer: str, size: int | None, sizes: list[int]) -> None:
        asked = f"no checkpoint over {size} facts" if size is not None else "no checkpoint"
        known = ", ".join(map(str, sizes)) or "none"
        super().__init__(
            f"The ledger of {employer} has {asked} (there are: {known}). "
            "Choose one of these, or make one: forsvarlig ledger checkpoint"
        )
        self.employer, self.size, self.sizes = employer, size, sizes


class Damaged(Exception):
    """The first `size` facts are not those that the checkpoint was made of."""

    def __init__(self, employer: str, size: int) -> None:
        super().__init__(
            f"The first {size} facts of {employer} are not those that their checkpoint was made of. "
            "See what was changed: forsvarlig ledger check"
        )
        self.employer, self.size = employer, size


@dataclass(frozen=True)
class Made:
    """A whole inspection file, not yet on record. `read` are the places of the texts of others that are in it."""

    content: bytes
    sources: Sources
    names: tuple[str, ...]
    read: tuple[int, ...]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


async def sources_of(
    reader: Reader, employer: EmployerRow, options: Options, *, now: datetime, size: int | None = None
) -> Sources:
    """What the file tells, from the checkpoint over `size` facts (None: the newest).

    `now` decides only who may read what people wrote. `NoCheckpoint`, `UnknownLaw`, `NoSuchYear` when those facts
    know no such year, and `Damaged` when they are not what the checkpoint was made of.
    """
    row = await (
        checkpoints.newest(reader, employer.id) if size is None else checkpoints.at(reader, employer.id, size)
    )
    if row is None:
        sizes = [size for size, _note in await checkpoints.checkpoints(reader, employer.id)]
        raise NoCheckpoint(employer.id, size, sizes[-8:])
    checkpoint = await _sound(reader, employer.id, row)
    show = await _show(reader, employer.id, options, now)
    return await read(reader, employer, checkpoint, row.note, options, show)


async def make(
    reader: Reader, sources: Sources, voice: Voice, *, documents: Documents, histories: Path
) -> Made:
    """The ZIP, in the language spoken: the same ledger, options, names and kept texts give the same bytes."""
    teller = Teller(sources, voice)
    evidence, attached = await _evidence(sources, documents, histories)
    ledger = BytesIO()
    await bundle.write_bundle(
        reader, sources.employer.id, ledger, show=_kept(sources), size=sources.checkpoint.size
    )
    contents = files(teller, ledger.getvalue(), _verifier(), evidence, attached)
    read_of_others = tuple(
        seq
        for seq, text in sources.texts.items()
        if text.text is not None and sources.options.person not in written_by(text.fact)
    )
    return Made(packed(contents, sources.checkpoint.time), sources, tuple(sorted(contents)), read_of_others)


def _verifier() -> bytes:
    return resources.files("activities.ledger").joinpath("verify.py").read_bytes()


async def note_reading(database: Database, made: Made, now: datetime) -> None:
    """Put on record that whoever asked reads what others wrote; before anything is shown."""
    person = made.sources.options.person
    if made.read and person is not None:
        await note_read(database, made.sources.employer.id, person, "dossier", made.read, now)


async def note_made(database: Database, made: Made, now: datetime) -> None:
    """Put on record that the file was made."""
    options, employer = made.sources.options, made.sources.employer.id
    fact = Fact(
        id=f"dossier {made.sha256} {now.isoformat()}",
        employer=employer,
        concerns=now,
        recorded=now,
        actor=options.person or SYSTEM,
        body=DossierMade(
            year=options.year, unit=options.unit, size=made.sources.checkpoint.size, sha256=made.sha256,
            texts=bool(options.texts), names=options.names,
        ),
    )  # fmt: skip
    async with database.write(employer) as tx:
        await tx.append([fact])


async def _sound(reader: Reader, employer: str, row: CheckpointRow) -> Checkpoint:
    """The checkpoint, when its signature holds and the leaves have its root."""
    try:
        checkpoint = await opened(reader, employer, row)
        roots = await checkpoints.roots(reader, employer, {row.size})
    except (NoteError, LedgerError) as error:
        raise Damaged(employer, row.size) from error
    if roots.get(row.size) != checkpoint.root:
        raise Damaged(employer, row.size)
    return checkpoint


async def _show(reader: Reader, employer: str, options: Options, now: datetime) -> Show:
    person = options.person
    if person is None or not options.texts:
        return lambda seq, fact: False
    readership = await Readership.of(reader, employer)
    return lambda seq, fact: readership.may_read(person, fact, oslo_day(now))


def _kept(sources: Sources) -> Show:
    """The ledger in the file shows just what the papers show, of this year and of others."""
    return lambda seq, fact: seq in sources.texts and sources.texts[seq].text is not None


async def _evidence(
    sources: Sources, documents: Documents, histories: Path
) -> tuple[dict[str, bytes], Attached]:
    found: dict[str, bytes] = {}
    missing: list[str] = []
    for name, path, sha256 in _histories(sources, histories):
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() == sha256:
            found[name] = content
        else:
            missing.append(name)
    exported = tuple(found)
    filed: list[str] = []
    erased = {e.id for e in sources.erasures if e.what == "document"}
    if sources.options.documents:
        for hash, row in sorted(sources.documents.items()):
            name = f"evidence/{hash[:16]}-{file_name(row.name)}"
            if hash in erased:
                continue
            try:
                found[name] = await documents.read(hash)
                filed.append(name)
            except DocumentError:
                missing.append(name)
    return found, Attached(histories=exported, documents=tuple(filed), missing=tuple(missing))


def _histories(sources: Sources, folder: Path) -> list[tuple[str, Path, str]]:
    """The longest export of each run that the file has: its name here, its file, and its hash."""
    longest: dict[tuple[str, str], HistoryExported] = {}
    for _seq, fact in sources.facts:
        body = fact.body
        if not isinstance(body, HistoryExported):
            continue
        if not _is_of(body.workflow, sources.options):
            continue
        kept = longest.get((body.workflow, body.run))
        if kept is None or kept.events <= body.events:
            longest[body.workflow, body.run] = body
    found = []
    for body in longest.values():
        path = history_place(folder, sources.employer.id, body.workflow, body.run, body.events)
        found.append((f"histories/{path.parent.name}/{path.name}", path, body.sha256))
    return sorted(found)


def _is_of(workflow: str, options: Options) -> bool:
    """Whether the workflow is a cycle that is told, or what opened the year. What erases is of no year."""
    scheduled = ScheduledRef.find(workflow)
    if scheduled is not None:
        return scheduled.opens == options.year
    ref = CycleRef.parse(workflow)
    return ref.year == options.year and (ref.unit is None or options.unit in (None, ref.unit))


def file_name(name: str | None) -> str:
    """A name that every system can unpack, and that leads nowhere else."""
    plain = re.sub(r"[^\w. ()-]", "_", PurePosixPath(name or "").name).strip(" .")
    stem, suffix = PurePosixPath(plain).stem[:60], PurePosixPath(plain).suffix[:12]
    return f"{stem}{suffix}" or "document"
