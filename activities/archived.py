"""Whether the archive of histories is as the ledger says: every file there, and with the hash of its fact."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, Literal, NamedTuple

from activities.histories import file_of, replaced_by
from activities.history_files import SUFFIX, HistoryFileError, pack, unpack
from activities.store.histories import Exported, exported
from activities.store.reader import Reader
from workflows.rules.calendar import oslo_day
from workflows.rules.record_facts import RecordsErased

State = Literal["there", "replaced", "erased", "missing", "changed", "unreadable"]
"""The file is there, with its hash; a longer one of the same run begins with the same; its time was up, by a fact
that says so; it is not there; it holds something else; it cannot be read."""

BAD: Final = frozenset({"missing", "changed", "unreadable"})


class Checked(NamedTuple):
    """One export and its file. `repeated` is whether the longer file was seen to begin with the same bytes; None
    where that was not looked at, or where another compressor packed it."""

    export: Exported
    file: Path
    state: State
    repeated: bool | None = None

    @property
    def bad(self) -> bool:
        """Whether something is lost or changed."""
        return self.state in BAD


class Archive(NamedTuple):
    """What is exported, and `unrecorded` files that no fact names: the next sweep records them or replaces them."""

    checked: tuple[Checked, ...]
    unrecorded: tuple[Path, ...]


async def check(reader: Reader, employer: str, folder: Path) -> Archive:
    """Every export of the employer in the order of the ledger, its file in `folder` read and compared."""
    rows = await exported(reader, employer=employer)
    erased = [
        fact.body.before
        for _seq, fact in await reader.facts(employer, kinds=("records_erased",))
        if isinstance(fact.body, RecordsErased) and fact.body.records == "history"
    ]
    known = {file_of(folder, row) for row in rows}
    there = sorted((folder / employer).glob(f"*/*{SUFFIX}"))
    return Archive(
        tuple(_checked(row, rows, folder, max(erased, default=date.min)) for row in rows),
        tuple(file for file in there if file not in known),
    )


def _checked(row: Exported, rows: Sequence[Exported], folder: Path, erased_before: date) -> Checked:
    file = file_of(folder, row)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        if (longer := replaced_by(row, rows)) is not None:
            return Checked(row, file, "replaced", _begins_with(file_of(folder, longer), row))
        gone = oslo_day(row.recorded) < erased_before
        return Checked(row, file, "erased" if gone else "missing")
    except OSError:
        return Checked(row, file, "unreadable")
    same = hashlib.sha256(content).hexdigest() == row.sha256
    return Checked(row, file, "there" if same else "changed")


def _begins_with(longer: Path, row: Exported) -> bool | None:
    """True when the beginning of the longer file, packed again, has the hash of the shorter one."""
    try:
        beginning = pack(unpack(longer.read_bytes())[: row.events])
    except (OSError, HistoryFileError):
        return None
    return hashlib.sha256(beginning).hexdigest() == row.sha256 or None
