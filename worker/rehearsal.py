"""A rehearsal: the same workflows on the same engine, with virtual clocks, driven through a year in seconds.

Both times of its facts are virtual, and its ledger says so for ever. Every workflow is taken to the same
moment before anybody acts, so that the order of what happens is that of the calendar.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities.documents import Documents
from activities.doors import Doors
from activities.ledger.log import commit
from activities.outbox import Outbox
from activities.receipts import Receipt
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import CycleRow, InboxRow, OutboxRow
from worker.story import OUTCOME_OF, Attempt, Story
from worker.virtual import VirtualEnvironment
from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.events import Fact
from workflows.rules.situation import Situation
from workflows.rules.statement import Answer
from workflows.rules.terms import CycleRef

AT_NOON = time(12)
LOOK_AGAIN = 0.03
ATTEMPTS = 1000
"""Looks, `LOOK_AGAIN` seconds apart, before a workflow that does not answer is given up."""

MONTH = timedelta(days=30)

DRIFT = timedelta(minutes=15)

LAST_MORNINGS = timedelta(days=3)
"""When a rehearsal ends, its people still get the mail of the mornings to come."""

REASONED_ANSWER = "Arbeidsgiver har vurdert innvendingen og svarer begrunnet i møtet med verneombudet."
"""What the employer answers in a rehearsal to whoever disagrees."""

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
        self._documents = documents
        self._outbox = outbox
        self._situations = situations
        self._doors = doors
        self._clock = clock
        self._employer = employer
        self._story = story
        self._change_organisation = change_organisation
        self._progress = progress
        self._attempts = sorted(story.attempts, key=lambda a: a.on)
        self._changes = sorted(story.changes, key=lambda c: c.on)
        self._shift: dict[str, timedelta] = {}
        self._known: dict[str, Situation] = {}
        self._told = 0
        self._tried: set[tuple[str, ...]] = set()
        self.receipts: list[Receipt] = []

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
            await self._people_act()
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
        moments += [at for at, _ in await self._intended()]
        planned = [*(a.on for a in self._attempts), *(c.on for c in self._changes)]
        moments += [datetime.combine(day, AT_NOON, OSLO).astimezone(UTC) for day in planned]
        return min(moments, default=None)

    async def _intended(self) -> list[tuple[datetime, InboxRow]]:
        """What the people who are asked will do, and when."""
        async with self._database.read() as reader:
            rows = await reader.inbox(employer=self._employer)
        out = []
        for row in rows:
            if _task(row) in self._tried:
                continue
            situation = await self._situation(row.cycle)
            at = self._story.acts_at(row, situation.programme.calendar, row.due or oslo_day(row.asked_at))
            if at is not None and at < situation.closing:
                out.append((at.astimezone(UTC), row))
        return sorted(
            out, key=lambda pair: (pair[0], pair[1].cycle, pair[1].step, pair[1].role, pair[1].person)
        )

    async def _situation(self, cycle: str) -> Situation:
        """The cycle's situation, looked up again only after the organisation has changed."""
        if cycle not in self._known:
            async with self._database.read() as reader:
                row = await reader.cycle(cycle)
                if row is None:
                    raise LookupError(cycle)
                self._known[cycle] = await self._situations.of(reader, row)
        return self._known[cycle]

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

    # --- people -------------------------------------------------------------------------------------

    async def _people_act(self) -> None:
        now = self._clock.now
        while self._changes and datetime.combine(self._changes[0].on, AT_NOON, OSLO) <= now:
            change = self._changes.pop(0)
            if self._change_organisation is not None:
                await self._change_organisation(change.files, now)
                self._known.clear()
                await self.deliver()
        while self._attempts and datetime.combine(self._attempts[0].on, AT_NOON, OSLO) <= now:
            await self._attempt(self._attempts.pop(0))
        for row in [row for at, row in await self._intended() if at <= now]:
            self._tried.add(_task(row))
            if await self._still_asked(row):
                await self._act(row)

    async def _still_asked(self, row: InboxRow) -> bool:
        """Somebody else in the same role may have answered a moment ago."""
        async with self._database.read() as reader:
            return any(_task(r) == _task(row) for r in await reader.inbox(cycle=row.cycle))

    async def _act(self, row: InboxRow) -> None:
        deviation = self._story.deviation(row)
        nonce = f"{row.what}.{row.role.value}.v{row.version}"
        situation = await self._situation(row.cycle)
        planned = situation.plan.find(situation.cycle, row.step)
        if row.what == "evidence":
            name = planned.evidence.nb if planned else row.step
            text = f"{name}\n{row.cycle} {row.step}, versjon {row.version + 1}\n"
            async with self._database.write(self._employer) as tx:
                document = await self._documents.put(
                    text.encode(), "text/plain", f"{row.step}.txt", self._clock.now, tx
                )
            receipt = await self._doors.submit(
                row.cycle, row.step, row.person, document.hash, now=self._clock.now, nonce=nonce
            )
        elif row.what == "answer":
            payload, commitment = commit(REASONED_ANSWER)
            answer = Answer(version=row.version, comment=commitment, on_behalf_of=row.acting_for)
            receipt = await self._doors.act(
                self._employer, row.person, answer, cycle=row.cycle, step=row.step, texts=[payload],
                now=self._clock.now, nonce=nonce,
            )  # fmt: skip
        else:
            document_hash, version = await self._seen_version(row.cycle, row.step)
            outcome = deviation.outcome if deviation and deviation.outcome else OUTCOME_OF[row.what]
            receipt = await self._doors.decide(
                row.cycle, row.step, row.person, row.role, outcome, document=document_hash, version=version,
                comment=deviation.comment if deviation else None, now=self._clock.now, nonce=nonce,
            )  # fmt: skip
        self.receipts.append(receipt)

    async def _seen_version(self, cycle: str, step: str) -> tuple[str, int]:
        async with self._database.read() as reader:
            rows = [s for s in await reader.steps(cycle=cycle) if s.step == step]
        return (rows[0].document or "0" * 64, rows[0].version) if rows else ("0" * 64, 0)

    async def _attempt(self, attempt: Attempt) -> None:
        year = int(self._clock.now.astimezone(OSLO).year)
        cycle = CycleRef(employer=self._employer, year=year, unit=attempt.unit).id
        situation = await self._situation(cycle)
        people = situation.organisation.holders(
            attempt.person_in, attempt.person_unit or attempt.unit, attempt.on
        )
        document, version = await self._seen_version(cycle, attempt.step)
        self.receipts.append(
            await self._doors.decide(
                cycle,
                attempt.step,
                people[0].person,
                attempt.role,
                attempt.outcome,
                document=document,
                version=version,
                now=self._clock.now,
                nonce=f"attempt.{attempt.on}",
            )
        )


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


def _task(row: InboxRow) -> tuple[str, ...]:
    """What identifies one thing that one person was asked: each is tried once, also when it is refused."""
    return (
        row.cycle,
        row.step,
        row.what,
        row.role.value,
        row.person,
        str(row.version),
        row.asked_at.isoformat(),
    )
