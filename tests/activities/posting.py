"""An outbox without Temporal, whose mail is kept, and whose clock a test moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from temporalio.client import Client

from activities.mail import Mailer
from activities.outbox import NEVER, Outbox
from activities.store.database import Database
from activities.store.rows import OutboxRow
from tests.activities.sawmill import SENDER, SITUATIONS, Sawmill
from workflows.rules.notices import PATIENCE

START = datetime(2027, 1, 4, 7, tzinfo=UTC)


class Clock:
    """The time that rows are due by; a test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Sent:
    """A mailer that takes everything and keeps it in the order it came."""

    repeatable = False

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        self.messages.append(message)

    def to(self, person: str) -> list[EmailMessage]:
        """What one person got."""
        return [m for m in self.messages if m["X-Forsvarlig-Person"] == person]


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


async def waiting(database: Database) -> list[OutboxRow]:
    """The mail that waits, letters and what is to be told."""
    return [row for row in await rows(database) if row.channel == "mail"]


def later(mill: Sawmill) -> Clock:
    """The mill's clock when what has just come has settled."""
    return Clock(mill.now + PATIENCE)


async def post(mill: Sawmill, sent: Sent) -> None:
    """Deliver what is due when what has just come has settled."""
    await outbox(mill.database, sent, later(mill)).run_once(limit=1000)
