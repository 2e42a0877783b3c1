"""The attacks on the runs themselves: ended, turned back, begun or answered by somebody else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.chaos.attacks import BOTH, decision
from tests.chaos.besieged import Besieged, Gate
from tests.chaos.forging import Attack, How
from tests.year.impostors import BelievesForgedFacts, EndsAtOnce
from tests.year.live import until
from worker.installation import wall_clock
from worker.keyring import Keyring
from worker.plugin import forsvarlig_plugin
from workflows.messages import Advanced, AdvanceRequest, CycleInput, Recorded
from workflows.rules.events import Fact, StepClosed
from workflows.rules.terms import Refusal

FLOOD = 10_001 if os.environ.get("FORSVARLIG_NIGHTLY") == "1" else 300
"""The server takes 10,000 signals in a run."""


def command(*arguments: str) -> How:
    """`temporal workflow …` about the year."""

    async def how(here: Besieged, gate: Gate) -> int:
        await here.temporal(*arguments, "--workflow-id", here.unit)
        await _until_the_server_has_done_it(here)
        return 0

    return how


async def _until_the_server_has_done_it(here: Besieged) -> None:
    async def over() -> bool:
        try:
            return (await here.live.handle(here.unit).describe()).close_time is not None
        except RPCError:
            return True

    await until(over)


async def _turned_back(here: Besieged, gate: Gate) -> int:
    events = await here.live.events(here.unit)
    done = next(e for e in events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
    run = (await here.live.handle(here.unit).describe()).run_id
    await here.live.stranger.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace="default",
            workflow_execution=WorkflowExecution(workflow_id=here.unit, run_id=run),
            reason="x",
            workflow_task_finish_event_id=done.event_id,
            request_id=str(uuid4()),
        )
    )
    return 0


# --- others who answer ------------------------------------------------------------------------------


def _accepting(here: Besieged, gate: Gate) -> Callable[..., Awaitable[Advanced]]:
    """The recording activity, which answers that both have approved and that the step is closed."""
    now = wall_clock()
    closed = Fact(
        id="forged", employer=here.live.employer, cycle=gate.cycle, step=gate.step, concerns=now, recorded=now,
        body=StepClosed(document=gate.document, version=gate.version, late=False),
    )  # fmt: skip
    facts = [*(decision(here, gate, *said) for said in BOTH), closed]

    @activity.defn(name="advance")
    async def advance(request: AdvanceRequest) -> Advanced:
        recorded = tuple(Recorded(seq=10**6 + n, fact=fact) for n, fact in enumerate(facts))
        return Advanced(facts=recorded, next_moment=None, closed=False, request=request.digest)

    return advance


def impostor(workflow: type, written: EventType.ValueType) -> How:
    """Another worker polls our queue while ours is away, until it has written such an event."""

    async def how(here: Besieged, gate: Gate) -> int:
        await here.stop_work()
        await here.temporal("terminate", "--workflow-id", here.unit)
        await _started_again(here)
        stranger = await Client.connect(here.live.address, data_converter=pydantic_data_converter)
        async with Worker(
            stranger,
            task_queue=here.live.task_queue,
            workflows=[workflow],
            activities=[_accepting(here, gate)],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):

            async def has_written() -> bool:
                return any(e.event_type == written for e in await here.live.events(here.unit))

            await until(has_written)
        await here.go_to_work()
        return 0

    return how


async def _started_again(here: Besieged) -> None:
    database = here.live.installation.database
    async with database.write(here.live.employer) as tx:
        await tx.ring(here.unit, f"{here.unit}#rung {here.nonce()}", wall_clock())
    await here.live.installation.outbox(here.live.client).run_once()


def replaced(*args: Any, workflow: str = "UnitYear", task_queue: str | None = None) -> How:
    """The run is ended, and another one begun under its id."""

    async def how(here: Besieged, gate: Gate) -> int:
        await here.temporal("terminate", "--workflow-id", here.unit)
        return await squatting(*args, workflow=workflow, task_queue=task_queue)(here, gate)

    return how


async def _other_keys(here: Besieged, gate: Gate) -> int:
    """A worker with our code and keys of its own takes up our run before we do."""
    await here.stop_work()
    await here.temporal("terminate", "--workflow-id", here.unit)
    await _started_again(here)
    keyring = Keyring(here.live.installation.settings.state / "others-keys")
    other = await Client.connect(here.live.address, plugins=[forsvarlig_plugin((), keyring=keyring)])
    activities = [here.live.installation.cycles.advance]
    async with Worker(other, task_queue=here.live.task_queue, activities=activities):

        async def taken_up() -> bool:
            done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
            return any(e.event_type == done for e in await here.live.events(here.unit))

        await until(taken_up)
    await here.go_to_work()
    return 0


# --- very much --------------------------------------------------------------------------------------


async def _flooded(here: Besieged, gate: Gate) -> int:
    """As many signals as the attacker gets rid of, two hundred at a time; what the server refuses, again."""

    async def one(number: int) -> bool:
        for _ in range(100):
            try:
                await here.by_rpc(b"%d" % number, name=f"flood{number}")
            except RPCError:
                await asyncio.sleep(0.1)
            else:
                return True
        return False

    taken = 0
    for start in range(0, FLOOD, 200):
        taken += sum(await asyncio.gather(*(one(n) for n in range(start, min(FLOOD, start + 200)))))
    return taken


RUNS = (
    Attack("the run terminated", command("terminate"), None),
    Attack("the run cancelled", command("cancel"), None),
    Attack("the run deleted", command("delete", "--yes"), None),
    Attack("the run turned back to its first task", _turned_back, None),
    Attack("a worker that answers the recording activity with accepted answers",
           impostor(BelievesForgedFacts, EventType.EVENT_TYPE_MARKER_RECORDED), None),
    Attack("a worker that says the year is over",
           impostor(EndsAtOnce, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED), None),
    Attack("a worker with our code and other keys", _other_keys, None),
)  # fmt: skip

REPLACED = (
    Attack(
        "another run in its place, on another queue", lambda h, g: replaced(task_queue="nobody")(h, g), None
    ),
    Attack("another workflow in its place", lambda h, g: replaced(workflow="Something")(h, g), None),
    Attack("another run in its place, with junk", lambda h, g: replaced("a")(h, g), None),
    Attack(
        "another run in its place, that our code cannot begin", lambda h, g: replaced("a", "b")(h, g), None
    ),
)


FLOODED = Attack("a flood of signals that there are not", _flooded, Refusal.UNKNOWN_SIGNAL)


# --- begun by somebody else -------------------------------------------------------------------------


def squatting(*args: Any, workflow: str = "UnitYear", task_queue: str | None = None) -> How:
    """A run begun under the id of a year that nobody has opened yet."""

    async def how(here: Besieged, gate: Gate) -> int:
        stranger = await Client.connect(here.live.address, data_converter=pydantic_data_converter)
        given = [a(here) if callable(a) else a for a in args]
        await stranger.start_workflow(
            workflow, args=given, id=here.unit, task_queue=task_queue or here.live.task_queue
        )
        return 0

    return how


BEGUN = (
    Attack("with an input like ours, a year ahead",
           squatting(lambda here: CycleInput(cycle=here.unit, shift=timedelta(days=400), sealed=True)), None),
    Attack("with another cycle's input", squatting(CycleInput(cycle="year/other/2027")), None),
    Attack("with junk", squatting("junk"), None),
    Attack("as another workflow", squatting(workflow="Something"), None),
    Attack("on another queue", squatting(task_queue="nobody"), None),
)  # fmt: skip
