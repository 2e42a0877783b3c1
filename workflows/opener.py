"""What the yearly Schedule starts: it opens the employer's next year and is done."""

from __future__ import annotations

import json
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue

from workflows.messages import OpenerInput, StartYearRequest
from workflows.rules.scheduled import ScheduledRef
from workflows.rules.terms import year_cycle
from workflows.trust import content, until_ours


@workflow.defn
class Opener:
    """Starts `year/<employer>/<year>` under its fixed id (a Schedule adds a time stamp to the ids it starts)."""

    @workflow.run
    async def run(self, input: OpenerInput) -> str:
        """Answers with the id of the year that runs now, whether it was started here or before.

        Without a year in the input it is the one after the moment for which the Schedule meant this run: a server
        that was down then catches up later, perhaps in the next year.
        """
        scheduled = ScheduledRef.find(workflow.info().workflow_id)
        year = input.year or (scheduled and scheduled.opens) or workflow.now().year + 1
        wanted = year_cycle(input.employer, year)

        def ours(answer: RawValue) -> str | None:
            found = content(answer, sealed=input.sealed)
            return wanted if found is not None and json.loads(found) == wanted else None

        return await until_ours(
            lambda: workflow.execute_activity(
                "start_year",
                StartYearRequest(employer=input.employer, year=year),
                result_type=RawValue,
                start_to_close_timeout=timedelta(minutes=1),
            ),
            ours,
        )
