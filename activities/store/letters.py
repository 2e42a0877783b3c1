"""Mail in the outbox: facts that wait to be told, and the letters that they are gathered in.

A letter is a row of the outbox too. Its key names the person and the day, so that there is one of them; its
target is the person and the rows that are told in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, or_, select, update

from activities.store.reader import Reader
from activities.store.rows import OutboxRow
from activities.store.tables import outbox
from activities.store.transaction import Transaction
from workflows.rules.base import Frozen

_CHUNK = 500


class LetterRow(Frozen):
    """One mail: to whom, of which day, and the rows of the outbox that it tells of."""

    person: str
    day: date
    rows: tuple[int, ...]

    @property
    def target(self) -> str:
        return " ".join([self.person, *map(str, self.rows)])


def letter_key(employer: str, person: str, day: date) -> str:
    """The key of the one letter to that person on that day."""
    return f"letter {employer} {person} {day.isoformat()}"


def own_letter_key(row: OutboxRow, day: date) -> str:
    """The key of a letter that tells of one row alone, besides the one of that day."""
    return f"letter {row.employer} {row.target} {row.id} {day.isoformat()}"


def read_letter(row: OutboxRow) -> LetterRow | None:
    """The letter that the row is; None for a fact that waits to be told."""
    if row.fact_seq is not None or not row.key.startswith("letter "):
        return None
    person, *ids = row.target.split(" ")
    day = date.fromisoformat(row.key.rpartition(" ")[2])
    return LetterRow(person=person, day=day, rows=tuple(map(int, ids)))


async def waiting(reader: Reader, employer: str, people: Sequence[str], now: datetime) -> list[OutboxRow]:
    """What these people are to be told of what came up to `now`, oldest first, but for what failed and rests."""
    mine = (
        outbox.c.delivered.is_(None),
        outbox.c.channel == "mail",
        outbox.c.employer == employer,
        outbox.c.target.in_(people),
        outbox.c.created <= now,
        or_(outbox.c.attempts == 0, outbox.c.not_before <= now),
    )
    found = select(*_COLUMNS).where(*mine).order_by(outbox.c.id)
    return [_row(row) for row in await reader.connection.execute(found)]


async def due(reader: Reader, employer: str, now: datetime) -> list[OutboxRow]:
    """The mail of one employer that is to be delivered by `now`."""
    mine = (
        outbox.c.delivered.is_(None),
        outbox.c.channel == "mail",
        outbox.c.employer == employer,
        outbox.c.not_before <= now,
    )
    found = select(*_COLUMNS).where(*mine).order_by(outbox.c.id)
    return [_row(row) for row in await reader.connection.execute(found)]


async def of_person(reader: Reader, employer: str, person: str) -> list[OutboxRow]:
    """Every mail to the person that is remembered, sent or not, oldest first."""
    mine = (
        outbox.c.channel == "mail",
        outbox.c.employer == employer,
        or_(outbox.c.target == person, outbox.c.target.startswith(f"{person} ", autoescape=True)),
    )
    found = select(*_COLUMNS).where(*mine).order_by(outbox.c.id)
    return [_row(row) for row in await reader.connection.execute(found)]


async def rows(reader: Reader, ids: Sequence[int]) -> list[OutboxRow]:
    """Rows by their ids, in that order."""
    found: dict[int, OutboxRow] = {}
    for chunk in _chunks(ids):
        asked = select(*_COLUMNS).where(outbox.c.id.in_(chunk))
        found.update((row.id, _row(row)) for row in await reader.connection.execute(asked))
    return [found[id] for id in ids if id in found]


async def by_key(reader: Reader, keys: Sequence[str]) -> dict[str, OutboxRow]:
    """The rows that have these keys, by key."""
    found: dict[str, OutboxRow] = {}
    for chunk in _chunks(list(keys)):
        asked = select(*_COLUMNS).where(outbox.c.key.in_(chunk))
        found.update((row.key, _row(row)) for row in await reader.connection.execute(asked))
    return found


async def next_mail_moment(reader: Reader, employer: str) -> datetime | None:
    """When the first of the mail that waits is due."""
    mine = outbox.c.delivered.is_(None), outbox.c.channel == "mail", outbox.c.employer == employer
    found: datetime | None = await reader.connection.scalar(
        select(func.min(outbox.c.not_before)).where(*mine)
    )
    return found


async def put_off(tx: Transaction, ids: Sequence[int], until: datetime) -> None:
    """These rows are due again at `until`; that counts as no attempt."""
    for chunk in _chunks(ids):
        mine = outbox.c.id.in_(chunk), outbox.c.delivered.is_(None)
        await tx.connection.execute(update(outbox).where(*mine).values(not_before=until))


async def claim(tx: Transaction, ids: Sequence[int], now: datetime, until: datetime) -> set[int]:
    """Those of the letters that are due and now rest until then, so that no other dispatcher sends them."""
    claimed: set[int] = set()
    for chunk in _chunks(ids):
        mine = outbox.c.id.in_(chunk), outbox.c.delivered.is_(None), outbox.c.not_before <= now
        change = update(outbox).where(*mine).values(not_before=until).returning(outbox.c.id)
        claimed.update(await tx.connection.scalars(change))
    return claimed


_COLUMNS = tuple(outbox.c[name] for name in OutboxRow.model_fields)


def _row(row: Row[Any]) -> OutboxRow:
    return OutboxRow.model_validate(dict(row._mapping))


def _chunks(items: Sequence[int] | Sequence[str]) -> Iterable[Sequence[int] | Sequence[str]]:
    return (items[at : at + _CHUNK] for at in range(0, len(items), _CHUNK))
