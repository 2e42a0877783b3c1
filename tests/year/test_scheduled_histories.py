"""What the Schedules have done is kept as the years are: exported, recorded, and run again without the server."""

from __future__ import annotations

import contextlib
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.archived import check
from activities.histories import file_of
from activities.history_files import read
from tests.year.live import Live, running, until
from worker.installation import wall_clock
from worker.keyring import Keyring
from worker.replaying import judge
from worker.schedule import keep_schedules, opener_id, retention_id
from workflows.rules.scheduled import ScheduledRef
from workflows.rules.terms import year_cycle


async def has_fired(client: Client, schedule: str) -> None:
    """The Schedule fires now; what it starts comes to its end, and the server's list says so."""
    await client.get_schedule_handle(schedule).trigger()
    query = f"WorkflowId STARTS_WITH '{schedule}-' AND ExecutionStatus = 'Completed'"

    async def listed() -> bool:
        return bool([run async for run in client.list_workflows(query)])

    await until(listed)
    await client.get_schedule_handle(schedule).delete()


async def opened_by_now(live: Live) -> None:
    """The year that an opener opens today does not run on after the test."""
    with contextlib.suppress(RPCError):
        await live.handle(year_cycle(live.employer, wall_clock().year + 1)).terminate()


async def test_what_opens_years_and_what_erases_is_exported_and_goes_the_same_way_again(
    virtual: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with running(virtual.client.service_client.config.target_host, tmp_path) as live:
        await keep_schedules(live.client, [live.employer], live.task_queue)
        for schedule in (opener_id(live.employer), retention_id(live.employer)):
            await has_fired(live.client, schedule)
        home = live.installation
        swept = await home.histories(live.client).sweep(also_open=True)
        exports = [each for each in swept.exported if ScheduledRef.find(each.workflow) is not None]
        async with home.database.read() as reader:
            archive = await check(reader, live.employer, home.settings.histories)
        await opened_by_now(live)
    assert [each.state for each in archive.checked if each.bad] == []
    assert sorted(each.workflow.split("/")[0] for each in exports) == ["opener", "retention"]
    assert all(each.closed for each in exports)
    histories = [(each.workflow, read(file_of(home.settings.histories, each))) for each in exports]
    verdicts = await judge(histories, home.keyring)
    assert [(each.status, each.workflow) for each in verdicts] == [("replays", name) for name, _ in histories]
    unread = await judge(histories, Keyring(tmp_path / "ingen"))
    assert {(each.status, len(each.keys)) for each in unread} == {("keys_missing", 1)}
