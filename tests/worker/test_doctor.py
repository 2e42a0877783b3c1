"""`forsvarlig doctor`: what it finds, and the remedy it gives."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.store.database import Database
from activities.store.rows import EmployerRow
from tests.worker.namespaces import bare_namespace
from worker.cli.frame import Root
from worker.processes import free_port


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an environment in which nothing is configured."""
    for name in list(os.environ):
        if name.startswith(("FORSVARLIG_", "TEMPORAL_", "XDG_", "LANG", "LC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def state(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory with a database."""
    folder = home / "state"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("FORSVARLIG_STATE", str(folder))

    async def create() -> None:
        database = Database(f"sqlite:///{folder / 'forsvarlig.db'}")
        await database.upgrade()
        await database.close()

    asyncio.run(create())
    return folder


@pytest.fixture
def mail_server() -> Iterator[int]:
    port = free_port()
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    yield port
    controller.stop()


def examine(*arguments: str) -> Result:
    return CliRunner().invoke(Root(), ["doctor", *arguments], prog_name="forsvarlig")


def findings() -> dict[str, dict[str, Any]]:
    said = json.loads(examine("--format", "json").stdout)
    assert said["schema"] == "forsvarlig/doctor/1"
    return {finding["check"]: finding for finding in said["findings"]}


@pytest.mark.usefixtures("home")
def test_a_new_installation_is_healthy_and_is_told_what_to_start() -> None:
    said = examine()
    assert said.exit_code == 0
    assert "✓ Python 3." in said.stdout
    assert "✗" not in said.stdout
    assert "er ikke laget ennå.\n  Gjør dette: forsvarlig up" in said.stdout
    assert "blir .eml-filer i" in said.stdout


def test_looking_leaves_nothing_behind(home: Path) -> None:
    examine()
    assert list(home.iterdir()) == []


@pytest.mark.usefixtures("state")
def test_a_database_at_this_version_with_no_employer_is_in_order() -> None:
    found = findings()
    assert (found["database"]["status"], found["ledger"]["status"]) == ("ok", "ok")


def test_a_ledger_that_was_changed_from_outside_is_an_error(state: Path) -> None:
    url = f"sqlite:///{state / 'forsvarlig.db'}"

    async def create() -> None:
        database = Database(url)
        created = datetime(2027, 1, 4, tzinfo=UTC)
        async with database.write("e-1") as transaction:
            await transaction.put_employer(
                EmployerRow(
                    id="e-1", org_number="999999999", name="Nordfjord Tre AS", mode="real", created=created
                )
            )
        await database.close()

    asyncio.run(create())
    assert findings()["ledger"]["message"] == "Hovedboken stemmer for Nordfjord Tre AS."
    with create_engine(f"sqlite:///{state / 'forsvarlig.db'}").begin() as connection:
        connection.execute(text("UPDATE ledger_head SET root = zeroblob(32), size = 1"))
    found = findings()["ledger"]
    assert found["status"] == "error"
    assert "Nordfjord Tre AS" in found["message"]


def test_a_database_at_another_version_is_an_error(state: Path) -> None:
    with create_engine(f"sqlite:///{state / 'forsvarlig.db'}").begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    said = examine()
    assert said.exit_code == 1
    assert "✗ Databasen" in said.stdout
    assert "from_the_future" in said.stdout
    assert "forsvarlig db upgrade" in said.stdout


def test_a_file_that_is_no_database_is_an_error(state: Path) -> None:
    (state / "forsvarlig.db").write_bytes(b"not a database at all" * 100)
    assert findings()["database"]["status"] == "error"


def test_a_state_directory_that_others_can_read_is_a_warning(state: Path) -> None:
    state.chmod(0o755)
    assert findings()["state"] == {
        "check": "state",
        "status": "warning",
        "message": f"Andre brukere kan lese tilstandsmappen {state}, som har personopplysninger.",
        "remedy": f"chmod 700 {state}",
    }


def test_a_file_in_place_of_the_state_directory_is_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("FORSVARLIG_STATE", str(home / "file"))
    assert findings()["state"]["status"] == "error"


@pytest.mark.usefixtures("home")
def test_a_missing_engine_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_ENGINE_BINARY", "/nowhere/temporal")
    assert findings()["engine"]["status"] == "error"
    assert examine().exit_code == 1


@pytest.mark.usefixtures("home")
def test_bad_settings_are_an_error_among_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_ENGINE_PORT", "abc")
    found = findings()
    assert found["python"]["status"] == "ok"
    assert found["settings"]["message"] == "FORSVARLIG_ENGINE_PORT «abc» må være et heltall."


@pytest.mark.usefixtures("home")
def test_a_misspelt_variable_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_MAIL_HOTS", "post.example")
    assert "FORSVARLIG_MAIL_HOTS" in findings()["settings"]["message"]


@pytest.mark.usefixtures("home")
def test_a_temporal_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    found = findings()["temporal"]
    assert found["status"] == "error"
    assert "127.0.0.1:1" in found["message"]


@pytest.mark.usefixtures("home")
async def test_a_temporal_without_a_worker_is_a_warning(
    virtual: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", virtual.client.service_client.config.target_host)
    found = await asyncio.to_thread(findings)
    assert found["temporal"]["status"] == "ok"
    assert (found["worker"]["status"], found["worker"]["remedy"]) == ("warning", "forsvarlig worker")


@pytest.mark.usefixtures("home")
async def test_a_namespace_without_our_search_attributes_is_an_error_with_the_command_that_makes_them(
    virtual: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = virtual.client.service_client.config.target_host
    name = await bare_namespace(address)
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    assert "search_attributes" not in await asyncio.to_thread(findings)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", name)
    found = (await asyncio.to_thread(findings))["search_attributes"]
    assert found["status"] == "error"
    assert "Employer, Unit, Year, Stage, DueDate, Awaiting" in found["message"]
    assert found["remedy"].startswith(
        f"temporal operator search-attribute create --address {address} --namespace {name} "
        "--name Employer --type Keyword "
    )


@workflow.defn
class Nothing:
    """A workflow, so that a worker has something to ask for."""

    @workflow.run
    async def run(self) -> None:
        """Ends at once."""


@pytest.mark.usefixtures("home")
async def test_a_worker_is_found_by_its_name(
    virtual: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", virtual.client.service_client.config.target_host)
    monkeypatch.setenv("FORSVARLIG_TASK_QUEUE", "doctor")
    running = Worker(
        virtual.client,
        task_queue="doctor",
        workflows=[Nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
        identity="worker-1",
    )
    async with running:
        # The server has seen the worker when it has given it something to do.
        await virtual.client.execute_workflow(Nothing.run, id="doctor", task_queue="doctor")
        found = (await asyncio.to_thread(findings))["worker"]
    assert (found["status"], found["message"]) == ("ok", "Arbeidere på køen doctor: worker-1.")


@pytest.mark.usefixtures("home")
def test_a_mail_server_that_answers_is_in_order(mail_server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_MAIL_HOST", "127.0.0.1")
    monkeypatch.setenv("FORSVARLIG_MAIL_PORT", str(mail_server))
    monkeypatch.setenv("FORSVARLIG_MAIL_STARTTLS", "false")
    assert findings()["mail"]["status"] == "ok"


@pytest.mark.usefixtures("home")
def test_a_mail_server_without_the_encryption_asked_for_is_an_error(
    mail_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORSVARLIG_MAIL_HOST", "127.0.0.1")
    monkeypatch.setenv("FORSVARLIG_MAIL_PORT", str(mail_server))
    found = findings()["mail"]
    assert found["status"] == "error"
    assert f"127.0.0.1:{mail_server}" in found["message"]
