"""The outbox: what a transaction left to be told outside the database, delivered at least once.

Everything here may be done twice without harm: a workflow is started under a fixed id, a bell only makes the
ledger be read, and a message has the same Message-ID each time. So a row is delivered first and marked
afterwards, and a crash between the two repeats it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import TypeVar

import structlog
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.ledger.heads import read_fingerprint
from activities.mail import HEAD, EmlFolder, Mailer, MailError
from activities.post import Composed, Done, Failure, Post, said, wait_after
from activities.situations import Situations
from activities.store import letters
from activities.store.checkpoints import AnchorRow, add_anchors
from activities.store.database import Database
from activities.store.rows import CHANNELS, Channel, OutboxRow
from workflows.messages import Bell, CycleInput
from workflows.rules.events import Fact, RunStartedAgain
from workflows.rules.notices import PATIENCE
from workflows.rules.terms import CycleRef

REFUSED_WAIT = timedelta(days=1)
"""Between two tries of a message that was refused for good: the address may have been mended meanwhile."""

REFUSED_TRIES = 7
"""After so many tries such a message is given up; it stays in the outbox with its error."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)

RPC_LIMIT = timedelta(seconds=10)

ENGINE: tuple[Channel, ...] = ("bell", "start")
MAIL: tuple[Channel, ...] = ("mail",)

_LOOK_AHEAD = 2000
"""Rows that are looked at in a turn."""


_MARKED_TOGETHER = 50
"""Deliveries that are marked in one transaction, where a repetition leaves no trace."""

EMPLOYER = SearchAttributeKey.for_keyword("Employer")
UNIT = SearchAttributeKey.for_keyword("Unit")
YEAR = SearchAttributeKey.for_int("Year")

T = TypeVar("T")

log = structlog.get_logger(__name__)


Turn = Callable[[Sequence[OutboxRow], asyncio.Event], Awaitable[int]]


class Outbox:
    """Delivers the outbox of one database. Several of them at once do no harm, and repeat some effects.

    `client` None leaves bells and starts to another dispatcher. `clock` is the time the rows are due by;
    `shift` is what a started cycle adds to the server's time (a rehearsal's; zero otherwise). `sender` is the
    From of every message. `search_attributes` False is for a namespace that does not have ours.
    """

    def __init__(
        self,
        database: Database,
        client: Client | None,
        mailer: Mailer,
        situations: Situations,
        clock: Callable[[], datetime],
        *,
        task_queue: str,
        sender: str,
        shift: Callable[[], timedelta] = timedelta,
        search_attributes: bool = True,
    ) -> None:
        self._database = database
        self._client = client
        self._mailer = mailer
        self._situations = situations
        self._clock = clock
        self._begun_rightly: set[str] = set()
        self._shift = shift
        self._task_queue = task_queue
        self._sender = sender
        self._search_attributes = search_attributes
        self._post = Post(database, situations, sender)

    async def run_once(self, limit: int = 200) -> int:
        """Deliver what is due now, at most `limit` rows, and answer how many were delivered.

        A row that cannot be delivered is put off and does not hold up the others. `StoreError` when the
        database cannot be used.
        """
        due = await self._due(limit, CHANNELS)
        return await self._engine_rows(due) + await self._mail_rows(due)

    async def run(self, stop: asyncio.Event, interval: float = 0.5) -> None:
        """Deliver until `stop` is set, looking every `interval` seconds; whatever is begun is finished.

        Bells and starts are looked for as soon as anybody has committed something, too. Mail has a turn of
        its own: a slow mail server delays no bell. What goes wrong is logged and tried again, ever more
        slowly while it goes on, up to five minutes.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(
                self._take_turns(self._engine_rows, ENGINE, stop, interval, self._database.glance)
            )
            group.create_task(self._take_turns(self._mail_rows, MAIL, stop, interval, interval))

    async def _take_turns(
        self,
        turn: Turn,
        channels: Collection[Channel],
        stop: asyncio.Event,
        interval: float,
        glance: float,
    ) -> None:
        failures = 0
        while not stop.is_set():
            try:
                mark = await self._database.mark() if glance < interval else None
                delivered = await turn(await self._due(_LOOK_AHEAD, channels), stop)
                failures = 0
                until = time.monotonic() + (0 if delivered else interval)
                while not stop.is_set() and (left := until - time.monotonic()) > 0:
                    await _pause(stop, min(left, glance))
                    if mark is not None and mark != await self._database.mark():
                        break
            except Exception as error:  # a dispatcher that ends would leave everybody waiting
                failures += 1
                pause = max(interval, wait_after(failures).total_seconds())
                log.warning("outbox.waits", error=said(error), seconds=pause, failures=failures)
                await _pause(stop, pause)

    async def _due(self, limit: int, channels: Collection[Channel]) -> list[OutboxRow]:
        async with self._database.read() as reader:
            return await reader.outbox_due(self._clock(), limit, channels)

    # --- bells and starts ---------------------------------------------------------------------------

    async def _engine_rows(self, due: Sequence[OutboxRow], stop: asyncio.Event | None = None) -> int:
        if self._client is None:
            return 0
        delivered = 0
        for rows in _parts([row for row in due if row.channel != "mail"], _MARKED_TOGETHER):
            if stop is not None and stop.is_set():
                break
            delivered += await self._mark([(row, await self._engine_row(self._client, row)) for row in rows])
        return delivered

    async def _engine_row(self, client: Client, row: OutboxRow) -> Done | Failure:
        try:
            if row.channel == "start":
                return await self._start(client, row)
            return await self._ring(client, row)
        except RPCError as error:
            return Failure(f"Temporal: {error.status.name}")
        except Exception as error:  # one row's fault must not hold up the others
            return Failure(f"{row.channel}: {said(error)}")

    async def _start(self, client: Client, row: OutboxRow) -> Done | Failure:
        if await self._run(client, row.target, WorkflowIDReusePolicy.REJECT_DUPLICATE):
            return Done()
        # Somebody else may have started it, and such a run makes way for one of ours when the bell rings.
        rung = await self._ring(client, row)
        return Done("started before") if rung == Done() else rung

    async def _ring(self, client: Client, row: OutboxRow) -> Done | Failure:
        async with self._database.read() as reader:
            found = await reader.fact(row.employer, row.key)
        bell = Bell(fact=row.key, statement=found[1].signed if found is not None else None)
        try:
            await client.get_workflow_handle(row.target).signal("ring", bell, rpc_timeout=RPC_LIMIT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and _is_about_the_workflow(error):
                return await self._start_again(client, row)
            raise
        return await self._heard(client, row)

    async def _heard(self, client: Client, row: OutboxRow) -> Done | Failure:
        """Whether the run that was rung is one that can hear it; one that cannot is replaced.

        Anybody can end a run and start another under its id: of another type or on another queue, which no worker
        of ours takes up, or with more inputs than our code can begin with. The server takes a bell for each.
        """
        run = await client.get_workflow_handle(row.target).describe(rpc_timeout=RPC_LIMIT)
        if run.status is not WorkflowExecutionStatus.RUNNING:
            return await self._start_again(client, row, run.run_id)
        right = (run.workflow_type, run.task_queue) == (_workflow_type(row.target), self._task_queue)
        if right and (run.run_id in self._begun_rightly or await _has_one_input(client, run)):
            self._begun_rightly.add(run.run_id)
            return Done()
        await client.get_workflow_handle(row.target, run_id=run.run_id).terminate(
            reason="not a run of this year", rpc_timeout=RPC_LIMIT
        )
        return await self._start_again(client, row, run.run_id)

    async def _start_again(self, client: Client, row: OutboxRow, ended: str | None = None) -> Done:
        """What runs no more, though its year is not over, is started again: it reads the ledger from the start.

        That is recorded before it is done, under the id of the run that ended: once, however often it is tried.
        """
        async with self._database.read() as reader:
            cycle = await reader.cycle(row.target)
        if cycle is None or cycle.state == "closed":
            return Done("no such workflow is running")
        now, ended = self._clock(), ended or await _last_run(client, cycle.id)
        gone = Fact(
            id=f"{cycle.id}#gone {ended or row.id}", employer=cycle.employer, cycle=cycle.id, concerns=now,
            recorded=now, body=RunStartedAgain(),
        )  # fmt: skip
        async with self._database.write(cycle.employer) as tx:
            await tx.append([gone])
        await self._run(client, cycle.id, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        return Done("started again")

    async def _run(self, client: Client, cycle: str, reuse: WorkflowIDReusePolicy) -> bool:
        """Start the cycle's workflow; False when the server knows one under its id that `reuse` leaves alone."""
        ref = CycleRef.parse(cycle)
        pairs: list[SearchAttributePair[str] | SearchAttributePair[int]] = [
            SearchAttributePair(EMPLOYER, ref.employer),
            SearchAttributePair(YEAR, ref.year),
        ]
        if ref.unit is not None:
            pairs.append(SearchAttributePair(UNIT, ref.unit))
        try:
            await client.start_workflow(
                _workflow_type(cycle),
                CycleInput(cycle=ref.id, shift=self._shift(), sealed=True),
                id=ref.id,
                task_queue=self._task_queue,
                id_reuse_policy=reuse,
                search_attributes=TypedSearchAttributes(pairs) if self._search_attributes else None,
                static_summary=f"{ref.unit or ref.employer} {ref.year}",
                rpc_timeout=RPC_LIMIT,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    # --- mail ---------------------------------------------------------------------------------------

    async def mail_of_days(self, employer: str, until: datetime) -> None:
        """Deliver an employer's mail up to `until` as if it were looked after at each moment of that time.

        For clocks that jump over days: each day's mail is a mail of its own then.
        """
        while True:
            async with self._database.read() as reader:
                moment = await letters.next_mail_moment(reader, employer)
                if moment is None or moment > until:
                    return
                now = moment + PATIENCE
                due = await letters.due(reader, employer, now)
            await self._deliver_mail(due, now)

    async def _mail_rows(self, due: Sequence[OutboxRow], stop: asyncio.Event | None = None) -> int:
        return await self._deliver_mail([row for row in due if row.channel == "mail"], self._clock(), stop)

    async def _deliver_mail(
        self, due: Sequence[OutboxRow], now: datetime, stop: asyncio.Event | None = None
    ) -> int:
        made, done = await self._post.gathered([r for r in due if letters.read_letter(r) is None], now)
        together = _MARKED_TOGETHER if self._mailer.repeatable else 1
        waiting = [*(row for row in due if letters.read_letter(row) is not None), *made]
        for rows in _parts(waiting, together):
            if stop is not None and stop.is_set():
                break
            mine = await self._post.claimed(rows, now)
            composed = await self._post.composed(mine, now)
            done += await self._mark([(row, await self._send(message)) for row, message in composed], now)
        return done

    async def _send(self, message: Composed) -> Done | Failure:
        if not isinstance(message, EmailMessage):
            return message
        try:
            await self._mailer.send(message)
        except MailError as error:
            return Failure(str(error), final=not error.transient)
        # What lies in a folder beside the database is outside of nothing.
        outside = not isinstance(self._mailer, EmlFolder)
        return Done(head=str(message[HEAD] or "") if outside else "")

    # --- afterwards ---------------------------------------------------------------------------------

    async def _mark(
        self, tried: Sequence[tuple[OutboxRow, Done | Failure]], at: datetime | None = None
    ) -> int:
        now = at or self._clock()
        for employer in dict.fromkeys(row.employer for row, _ in tried):
            async with self._database.write(employer) as tx:
                own = [(row, outcome) for row, outcome in tried if row.employer == employer]
                await tx.delivered([row.id for row, outcome in own if isinstance(outcome, Done)], now)
                await add_anchors(tx, employer, _heads_held(own, now))
                for row, outcome in own:
                    if isinstance(outcome, Failure):
                        await tx.failed(row.id, outcome.error, _next_try(row, outcome, now))
        for row, outcome in tried:
            if isinstance(outcome, Failure):
                tries, error = row.attempts + 1, outcome.error
                log.warning("outbox.failed", row=row.id, channel=row.channel, tries=tries, error=error)
            elif outcome.note:
                log.info("outbox.delivered", row=row.id, channel=row.channel, note=outcome.note)
        return sum(isinstance(outcome, Done) for _, outcome in tried)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def _heads_held(tried: Sequence[tuple[OutboxRow, Done | Failure]], now: datetime) -> list[AnchorRow]:
    """Which heads of the ledger are now with whom, because they stand in a mail."""
    return [
        AnchorRow(kind="mail", size=read_fingerprint(outcome.head).size, holder=letter.person, made=now)
        for row, outcome in tried
        if isinstance(outcome, Done) and outcome.head and (letter := letters.read_letter(row)) is not None
    ]


def _next_try(row: OutboxRow, failure: Failure, now: datetime) -> datetime:
    if not failure.final:
        return now + wait_after(row.attempts + 1)
    return now + REFUSED_WAIT if row.attempts + 1 < REFUSED_TRIES else NEVER


def _parts(items: Sequence[T], most: int) -> Iterable[Sequence[T]]:
    return (items[at : at + most] for at in range(0, len(items), most))


def _workflow_type(cycle: str) -> str:
    return "EmployerYear" if CycleRef.parse(cycle).unit is None else "UnitYear"


async def _has_one_input(client: Client, run: WorkflowExecutionDescription) -> bool:
    """Whether the run was begun with one input. What that is it finds out itself; with more it cannot begin."""
    found = await client.workflow_service.get_workflow_execution_history(
        GetWorkflowExecutionHistoryRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=run.id, run_id=run.run_id),
            maximum_page_size=1,
        ),
        timeout=RPC_LIMIT,
    )
    started = found.history.events[0].workflow_execution_started_event_attributes
    return len(started.input.payloads) <= 1


async def _last_run(client: Client, cycle: str) -> str | None:
    """The id of the newest run under the cycle's id; None when the server knows of none."""
    try:
        return (await client.get_workflow_handle(cycle).describe(rpc_timeout=RPC_LIMIT)).run_id
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and _is_about_the_workflow(error):
            return None
        raise


def _is_about_the_workflow(error: RPCError) -> bool:
    """A namespace that is not there is not found either, and there the bell must wait."""
    return any(detail.Is(NotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)
