"""The yearly erasing on the engine: it goes on until nothing is due, and believes its own worker only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities import retention
from activities.ledger.log import Payload
from tests.rules.employers import employer
from tests.year.conftest import OnStage, Staged
from tests.year.live import in_force, until
from worker.engine import EmbeddedEngine
from worker.engine_program import temporal_binary
from worker.schedule import keep_schedules, retention_id
from worker.serving import STICKY, make_worker
from workflows.messages import Erased, EraseDueRequest, RetentionInput
from workflows.retention import Retention
from workflows.rules.calendar import OSLO
from workflows.rules.record_facts import RecordsErased

_runs = count(1)


async def run(staged: Staged) -> int:
    client = staged.environment.client
    with staged.environment.with_time_skipping_disabled():
        return await client.execute_workflow(
            Retention.run,
            RetentionInput(employer=staged.employer),
            id=f"retention/{staged.employer}-{next(_runs)}",
            task_queue=staged.installation.settings.task_queue,
        )


async def kept_too_long(staged: Staged, number: int) -> None:
    """So many texts have waited for forty days for statements that never came."""
    long_ago = staged.installation.clock() - timedelta(days=40)
    async with staged.installation.database.write(staged.employer) as tx:
        for n in range(number):
            await tx.deposit(f"{n:064}", Payload(salt=b"salt", text=f"Ble aldri brukt {n}"), long_ago)


async def erased(staged: Staged) -> list[int]:
    return [f.body.count for f in await staged.facts() if isinstance(f.body, RecordsErased)]


async def test_what_is_due_is_erased_and_the_next_run_finds_nothing(on_stage: OnStage) -> None:
    staged = await on_stage(employer(17), 2027)
    await kept_too_long(staged, 3)
    assert await run(staged) == 3
    assert await erased(staged) == [3]
    before = await staged.facts()
    assert await run(staged) == 0
    assert await staged.facts() == before


async def test_it_goes_on_in_batches_until_nothing_is_due(
    on_stage: OnStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TOGETHER", 2)
    staged = await on_stage(employer(17), 2027)
    await kept_too_long(staged, 5)
    assert await run(staged) == 5
    assert await erased(staged) == [2, 2, 1]


class Liar:
    """Says that everything is erased, and erases nothing."""

    def __init__(self) -> None:
        self.asked = 0

    @activity.defn(name="erase_what_is_due")
    async def erase(self, request: RawValue) -> Erased:
        self.asked += 1
        return Erased(count=99, more=False, request=EraseDueRequest(employer="x").digest)


class Spoiler(Liar):
    """Says that it cannot be done, and never could."""

    @activity.defn(name="erase_what_is_due")
    async def erase(self, request: RawValue) -> Erased:
        self.asked += 1
        raise ApplicationError("no", type="Forged", non_retryable=True)


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedEngine]:
    folder = tmp_path_factory.mktemp("engine")
    found = EmbeddedEngine(temporal_binary(), database=folder / "temporal.db", log_file=folder / "engine.log")
    async with found:
        yield found


@pytest.mark.parametrize("impostor", [Liar(), Spoiler()])
async def test_it_asks_until_its_own_worker_has_erased(
    engine: EmbeddedEngine, tmp_path: Path, impostor: Liar
) -> None:
    name = f"sealed-{next(_runs)}"
    async with in_force(tmp_path, name, name) as installation:
        ours, theirs = await installation.connect(engine.address), await Client.connect(engine.address)
        long_ago = installation.clock() - timedelta(days=40)
        async with installation.database.write(name) as tx:
            await tx.deposit("ab" * 32, Payload(salt=b"salt", text="Ble aldri brukt"), long_ago)
        deciding = Worker(
            ours, task_queue=name, no_remote_activities=True, sticky_queue_schedule_to_start_timeout=STICKY
        )
        async with deciding:
            handle = await ours.start_workflow(
                Retention.run,
                RetentionInput(employer=name, sealed=True),
                id=f"{retention_id(name)}-2027-01-15T07:00:00Z",
                task_queue=name,
            )
            async with Worker(theirs, task_queue=name, activities=[impostor.erase]):

                async def deceived() -> bool:
                    return impostor.asked >= 1

                await until(deceived)
        async with installation.database.read() as reader:
            assert await reader.deposited("ab" * 32) is not None
        async with make_worker(ours, name):
            assert await asyncio.wait_for(handle.result(), 60) == 1
        async with installation.database.read() as reader:
            assert await reader.deposited("ab" * 32) is None


async def test_the_schedule_fires_on_the_fifteenth_of_january_at_eight_in_norway(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    async with in_force(tmp_path, "planned", "planned") as installation:
        client = await installation.connect(engine.address)
        await keep_schedules(client, ["planned"], "planned")
        await keep_schedules(client, ["planned"], "planned")
        described = await client.get_schedule_handle(retention_id("planned")).describe()
        first, second = (t.astimezone(OSLO) for t in described.info.next_action_times[:2])
    assert [(t.month, t.day, t.hour, t.minute) for t in (first, second)] == [(1, 15, 8, 0)] * 2
    assert second.year == first.year + 1
