"""The Schedules of each employer, at eight in the morning, Norwegian time.

On 1 December the next year is opened; on 15 January what has been kept long enough is erased.
"""

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

from workflows.messages import OpenerInput, RetentionInput
from workflows.opener import Opener
from workflows.retention import Retention
from workflows.rules.calendar import OSLO

MONTH, DAY, HOUR = 12, 1, 8
"""When the next year is opened."""

ERASING = 1, 15
"""Month and day on which what is due is erased: the year that ended is out of the way by then."""

CATCH_UP = timedelta(days=60)
"""A server that was down on the day does it when it is up again, within this time."""


def opener_id(employer: str) -> str:
    """The id of the Schedule that opens years, and the beginning of the ids of the workflows it starts."""
    return f"opener/{employer}"


def retention_id(employer: str) -> str:
    """The id of the Schedule that erases, and the beginning of the ids of the workflows it starts."""
    return f"retention/{employer}"


def opening_of(year: int) -> datetime:
    """The moment at which the Schedule opens `year`."""
    return datetime(year - 1, MONTH, DAY, HOUR, tzinfo=OSLO).astimezone(UTC)


async def keep_schedules(client: Client, employers: Iterable[str], task_queue: str) -> None:
    """See to it that each employer has its Schedules, as they are written here.

    Safe to repeat; what was paused stays paused. Raises `RPCError` when the server does not do it.
    """
    for employer in employers:
        opening = ScheduleActionStartWorkflow(
            Opener.run,
            OpenerInput(employer=employer, sealed=True),
            id=opener_id(employer),
            task_queue=task_queue,
        )
        erasing = ScheduleActionStartWorkflow(
            Retention.run,
            RetentionInput(employer=employer, sealed=True),
            id=retention_id(employer),
            task_queue=task_queue,
        )
        await _keep(client, opening, MONTH, DAY)
        await _keep(client, erasing, *ERASING)


async def _keep(client: Client, action: ScheduleActionStartWorkflow, month: int, day: int) -> None:
    wanted = _schedule(action, month, day)

    def changed(now: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = now.description.schedule.state
        return ScheduleUpdate(wanted)

    try:
        await client.create_schedule(action.id, wanted, rpc_timeout=timedelta(seconds=10))
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(action.id)
        await handle.update(changed, rpc_timeout=timedelta(seconds=10))


def _schedule(action: ScheduleActionStartWorkflow, month: int, day: int) -> Schedule:
    once = ScheduleCalendarSpec(
        month=[ScheduleRange(month)], day_of_month=[ScheduleRange(day)], hour=[ScheduleRange(HOUR)]
    )
    return Schedule(
        action=action,
        spec=ScheduleSpec(calendars=[once], time_zone_name=str(OSLO)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
