"""A worker alone in its process, until standard input is closed: `lone_worker.py QUEUE ADDRESS [STATE]`.

With the state directory of an installation it is the product's worker, without one it knows the bare
workflows only. Either has the default workflow cache.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from temporalio.client import Client

from tests.bench.rig import bare_worker
from worker.installation import opened
from worker.logs import configure
from worker.serving import serving
from worker.settings import Settings
from worker.staging import plugin_for


async def main(task_queue: str, address: str, state: str | None = None) -> None:
    configure(logging.ERROR)
    if state is None:
        async with bare_worker(await Client.connect(address), task_queue):
            await _until_told()
        return
    async with opened(Settings(state=Path(state), task_queue=task_queue)) as installation:
        client = await Client.connect(address, plugins=[plugin_for(installation)])
        async with serving(installation, client):
            await _until_told()


async def _until_told() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
