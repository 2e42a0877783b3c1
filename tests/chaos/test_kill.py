"""kill -9, again and again, of everything that runs: the year comes to the same facts as an undisturbed one.

The year is run to the end of June, when most kinds of steps have been: the whole takes minutes where the
machine is busy.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from temporalio.client import Client
from temporalio.service import RetryConfig
from temporalio.testing import WorkflowEnvironment

from activities.cycles import open_year
from activities.store.database import Database
from tests.chaos.fjell import EMPLOYER, YEAR, message_ids, settings, staged, what
from tests.rules.employers import law, programme
from worker.engine import EmbeddedEngine
from worker.engine_program import temporal_binary
from worker.processes import free_port
from worker.serving import make_worker
from worker.staging import plugin_for, rehearsal
from worker.story import Story
from worker.virtual import VirtualEnvironment, virtual_environment
from workflows.rules.events import SYSTEM, Asked, Fact
from workflows.rules.standing import Standing, fold

pytestmark = pytest.mark.xdist_group("kill")
"""What is made once for all of them is made by one process."""

ROOT = Path(__file__).parents[2]
CYCLES = [f"year/{EMPLOYER}/{YEAR}", f"unit/{EMPLOYER}/u1/{YEAR}"]
IMPATIENT = RetryConfig(max_elapsed_time_millis=100, max_retries=1)
"""The client's own retries would hide that the server was away."""

MID_FEBRUARY = datetime(YEAR, 2, 15, tzinfo=UTC)
END_OF_JUNE = datetime(YEAR, 6, 30, 12, tzinfo=UTC)


@dataclass
class Year:
    """What a rehearsal left behind."""

    facts: list[Fact]
    mails: list[str]


@pytest.fixture(scope="module")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Year:
    folder = tmp_path_factory.mktemp("undisturbed")
    installation = await staged(folder)
    database = installation.database
    plugins = [plugin_for(installation)]
    async with (
        virtual_environment(temporal_binary(), plugins=plugins) as environment,
        make_worker(environment.client, settings(folder).task_queue),
    ):
        await open_year(database, EMPLOYER, YEAR, programme(), law(), installation.clock())
        await rehearsal(environment, installation, EMPLOYER, Story()).run(END_OF_JUNE)
    facts = await ledger(database)
    await database.close()
    return Year(facts, message_ids(folder))


async def ledger(database: Database) -> list[Fact]:
    async with database.read() as reader:
        return [fact for _, fact in await reader.facts(EMPLOYER)]


async def assert_nothing_lost_or_doubled(database: Database) -> None:
    """Whatever happened: the ledger holds, each fact and each question is there once, and nobody waits."""
    facts = await ledger(database)
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).ok
        assert await reader.outbox_pending() == 0
    assert [id for id, times in Counter(f.id for f in facts).items() if times > 1] == []
    opened = Counter((f.cycle, f.step) for f in facts if f.kind == "step_opened")
    asked = Counter(
        (f.cycle, f.step, f.body.what, f.body.role, f.body.version)
        for f in facts
        if isinstance(f.body, Asked)
    )
    assert set(opened.values()) == set(asked.values()) == {1}


# --- worker and server ----------------------------------------------------------------------------


class WorkerProcess:
    """A worker in a process of its own that can be killed and is there again."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder, self._address = folder, address
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with (self._folder / "worker.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chaos.worker_process", str(self._folder), self._address),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        said = await self._process.stdout.readline()
        assert said == b"ready\n", (self._folder / "worker.log").read_text()

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def worker_process(folder: Path, address: str) -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(folder, address)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.kill()


async def kill_server(engine: EmbeddedEngine) -> None:
    os.kill(engine.pid, signal.SIGKILL)
    assert await engine.wait() == -signal.SIGKILL
    await engine.stop()


async def recorded(database: Database, number: int, *, by_a_person: bool) -> None:
    """Return when so many facts are in the ledger, and the newest is of the wanted kind."""
    while True:
        async with database.read() as reader:
            newest = await reader.facts(EMPLOYER, after=number)
        if newest and (newest[-1][1].actor != SYSTEM) == by_a_person:
            return
        await asyncio.sleep(0.005)


async def test_a_year_survives_the_killing_of_its_workers_and_of_its_server(
    tmp_path: Path, undisturbed: Year
) -> None:
    victims = ("worker", "server", "worker", "server", "worker")
    random, stretch = Random(1977), len(undisturbed.facts) // (len(victims) + 1)
    moments = [n * stretch + random.randrange(stretch) for n in range(1, len(victims) + 1)]
    installation = await staged(tmp_path)
    database = installation.database
    engine = EmbeddedEngine(
        temporal_binary(),
        database=tmp_path / "engine.db",
        port=free_port(),
        log_file=tmp_path / "engine.log",
        virtual=True,
    )
    killed = Counter[str]()
    async with engine, worker_process(tmp_path, engine.address) as worker:

        async def trouble() -> None:
            for number, victim in zip(moments, victims, strict=True):
                await recorded(database, number, by_a_person=victim == "worker")
                if victim == "worker":
                    await worker.kill()
                    await worker.start()
                else:
                    await kill_server(engine)
                    await engine.start()
                killed[victim] += 1

        plugins = [plugin_for(installation)]
        client = await Client.connect(engine.address, plugins=plugins, retry_config=IMPATIENT)
        await open_year(database, EMPLOYER, YEAR, programme(), law(), installation.clock())
        async with asyncio.TaskGroup() as both:
            both.create_task(trouble())
            driver = rehearsal(VirtualEnvironment(client), installation, EMPLOYER, Story())
            both.create_task(driver.run(END_OF_JUNE))
        for cycle in CYCLES:
            standing = await client.get_workflow_handle(cycle).query("standing", result_type=Standing)
            assert standing == fold(f for f in await ledger(database) if f.cycle == cycle)
    assert killed == Counter(victims)
    await assert_nothing_lost_or_doubled(database)
    assert {what(f) for f in await ledger(database)} == {what(f) for f in undisturbed.facts}
    assert message_ids(tmp_path) == undisturbed.mails
    await database.close()


# --- the driver -----------------------------------------------------------------------------------


async def driver_dies(folder: Path, address: str, channel: str, moment: str, number: int) -> None:
    with (folder / "driver.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.driver_process"),
            *(str(folder), address, channel, moment, str(number)),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        ended = await process.wait()
    assert ended == -signal.SIGKILL, (folder / "driver.log").read_text()


async def test_what_was_committed_is_delivered_once_by_whoever_comes_after_a_killed_process(
    virtual: WorkflowEnvironment, tmp_path: Path, undisturbed: Year
) -> None:
    installation = await staged(tmp_path)
    database = installation.database
    address = virtual.client.service_client.config.target_host
    client = await Client.connect(address, plugins=[plugin_for(installation)])
    async with make_worker(client, settings(tmp_path).task_queue):
        for death in (
            ("start", "before", 1),
            ("start", "after", 2),
            ("mail", "after", 3),
            ("bell", "before", 2),
        ):
            await driver_dies(tmp_path, address, *death)
            async with database.read() as reader:
                assert await reader.outbox_pending() > 0
        await rehearsal(VirtualEnvironment(client), installation, EMPLOYER, Story()).run(MID_FEBRUARY)
        for cycle in CYCLES:
            runs = [run async for run in client.list_workflows(f"WorkflowId = '{cycle}'")]
            assert len(runs) == 1
            await client.get_workflow_handle(cycle).terminate()
    await assert_nothing_lost_or_doubled(database)
    facts = await ledger(database)
    until_then = {what(f) for f in undisturbed.facts if f.recorded <= MID_FEBRUARY}
    assert {what(f) for f in facts} == until_then
    mails = message_ids(tmp_path)
    assert len(mails) == len(set(mails)) > 0
    assert set(mails) < set(undisturbed.mails)
    await database.close()
