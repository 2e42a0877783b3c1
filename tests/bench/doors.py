"""Figure 5: what a person waits for until a decision is recorded, and what one fact costs.

Each beside two floors: one row inserted and committed in the same database by the bare driver, and the same
through the SQLAlchemy engine that the store has. PostgreSQL is measured without fsync, as the tests run it.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from activities.cycles import Cycles, open_year
from activities.doors import Doors
from activities.organisations import put_in_force
from activities.signatures import SigningKey
from activities.situations import Situations
from activities.store import sqlite
from activities.store.database import Database
from activities.store.rows import DocumentRow, InboxRow
from tests.bench.employers import YEAR, many
from tests.bench.measuring import Figure, Size, figure, percentile, stopwatch
from tests.conftest import postgres
from tests.rules.employers import law, programme
from worker.story import OUTCOME_OF
from workflows.messages import AdvanceRequest
from workflows.rules.events import Fact, Reminded
from workflows.rules.terms import CycleRef

IN_MAY = datetime(YEAR, 5, 12, 10, tzinfo=UTC)
DOCUMENT = "d" * 64
SIGNER = SigningKey.new()
SIGNER = SigningKey.new()


class Floors:
    """One row inserted and committed in a table of its own, each time in two ways."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine = create_async_engine(_address(self._url), isolation_level="AUTOCOMMIT")
        self.driver: list[float] = []
        self.engine: list[float] = []

    async def __aenter__(self) -> Floors:
        self._kept = await self._engine.connect()
        await self._kept.exec_driver_sql("DROP TABLE IF EXISTS bare")
        kind = "BLOB" if self._url.drivername == "sqlite" else "BYTEA"
        await self._kept.exec_driver_sql(f"CREATE TABLE bare (id INTEGER PRIMARY KEY, body {kind})")
        self._number = 0
        if self._url.drivername == "sqlite":
            self._bare = sqlite3.connect(self._url.database or "", isolation_level=None)
            self._bare.execute("PRAGMA synchronous = FULL")
        else:
            host = str(self._url.query["host"])
            self._bare = psycopg.connect(host=host, user=self._url.username, dbname=self._url.database)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._bare.close()
        await self._kept.close()
        await self._engine.dispose()

    async def insert(self, body: bytes) -> None:
        self._number += 2
        mark = "?" if self._url.drivername == "sqlite" else "%s"
        insert = f"INSERT INTO bare VALUES ({mark}, {mark})"
        with stopwatch(self.driver):
            self._bare.execute("BEGIN")
            self._bare.execute(insert, (self._number, body))
            self._bare.execute("COMMIT")
        with stopwatch(self.engine):
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql("BEGIN")
                await connection.exec_driver_sql(insert, (self._number + 1, body))
                await connection.exec_driver_sql("COMMIT")


def _address(url: URL) -> URL:
    return url.set(drivername=sqlite.DRIVER) if url.drivername == "sqlite" else url


async def measure(size: Size) -> AsyncIterator[Figure]:
    """One person after another, no engine running; each act is followed by one bare insert."""
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as folder:
        async for found in _measured("SQLite", f"sqlite:///{folder}/forsvarlig.db", size):
            yield found
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres(Path(folder)) as url:
        async for found in _measured("PostgreSQL", url, size):
            yield found


async def _measured(where: str, url: str, size: Size) -> AsyncIterator[Figure]:
    database = Database(url)
    try:
        await database.upgrade()
        cycles, situations = await _in_may(database, size.decisions // 4)
        known = Doors(database, situations, signer=SIGNER)
        async with Floors(url) as floors:
            first = await _decisions(lambda: Doors(database, signer=SIGNER), database, cycles[:3], floors, 7)
            yield figure(
                "doors", f"{where}: a new process's first decision", "ms", [s * 1000 for s in first],
                [s * 1000 for s in floors.driver], "insert and commit",
            )  # fmt: skip
        for name, act in (
            (
                "a decision recorded",
                lambda f: _decisions(lambda: known, database, cycles[3:], f, size.decisions),
            ),
            ("one fact appended", lambda f: _facts(database, cycles[0], f, size.decisions)),
            ("an empty transaction", lambda f: _empty(database, cycles[0], f, size.decisions)),
        ):
            async with Floors(url) as floors:
                ours = await act(floors)
            for label, share in (("p50", 0.5), ("p95", 0.95)):
                for floor_is, taken in (("driver", floors.driver), ("engine", floors.engine)):
                    yield Figure(
                        "doors", f"{where}: {name}, {label}", percentile(ours, share) * 1000, "ms",
                        percentile(taken, share) * 1000, f"insert and commit, {floor_is}, {label}",
                        min(ours) * 1000, max(ours) * 1000, len(ours),
                    )  # fmt: skip
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
    doors = Doors(database, recording.situations, signer=SIGNER)
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
    doors: Callable[[], Doors], database: Database, cycles: Sequence[str], floors: Floors, most: int
) -> list[float]:
    ours: list[float] = []
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
            await floors.insert(receipt.fact.model_dump_json().encode())
    return ours


async def _facts(database: Database, cycle: str, floors: Floors, most: int) -> list[float]:
    async with database.read() as reader:
        step = (await reader.steps(cycle=cycle))[0]
    ours: list[float] = []
    for number in range(most):
        fact = Fact(
            id=f"{cycle}#bench {number}", employer=step.employer, cycle=cycle, step=step.step, concerns=IN_MAY,
            recorded=IN_MAY, body=Reminded(days_before=1, people=()),
        )  # fmt: skip
        with stopwatch(ours):
            async with database.write(step.employer) as tx:
                await tx.append([fact])
        await floors.insert(fact.model_dump_json().encode())
    return ours


async def _empty(database: Database, cycle: str, floors: Floors, most: int) -> list[float]:
    employer = CycleRef.parse(cycle).employer
    ours: list[float] = []
    for _ in range(most):
        with stopwatch(ours):
            async with database.write(employer):
                pass
        await floors.insert(b"")
    return ours
