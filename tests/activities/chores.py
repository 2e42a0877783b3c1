"""Runs under the ids of cycles that do nothing but end when they are told: what is exported is the server's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio import workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.histories import Histories
from activities.store.database import Database
from activities.store.histories import Exported, exported
from activities.store.rows import CycleRow, EmployerRow
from workflows.rules.events import CycleClosed, Fact
from workflows.rules.terms import CycleRef

NEW_YEAR = datetime(2027, 1, 4, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@workflow.defn(name="UnitYear")
class Chore:
    """Ends when it is told, or goes on in a fresh run so many times."""

    def __init__(self) -> None:
        self._told = 0

    @workflow.run
    async def run(self, fresh_runs: int) -> None:
        await workflow.wait_condition(lambda: self._told > 0)
        if fresh_runs:
            workflow.continue_as_new(fresh_runs - 1)

    @workflow.signal
    def end(self) -> None:
        self._told += 1

    @workflow.signal
    def nod(self) -> None:
        """Something happens."""

    @workflow.query
    def is_told(self) -> bool:
        return self._told > 0


@workflow.defn(name="Opener")
class ScheduledChore:
    """What a Schedule would have started: ends when it is told."""

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._told)

    @workflow.signal
    def end(self) -> None:
        self._told = True

    @workflow.signal
    def nod(self) -> None:
        """Something happens."""

    @workflow.query
    def is_told(self) -> bool:
        return self._told


class Shed:
    """An employer whose cycles are chores, with its database, its archive and its clock."""

    def __init__(self, employer: str, database: Database, client: Client, folder: Path) -> None:
        self.employer = employer
        self.database = database
        self.client = client
        self.folder = folder
        self.now = NEW_YEAR
        self.archive = self.another_archive()

    def another_archive(self) -> Histories:
        return Histories(self.database, self.client, self.folder, lambda: self.now)

    async def begins(self, unit: str, *, fresh_runs: int = 0) -> WorkflowHandle[Chore, None]:
        """A unit's year: its row, and its run."""
        return await self.runs(await self.is_planned(unit), fresh_runs=fresh_runs)

    async def is_planned(self, unit: str) -> str:
        """A unit's year of which the server has no run; its id."""
        ref = CycleRef(employer=self.employer, unit=unit, year=2027)
        row = CycleRow(
            id=ref.id, employer=self.employer, unit=unit, year=2027, programme="0" * 64, law="0" * 64,
            organisation="0" * 64, profile="small", state="running", started=self.now,
        )  # fmt: skip
        async with self.database.write(self.employer) as tx:
            await tx.put_cycle(row)
        return ref.id

    async def runs(self, cycle: str, *, fresh_runs: int = 0) -> WorkflowHandle[Chore, None]:
        """A run under the cycle's id, awake."""
        handle = await self.client.start_workflow(Chore.run, fresh_runs, id=cycle, task_queue=self.employer)
        await self.nods(handle)
        return handle

    async def nods(self, handle: WorkflowHandle[Chore, None]) -> None:
        """Something happens in the run, and it has answered."""
        await handle.signal(Chore.nod)
        await handle.query(Chore.is_told)

    async def is_scheduled(self, id: str) -> WorkflowHandle[ScheduledChore, None]:
        """A run as a Schedule starts it, awake, and in the server's list of runs."""
        handle = await self.client.start_workflow(ScheduledChore.run, id=id, task_queue=self.employer)
        await handle.query(ScheduledChore.is_told)
        await self.is_listed(f"WorkflowId = '{id}'")
        return handle

    async def is_listed(self, query: str) -> None:
        """The server's list of runs, which is a little behind, has one."""
        while not [run async for run in self.client.list_workflows(query)]:
            await asyncio.sleep(0.05)

    async def closes(self, cycle: str) -> None:
        """The year is closed in the ledger, whatever its run does."""
        fact = Fact(
            id=f"{cycle}#closed", employer=self.employer, cycle=cycle, concerns=self.now, recorded=self.now,
            body=CycleClosed(closed=0, left_open=0, withdrawn=0),
        )  # fmt: skip
        async with self.database.write(self.employer) as tx:
            await tx.append([fact])
            await tx.update_cycle(cycle, state="closed", closed=self.now)

    async def ends(self, handle: WorkflowHandle[Chore, None]) -> None:
        """The run comes to its end."""
        await handle.signal(Chore.end)
        await handle.result()

    async def forgets(self, cycle: str, run: str) -> None:
        """The server's retention is over for a run."""
        await self.client.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(
                namespace=self.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=cycle, run_id=run),
            )
        )

    async def exports(self) -> list[Exported]:
        async with self.database.read() as reader:
            return await exported(reader, employer=self.employer)

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


@asynccontextmanager
async def shed(employer: str, address: str, home: Path) -> AsyncIterator[Shed]:
    """A shed with its worker, whose build is one of ours."""
    database = Database(f"sqlite:///{home / 'forsvarlig.db'}")
    await database.upgrade()
    row = EmployerRow(id=employer, org_number="923609016", name="Skjul AS", mode="real", created=NEW_YEAR)
    async with database.write(employer) as tx:
        await tx.put_employer(row)
    client = await Client.connect(address)
    async with Worker(
        client,
        task_queue=employer,
        workflows=[Chore, ScheduledChore],
        workflow_runner=UnsandboxedWorkflowRunner(),
        build_id="forsvarlig-0.2.9",
    ):
        yield Shed(employer, database, client, home / "histories")
    await database.close()


async def sweep_once(url: str, address: str, folder: str) -> None:
    """One sweep in a process of its own: `python -m tests.activities.chores URL ADDRESS FOLDER`."""
    database = Database(url)
    client = await Client.connect(address)
    await Histories(database, client, Path(folder), lambda: NEW_YEAR).sweep()
    await database.close()


if __name__ == "__main__":
    asyncio.run(sweep_once(*sys.argv[1:]))
