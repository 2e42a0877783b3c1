"""The outbox: everything in it is delivered, again if need be, and nothing holds up the rest."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.mail import EmlFolder, Mailer, MailError, Smtp
from activities.outbox import EMPLOYER as EMPLOYER_KEY
from activities.outbox import NEVER, REFUSED_TRIES, UNIT, YEAR, Outbox
from activities.store.database import Database
from activities.store.rows import Channel, EmployerRow, OutboxRow
from tests.activities.sawmill import EMPLOYER, SENDER, SITUATIONS, Sawmill, person
from worker.processes import free_port
from workflows.messages import Bell, CycleInput
from workflows.rules.events import unit_cycle, year_cycle

START = datetime(2027, 1, 4, 7, tzinfo=UTC)
_NUMBERS = itertools.count(1)


class Clock:
    """The time that rows are due by; a test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Refusing:
    """A mailer that takes nothing, and counts how often it was asked."""

    repeatable = False

    def __init__(self, error: MailError) -> None:
        self.error, self.tried = error, 0

    async def send(self, message: EmailMessage) -> None:
        self.tried += 1
        raise self.error


def outbox(
    database: Database,
    mailer: Mailer,
    clock: Callable[[], datetime],
    client: Client | None = None,
    shift: timedelta = timedelta(0),
) -> Outbox:
    return Outbox(
        database, client, mailer, SITUATIONS, clock,
        task_queue="outbox", sender=SENDER, shift=lambda: shift,
    )  # fmt: skip


async def rows(database: Database) -> list[OutboxRow]:
    """What waits, due or not."""
    async with database.read() as reader:
        return await reader.outbox_due(NEVER, 10_000)


@asynccontextmanager
async def spring(mill: Sawmill) -> AsyncIterator[tuple[Clock, int]]:
    """The mill's clock, and how many mails of the spring wait."""
    yield Clock(mill.now), sum(row.channel == "mail" for row in await rows(mill.database))


# --- mail -------------------------------------------------------------------------------------------


async def test_every_mail_of_the_spring_becomes_one_file_however_often_the_outbox_runs(
    mill: Sawmill, tmp_path: Path
) -> None:
    async with spring(mill) as (clock, waiting):
        folder = EmlFolder(tmp_path / "mail")
        assert await outbox(mill.database, folder, clock).run_once(limit=1000) == waiting
        assert await outbox(mill.database, folder, clock).run_once(limit=1000) == 0
        assert len(list((tmp_path / "mail").glob("*.eml"))) == waiting
    assert {row.channel for row in await rows(mill.database)} == {"start"}


async def test_two_dispatchers_at_once_deliver_everything_and_leave_one_file_each(
    mill: Sawmill, tmp_path: Path
) -> None:
    async with spring(mill) as (clock, waiting):
        two = [outbox(mill.database, EmlFolder(tmp_path / "mail"), clock) for _ in range(2)]
        await asyncio.gather(*(o.run_once(limit=1000) for o in two))
        assert len(list((tmp_path / "mail").glob("*"))) == waiting
    assert not [row for row in await rows(mill.database) if row.channel == "mail"]


async def test_no_more_than_the_limit_is_delivered_and_the_oldest_first(
    mill: Sawmill, tmp_path: Path
) -> None:
    before = await rows(mill.database)
    await outbox(mill.database, EmlFolder(tmp_path / "mail"), Clock(mill.now)).run_once(limit=10)
    after = {row.id for row in await rows(mill.database)}
    assert {row.id for row in before[:10] if row.channel == "mail"} == {row.id for row in before} - after


async def test_a_power_cut_after_sending_and_before_marking_repeats_the_same_message(
    mill: Sawmill, tmp_path: Path
) -> None:
    class PowerCut(BaseException):
        pass

    class Doomed(EmlFolder):
        async def send(self, message: EmailMessage) -> None:
            await super().send(message)
            raise PowerCut

    async with spring(mill) as (clock, waiting):
        with pytest.raises(PowerCut):
            await outbox(mill.database, Doomed(tmp_path / "mail"), clock).run_once()
        assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
        assert sum(row.channel == "mail" for row in await rows(mill.database)) == waiting
        await outbox(mill.database, EmlFolder(tmp_path / "mail"), clock).run_once(limit=1000)
        assert len(list((tmp_path / "mail").glob("*.eml"))) == waiting


async def test_someone_without_an_address_is_noted_and_holds_up_nobody(mill: Sawmill, tmp_path: Path) -> None:
    async with spring(mill) as (clock, waiting):
        theirs = sum(r.channel == "mail" and r.target == "kari" for r in await rows(mill.database))
        await mill.change(person("kari", email=None))
        with capture_logs() as logs:
            delivered = await outbox(mill.database, EmlFolder(tmp_path / "mail"), clock).run_once(limit=1000)
    assert delivered == waiting
    assert len(list((tmp_path / "mail").glob("*.eml"))) == waiting - theirs
    assert sum(entry.get("note") == "nobody to tell" for entry in logs) == theirs > 0


async def test_a_row_that_cannot_be_told_of_is_put_off_and_holds_up_nobody(
    mill: Sawmill, tmp_path: Path
) -> None:
    async with mill.database.write(EMPLOYER) as tx:
        await tx.enqueue("mail", "kari", "about nothing", mill.now, fact_seq=99_999)
    async with spring(mill) as (clock, waiting):
        delivered = await outbox(mill.database, EmlFolder(tmp_path / "mail"), clock).run_once(limit=1000)
    assert delivered == waiting - 1
    [row] = [r for r in await rows(mill.database) if r.channel == "mail"]
    assert (row.key, row.attempts) == ("about nothing", 1)
    assert row.last_error is not None
    assert row.last_error.startswith("mail: LookupError at notices.py:")


async def test_a_mail_server_that_is_away_is_tried_ever_more_slowly_up_to_five_minutes(
    mill: Sawmill,
) -> None:
    clock = Clock(mill.now)
    box = outbox(mill.database, Smtp("127.0.0.1", free_port(), timeout=2), clock)
    waits = []
    for _ in range(11):
        await box.run_once(limit=4)
        [row, *_] = [r for r in await rows(mill.database) if r.channel == "mail"]
        waits.append((row.not_before - clock.now).total_seconds())
        clock.now = row.not_before
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_a_message_that_is_refused_for_good_is_tried_once_a_day_and_then_given_up(
    mill: Sawmill, tmp_path: Path
) -> None:
    clock = Clock(mill.now)
    some = next(row for row in await rows(mill.database) if row.target == "kari")
    await outbox(mill.database, EmlFolder(tmp_path / "mail"), clock).run_once(limit=1000)
    async with mill.database.write(EMPLOYER) as tx:
        await tx.enqueue("mail", "kari", "refused", mill.now, fact_seq=some.fact_seq)
    refusing = Refusing(MailError("mail.example:25 refuses the recipient: 550", transient=False))
    box = outbox(mill.database, refusing, clock)
    for hours in range(0, 24 * (REFUSED_TRIES + 3), 12):
        clock.now = mill.now + timedelta(hours=hours)
        await box.run_once()
        assert refusing.tried == min(hours // 24 + 1, REFUSED_TRIES)
    [row] = [r for r in await rows(mill.database) if r.channel == "mail"]
    assert (row.attempts, row.not_before, row.delivered) == (REFUSED_TRIES, NEVER, None)
    assert row.last_error == "mail.example:25 refuses the recipient: 550"


async def test_the_log_names_no_person_and_no_address(mill: Sawmill, tmp_path: Path) -> None:
    await mill.change(person("kari", email=None))
    with capture_logs() as logs:
        box = outbox(mill.database, Smtp("127.0.0.1", free_port(), timeout=2), Clock(mill.now))
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
    assert given == CycleInput(cycle=yard.unit, shift=timedelta(days=400))


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
    assert await outbox(yard.database, EmlFolder(tmp_path), Clock(), away).run_once() == 1
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
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


async def test_it_goes_on_until_it_is_told_to_stop(mill: Sawmill, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    async with spring(mill) as (clock, waiting), running(outbox(mill.database, EmlFolder(mail), clock)):
        await until(lambda: len(list(mail.glob("*.eml"))) == waiting)
        await mill.go(date(2027, 5, 5))
        clock.now = mill.now
        await until(lambda: len(list(mail.glob("*.eml"))) > waiting)


async def test_a_mail_server_that_hangs_delays_no_bell(mill: Sawmill, client: Client) -> None:
    hangs, ends = asyncio.Event(), asyncio.Event()

    class Slow(EmlFolder):
        async def send(self, message: EmailMessage) -> None:
            hangs.set()
            await ends.wait()

    async with running(outbox(mill.database, Slow(Path()), Clock(mill.now), client)):
        await hangs.wait()
        started = len([r for r in await rows(mill.database) if r.channel == "start"])
        async with asyncio.timeout(20):
            while [r for r in await rows(mill.database) if r.channel == "start"]:
                await asyncio.sleep(0.02)
        assert started <= 2
        ends.set()
    for cycle in (year_cycle(EMPLOYER, 2027), unit_cycle(EMPLOYER, "sagbruk", 2027)):
        await client.get_workflow_handle(cycle).terminate()


async def test_it_waits_for_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'later.db'}")
    with capture_logs() as logs:
        async with running(outbox(database, EmlFolder(tmp_path / "mail"), Clock())) as task:
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
