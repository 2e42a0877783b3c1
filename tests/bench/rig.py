"""A product installation on an engine of its own, in a temporary folder that is gone afterwards."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import func, select
from temporalio.client import Client
from temporalio.worker import Worker

from activities.cycles import open_year
from activities.documents import Documents
from activities.mail import EmlFolder
from activities.organisations import put_in_force
from activities.store import tables
from activities.store.database import Database
from activities.store.rows import Mode
from tests.bench.bare import Days, Nothing, Waiting
from tests.rules.employers import law, programme
from worker.engine import EmbeddedEngine
from worker.engine_program import temporal_binary
from worker.installation import Installation, wall_clock
from worker.settings import Settings
from workflows.rules.organisation import Organisation

PATIENCE = 600
"""Seconds until something that should happen is given up."""


@asynccontextmanager
async def live_engine() -> AsyncIterator[str]:
    """The address of a server as `up` starts it: with a file database and `LIVE_FLAGS`."""
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as name:
        folder = Path(name)
        async with EmbeddedEngine(
            temporal_binary(), database=folder / "engine.db", log_file=folder / "engine.log"
        ) as engine:
            yield engine.address


@asynccontextmanager
async def installed(
    folder: Path, organisation: Organisation, task_queue: str, mode: Mode = "real"
) -> AsyncIterator[Installation]:
    """An installation with the organisation in force, on the real clock."""
    settings = Settings(state=folder, task_queue=task_queue)
    settings.make_state()
    database = Database(settings.database_url)
    try:
        await database.upgrade()
        await put_in_force(database, organisation, (), wall_clock(), mode=mode)
        yield Installation(
            settings, database, Documents(settings.documents), EmlFolder(settings.mail_directory)
        )
    finally:
        await database.close()


async def open_next_year(installation: Installation, employer: str) -> None:
    """What the yearly Schedule does: the next year of the employer is opened."""
    now = wall_clock()
    await open_year(installation.database, employer, now.year + 1, programme(), law(), now)


async def all_waiting(database: Database, cycles: int) -> None:
    """Until so many cycles have made their first advance, and wait for their next moment."""
    waiting = select(func.count()).where(tables.cycle.c.next_moment.is_not(None))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        async with database.read() as reader:
            if await reader.connection.scalar(waiting) == cycles:
                return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{cycles} cycles do not all run after {PATIENCE} seconds")


def bare_worker(client: Client, task_queue: str) -> Worker:
    """A worker for the workflows that do nothing of ours."""
    return Worker(client, task_queue=task_queue, workflows=[Nothing, Waiting, Days], build_id="bare")


async def start_many(client: Client, workflow: str, count: int, task_queue: str) -> None:
    """Start so many workflows, twenty at a time."""
    turn = asyncio.Semaphore(20)

    async def one(number: int) -> None:
        async with turn:
            await client.start_workflow(workflow, id=f"{task_queue}-{number}", task_queue=task_queue)

    await asyncio.gather(*(one(n) for n in range(count)))
