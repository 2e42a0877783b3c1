"""What time it is for an employer, when a workflow says a time: anybody can move a workflow's clock ahead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from activities.store.reader import Reader

Clock = Callable[[], datetime]


class Clocks:
    """Holds what workflows say against the clock here. A rehearsal's time is its own, and believed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rehearsals: dict[str, bool] = {}

    async def believed(self, reader: Reader, employer: str, said: datetime) -> datetime:
        """`said`, but for a real employer never later than it is; `NotThere` without such an employer."""
        if employer not in self._rehearsals:
            self._rehearsals[employer] = (await reader.employer(employer)).mode == "rehearsal"
        return said if self._rehearsals[employer] else min(said, self._clock())
