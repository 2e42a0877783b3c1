"""The archive of histories: what Temporal forgets when its retention is over is exported in time, and recorded.

The history of every run of a cycle is exported when the year is closed, and once a week while it is open; so is
what a Schedule has done, which opens years and erases. The file is on the disk before the fact names its hash, so
that a fact never promises what is not there; a file without its fact is found and recorded by the next sweep.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.history_files import Events, is_closed, keep, pack, place, run_before, version_of
from activities.store.database import Database
from activities.store.histories import Due, Exported, due, exported
from workflows.rules.events import Fact
from workflows.rules.record_facts import HistoryExported
from workflows.rules.scheduled import ScheduledRef

WEEK: Final = timedelta(days=7)
"""How often the history of an open year is exported."""

LEAST_RETENTION: Final = timedelta(days=8)
"""A namespace that keeps closed runs for less may drop one before it is exported: runs are looked for weekly."""

EVERY: Final = timedelta(minutes=1)
LATER: Final = timedelta(hours=1)
"""When a history that the server could not give is asked for again."""

RECENTLY: Final = timedelta(days=1)
"""Years that were closed longer ago are looked for once an hour, in case they were not exported then."""

SCHEDULED_EVERY: Final = timedelta(minutes=10)
"""How often the server is asked what the Schedules have done: one question, a few runs a year."""

MOST_SCHEDULED: Final = 200
"""Such runs that are exported at a time; anybody can start some, and the years come first."""

RPC_LIMIT: Final = timedelta(seconds=30)

_OF_THIS_ONE: Final = {
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.DATA_LOSS,
}
"""Refusals that are about one history; after any other error the server is left alone until the next sweep."""

_SCHEDULED: Final = "WorkflowType IN ('Opener', 'Retention')"

log = structlog.get_logger(__name__)


class Run(NamedTuple):
    """A run of a workflow, by the ids of both."""

    workflow: str
    run: str | None
    """None when nothing tells which runs there were."""


class Swept(NamedTuple):
    """What a sweep did."""

    exported: tuple[Exported, ...]
    gone: tuple[Run, ...]
    """Runs that the server no longer has, and that were not exported before. Each is told once by a `Histories`."""
    waiting: tuple[str, ...]
    """Closed cycles whose run has not come to its end."""
    not_given: tuple[str, ...] = ()
    """Cycles whose history the server has and could not give; they are asked for again in an hour."""


class Histories:
    """Exports the histories of a database's cycles to `folder`. Several on one folder do no harm.

    `clock` is the installation's: virtual in a rehearsal.
    """

    def __init__(
        self, database: Database, client: Client, folder: Path, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._client = client
        self._folder = folder
        self._clock = clock
        self._not_before: dict[str, datetime] = {}
        self._gone: set[Run] = set()
        self._all_again = _EVER
        self._scheduled_again = _EVER

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep every minute until `stop` is set; what goes wrong is logged, and tried again."""
        while not stop.is_set():
            try:
                self._log(await self.sweep(stop=stop))
            except Exception as error:  # an archive that ends would lose what nobody notices for years
                log.warning("archive_waits", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY.total_seconds())

    async def sweep(self, *, also_open: bool = False, stop: asyncio.Event | None = None) -> Swept:
        """Export what is due: what has ended, and what runs and was not exported for a week.

        With `also_open` everything that runs, whenever it was exported. `StoreError`, `RPCError` or `OSError`
        when the database, the server or the folder cannot be used; what was exported until then stays. It leaves
        off between two cycles when `stop` is set.
        """
        now = self._clock()
        async with self._database.read() as reader:
            found = await due(reader, now if also_open else now - WEEK, self._closed_since(now))
        out, gone, waiting, refused = list[Exported](), list[Run](), list[str](), list[str]()
        for cycle in found:
            if stop is not None and stop.is_set():
                break
            if not also_open and self._not_before.get(cycle.id, now) > now:
                continue
            try:
                done = await self._export(cycle, now)
            except RPCError as error:
                if error.status not in _OF_THIS_ONE:
                    raise
                self._not_before[cycle.id] = now + LATER
                refused.append(cycle.id)
                continue
            out += done.exported
            gone += done.gone
            waiting += done.waiting
        if waiting:
            self._all_again = _EVER
        if also_open or now >= self._scheduled_again:
            await self._sweep_scheduled(now, also_open, stop, out, refused)
        return Swept(tuple(out), tuple(gone), tuple(waiting), tuple(refused))

    async def _sweep_scheduled(
        self,
        now: datetime,
        also_open: bool,
        stop: asyncio.Event | None,
        out: list[Exported],
        refused: list[str],
    ) -> None:
        """Export what the Schedules have started, each run for itself."""
        async with self._database.read() as reader:
            employers = {row.id for row in await reader.employers()}
        found = [run async for run in self._client.list_workflows(_SCHEDULED, rpc_timeout=RPC_LIMIT)]
        mine = [
            (ref, run)
            for run in found
            if (ref := ScheduledRef.find(run.id)) is not None
            and ref.employer in employers
            and (also_open or self._not_before.get(run.run_id, now) <= now)
        ]
        for number, (ref, run) in enumerate(mine):
            if (number >= MOST_SCHEDULED and not also_open) or (stop is not None and stop.is_set()):
                return
            try:
                out += await self._export_scheduled(ref, run.run_id, now, also_open)
            except RPCError as error:
                if error.status not in _OF_THIS_ONE:
                    raise
                self._not_before[run.run_id] = now + LATER
                refused.append(run.id)
        self._scheduled_again = now + SCHEDULED_EVERY

    def _log(self, swept: Swept) -> None:
        if swept.exported:
            log.info("histories_exported", count=len(swept.exported))
        if swept.gone:
            log.warning("histories_gone", runs=len(swept.gone), first=swept.gone[0].workflow)
        if swept.not_given:
            log.warning("histories_not_given", cycles=len(swept.not_given), first=swept.not_given[0])

    def _closed_since(self, now: datetime) -> datetime:
        """Once an hour all closed years are looked through, of which there are more every year."""
        if now < self._all_again:
            return now - RECENTLY
        self._all_again = now + LATER
        return _EVER

    async def settle(self, limit: timedelta) -> Swept:
        """Sweep until the end of every closed year is exported, or found to be gone, for at most `limit`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit.total_seconds()
        out, gone = list[Exported](), list[Run]()
        while True:
            swept = await self.sweep()
            out += swept.exported
            gone += swept.gone
            if not swept.waiting or loop.time() > deadline:
                return Swept(tuple(out), tuple(gone), swept.waiting, swept.not_given)
            await asyncio.sleep(0.1)

    async def _export(self, cycle: Due, now: datetime) -> Swept:
        runs = await self._runs(cycle.id)
        if not runs:
            if cycle.state == "running":  # it waits to be started, or to be started again
                return _NOTHING
            # It will not come back; a closed year is not looked for again by this process.
            self._not_before[cycle.id] = _NEVER
            return Swept((), self._told([Run(cycle.id, None)]), ())
        if cycle.state == "closed" and runs[-1].status is WorkflowExecutionStatus.RUNNING:
            if not any(_came_to_its_end(run) for run in runs):
                return Swept((), (), (cycle.id,))
            # Anybody can start another run under the id, and it may never end.
            runs.pop()
        newest = runs[-1]
        async with self._database.read() as reader:
            before = await exported(reader, employer=cycle.employer, workflow=cycle.id)
        ended = {export.run for export in before if export.closed}
        facts, gone = list[Fact](), list[Run]()
        wanted = [run.run_id for run in runs if run.run_id not in ended or run is newest]
        known = {run.run_id for run in runs} | {export.run for export in before}
        while wanted:
            run = wanted.pop()
            events = await self._events(cycle.id, run)
            if events is None:
                if run not in {export.run for export in before}:
                    gone.append(Run(cycle.id, run))
                continue
            if (earlier := run_before(events)) is not None and earlier not in known:
                known.add(earlier)
                wanted.append(earlier)
            facts.insert(0, await self._kept(cycle.employer, cycle.id, run, events, now))
        # Also when there was nothing new, of which no fact tells.
        self._not_before[cycle.id] = now + WEEK if cycle.state == "running" else _NEVER
        # All runs in one transaction, the newest last: it tells that nothing of the cycle is left to export.
        new = await self._recorded(cycle.employer, cycle.id, facts)
        return Swept(tuple(new), self._told(gone), ())

    async def _export_scheduled(
        self, ref: ScheduledRef, run: str, now: datetime, also_open: bool
    ) -> list[Exported]:
        """The export of a run that a Schedule started; none when it was exported to its end, or this week."""
        async with self._database.read() as reader:
            rows = await exported(reader, employer=ref.employer, workflow=ref.id)
        before = [row for row in rows if row.run == run]
        if any(row.closed for row in before):
            self._not_before[run] = _NEVER
            return []
        last = max((row.recorded for row in before), default=_EVER)
        events = await self._events(ref.id, run) if also_open or last <= now - WEEK else None
        if events is None:
            return []
        new = await self._recorded(
            ref.employer, ref.id, [await self._kept(ref.employer, ref.id, run, events, now)]
        )
        self._not_before[run] = _NEVER if is_closed(events) else now + WEEK
        return new

    async def _recorded(self, employer: str, workflow: str, facts: Sequence[Fact]) -> list[Exported]:
        async with self._database.write(employer) as tx:
            new = {seq for seq, _ in await tx.append(facts)}
            rows = await exported(tx, employer=employer, workflow=workflow)
        self._remove_replaced(rows)
        return [row for row in rows if row.seq in new]

    def _remove_replaced(self, rows: Iterable[Exported]) -> None:
        """A file of a run whose beginning a longer one repeats: a year would leave fifty of them."""
        for row in rows:
            if replaced_by(row, rows) is not None:
                with contextlib.suppress(OSError):
                    file_of(self._folder, row).unlink(missing_ok=True)

    async def _kept(self, employer: str, workflow: str, run: str, events: Events, now: datetime) -> Fact:
        """The file of a run, put in its place, and the fact that names it."""
        file = place(self._folder, employer, workflow, run, len(events))
        content = await asyncio.to_thread(lambda: keep(file, pack(events)))
        return Fact(
            id=f"{workflow}#history {run} {len(events)}",
            employer=employer,
            concerns=now,
            recorded=now,
            body=HistoryExported(
                workflow=workflow,
                run=run,
                events=len(events),
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
                closed=is_closed(events),
                version=version_of(events) or version("forsvarlig"),
            ),
        )

    async def _runs(self, workflow: str) -> list[WorkflowExecution]:
        """The runs that the server has, oldest first. Its list may be behind, but the newest run is never missed."""
        try:
            newest = await self._client.get_workflow_handle(workflow).describe(rpc_timeout=RPC_LIMIT)
        except RPCError as error:
            if is_gone(error):
                return []
            raise
        listed = self._client.list_workflows(f"WorkflowId = '{workflow}'", rpc_timeout=RPC_LIMIT)
        others = [run async for run in listed if run.run_id != newest.run_id]
        return [*sorted(others, key=lambda run: run.start_time), newest]

    async def _events(self, workflow: str, run: str) -> Events | None:
        handle = self._client.get_workflow_handle(workflow, run_id=run)
        try:
            return (await handle.fetch_history(rpc_timeout=RPC_LIMIT)).events
        except RPCError as error:
            if is_gone(error):
                return None
            raise

    def _told(self, gone: list[Run]) -> tuple[Run, ...]:
        new = tuple(run for run in gone if run not in self._gone)
        self._gone |= set(new)
        return new


def _came_to_its_end(run: WorkflowExecution) -> bool:
    """Whether it is the run of a year that ended by itself, as it does when the year is closed."""
    ours = run.workflow_type in ("EmployerYear", "UnitYear")
    return ours and run.status is WorkflowExecutionStatus.COMPLETED


def file_of(folder: Path, row: Exported) -> Path:
    """Where under `folder` the file of an export is."""
    return place(folder, row.employer, row.workflow, row.run, row.events)


def replaced_by(row: Exported, rows: Iterable[Exported]) -> Exported | None:
    """The longest export of the same run, if there is a longer one: its file begins with what this one held."""
    longest = max(
        (other for other in rows if (other.employer, other.run) == (row.employer, row.run)),
        key=lambda other: other.events,
        default=row,
    )
    return longest if longest.events > row.events else None


_NOTHING = Swept((), (), ())
_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


def is_gone(error: RPCError) -> bool:
    """Whether the server says that it has no such run; a namespace that is not there is another matter."""
    return error.status is RPCStatusCode.NOT_FOUND and any(
        detail.Is(NotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details
    )
