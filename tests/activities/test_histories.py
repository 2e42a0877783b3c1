"""What Temporal forgets is exported in time: whole files, each named by a fact, whatever dies in between."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from activities import histories
from activities.archived import check
from activities.histories import Run, file_of
from activities.history_files import read, run_of, workflow_of
from tests.activities.chores import DAY, ScheduledChore, Shed, shed
from workflows.rules.record_facts import HistoryExported

_numbers = count(1)


@pytest.fixture
async def here(virtual: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Shed]:
    address = virtual.client.service_client.config.target_host
    async with shed(f"skjul-{next(_numbers)}", address, tmp_path) as made:
        yield made


async def listed(here: Shed, cycle: str, runs: int) -> None:
    """The server's list of runs, which is a little behind, has so many."""
    while len([r async for r in here.client.list_workflows(f"WorkflowId = '{cycle}'")]) != runs:
        await asyncio.sleep(0.05)


async def test_a_closed_year_is_exported_once_and_the_fact_has_the_hash_of_the_file(here: Shed) -> None:
    handle = await here.begins("sag")
    await here.ends(handle)
    await here.closes(handle.id)
    swept = await here.archive.sweep()
    [export] = await here.exports()
    assert swept.exported == (export,)
    file = file_of(here.folder, export)
    assert here.files() == [file]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == export.sha256
    assert (export.size, export.closed, export.version) == (file.stat().st_size, True, "0.2.9")
    events = read(file)
    assert (workflow_of(events), run_of(events), len(events)) == (handle.id, export.run, export.events)
    async with here.database.read() as reader:
        [*_, (seq, fact)] = await reader.facts(here.employer)
    assert isinstance(fact.body, HistoryExported)
    assert (seq, fact.cycle) == (export.seq, None)
    assert (await here.archive.sweep()).exported == ()
    assert (await here.another_archive().sweep()).exported == ()


async def test_only_this_user_can_read_the_archive(here: Shed) -> None:
    handle = await here.begins("sag")
    await here.ends(handle)
    await here.closes(handle.id)
    await here.archive.sweep()
    [file] = here.files()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


async def test_an_open_year_is_exported_once_a_week_and_the_longer_file_replaces_the_shorter(
    here: Shed,
) -> None:
    handle = await here.begins("sag")
    here.now += 6 * DAY
    assert (await here.archive.sweep()).exported == ()
    here.now += DAY
    [first] = (await here.archive.sweep()).exported
    assert not first.closed
    await here.nods(handle)
    here.now += 6 * DAY
    assert (await here.archive.sweep()).exported == ()
    here.now += DAY
    [second] = (await here.archive.sweep()).exported
    assert second.run == first.run
    assert second.events > first.events
    assert here.files() == [file_of(here.folder, second)]
    async with here.database.read() as reader:
        archive = await check(reader, here.employer, here.folder)
    assert [(c.state, c.repeated) for c in archive.checked] == [("replaced", True), ("there", None)]


async def test_a_week_in_which_nothing_happened_leaves_no_fact(here: Shed) -> None:
    await here.begins("sag")
    here.now += 7 * DAY
    assert len((await here.archive.sweep()).exported) == 1
    here.now += 7 * DAY
    assert (await here.archive.sweep()).exported == ()
    assert len(await here.exports()) == 1


async def test_every_open_year_is_exported_at_once_for_who_asks_for_it(here: Shed) -> None:
    for unit in ("sag", "lager"):
        await here.begins(unit)
    assert (await here.archive.sweep()).exported == ()
    swept = await here.archive.sweep(also_open=True)
    assert {export.workflow for export in swept.exported} == {
        f"unit/{here.employer}/{unit}/2027" for unit in ("sag", "lager")
    }


async def test_every_run_that_a_year_went_on_in_is_exported_the_newest_last(here: Shed) -> None:
    handle = await here.begins("sag", fresh_runs=2)
    runs = []
    for _ in range(3):
        newest = here.client.get_workflow_handle(handle.id)
        runs.append((await newest.describe()).run_id)
        await newest.signal("end")
        while (
            await here.client.get_workflow_handle(handle.id, run_id=runs[-1]).describe()
        ).close_time is None:
            await asyncio.sleep(0.02)
    await here.closes(handle.id)
    swept = await here.archive.settle(10 * DAY)
    assert [export.run for export in swept.exported] == runs
    assert all(export.closed for export in swept.exported)


async def test_a_run_that_was_started_again_is_exported_beside_the_one_that_somebody_ended(
    here: Shed,
) -> None:
    first = await here.begins("sag")
    await first.terminate()
    second = await here.runs(first.id)
    await listed(here, first.id, 2)
    here.now += 7 * DAY
    swept = await here.archive.sweep()
    assert [(e.run, e.closed) for e in swept.exported] == [
        (first.result_run_id, True),
        (second.result_run_id, False),
    ]


async def test_the_end_of_a_year_waits_for_its_run_to_end(here: Shed) -> None:
    handle = await here.begins("sag")
    await here.closes(handle.id)
    swept = await here.archive.sweep()
    assert (swept.exported, swept.waiting) == ((), (handle.id,))
    await here.ends(handle)
    [export] = (await here.archive.sweep()).exported
    assert export.closed


async def test_a_strangers_run_that_never_ends_does_not_hold_up_the_end_of_a_year(here: Shed) -> None:
    ours = await here.begins("sag")
    await here.ends(ours)
    await here.closes(ours.id)
    stray = await here.runs(ours.id)
    await listed(here, ours.id, 2)
    [export] = (await here.archive.sweep()).exported
    assert export.run == ours.result_run_id
    assert (await here.another_archive().sweep()) == ((), (), (), ())
    await stray.terminate()


async def test_what_was_exported_before_the_end_of_the_year_is_not_taken_for_its_end(here: Shed) -> None:
    first = await here.begins("sag")
    await first.terminate()
    here.now += 7 * DAY
    [export] = (await here.archive.sweep()).exported
    assert export.closed
    second = await here.runs(first.id)
    await here.ends(second)
    await here.closes(first.id)
    [export] = (await here.another_archive().sweep()).exported
    assert export.run == second.result_run_id


async def test_a_run_that_the_server_has_forgotten_is_said_once_and_nothing_is_made_up(here: Shed) -> None:
    cycle = await here.is_planned("sag")
    await here.closes(cycle)
    assert (await here.archive.sweep()).gone == (Run(cycle, None),)
    assert (await here.archive.sweep()).gone == ()
    assert await here.exports() == []
    assert here.files() == []


async def test_a_forgotten_run_is_named_by_the_one_that_went_on_from_it(here: Shed) -> None:
    handle = await here.begins("sag", fresh_runs=1)
    forgotten = (await handle.describe()).run_id
    await handle.signal("end")
    while (await here.client.get_workflow_handle(handle.id).describe()).run_id == forgotten:
        await asyncio.sleep(0.02)
    await here.forgets(handle.id, forgotten)
    await listed(here, handle.id, 1)
    here.now += 7 * DAY
    swept = await here.archive.sweep()
    assert swept.gone == (Run(handle.id, forgotten),)
    assert len(swept.exported) == 1


async def test_a_year_whose_run_is_not_started_yet_is_no_loss(here: Shed) -> None:
    await here.is_planned("sag")
    here.now += 7 * DAY
    assert await here.archive.sweep() == ((), (), (), ())


async def test_two_workers_on_one_folder_leave_one_file_and_one_fact(here: Shed) -> None:
    handle = await here.begins("sag")
    await here.ends(handle)
    await here.closes(handle.id)
    await asyncio.gather(*(here.another_archive().sweep() for _ in range(2)))
    assert len(await here.exports()) == 1
    assert len(here.files()) == 1


async def test_the_projection_of_exports_is_rebuilt_from_the_ledger_alone(here: Shed) -> None:
    handle = await here.begins("sag")
    await here.ends(handle)
    await here.closes(handle.id)
    await here.archive.sweep()
    before = await here.exports()
    async with here.database.write(here.employer) as tx:
        sums = await tx.checksums(here.employer)
        assert await tx.rebuild() == sums
    assert await here.exports() == before


async def test_a_folder_that_cannot_be_used_loses_nothing(here: Shed) -> None:
    handle = await here.begins("sag")
    await here.ends(handle)
    await here.closes(handle.id)
    here.folder.write_text("i veien")
    with pytest.raises(OSError, match="histories"):
        await here.archive.sweep()
    assert await here.exports() == []
    here.folder.unlink()
    assert len((await here.archive.sweep()).exported) == 1


async def test_a_worker_killed_between_the_file_and_its_fact_leaves_a_whole_file_that_the_next_one_records(
    here: Shed,
) -> None:
    handle = await here.begins("sag")
    await here.ends(handle)
    await here.closes(handle.id)
    address = here.client.service_client.config.target_host
    url = f"sqlite:///{here.folder.parent / 'forsvarlig.db'}"
    command = [sys.executable, "-m", "tests.activities.chores", url, address, str(here.folder)]
    async with here.database.write(here.employer):  # nobody else can record anything now
        process = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2])
        while not list(here.folder.rglob("*.pb.gz")):
            await asyncio.sleep(0.02)
            assert process.returncode is None, "the sweep ended without a file"
        process.kill()
        await process.wait()
    [file] = here.files()
    assert await here.exports() == []
    content = file.read_bytes()
    [export] = (await here.archive.sweep()).exported
    assert here.files() == [file] == [file_of(here.folder, export)]
    assert hashlib.sha256(content).hexdigest() == export.sha256


async def test_a_half_file_of_a_killed_worker_is_never_taken_for_a_history_and_goes_away(here: Shed) -> None:
    handle = await here.begins("sag")
    await here.ends(handle)
    await here.closes(handle.id)
    half = here.folder / here.employer / handle.id.replace("/", "_") / ".abc.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"\x1f\x8b")
    os.utime(half, (0, 0))
    [export] = (await here.archive.sweep()).exported
    assert here.files() == [file_of(here.folder, export)]


def opening(here: Shed, second: int = 0) -> str:
    return f"opener/{here.employer}-2026-12-01T07:00:{second:02}Z"


async def test_what_a_schedule_had_done_is_exported_once_and_the_check_covers_it(here: Shed) -> None:
    handle = await here.is_scheduled(opening(here))
    await handle.signal(ScheduledChore.end)
    await handle.result()
    await here.is_listed(f"WorkflowId = '{handle.id}' AND ExecutionStatus = 'Completed'")
    [export] = (await here.archive.sweep()).exported
    assert (export.workflow, export.run, export.closed) == (handle.id, handle.result_run_id, True)
    file = file_of(here.folder, export)
    assert ":" not in str(file.relative_to(here.folder))
    assert workflow_of(read(file)) == handle.id
    async with here.database.read() as reader:
        archive = await check(reader, here.employer, here.folder)
    assert [each.state for each in archive.checked] == ["there"]
    assert archive.unrecorded == ()
    here.now += 30 * DAY
    assert (await here.archive.sweep(also_open=True)).exported == ()
    assert (await here.another_archive().sweep()).exported == ()


async def test_what_a_schedule_started_and_what_goes_on_is_exported_weekly(here: Shed) -> None:
    handle = await here.is_scheduled(opening(here))
    [first] = (await here.archive.sweep()).exported
    assert not first.closed
    await handle.signal(ScheduledChore.nod)
    await handle.query(ScheduledChore.is_told)
    here.now += 6 * DAY
    assert (await here.archive.sweep()).exported == ()
    assert (await here.another_archive().sweep()).exported == ()
    here.now += DAY
    [second] = (await here.archive.sweep()).exported
    assert (second.run, second.closed) == (first.run, False)
    assert here.files() == [file_of(here.folder, second)]


async def test_the_server_is_not_asked_about_the_schedules_at_every_sweep(here: Shed) -> None:
    await here.archive.sweep()
    await here.is_scheduled(opening(here))
    here.now += timedelta(minutes=9)
    assert (await here.archive.sweep()).exported == ()
    here.now += timedelta(minutes=1)
    assert len((await here.archive.sweep()).exported) == 1


async def test_runs_of_nobody_here_and_under_ids_that_no_schedule_gives_are_left_alone(here: Shed) -> None:
    for id in (f"opener/{here.employer}", f"opener/ukjent-{opening(here).partition('/')[2]}"):
        await here.is_scheduled(id)
    assert await here.archive.sweep(also_open=True) == ((), (), (), ())
    assert here.files() == []


async def test_a_flood_of_such_runs_is_exported_bit_by_bit_and_the_years_come_first(
    here: Shed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "MOST_SCHEDULED", 2)
    for second in range(3):
        await here.is_scheduled(opening(here, second))
    year = await here.begins("sag")
    await here.ends(year)
    await here.closes(year.id)
    first = (await here.archive.sweep()).exported
    assert first[0].workflow == year.id
    assert len(first) == 3
    assert len((await here.archive.sweep()).exported) == 1
