"""Figure 6: from a decision's commit until the gate has moved on, through outbox, engine, worker and ledger."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client

from activities.cycles import open_year
from activities.store.rows import DocumentRow, InboxRow
from tests.bench.doors import DOCUMENT, IN_MAY
from tests.bench.employers import YEAR, many
from tests.bench.measuring import Figure, Size, percentile
from tests.bench.rig import all_waiting, bare_worker, installed, live_engine
from tests.rules.employers import law, programme
from worker.installation import Installation, wall_clock
from worker.serving import serving
from worker.staging import plugin_for
from worker.story import OUTCOME_OF

UNITS = 8
LOOK = 0.002
"""Seconds between two looks at the ledger: what the figure may be too high by."""


async def measure(size: Size) -> AsyncIterator[Figure]:
    """One decision after another on an idle engine; each is followed by a bare signal that ends a workflow."""
    shift = IN_MAY - wall_clock()
    organisation = many(UNITS)
    async with live_engine() as address:
        with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as folder:
            async with installed(Path(folder), organisation, "gates", mode="rehearsal") as plain:
                installation = replace(plain, clock=lambda: wall_clock() + shift, shift=lambda: shift)
                client = await Client.connect(address, plugins=[plugin_for(installation)])
                bare_client = await Client.connect(address)
                async with serving(installation, client), bare_worker(bare_client, "bare"):
                    await _open(installation, organisation.employer)
                    ours, floors = await _gates(installation, bare_client, size.decisions // 4)
    for label, share in (("p50", 0.5), ("p95", 0.95)):
        yield Figure(
            "gates", f"decision recorded to gate moved on, {label}", percentile(ours, share) * 1000, "ms",
            percentile(floors, share) * 1000, "a signal that ends a bare workflow", min(ours) * 1000,
            max(ours) * 1000, len(ours),
        )  # fmt: skip


async def _open(installation: Installation, employer: str) -> None:
    """The middle of May: every step that asks for a document has it."""
    now = installation.clock()
    await open_year(installation.database, employer, YEAR, programme(), law(), now)
    await all_waiting(installation.database, UNITS + 1)
    async with installation.database.write(employer) as tx:
        await tx.put_document(DocumentRow(hash=DOCUMENT, media_type="text/plain", size=1, stored_at=now))
    for row in await _asked(installation, "evidence"):
        await installation.doors.submit(
            row.cycle, row.step, row.person, DOCUMENT, now=installation.clock(), nonce=uuid4().hex
        )
    while await _asked(installation, "evidence"):
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # the last bells


async def _asked(installation: Installation, *what: str) -> list[InboxRow]:
    async with installation.database.read() as reader:
        return [row for row in await reader.inbox() if row.what in what and row.unit is not None]


async def _gates(installation: Installation, bare: Client, most: int) -> tuple[list[float], list[float]]:
    doors, ours, floors = installation.doors, list[float](), list[float]()
    while rows := await _asked(installation, "consult", "approve", "treat"):
        for row in rows:
            if len(ours) == most:
                return ours, floors
            start = time.perf_counter()
            receipt = await doors.decide(
                row.cycle, row.step, row.person, row.role, OUTCOME_OF[row.what], document=DOCUMENT,
                version=row.version, now=installation.clock(), nonce=uuid4().hex,
            )  # fmt: skip
            if receipt.accepted:
                await _moved_on(installation, row, receipt.seq)
                ours.append(time.perf_counter() - start)
                floors.append(await _bare(bare))
    return ours, floors


async def _moved_on(installation: Installation, row: InboxRow, after: int) -> None:
    while True:
        async with installation.database.read() as reader:
            if await reader.facts(row.employer, cycle=row.cycle, step=row.step, after=after):
                return
        await asyncio.sleep(LOOK)


async def _bare(client: Client) -> float:
    handle = await client.start_workflow("Waiting", id=uuid4().hex, task_queue="bare")
    await asyncio.sleep(0.05)
    start = time.perf_counter()
    await handle.signal("ring")
    await handle.result()
    return time.perf_counter() - start
