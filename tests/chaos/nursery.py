"""Where the processes of the kill test come from: one that has imported everything, and forks whoever is asked for.

To import the product takes seconds of a core, and hundreds of processes die in one run. Nothing has run yet when
one is forked, no thread and no event loop, so that a child is as good as one that was started by itself.

`python -m tests.chaos.nursery FOLDER` reads lines `ROLE NUMBER LIFE CHANCE` and says `born ROLE NUMBER PID` and
`died PID STATUS`; its children die with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tests.chaos.player import play
from worker.logs import configure
from worker.tether import PR_SET_PDEATHSIG

ROOT = Path(__file__).parents[2]
LOOK = 0.02


def main(folder: Path) -> None:
    """Until the standard input ends."""
    gc.collect()
    gc.freeze()
    _say("ready")
    unread = b""
    while True:
        if select.select([sys.stdin.fileno()], [], [], LOOK)[0]:
            new = os.read(sys.stdin.fileno(), 65536)
            if not new:
                return
            *lines, unread = (unread + new).split(b"\n")
            for line in lines:
                role, number, life, chance = line.decode().split()
                pid = os.fork()
                if pid == 0:
                    _live(folder, role, int(number), int(life), float(chance))
                _say(f"born {role} {number} {pid}")
        _bury()


def _bury() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(f"died {pid} {os.waitstatus_to_exitcode(status)}")


def _live(folder: Path, role: str, number: int, life: int, chance: float) -> NoReturn:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(folder / f"{role}{number}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    status = 1
    try:
        configure(logging.WARNING, json=False)
        asyncio.run(play(role, number, life, chance, folder))
        status = 0
    except BaseException:
        logging.exception("%s %d ends", role, number)
    finally:
        os._exit(status)


def _say(line: str) -> None:
    print(line, flush=True)


class Nursery:
    """The other end: brings processes into the world, and tells when they have left it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._births: dict[tuple[str, int], asyncio.Future[int]] = {}
        self._lives: dict[int, asyncio.Future[int]] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Nursery:
        tether = [sys.executable, "-I", "-S", str(ROOT / "worker" / "tether.py"), str(os.getpid())]
        with (self._folder / "nursery.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*tether, sys.executable, "-m", "tests.chaos.nursery", str(self._folder)),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        said = await self._process.stdout.readline()
        assert said == b"ready\n", (self._folder / "nursery.log").read_text()
        self._listening = asyncio.create_task(self._listen(self._process.stdout))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._listening is not None
        self._process.kill()
        await self._process.wait()
        await self._listening

    async def bear(self, role: str, number: int, life: int, chance: float) -> tuple[int, asyncio.Future[int]]:
        """A new process: its id, and its exit status when it comes (negative for a signal)."""
        assert self._process is not None
        assert self._process.stdin is not None
        birth = self._births[role, number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(f"{role} {number} {life} {chance}\n".encode())
        pid = await birth
        return pid, self._lives[pid]

    async def _listen(self, said: asyncio.StreamReader) -> None:
        while line := await said.readline():
            self._heard(line.decode().split())

    def _heard(self, words: Sequence[str]) -> None:
        match words:
            case "born", role, number, pid:
                self._lives[int(pid)] = asyncio.get_running_loop().create_future()
                self._births.pop((role, int(number))).set_result(int(pid))
            case "died", pid, status:
                self._lives.pop(int(pid)).set_result(int(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
