"""The outbox: everything in it is delivered, again if need be, and nothing holds up the rest."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.mail import EmlFolder, MailError, Smtp
from activities.outbox import EMPLOYER as EMPLOYER_KEY
from activities.outbox import NEVER, REFUSED_TRIES, UNIT, YEAR, Outbox
from activities.post import LEASE
from activities.store.database import Database
from activities.store.rows import Channel, EmployerRow
from tests.activities.posting import START, Clock, Sent, later, outbox, rows, waiting
from tests.activities.sawmill import EMPLOYER, Sawmill, person
from worker.processes import free_port
from workflows.messages import Bell, CycleInput
from workflows.rules.notices import PATIENCE
from workflows.rules.terms import unit_cycle, year_cycle

_NUMBERS = itertools.count(1)


class Refusing:
    """A mailer that takes nothing, and counts how often it was asked."""

    repeatable = False

    def __init__(self, error: MailError) -> None:
        self.error, self.tried = error, 0

    async def send(self, message: EmailMessage) -> None:
        self.tried += 1
        raise self.error


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.eml"))


TOLD = {"toppen", "hanne", "kari", "per", "amund"}
"""Those whom something of the sawmill's spring still waits for on its eve."""


# --- mail -------------------------------------------------------------------------------------------


async def test_the_mail_of_a_whole_spring_is_one_message_a_person_however_often_the_outbox_runs(
    mill: Sawmill, tmp_path: Path
) -> None:
    clock, folder = later(mill), EmlFolder(tmp_path / "mail")
    assert len(await waiting(mill.database)) > 70
    assert await outbox(mill.database, folder, clock).run_once(limit=1000) == len(TOLD)
    assert await outbox(mill.database, folder, clock).run_once(limit=1000) == 0
    assert {path.stem.rpartition("_")[2] for path in files(tmp_path / "mail")} == TOLD
    assert len(files(tmp_path / "mail")) == len(TOLD)
    assert {row.channel for row in await rows(mill.database)} == {"start"}


async def test_two_dispatchers_at_once_send_each_message_once(mill: Sawmill) -> None:
    sent = Sent()
    two = [outbox(mill.database, sent, later(mill)) for _ in range(2)]
    await asyncio.gather(*(o.run_once(limit=1000) for o in two))
    await asyncio.gather(*(o.run_once(limit=1000) for o in two))
    assert len(sent.messages) == len(TOLD)
    assert await waiting(mill.database) == []


async def test_no_more_than_the_limit_is_looked_at_and_the_oldest_first(
    mill: Sawmill, tmp_path: Path
) -> None:
    before = await rows(mill.database)
    await outbox(mill.database, EmlFolder(tmp_path / "mail"), later(mill)).run_once(limit=4)
    first = {row.target for row in before[:4] if row.channel == "mail"}
    assert {path.stem.rpartition("_")[2] for path in files(tmp_path / "mail")} == first < TOLD


async def test_a_power_cut_after_sending_and_before_marking_repeats_the_same_message(
    mill: Sawmill, tmp_path: Path
) -> None:
    class PowerCut(BaseException):
        pass

    class Doomed(EmlFolder):
        async def send(self, message: EmailMessage) -> None:
            await super().send(message)
            raise PowerCut

    clock, folder = later(mill), tmp_path / "mail"
    with pytest.raises(PowerCut):
        await outbox(mill.database, Doomed(folder), clock).run_once(limit=1000)
    [first] = files(folder)
    assert await outbox(mill.database, EmlFolder(folder), clock).run_once(limit=1000) == 0
    assert len(await waiting(mill.database)) == len(TOLD), "another dispatcher may still be at it"
    clock.now += LEASE
    sent = Sent()
    assert await outbox(mill.database, sent, clock).run_once(limit=1000) == len(TOLD)
    [again] = [m for m in sent.messages if str(m["Message-ID"]) in first.read_text("utf-8")]
    assert first.stem.endswith(f"_{again['X-Forsvarlig-Person']}")


async def test_what_comes_between_a_power_cut_and_the_repetition_is_not_in_it(mill: Sawmill) -> None:
    class PowerCut(BaseException):
        pass

    class Doomed(Sent):
        async def send(self, message: EmailMessage) -> None:
            await super().send(message)
            if message["X-Forsvarlig-Person"] == "kari":
                raise PowerCut

    clock, doomed, sent = later(mill), Doomed(), Sent()
    for _ in TOLD:
        with contextlib.suppress(PowerCut):
            await outbox(mill.database, doomed, clock).run_once(limit=1000)
    await mill.go(date(2027, 5, 5))
    clock.now = mill.now + PATIENCE
    await outbox(mill.database, sent, clock).run_once(limit=1000)
    [cut] = [m for m in doomed.messages if m["X-Forsvarlig-Person"] == "kari"]
    again, new = [m for m in sent.messages if m["X-Forsvarlig-Person"] == "kari"]
    assert again["Message-ID"] == cut["Message-ID"]
    assert not set(str(again["X-Forsvarlig-Seq"]).split()) & set(str(new["X-Forsvarlig-Seq"]).split())


async def test_someone_without_an_address_is_noted_and_holds_up_nobody(mill: Sawmill) -> None:
    theirs = sum(row.target == "kari" for row in await waiting(mill.database))
    await mill.change(person("kari", email=None))
    sent = Sent()
    with capture_logs() as logs:
        await outbox(mill.database, sent, later(mill)).run_once(limit=1000)
    assert {str(m["X-Forsvarlig-Person"]) for m in sent.messages} == TOLD - {"kari"}
    assert await waiting(mill.database) == []
    assert sum(entry.get("note") == "nobody to tell" for entry in logs) >= theirs > 0


async def test_a_row_that_cannot_be_told_of_is_put_off_and_holds_up_nobody(mill: Sawmill) -> None:
    async with mill.database.write(EMPLOYER) as tx:
        await tx.enqueue("mail", "kari", "about nothing", mill.now, fact_seq=99_999)
    sent = Sent()
    await outbox(mill.database, sent, later(mill)).run_once(limit=1000)
    assert {str(m["X-Forsvarlig-Person"]) for m in sent.messages} == TOLD
    [row] = await waiting(mill.database)
    assert (row.key, row.attempts) == ("about nothing", 1)
    assert row.last_error is not None
    assert row.last_error.startswith("mail: LookupError at notices.py:")


async def test_a_mail_server_that_is_away_is_tried_ever_more_slowly_up_to_five_minutes(
    mill: Sawmill,
) -> None:
    clock = later(mill)
    box = outbox(mill.database, Smtp("127.0.0.1", free_port(), timeout=2), clock)
    waits = []
    for _ in range(11):
        await box.run_once(limit=1000)
        [row] = [r for r in await waiting(mill.database) if r.target.startswith("kari ")]
        waits.append((row.not_before - clock.now).total_seconds())
        clock.now = row.not_before
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_a_message_that_is_refused_for_good_is_tried_once_a_day_and_then_given_up(
    mill: Sawmill,
) -> None:
    clock = later(mill)
    refusing = Refusing(MailError("mail.example:25 refuses the recipient: 550", transient=False))
    box = outbox(mill.database, refusing, clock)
    start = clock.now
    for hours in range(0, 24 * (REFUSED_TRIES + 3), 12):
        clock.now = start + timedelta(hours=hours)
        await box.run_once(limit=1000)
        assert refusing.tried == min(hours // 24 + 1, REFUSED_TRIES) * len(TOLD)
    given_up = await waiting(mill.database)
    assert {row.target.split()[0] for row in given_up} == TOLD
    for row in given_up:
        assert (row.attempts, row.not_before, row.delivered) == (REFUSED_TRIES, NEVER, None)
        assert row.last_error == "mail.example:25 refuses the recipient: 550"


async def test_the_log_names_no_person_and_no_address(mill: Sawmill) -> None:
    await mill.change(person("kari", email=None))
    with capture_logs() as logs:
        box = outbox(mill.database, Smtp("127.0.0.1", free_port(), timeout=2), later(mill))
        await box.run_once(limit=1000)
    assert len(logs) > 10
    assert not any("nordfjord.example" in str(entry) or "Nordmann" in str(entry) for entry in logs)


# --- bells and starts -------------------------------------------------------------------------------


@pytest.fixture
async def client(virtual: WorkflowEnvironment) -> Client:
    address = virtual.client.service_client.config.target_host
    return await Client.connect(address, data_converter=pydantic_data_converter)


class Yard:
    """An employer of a test's own, so that its workflow ids are its own, with nothing in the outbox."""

    def __init__(self, database: Database, employer: str) -> None:
        self.database, self.employer = database, employer
        self.year, self.unit = year_cycle(employer, 2027), unit_cycle(employer, "sagbruk", 2027)

    async def enqueue(self, *wanted: tuple[Channel, str, str]) -> None:
        async with self.database.write(self.employer) as tx:
            for channel, target, key in wanted:
                await tx.enqueue(channel, target, key, START)


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    database = Database(f"sqlite:///{tmp_path / 'yard.db'}")
    await database.upgrade()
    employer = f"yard-{next(_NUMBERS)}"
    async with database.write(employer) as tx:
        await tx.put_employer(
            EmployerRow(id=employer, org_number="923609016", name="Gården AS", mode="real", created=START)
        )
    yield Yard(database, employer)
    await database.close()


async def rung(handle: WorkflowHandle[object, object]) -> list[str]:
    """Which facts the workflow was rung for, from its history."""
    signals = [
        e.workflow_execution_signaled_event_attributes
        for e in (await handle.fetch_history()).events
        if e.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert {s.signal_name for s in signals} <= {"ring"}
    decoded = [await pydantic_data_converter.decode(s.input.payloads, [Bell]) for s in signals]
    return [bell.fact for [bell] in decoded]


async def test_a_year_is_started_under_its_id_with_what_it_is_found_by(
    yard: Yard, client: Client, tmp_path: Path
) -> None:
    await yard.enqueue(("start", yard.year, "a"), ("start", yard.unit, "b"))
    box = outbox(yard.database, EmlFolder(tmp_path), Clock(), client, shift=timedelta(days=400))
    assert await box.run_once() == 2
    year = await client.get_workflow_handle(yard.year).describe()
    unit = await client.get_workflow_handle(yard.unit).describe()
    assert (year.workflow_type, unit.workflow_type) == ("EmployerYear", "UnitYear")
    assert await unit.static_summary() == "sagbruk 2027"
    found = unit.typed_search_attributes
    assert (found[EMPLOYER_KEY], found[UNIT], found[YEAR]) == (yard.employer, "sagbruk", 2027)
    assert year.typed_search_attributes.get(UNIT) is None
    history = await client.get_workflow_handle(yard.unit).fetch_history()
    payloads = history.events[0].workflow_execution_started_event_attributes.input.payloads
    [given] = await pydantic_data_converter.decode(payloads, [CycleInput])
    assert given == CycleInput(cycle=yard.unit, shift=timedelta(days=400), sealed=True)


async def test_a_year_that_was_started_before_counts_as_started(
    yard: Yard, client: Client, tmp_path: Path
) -> None:
    box = outbox(yard.database, EmlFolder(tmp_path), Clock(), client)
    await yard.enqueue(("start", yard.year, "a"))
    await box.run_once()
    run = (await client.get_workflow_handle(yard.year).describe()).run_id
    await yard.enqueue(("start", yard.year, "once more"))
    assert await box.run_once() == 1
    await client.get_workflow_handle(yard.year).terminate()
    await yard.enqueue(("start", yard.year, "after its end"))
    assert await box.run_once() == 1
    assert (await client.get_workflow_handle(yard.year).describe()).run_id == run


async def test_a_start_comes_before_the_bells_of_its_cycle_and_they_ring_in_order(
    yard: Yard, client: Client, tmp_path: Path
) -> None:
    await yard.enqueue(("start", yard.unit, "s"), ("bell", yard.unit, "f1"), ("bell", yard.unit, "f2"))
    assert await outbox(yard.database, EmlFolder(tmp_path), Clock(), client).run_once() == 3
    assert await rung(client.get_workflow_handle(yard.unit)) == ["f1", "f2"]


async def test_a_bell_for_a_closed_or_unknown_cycle_is_noted_and_done(
    yard: Yard, client: Client, tmp_path: Path
) -> None:
    box = outbox(yard.database, EmlFolder(tmp_path), Clock(), client)
    await yard.enqueue(("start", yard.year, "s"))
    await box.run_once()
    await client.get_workflow_handle(yard.year).terminate()
    await yard.enqueue(("bell", yard.year, "closed"), ("bell", yard.unit, "unknown"))
    with capture_logs() as logs:
        assert await box.run_once() == 2
    assert [entry["note"] for entry in logs] == ["no such workflow is running"] * 2


async def test_a_bell_waits_while_its_namespace_is_not_there(
    yard: Yard, virtual: WorkflowEnvironment, tmp_path: Path
) -> None:
    address = virtual.client.service_client.config.target_host
    elsewhere = await Client.connect(address, namespace="nowhere", data_converter=pydantic_data_converter)
    await yard.enqueue(("bell", yard.unit, "f1"))
    assert await outbox(yard.database, EmlFolder(tmp_path), Clock(), elsewhere).run_once() == 0
    [row] = await rows(yard.database)
    assert (row.attempts, row.last_error) == (1, "Temporal: NOT_FOUND")
    assert row.not_before == START + timedelta(seconds=1)


async def test_bells_wait_for_a_temporal_that_is_away_and_a_mail_does_not(yard: Yard, tmp_path: Path) -> None:
    away = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True, data_converter=pydantic_data_converter)
    await yard.enqueue(("bell", yard.unit, "f1"), ("mail", "nobody", "m1"))
    assert await outbox(yard.database, EmlFolder(tmp_path), Clock(START + PATIENCE), away).run_once() == 1
    [row] = await rows(yard.database)
    assert (row.channel, row.attempts) == ("bell", 1)


async def test_without_a_client_bells_are_left_to_another_dispatcher(yard: Yard, tmp_path: Path) -> None:
    await yard.enqueue(("bell", yard.unit, "f1"), ("start", yard.year, "s"))
    assert await outbox(yard.database, EmlFolder(tmp_path), Clock()).run_once() == 0
    assert [row.attempts for row in await rows(yard.database)] == [0, 0]


# --- running ----------------------------------------------------------------------------------------


@asynccontextmanager
async def running(box: Outbox) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(box.run(stop, interval=0.01))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0.01)


async def test_it_goes_on_until_it_is_told_to_stop(mill: Sawmill, tmp_path: Path) -> None:
    mail, clock = tmp_path / "mail", later(mill)
    async with running(outbox(mill.database, EmlFolder(mail), clock)):
        await until(lambda: len(files(mail)) == len(TOLD))
        await mill.go(date(2027, 5, 5))
        clock.now = mill.now + PATIENCE
        await until(lambda: len(files(mail)) > len(TOLD))


async def test_a_mail_server_that_hangs_delays_no_bell(mill: Sawmill, client: Client) -> None:
    hangs, ends = asyncio.Event(), asyncio.Event()

    class Slow(EmlFolder):
        async def send(self, message: EmailMessage) -> None:
            hangs.set()
            await ends.wait()

    async with running(outbox(mill.database, Slow(Path()), later(mill), client)):
        await hangs.wait()
        started = len([r for r in await rows(mill.database) if r.channel == "start"])
        async with asyncio.timeout(60):
            while [r for r in await rows(mill.database) if r.channel == "start"]:
                await asyncio.sleep(0.02)
        assert started <= 2
        ends.set()
    for cycle in (year_cycle(EMPLOYER, 2027), unit_cycle(EMPLOYER, "sagbruk", 2027)):
        await client.get_workflow_handle(cycle).terminate()


async def test_it_waits_for_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'later.db'}")
    with capture_logs() as logs:
        async with running(outbox(database, EmlFolder(tmp_path / "mail"), Clock(START + PATIENCE))) as task:
            await until(lambda: any(entry["event"] == "outbox.waits" for entry in logs))
            await database.upgrade()
            async with database.write(EMPLOYER) as tx:
                await tx.put_employer(
                    EmployerRow(
                        id=EMPLOYER, org_number="923609016", name="Tre AS", mode="real", created=START
                    )
                )
                await tx.enqueue("mail", "nobody", "m1", START)
            await until(lambda: any(entry.get("note") == "nobody to tell" for entry in logs))
            assert not task.done()
    assert await rows(database) == []
    await database.close()
