"""What the yearly Schedule starts: it opens the employer's next year and is done."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from workflows.messages import OpenerInput, StartYearRequest
from workflows.ports import CycleActivities


@workflow.defn
class Opener:
    """Starts `year/<employer>/<year>` under its fixed id (a Schedule adds a time stamp to the ids it starts)."""

    @workflow.run
    async def run(self, input: OpenerInput) -> str:
        """Answers with the id of the year that runs now, whether it was started here or before."""
        year = input.year if input.year is not None else workflow.now().year + 1
        return await workflow.execute_activity_method(
            CycleActivities.start_year,
            StartYearRequest(employer=input.employer, year=year),
            start_to_close_timeout=timedelta(minutes=1),
        )
