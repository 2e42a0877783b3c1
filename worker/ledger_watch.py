"""What a worker does for the ledgers: checkpoints, a daily anchor outside, and a word when none gets there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog

from activities.anchors import Damaged, pin_daily, status
from activities.checkpoints import LogKeyError
from activities.signatures import KeyFileError
from activities.signed_heads import HeadFileError, TakenBack
from activities.store.errors import StoreError
from worker.installation import Installation

CHECKPOINT_EVERY = timedelta(seconds=30)
"""So long at most a fact is in the ledger and in no checkpoint, while a worker runs."""

WARN_EVERY = timedelta(hours=1)

LAST: Final = timedelta(seconds=10)
"""How long a worker that stops may take for its last checkpoints."""

log = structlog.get_logger(__name__)


async def watch_ledgers(installation: Installation, stop: asyncio.Event) -> None:
    """Look after the ledgers every `CHECKPOINT_EVERY` until `stop` is set."""
    watch = LedgerWatch(installation)
    while not stop.is_set():
        await watch.look()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), CHECKPOINT_EVERY.total_seconds())


async def make_last_checkpoints(installation: Installation) -> None:
    """Checkpoints for what was recorded while a worker drained: the next one may start days later.

    It takes at most `LAST` and raises nothing. What goes wrong is logged; the facts wait for the next worker.
    """
    try:
        async with asyncio.timeout(LAST.total_seconds()):
            await LedgerWatch(installation).cover()
    except Exception as error:  # whatever it is, the rest must still be closed
        log.warning("last_checkpoint_not_made", error=type(error).__name__)


class LedgerWatch:
    """Looks after every ledger of an installation. What goes wrong is logged, and tried again at the next look."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._warned: dict[str, datetime] = {}
        self._looked_for_anchors: datetime | None = None

    async def look(self) -> None:
        """Checkpoints for what is new, today's anchor where a folder for them is set, and a warning if it is due."""
        now = self._installation.clock()
        with self._waiting(now):
            await self._checkpoints(now)
            await self._anchors(now)
            await self._warn(now)

    async def cover(self) -> None:
        """Checkpoints for what is new, and nothing else."""
        now = self._installation.clock()
        with self._waiting(now):
            await self._checkpoints(now)

    @contextlib.contextmanager
    def _waiting(self, now: datetime) -> Iterator[None]:
        """A database or a key that cannot be used now is logged, and waited for."""
        try:
            yield
        except StoreError as error:  # the outbox says so too, and waits
            log.warning("ledger_waits", error=type(error).__name__)
        except KeyFileError as error:
            self._say("log_key_unusable", now, file=str(error.path), fault=error.fault)

    async def _checkpoints(self, now: datetime) -> None:
        for employer, found in (await self._installation.checkpoints.make_all()).items():
            if isinstance(found, Exception):
                self._hindered("checkpoint_not_made", now, employer, found)

    async def _anchors(self, now: datetime) -> None:
        folder = self._installation.settings.anchor_directory
        if folder is None:
            return
        database, checkpoints = self._installation.database, self._installation.checkpoints
        try:
            done = await pin_daily(database, checkpoints, folder, now)
        except OSError as error:
            self._say("anchor_not_written", now, folder=str(folder), error=error.strerror)
            return
        for employer, found in done.items():
            if isinstance(found, Exception):
                self._hindered("anchor_not_made", now, employer, found)
            else:
                log.info("anchor_written", employer=employer, file=found.name)

    def _hindered(self, event: str, now: datetime, employer: str, error: Exception) -> None:
        if isinstance(error, LogKeyError):
            self._say(
                "log_key_is_another", now, employer=employer, key=error.key, enrolled=error.enrolled,
                remedy="forsvarlig ledger rotate-key",
            )  # fmt: skip
        elif isinstance(error, TakenBack):
            self._say(
                "ledger_taken_back", now, employer=employer, signed=error.signed, facts=error.size,
                remedy="forsvarlig ledger status",
            )  # fmt: skip
        elif isinstance(error, HeadFileError):
            self._say(
                "signed_head_unusable", now, employer=employer, file=str(error.path), fault=error.fault,
                remedy="forsvarlig ledger status",
            )  # fmt: skip
        else:
            self._say(event, now, employer=employer, error=type(error).__name__, remedy="forsvarlig doctor")

    async def _warn(self, now: datetime) -> None:
        looked = self._looked_for_anchors
        if looked is not None and now - looked < WARN_EVERY:
            return
        self._looked_for_anchors = now
        async with self._installation.database.read() as reader:
            for employer in await reader.employers():
                try:
                    found = await status(reader, employer.id)
                except Damaged as error:
                    self._say("ledger_damaged", now, employer=employer.id, error=str(error))
                    continue
                if found.is_late(now) and found.unanchored_since is not None:
                    self._say(
                        "no_anchor_outside", now, employer=employer.id, facts=found.unanchored,
                        since=found.unanchored_since.isoformat(), remedy="forsvarlig ledger pin",
                    )  # fmt: skip

    def _say(self, event: str, now: datetime, **said: object) -> None:
        """A warning, once in `WARN_EVERY` for the same thing."""
        about = f"{event} {said.get('employer', '')}"
        last = self._warned.get(about)
        if last is None or now - last >= WARN_EVERY:
            self._warned[about] = now
            log.warning(event, **said)
