"""How fast an employer's ledger takes facts: one writer after another, and eight at the same time.

Each beside a row inserted and committed in the same database by the bare driver. Here PostgreSQL flushes to the
disk, as in production, since sharing that wait is what the sequencer is for.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from activities.store.database import Database
from activities.store.rows import EmployerRow
from tests.bench.doors import Floors
from tests.bench.measuring import Figure, Size, percentile, stopwatch
from tests.chaos.postgres import Postgres
from workflows.rules.events import Fact
from workflows.rules.record_facts import TextsRead

EMPLOYER = "nordfjord-tre"
NOW = datetime(2027, 5, 12, 10, tzinfo=UTC)
WRITERS = 8
GOAL = 2.0
"""Milliseconds a fact with eight writers: 500 facts a second."""

Append = Callable[[Database, Fact], Awaitable[object]]


async def measure(size: Size) -> AsyncIterator[Figure]:
    """Facts about the record itself, which change no step: the ledger, its tree and the timeline."""
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as folder:
        async for found in _measured("SQLite", f"sqlite:///{folder}/forsvarlig.db", size.decisions):
            yield found
    with tempfile.TemporaryDirectory(prefix="pg") as folder, Postgres(Path(folder)) as server:
        async for found in _measured("PostgreSQL", server.url, size.decisions):
            yield found


async def _measured(where: str, url: str, each: int) -> AsyncIterator[Figure]:
    database, numbers = Database(url), count()
    try:
        await database.upgrade()
        row = EmployerRow(id=EMPLOYER, org_number="923609016", name="Navn", mode="real", created=NOW)
        async with database.write(EMPLOYER) as transaction:
            await transaction.put_employer(row)
        async with Floors(url) as floors:
            ours: list[float] = []
            for _ in range(each):
                fact = _fact(next(numbers))
                with stopwatch(ours):
                    await _alone(database, fact)
                await floors.insert(fact.model_dump_json().encode())
            for label, share in (("p50", 0.5), ("p99", 0.99)):
                yield Figure(
                    "appends", f"{where}: append, one writer, {label}", percentile(ours, share) * 1000, "ms",
                    percentile(floors.driver, share) * 1000, f"insert and commit, driver, {label}",
                    min(ours) * 1000, max(ours) * 1000, each,
                )  # fmt: skip
            floor = sum(floors.driver) / len(floors.driver) * 1000
        ways: tuple[tuple[str, Append, float | None], ...] = (
            ("each in a transaction of its own", _alone, None),
            ("together", _together, GOAL),
        )
        for name, append, goal in ways:
            await _crowd(database, append, numbers, 5)
            taken = await _crowd(database, append, numbers, each)
            yield Figure(
                "appends", f"{where}: a fact, {WRITERS} writers, {name}", taken * 1000, "ms", floor,
                "insert and commit, driver, one writer", samples=each * WRITERS, goal=goal,
            )  # fmt: skip
    finally:
        await database.close()


async def _alone(database: Database, fact: Fact) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([fact])


async def _together(database: Database, fact: Fact) -> None:
    await database.append(EMPLOYER, [fact])


async def _crowd(database: Database, append: Append, numbers: count[int], each: int) -> float:
    """Seconds a fact."""

    async def writer() -> None:
        for _ in range(each):
            await append(database, _fact(next(numbers)))

    began = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return (time.perf_counter() - began) / (each * WRITERS)


def _fact(number: int) -> Fact:
    body = TextsRead(purpose="history", facts=(1, 2, 3))
    return Fact(
        id=f"{EMPLOYER}#bench {number}",
        employer=EMPLOYER,
        concerns=NOW,
        recorded=NOW,
        actor="kari",
        body=body,
    )
