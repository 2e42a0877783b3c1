"""What a figure is, and how times are taken and told."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value beside its floor; both come from the same run, and both are medians of `samples`."""

    group: str
    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    lowest: float | None = None
    highest: float | None = None
    samples: int = 1
    goal: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def reached(self) -> bool | None:
        return None if self.goal is None else self.value <= self.goal


@dataclass(frozen=True)
class Size:
    """How much is measured: all of it, or enough to see whether something is out of order.

    What takes half a minute or more is measured `long_rounds` times.
    """

    rounds: int
    long_rounds: int
    units: tuple[int, ...]
    planned: tuple[int, ...]
    waiting: int
    decisions: int
    people: int
    years: tuple[str, ...]
    facts: int

    def rounds_of(self, *, long: bool) -> int:
        return self.long_rounds if long else self.rounds


WHOLE = Size(
    3, 1, (4, 40, 400), (4, 40, 400), 1000, 200, 10_000, ("4 people", "17 people", "Nordfjord Tre"), 1_000_000
)
QUICK = Size(1, 1, (4,), (4, 40), 60, 40, 1_000, ("17 people",), 20_000)


def figure(
    group: str,
    name: str,
    unit: str,
    values: Sequence[float],
    floors: Sequence[float] = (),
    floor_is: str = "",
    goal: float | None = None,
    note: str = "",
) -> Figure:
    """The medians of both, with the range of the values."""
    return Figure(
        group, name, statistics.median(values), unit, statistics.median(floors) if floors else None, floor_is,
        min(values), max(values), len(values), goal, note,
    )  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not pass, of at least twenty."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@contextmanager
def stopwatch(into: list[float]) -> Iterator[None]:
    """Puts the seconds that the block took into the list."""
    start = time.perf_counter()
    yield
    into.append(time.perf_counter() - start)


def timed(rounds: int, act: Callable[[], object]) -> list[float]:
    """The seconds of each of `rounds` calls, after one that is not counted."""
    act()
    seconds: list[float] = []
    for _ in range(rounds):
        with stopwatch(seconds):
            act()
    return seconds


async def timed_async(act: Callable[[], Awaitable[object]]) -> float:
    seconds: list[float] = []
    with stopwatch(seconds):
        await act()
    return seconds[0]


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB of a million bytes."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        text = status.read_text().split("VmRSS:")[1]
    else:
        text = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        ).stdout
    return int(text.split()[0]) * 1024 / 1e6
