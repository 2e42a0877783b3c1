"""People at their machines: they answer what they are asked, through our door or past it, and note what they are told.

Who is killed before the answer came asks again with the same words, as any client must.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Any, TypeVar
from uuid import uuid4
from zlib import crc32

from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.receipts import Receipt
from activities.store.database import StoreError
from tests.chaos.errands import Errand, Line, errand, junk, read_journal, unfinished
from tests.chaos.world import World
from worker.installation import Installation
from workflows.rules.statement import Decide

AT_ONCE = 8
"""Errands that one process runs at the same time."""

LIFE = timedelta(days=7)
LOOK = 0.1

T = TypeVar("T")


class Decider:
    """One process of several, each for some of the cycles.

    `here` and `there` are two clients of one database, as two browsers would be.
    """

    def __init__(
        self, world: World, number: int, life: int, here: Installation, there: Installation, stranger: Client
    ) -> None:
        self._world, self._number, self._life = world, number, life
        self._here, self._there, self._stranger = here, there, stranger
        self._turn = asyncio.Semaphore(AT_ONCE)
        path = world.journal(number)
        before, end = read_journal(path)
        self._left = unfinished(before)
        self._known = {line.errand.key for line in before if line.kind == "done" and line.errand is not None}
        self._luck = Random(f"{world.seed} junk {number} {life}")
        self._journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self._journal, end)

    async def work(self) -> None:
        """Until it is killed."""
        running: set[asyncio.Task[None]] = set()
        said_idle = False
        for begun in self._left:
            self._known.add(begun.key)
            running.add(asyncio.create_task(self._run(begun)))
        while True:
            for new in await self._patiently(self._asked):
                self._known.add(new.key)
                self._note(Line(kind="begun", errand=new))
                running.add(asyncio.create_task(self._run(new)))
                said_idle = False
            done, running = await asyncio.wait(running, timeout=LOOK) if running else (set(), running)
            for task in done:
                task.result()
            if not running:
                if not said_idle:
                    self._note(Line(kind="idle", life=self._life))
                    said_idle = True
                await asyncio.sleep(LOOK)

    async def _asked(self) -> list[Errand]:
        """What is new among what is asked in this process's cycles."""
        async with self._here.database.read() as reader:
            rows = await reader.inbox(employer=self._world.employer)
            mine = [r for r in rows if crc32(r.cycle.encode()) % self._world.deciders == self._number]
            steps = {(s.cycle, s.step): s for s in await reader.steps(employer=self._world.employer) if mine}
        found = [errand(self._world.seed, row, steps[row.cycle, row.step].document) for row in mine]
        return [e for e in {e.key: e for e in found}.values() if e.key not in self._known]

    async def _run(self, errand: Errand) -> None:
        async with self._turn:
            if errand.junk:
                name, content = junk(self._luck)
                await self._signal(errand, "junk", name, json.dumps(content))
            if errand.what == "evidence":
                await self._at_the_door(errand, self._files)
            elif errand.by_signal:
                await self._past_the_door(errand)
            else:
                await self._at_the_door(errand, self._decides)
            self._note(Line(kind="done", errand=errand))

    # --- through the door -----------------------------------------------------------------------------

    async def _at_the_door(
        self, errand: Errand, act: Callable[[Installation, Errand, str], Awaitable[Receipt]]
    ) -> None:
        async def send(client: Installation, nonce: str) -> None:
            how: Any = "door" if nonce == errand.nonce else "again"
            self._note(Line(kind="tried", errand=errand, how=how))
            receipt = await self._patiently(lambda: act(client, errand, nonce))
            self._note(
                Line(
                    kind="acknowledged", errand=errand, how=how, fact=receipt.fact.id, seq=receipt.seq,
                    repeated=receipt.repeated, refused=receipt.reason,
                )
            )  # fmt: skip

        clients = [self._here, self._there] if errand.twice else [self._here]
        await asyncio.gather(*(send(client, errand.nonce) for client in clients))
        if errand.again:
            await send(self._here, errand.other_nonce)

    async def _files(self, client: Installation, errand: Errand, nonce: str) -> Receipt:
        now = self._world.now()
        async with client.database.write(self._world.employer) as tx:
            content = f"Dokument til {errand.key}".encode()
            row = await client.documents.put(content, "text/plain", "dokument.txt", now, tx)
        return await client.doors.submit(
            errand.cycle, errand.step, errand.person, row.hash, now=self._world.now(), nonce=nonce
        )

    async def _decides(self, client: Installation, errand: Errand, nonce: str) -> Receipt:
        assert errand.outcome is not None
        assert errand.document is not None
        comment = errand.comment
        return await client.doors.decide(
            errand.cycle, errand.step, errand.person, errand.role, errand.outcome,
            document=errand.document, version=errand.version, comment=comment and comment.text,
            now=self._world.now(), nonce=nonce,
        )  # fmt: skip

    # --- past the door --------------------------------------------------------------------------------

    async def _past_the_door(self, errand: Errand) -> None:
        envelope = await self._patiently(lambda: self._signed(errand, errand.nonce))
        for _ in range(2 if errand.twice else 1):
            await self._signal(errand, "signal", "decide", envelope)
        if errand.again:
            other = await self._patiently(lambda: self._signed(errand, errand.other_nonce))
            await self._signal(errand, "signal again", "decide", other)

    async def _signed(self, errand: Errand, nonce: str) -> str:
        assert errand.outcome is not None
        assert errand.document is not None
        said = Decide(
            role=errand.role, outcome=errand.outcome, document=errand.document, version=errand.version,
            comment=errand.commitment,
        )  # fmt: skip
        envelope = await self._here.doors.sign(
            self._world.employer, errand.person, said, now=self._world.now(), nonce=nonce, life=LIFE,
            cycle=errand.cycle, step=errand.step, texts=[errand.comment] if errand.comment else [],
        )  # fmt: skip
        return envelope.to_json()

    async def _signal(self, errand: Errand, how: Any, name: str, content: str) -> None:
        """By the server's own interface, without any client of ours; tried again until the server has taken it."""
        digest = hashlib.sha256(content.encode()).hexdigest()
        payload = Payload(metadata={"encoding": b"json/plain"}, data=content.encode())
        request = SignalWorkflowExecutionRequest(
            namespace="default",
            workflow_execution=WorkflowExecution(workflow_id=errand.cycle),
            signal_name=name,
            input=Payloads(payloads=[payload]),
        )
        while True:
            # Without an id, what the connection itself sends again after a break comes twice.
            request.request_id = str(uuid4())
            self._note(Line(kind="tried", errand=errand, how=how, digest=digest))
            try:
                await self._stranger.workflow_service.signal_workflow_execution(
                    request, timeout=timedelta(seconds=5)
                )
            except (RPCError, RuntimeError) as error:
                if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                    return  # the year is over, also because an earlier try came through
                await asyncio.sleep(LOOK)
            else:
                self._note(Line(kind="acknowledged", errand=errand, how=how, digest=digest))
                return

    # --------------------------------------------------------------------------------------------------

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the store answers, asked again while it is away."""
        while True:
            try:
                return await ask()
            except StoreError:
                await asyncio.sleep(LOOK)

    def _note(self, line: Line) -> None:
        os.write(self._journal, line.model_dump_json(exclude_defaults=True).encode() + b"\n")
        os.fsync(self._journal)
