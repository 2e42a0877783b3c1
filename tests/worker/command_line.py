"""The command line as people use it: in this process, in one of its own, and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from worker.cli.frame import Root

PROGRAM = [sys.executable, "-c", "from worker.cli import main; main()"]
EXAMPLES = Path(__file__).parents[2] / "examples"
NORDFJORD, SMALL = EXAMPLES / "nordfjord", EXAMPLES / "small"
PATIENCE = 120
"""Seconds until something that does not come is given up; a busy machine is slow."""


def clean_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `home` an empty home, with nothing configured and texts 80 columns wide; gives the state folder."""
    for name in list(os.environ):
        if name.startswith(("FORSVARLIG_", "TEMPORAL_", "XDG_", "LANG", "LC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("COLUMNS", "80")
    return home / ".local" / "state" / "forsvarlig"


def run(*arguments: str | Path) -> Result:
    """One command in this process, with nobody at the keyboard."""
    return CliRunner().invoke(Root(), list(map(str, arguments)), prog_name="forsvarlig")


def done(*arguments: str | Path) -> str:
    """The output of a command that must succeed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments: str | Path) -> dict[str, Any]:
    """The JSON document of a command."""
    found: dict[str, Any] = json.loads(run(*arguments, "--format", "json").stdout)
    return found


def words(text: str) -> str:
    """`text` with its line breaks and columns made single spaces."""
    return re.sub(r"\s+", " ", text)


@contextmanager
def started(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own; it is killed at the end if it still runs."""
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What the process prints up to and with the line that has `text`."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    assert process.stderr is not None
    raise AssertionError(f"{text!r} never came: {''.join(lines)}{process.stderr.read()}")


def typed(answer: str, *arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of a command on a terminal where `answer` is typed at the first question."""
    master, slave = pty.openpty()
    process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen, asked = b"", False
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 65536)
            except OSError:  # the other end is closed
                process.wait(PATIENCE)
                break
        if not asked and b"[" in seen.rpartition(b"\n")[2]:
            os.write(master, f"{answer}\n".encode())
            asked = True
    os.close(master)
    process.kill()
    return process.wait(), seen.decode()
