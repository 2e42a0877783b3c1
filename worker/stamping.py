"""A worker asks for time stamps by itself, at the one address that is set for it, and never stops over it."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Final

import structlog

from activities.daily_stamps import stamp_daily
from activities.store.errors import StoreError
from activities.timestamps import TimestampError, authority
from worker.installation import Installation

LOOK_EVERY: Final = timedelta(minutes=5)

FIRST_PAUSE: Final = timedelta(minutes=5)
LONGEST_PAUSE: Final = timedelta(hours=6)
"""After each failure in a row the authority is left alone for twice as long."""

log = structlog.get_logger(__name__)


async def ask_for_stamps(installation: Installation, stop: asyncio.Event) -> None:
    """Ask every `LOOK_EVERY` until `stop` is set; at once done where no authority is set."""
    if installation.settings.timestamp_url is None:
        return
    stamping = Stamping(installation, installation.settings.timestamp_url)
    while not stop.is_set():
        await stamping.look(stop)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY.total_seconds())


class Stamping:
    """Asks the authority at `url` for what is due. What goes wrong is logged, and tried again after a pause."""

    def __init__(self, installation: Installation, url: str) -> None:
        self._installation = installation
        self._url = url
        self._pause = FIRST_PAUSE
        self._not_before: datetime | None = None

    async def look(self, stop: asyncio.Event | None = None) -> None:
        """Today's stamp of each ledger that has none, unless it is too soon after a failure. Raises nothing."""
        now = self._installation.clock()
        if self._not_before is not None and now < self._not_before:
            return
        try:
            done = await stamp_daily(self._installation.database, self._url, now, stop)
        except StoreError as error:  # the outbox says so too, and waits
            log.warning("timestamps_wait", error=type(error).__name__)
            return
        except Exception as error:  # a library's, over what the authority answered
            self._failed(now, error=type(error).__name__)
            return
        failures = list[tuple[str, str]]()
        for employer, found in done.items():
            if isinstance(found, TimestampError):
                # What an authority answers in words is a stranger's text, and stays out of the log.
                failures.append((employer, found.fault))
            else:
                log.info("timestamp_given", employer=employer, facts=found, authority=authority(self._url))
        if failures:
            employer, fault = failures[0]
            self._failed(now, employer=employer, fault=fault)
        elif done:
            self._pause, self._not_before = FIRST_PAUSE, None

    def _failed(self, now: datetime, **said: str) -> None:
        self._not_before = now + self._pause
        log.warning(
            "timestamp_not_given", authority=authority(self._url), again=self._not_before.isoformat(),
            remedy="forsvarlig ledger timestamp", **said,
        )  # fmt: skip
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
