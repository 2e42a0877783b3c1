"""Appends of one employer that come at the same time share a transaction: one lock, one commit, one wait for the disk.

Each has its own outcome all the same, as if it had been alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from activities.ledger.log import Payload
from activities.store.errors import StoreError, Unusable
from activities.store.transaction import Transaction
from workflows.rules.events import Fact

MOST = 500
"""Facts in one transaction, unless one request alone has more."""

Stored = list[tuple[int, Fact]]


@dataclass(slots=True, eq=False)
class _Request:
    facts: Sequence[Fact]
    comments: Mapping[str, Payload]
    outcome: asyncio.Future[Stored] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def answer(self, stored: Stored) -> None:
        if not self.outcome.done():
            self.outcome.set_result(stored)

    def fail(self, error: BaseException) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Sequencer:
    """Puts appends into one row for each employer; what is waiting is written together.

    Whoever stops waiting withdraws what is not being written yet; what is being written may be written then, and
    appending it again is safe.
    """

    def __init__(self, write: Callable[[str], AbstractAsyncContextManager[Transaction]]) -> None:
        self._write = write
        self._waiting: dict[str, deque[_Request]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    async def append(self, employer: str, facts: Sequence[Fact], comments: Mapping[str, Payload]) -> Stored:
        """`Transaction.append` in a transaction that is committed when this returns."""
        request = _Request(facts, comments)
        self._waiting.setdefault(employer, deque()).append(request)
        writer = self._writers.get(employer)
        if writer is None or writer.done():
            self._writers[employer] = asyncio.create_task(self._drain(employer))
        return await request.outcome

    async def close(self) -> None:
        """Wait until everything that waits is written or has failed."""
        await asyncio.gather(*self._writers.values())

    async def _drain(self, employer: str) -> None:
        waiting = self._waiting[employer]
        under_way: list[_Request] = []
        try:
            while under_way := _next(waiting):
                try:
                    await self._together(employer, under_way)
                except Unusable as error:
                    # Those behind would each wait as long to be told the same.
                    for request in [*under_way, *waiting]:
                        request.fail(Unusable(str(error)))
                    waiting.clear()
        finally:
            for request in [*under_way, *waiting]:
                request.outcome.cancel()
            del self._waiting[employer], self._writers[employer]

    async def _together(self, employer: str, requests: Sequence[_Request]) -> None:
        """Write all of these in one transaction; where that is refused, each in one of its own."""
        try:
            async with self._write(employer) as transaction:
                sound = [request for request in requests if _is_sound(transaction, request)]
                stored = await _append(transaction, sound)
        except Unusable:
            raise
        except Exception as error:
            if len(requests) == 1:
                requests[0].fail(error)
                return
            for request in requests:
                if not request.outcome.done():
                    await self._together(employer, [request])
            return
        for request, of_it in zip(sound, stored, strict=True):
            request.answer(of_it)


def _next(waiting: deque[_Request]) -> list[_Request]:
    """The first requests that somebody waits for, at most `MOST` facts of several."""
    taken: list[_Request] = []
    room = MOST
    while waiting and (not taken or len(waiting[0].facts) <= room):
        request = waiting.popleft()
        if not request.outcome.done():
            taken.append(request)
            room -= len(request.facts)
    return taken


def _is_sound(transaction: Transaction, request: _Request) -> bool:
    try:
        transaction.check(request.facts, request.comments)
    except StoreError as error:
        request.fail(error)
        return False
    return True


async def _append(transaction: Transaction, requests: Sequence[_Request]) -> list[Stored]:
    """What was stored of each request: a fact that several have belongs to the first of them."""
    owner: dict[str, int] = {}
    facts: list[Fact] = []
    comments: dict[str, Payload] = {}
    for number, request in enumerate(requests):
        for fact in request.facts:
            if owner.setdefault(fact.id, number) == number:
                facts.append(fact)
                if fact.id in request.comments:
                    comments[fact.id] = request.comments[fact.id]
    stored: list[Stored] = [[] for _ in requests]
    for seq, fact in await transaction.append(facts, comments):
        stored[owner[fact.id]].append((seq, fact))
    return stored
