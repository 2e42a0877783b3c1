"""The outbox: what a transaction left to be told outside the database, delivered at least once.

Everything here may be done twice without harm: a workflow is started under a fixed id, a bell only makes the
ledger be read, and a message has the same Message-ID each time. So a row is delivered first and marked
afterwards, and a crash between the two repeats it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog
from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.mail import Mailer, MailError
from activities.notices import Composer
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import OutboxRow
from workflows.messages import Bell, CycleInput
from workflows.rules.events import CycleRef

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
"""Between two tries of a row: from the first to the longest, doubled each time."""

REFUSED_WAIT = timedelta(days=1)
"""Between two tries of a message that was refused for good: the address may have been mended meanwhile."""

REFUSED_TRIES = 7
"""After so many tries such a message is given up; it stays in the outbox with its error."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)

RPC_LIMIT = timedelta(seconds=10)

_LOOK_AHEAD = 2000
"""Rows that are looked at in a turn: bells behind many mails are seen too."""

_MARKED_TOGETHER = 50
"""Deliveries that are marked in one transaction, where a repetition leaves no trace."""

EMPLOYER = SearchAttributeKey.for_keyword("Employer")
UNIT = SearchAttributeKey.for_keyword("Unit")
YEAR = SearchAttributeKey.for_int("Year")

T = TypeVar("T")

log = structlog.get_logger(__name__)


class _Failure(NamedTuple):
    """Why a row was not delivered; its text carries no name and no address."""

    error: str
    final: bool = False


class _Done(NamedTuple):
    note: str = ""


Composed = EmailMessage | _Done | _Failure
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
        self._shift = shift
        self._task_queue = task_queue
        self._sender = sender
        self._search_attributes = search_attributes

    async def run_once(self, limit: int = 200) -> int:
        """Deliver what is due now, at most `limit` rows, and answer how many were delivered.

        A row that cannot be delivered is put off and does not hold up the others. `StoreError` when the
        database cannot be used.
        """
        due = await self._due(limit)
        return await self._engine_rows(due) + await self._mail_rows(due)

    async def run(self, stop: asyncio.Event, interval: float = 0.2) -> None:
        """Deliver until `stop` is set, looking every `interval` seconds; whatever is begun is finished.

        Mail has a turn of its own: a slow mail server delays no bell. What goes wrong is logged and tried
        again, ever more slowly while it goes on, up to `LONGEST_WAIT`.
        """
        async with asyncio.TaskGroup() as group:
            for turn in (self._engine_rows, self._mail_rows):
                group.create_task(self._take_turns(turn, stop, interval))

    async def _take_turns(self, turn: Turn, stop: asyncio.Event, interval: float) -> None:
        failures = 0
        while not stop.is_set():
            try:
                delivered = await turn(await self._due(_LOOK_AHEAD), stop)
                failures = 0
                pause = 0 if delivered else interval
            except Exception as error:  # a dispatcher that ends would leave everybody waiting
                failures += 1
                pause = max(interval, _wait(failures).total_seconds())
                log.warning("outbox.waits", error=_said(error), seconds=pause, failures=failures)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _due(self, limit: int) -> list[OutboxRow]:
        async with self._database.read() as reader:
            return await reader.outbox_due(self._clock(), limit)

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

    async def _engine_row(self, client: Client, row: OutboxRow) -> _Done | _Failure:
        try:
            if row.channel == "start":
                return await self._start(client, row)
            return await self._ring(client, row)
        except RPCError as error:
            return _Failure(f"Temporal: {error.status.name}")
        except Exception as error:  # one row's fault must not hold up the others
            return _Failure(f"{row.channel}: {_said(error)}")

    async def _start(self, client: Client, row: OutboxRow) -> _Done:
        ref = CycleRef.parse(row.target)
        pairs: list[SearchAttributePair[str] | SearchAttributePair[int]] = [
            SearchAttributePair(EMPLOYER, ref.employer),
            SearchAttributePair(YEAR, ref.year),
        ]
        if ref.unit is not None:
            pairs.append(SearchAttributePair(UNIT, ref.unit))
        try:
            await client.start_workflow(
                "EmployerYear" if ref.unit is None else "UnitYear",
                CycleInput(cycle=ref.id, shift=self._shift()),
                id=ref.id,
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=TypedSearchAttributes(pairs) if self._search_attributes else None,
                static_summary=f"{ref.unit or ref.employer} {ref.year}",
                rpc_timeout=RPC_LIMIT,
            )
        except WorkflowAlreadyStartedError:
            return _Done("started before")
        return _Done()

    async def _ring(self, client: Client, row: OutboxRow) -> _Done:
        handle = client.get_workflow_handle(row.target)
        try:
            await handle.signal("ring", Bell(fact=row.key), rpc_timeout=RPC_LIMIT)
        except RPCError as error:
            # The ledger holds the truth: a closed workflow needs no bell, and one that starts later reads it.
            if error.status is RPCStatusCode.NOT_FOUND and _is_about_the_workflow(error):
                return _Done("no such workflow is running")
            raise
        return _Done()

    # --- mail ---------------------------------------------------------------------------------------

    async def _mail_rows(self, due: Sequence[OutboxRow], stop: asyncio.Event | None = None) -> int:
        together = _MARKED_TOGETHER if self._mailer.repeatable else 1
        delivered = 0
        for rows in _parts([row for row in due if row.channel == "mail"], _MARKED_TOGETHER):
            for part in _parts(await self._composed(rows), together):
                if stop is not None and stop.is_set():
                    return delivered
                delivered += await self._mark([(row, await self._send(message)) for row, message in part])
        return delivered

    async def _composed(self, rows: Sequence[OutboxRow]) -> list[tuple[OutboxRow, Composed]]:
        """Every message from one view of the database; none is sent while that is held open."""
        out: list[tuple[OutboxRow, Composed]] = []
        async with self._database.read() as reader:
            composer = Composer(reader, self._situations, self._sender)
            for row in rows:
                try:
                    out.append((row, await composer.compose(row) or _Done("nobody to tell")))
                except Exception as error:  # one row's fault must not hold up the others
                    out.append((row, _Failure(f"mail: {_said(error)}")))
        return out

    async def _send(self, message: Composed) -> _Done | _Failure:
        if not isinstance(message, EmailMessage):
            return message
        try:
            await self._mailer.send(message)
        except MailError as error:
            return _Failure(str(error), final=not error.transient)
        return _Done()

    # --- afterwards ---------------------------------------------------------------------------------

    async def _mark(self, tried: Sequence[tuple[OutboxRow, _Done | _Failure]]) -> int:
        now = self._clock()
        for employer in dict.fromkeys(row.employer for row, _ in tried):
            async with self._database.write(employer) as tx:
                own = [(row, outcome) for row, outcome in tried if row.employer == employer]
                await tx.delivered([row.id for row, outcome in own if isinstance(outcome, _Done)], now)
                for row, outcome in own:
                    if isinstance(outcome, _Failure):
                        await tx.failed(row.id, outcome.error, _next_try(row, outcome, now))
        for row, outcome in tried:
            if isinstance(outcome, _Failure):
                tries, error = row.attempts + 1, outcome.error
                log.warning("outbox.failed", row=row.id, channel=row.channel, tries=tries, error=error)
            elif outcome.note:
                log.info("outbox.delivered", row=row.id, channel=row.channel, note=outcome.note)
        return sum(isinstance(outcome, _Done) for _, outcome in tried)


def _next_try(row: OutboxRow, failure: _Failure, now: datetime) -> datetime:
    if not failure.final:
        return now + _wait(row.attempts + 1)
    return now + REFUSED_WAIT if row.attempts + 1 < REFUSED_TRIES else NEVER


def _wait(failures: int) -> timedelta:
    wait: timedelta = FIRST_WAIT * 2 ** min(failures - 1, 20)
    return min(wait, LONGEST_WAIT)


def _parts(items: Sequence[T], most: int) -> Iterable[Sequence[T]]:
    return (items[at : at + most] for at in range(0, len(items), most))


def _said(error: Exception) -> str:
    """The kind of a fault and where it arose; what it says itself could name a person."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _is_about_the_workflow(error: RPCError) -> bool:
    """A namespace that is not there is not found either, and there the bell must wait."""
    return any(detail.Is(NotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)
