"""Documents by the SHA-256 of their content, as files: what people file as evidence and decide about.

The content `abcdef…` lies in `ab/cdef…`. A file is written beside its place, flushed to the disk and then
moved there, so that a crash leaves the whole file or none.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from activities.language import N_, _, format_number
from activities.store.database import Reader, Transaction
from activities.store.rows import DocumentRow
from workflows.rules.base import Frozen
from workflows.rules.events import EvidenceSubmitted
from workflows.rules.record_facts import DocumentErased

LARGEST = 50 * 1024 * 1024
"""Bytes a document may have, unless the store is told otherwise."""

UNREADABLE = N_("{name} kan ikke leses: {error}. Kontroller stien og at du har lov til å lese filen.")

_CHUNK = 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = "unfinished"
_KINDS = ("evidence_submitted", "document_erased")


class DocumentError(Exception):
    """A document that cannot be taken in, found or trusted: which one, what is wrong, and what to do."""


class DocumentCheck(Frozen):
    """What `Documents.check` found.

    `missing` and `changed` are hashes of documents; `orphaned` are files, by their path in the folder, that
    nothing registers: left by a transaction that was rolled back or by a crash, or put there by hand.
    """

    files: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    orphaned: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Every document that was filed is there, unchanged. Orphaned files harm nothing."""
        return not self.missing and not self.changed


class Documents:
    """The files below `folder`, which is made when it is first needed."""

    def __init__(self, folder: Path, *, largest: int = LARGEST) -> None:
        self._folder = folder
        self._largest = largest

    async def put(
        self, content: bytes | Path, media_type: str, name: str | None, now: datetime, tx: Transaction
    ) -> DocumentRow:
        """Store the content, or that of a file, and register it in the transaction.

        The same content again is the same file, and the answer is the row as it was registered first. Of
        `name` the last part is kept. `DocumentError` when it cannot be read, is empty or is too large, or
        when the disk cannot take it.
        """
        shown = _last_part(name) or (content.name if isinstance(content, Path) else None)
        hash, size = await asyncio.to_thread(self._store, content, shown or _("dokumentet"))
        row = DocumentRow(hash=hash, media_type=media_type, size=size, stored_at=now, name=shown)
        await tx.put_document(row)
        return await tx.document(hash) or row

    async def read(self, hash: str) -> bytes:
        """The content; `DocumentError` when it is not there, or is no longer what it was."""
        return await asyncio.to_thread(self._read, hash)

    async def erase(self, hash: str) -> bool:
        """Delete the file with this content; False when it is not there."""
        if not _HASH.fullmatch(hash):
            return False
        return await asyncio.to_thread(self._erase, hash)

    async def check(self, reader: Reader) -> DocumentCheck:
        """Read every file, and compare with every document that was filed as evidence and not erased since."""
        found = await asyncio.to_thread(lambda: dict(self._files()))
        filed: set[str] = set()
        for employer in await reader.employers():
            kept: dict[str, None] = {}
            for _seq, fact in await reader.facts(employer.id, kinds=_KINDS):
                match fact.body:
                    case EvidenceSubmitted(document=document):
                        kept[document] = None
                    case DocumentErased(document=document):
                        kept.pop(document, None)
            filed.update(kept)
        orphaned = [path for path, (hash, _sound) in found.items() if hash is None]
        changed, there = [], set()
        for path, (hash, sound) in found.items():
            if hash is None:
                continue
            there.add(hash)
            if hash not in filed and await reader.document(hash) is None:
                orphaned.append(path)
            elif not sound:
                changed.append(hash)
        return DocumentCheck(
            files=len(found),
            missing=tuple(sorted(filed - there)),
            changed=tuple(sorted(changed)),
            orphaned=tuple(sorted(orphaned)),
        )

    def _place(self, hash: str) -> Path:
        return self._folder / hash[:2] / hash[2:]

    def _erase(self, hash: str) -> bool:
        place = self._place(hash)
        try:
            place.unlink()
        except FileNotFoundError:
            return False
        _flush_folder(place.parent)
        return True

    def _store(self, content: bytes | Path, shown: str) -> tuple[str, int]:
        try:
            source = BytesIO(content) if isinstance(content, bytes) else _open(content)
        except OSError as error:
            raise DocumentError(_(UNREADABLE).format(name=shown, error=error.strerror)) from error
        try:
            with source:
                return self._take_in(source, shown)
        except OSError as error:
            raise DocumentError(
                _(
                    "{name} kan ikke lagres i {folder}: {error}. "
                    "Kontroller at disken har plass og kan skrives til."
                ).format(name=shown, folder=self._folder, error=error.strerror)
            ) from error

    def _take_in(self, source: BinaryIO, shown: str) -> tuple[str, int]:
        beside = self._folder / _UNFINISHED
        beside.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=beside)
        try:
            with os.fdopen(handle, "wb") as target:
                hash, size = self._copy(source, target, shown)
                target.flush()
                os.fsync(target.fileno())
            place = self._place(hash)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            # Also when it is there already: what has been changed on the disk is whole again.
            Path(unfinished).replace(place)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(unfinished).unlink()
            raise
        _flush_folder(place.parent)
        _flush_folder(self._folder)
        return hash, size

    def _copy(self, source: BinaryIO, target: BinaryIO, shown: str) -> tuple[str, int]:
        hashed, size = hashlib.sha256(), 0
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > self._largest:
                raise DocumentError(
                    _(
                        "{name} er større enn {limit} MB, som er det meste vi tar imot. "
                        "Del det opp, eller gjør det mindre."
                    ).format(name=shown, limit=format_number(round(self._largest / 1024 / 1024, 1)))
                )
            hashed.update(chunk)
            target.write(chunk)
        if size == 0:
            raise DocumentError(_("{name} er tomt. Velg filen på nytt.").format(name=shown))
        return hashed.hexdigest(), size

    def _read(self, hash: str) -> bytes:
        if not _HASH.fullmatch(hash):
            raise DocumentError(
                _("«{hash}» er ingen dokumentreferanse. Den har 64 tegn, 0–9 og a–f.").format(hash=hash[:80])
            )
        place = self._place(hash)
        try:
            content = place.read_bytes()
        except FileNotFoundError as error:
            raise DocumentError(
                _(
                    "Dokumentet {hash} mangler: {place} finnes ikke. "
                    "Hent filen fra en sikkerhetskopi, eller lever den på nytt."
                ).format(hash=hash, place=place)
            ) from error
        except OSError as error:
            raise DocumentError(_(UNREADABLE).format(name=place, error=error.strerror)) from error
        if hashlib.sha256(content).hexdigest() != hash:
            raise DocumentError(
                _(
                    "Dokumentet {hash} er endret etter at det ble levert. "
                    "Hent {place} fra en sikkerhetskopi; ikke bruk denne."
                ).format(hash=hash, place=place)
            )
        return content

    def _files(self) -> Iterator[tuple[str, tuple[str | None, bool]]]:
        """Each file's path, with the hash it stands for (None: nothing) and whether its content is that."""
        for path in sorted(p for p in self._folder.rglob("*") if p.is_file()):
            relative = path.relative_to(self._folder)
            hash = "".join(relative.parts) if len(relative.parts) == 2 else ""
            if not _HASH.fullmatch(hash):
                yield str(relative), (None, False)
                continue
            with path.open("rb") as file:
                yield str(relative), (hash, hashlib.file_digest(file, "sha256").hexdigest() == hash)


def _open(path: Path) -> BinaryIO:
    # A pipe or a device would be waited for, perhaps for ever.
    if path.exists() and not path.is_file():
        raise OSError(0, _("det er ingen fil"))
    return path.open("rb")


def _last_part(name: str | None) -> str | None:
    return PurePosixPath(PureWindowsPath(name).name).name or None if name else None


def _flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
