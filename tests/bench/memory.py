"""Figure 4: the memory of one worker in which a thousand unit-years wait, beside as many bare workflows."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client

from tests.bench.employers import many
from tests.bench.measuring import Figure, Size, figure, resident_mb
from tests.bench.rig import all_waiting, installed, live_engine, open_next_year, start_many

LIMIT_MB = 250
WORKER = Path(__file__).with_name("lone_worker.py")


async def measure(size: Size) -> AsyncIterator[Figure]:
    """Resident memory before the first and when all wait, each round on an engine of its own."""
    bare: list[tuple[float, float]] = []
    ours: list[tuple[float, float]] = []
    for _ in range(size.rounds_of(long=True)):
        async with live_engine() as address:
            bare.append(await _bare(address, size.waiting))
        async with live_engine() as address:
            ours.append(await _ours(address, size.waiting))
    what = f"{size.waiting:,} waiting unit-years"
    floor_is = "as many waiting no-ops"
    yield figure(
        "memory", f"{what}, whole process", "MB", [after for _, after in ours], [after for _, after in bare],
        floor_is, goal=LIMIT_MB,
    )  # fmt: skip
    growth = [after - before for before, after in ours]
    yield figure(
        "memory", f"{what}, growth", "MB", growth, [after - before for before, after in bare], floor_is,
        goal=LIMIT_MB, note=f"{growth[-1] * 1000 / size.waiting:.0f} kB each",
    )  # fmt: skip


async def _ours(address: str, units: int) -> tuple[float, float]:
    organisation = many(units)
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as folder:
        async with (
            installed(Path(folder), organisation, "years") as installation,
            _worker("years", address, folder) as pid,
        ):
            before = resident_mb(pid)
            await open_next_year(installation, organisation.employer)
            await all_waiting(installation.database, units + 1)
            return before, resident_mb(pid)


async def _bare(address: str, count: int) -> tuple[float, float]:
    client = await Client.connect(address)
    async with _worker("bare", address) as pid:
        before = resident_mb(pid)
        await start_many(client, "Waiting", count, "bare")
        handles = [client.get_workflow_handle(f"bare-{n}") for n in range(count)]
        for handle in handles:
            await handle.query("waits")
        return before, resident_mb(pid)


@asynccontextmanager
async def _worker(*arguments: str) -> AsyncIterator[int]:
    """A worker in a process of its own, which ends when its standard input is closed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if await process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{WORKER.name} did not start: run it by hand to see why")
        yield process.pid
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 40)
        except TimeoutError:
            process.kill()
            await process.wait()
