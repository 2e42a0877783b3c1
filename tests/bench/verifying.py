"""A bundle verified offline: by the file that goes into every dossier, alone, in a process of its own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from activities.ledger import verify
from tests.bench.measuring import Figure, Size, figure, timed
from tests.ledger.bundles import busy

MOST = 10_000
"""Milliseconds for 100,000 facts."""


async def measure(size: Size) -> AsyncIterator[Figure]:
    """A quarter of the facts are signed acts; the floor is to read the file and hash its lines."""
    facts = 100_000 if size.rounds > 1 else 4_000
    for signed in (True, False):
        with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as name:
            file = Path(name) / "bundle"
            file.write_bytes(busy(facts, signed=signed).bundle())
            ours = timed(size.rounds_of(long=True), lambda f=file: _verified(f))  # type: ignore[misc]
            floor = timed(size.rounds_of(long=True), lambda f=file: _hashed(f))  # type: ignore[misc]
        what = "a quarter of them signed" if signed else "none of them signed"
        yield figure(
            "verify", f"{facts} facts offline, {what}", "ms", [t * 1000 for t in ours],
            [t * 1000 for t in floor], "its lines read and hashed", MOST if facts == 100_000 else None,
        )  # fmt: skip


def _verified(file: Path) -> None:
    command = [sys.executable, "-I", "-S", verify.__file__, str(file)]
    subprocess.run(command, check=True, capture_output=True)


def _hashed(file: Path) -> None:
    with file.open("rb") as lines:
        for line in lines:
            hashlib.sha256(b"\0" + line).digest()
