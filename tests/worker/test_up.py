"""`forsvarlig up` and `forsvarlig worker`: real processes on a real engine, killed and started again."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, ScheduleState
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.documents import Documents
from activities.doors import Doors
from activities.signatures import SigningKey
from activities.store.database import Database
from tests.worker.command_line import (
    PATIENCE,
    SMALL,
    clean_home,
    document,
    done,
    read_until,
    run,
    started,
)
from tests.worker.namespaces import bare_namespace
from worker.cli.clock import now, today
from worker.keyring import Keyring
from worker.plugin import data_converter
from worker.processes import command_line
from worker.schedule import keep_schedules, opener_id, opening_of

EMPLOYER = "802314507"
YEAR = (today() - timedelta(days=20)).year
"""A year whose first steps are open today: last year may be begun until the end of January."""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clean_home(tmp_path, monkeypatch)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)


def steps(employer: str | None = None) -> dict[str, dict[str, Any]]:
    """The employer's own steps of this year, by key."""
    which = ("--employer", employer) if employer else ()
    shown = document("year", "show", str(YEAR), *which)
    return {step["key"]: step for step in shown["parts"][0]["steps"]}


def engine_of(state: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((state / "engine.json").read_text())
    return found


def submit(state: Path, cycle: str, step: str, person: str) -> int:
    """File evidence through the door; the place of the fact in the ledger."""

    async def filed() -> int:
        database = Database(str(state / "forsvarlig.db"))
        moment = now()
        async with database.write(EMPLOYER) as tx:
            row = await Documents(state / "documents").put(b"# Status", "text/markdown", "a.md", moment, tx)
        doors = Doors(database, signer=SigningKey.load_or_make(state / "keys" / "installation.pem"))
        receipt = await doors.submit(cycle, step, person, row.hash, now=moment, nonce="1")
        await database.close()
        assert receipt.accepted
        return receipt.seq

    return asyncio.run(filed())


def position(state: Path, address: str, cycle: str) -> int:
    """Up to which place in the ledger the workflow of the cycle has seen the facts."""

    async def asked() -> int:
        keyring = Keyring(state / "keys" / "payload")
        client = await Client.connect(address, data_converter=data_converter(keyring))
        seen: int = await client.get_workflow_handle(cycle).query("position")
        return seen

    return asyncio.run(asked())


def test_a_year_survives_a_kill_and_goes_on_where_it_was(state: Path) -> None:
    with started("up") as first:
        said = read_until(first, "annet vindu")
        assert "✓ Forsvarlig kjører på denne maskinen." in said
        assert "forsvarlig org import MAPPE" in said
        engine = engine_of(state)
        assert engine["address"] in said
        assert engine["ui_address"] in said

        second = run("up")
        assert second.exit_code == 4
        assert f"prosess {first.pid} kjører «forsvarlig up» der, på {engine['address']}" in second.stderr

        done("org", "import", SMALL, "--yes")
        told = document("year", "start", YEAR)
        cycle = told["cycle"]
        assert told["engine"] == "ready"
        until(lambda: steps()["Y04"]["standing"] == "open")
        until(lambda: any((state / "mail").rglob("*.eml")))

        first.kill()
        first.wait(PATIENCE)
        until(lambda: not command_line(engine["server_pid"]))

    seq = submit(state, cycle, "Y04", steps()["Y04"]["waiting_for"][0]["person"])
    with started("up") as again:
        said = read_until(again, "annet vindu")
        assert "forsvarlig year show" in said
        address = engine_of(state)["address"]
        until(lambda: steps()["Y04"]["standing"] == "closed")
        until(lambda: position(state, address, cycle) >= seq)
        assert document("db", "verify")["ok"] is True

        server = engine_of(state)["server_pid"]
        again.send_signal(signal.SIGTERM)
        assert again.wait(PATIENCE) == 0
        assert again.stderr is not None
        assert "Ingenting kjører lenger." in again.stderr.read()
    assert not command_line(server)
    assert not (state / "engine.json").exists()


def test_a_taken_port_is_named_with_its_holder_and_nothing_is_left(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for variable in ("PORT", "UI_PORT"):
            monkeypatch.setenv(f"FORSVARLIG_ENGINE_{variable}", str(port))
            said = run("up")
            assert said.exit_code == 4
            assert f"Port {port} er opptatt av " in said.stderr
            assert f"FORSVARLIG_ENGINE_{variable}=0" in said.stderr
            monkeypatch.delenv(f"FORSVARLIG_ENGINE_{variable}")
    assert not (state / "engine.json").exists()


def test_a_database_of_a_newer_program_stops_everything_again(state: Path) -> None:
    done("db", "upgrade")
    with sqlite3.connect(state / "forsvarlig.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    said = run("up")
    assert said.exit_code == 6
    assert "from_the_future" in said.stderr
    assert not (state / "engine.json").exists()


def test_an_engine_that_ends_by_itself_is_told(state: Path) -> None:
    with started("up", "--format", "json") as process:
        told = json.loads(read_until(process, "}"))
        assert (told["schema"], told["pid"]) == ("forsvarlig/up/1", process.pid)
        subprocess.run(["kill", "-9", str(engine_of(state)["server_pid"])], check=True)
        assert process.wait(PATIENCE) == 1
        assert process.stderr is not None
        error = json.loads(process.stderr.read().splitlines()[-1])
        assert error["message"] == "Motoren stoppet av seg selv."
        assert "engine.log" in error["remedy"]


def test_a_worker_without_a_server_says_what_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    done("db", "upgrade")
    nobody = run("worker")
    assert nobody.exit_code == 5
    assert "forsvarlig up" in nobody.stderr
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    silent = run("worker", "--wait", "0")
    assert silent.exit_code == 5
    assert "Temporal svarer ikke" in silent.stderr
    assert "TEMPORAL_ADDRESS" in silent.stderr


def test_a_namespace_that_is_not_there_is_named(
    virtual: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("db", "upgrade")
    monkeypatch.setenv("TEMPORAL_ADDRESS", virtual.client.service_client.config.target_host)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "ingen")
    said = run("worker")
    assert said.exit_code == 5
    assert "navnerommet" in said.stderr
    assert "ingen" in said.stderr


def test_a_worker_refuses_a_namespace_without_our_search_attributes(
    virtual: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("db", "upgrade")
    address = virtual.client.service_client.config.target_host
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", asyncio.run(bare_namespace(address)))
    said = run("worker")
    assert said.exit_code == 5
    assert "mangler søkeattributter: Employer, Unit" in said.stderr
    assert "temporal operator search-attribute create --address" in said.stderr


def test_a_worker_runs_the_years_and_the_schedule_opens_the_next_one(
    virtual: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = virtual.client.service_client.config.target_host
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    done("org", "import", SMALL, "--yes")
    assert document("year", "start", YEAR)["engine"] == "no_worker"
    with started("worker") as process:
        assert process.stderr is not None
        until(lambda: steps()["Y01"]["standing"] == "open")
        assert document("year", "list")["years"][0]["units"] == 1
        asyncio.run(_trigger(address))
        next_one = today().year + 1
        until(lambda: [y["year"] for y in document("year", "list")["years"]] == [YEAR, next_one])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


async def _trigger(address: str) -> None:
    client = await Client.connect(address)
    await client.get_schedule_handle(opener_id(EMPLOYER)).trigger()


async def test_the_schedule_fires_on_the_first_of_december_at_eight_in_norway(
    virtual: WorkflowEnvironment,
) -> None:
    address = virtual.client.service_client.config.target_host
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    await keep_schedules(client, ["e-1"], "years")
    handle = client.get_schedule_handle(opener_id("e-1"))
    described = await handle.describe()
    assert described.info.next_action_times[:2] == [opening_of(y) for y in _next_two()]
    await handle.pause(note="holiday")
    await keep_schedules(client, ["e-1"], "other")
    again = (await handle.describe()).schedule
    assert again.state == ScheduleState(note="holiday", paused=True)
    assert again.action.task_queue == "other"  # type: ignore[union-attr]
    await handle.delete()
    with pytest.raises(RPCError):
        await handle.describe()


def _next_two() -> list[int]:
    first = YEAR + 1 if opening_of(YEAR + 1) > now() + timedelta(seconds=1) else YEAR + 2
    return [first, first + 1]
