"""An installation: what its settings lead to, opened and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from temporalio.client import Client
from temporalio.plugin import SimplePlugin

from activities.checkpoints import Checkpoints
from activities.cycles import Cycles
from activities.documents import Documents
from activities.doors import Doors, Method
from activities.erased_files import ErasedFiles
from activities.histories import Histories
from activities.mail import EmlFolder, Mailer, Smtp
from activities.mailbox import Mailbox
from activities.outbox import Outbox
from activities.retention import Retention
from activities.signatures import SigningKey
from activities.signed_heads import SignedHeads
from activities.situations import Situations
from activities.store.catching_up import catch_up
from activities.store.database import Database
from worker.connection import connect_config
from worker.keyring import Keyring
from worker.plugin import forsvarlig_plugin
from worker.settings import Settings


def wall_clock() -> datetime:
    """The time outside; rules and workflows are given it, and never ask for it."""
    return datetime.now(UTC)


def mailer(settings: Settings) -> Mailer:
    """The mail server of the settings, or a folder of `.eml` files where none is set."""
    mail = settings.mail
    if mail.host is None:
        return EmlFolder(settings.mail_directory)
    password = mail.password.get_secret_value() if mail.password else None
    return Smtp(mail.host, mail.port, starttls=mail.starttls, user=mail.user, password=password)


@dataclass
class Installation:
    """The store, the documents and the doors of one installation. `clock` is virtual in a rehearsal."""

    settings: Settings
    database: Database
    documents: Documents
    mailer: Mailer
    clock: Callable[[], datetime] = wall_clock
    shift: Callable[[], timedelta] = timedelta
    situations: Situations = field(default_factory=Situations)
    method: Method = "desk"
    """How this installation knows the people it speaks for."""

    @cached_property
    def signer(self) -> SigningKey:
        """The installation's own key, made the first time; `KeyFileError` when its file cannot be used."""
        return SigningKey.load_or_make(self.settings.signing_key)

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints, with the log key as its file is now; the first time, a new one."""
        key = SigningKey.load_or_make(self.settings.log_key)
        return Checkpoints(self.database, key, self.clock, self.signed_heads)

    @property
    def signed_heads(self) -> SignedHeads:
        """What the log key has signed on this machine."""
        return SignedHeads(self.settings.signed_heads)

    @cached_property
    def erased_files(self) -> ErasedFiles:
        """The files that follow what is erased."""
        settings = self.settings
        return ErasedFiles(self.documents, settings.mail_directory, settings.histories)

    @property
    def retention(self) -> Retention:
        """What erases records that have been kept long enough."""
        return Retention(self.database, self.erased_files, self.clock)

    @property
    def doors(self) -> Doors:
        return Doors(self.database, self.situations, signer=self.signer, method=self.method)

    @property
    def cycles(self) -> Cycles:
        return Cycles(self.database, self.clock, self.situations)

    def outbox(self, client: Client | None) -> Outbox:
        return Outbox(
            self.database,
            client,
            self.mailer,
            self.situations,
            self.clock,
            task_queue=self.settings.task_queue,
            sender=self.settings.mail.sender,
            shift=self.shift,
        )

    def histories(self, client: Client) -> Histories:
        """The archive of the histories that `client`'s server has."""
        return Histories(self.database, client, self.settings.histories, self.clock)

    @property
    def keyring(self) -> Keyring:
        """The keys under which payloads are sealed."""
        return Keyring(self.settings.payload_keys)

    @property
    def plugin(self) -> SimplePlugin:
        """What a client needs so that its workers can run this installation's years."""
        cycles = self.cycles
        mailbox = Mailbox(self.database, self.doors, self.clock)
        return forsvarlig_plugin(
            (cycles.advance, cycles.start_year, mailbox.receive, self.retention.erase_what_is_due),
            keyring=self.keyring,
        )

    async def connect(self, address: str | None = None) -> Client:
        """A client whose workers can run this installation's years, of the server at `address`.

        Without an address, of the server that the settings lead to; then errors as in `connect_config`.
        """
        config = {"target_host": address} if address else connect_config(self.settings.state)
        return await Client.connect(**config, plugins=[self.plugin])


@asynccontextmanager
async def opened(settings: Settings, *, upgrade: bool = False) -> AsyncIterator[Installation]:
    """The installation with its database at the right schema version.

    A fresh SQLite file is made at once; an older schema is upgraded only with `upgrade` (one process does
    that, never every worker), and is a `SchemaError` otherwise.
    """
    settings.make_state()
    database = Database(settings.database_url)
    try:
        if upgrade or await database.version() is None:
            await database.upgrade()
            await catch_up(database)
        await database.check()
        yield Installation(settings, database, Documents(settings.documents), mailer(settings))
    finally:
        await database.close()
