"""Whoever reaches Temporal can end runs, start others and answer for us. The ledger holds, and the year goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import (
    ScheduleActionExecutionStartWorkflow,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import activities.cycles
from activities.cycles import open_year
from activities.documents import Documents
from activities.overdue import GRACE, ring_overdue
from tests.replay.variants import UnchangedYear
from tests.rules.employers import law, programme
from tests.year.impostors import BelievesForgedFacts, EndsAtOnce, Liar, Spoiler, forged_advance
from tests.year.live import YEAR, Live, begin, february, installed, row, running, until
from tests.year.test_junk_signals import as_json, refused
from worker.engine_program import temporal_binary
from worker.installation import wall_clock
from worker.schedule import keep_schedules, opener_id
from worker.serving import STICKY, make_worker, serving
from workflows.messages import AdvanceRequest, CycleInput, OpenerInput
from workflows.opener import Opener
from workflows.rules.events import EvidenceSubmitted, Fact, RunStartedAgain
from workflows.rules.standing import Standing, fold
from workflows.rules.statement import Authentication, File, Statement
from workflows.rules.terms import Refusal, year_cycle


@pytest.fixture
def address(virtual: WorkflowEnvironment) -> str:
    return virtual.client.service_client.config.target_host


@pytest.fixture
async def live(address: str, tmp_path: Path) -> AsyncIterator[Live]:
    async with running(address, tmp_path) as live:
        yield live


@pytest.fixture
async def prepared(address: str, tmp_path: Path) -> AsyncIterator[Live]:
    """An employer whose worker does not work yet."""
    async with installed(address, tmp_path) as live:
        yield live
        await live.end()


async def knows_the_ledger(live: Live, cycle: str) -> None:
    await live.has_heard_everything(cycle, 20)
    standing = await live.handle(cycle).query("standing", result_type=Standing)
    assert standing == fold(fact for _, fact in await live.facts(cycle))
    assert standing.closed_at is None


async def restarts(live: Live, cycle: str) -> list[Fact]:
    return [fact for _, fact in await live.facts(cycle) if isinstance(fact.body, RunStartedAgain)]


# --- runs that end ----------------------------------------------------------------------------------


async def terminated(live: Live) -> None:
    await live.stranger.get_workflow_handle(live.unit).terminate()


async def cancelled(live: Live) -> None:
    handle = live.stranger.get_workflow_handle(live.unit)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()


async def deleted(live: Live) -> None:
    execution = WorkflowExecution(workflow_id=live.unit)
    await live.stranger.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(namespace="default", workflow_execution=execution)
    )
    handle = live.stranger.get_workflow_handle(live.unit)

    async def gone() -> bool:
        try:
            await handle.describe()
        except RPCError:
            return True
        return False

    await until(gone)


@pytest.mark.parametrize("end", [terminated, cancelled, deleted])
async def test_a_run_that_somebody_ended_comes_back_at_the_next_bell_and_that_is_recorded_once(
    live: Live, end: Callable[[Live], Awaitable[None]]
) -> None:
    before = (await live.handle(live.unit).describe()).run_id
    await end(live)
    await knows_the_ledger_again(live)
    assert (await live.handle(live.unit).describe()).run_id != before
    assert len(await restarts(live, live.unit)) == 1
    await live.has_heard_everything(live.unit)
    assert len(await restarts(live, live.unit)) == 1


async def knows_the_ledger_again(live: Live) -> None:
    """As `knows_the_ledger`, of a run that is not there until the bell has rung."""
    await live.ring(live.unit)

    async def back() -> bool:
        run = await live.handle(live.unit).describe()
        return run.status is WorkflowExecutionStatus.RUNNING and bool(await restarts(live, live.unit))

    await until(patiently(back))
    await knows_the_ledger(live, live.unit)


def patiently(ask: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    """What the server does not know yet is not so yet."""

    async def asked() -> bool:
        try:
            return await ask()
        except RPCError:
            return False

    return asked


async def test_a_year_that_misses_its_moment_is_rung_once_for_it(live: Live) -> None:
    found, database = await row(live, live.unit), live.installation.database
    later = found.next_moment + GRACE + timedelta(seconds=1)
    assert live.unit not in await ring_overdue(database, found.next_moment + GRACE)
    assert live.unit in await ring_overdue(database, later)
    assert await ring_overdue(database, later) == []


# --- runs that somebody else began ------------------------------------------------------------------

SQUATTERS: dict[str, dict[str, Any]] = {
    "a plausible input": {"args": [CycleInput(cycle="its own", shift=timedelta(days=400))]},
    "an input that says it is sealed": {"args": [CycleInput(cycle="its own", sealed=True)]},
    "another cycle's input": {"args": [CycleInput(cycle="year/other/2027")]},
    "junk": {"args": ["junk"]},
    "nothing": {"args": []},
    "another type": {"args": [], "workflow": "Something"},
    "another queue": {"args": [], "task_queue": "nobody-works-here"},
}


@pytest.mark.parametrize("kind", SQUATTERS)
async def test_a_run_that_somebody_began_under_a_years_id_does_not_stand_in_its_way(
    prepared: Live, kind: str
) -> None:
    live, squatter = prepared, SQUATTERS[kind]
    args = [
        arg.model_copy(update={"cycle": live.unit}) if getattr(arg, "cycle", "") == "its own" else arg
        for arg in squatter["args"]
    ]
    stranger = await type(live.stranger).connect(live.address, data_converter=pydantic_data_converter)
    await stranger.start_workflow(
        squatter.get("workflow", "UnitYear"),
        args=args,
        id=live.unit,
        task_queue=squatter.get("task_queue", live.task_queue),
    )
    async with serving(live.installation, live.client):
        await begin(live)
        await knows_the_ledger(live, live.unit)
        assert await live.handle(live.unit).query("shift", result_type=timedelta) < timedelta(days=399)
        history = await live.events(live.unit)
        [payload] = history[0].workflow_execution_started_event_attributes.input.payloads
        assert payload.metadata["encoding"] == b"binary/forsvarlig-1"


async def test_a_run_under_an_id_that_is_no_year_ends_with_an_error(live: Live) -> None:
    handle = await live.stranger.start_workflow("UnitYear", id="no/year", task_queue=live.task_queue)
    with pytest.raises(WorkflowFailureError):
        await handle.result()


# --- others who answer for us -----------------------------------------------------------------------


async def opened_without_a_worker(live: Live) -> None:
    """The year is open in the ledger, and the unit's too; no workflow has done anything yet."""
    await open_year(live.installation.database, live.employer, YEAR, programme(), law(), february())
    await live.installation.cycles.advance(AdvanceRequest(cycle=live.year, now=february(), since=0))


async def started_without_a_worker(live: Live) -> None:
    await opened_without_a_worker(live)
    await live.installation.outbox(live.client).run_once()


async def test_facts_that_an_impostor_wrote_into_the_history_are_not_believed(prepared: Live) -> None:
    live = prepared
    await started_without_a_worker(live)
    handle = live.stranger.get_workflow_handle(live.unit)
    stranger = await type(live.stranger).connect(live.address, data_converter=pydantic_data_converter)
    async with Worker(
        stranger,
        task_queue=live.task_queue,
        workflows=[BelievesForgedFacts],
        activities=[forged_advance],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):

        async def written() -> bool:
            events = (await handle.fetch_history()).events
            return any(e.HasField("marker_recorded_event_attributes") for e in events)

        await until(written)
    async with serving(live.installation, live.client):
        await begin_again(live)
        await knows_the_ledger(live, live.unit)
        assert all(fact.id != "forged" for _, fact in await live.facts(live.unit))
        await live.never_stuck(live.unit)


async def test_a_year_that_an_impostor_ended_comes_back(prepared: Live) -> None:
    live = prepared
    await started_without_a_worker(live)
    stranger = await type(live.stranger).connect(live.address)
    async with Worker(
        stranger,
        task_queue=live.task_queue,
        workflows=[EndsAtOnce],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        assert await live.stranger.get_workflow_handle(live.unit).result() == "over"
    async with serving(live.installation, live.client):
        await begin_again(live)
        await knows_the_ledger(live, live.unit)
        assert len(await restarts(live, live.unit)) == 1


async def begin_again(live: Live) -> None:
    """Ring, and return when the unit's year is under way."""
    await live.ring(live.unit)

    async def under_way() -> bool:
        found = await row(live, live.unit)
        return found is not None and found.next_moment is not None

    await until(under_way)


@pytest.mark.parametrize("impostor", [Liar(), Spoiler()])
async def test_the_opener_asks_until_its_own_worker_has_opened_the_year(live: Live, impostor: Liar) -> None:
    outsiders = Worker(live.stranger, task_queue="opening", activities=[impostor.start_year])
    ours = Worker(
        live.client,
        task_queue="opening",
        no_remote_activities=True,
        sticky_queue_schedule_to_start_timeout=STICKY,
    )
    async with ours:
        handle = await live.client.start_workflow(
            Opener.run,
            OpenerInput(employer=live.employer, year=YEAR + 1, sealed=True),
            id=f"{opener_id(live.employer)}-2027-12-01T07:00:00Z",
            task_queue="opening",
        )
        async with outsiders:

            async def deceived() -> bool:
                return impostor.asked >= 1

            await until(deceived)
        assert await row(live, year_cycle(live.employer, YEAR + 1)) is None
    async with make_worker(live.client, "opening"):
        assert await handle.result() == year_cycle(live.employer, YEAR + 1)
    assert await row(live, year_cycle(live.employer, YEAR + 1)) is not None
    await live.handle(year_cycle(live.employer, YEAR + 1)).terminate()


async def test_the_schedule_starts_an_opener_that_reads_its_sealed_input(live: Live) -> None:
    await keep_schedules(live.client, [live.employer], live.task_queue)
    schedule = live.client.get_schedule_handle(opener_id(live.employer))
    await schedule.trigger()

    async def fired() -> bool:
        return bool((await schedule.describe()).info.recent_actions)

    await until(fired)
    [fired_now] = (await schedule.describe()).info.recent_actions
    assert isinstance(fired_now.action, ScheduleActionExecutionStartWorkflow)
    id = fired_now.action.workflow_id
    assert id.startswith(f"{opener_id(live.employer)}-")
    await schedule.delete()
    result = await live.client.get_workflow_handle(id, result_type=str).result()
    assert result == year_cycle(live.employer, wall_clock().year + 1)
    await live.never_stuck(id)
    if result != live.year:
        await live.handle(result).terminate()


# --- long years -------------------------------------------------------------------------------------


async def test_a_ledger_that_is_too_long_for_one_answer_is_read_in_parts(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activities.cycles, "FACTS_TOGETHER", 2)
    async with running(address, tmp_path) as live:
        assert len(await live.facts(live.year)) > 4
        await knows_the_ledger(live, live.year)
        await knows_the_ledger(live, live.unit)


# --- statements by signal ---------------------------------------------------------------------------


async def _was_refused(live: Live, cycle: str) -> bool:
    return bool(await live.refusals(cycle))


async def test_a_signed_statement_sent_by_temporals_own_command_line_counts_once(live: Live) -> None:
    async with live.installation.database.read() as reader:
        task = next(r for r in await reader.inbox(employer=live.employer) if r.what == "evidence")
    async with live.installation.database.write(live.employer) as tx:
        content = Documents(live.installation.settings.documents)
        document = await content.put(b"# Status", "text/markdown", "status.md", february(), tx)
    statement = Statement(
        employer=live.employer, cycle=task.cycle, step=task.step, actor=task.person, act=File(document=document.hash),
        nonce="by-signal", issued=february().replace(microsecond=0),
        expires=february().replace(microsecond=0) + timedelta(minutes=10),
        authentication=Authentication(method="desk"),
    )  # fmt: skip
    envelope = live.installation.signer.sign(statement).to_json()
    for _ in range(2):
        sent = await asyncio.create_subprocess_exec(
            *(str(temporal_binary()), "workflow", "signal", "--address", live.address),
            *("--workflow-id", task.cycle, "--name", "decide", "--input", envelope),
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await sent.wait() == 0
    await until(lambda: _was_refused(live, task.cycle))
    [filed] = [f for _, f in await live.facts(task.cycle) if isinstance(f.body, EvidenceSubmitted)]
    assert (filed.actor, filed.step) == (task.person, task.step)
    assert filed.via is not None
    assert filed.via.startswith("signal ")
    assert filed.signed is not None
    assert filed.signed.to_json() == envelope
    assert [body.reason for body in await live.refusals(task.cycle)] == [Refusal.REPLAYED]
    await knows_the_ledger(live, task.cycle)


# --- a year that runs when the version is upgraded --------------------------------------------------


async def test_a_year_that_began_before_the_keys_goes_on_and_records_what_comes(prepared: Live) -> None:
    live = prepared
    await opened_without_a_worker(live)
    plain = await type(live.stranger).connect(live.address, data_converter=pydantic_data_converter)
    started = await plain.start_workflow(
        "UnitYear",
        CycleInput(cycle=live.unit, shift=live.installation.shift()),
        id=live.unit,
        task_queue=live.task_queue,
    )
    async with Worker(
        plain,
        task_queue=live.task_queue,
        workflows=[UnchangedYear],
        activities=[live.installation.cycles.advance],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        await begin_again(live)
        await live.never_stuck(live.unit)
    async with serving(live.installation, live.client):
        await begin_again(live)
        await live.signal(live.unit, "unknown", as_json(1))
        await refused(live, 1)
        await knows_the_ledger(live, live.unit)
        await live.never_stuck(live.unit)
    assert (await live.handle(live.unit).describe()).run_id == started.first_execution_run_id
