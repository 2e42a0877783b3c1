"""The whole kill test: the processes, who kills them and when, and the quiet after it in which all is counted.

When somebody is killed is told in decisions that were acknowledged, not by the clock: the same seed kills the
same at the same progress.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from random import Random
from typing import Any, Literal

from aiosmtpd.controller import Controller
from temporalio.client import Client

from activities.cycles import open_year
from activities.organisations import put_in_force
from activities.store.database import Database, StoreError
from tests.chaos import audit
from tests.chaos.audit import Evidence, Report
from tests.chaos.fuses import Fuse
from tests.chaos.nursery import Nursery
from tests.chaos.player import Hurried, installed
from tests.chaos.postgres import Postgres
from tests.chaos.progress import Progress
from tests.chaos.world import MORNING, YEAR, World, programme
from tests.rules.employers import law
from worker.engine import EmbeddedEngine
from worker.engine_program import temporal_binary
from worker.processes import free_port

Victim = Literal["worker", "server", "outbox", "database"]
Role = Literal["worker", "serving", "outbox", "decider"]

LOOK = 0.05
ALMOST = 0.8
"""The part of the decisions from which it is looked whether the year is over."""

STUMBLE = 0.5
"""Seconds until a process that ended by itself is started again."""


@dataclass(frozen=True)
class Plan:
    """How large the test is: `kills` of each kind, spread over the decisions by the `seed`.

    `chance` is that of each fuse; `patience` in seconds is how long the year may take, `quiet` the settling.
    """

    seed: int
    units: int
    deciders: int
    kills: dict[Victim, int]
    chance: float
    patience: float
    quiet: float = 60

    def schedule(self, decisions: int) -> list[tuple[int, Victim]]:
        """Who is killed after how many acknowledged decisions."""
        luck = Random(f"{self.seed} kills")
        planned: list[tuple[int, Victim]] = []
        for victim, times in sorted(self.kills.items()):
            stretch = decisions / max(times, 1)
            planned += [(int(n * stretch + luck.random() * stretch), victim) for n in range(times)]
        return sorted(planned)


class Sink:
    """A mail server that remembers what it has taken."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[audit.Mail] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content)
        seqs = tuple(int(seq) for seq in message["X-Forsvarlig-Seq"].split())
        self.taken.append(audit.Mail(message["Message-ID"], message["X-Forsvarlig-Person"], seqs))
        return "250 OK"

    def __enter__(self) -> Sink:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


@dataclass
class Deaths:
    """How often each role died: killed from outside, by a fuse at some place, or of its own fault."""

    killed: Counter[str] = field(default_factory=Counter)
    fused: Counter[str] = field(default_factory=Counter)
    fell: Counter[str] = field(default_factory=Counter)

    def of(self, *roles: str) -> int:
        return sum(count[role] for count in (self.killed, self.fused, self.fell) for role in roles)


class Player:
    """One process, which is there again whenever it dies."""

    def __init__(self, role: Role, number: int, chance: float, nursery: Nursery, deaths: Deaths) -> None:
        self.role, self.number = role, number
        self.chance = chance
        self.life = 0
        self._nursery, self._deaths = nursery, deaths
        self._pid: int | None = None
        self._shot = self._over = False
        self._keeping: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while not self._over:
            self.life += 1
            self._shot = False
            self._pid, life = await self._nursery.bear(self.role, self.number, self.life, self.chance)
            if self._over:
                self._shoot()
            ended = await life
            self._pid = None
            if self._over:
                return
            if self._shot:
                self._deaths.killed[self.role] += 1
            elif ended == -signal.SIGKILL:
                self._deaths.fused[self.role] += 1
            else:
                self._deaths.fell[self.role] += 1
                await asyncio.sleep(STUMBLE)

    def kill(self) -> None:
        self._shot = self._shoot()

    async def stop(self) -> None:
        """Kill it for good."""
        self._over = True
        self._shoot()
        if self._keeping is not None:
            await self._keeping

    def _shoot(self) -> bool:
        if self._pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        return True


class Siege:
    """One run. `told` is called with a line about each thing that happens."""

    def __init__(
        self, plan: Plan, folder: Path, kind: Literal["sqlite", "postgresql"], told: Callable[[str], None]
    ) -> None:
        self._plan, self._folder, self._kind, self._told = plan, folder, kind, told
        self._deaths = Deaths()
        self._late: list[str] = []

    async def run(self) -> Report:
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            postgres = None
            if self._kind == "postgresql":
                postgres = stack.enter_context(Postgres(self._folder / "pg"))
            sink = stack.enter_context(Sink())
            engine = EmbeddedEngine(
                temporal_binary(),
                database=self._folder / "engine.db",
                port=free_port(),
                log_file=self._folder / "engine.log",
            )
            async with engine:
                world = await self._founded(engine, sink, postgres)
                database = Database(world.settings.database_url)
                try:
                    async with Nursery(self._folder) as nursery:
                        report = await self._year(world, database, nursery, sink, engine, postgres)
                finally:
                    await database.close()
        report.figures |= self._figures() | {"seconds in all": round(time.monotonic() - began)}
        report.faults[:0] = self._late
        return report

    async def _year(
        self, world: World, database: Database, nursery: Nursery, sink: Sink, engine: EmbeddedEngine,
        postgres: Postgres | None,
    ) -> Report:  # fmt: skip
        players, progress = self._players(world, nursery), Progress(world)
        async with _playing(players):
            began = time.monotonic()
            await self._besiege(world, database, players, progress, engine, postgres)
            besieged = time.monotonic()
            client = await self._client(world, database)
            await self._settle(world, database, client, players, progress)
        settled = time.monotonic()
        evidence = await self._evidence(world, sink, progress)
        # Somebody must be there to answer questions about what is over.
        async with _playing([Player("worker", 3, 0, nursery, Deaths())]):
            report = await audit.audit(evidence, client, database)
        report.figures |= {
            "seconds of the siege": round(besieged - began),
            "seconds until all was quiet": round(settled - besieged),
            "seconds of counting": round(time.monotonic() - settled),
        }
        return report

    # --- before -------------------------------------------------------------------------------------

    async def _founded(self, engine: EmbeddedEngine, sink: Sink, postgres: Postgres | None) -> World:
        world = World(
            folder=self._folder,
            database_url=postgres.url if postgres is not None else None,
            seed=self._plan.seed,
            units=self._plan.units,
            deciders=self._plan.deciders,
            ahead=MORNING - datetime.now(UTC),
            address=engine.address,
            mail_port=sink.port,
        )
        world.settings.make_state()
        world.save()
        database = Database(world.settings.database_url)
        try:
            await database.upgrade()
            await put_in_force(database, world.organisation, world.people, world.now())
            await open_year(database, world.employer, YEAR, programme(), law(), world.now())
        finally:
            await database.close()
        return world

    def _players(self, world: World, nursery: Nursery) -> list[Player]:
        cast: list[tuple[Role, int]] = [("serving", 1), ("worker", 2), ("outbox", 1)]
        cast += [("decider", number) for number in range(world.deciders)]
        return [Player(role, n, self._plan.chance, nursery, self._deaths) for role, n in cast]

    # --- the siege ----------------------------------------------------------------------------------

    async def _besiege(
        self, world: World, database: Database, players: Sequence[Player], progress: Progress,
        engine: EmbeddedEngine, postgres: Postgres | None,
    ) -> None:  # fmt: skip
        luck = Random(f"{world.seed} victims")
        # Nobody may be told of the last ones: the year is over before those who were killed ask again.
        most = int(world.decisions * ALMOST)
        schedule = self._plan.schedule(world.decisions)
        deadline, said = time.monotonic() + self._plan.patience, time.monotonic()
        while time.monotonic() < deadline:
            decided = progress.decided()
            if schedule and decided >= schedule[0][0]:
                await self._strike(schedule.pop(0)[1], luck, players, engine, postgres)
            elif decided >= most and not await self._open_cycles(database):
                return
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self._told(f"{decided} of {world.decisions} decisions, {len(schedule)} kills to come")
            await asyncio.sleep(LOOK)
        self._late.append(f"not over within {self._plan.patience:.0f} seconds")

    async def _strike(
        self, victim: Victim, luck: Random, players: Sequence[Player], engine: EmbeddedEngine,
        postgres: Postgres | None,
    ) -> None:  # fmt: skip
        match victim:
            case "server":
                os.kill(engine.pid, signal.SIGKILL)
                await engine.wait()
                await engine.stop()
                await engine.start()
                self._deaths.killed["server"] += 1
            case "database":
                assert postgres is not None
                await asyncio.to_thread(postgres.crash)
                self._deaths.killed["database"] += 1
            case "worker":
                luck.choice([p for p in players if p.role in ("worker", "serving")]).kill()
            case "outbox":
                next(p for p in players if p.role == "outbox").kill()

    async def _open_cycles(self, database: Database) -> list[str]:
        try:
            async with database.read() as reader:
                rows = {row.id: row.state for row in await reader.cycles()}
        except StoreError:
            return ["unknown"]
        return [cycle for cycle, state in rows.items() if state != "closed"]

    # --- the quiet ----------------------------------------------------------------------------------

    async def _settle(
        self, world: World, database: Database, client: Client, players: Sequence[Player], progress: Progress
    ) -> None:
        """Everybody dies once more and then lives: what is left open gets done, a minute at most."""
        for player in players:
            player.chance = 0
            player.kill()
        deadline, running = time.monotonic() + self._plan.quiet, world.cycles
        await asyncio.sleep(1)
        while time.monotonic() < deadline:
            lives = [player.life for player in players if player.role == "decider"]
            if progress.idle(lives) and not await self._open_cycles(database):
                async with database.read() as reader:
                    bells = await reader.outbox_due(audit.NEVER, 100, ("bell", "start"))
                    letters = await reader.outbox_due(world.soon(), 100, ("mail",))
                running = [cycle for cycle in running if await audit.is_running(client, cycle)]
                if not bells and not letters and not running:
                    return
            await asyncio.sleep(0.2)
        self._late.append(f"not settled within {self._plan.quiet:.0f} seconds of quiet; running: {running}")

    async def _evidence(self, world: World, sink: Sink, progress: Progress) -> Evidence:
        """All that is to be told goes out, also what would wait for the next morning; nobody else is at work."""
        installation = installed(world, _harmless(self._folder))
        try:
            await installation.outbox(None).mail_of_days(world.employer, world.soon() + audit.DAYS)
        finally:
            await installation.database.close()
        progress.decided()
        lines = [line for found in progress.lines.values() for line in found]
        return Evidence(world, lines, list(sink.taken), self._deaths.of("serving", "outbox"))

    async def _client(self, world: World, database: Database) -> Client:
        installation: Hurried = installed(world, _harmless(self._folder))
        installation.database = database
        return await installation.connect(world.address)

    def _figures(self) -> dict[str, object]:
        deaths = self._deaths
        fuses = Counter[str]()
        for file in self._folder.glob("*.deaths"):
            fuses.update(file.read_text().splitlines())
        return {
            "kills of workers": deaths.killed["worker"] + deaths.killed["serving"],
            "kills of the server": deaths.killed["server"],
            "kills of the outbox": deaths.killed["outbox"],
            "crashes of the database": deaths.killed["database"],
            "kills of deciders": deaths.killed["decider"],
            "deaths by a fuse": sum(deaths.fused.values()),
            **{f"  of {role}": count for role, count in sorted(deaths.fused.items())},
            **{f"  {place}": count for place, count in sorted(fuses.items())},
            "ended by themselves": sum(deaths.fell.values()),
            **{f"  the {role}": count for role, count in sorted(deaths.fell.items())},
            "load": f"{os.getloadavg()[0]:.1f}",
        }


@asynccontextmanager
async def _playing(players: Sequence[Player]) -> AsyncIterator[None]:
    for player in players:
        player.begin()
    try:
        yield
    finally:
        await asyncio.gather(*(player.stop() for player in players))


def _harmless(folder: Path) -> Fuse:
    return Fuse(Random(0), 0, folder / "none.deaths")
