"""One unit's year: one run, one history that replays the whole of it."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from workflows.cycle import Cycle
from workflows.messages import Bell, CycleInput, CycleResult
from workflows.rules.standing import Standing


@workflow.defn
class UnitYear:
    """The dated steps of one unit in one year (`unit/<employer>/<unit>/<year>`)."""

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        self._cycle = Cycle(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        """Runs until the unit's year is closed; answers with how it ended."""
        return await self._cycle.run()

    @workflow.signal
    def ring(self, bell: Bell) -> None:
        """Something was recorded for this unit's year."""
        self._cycle.ring()

    @workflow.query
    def standing(self) -> Standing:
        """Where the unit's year stands, from the facts this run has seen."""
        return self._cycle.standing

    @workflow.query
    def position(self) -> int:
        """The ledger position up to which this run has seen the facts."""
        return self._cycle.seq

    @workflow.query
    def shift(self) -> timedelta:
        """What this run adds to the server's time: zero, except in a rehearsal."""
        return self._cycle.shift
