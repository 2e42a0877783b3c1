"""What every cycle's workflow does: wait for the calendar or a bell, have the due facts recorded, fold them.

The rules are applied where the ledger is, in the activity's transaction; the workflow keeps time, waits for
as long as people need, and holds the standing for its own queries and for replay. The ledger is the truth: a run
that is lost, or that somebody else wrote to, is replaced by a fresh one that reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError

from workflows import patches
from workflows.messages import (
    Advanced,
    AdvanceRequest,
    CycleInput,
    CycleResult,
    Received,
    ReceiveRequest,
    SignalItem,
)
from workflows.rules.events import CycleClosed
from workflows.rules.standing import Standing, fold
from workflows.rules.terms import CycleRef
from workflows.trust import RING, is_statement, mark, read, signal_item, until_ours

TRANSACTION = timedelta(minutes=1)
"""One try of the recording transaction. It is long because an employer's first one starts every unit's year."""

PATIENCE = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(minutes=5))
"""A database outage is waited out; Temporal turns the longer waits into durable timers."""

LOCALLY = timedelta(seconds=30)
"""Waits up to this long are made in the worker."""

BATCH = 50
"""Statements that are handed on together: each is judged in a transaction of its own."""

JUNK_BATCH = 500
"""Junk that is handed on together: it is one fact for each reason."""

MOST_SIGNALS = 500
"""After so many signals a run goes on in a fresh one: the server takes 10,000 and then no more, also not ours."""

CATCH_UP = timedelta(minutes=1)


class _Queue:
    """Signals that wait as they came, in their order; nothing is worked out about one before its turn."""

    def __init__(self, block: int) -> None:
        self.waiting: list[tuple[int, str, Sequence[RawValue]]] = []
        self._block = block
        self._taken = 0

    def take(self) -> list[SignalItem]:
        """The next batch, up to the end of a block.

        A task of the workflow that is lost is done again when more has come, and the same begins each block then:
        so what was recorded the first time is found again, and counted once.
        """
        most = self._block - self._taken % self._block
        batch, self.waiting = self.waiting[:most], self.waiting[most:]
        self._taken += len(batch)
        return [signal_item(*signal) for signal in batch]


class Cycle:
    """The running state of one cycle. Signals may come before `run` has begun."""

    def __init__(self, input: CycleInput) -> None:
        self.id = input.cycle
        self.seq = 0
        self.shift = input.shift
        # The same before and after a reset, whose history holds answers of before.
        self._run_id = workflow.info().original_execution_run_id
        self.standing = Standing()
        self._sealed = input.sealed
        self._bells = 0
        self._signals = 0
        self._posted = 0
        self._statements = _Queue(BATCH)
        self._junk = _Queue(JUNK_BATCH)
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._result: CycleResult | None = None
        self._is_up_to_date = False
        self._asked: datetime | None = None
        self._questions = 0

    def _now(self) -> datetime:
        return workflow.now() + self.shift

    def ring(self) -> None:
        self._signals += 1
        self._bells += 1

    def post(self, name: str, args: Sequence[RawValue]) -> None:
        """Something else than the bell, to be recorded. Thousands may come in one task, so this does very little."""
        self._signals += 1
        if self._may(patches.MAILBOX):
            self._posted += 1
            queue = self._statements if is_statement(name, args) else self._junk
            queue.waiting.append((self._posted, name, args))

    async def run(self) -> CycleResult:
        while True:
            # Each run looks in the ledger once, so that a flood that goes on and on does not stop the year.
            if self._is_up_to_date and self._is_full():
                await self.go_on_in_a_fresh_run()
            await self._receive()
            heard = self._bells
            advanced = await self._advance()
            if advanced.more:
                continue
            self._is_up_to_date = True
            if self._result is not None and not self._has_mail():
                self._set_alarm(None)
                return self._result
            self._set_alarm(advanced.next_moment)
            await workflow.wait_condition(
                lambda heard=heard: self._bells > heard or self._has_mail() or self._alarm_rang()  # type: ignore[misc]
            )

    async def has_come(self) -> None:
        """Return when a signal has come, whatever it is."""
        await workflow.wait_condition(lambda: self._signals > 0)

    async def _advance(self) -> Advanced:
        self._asked = self._now()
        self._questions += 1
        request = AdvanceRequest(
            cycle=self.id, now=self._asked, since=self.seq, run=self._run_id, number=self._questions
        )
        advanced = await until_ours(
            lambda: workflow.execute_local_activity(
                "advance",
                request,
                result_type=RawValue,
                start_to_close_timeout=TRANSACTION,
                retry_policy=PATIENCE,
                local_retry_threshold=LOCALLY,
            ),
            lambda raw: self._answered(request, raw),
        )
        for recorded in advanced.facts:
            self.standing = fold([recorded.fact], self.standing)
            self.seq = recorded.seq
            if isinstance(recorded.fact.body, CycleClosed):
                body = recorded.fact.body
                self._result = CycleResult(
                    cycle=self.id,
                    closed=body.closed,
                    left_open=body.left_open,
                    withdrawn=body.withdrawn,
                    seq=self.seq,
                )
        return advanced

    def _answered(self, request: AdvanceRequest, raw: RawValue) -> Advanced | None:
        """The answer to this very request, with facts of this cycle that follow on those seen."""
        advanced = read(raw, Advanced, sealed=self._sealed)
        if advanced is None:
            return None
        if advanced.request != request.digest and (self._sealed or advanced.request is not None):
            return None
        seen = request.since
        for recorded in advanced.facts:
            if recorded.seq <= seen or recorded.fact.cycle != self.id:
                return None
            seen = recorded.seq
        return advanced

    def _has_mail(self) -> bool:
        return bool(self._statements.waiting or self._junk.waiting)

    async def _receive(self) -> None:
        """Have one batch of what came recorded: statements before junk, so that junk cannot hold them up."""
        if not self._has_mail():
            return
        batch = (self._statements if self._statements.waiting else self._junk).take()
        request = ReceiveRequest(cycle=self.id, run=self._run_id, now=self._now(), items=tuple(batch))

        def ours(raw: RawValue) -> Received | None:
            received = read(raw, Received, sealed=self._sealed)
            return received if received is not None and received.request == request.digest else None

        await until_ours(
            lambda: workflow.execute_local_activity(
                "receive",
                request,
                result_type=RawValue,
                start_to_close_timeout=TRANSACTION,
                retry_policy=PATIENCE,
                local_retry_threshold=LOCALLY,
            ),
            ours,
        )

    def _may(self, patch: str) -> bool:
        return self._sealed or workflow.patched(patch)

    def _is_full(self) -> bool:
        many = self._signals >= MOST_SIGNALS or workflow.info().is_continue_as_new_suggested()
        return many and self._may(patches.FRESH_RUN)

    async def go_on_in_a_fresh_run(self) -> NoReturn:
        """What this run has seen is in the ledger, so nothing is carried over.

        Nothing else is done on the way: the server takes a task back while more than a hundred signals come.
        """
        while self._has_mail():
            await self._receive()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(CycleInput(cycle=self.id, shift=self.shift, sealed=True))

    def _set_alarm(self, moment: datetime | None) -> None:
        """One timer for the whole cycle, replaced only when the next moment is another one.

        A timer for each bell or each step would more than double the history.
        """
        if moment == self._alarm_at and not self._alarm_rang():
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, moment
        if moment is not None:
            # An activity whose clock is behind answers with a moment that has been here; it gets time to catch up.
            behind = self._asked is not None and moment <= self._asked
            wait = CATCH_UP if behind else max(moment - self._now(), timedelta(0))
            self._alarm = asyncio.create_task(workflow.sleep(wait, summary=f"{moment:%Y-%m-%d}"))

    def _alarm_rang(self) -> bool:
        return self._alarm is not None and self._alarm.done()


class CycleWorkflow:
    """The handlers that the years of employers and of units have in common.

    The input is taken as it comes: a run that somebody else started under a cycle's id, with whatever input, is
    replaced by one of ours at the first signal, and does not stand in its way.
    """

    def __init__(self, input: RawValue) -> None:
        id = workflow.info().workflow_id
        given = read(input, CycleInput, sealed=False)
        if given is not None and mark(input.payload) is not None and workflow.patched(patches.SEALED_START):
            given = None
        self._ours = given is not None and given.cycle == id
        self._cycle = Cycle(given if given is not None and self._ours else CycleInput(cycle=id, sealed=True))

    async def _run(self) -> CycleResult:
        if not self._ours:
            await self._give_way()
        return await self._cycle.run()

    async def _give_way(self) -> NoReturn:
        """Be replaced when the bell rings or anything else comes.

        A worker that lacks our keys takes a genuine run for a stray one. Until then it leaves nothing in the
        history, so that a worker that has them can take the run up.
        """
        try:
            CycleRef.parse(self._cycle.id)
        except ValueError as error:
            raise ApplicationError("not the id of a cycle", type="NoCycle", non_retryable=True) from error
        await self._cycle.has_come()
        await self._cycle.go_on_in_a_fresh_run()

    @workflow.signal(dynamic=True)
    def heard(self, name: str, args: Sequence[RawValue]) -> None:
        """The bell rings whatever it carries, since the ledger is read; all else is recorded, also junk."""
        if name == RING:
            self._cycle.ring()
        else:
            self._cycle.post(name, args)

    @workflow.query
    def standing(self) -> Standing:
        """Where the year stands, from the facts this run has seen."""
        return self._cycle.standing

    @workflow.query
    def position(self) -> int:
        """The ledger position up to which this run has seen the facts."""
        return self._cycle.seq

    @workflow.query
    def shift(self) -> timedelta:
        """What this run adds to the server's time: zero, except in a rehearsal."""
        return self._cycle.shift
