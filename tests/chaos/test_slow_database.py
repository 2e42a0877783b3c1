"""A database that takes longer than a task of a workflow: what it answered counts also when the run is read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from activities.cycles import open_year
from activities.store.database import Database
from activities.store.transaction import Transaction
from tests.rules.employers import law, programme
from tests.year.live import YEAR, Live, installed, until
from worker.installation import wall_clock
from worker.serving import make_worker

LONG = 9
"""Seconds after which the worker has asked the server for more time: a task of a workflow has ten."""


class SlowDatabase(Database):
    """Its first transaction takes long."""

    slow = True

    @asynccontextmanager
    async def write(self, employer: str) -> AsyncIterator[Transaction]:
        async with super().write(employer) as transaction:
            if self.slow:
                self.slow = False
                await asyncio.sleep(LONG)
            yield transaction


async def seen(live: Live) -> int:
    """The ledger's newest fact of the year, as soon as the workflow has seen it."""

    async def all_seen() -> bool:
        facts = await live.facts(live.year)
        return len(facts) > 1 and await live.position(live.year) == facts[-1][0]

    await until(all_seen)
    return await live.position(live.year)


async def test_a_year_that_was_slow_to_begin_is_the_same_for_the_next_worker(
    virtual: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with installed(virtual.client.service_client.config.target_host, tmp_path) as live:
        slow = replace(live.installation, database=SlowDatabase(live.installation.settings.database_url))
        await open_year(live.installation.database, live.employer, YEAR, programme(), law(), wall_clock())
        async with make_worker(await slow.connect(live.address), live.task_queue):
            await live.installation.outbox(live.client).run_once()
            before = await seen(live)
        await slow.database.close()
        async with make_worker(live.client, live.task_queue):
            assert await live.position(live.year) == before
        await live.handle(live.year).terminate()
