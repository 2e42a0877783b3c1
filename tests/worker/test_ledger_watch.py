"""A worker looks after the ledgers: checkpoints, a daily anchor, and a warning when none gets outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from activities.checkpoints import enrolled
from activities.documents import Documents
from activities.ledger.heads import read_anchor
from activities.mail import EmlFolder
from activities.signatures import SigningKey
from activities.store import checkpoints as kept
from activities.store.database import Database
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer, cut_off
from worker import ledger_watch
from worker.installation import Installation
from worker.ledger_watch import LedgerWatch, make_last_checkpoints, watch_ledgers
from worker.settings import Settings


class House:
    """An installation whose clock the test holds."""

    def __init__(self, folder: Path, anchors: Path | None) -> None:
        self.now = NOW
        self.settings = Settings(state=folder, anchor_directory=anchors)
        self.database = Database(self.settings.database_url)
        documents = Documents(self.settings.documents)
        mailer = EmlFolder(self.settings.mail_directory)
        self.installation = Installation(self.settings, self.database, documents, mailer, clock=self.clock)
        self.watch = LedgerWatch(self.installation)

    def clock(self) -> datetime:
        return self.now

    async def records(self, id: str) -> None:
        async with self.database.write(EMPLOYER) as tx:
            await tx.append([a_fact(id)])

    async def looks(self) -> list[dict[str, Any]]:
        """What is logged in a look."""
        with structlog.testing.capture_logs() as lines:
            await self.watch.look()
        return [dict(line) for line in lines]

    async def newest(self) -> int:
        async with self.database.read() as reader:
            row = await kept.newest(reader, EMPLOYER)
        return row.size if row is not None else 0


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "state", tmp_path / "ute")
    house.settings.make_state()
    await house.database.upgrade()
    await add_employer(house.database, EMPLOYER)
    await house.records("one")
    yield house
    await house.database.close()


def events(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


async def test_what_is_new_is_in_a_checkpoint_after_one_look(house: House) -> None:
    await house.looks()
    assert await house.newest() == 2
    key = SigningKey.load(house.settings.log_key)
    async with house.database.read() as reader:
        assert [each.id for each in await enrolled(reader, EMPLOYER)] == [key.id]
    await house.looks()
    assert await house.newest() == 2
    await house.records("two")
    await house.looks()
    assert await house.newest() == 3


async def test_the_folder_gets_one_anchor_a_day(house: House, tmp_path: Path) -> None:
    lines = await house.looks()
    assert events(lines) == ["anchor_written"]
    [file] = (tmp_path / "ute").iterdir()
    assert read_anchor(file.read_bytes()).checkpoint.size == 2
    await house.records("two")
    assert events(await house.looks()) == []
    house.now += timedelta(days=1)
    assert events(await house.looks()) == ["anchor_written"]


async def test_a_folder_that_cannot_be_written_is_said_once_an_hour_and_stops_nothing(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "ute").write_text("i veien", encoding="utf-8")
    assert events(await house.looks()) == ["anchor_not_written"]
    await house.records("two")
    assert events(await house.looks()) == []
    assert await house.newest() == 3
    house.now += timedelta(hours=1)
    assert events(await house.looks()) == ["anchor_not_written"]


async def test_it_is_said_once_an_hour_that_nothing_gets_outside(tmp_path: Path) -> None:
    house = House(tmp_path, None)
    await house.database.upgrade()
    await add_employer(house.database, EMPLOYER)
    await house.records("one")
    assert events(await house.looks()) == []
    house.now += timedelta(days=2)
    [line] = await house.looks()
    assert (line["event"], line["employer"], line["log_level"]) == ("no_anchor_outside", EMPLOYER, "warning")
    assert await house.looks() == []
    house.now += timedelta(hours=1)
    assert events(await house.looks()) == ["no_anchor_outside"]
    await house.database.close()


async def test_another_key_than_the_enrolled_one_is_said_and_signs_nothing(house: House) -> None:
    await house.looks()
    house.settings.log_key.unlink()
    await house.records("two")
    house.now += timedelta(minutes=1)
    [line] = await house.looks()
    assert (line["event"], line["remedy"]) == ("log_key_is_another", "forsvarlig ledger rotate-key")
    assert await house.newest() == 2


async def test_an_end_that_was_written_anew_is_not_signed_and_is_said(house: House) -> None:
    await house.looks()
    for id in ("two", "three"):
        await house.records(id)
        await house.looks()
    await cut_off(house.settings.database_url, house.database, 2)
    await house.records("another end")
    house.now += timedelta(minutes=1)
    [line] = await house.looks()
    assert (line["event"], line["employer"]) == ("ledger_taken_back", EMPLOYER)
    assert (line["signed"], line["facts"]) == (4, 3)
    assert await house.newest() == 2
    await house.records("and more")  # the year goes on
    assert await house.looks() == []
    assert await house.newest() == 2


async def test_what_was_signed_must_be_readable_and_that_is_said(house: House) -> None:
    await house.looks()
    house.installation.signed_heads.file(EMPLOYER).write_text("ødelagt", encoding="utf-8")
    await house.records("two")
    [line] = await house.looks()
    assert (line["event"], line["fault"]) == ("signed_head_unusable", "unreadable")
    assert await house.newest() == 2


async def test_a_key_file_that_cannot_be_used_is_said(house: House) -> None:
    house.settings.log_key.parent.mkdir(parents=True, exist_ok=True)
    house.settings.log_key.write_text("ødelagt", encoding="utf-8")
    house.settings.log_key.chmod(0o600)
    [line] = await house.looks()
    assert (line["event"], line["fault"]) == ("log_key_unusable", "unreadable")


async def test_a_database_that_is_away_is_waited_for(house: House) -> None:
    await house.database.close()
    place = Path(house.database.place)
    place.rename(place.with_suffix(".away"))
    assert events(await house.looks()) == ["ledger_waits"]
    place.with_suffix(".away").rename(place)
    await house.looks()
    assert await house.newest() == 2


async def test_it_looks_until_it_is_told_to_stop_and_the_last_checkpoints_are_made_after(
    house: House,
) -> None:
    stop = asyncio.Event()
    watching = asyncio.create_task(watch_ledgers(house.installation, stop))
    while await house.newest() == 0:
        await asyncio.sleep(0.01)
    stop.set()
    await watching
    seen = await house.newest()
    await house.records("two")
    await make_last_checkpoints(house.installation)
    assert await house.newest() == seen + 1


async def test_the_last_checkpoints_are_not_waited_for_longer_than_their_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_watch, "LAST", timedelta(seconds=0.2))
    with structlog.testing.capture_logs() as lines:
        async with house.database.write(EMPLOYER):  # somebody holds the ledger
            await make_last_checkpoints(house.installation)
    assert [line["event"] for line in lines] == ["last_checkpoint_not_made"]
    assert await house.newest() == 0


async def test_a_key_that_cannot_be_used_does_not_keep_a_worker_from_stopping(house: House) -> None:
    house.settings.log_key.parent.mkdir(parents=True, exist_ok=True)
    house.settings.log_key.write_text("ødelagt", encoding="utf-8")
    with structlog.testing.capture_logs() as lines:
        await make_last_checkpoints(house.installation)
    assert [line["event"] for line in lines] == ["log_key_unusable"]
