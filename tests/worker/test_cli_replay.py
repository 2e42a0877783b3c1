"""`forsvarlig replay`: histories run again by this program, without the server that made them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
from temporalio.api.history.v1 import History
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from activities.archived import State
from activities.cycles import open_year
from activities.history_files import Fault, pack, read
from tests.chaos.fjell import CAST, YEAR
from tests.rules.employers import law, programme
from tests.worker.command_line import clean_home, document, done, run, words
from tests.worker.conftest import RehearsedYear
from worker.cli.archive import STATES
from worker.cli.replay_words import FAULTS
from worker.serving import make_worker
from worker.settings import Settings
from worker.staging import plugin_for, rehearsal, stage
from worker.story import Story
from worker.virtual import VirtualEnvironment

pytestmark = pytest.mark.xdist_group("rehearsed year")
"""What is made once for all of them is made by one process."""

OLD = Path(__file__).parents[1] / "replay" / "histories"
OLDEST = OLD / "0.1.0" / "unit_fjell_u1_2027.pb.gz"
SEALED = OLD / "0.2.0"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clean_home(tmp_path, monkeypatch)


def test_a_year_of_the_first_version_goes_the_same_way_today() -> None:
    told = words(done("replay", OLDEST))
    assert f"✓ {OLDEST} unit/fjell/u1/2027 (363 hendelser, lukket, versjon 0.1.0)" in told
    assert "1 av 1 historikk går samme vei som før" in told


def test_sealed_years_need_the_keys_that_belong_to_them() -> None:
    files = sorted(SEALED.glob("*.pb.gz"))
    assert "2 av 2" in done("replay", *files, "--keys", SEALED / "keys")
    result = run("replay", *files)
    assert result.exit_code == 1
    assert "Nøklene som åpner historikken, er ikke her: 0001-2a2078d7ea71" in result.output
    assert "--keys" in result.output


def test_the_whole_archive_is_replayed_without_server_and_database(
    rehearsed: RehearsedYear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    state = tmp_path / "state"
    for part in ("histories", "keys"):
        shutil.copytree(rehearsed.settings.state / part, state / part)
    answer = document("--state", state, "replay", "--all", "--jobs", "1")
    assert answer["replayed"] == 2
    assert {each["workflow"] for each in answer["histories"]} == {rehearsed.unit, rehearsed.year}
    assert all(each["closed"] for each in answer["histories"])
    assert not (state / "forsvarlig.db").exists()


def test_of_a_run_that_was_exported_twice_the_longer_is_replayed(
    rehearsed: RehearsedYear, tmp_path: Path
) -> None:
    folder = tmp_path / "state" / "histories" / "fjell" / "unit_fjell_u1_2027"
    folder.mkdir(parents=True)
    for events in (9, 363):
        (folder / f"{'a' * 36}-{events}.pb.gz").write_bytes(pack(read(OLDEST)[:events]))
    [found] = document("--state", tmp_path / "state", "replay", "--all")["histories"]
    assert found["events"] == 363


def test_what_temporals_own_tool_writes_is_replayed_too(tmp_path: Path) -> None:
    file = tmp_path / "show.json"
    file.write_text(WorkflowHistory("", read(OLDEST)).to_json())
    assert "1 av 1" in done("replay", file)


def test_a_history_that_goes_another_way_is_told_with_its_event_and_both_ways(tmp_path: Path) -> None:
    copy = History(events=read(OLDEST))
    for event in copy.events:
        if event.HasField("timer_started_event_attributes"):
            first = event.event_id
            break
    for event in copy.events:  # the timer is taken out of the record, and all after it moves up
        event.event_id -= event.event_id > first
        for _field, value in event.ListFields():
            if (
                hasattr(value, "workflow_task_completed_event_id")
                and value.workflow_task_completed_event_id > first
            ):
                value.workflow_task_completed_event_id -= 1
    del copy.events[first - 1]
    file = tmp_path / "endret.pb.gz"
    file.write_bytes(pack(copy.events))
    result = run("replay", file, OLDEST)
    assert result.exit_code == 1
    said = words(result.output)
    assert (
        f"Ved hendelse {first} skiller de lag. Historikken: ingenting. Programmet nå: satte en alarm." in said
    )
    assert "Den ble kjørt av versjon 0.1.0" in said
    assert "1 av 2 historikker går samme vei som før" in said


def test_files_that_are_no_histories_are_named_beside_those_that_are(tmp_path: Path) -> None:
    cut = tmp_path / "kuttet.pb.gz"
    cut.write_bytes(OLDEST.read_bytes()[:-40])
    missing = tmp_path / "hull.pb.gz"
    missing.write_bytes(pack([*read(OLDEST)[:20], *read(OLDEST)[21:]]))
    result = run("replay", cut, missing, tmp_path / "nei", OLDEST)
    assert result.exit_code == 1
    said = words(result.output)
    assert "Filen er kuttet av, eller noe i den er endret" in said
    assert "ved hendelse 21" in said
    assert "Filen finnes ikke" in said
    assert f"✓ {OLDEST}" in said
    assert "Traceback" not in result.output


def test_every_fault_of_a_file_and_every_state_in_the_archive_has_words() -> None:
    assert set(FAULTS) == set(get_args(Fault))
    assert set(STATES) == set(get_args(State))


def test_nothing_to_replay_is_said(home: Path) -> None:
    assert run("replay").exit_code == 2
    result = run("replay", "--all")
    assert result.exit_code == 3
    assert "archive sweep --open" in result.output
    assert run("replay", "--open").exit_code == 5


UPGRADED = "fjell-oppgradert"
OPEN = (f"unit/{UPGRADED}/u1/{YEAR}", f"year/{UPGRADED}/{YEAR}")


@pytest.fixture
async def running(virtual: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Settings]:
    """An employer's year that has come to the first of March, on a server.

    Nobody else's on that server: who finds an ended run under the id of a year starts it again, and says so.
    """
    settings = Settings(state=tmp_path / "live", task_queue="to-be-upgraded")
    organisation = CAST.organisation.model_copy(update={"employer": UPGRADED})
    installation = await stage(settings, CAST.model_copy(update={"organisation": organisation}), YEAR)
    address = virtual.client.service_client.config.target_host
    client = await Client.connect(address, plugins=[plugin_for(installation)])
    environment = VirtualEnvironment(client)
    async with make_worker(environment.client, settings.task_queue):
        await open_year(installation.database, UPGRADED, YEAR, programme(), law(), installation.clock())
        march = installation.clock().replace(month=3)
        await rehearsal(environment, installation, UPGRADED, Story(silent=True)).run(march)
        yield settings
        for cycle in OPEN:
            await client.get_workflow_handle(cycle).terminate()
    await installation.database.close()


async def test_before_an_upgrade_every_year_that_goes_on_is_fetched_and_replayed(
    running: Settings, virtual: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", virtual.client.service_client.config.target_host)
    monkeypatch.setenv("FORSVARLIG_TASK_QUEUE", running.task_queue)
    answer = await asyncio.to_thread(document, "--state", running.state, "replay", "--open")
    found = {each["source"]: each for each in answer["histories"]}
    assert set(found) == set(OPEN)
    assert all(each["status"] == "replays" and not each["closed"] for each in found.values())
