"""Erasing what has been kept long enough: in small transactions, each with the facts that say what went."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import structlog
from temporalio import activity

from activities.erased_files import ErasedFiles
from activities.erasure import shipped_schedule
from activities.proof import Keys, unproven
from activities.store import erasing
from activities.store.database import Database
from activities.store.errors import StoreError
from activities.store.reader import Reader
from activities.store.rows import DocumentRow, PersonRow
from activities.store.transaction import Transaction
from workflows.messages import Erased, EraseDueRequest
from workflows.ports import RetentionActivities
from workflows.rules import retention
from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.events import Body, Fact
from workflows.rules.keys import KeyRing
from workflows.rules.record_facts import DocumentErased, PersonErased, RecordsErased, TextsErased
from workflows.rules.retention import Schedule
from workflows.rules.terms import Records

TOGETHER = 200
"""Records of a kind that are erased in one transaction."""

log = structlog.get_logger(__name__)


class Due(NamedTuple):
    """What is due of one kind: how many, and the day before which it is."""

    records: Records
    number: int
    before: date


async def schedule_of(reader: Reader, employer: str, on: date) -> Schedule:
    """The retention times that count for the employer on that day; only proven decisions do."""
    found = await reader.facts(employer, kinds=("retention_set",))
    ring = await Keys().of(reader, employer) if found else KeyRing()
    proven = [fact for seq, fact in found if unproven(ring, seq, fact) is None]
    return retention.in_force(shipped_schedule(), retention.decided(proven), on)


class Retention(RetentionActivities):
    """Erases what is due, of one database. `clock` tells the day; the one who asks is not believed about it."""

    def __init__(self, database: Database, files: ErasedFiles, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._files = files
        self._clock = clock

    @activity.defn(name="erase_what_is_due")
    async def erase_what_is_due(self, request: EraseDueRequest) -> Erased:
        count, more = await self.erase(request.employer)
        if not more:
            await self.finish(request.employer)
        return Erased(count=count, more=more, request=request.digest)

    async def due(self, employer: str) -> list[Due]:
        """What would be erased today; nothing changes."""
        today = oslo_day(self._clock())
        async with self._database.read() as reader:
            look = await _Look.at(reader, employer, today)
            found: list[tuple[Records, int]] = [
                ("text", len(await look.texts(None))),
                (
                    "deposited_text",
                    await erasing.deposits_before(reader, employer, look.moment("deposited_text")),
                ),
                ("document", sum(map(len, await look.documents()))),
                ("person", len(await look.people())),
                ("delivery", await erasing.deliveries_before(reader, employer, look.moment("delivery"))),
                ("mail", len(await self._mails(reader, today))),
                ("history", len(self._files.histories(employer, await look.histories()))),
            ]
        return [Due(records, number, look.before(records)) for records, number in found if number]

    async def erase(self, employer: str) -> tuple[int, bool]:
        """Erase at most `TOGETHER` records of each kind; how many went, and whether there are more."""
        now = self._clock()
        today, counts = oslo_day(now), list[int]()
        async with self._database.write(employer) as tx:
            look = await _Look.at(tx, employer, today)
            counts.append(await _texts(tx, look, now))
            counts.append(await _deposits(tx, look, now))
            counts.append(await _deliveries(tx, look, now))
        counts.append(await self._documents(employer, now))
        counts.append(await self._people(employer, now))
        counts.append(await self._mail_files(employer, now))
        counts.append(await self._history_files(employer, now))
        if sum(counts):
            log.info("erased", employer=employer, count=sum(counts))
        return sum(counts), any(count >= TOGETHER for count in counts)

    async def finish(self, employer: str) -> bool:
        """Delete files that an interrupted erasure left, and write the database's files anew; whether that was done.

        It is not while somebody reads all the time, nor where the database's role may not.
        """
        async with self._database.read() as reader:
            await self._files.sweep(reader, employer)
        try:
            await self._database.scrub()
        except StoreError as error:
            # What is due is erased; only old pages stay, until somebody who may does it at a quieter time.
            log.warning("scrub_waits", error=type(error).__name__)
            return False
        return True

    async def _documents(self, employer: str, now: datetime) -> int:
        async with self._database.write(employer) as tx:
            look = await _Look.at(tx, employer, oslo_day(now))
            filed, never = (rows[:TOGETHER] for rows in await look.documents())
            gone = []
            for row in filed:
                last = max(seq for seq, _ in await erasing.filed(tx, employer, row.hash))
                body = DocumentErased(document=row.hash, basis="retention")
                await _record(tx, employer, f"document_erased {row.hash} {last}", body, now)
                if await erasing.forget_document(tx, employer, row.hash):
                    gone.append(row.hash)
            if never:
                hashes = [row.hash for row in never]
                await _records_erased(tx, look, "document", hashes, now)
                gone += [hash for hash in hashes if await erasing.forget_document(tx, employer, hash)]
        for hash in gone:
            await self._files.documents.erase(hash)
        return len(filed) + len(never)

    async def _people(self, employer: str, now: datetime) -> int:
        async with self._database.write(employer) as tx:
            look = await _Look.at(tx, employer, oslo_day(now))
            people = (await look.people())[:TOGETHER]
            for row in people:
                body = PersonErased(person=row.id, basis="retention")
                await _record(tx, employer, f"person_erased {row.id}", body, now)
                await erasing.blank_person(tx, employer, row.id, now)
        for row in people:
            self._files.delete(await self._files.mails_about(row))
        return len(people)

    async def _mail_files(self, employer: str, now: datetime) -> int:
        async with self._database.write(employer) as tx:
            look = await _Look.at(tx, employer, oslo_day(now))
            files = (await self._mails(tx, oslo_day(now)))[:TOGETHER]
            if files:
                await _records_erased(tx, look, "mail", [file.name for file in files], now)
        self._files.delete(files)
        return len(files)

    async def _history_files(self, employer: str, now: datetime) -> int:
        async with self._database.write(employer) as tx:
            look = await _Look.at(tx, employer, oslo_day(now))
            files = self._files.histories(employer, await look.histories())[:TOGETHER]
            if files:
                await _records_erased(tx, look, "history", [file.name for file in files], now)
        self._files.delete(files)
        return len(files)

    async def _mails(self, reader: Reader, today: date) -> list[Path]:
        """Mails that are due for every employer of the database: a mail does not say whose it is."""
        schedules = [await schedule_of(reader, row.id, today) for row in await reader.employers()]
        days = [retention.before(schedule, "mail", today) for schedule in schedules]
        first = min((day for day in days if day is not None), default=None)
        return [] if first is None else self._files.mails_before(first + timedelta(days=1))


class _Look:
    """What is due for one employer on a day, looked up as it is asked for."""

    def __init__(self, reader: Reader, employer: str, today: date, schedule: Schedule) -> None:
        self.reader = reader
        self.employer = employer
        self.today = today
        self.schedule = schedule

    @classmethod
    async def at(cls, reader: Reader, employer: str, today: date) -> _Look:
        return cls(reader, employer, today, await schedule_of(reader, employer, today))

    def before(self, records: Records) -> date:
        """What counts from before this day is due."""
        last = retention.before(self.schedule, records, self.today)
        return date.min if last is None or last == date.max else last + timedelta(days=1)

    def moment(self, records: Records) -> datetime:
        """The beginning of that day."""
        return datetime.combine(max(self.before(records), date(1900, 1, 1)), time(), OSLO)

    def is_due(self, records: Records, since: date) -> bool:
        return retention.due(self.schedule, records, since, self.today)

    async def texts(self, most: int | None) -> list[str]:
        """The facts whose text is due, the oldest first."""
        due, after, before = list[str](), 0, self.before("text")
        while most is None or len(due) < most:
            page = await erasing.texts_kept(self.reader, self.employer, TOGETHER, after)
            old = [(seq, fact) for seq, fact in page if oslo_day(fact.recorded) < before]
            due += [fact.id for _, fact in old if self.is_due("text", retention.year_end(fact))]
            if len(old) < TOGETHER:
                break
            after = old[-1][0]
        return due[:most]

    async def documents(self) -> tuple[list[DocumentRow], list[DocumentRow]]:
        """Documents whose time is up since they were filed last, and those that nobody has filed in time."""
        own, others = dict[str, date](), set[str]()
        for row in await self.reader.employers():
            for _, fact in await self.reader.facts(row.id, kinds=("evidence_submitted", "decision_recorded")):
                for hash in erasing.brought(fact):
                    if row.id == self.employer:
                        own[hash] = max(retention.year_end(fact), own.get(hash, date.min))
                    else:
                        others.add(hash)
        rows = await erasing.documents(self.reader)
        filed = [row for row in rows if row.hash in own and self.is_due("document", own[row.hash])]
        never = [
            row
            for row in rows
            if row.hash not in own
            and row.hash not in others
            and self.is_due("deposited_text", oslo_day(row.stored_at))
        ]
        return filed, never

    async def people(self) -> list[PersonRow]:
        """People of the directory who have been gone long enough."""
        _hash, organisation = await self.reader.organisation(self.employer)
        out = []
        for row in (await self.reader.people(self.employer)).values():
            since = retention.gone_since(organisation, row.id, self.today) if row.name else None
            if since is not None and self.is_due("person", since):
                out.append(row)
        return out

    async def histories(self) -> list[Fact]:
        """The exports whose time is up."""
        facts = await self.reader.facts(self.employer, kinds=("history_exported",))
        return [fact for _, fact in facts if self.is_due("history", retention.year_end(fact))]


async def _texts(tx: Transaction, look: _Look, now: datetime) -> int:
    ids = await look.texts(TOGETHER)
    if ids:
        body = TextsErased(facts=tuple(ids), basis="retention")
        await _record(tx, look.employer, f"texts_erased {_digest(ids)}", body, now)
        await erasing.erase_texts(tx, look.employer, ids)
    return len(ids)


async def _deposits(tx: Transaction, look: _Look, now: datetime) -> int:
    gone = await erasing.erase_deposits(tx, look.employer, look.moment("deposited_text"), TOGETHER)
    await _records_erased(tx, look, "deposited_text", gone, now)
    return len(gone)


async def _deliveries(tx: Transaction, look: _Look, now: datetime) -> int:
    gone = await erasing.erase_deliveries(tx, look.employer, look.moment("delivery"), TOGETHER)
    await _records_erased(tx, look, "delivery", [str(id) for id in gone], now)
    return len(gone)


async def _records_erased(
    tx: Transaction, look: _Look, records: Records, gone: Sequence[str], now: datetime
) -> None:
    if gone:
        body = RecordsErased(records=records, count=len(gone), before=look.before(records))
        await _record(tx, look.employer, f"records_erased {records} {_digest(gone)}", body, now)


async def _record(tx: Transaction, employer: str, what: str, body: Body, now: datetime) -> None:
    fact = Fact(id=f"{employer}#{what}", employer=employer, concerns=now, recorded=now, body=body)
    await tx.append([fact])


def _digest(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]
