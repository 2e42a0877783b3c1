"""Sudden death from inside: a process of the test kills itself just before or after something that matters.

The product knows nothing of it: its own classes are given the database, the mailer and the client from here.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeVar

from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    WorkflowHandle,
)

from activities.mail import Mailer
from activities.store.database import Database
from activities.store.transaction import Transaction

T = TypeVar("T")


class Death(Protocol):
    """Decides about the life of this process when something is delivered."""

    async def at(self, channel: str, delivery: Awaitable[T]) -> T:
        """The delivery's result, if the process lives to see it."""


class Fuse:
    """Kills this process by SIGKILL with a `chance` at each of its places, and says in a file where it was."""

    def __init__(self, random: Random, chance: float, deaths: Path) -> None:
        self._random, self._chance, self._deaths = random, chance, deaths

    def burn(self, place: str) -> None:
        if self._random.random() < self._chance:
            with self._deaths.open("a") as file:
                file.write(f"{place}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    async def at(self, channel: str, delivery: Awaitable[T]) -> T:
        self.burn(f"before {channel}")
        result = await delivery
        self.burn(f"after {channel}")
        return result


class DeadlyDatabase(Database):
    """Dies before or after a commit."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse

    @asynccontextmanager
    async def write(self, employer: str) -> AsyncIterator[Transaction]:
        async with super().write(employer) as transaction:
            yield transaction
            self._fuse.burn("before commit")
        self._fuse.burn("after commit")


class DeadlyMailer:
    """Dies before a message is handed over, or after that and before anybody can know."""

    def __init__(self, mailer: Mailer, death: Death) -> None:
        self._mailer, self._death = mailer, death

    @property
    def repeatable(self) -> bool:
        return self._mailer.repeatable

    async def send(self, message: EmailMessage) -> None:
        await self._death.at("mail", self._mailer.send(message))


class DeadlyCalls(Interceptor):
    """Dies before or after a workflow is started or rung."""

    def __init__(self, death: Death) -> None:
        self._death = death

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _DeadlyCalls(next, self._death)


class _DeadlyCalls(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, death: Death) -> None:
        super().__init__(next)
        self._death = death

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        return await self._death.at("start", super().start_workflow(input))

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        await self._death.at("bell", super().signal_workflow(input))
