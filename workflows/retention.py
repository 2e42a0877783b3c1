"""What the yearly Schedule starts each January: it has erased what was kept long enough, and is done."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy

from workflows.messages import Erased, EraseDueRequest, RetentionInput
from workflows.trust import read, until_ours

TOGETHER = 500
"""Batches in one run; more go on in a new run, so that no history grows long."""


@workflow.defn
class Retention:
    """Erases in batches until nothing is due. A Schedule adds a time stamp to the ids it starts."""

    @workflow.run
    async def run(self, input: RetentionInput) -> int:
        """Answers with how many records the last of its runs erased."""
        erased = 0
        for number in count():
            if number == TOGETHER:
                workflow.continue_as_new(input)
            batch = await self._batch(input, number)
            erased += batch.count
            if not batch.more:
                break
        return erased

    async def _batch(self, input: RetentionInput, number: int) -> Erased:
        request = EraseDueRequest(
            employer=input.employer, run=workflow.info().original_execution_run_id, number=number
        )

        def ours(answer: RawValue) -> Erased | None:
            found = read(answer, Erased, sealed=input.sealed)
            return found if found is not None and found.request == request.digest else None

        return await until_ours(
            lambda: workflow.execute_activity(
                "erase_what_is_due",
                request,
                result_type=RawValue,
                start_to_close_timeout=timedelta(minutes=30),
                retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=5)),
            ),
            ours,
        )
