"""A worker has each ledger time-stamped once a day by itself, and never stops over an authority that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from activities.anchors import LATE, STAMP_LATE, status
from activities.documents import Documents
from activities.mail import EmlFolder
from activities.store import checkpoints as kept
from activities.store.checkpoints import AnchorRow
from activities.store.database import Database
from activities.store.rows import EmployerRow
from activities.timestamps import check_stamp
from tests.activities.tsa import answer, party, refusal, serving
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer
from worker.installation import Installation
from worker.settings import Settings
from worker.stamping import FIRST_PAUSE, LONGEST_PAUSE, Stamping, ask_for_stamps
from workflows.rules.terms import unit_cycle

ROOT = party("Rot")
STAMPER = party("Tidsstempel", ROOT)
DAY = timedelta(days=1)


class Authority:
    """A time stamping authority that counts what it is asked, and answers as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.reply: Callable[[bytes], bytes | int] = lambda query: answer(query, STAMPER, NOW)

    def __call__(self, query: bytes) -> bytes | int:
        self.asked += 1
        return self.reply(query)


class House:
    """An installation whose clock the test holds, with an authority that it asks."""

    def __init__(self, folder: Path, url: str, authority: Authority) -> None:
        self.now = NOW
        self.authority = authority
        settings = Settings(state=folder, timestamp_url=url)
        self.database = Database(settings.database_url)
        documents, mailer = Documents(settings.documents), EmlFolder(settings.mail_directory)
        self.installation = Installation(settings, self.database, documents, mailer, clock=lambda: self.now)
        self.stamping = Stamping(self.installation, url)

    async def records(self, id: str, employer: str = EMPLOYER) -> None:
        """Something new, in a checkpoint."""
        async with self.database.write(employer) as tx:
            own = {"employer": employer, "cycle": unit_cycle(employer, "sagbruk", 2027)}
            await tx.append([a_fact(id).model_copy(update=own)])
        await self.installation.checkpoints.make_all()

    async def looks(self) -> list[dict[str, Any]]:
        """What is logged in a look."""
        with structlog.testing.capture_logs() as lines:
            await self.stamping.look()
        return [dict(line) for line in lines]

    async def stamps(self, employer: str = EMPLOYER) -> list[AnchorRow]:
        async with self.database.read() as reader:
            return await kept.anchors(reader, employer, kind="timestamp")


@contextmanager
def at_work() -> Iterator[tuple[str, Authority]]:
    authority = Authority()
    with serving(authority) as url:
        yield url, authority


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    with at_work() as (url, authority):
        house = House(tmp_path, url, authority)
        await house.database.upgrade()
        await add_employer(house.database, EMPLOYER)
        await house.records("one")
        yield house
        await house.database.close()


def events(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


async def test_the_newest_checkpoint_is_stamped_and_the_stamp_is_checked_offline(house: House) -> None:
    [line] = await house.looks()
    assert (line["event"], line["employer"], line["authority"]) == ("timestamp_given", EMPLOYER, "127.0.0.1")
    [stamp] = await house.stamps()
    async with house.database.read() as reader:
        newest = await kept.newest(reader, EMPLOYER)
    assert newest is not None
    assert stamp.size == newest.size
    assert stamp.content is not None
    assert check_stamp(stamp.content, newest.note, ROOT.pem) == NOW


async def test_it_is_asked_once_a_day_and_only_when_something_is_new(house: House) -> None:
    await house.looks()
    await house.records("two")
    assert await house.looks() == []
    house.now += DAY
    assert events(await house.looks()) == ["timestamp_given"]
    house.now += DAY
    assert await house.looks() == []
    assert house.authority.asked == 2


async def test_a_stamp_counts_as_an_anchor_outside(house: House) -> None:
    later = house.now + LATE + timedelta(hours=2)
    async with house.database.read() as reader:
        assert (await status(reader, EMPLOYER)).is_late(later)
    await house.looks()
    async with house.database.read() as reader:
        found = await status(reader, EMPLOYER)
    assert (found.unanchored, found.unstamped, found.is_late(later)) == (0, 0, False)


async def test_that_the_authority_does_not_answer_is_known_after_the_first_try_of_the_next_day(
    house: House,
) -> None:
    async with house.database.read() as reader:
        found = await status(reader, EMPLOYER)
    assert found.unstamped_since is not None
    assert not found.lacks_stamp(found.unstamped_since + STAMP_LATE)
    assert found.lacks_stamp(found.unstamped_since + STAMP_LATE + timedelta(seconds=1))


async def test_a_rehearsal_is_not_stamped(house: House) -> None:
    row = EmployerRow(id="trial", org_number="923609016", name="Prøve", mode="rehearsal", created=NOW)
    async with house.database.write(row.id) as tx:
        await tx.put_employer(row)
    await house.records("one", row.id)
    await house.looks()
    assert house.authority.asked == 1
    assert await house.stamps(row.id) == []


async def test_after_each_failure_the_pause_is_twice_as_long_until_it_answers_again(house: House) -> None:
    house.authority.reply = lambda _query: 503
    pauses, pause = list[timedelta](), FIRST_PAUSE
    for _ in range(9):
        [line] = await house.looks()
        assert (line["event"], line["fault"], line["log_level"]) == (
            "timestamp_not_given", "unreachable", "warning",
        )  # fmt: skip
        again = datetime.fromisoformat(line["again"])
        pauses.append(again - house.now)
        house.now = again - timedelta(seconds=1)
        assert await house.looks() == []
        house.now = again
    assert pauses == [min(pause * 2**n, LONGEST_PAUSE) for n in range(9)]
    house.authority.reply = lambda query: answer(query, STAMPER, NOW)
    assert events(await house.looks()) == ["timestamp_given"]
    house.authority.reply = lambda _query: 503
    await house.records("two")
    house.now += DAY
    [line] = await house.looks()
    assert datetime.fromisoformat(line["again"]) - house.now == FIRST_PAUSE


@pytest.mark.parametrize(
    ("reply", "fault"),
    [(refusal("Ola Nordmann skylder oss penger"), "refused"), (b"junk", "unreadable"), (b"", "unreadable")],
)
async def test_what_the_authority_says_in_words_is_not_logged(house: House, reply: bytes, fault: str) -> None:
    house.authority.reply = lambda _query: reply
    [line] = await house.looks()
    assert line["fault"] == fault
    assert "Nordmann" not in str(line)
    assert await house.stamps() == []


async def test_who_is_away_is_asked_for_one_ledger_and_not_for_all(house: House) -> None:
    await add_employer(house.database, "annen")
    await house.records("one", "annen")
    house.authority.reply = lambda _query: 503
    await house.looks()
    assert house.authority.asked == 1
    house.authority.reply = lambda query: answer(query, STAMPER, NOW)
    house.now += FIRST_PAUSE
    assert events(await house.looks()) == ["timestamp_given", "timestamp_given"]


async def test_a_database_that_is_away_is_waited_for(house: House) -> None:
    await house.database.close()
    place = Path(house.database.place)
    place.rename(place.with_suffix(".away"))
    assert events(await house.looks()) == ["timestamps_wait"]
    place.with_suffix(".away").rename(place)
    assert events(await house.looks()) == ["timestamp_given"]


async def test_a_worker_asks_at_once_and_ends_when_it_is_told(house: House) -> None:
    stop = asyncio.Event()
    asking = asyncio.create_task(ask_for_stamps(house.installation, stop))
    while not await house.stamps():
        await asyncio.sleep(0.01)
    stop.set()
    await asking


async def test_without_an_address_nobody_is_asked(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    database = Database(settings.database_url)
    documents, mailer = Documents(settings.documents), EmlFolder(settings.mail_directory)
    never = asyncio.Event()
    await ask_for_stamps(Installation(settings, database, documents, mailer), never)
    await database.close()
