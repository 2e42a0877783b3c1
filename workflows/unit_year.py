"""One unit's year: one run, one history that replays the whole of it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import RawValue

from workflows.cycle import CycleWorkflow
from workflows.messages import CycleResult
from workflows.trust import NOTHING


@workflow.defn
class UnitYear(CycleWorkflow):
    """The dated steps of one unit in one year (`unit/<employer>/<unit>/<year>`); takes a `CycleInput`."""

    @workflow.init
    def __init__(self, input: RawValue = NOTHING) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: RawValue = NOTHING) -> CycleResult:
        """Runs until the unit's year is closed; answers with how it ended."""
        return await self._run()
