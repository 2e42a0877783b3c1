"""Workflows that do nothing of ours: what the engine itself costs, measured in the same run."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow


@workflow.defn
class Nothing:
    """Ends at once."""

    @workflow.run
    async def run(self) -> None:
        return


@workflow.defn
class Waiting:
    """Waits for a signal that never comes."""

    def __init__(self) -> None:
        self._heard = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._heard)

    @workflow.signal
    def ring(self) -> None:
        self._heard = True

    @workflow.query
    def waits(self) -> bool:
        return True


@workflow.defn
class Days:
    """Sleeps so many days, one timer each."""

    @workflow.run
    async def run(self, days: int) -> None:
        for _ in range(days):
            await workflow.sleep(timedelta(days=1))
