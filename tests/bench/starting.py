"""Figure 1: how long the start of a year takes, until every cycle waits for its first day."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.client import Client

from tests.bench.employers import many
from tests.bench.measuring import Figure, Size, figure, timed_async
from tests.bench.rig import all_waiting, bare_worker, installed, live_engine, open_next_year, start_many
from worker.serving import serving
from worker.staging import plugin_for


async def measure(size: Size) -> AsyncIterator[Figure]:
    """Opening the year, the outbox's starts and the first advance of each; the floor starts as many no-ops."""
    for units in size.units:
        ours, bare = [], []
        for round in range(size.rounds_of(long=units >= 400)):
            async with live_engine() as address:
                bare.append(await _bare(address, units + 1, f"bare-{round}"))
                ours.append(await _ours(address, units, f"years-{round}"))
        yield figure(
            "start", f"start of a year, {units} units", "s", ours, bare, f"{units + 1} no-op workflows"
        )


async def _ours(address: str, units: int, task_queue: str) -> float:
    organisation = many(units)
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as folder:
        async with installed(Path(folder), organisation, task_queue) as installation:
            client = await Client.connect(address, plugins=[plugin_for(installation)])

            async def start() -> None:
                await open_next_year(installation, organisation.employer)
                await all_waiting(installation.database, units + 1)

            async with serving(installation, client):
                return await timed_async(start)


async def _bare(address: str, count: int, task_queue: str) -> float:
    client = await Client.connect(address)

    async def start() -> None:
        await start_many(client, "Nothing", count, task_queue)
        handles = [client.get_workflow_handle(f"{task_queue}-{n}") for n in range(count)]
        await asyncio.gather(*(h.result() for h in handles))

    async with bare_worker(client, task_queue):
        return await timed_async(start)
