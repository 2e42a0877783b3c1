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
from pathlib import Path
from typing import TypeVar

from temporalio.client import Client

from activities.cycles import YearError, open_year
from tests.chaos.fjell import EMPLOYER, YEAR, staged
from tests.chaos.fuses import DeadlyCalls, DeadlyMailer
from tests.rules.employers import law, programme
from worker.staging import plugin_for, rehearsal
from worker.story import Story
from worker.virtual import VirtualEnvironment

T = TypeVar("T")


@dataclass
class OneDeath:
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


async def drive(folder: Path, address: str, death: OneDeath) -> None:
    installation = await staged(folder)
    installation = replace(installation, mailer=DeadlyMailer(installation.mailer, death))
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
    asyncio.run(drive(Path(folder), address, OneDeath(channel, moment, int(number))))
