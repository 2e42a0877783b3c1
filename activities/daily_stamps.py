"""A time stamp a day of each ledger's newest checkpoint, by an authority outside (RFC 3161)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple

from activities.anchors import give
from activities.store import checkpoints as kept
from activities.store.database import Database
from activities.store.reader import Reader
from activities.store.rows import EmployerRow
from activities.timestamps import TimestampError, authority, stamp
from workflows.rules.calendar import oslo_day

PATIENCE = 10
"""Seconds for the authority's answer: a worker that is told to stop waits for it."""

_OF_THE_AUTHORITY = ("not_installed", "unreachable")
"""Faults after which the others need not be asked for: they would meet the same."""


class Due(NamedTuple):
    """The newest checkpoint of an employer, of which there is no time stamp of today: its size and its note."""

    employer: str
    size: int
    note: str


async def stamp_daily(
    database: Database, url: str, now: datetime, stop: asyncio.Event | None = None
) -> dict[str, int | TimestampError]:
    """Have the newest checkpoint of each real employer stamped, where none was today and something is new since.

    Gives the size of the checkpoint that was stamped, by employer, or why it was not. `StoreError` when the
    database cannot be used. It leaves off between two employers when `stop` is set.
    """
    async with database.read() as reader:
        due = [found for row in await reader.employers() if (found := await _due(reader, row, now))]
    done: dict[str, int | TimestampError] = {}
    for employer, size, note in due:
        if stop is not None and stop.is_set():
            break
        try:
            stamped = await stamp(url, note, patience=PATIENCE)
        except TimestampError as error:
            done[employer] = error
            if error.fault in _OF_THE_AUTHORITY:
                break
            continue
        await give(database, employer, size, authority(url), "timestamp", now, stamped.answer)
        done[employer] = size
    return done


async def _due(reader: Reader, row: EmployerRow, now: datetime) -> Due | None:
    if row.mode != "real":
        return None
    newest = await kept.newest(reader, row.id)
    last = (await kept.newest_anchors(reader, row.id)).get("timestamp")
    if newest is None or (last is not None and last.size >= newest.size):
        return None
    if last is not None and oslo_day(last.made) >= oslo_day(now):
        return None
    return Due(row.id, newest.size, newest.note)
