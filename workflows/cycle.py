"""What every cycle's workflow does: wait for the calendar or a bell, have the due facts recorded, fold them.

The rules are applied where the ledger is, in the activity's transaction; the workflow keeps time, waits for
as long as people need, and holds the standing for its own queries and for replay.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.messages import Advanced, AdvanceRequest, CycleInput, CycleResult
from workflows.ports import CycleActivities
from workflows.rules.events import CycleClosed
from workflows.rules.standing import Standing, fold

TRANSACTION = timedelta(minutes=1)
"""One try of the recording transaction. It is long because an employer's first one starts every unit's year."""

PATIENCE = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(minutes=5))
"""A database outage is waited out; Temporal turns the longer waits into durable timers."""


class Cycle:
    """The running state of one cycle. Bells may ring before `run` has begun."""

    def __init__(self, input: CycleInput) -> None:
        self.id = input.cycle
        self.seq = 0
        self.shift = input.shift
        self.standing = Standing()
        self._bells = 0
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._result: CycleResult | None = None

    def _now(self) -> datetime:
        return workflow.now() + self.shift

    def ring(self) -> None:
        self._bells += 1

    async def run(self) -> CycleResult:
        while True:
            heard = self._bells
            advanced = await self._advance()
            if self._result is not None:
                self._set_alarm(None)
                return self._result
            self._set_alarm(advanced.next_moment)
            await workflow.wait_condition(lambda heard=heard: self._bells > heard or self._alarm_rang())  # type: ignore[misc]

    async def _advance(self) -> Advanced:
        request = AdvanceRequest(cycle=self.id, now=self._now(), since=self.seq)
        advanced = await workflow.execute_local_activity_method(
            CycleActivities.advance,
            request,
            start_to_close_timeout=TRANSACTION,
            retry_policy=PATIENCE,
            local_retry_threshold=timedelta(seconds=30),
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
            wait = max(moment - self._now(), timedelta(0))
            self._alarm = asyncio.create_task(workflow.sleep(wait, summary=f"{moment:%Y-%m-%d}"))

    def _alarm_rang(self) -> bool:
        return self._alarm is not None and self._alarm.done()
