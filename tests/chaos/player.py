"""One process of the kill test, and what it does until it is killed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random

from temporalio.client import Client
from temporalio.service import RPCError

from activities.documents import Documents
from activities.outbox import Outbox
from activities.store.database import StoreError
from tests.chaos.decider import Decider
from tests.chaos.fuses import DeadlyCalls, DeadlyDatabase, DeadlyMailer, Fuse
from tests.chaos.world import World
from worker.installation import Installation, mailer
from worker.serving import make_worker, serving

AWAY = 0.2
"""Seconds until a server that did not answer is tried again."""


@dataclass
class Hurried(Installation):
    """An installation whose outbox has a faster clock."""

    world: World | None = None

    def outbox(self, client: Client | None) -> Outbox:
        assert self.world is not None
        return Outbox(
            self.database,
            client,
            self.mailer,
            self.situations,
            self.world.soon,
            task_queue=self.settings.task_queue,
            sender=self.settings.mail.sender,
            shift=self.shift,
        )


def installed(world: World, fuse: Fuse) -> Hurried:
    """The installation of the world, in which everything that matters may be the last thing."""
    settings = world.settings
    database = DeadlyDatabase(settings.database_url, fuse)
    return Hurried(
        settings,
        database,
        Documents(settings.documents),
        DeadlyMailer(mailer(settings), fuse),
        world.now,
        lambda: world.ahead,
        world=world,
    )


async def connected(world: World, installation: Installation, fuse: Fuse) -> Client:
    """Our client, as soon as the server answers."""
    while True:
        try:
            return await Client.connect(
                world.address, plugins=[installation.plugin], interceptors=[DeadlyCalls(fuse)]
            )
        except (RPCError, RuntimeError):
            await asyncio.sleep(AWAY)


async def ready(installation: Installation) -> None:
    """Return as soon as the database can be used."""
    while True:
        try:
            await installation.database.check()
        except StoreError:
            await asyncio.sleep(AWAY)
        else:
            return


async def play(role: str, number: int, life: int, chance: float, folder: Path) -> None:
    """Be one of the processes of the world in `folder`.

    The role is `worker` (workflows and activities), `serving` (those and an outbox, as `forsvarlig worker` has
    them), `outbox` or `decider`. `life` counts how often it was started, `chance` is that of each of its fuses.
    """
    world = World.read(folder)
    fuse = Fuse(Random(f"{world.seed} {role} {number} {life}"), chance, folder / f"{role}{number}.deaths")
    installation = installed(world, fuse)
    await ready(installation)
    if role == "decider":
        stranger = await Client.connect(world.address, lazy=True)
        await Decider(world, number, life, installation, installed(world, fuse), stranger).work()
    client = await connected(world, installation, fuse)
    match role:
        case "worker":
            async with make_worker(client, installation.settings.task_queue):
                await asyncio.Event().wait()
        case "serving":
            async with serving(installation, client):
                await asyncio.Event().wait()
        case "outbox":
            await installation.outbox(client).run(asyncio.Event())
        case _:
            raise ValueError(f"there is no role {role!r}")
