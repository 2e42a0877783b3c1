"""The employer's own year: the steps of the employer's level, and the start of each unit's year."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import RawValue

from workflows.cycle import CycleWorkflow
from workflows.messages import CycleResult
from workflows.trust import NOTHING


@workflow.defn
class EmployerYear(CycleWorkflow):
    """The employer's dated steps of one year (`year/<employer>/<year>`); takes a `CycleInput`.

    It closes after the units' years.
    """

    @workflow.init
    def __init__(self, input: RawValue = NOTHING) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: RawValue = NOTHING) -> CycleResult:
        """Runs until the employer's year is closed; answers with how it ended."""
        return await self._run()
