"""A worker at work: workflows and activities from the task queue, and the outbox, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from importlib.metadata import version

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.overdue import ring_overdue
from activities.store.errors import StoreError
from worker.installation import Installation
from worker.ledger_watch import make_last_checkpoints, watch_ledgers
from worker.stamping import ask_for_stamps

GRACE = timedelta(seconds=20)
"""How long running activities may finish when the worker stops."""

CACHED = 400
"""Workflows kept in memory. A year wakes a few times a month, so one that is read again costs little."""

STICKY = timedelta(seconds=1)
"""After a worker's death its workflows go on elsewhere within this time (the default is 10 s)."""

WATCH_EVERY = timedelta(minutes=1)

log = structlog.get_logger(__name__)


def make_worker(client: Client, task_queue: str) -> Worker:
    """A worker with the plugin's workflows and activities; the plugin comes with the client."""
    return Worker(
        client,
        task_queue=task_queue,
        # The SDK's own default hashes the code of every loaded module, which takes seconds.
        build_id=f"forsvarlig-{version('forsvarlig')}",
        graceful_shutdown_timeout=GRACE,
        max_cached_workflows=CACHED,
        sticky_queue_schedule_to_start_timeout=STICKY,
    )


@contextlib.asynccontextmanager
async def serving(installation: Installation, client: Client) -> AsyncIterator[Worker]:
    """Worker, outbox and archive run inside; leaving drains them, and then makes the last checkpoints.

    A worker that fails ends what runs inside with its error. One that fails while it is left, as when the
    server has gone before it, is only logged.
    """
    stop = asyncio.Event()
    worker = make_worker(client, installation.settings.task_queue)
    left = False
    try:
        async with worker:
            outbox = asyncio.create_task(installation.outbox(client).run(stop))
            watch = asyncio.create_task(_watch(installation, stop))
            archive = asyncio.create_task(installation.histories(client).run(stop))
            ledgers = asyncio.create_task(watch_ledgers(installation, stop))
            stamps = asyncio.create_task(ask_for_stamps(installation, stop))
            log.info("worker_started", task_queue=installation.settings.task_queue)
            try:
                yield worker
                left = True
            finally:
                stop.set()
                await outbox
                await watch
                await archive
                await ledgers
                await stamps
                log.info("worker_stopping")
    except (asyncio.CancelledError, RuntimeError) as error:
        # The SDK cancels this task when its worker fails, also while the task waits for the worker to stop.
        if not (left and worker.is_shutdown):
            raise
        if task := asyncio.current_task():
            task.uncancel()
        log.warning("worker_failed_while_stopping", error=type(error).__name__)
    finally:
        # Activities record facts until the worker has stopped.
        await make_last_checkpoints(installation)


async def _watch(installation: Installation, stop: asyncio.Event) -> None:
    """Ring the years that have missed their moment, every `WATCH_EVERY`, until `stop` is set."""
    while not stop.is_set():
        try:
            if rung := await ring_overdue(installation.database, installation.clock()):
                log.warning("years_overdue", cycles=rung)
            if gone := await installation.erased_files.sweep_all(installation.database):
                log.info("erased_files_deleted", files=gone)
        except (StoreError, OSError) as error:  # the outbox says so too, and waits
            log.warning("watch_waits", error=type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WATCH_EVERY.total_seconds())


@contextlib.contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
