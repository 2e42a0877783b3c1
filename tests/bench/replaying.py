"""Figure 8: histories replayed in a second, by our command and by the SDK alone, and the archive at rest."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

from activities.histories import Histories
from activities.history_files import read, workflow_of
from activities.store import tables
from tests.bench.employers import YEAR, many
from tests.bench.measuring import Figure, Size, figure, timed, timed_async
from tests.bench.rig import installed, live_engine
from worker.archive import BUILD, position, quiet
from worker.installation import Installation, wall_clock
from worker.keyring import Keyring
from worker.plugin import forsvarlig_plugin
from worker.replaying import judge_files, verdicts
from workflows.rules.terms import unit_cycle

RECORDED = Path(__file__).parents[1] / "replay" / "histories" / "0.2.0"
UNIT_YEAR = RECORDED / "unit_fjell_u1_2027.pb.gz"
KEYS = RECORDED / "keys"
AT_REST = 200
"""Closed years, all exported, that a sweep finds nothing to do about."""


async def measure(size: Size) -> AsyncIterator[Figure]:
    """A unit's whole year, 364 events, sealed; each replay begins from the file."""
    files = [UNIT_YEAR] * (8 * size.rounds)
    # Each replay has an event loop of its own, and this one must not be in its way.
    alone, bare, many_ = await asyncio.to_thread(_replays, size.rounds, files)
    note = f"{len(files)} files"
    yield figure(
        "replay", "a unit's year", "ms", alone, bare, "the SDK's Replayer, given the same", note=note
    )
    cores = os.cpu_count() or 1
    yield figure(
        "replay", f"the same in {cores} processes", "ms", many_, bare, "the same", note="with their start"
    )
    events, keyring = read(UNIT_YEAR), Keyring(KEYS)
    june = datetime(2027, 6, 14, 22, tzinfo=UTC)
    asked = [
        await timed_async(lambda: position(events, june, keyring=keyring)) for _ in range(3 * size.rounds)
    ]
    yield figure(
        "replay", "how it stood in June", "ms", [s * 1000 for s in asked], bare, "as above: the whole year"
    )
    async with live_engine() as address:
        yield await _at_rest(address, size)


def _replays(rounds: int, files: Sequence[Path]) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds a history: by our command in one process, by the SDK alone, and in all processes."""

    def bare() -> None:
        async def replay() -> None:
            plugin = forsvarlig_plugin(keyring=Keyring(KEYS))
            replayer = Replayer(workflows=[], plugins=[plugin], build_id=BUILD, runtime=quiet())

            async def pushed() -> AsyncIterator[WorkflowHistory]:
                for file in files:
                    events = read(file)
                    yield WorkflowHistory(workflow_of(events), events)

            await replayer.replay_workflows(pushed())

        asyncio.run(replay())

    each = 1000 / len(files)
    alone = timed(rounds, lambda: judge_files(files, KEYS))
    floor = timed(rounds, bare)
    spread = timed(rounds, lambda: list(verdicts(files, KEYS, os.cpu_count())))
    return [s * each for s in alone], [s * each for s in floor], [s * each for s in spread]


async def _at_rest(address: str, size: Size) -> Figure:
    folder = Path(tempfile.mkdtemp(prefix="forsvarlig-bench-"))
    organisation = many(4)
    try:
        async with installed(folder, organisation, "archive") as installation:
            await _close_many(installation, organisation.employer)
            client = await Client.connect(address)
            archive = Histories(installation.database, client, folder / "histories", wall_clock)
            await archive.sweep()
            ours = [await timed_async(archive.sweep) for _ in range(20 * size.rounds)]
            empty = [await timed_async(lambda: _read(installation)) for _ in range(20 * size.rounds)]
    finally:
        shutil.rmtree(folder)
    name = f"a sweep with nothing to do, {AT_REST} years"
    return figure(
        "replay", name, "ms", [s * 1000 for s in ours], [s * 1000 for s in empty], "a read of one row"
    )


async def _read(installation: Installation) -> None:
    async with installation.database.read() as reader:
        await reader.head("nobody")


async def _close_many(installation: Installation, employer: str) -> None:
    """So many closed cycles as rows only: their ends were exported."""
    now = wall_clock() - timedelta(hours=1)
    ids = [unit_cycle(employer, f"u{n}", YEAR) for n in range(AT_REST)]
    cycles = [
        {
            "id": id, "employer": employer, "unit": f"u{n}", "year": YEAR, "programme": "", "law": "",
            "organisation": "", "profile": "large", "state": "closed", "started": now, "closed": now,
        }
        for n, id in enumerate(ids)
    ]  # fmt: skip
    exports = [
        {
            "employer": employer, "seq": 10_000 + n, "workflow": id, "run": "r", "events": 364, "sha256": "0" * 64,
            "size": 1, "closed": True, "version": "0.3.0", "recorded": now,
        }
        for n, id in enumerate(ids)
    ]  # fmt: skip
    async with installation.database.write(employer) as tx:
        await tx.connection.execute(insert(tables.cycle), cycles)
        await tx.connection.execute(insert(tables.exported_history), exports)
