"""A rehearsal: the same workflows on the same engine, with virtual clocks, driven through a year in seconds.

Both times of its facts are virtual, and its ledger says so for ever. Every workflow is taken to the same
moment before anybody acts, so that the order of what happens is that of the calendar.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities.documents import Documents
from activities.doors import Doors
from activities.outbox import Outbox
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import CycleRow, OutboxRow
from worker.rehearsed_people import People, at_noon
from worker.story import Story
from worker.virtual import VirtualEnvironment
from workflows.rules.events import Fact

LOOK_AGAIN = 0.03
ATTEMPTS = 1000
"""Looks, `LOOK_AGAIN` seconds apart, before a workflow that does not answer is given up."""

MONTH = timedelta(days=30)

DRIFT = timedelta(minutes=15)

LAST_MORNINGS = timedelta(days=3)
"""When a rehearsal ends, its people still get the mail of the mornings to come."""

SETTLE = timedelta(seconds=1)
"""Clocks are taken this far past a moment, so that its timers have fired."""

AWAY = timedelta(minutes=1)
"""How long the server may be away before the rehearsal is given up; what was recorded until then stays."""

REFUSALS = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.NOT_FOUND, RPCStatusCode.UNIMPLEMENTED}
"""What waiting does not mend."""

T = TypeVar("T")


class VirtualClock:
    """The time of a rehearsal. Only the rehearsal moves it."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def soon(self) -> datetime:
        """A little later: a workflow's own clock runs on while others are served, by seconds."""
        return self.now + DRIFT

    def shift(self) -> timedelta:
        """What to add to the server's time to get this clock's."""
        return self.now - datetime.now(UTC)


ChangeOrganisation = Callable[[str, datetime], Awaitable[None]]
"""Puts the organisation that a story's change names in force at the moment."""


class Moment(NamedTuple):
    """What happened up to a moment of the rehearsal."""

    now: datetime
    facts: Sequence[Fact]
    """Those recorded since the moment before."""


Progress = Callable[[Moment], None]
"""Told after each moment."""


class Rehearsal:
    """Drives every running cycle of one employer to its end, with people who act as the story says.

    It waits for a server or a worker that is restarted. Where it stands is in the database: one that was
    interrupted goes on in another, with the same story; only changes of the organisation are made again.
    """

    def __init__(
        self,
        environment: VirtualEnvironment,
        database: Database,
        documents: Documents,
        outbox: Outbox,
        situations: Situations,
        doors: Doors,
        clock: VirtualClock,
        employer: str,
        story: Story,
        *,
        change_organisation: ChangeOrganisation | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._environment = environment
        self._client: Client = environment.client
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._employer = employer
        self._story = story
        self._people = People(database, documents, situations, doors, employer, story)
        self._change_organisation = change_organisation
        self._progress = progress
        self._changes = sorted(story.changes, key=lambda c: c.on)
        self._shift: dict[str, timedelta] = {}
        self._told = 0

    async def run(self, until: datetime | None = None) -> None:
        """Until every cycle is closed, or up to the moment `until`; mail that waits for a morning goes then."""
        if self._story.silent:
            await self._run_silently(until)
        else:
            await self._run(until)
        await self._outbox.mail_of_days(self._employer, self._clock.now + LAST_MORNINGS)

    async def _run(self, until: datetime | None) -> None:
        await self._go_on()
        await self.deliver()
        while running := await self._running():
            moment = await self._next(running)
            if moment is None or (until is not None and moment > until):
                return
            self._clock.now = max(self._clock.now, moment)
            await self._pass_time(running)
            await self.deliver()
            await self._change()
            await self._people.act(self._clock.now)
            await self.deliver()
            await self._tell(self._progress)

    async def _tell(self, progress: Progress | None) -> None:
        if progress is None:
            return
        async with self._database.read() as reader:
            new = await reader.facts(self._employer, after=self._told)
        if new:
            self._told = new[-1][0]
        progress(Moment(self._clock.now, [fact for _, fact in new]))

    async def _run_silently(self, until: datetime | None) -> None:
        """Nobody acts, so the clocks need not stop at every moment: a month at a time."""
        while await self._running() and (until is None or self._clock.now < until):
            month = self._clock.now + MONTH
            await self.pass_until(min(month, until) if until else month)
            await self._tell(self._progress)

    async def pass_until(self, moment: datetime) -> None:
        """Nobody acts: every running cycle's clock goes on to `moment` by itself, the units' first."""
        await self._go_on()
        await self.deliver()
        self._clock.now = max(self._clock.now, moment)
        for row in sorted(await self._running(), key=lambda r: r.unit is None):
            await self._forward(row.id)
        for row in await self._running():
            await self._seen(row.id, lambda r: r.next_moment is None or r.next_moment > moment)
        await self.deliver()

    async def _go_on(self) -> None:
        """The clock of a rehearsal that begins where another one was interrupted."""
        async with self._database.read() as reader:
            facts = await reader.facts(self._employer)
        self._clock.now = max([self._clock.now, *(f.recorded for _, f in facts)])

    async def _running(self) -> list[CycleRow]:
        async with self._database.read() as reader:
            return await reader.cycles(employer=self._employer, state="running")

    async def _next(self, running: list[CycleRow]) -> datetime | None:
        moments = [r.next_moment for r in running if r.next_moment is not None]
        moments += [*await self._people.moments(), *(at_noon(change.on) for change in self._changes)]
        return min(moments, default=None)

    async def _change(self) -> None:
        """Put in force what the story changes in the organisation by now."""
        while self._changes and at_noon(self._changes[0].on) <= self._clock.now:
            change = self._changes.pop(0)
            if self._change_organisation is not None:
                await self._change_organisation(change.files, self._clock.now)
                self._people.see_change()
                await self.deliver()

    # --- time ---------------------------------------------------------------------------------------

    def _handle(self, cycle: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(cycle)

    async def _pass_time(self, running: list[CycleRow]) -> None:
        """Take each cycle whose moment has come to now, and wait until it has recorded what was due."""
        now = self._clock.now

        async def one(cycle: str) -> None:
            await self._forward(cycle)
            await self._seen(cycle, lambda row: row.next_moment is None or row.next_moment > now)

        await asyncio.gather(
            *(one(r.id) for r in running if r.next_moment is not None and r.next_moment <= now)
        )

    async def _forward(self, cycle: str) -> None:
        handle = self._handle(cycle)

        async def forward() -> None:
            if cycle not in self._shift:
                self._shift[cycle] = await handle.query("shift", result_type=timedelta)
            here = await self._environment.get_current_time(handle) + self._shift[cycle]
            ahead = self._clock.now - here
            if ahead > timedelta(0):
                await self._environment.fast_forward(handle, ahead + SETTLE)

        await _patiently(forward)

    async def _seen(self, cycle: str, done: Callable[[CycleRow], bool]) -> None:
        """Wait until the cycle's row is as it should be after the workflow's turn."""
        for _ in range(ATTEMPTS):
            async with self._database.read() as reader:
                row = await reader.cycle(cycle)
            if row is None or row.state == "closed" or done(row):
                return
            await asyncio.sleep(LOOK_AGAIN)
        raise TimeoutError(f"{cycle} has not recorded what was due; its worker's log says why.")

    async def deliver(self) -> None:
        """Ring the bells and start the years that wait in the outbox, each at this moment.

        Mail goes as it would have gone while the clock jumped over days.
        """
        await self._outbox.mail_of_days(self._employer, self._clock.now - DRIFT)
        while True:
            async with self._database.read() as reader:
                due = [
                    r
                    for r in await reader.outbox_due(self._clock.soon(), 1000)
                    if r.employer == self._employer
                ]
            if not due:
                return
            running = {r.id for r in await self._running()}
            rung = {r.target for r in due if r.channel == "bell"} & running
            await asyncio.gather(*(self._forward(target) for target in sorted(rung)))
            with self._environment.with_time_skipping_disabled():
                await self._outbox.run_once(1000)
            async with self._database.read() as reader:
                left = {r.id for r in await reader.outbox_due(self._clock.soon(), 1000)}
            told = {r.target: r for r in due if r.id not in left and r.channel in ("bell", "start")}
            await asyncio.gather(*(self._heard(entry) for entry in told.values()))

    async def _heard(self, entry: OutboxRow) -> None:
        """Wait until the workflow has seen the fact that the bell rings for."""
        async with self._database.read() as reader:
            row = await reader.cycle(entry.target)
            found = await reader.fact(entry.employer, entry.key)
        if row is None or row.state == "closed":
            return
        wanted = found[0] if found is not None and found[1].cycle == entry.target else 1

        async def position() -> int:
            seq: int = await self._handle(entry.target).query("position", result_type=int)
            return seq

        for _ in range(ATTEMPTS):
            if await _patiently(position) >= wanted:
                return
            await asyncio.sleep(LOOK_AGAIN)
        raise TimeoutError(f"{entry.target} has not heard its bell; its worker's log says why.")


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """What the server answers, asked again while it is away."""
    loop = asyncio.get_running_loop()
    patience = loop.time() + AWAY.total_seconds()
    while True:
        try:
            return await ask()
        except RPCError as error:
            if error.status in REFUSALS or loop.time() > patience:
                raise
        await asyncio.sleep(0.1)
