"""A real employer's year on a real server, whose door stands open: whoever reaches it can do anything there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from activities.cycles import open_year
from activities.organisations import put_in_force
from tests.rules.employers import employer, law, programme
from worker.installation import Installation, opened, wall_clock
from worker.serving import serving
from worker.settings import Settings
from workflows.rules.events import AttemptRefused, Fact
from workflows.rules.terms import unit_cycle, year_cycle

YEAR = 2027
IN_FEBRUARY = datetime(YEAR, 2, 15, 9, tzinfo=UTC) - wall_clock()
"""What is added to the machine's time, so that it does not matter when the tests are run."""

PATIENCE = 60
"""Seconds until something that does not come is given up; a busy machine is slow."""

PROMPT = 5
"""Seconds within which a genuine bell is heard whatever else comes."""

TAKEN_BACK = ("_FORCE_CLOSE_COMMAND", "_UNHANDLED_COMMAND")

_numbers = count(1)


@dataclass
class Live:
    """One employer's installation, with its worker and outbox at work, and its years begun."""

    installation: Installation
    client: Client
    """Ours, with the keys."""
    stranger: Client
    """Somebody else's, without."""
    employer: str

    @property
    def unit(self) -> str:
        return unit_cycle(self.employer, "u1", YEAR)

    @property
    def year(self) -> str:
        return year_cycle(self.employer, YEAR)

    @property
    def address(self) -> str:
        return self.client.service_client.config.target_host

    @property
    def task_queue(self) -> str:
        return self.installation.settings.task_queue

    def handle(self, cycle: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(cycle)

    async def end(self) -> None:
        """Nothing of this employer runs on after its test."""
        for cycle in (self.unit, self.year):
            with contextlib.suppress(RPCError):
                await self.handle(cycle).terminate()

    async def events(self, cycle: str) -> list[HistoryEvent]:
        return list((await self.handle(cycle).fetch_history()).events)

    async def facts(self, cycle: str) -> list[tuple[int, Fact]]:
        async with self.installation.database.read() as reader:
            return await reader.facts(self.employer, cycle=cycle)

    async def refusals(self, cycle: str) -> list[AttemptRefused]:
        return [f.body for _, f in await self.facts(cycle) if isinstance(f.body, AttemptRefused)]

    async def position(self, cycle: str) -> int:
        seq: int = await self.handle(cycle).query("position", result_type=int)
        return seq

    async def signal(self, cycle: str, name: str, *payloads: Payload) -> None:
        """As anybody can send one: by the server's own interface, without any client of ours."""
        await self.stranger.workflow_service.signal_workflow_execution(
            SignalWorkflowExecutionRequest(
                namespace="default",
                workflow_execution=WorkflowExecution(workflow_id=cycle),
                signal_name=name,
                input=Payloads(payloads=payloads) if payloads else None,
            )
        )

    async def ring(self, cycle: str) -> None:
        """The genuine bell, through the outbox."""
        async with self.installation.database.write(self.employer) as tx:
            await tx.ring(cycle, f"{cycle}#bell {next(_numbers)}", self.installation.clock())

    async def has_heard_everything(self, cycle: str, seconds: float = PROMPT) -> None:
        """Ring the genuine bell, and return when the workflow has seen all that the ledger has."""
        [*_, (seq, _)] = await self.facts(cycle)
        await self.ring(cycle)

        async def heard() -> bool:
            return await self.position(cycle) >= seq

        await until(heard, seconds)

    async def never_stuck(self, cycle: str) -> None:
        """No task of the workflow has failed by what our code did with what came.

        The server itself takes a task back when more than a hundred signals come meanwhile, and gives it again.
        """
        causes = [
            WorkflowTaskFailedCause.Name(event.workflow_task_failed_event_attributes.cause)
            for event in await self.events(cycle)
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        ]
        assert [cause for cause in causes if not cause.endswith(TAKEN_BACK)] == []


async def until(done: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not await done():
            await asyncio.sleep(0.05)


def february() -> datetime:
    """The time in these tests; it goes on as the machine's does."""
    return wall_clock() + IN_FEBRUARY


@asynccontextmanager
async def in_force(folder: Path, name: str, task_queue: str) -> AsyncIterator[Installation]:
    """The installation of an employer `name` that is in force."""
    settings = Settings(state=folder, task_queue=task_queue)
    async with opened(settings, upgrade=True) as found:
        installation = replace(found, clock=february, shift=lambda: IN_FEBRUARY)
        organisation = employer(17).model_copy(update={"employer": name})
        await put_in_force(installation.database, organisation, (), february(), mode="real")
        yield installation


@asynccontextmanager
async def begin_without_temporal(folder: Path, name: str) -> AsyncIterator[Installation]:
    """An employer whose year is open in the ledger, and nothing at work."""
    async with in_force(folder, name, name) as installation:
        await open_year(installation.database, name, YEAR, programme(), law(), february())
        yield installation


@asynccontextmanager
async def installed(address: str, folder: Path) -> AsyncIterator[Live]:
    """An employer of its own, in force, with nothing at work yet."""
    name = f"live-{next(_numbers)}"
    async with in_force(folder / name, name, name) as installation:
        client = await installation.connect(address)
        yield Live(installation, client, await Client.connect(address), name)


async def begin(live: Live) -> None:
    """Open the year, and return when the employer's and the unit's are under way."""
    await open_year(live.installation.database, live.employer, YEAR, programme(), law(), february())

    async def under_way() -> bool:
        rows = [await row(live, cycle) for cycle in (live.year, live.unit)]
        return all(found is not None and found.next_moment is not None for found in rows)

    await until(under_way)


async def row(live: Live, cycle: str) -> Any:
    async with live.installation.database.read() as reader:
        return await reader.cycle(cycle)


@asynccontextmanager
async def running(address: str, folder: Path) -> AsyncIterator[Live]:
    """The year of an employer under way, until the context ends."""
    async with installed(address, folder) as live:
        async with serving(live.installation, live.client):
            await begin(live)
            yield live
        await live.end()
