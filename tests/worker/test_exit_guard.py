"""A process that used Temporal ends with the status it meant."""

import _thread
import asyncio
import sys
import threading

from temporalio.testing import WorkflowEnvironment

from worker.exit_guard import drain_native_threads

CLIENT = """
import asyncio, sys
import worker.exit_guard
from temporalio.client import Client

async def main():
    client = await Client.connect(sys.argv[1])
    assert await client.service_client.check_health()

asyncio.run(main())
"""


async def test_short_clients_end_without_a_crash(virtual: WorkflowEnvironment) -> None:
    address = virtual.client.service_client.config.target_host
    gate = asyncio.Semaphore(3)

    async def status() -> int:
        async with gate:
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, address)
            return await process.wait()

    assert await asyncio.gather(*(status() for _ in range(12))) == [0] * 12


def test_a_foreign_thread_inside_python_is_waited_for() -> None:
    inside, leave, left = threading.Event(), threading.Event(), threading.Event()

    def foreign() -> None:
        inside.set()
        leave.wait()
        left.set()

    _thread.start_new_thread(foreign, ())
    inside.wait()
    assert drain_native_threads(limit=0.02) > 0
    assert not left.is_set(), "the wait has a limit"
    leave.set()
    left.wait()
    drain_native_threads()
    assert drain_native_threads() == 0


def test_threads_that_python_knows_are_not_waited_for() -> None:
    drain_native_threads()
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()
    assert drain_native_threads() == 0
    leave.set()
    thread.join()
