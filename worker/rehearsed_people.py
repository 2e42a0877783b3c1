"""The people of a rehearsal: what the story has them do, done through the same doors as everybody's."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from activities.documents import Documents
from activities.doors import Doors
from activities.ledger.log import commit
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import InboxRow
from worker.story import OUTCOME_OF, Attempt, Story
from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.situation import Situation
from workflows.rules.statement import Answer
from workflows.rules.terms import CycleRef

AT_NOON = time(12)

REASONED_ANSWER = "Arbeidsgiver har vurdert innvendingen og svarer begrunnet i møtet med verneombudet."
"""What the employer answers in a rehearsal to whoever disagrees."""


def at_noon(day: date) -> datetime:
    """When what a story sets for a day happens."""
    return datetime.combine(day, AT_NOON, OSLO).astimezone(UTC)


class People:
    """Everybody who is asked, or tries unasked, in the cycles of one employer.

    Each thing that is asked of a person is tried once, also when it is refused.
    """

    def __init__(
        self,
        database: Database,
        documents: Documents,
        situations: Situations,
        doors: Doors,
        employer: str,
        story: Story,
    ) -> None:
        self._database = database
        self._documents = documents
        self._situations = situations
        self._doors = doors
        self._employer = employer
        self._story = story
        self._attempts = sorted(story.attempts, key=lambda a: a.on)
        self._known: dict[str, Situation] = {}
        self._tried: set[tuple[str, ...]] = set()

    async def moments(self) -> list[datetime]:
        """When anybody will do something, as things stand."""
        return [*(at for at, _ in await self._intended()), *(at_noon(a.on) for a in self._attempts)]

    def see_change(self) -> None:
        """The organisation has changed: what each cycle moves by is looked up again."""
        self._known.clear()

    async def act(self, now: datetime) -> None:
        """Everybody whose time has come does what they meant to."""
        while self._attempts and at_noon(self._attempts[0].on) <= now:
            await self._attempt(self._attempts.pop(0), now)
        for row in [row for at, row in await self._intended() if at <= now]:
            self._tried.add(_task(row))
            if await self._still_asked(row):
                await self._act(row, now)

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

    async def _still_asked(self, row: InboxRow) -> bool:
        """Somebody else in the same role may have answered a moment ago."""
        async with self._database.read() as reader:
            return any(_task(r) == _task(row) for r in await reader.inbox(cycle=row.cycle))

    async def _act(self, row: InboxRow, now: datetime) -> None:
        deviation = self._story.deviation(row)
        nonce = f"{row.what}.{row.role.value}.v{row.version}"
        situation = await self._situation(row.cycle)
        planned = situation.plan.find(situation.cycle, row.step)
        if row.what == "evidence":
            name = planned.evidence.nb if planned else row.step
            text = f"{name}\n{row.cycle} {row.step}, versjon {row.version + 1}\n"
            async with self._database.write(self._employer) as tx:
                document = await self._documents.put(text.encode(), "text/plain", f"{row.step}.txt", now, tx)
            await self._doors.submit(row.cycle, row.step, row.person, document.hash, now=now, nonce=nonce)
        elif row.what == "answer":
            payload, commitment = commit(REASONED_ANSWER)
            answer = Answer(version=row.version, comment=commitment, on_behalf_of=row.acting_for)
            await self._doors.act(
                self._employer, row.person, answer, cycle=row.cycle, step=row.step, texts=[payload],
                now=now, nonce=nonce,
            )  # fmt: skip
        else:
            document_hash, version = await self._seen_version(row.cycle, row.step)
            outcome = deviation.outcome if deviation and deviation.outcome else OUTCOME_OF[row.what]
            await self._doors.decide(
                row.cycle, row.step, row.person, row.role, outcome, document=document_hash, version=version,
                comment=deviation.comment if deviation else None, now=now, nonce=nonce,
            )  # fmt: skip

    async def _seen_version(self, cycle: str, step: str) -> tuple[str, int]:
        async with self._database.read() as reader:
            rows = [s for s in await reader.steps(cycle=cycle) if s.step == step]
        return (rows[0].document or "0" * 64, rows[0].version) if rows else ("0" * 64, 0)

    async def _attempt(self, attempt: Attempt, now: datetime) -> None:
        year = int(now.astimezone(OSLO).year)
        cycle = CycleRef(employer=self._employer, year=year, unit=attempt.unit).id
        situation = await self._situation(cycle)
        people = situation.organisation.holders(
            attempt.person_in, attempt.person_unit or attempt.unit, attempt.on
        )
        document, version = await self._seen_version(cycle, attempt.step)
        await self._doors.decide(
            cycle,
            attempt.step,
            people[0].person,
            attempt.role,
            attempt.outcome,
            document=document,
            version=version,
            now=now,
            nonce=f"attempt.{attempt.on}",
        )


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
