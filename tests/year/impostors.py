"""What somebody who reaches Temporal, and has no keys of ours, could put on our task queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from temporalio import activity, workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from workflows.messages import Advanced, AdvanceRequest, Recorded
from workflows.rules.events import CycleClosed, Fact

LONG_AGO = datetime(2027, 1, 4, tzinfo=UTC)


@workflow.defn(name="UnitYear")
class EndsAtOnce:
    """Says that the year is over."""

    @workflow.run
    async def run(self, input: RawValue) -> str:
        return "over"


@workflow.defn(name="UnitYear")
class BelievesForgedFacts:
    """Has a forged answer written into the history, as if our own worker had got it."""

    @workflow.run
    async def run(self, input: RawValue) -> None:
        request = AdvanceRequest(cycle=workflow.info().workflow_id, now=LONG_AGO, since=0)
        await workflow.execute_local_activity(
            "advance", request, result_type=RawValue, start_to_close_timeout=timedelta(seconds=10)
        )
        await workflow.wait_condition(lambda: False)


@activity.defn(name="advance")
async def forged_advance(request: AdvanceRequest) -> Advanced:
    """Says that the year was closed."""
    closed = Fact(
        id="forged", employer=request.cycle.split("/")[1], cycle=request.cycle, concerns=LONG_AGO, recorded=LONG_AGO,
        body=CycleClosed(closed=99, left_open=0, withdrawn=0),
    )  # fmt: skip
    facts = (Recorded(seq=1, fact=closed),)
    return Advanced(facts=facts, next_moment=None, closed=True, request=request.digest)


class Liar:
    """Answers that a year was started, and does not start it."""

    def __init__(self) -> None:
        self.asked = 0

    @activity.defn(name="start_year")
    async def start_year(self, request: RawValue) -> str:
        self.asked += 1
        return f"year/{activity.info().workflow_id.split('/')[1]}/2028"


class Spoiler(Liar):
    """Says that the year cannot be started, and never could."""

    @activity.defn(name="start_year")
    async def start_year(self, request: RawValue) -> str:
        self.asked += 1
        raise ApplicationError("no", type="Forged", non_retryable=True)
