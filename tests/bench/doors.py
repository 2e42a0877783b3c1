"""Figure 5: what a person waits for until a decision is recorded, and what one fact costs."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from activities.cycles import Cycles, open_year
from activities.doors import Doors
from activities.organisations import put_in_force
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import DocumentRow, InboxRow
from tests.bench.employers import YEAR, many
from tests.bench.measuring import Figure, Size, figure, percentile, stopwatch
from tests.rules.employers import law, programme
from worker.story import OUTCOME_OF
from workflows.messages import AdvanceRequest
from workflows.rules.events import CycleRef, Fact, Reminded

IN_MAY = datetime(YEAR, 5, 12, 10, tzinfo=UTC)
DOCUMENT = "d" * 64


class Bare:
    """One row inserted and committed in the same database file, straight through sqlite3."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB)")

    def insert(self, body: bytes) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO bare (body) VALUES (?)", (body,))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


async def measure(size: Size) -> AsyncIterator[Figure]:
    """One person after another, no engine running; each act is followed by one bare insert."""
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as folder:
        file = Path(folder) / "forsvarlig.db"
        database = Database(f"sqlite:///{file}")
        try:
            await database.upgrade()
            cycles, situations = await _in_may(database, size.decisions // 4)
            bare = Bare(file)
            try:
                first, first_bare = await _decisions(lambda: Doors(database), database, cycles[:3], bare, 7)
                yield figure(
                    "doors", "a new process's first decision", "ms", [s * 1000 for s in first],
                    [s * 1000 for s in first_bare], "insert and commit",
                )  # fmt: skip
                known = Doors(database, situations)
                for name, ours, floors in (
                    (
                        "a decision recorded",
                        *await _decisions(lambda: known, database, cycles[3:], bare, size.decisions),
                    ),
                    ("one fact appended", *await _facts(database, cycles[0], bare, size.decisions)),
                    ("an empty transaction", *await _empty(database, cycles[0], bare, size.decisions)),
                ):
                    for label, share in (("p50", 0.5), ("p95", 0.95)):
                        yield Figure(
                            "doors", f"{name}, {label}", percentile(ours, share) * 1000, "ms",
                            percentile(floors, share) * 1000, f"insert and commit, {label}", min(ours) * 1000,
                            max(ours) * 1000, len(ours),
                        )  # fmt: skip
            finally:
                bare.close()
        finally:
            await database.close()


async def _in_may(database: Database, units: int) -> tuple[list[str], Situations]:
    """Years of so many units in the middle of May, where every open step has its document."""
    organisation = many(units)
    employer = organisation.employer
    await put_in_force(database, organisation, (), IN_MAY)
    await open_year(database, employer, YEAR, programme(), law(), IN_MAY)
    year = f"year/{employer}/{YEAR}"
    recording = Cycles(database, lambda: IN_MAY)
    await recording.advance(AdvanceRequest(cycle=year, now=IN_MAY, since=0))
    async with database.read() as reader:
        cycles = [c.id for c in await reader.cycles(employer=employer) if c.unit is not None]
    async with database.write(employer) as tx:
        await tx.put_document(DocumentRow(hash=DOCUMENT, media_type="text/plain", size=1, stored_at=IN_MAY))
    doors = Doors(database, recording.situations)
    for cycle in cycles:
        await recording.advance(AdvanceRequest(cycle=cycle, now=IN_MAY, since=0))
        for row in await _asked(database, cycle):
            await doors.submit(cycle, row.step, row.person, DOCUMENT, now=IN_MAY, nonce="evidence")
        await recording.advance(AdvanceRequest(cycle=cycle, now=IN_MAY, since=0))
    return cycles, recording.situations


async def _asked(database: Database, cycle: str) -> list[InboxRow]:
    async with database.read() as reader:
        return await reader.inbox(cycle=cycle)


async def _decisions(
    doors: Callable[[], Doors], database: Database, cycles: Sequence[str], bare: Bare, most: int
) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    floors: list[float] = []
    for cycle in cycles:
        for row in await _asked(database, cycle):
            if row.what == "evidence" or len(ours) == most:
                continue
            with stopwatch(ours):
                receipt = await doors().decide(
                    cycle, row.step, row.person, row.role, OUTCOME_OF[row.what], document=DOCUMENT,
                    version=row.version, now=IN_MAY, nonce="answer",
                )  # fmt: skip
            if not receipt.accepted:
                raise RuntimeError(f"{cycle} {row.step}: {receipt.reason}")
            body = receipt.fact.model_dump_json().encode()
            with stopwatch(floors):
                bare.insert(body)
    return ours, floors


async def _facts(database: Database, cycle: str, bare: Bare, most: int) -> tuple[list[float], list[float]]:
    async with database.read() as reader:
        step = (await reader.steps(cycle=cycle))[0]
    ours: list[float] = []
    floors: list[float] = []
    for number in range(most):
        fact = Fact(
            id=f"{cycle}#bench {number}", employer=step.employer, cycle=cycle, step=step.step, concerns=IN_MAY,
            recorded=IN_MAY, body=Reminded(days_before=1, people=()),
        )  # fmt: skip
        body = fact.model_dump_json().encode()
        with stopwatch(ours):
            async with database.write(step.employer) as tx:
                await tx.append([fact])
        with stopwatch(floors):
            bare.insert(body)
    return ours, floors


async def _empty(database: Database, cycle: str, bare: Bare, most: int) -> tuple[list[float], list[float]]:
    employer = CycleRef.parse(cycle).employer
    ours: list[float] = []
    floors: list[float] = []
    for _ in range(most):
        with stopwatch(ours):
            async with database.write(employer):
                pass
        with stopwatch(floors):
            bare.insert(b"")
    return ours, floors
