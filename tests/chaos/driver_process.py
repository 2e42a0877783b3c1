"""A rehearsal that kills itself between a commit and the mark that its consequence was delivered.

`python -m tests.chaos.driver_process FOLDER ADDRESS (start|bell|mail) (before|after) N` dies by SIGKILL just
before or just after it delivers the Nth start, bell or mail.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    WorkflowHandle,
)

from activities.cycles import YearError, open_year
from activities.mail import EmlFolder
from tests.chaos.fjell import EMPLOYER, YEAR, settings, staged
from tests.rules.employers import law, programme
from worker.staging import plugin_for, rehearsal
from worker.story import Story
from worker.virtual import VirtualEnvironment

T = TypeVar("T")


@dataclass
class Death:
    """Comes at one delivery of one channel."""

    channel: str
    moment: str
    left: int

    async def at(self, channel: str, delivery: Awaitable[T]) -> T:
        self.left -= channel == self.channel
        mine = channel == self.channel and self.left == 0
        if mine and self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await delivery
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


class DeadlyMail(EmlFolder):
    def __init__(self, folder: Path, death: Death) -> None:
        super().__init__(folder)
        self._death = death

    async def send(self, message: EmailMessage) -> None:
        await self._death.at("mail", super().send(message))


class DeadlyCalls(Interceptor):
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


async def drive(folder: Path, address: str, death: Death) -> None:
    installation = await staged(folder)
    installation = replace(installation, mailer=DeadlyMail(settings(folder).mail_directory, death))
    plugins = [plugin_for(installation)]
    client = await Client.connect(address, plugins=plugins, interceptors=[DeadlyCalls(death)])
    try:
        await open_year(installation.database, EMPLOYER, YEAR, programme(), law(), installation.clock())
    except YearError as error:
        if error.code != "already_started":
            raise
    await rehearsal(VirtualEnvironment(client), installation, EMPLOYER, Story()).run()


if __name__ == "__main__":
    _, folder, address, channel, moment, number = sys.argv
    asyncio.run(drive(Path(folder), address, Death(channel, moment, int(number))))
