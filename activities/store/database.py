"""The database of an installation: SQLite in a file, or PostgreSQL. Opening, migrating, transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, column, create_engine, event, inspect, select, table, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from activities.store import enforcement, scrub, sqlite
from activities.store.address import normalised
from activities.store.errors import NotThere, SchemaError, StoreError, Unusable
from activities.store.reader import Reader
from activities.store.sequencer import Sequencer
from activities.store.transaction import NO_TEXTS, Transaction
from workflows.rules.phrase import Phrase

if TYPE_CHECKING:
    from alembic.config import Config

    from activities.ledger.log import Payload
    from workflows.rules.events import Fact

__all__ = ["Database", "NotThere", "Reader", "SchemaError", "StoreError", "Transaction"]


CONNECT = 10
"""Seconds to reach a PostgreSQL server."""

SCHEMA = "0004"
"""The schema version of this program: the newest migration. Said here, for to find it takes all of Alembic."""

_UNREACHED = {
    "Connection refused": Phrase("nobody answers there"),
    "could not translate host name": Phrase("no computer has that name"),
    "failed to resolve host": Phrase("no computer has that name"),
    "timeout expired": Phrase("it did not answer in time"),
    "password authentication failed": Phrase("the user or the password is wrong"),
}
"""What PostgreSQL's driver says in many words about a server that cannot be reached."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_SNAPSHOT = text("SELECT CAST(pg_current_snapshot() AS text)")
_UPGRADE_LOCK = 7_305_118_201
"""Which advisory lock of PostgreSQL keeps two upgrades from running at the same time."""


class Database:
    """The store. One of these a process; it keeps a pool of connections until it is closed.

    On PostgreSQL the writers of one employer wait for each other; on SQLite all writers do.
    """

    def __init__(self, url: str) -> None:
        """`StoreError` names what is accepted for anything else. Nothing is opened yet."""
        self._url, self._file = normalised(url)
        self._sqlite = self._file is not None
        self._turn = asyncio.Lock() if self._sqlite else None
        options: dict[str, Any] = {"hide_parameters": True}
        if not self._sqlite:
            options |= {
                "pool_pre_ping": True, "pool_timeout": sqlite.BUSY, "connect_args": {"connect_timeout": CONNECT},
            }  # fmt: skip
        try:
            self._engine = create_async_engine(self._url, **options)
        except ModuleNotFoundError as error:
            raise StoreError(
                Phrase("{place} needs the driver {driver}.", place=self.place, driver=error.name),
                Phrase("Install it: pip install 'forsvarlig[postgres]'"),
            ) from error
        self._sequencer = Sequencer(self.write)
        self._watch: AsyncConnection | None = None
        self._watching = asyncio.Lock()
        self._connections = None if self._file is None else sqlite.Connections(self._engine)
        if self._sqlite:
            _prepare(self._engine.sync_engine)

    @property
    def place(self) -> str:
        """Where the database is, for messages: never with a password."""
        if self._file is not None:
            return str(self._file)
        host = self._url.host or self._url.query.get("host") or "localhost"
        port = f":{self._url.port}" if self._url.port else ""
        return f"postgresql://{host}{port}/{self._url.database or ''}"

    async def upgrade(self) -> None:
        """Bring the schema to this program's version, whole or not at all; the first time, create it.

        Safe to repeat and to run at the same time as another upgrade. `SchemaError` for a newer schema.
        """
        await asyncio.to_thread(self._upgrade)

    async def scrub(self) -> None:
        """Write the files of the database anew, so that nothing deleted is left in them: `store.scrub`."""
        if self._file is not None:
            await asyncio.to_thread(scrub.file, self._file)
        else:
            await scrub.server(self._engine)

    @property
    def on_server(self) -> bool:
        """Whether this is PostgreSQL, which has users of its own."""
        return not self._sqlite

    async def let_in(self, app: str) -> None:
        """Let this role of PostgreSQL work, and nothing else: `roles.statements`, run as the owner of the tables.

        `StoreError`, and nothing is done, when this connection may not, or when the role may already do more.
        """
        from activities.store.roles import statements

        await self.check()
        async with self._transaction(writing=True) as connection:
            for statement in statements(app):
                await connection.execute(text(statement))

    async def check(self) -> None:
        """`SchemaError` unless the schema is this program's version."""
        self._compare(await self.version())

    async def version(self) -> str | None:
        """The schema version that the database has; None for one without a schema, or that is not there."""
        if self._file is not None and not self._file.exists():
            return None
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(_version)
        except (DBAPIError, TimeoutError) as error:
            raise self._unusable(error) from None

    @asynccontextmanager
    async def write(self, employer: str) -> AsyncIterator[Transaction]:
        """One transaction that changes `employer`: committed at the end, rolled back by any exception.

        `StoreError` when the database cannot be used or refuses; then nothing was written, except that a
        connection lost during the commit itself leaves that open (appending again is safe).
        """
        async with self._turn or nullcontext(), self._transaction(writing=True) as connection:
            transaction = Transaction(connection, employer)
            await transaction.lock()
            yield transaction
            if transaction.broken:
                raise StoreError(
                    Phrase("A change failed and was not undone, so the whole transaction is."),
                    Phrase("Try it again."),
                )

    async def append(
        self, employer: str, facts: Sequence[Fact], comments: Mapping[str, Payload] = NO_TEXTS
    ) -> list[tuple[int, Fact]]:
        """`Transaction.append` in a transaction of its own, which it shares with others that come meanwhile.

        For facts that nothing in the ledger must be looked at for first. One that is refused fails alone. When the
        caller is cancelled, the facts may be appended or not; appending them again is safe.
        """
        return await self._sequencer.append(employer, facts, comments)

    def read(self) -> AbstractAsyncContextManager[Reader]:
        """One consistent view of the database that nobody waits for and that waits for nobody."""
        return self._read()

    @property
    def glance(self) -> float:
        """Seconds between two looks at `mark`, when somebody looks all the time."""
        return 0.03 if self._sqlite else 0.06

    async def mark(self) -> object:
        """Something that is not what it was after a commit to the database, by whatever process; it costs little.

        `StoreError` when the database cannot be used.
        """
        try:
            if self._connections is not None:
                return await self._connections.state()
            async with self._watching:
                return await self._snapshot()
        except DBAPIError as error:
            raise self._unusable(error) from None

    async def close(self) -> None:
        """Close the connections, after what was given to `append`. What else runs is waited for by whoever runs it."""
        await self._sequencer.close()
        if self._connections is not None:
            await self._connections.close()
        await self._stop_watching()
        await self._engine.dispose()

    async def _snapshot(self) -> object:
        """Which transactions are over, as PostgreSQL tells it on a connection that is kept for this."""
        if self._watch is None:
            connection = await self._engine.connect()
            self._watch = await connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            return await self._watch.scalar(_SNAPSHOT)
        except BaseException:
            await self._stop_watching()
            raise

    async def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.close()

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[Reader]:
        async with self._transaction(writing=False) as connection:
            yield Reader(connection)

    def _begun(self, writing: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        if self._connections is None:
            return self._begun_on_server(writing)
        return self._connections.writing() if writing else self._connections.reading()

    @asynccontextmanager
    async def _begun_on_server(self, writing: bool) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            if not writing:
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def _transaction(self, *, writing: bool) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._begun(writing) as connection:
                yield connection
        except TimeoutError as error:
            raise self._unusable(error) from None
        except DBAPIError as error:
            # A wrong schema explains a missing table better than the driver does.
            await self.check()
            if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
                raise self._unusable(error) from None
            # PostgreSQL repeats the refused row, whose text must not reach a log or a workflow's history.
            refused = StoreError(
                f"The database {self.place} refused a change: {_said(error)}. Nothing was written."
            )
            raise refused.with_traceback(error.__traceback__) from None

    def _upgrade(self) -> None:
        options: dict[str, Any] = {"hide_parameters": True, "poolclass": NullPool}
        url = self._url
        if self._file is not None:
            self._create_file(self._file)
            url = url.set(drivername="sqlite")
        options["connect_args"] = {"timeout": sqlite.BUSY} if self._sqlite else {"connect_timeout": CONNECT}
        engine = create_engine(url, **options)
        if self._sqlite:
            _prepare(engine, guarded=False)
            event.listen(engine, "begin", _begin)
        try:
            with engine.connect() as connection, connection.begin():
                if not self._sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
                self._migrate(connection)
        except DBAPIError as error:
            raise self._unusable(error) from None
        finally:
            engine.dispose()

    def _migrate(self, connection: Connection) -> None:
        found = _version(connection)
        if found == SCHEMA or (found is not None and _is_newer(found)):
            self._compare(found)
            return
        from alembic import command

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    def _create_file(self, file: Path) -> None:
        """The file holds personal data, so only its owner may read it."""
        try:
            file.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _compare(self, found: str | None) -> None:
        if found != SCHEMA:
            raise SchemaError(self.place, found, SCHEMA, newer=found is not None and _is_newer(found))

    def _unusable(self, error: Exception) -> Unusable:
        said = _said(error)
        if isinstance(error, TimeoutError):
            remedy = Phrase(
                "All connections are in use; try again, or run fewer activities at the same time."
            )
        elif "locked" in said:
            remedy = Phrase("Another program writes to it. Wait a moment, and try again.")
        elif self._file is not None:
            remedy = Phrase(
                "Check that its folder exists, that you may write there, and that the disk is not full."
            )
        else:
            remedy = Phrase(
                "Check that the server runs and that address, database, user and password are right."
            )
        fault = Phrase("Cannot use the database {place}: {said}.", place=self.place, said=said)
        return Unusable(fault, remedy)


def _said(error: Exception) -> str:
    """What the driver said, in one line, without the statement and without the row it was about."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    said = " ".join(str(primary or getattr(cause, "strerror", None) or cause).split()).rstrip(".")
    return next((short for sign, short in _UNREACHED.items() if sign in said), said)


def _prepare(engine: Engine, *, guarded: bool = True) -> None:
    """Set up SQLite's connections: durable, and with transactions that begin when we say so.

    Those that are not `guarded` are for migrations: they may change the schema, and make foreign keys again.
    """

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"foreign_keys = {'ON' if guarded else 'OFF'}",
            "recursive_triggers = ON",
            "secure_delete = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        if guarded:
            connection.set_authorizer(enforcement.authorize)


def _begin(connection: Connection) -> None:
    # A transaction that begins by reading could not become a writing one while another writes.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(select(column("version_num")).select_from(table("alembic_version")))
    return found


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _is_newer(found: str) -> bool:
    """Whether a version is unknown here: versions are only ever added, so it comes from a later program."""
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return found not in known
