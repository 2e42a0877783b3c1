"""The Schedules that open each employer's next year: on 1 December at eight, Norwegian time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from workflows.messages import OpenerInput
from workflows.opener import Opener
from workflows.rules.calendar import OSLO

MONTH, DAY, HOUR = 12, 1, 8
"""When the next year is opened."""

CATCH_UP = timedelta(days=60)
"""A server that was down on the day opens the year when it is up again, within this time."""


def opener_id(employer: str) -> str:
    """The id of an employer's Schedule, and the beginning of the ids of the workflows it starts."""
    return f"opener/{employer}"


def opening_of(year: int) -> datetime:
    """The moment at which the Schedule opens `year`."""
    return datetime(year - 1, MONTH, DAY, HOUR, tzinfo=OSLO).astimezone(UTC)


async def keep_openers(client: Client, employers: Iterable[str], task_queue: str) -> None:
    """See to it that each employer has its Schedule, as it is written here.

    Safe to repeat; what was paused stays paused. Raises `RPCError` when the server does not do it.
    """
    for employer in employers:
        await _keep(client, employer, task_queue)


async def _keep(client: Client, employer: str, task_queue: str) -> None:
    wanted = _schedule(employer, task_queue)

    def changed(now: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = now.description.schedule.state
        return ScheduleUpdate(wanted)

    try:
        await client.create_schedule(opener_id(employer), wanted, rpc_timeout=timedelta(seconds=10))
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(opener_id(employer))
        await handle.update(changed, rpc_timeout=timedelta(seconds=10))


def _schedule(employer: str, task_queue: str) -> Schedule:
    day = ScheduleCalendarSpec(
        month=[ScheduleRange(MONTH)], day_of_month=[ScheduleRange(DAY)], hour=[ScheduleRange(HOUR)]
    )
    return Schedule(
        action=ScheduleActionStartWorkflow(
            Opener.run,
            OpenerInput(employer=employer, sealed=True),
            id=opener_id(employer),
            task_queue=task_queue,
        ),
        spec=ScheduleSpec(calendars=[day], time_zone_name=str(OSLO)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
