"""A worker in a process of its own, to be killed: `python -m tests.chaos.worker_process FOLDER ADDRESS`.

Says "ready" when it polls, and ends when its standard input does, so that it never outlives its test.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from temporalio.client import Client

from tests.chaos.fjell import settings, staged
from worker.serving import make_worker
from worker.staging import plugin_for


async def work(folder: Path, address: str) -> None:
    installation = await staged(folder)
    client = await Client.connect(address, plugins=[plugin_for(installation)])
    async with make_worker(client, settings(folder).task_queue):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await installation.database.close()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2]))
