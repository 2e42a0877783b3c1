"""A process that used Temporal ends with the status it meant."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

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


FOREIGN = """
import _thread, threading
from worker.exit_guard import drain_native_threads

inside, leave, left = threading.Event(), threading.Event(), threading.Event()

def foreign():
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
"""

KNOWN = """
import threading
from worker.exit_guard import drain_native_threads

leave = threading.Event()
thread = threading.Thread(target=leave.wait)
thread.start()
assert drain_native_threads() == 0
leave.set()
thread.join()
"""


@pytest.mark.parametrize("program", [FOREIGN, KNOWN], ids=["that Python does not know", "that Python knows"])
def test_a_foreign_thread_inside_python_is_waited_for_and_no_other(program: str) -> None:
    """In a process of their own: one that runs tests may have foreign threads already."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
