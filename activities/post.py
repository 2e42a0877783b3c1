"""Gathers what is to be told into letters: one a person and day, and what comes later goes the next morning.

Which rows of the outbox a letter tells of is committed before it is sent. So a letter that is sent again, after
a crash or because the mail server was away, tells of the same and has the same Message-ID.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import structlog

from activities.notices import Composer
from activities.situations import Situations
from activities.store import letters
from activities.store.database import Database, Reader
from activities.store.rows import OutboxRow
from activities.store.transaction import Transaction
from workflows.rules.calendar import oslo_day
from workflows.rules.notices import Go, Wait, Waiting, morning, next_mail

LEASE = timedelta(minutes=10)
"""A dispatcher that has begun to send a letter has so long until another one sends it again."""

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
"""Between two tries of a row: from the first to the longest, doubled each time."""

_PEOPLE_TOGETHER = 50
_DIGEST_AT = time(8, 15)

log = structlog.get_logger(__name__)


class Failure(NamedTuple):
    """Why a row was not delivered; its text carries no name and no address."""

    error: str
    final: bool = False


class Done(NamedTuple):
    """A row is delivered; `head` is the fingerprint that the receiver has got with it, if there was one."""

    note: str = ""
    head: str = ""


Composed = EmailMessage | Done | Failure


class _Turn(NamedTuple):
    """What becomes of one person's rows."""

    person: str
    told: list[OutboxRow]
    nothing: list[OutboxRow]
    failed: list[tuple[OutboxRow, str]]
    wait: Wait | None = None
    alone: bool = False
    """One row that goes in a letter of its own, whatever else went that day."""


class Post:
    """The letters of one database."""

    def __init__(self, database: Database, situations: Situations, sender: str) -> None:
        self._database, self._situations, self._sender = database, situations, sender
        self._digest_at: dict[str, tuple[date, time]] = {}

    async def gathered(self, due: Sequence[OutboxRow], now: datetime) -> tuple[list[OutboxRow], int]:
        """The letters that these rows of the outbox became, and how many of the rows need not be told."""
        people: dict[str, dict[str, None]] = defaultdict(dict)
        for row in due:
            people[row.employer][row.target] = None
        made: list[OutboxRow] = []
        done = 0
        for employer, targets in people.items():
            ids = list(targets)
            for at in range(0, len(ids), _PEOPLE_TOGETHER):
                new, nothing = await self._gather(employer, ids[at : at + _PEOPLE_TOGETHER], now)
                made += new
                done += nothing
        return made, done

    async def claimed(self, rows: Sequence[OutboxRow], now: datetime) -> list[OutboxRow]:
        """Those of the letters that are this dispatcher's to send."""
        mine: list[OutboxRow] = []
        for employer in dict.fromkeys(row.employer for row in rows):
            own = [row for row in rows if row.employer == employer]
            async with self._database.write(employer) as tx:
                won = await letters.claim(tx, [row.id for row in own], now, now + LEASE)
            mine += [row for row in own if row.id in won]
        return mine

    async def composed(self, rows: Sequence[OutboxRow], now: datetime) -> list[tuple[OutboxRow, Composed]]:
        """Every letter from one view of the database; none is sent while that is held open."""
        out: list[tuple[OutboxRow, Composed]] = []
        async with self._database.read() as reader:
            composer = Composer(reader, self._situations, self._sender, now)
            for row in rows:
                try:
                    day = await self._morning(reader, row.employer, now)
                    message: Composed = await composer.letter(row, day) or Done("nobody to tell")
                except Exception as error:  # one letter's fault must not hold up the others
                    message = Failure(f"mail: {said(error)}")
                out.append((row, message))
        return out

    async def _gather(
        self, employer: str, people: Sequence[str], now: datetime
    ) -> tuple[list[OutboxRow], int]:
        async with self._database.read() as reader:
            digest_at = await self._morning(reader, employer, now)
            turns = await self._turns(reader, employer, people, now, digest_at)
        async with self._database.write(employer) as tx:
            made = await self._carry_out(tx, employer, turns, now, digest_at)
        for turn in turns:
            for row in turn.nothing:
                log.info("outbox.delivered", row=row.id, channel=row.channel, note="nobody to tell")
            for row, error in turn.failed:
                log.warning(
                    "outbox.failed", row=row.id, channel=row.channel, tries=row.attempts + 1, error=error
                )
        return made, sum(len(turn.nothing) for turn in turns)

    async def _turns(
        self, reader: Reader, employer: str, people: Sequence[str], now: datetime, digest_at: time
    ) -> list[_Turn]:
        waiting: dict[str, list[OutboxRow]] = defaultdict(list)
        for row in await letters.waiting(reader, employer, people, now):
            waiting[row.target].append(row)
        today = oslo_day(now)
        keys = [letters.letter_key(employer, person, today) for person in waiting]
        sent = await letters.by_key(reader, keys)
        composer = Composer(reader, self._situations, self._sender, now)
        turns = []
        for person, everything in waiting.items():
            at_once = [row for row in everything if await _is_at_once(composer, row)]
            turns += [(await self._sorted(composer, person, [row]))._replace(alone=True) for row in at_once]
            rows = [row for row in everything if row not in at_once]
            last = today if letters.letter_key(employer, person, today) in sent else None
            plain = [Waiting(id=row.id, created=row.created) for row in rows]
            match next_mail(plain, last, now, digest_at):
                case Go():
                    turns.append(await self._sorted(composer, person, rows))
                case Wait() as wait:
                    turns.append(_Turn(person, [], [], [], wait))
        return turns

    async def _sorted(self, composer: Composer, person: str, rows: Sequence[OutboxRow]) -> _Turn:
        turn = _Turn(person, [], [], [])
        for row in rows:
            try:
                (turn.told if await composer.is_news(row) else turn.nothing).append(row)
            except Exception as error:  # one row's fault must not hold up the others
                turn.failed.append((row, f"mail: {said(error)}"))
        return turn

    async def _carry_out(
        self, tx: Transaction, employer: str, turns: Sequence[_Turn], now: datetime, digest_at: time
    ) -> list[OutboxRow]:
        looked_at = [row.id for t in turns for row in (*t.told, *t.nothing, *(r for r, _ in t.failed))]
        # Another dispatcher may have been here since.
        waits = {row.id for row in await letters.rows(tx, looked_at) if row.delivered is None}
        today, keys = oslo_day(now), []
        for turn in turns:
            if turn.wait is not None:
                await letters.put_off(tx, turn.wait.ids, turn.wait.until)
            ids = tuple(row.id for row in turn.told if row.id in waits)
            if ids:
                letter = letters.LetterRow(person=turn.person, day=today, rows=ids)
                key = letters.letter_key(employer, turn.person, today)
                if turn.alone:
                    key = letters.own_letter_key(turn.told[0], today)
                if await tx.enqueue("mail", letter.target, key, now):
                    await tx.delivered(ids, now)
                    keys.append(key)
                else:
                    await letters.put_off(tx, ids, morning(today + timedelta(days=1), digest_at))
            if nothing := [row.id for row in turn.nothing if row.id in waits]:
                await tx.delivered(nothing, now)
            for row, error in turn.failed:
                if row.id in waits:
                    await tx.failed(row.id, error, now + wait_after(row.attempts + 1))
        made = await letters.by_key(tx, keys)
        return [made[key] for key in keys]

    async def _morning(self, reader: Reader, employer: str, now: datetime) -> time:
        """The `digest_at` of the programme that the newest of the employer's years runs on; looked up daily."""
        today = oslo_day(now)
        kept = self._digest_at.get(employer)
        if kept is None or kept[0] != today:
            years = [row for row in await reader.cycles(employer=employer) if row.unit is None]
            newest = max(years, key=lambda row: row.year, default=None)
            at = _DIGEST_AT
            if newest is not None:
                at = (await self._situations.of(reader, newest)).programme.digest_at
            kept = self._digest_at[employer] = today, at
        return kept[1]


async def _is_at_once(composer: Composer, row: OutboxRow) -> bool:
    try:
        return await composer.is_at_once(row)
    except Exception:  # whatever is wrong with it is said when it is its turn
        return False


def wait_after(failures: int) -> timedelta:
    """How long a row rests that has failed so many times."""
    wait: timedelta = FIRST_WAIT * 2 ** min(failures - 1, 20)
    return min(wait, LONGEST_WAIT)


def said(error: Exception) -> str:
    """The kind of a fault and where it arose; what it says itself could name a person."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
