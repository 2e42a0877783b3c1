"""What the embedded engine asks the operating system: ports, processes, and who owns a database."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel, ConfigDict, ValidationError

from activities.language import _

LOOPBACK = "127.0.0.1"
_TCP_LISTEN = "0A"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_port_free(port: int) -> bool:
    """Whether nobody listens on `port` of 127.0.0.1; raises `OSError` if this user may not use it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True


def port_holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """Who listens on `port`, as "postgres (process 4711)", or None where the system does not tell.

    Reads Linux's /proc; processes of other users are only visible to root.
    """
    sockets = set[str]()
    for table in (proc / "net" / "tcp", proc / "net" / "tcp6"):
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                columns = line.split()
                if columns[3] == _TCP_LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                    sockets.add(f"socket:[{columns[9]}]")
    if not sockets:
        return None
    for descriptor in proc.glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()) in sockets:
                process = descriptor.parent.parent
                name = (process / "comm").read_text().strip()
                return _("{name} (prosess {pid})").format(name=name, pid=process.name)
    return None


def command_line(pid: int) -> str:
    """The command line of process `pid`; empty if there is no such process or it may not be seen."""
    if sys.platform == "linux":
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return arguments.replace(b"\0", b" ").decode(errors="replace").strip()
    listing = ["ps", "-p", str(pid), "-o", "command="]
    return subprocess.run(listing, capture_output=True, text=True, check=False).stdout.strip()


async def until_listening(address: str) -> None:
    """Return as soon as somebody listens on `address` ("host:port"); waits without limit."""
    host, _, port = address.rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return


async def end(process: asyncio.subprocess.Process, patience: timedelta) -> None:
    """Ask `process` to stop, kill it after `patience`, and return when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience.total_seconds())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Owner(BaseModel):
    """Who runs an engine, and where it answers."""

    model_config = ConfigDict(frozen=True)

    pid: int
    database: str
    server_pid: int | None = None
    address: str | None = None
    ui_address: str | None = None


class Claimed(Exception):
    """Another process holds the claim; `owner` is None if it has not yet said who it is."""

    def __init__(self, owner: Owner | None) -> None:
        super().__init__("claimed by another process")
        self.owner = owner


class Claim:
    """An exclusive claim on a file, held by an advisory lock that ends with the process that took it.

    The file tells others who holds it. What a killed process left in it is no obstacle; it is kept as
    `predecessor` until the claim is released.
    """

    def __init__(self, path: Path) -> None:
        """Take the claim; raises `Claimed` if another process, or another claim of this one, holds it."""
        self._path = path
        self._file = _locked(path)
        self.predecessor = _owner(os.pread(self._file, 65536, 0))

    def tell(self, owner: Owner) -> None:
        """Write who holds the claim."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(owner.model_dump(), indent=1).encode() + b"\n", 0)

    def release(self) -> None:
        """Remove the file and let others have it."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _locked(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(os.pread(file, 65536, 0))
            os.close(file)
            raise Claimed(owner) from None
        # The holder before us may have removed the file between our open and our lock.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        os.close(file)


def _owner(content: bytes) -> Owner | None:
    try:
        return Owner.model_validate_json(content)
    except ValidationError:
        return None
