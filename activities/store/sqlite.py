"""SQLite on the event loop's own thread: a statement on a local file takes less time than a hop to another.

The one thing that can take long is another process's transaction, and that is waited for asleep. SQLAlchemy
never begins or ends a transaction here: a connection is taken out of `Connections` with one begun on it.
"""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from itertools import islice
from typing import Any, cast

from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool, Pool
from sqlalchemy.util.concurrency import await_

BUSY = 30
"""Seconds that a connection waits for another writer, or for a free connection."""

DRIVER = "sqlite+loop"
"""The driver's name in a URL."""

MOST, KEPT = 15, 5
"""Connections in use at the same time, and connections kept open between."""

FIRST_STEPS, FIRST_STEP, STEP = 100, 0.001, 0.005
"""A lock that is taken is tried for so many times after the first seconds each, then after the others."""

SLOW = 0.005
"""Seconds; after a commit that took longer, the next one does not hold up the loop."""

_TAKEN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)
"""Not BUSY_SNAPSHOT: a reading transaction that would write after another cannot, however long it waits."""


_LOOK = "SELECT 1 FROM sqlite_master LIMIT 1"
"""A transaction sees the database as it was at its first look."""


class _Nothing:
    """What is awaited where nothing is waited for; SQLAlchemy wants something awaited in each statement."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_NOTHING = _Nothing()


class Cursor(sqlite3.Cursor):
    """Executes at once, and waits asleep while another process holds a lock, for at most `BUSY` seconds.

    It has read every row when `execute` returns, as the other asynchronous drivers' cursors have.
    """

    _rows: Iterator[Any] = iter(())

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        try:
            super().execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if not _is_taken(error):
                raise
            await_(_when_free(lambda: sqlite3.Cursor.execute(self, sql, parameters)))
        else:
            await_(_NOTHING)
        if self.description is not None:
            self._keep()
        return self

    def executemany(self, sql: str, parameters: Any, /) -> Cursor:
        super().executemany(sql, parameters)
        await_(_NOTHING)
        return self

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return list(islice(self._rows, self.arraysize if size is None else size))

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Any:
        return self._rows

    async def _async_soft_close(self) -> None:
        """SQLAlchemy asks for this when the rows have been read; they have."""

    def _keep(self) -> None:
        self._rows = iter(super().fetchall())


class StreamingCursor(Cursor):
    """Reads the rows as they are fetched."""

    fetchone = sqlite3.Cursor.fetchone
    fetchall = sqlite3.Cursor.fetchall
    __iter__ = sqlite3.Cursor.__iter__

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return sqlite3.Cursor.fetchmany(self, self.arraysize if size is None else size)

    def _keep(self) -> None:
        pass


class Connection(sqlite3.Connection):
    """Begins no transaction of its own, and blocks for no lock."""

    def cursor(self, factory: Any = None, *, server_side: bool = False) -> Any:
        return super().cursor(factory or (StreamingCursor if server_side else Cursor))


class _Context(SQLiteExecutionContext):
    def create_server_side_cursor(self) -> DBAPICursor:
        return cast(DBAPICursor, cast(Any, self._dbapi_connection).cursor(server_side=True))


class LoopDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's SQLite through the standard library's driver, for its asynchronous engine."""

    driver = "loop"
    is_async = True
    supports_statement_cache = True
    supports_server_side_cursors = True
    has_terminate = True
    execution_ctx_cls = _Context

    def do_terminate(self, dbapi_connection: DBAPIConnection) -> None:
        dbapi_connection.close()

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        return NullPool

    def connect(self, *arguments: Any, **options: Any) -> Any:
        options |= {"timeout": 0, "isolation_level": None, "check_same_thread": False, "factory": Connection}
        return super().connect(*arguments, **options)


class Connections:
    """The connections to one file: kept open, at most `MOST` of them, each with a transaction while in use.

    SQLAlchemy's errors, and its `TimeoutError` when none is free for `BUSY` seconds.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._free = asyncio.Semaphore(MOST)
        self._idle: list[AsyncConnection] = []
        self._watch: AsyncConnection | None = None
        self._slow = False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees the database as it is now, also while others write."""
        async with self._taken() as connection, _transaction(connection, "BEGIN", _LOOK):
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that no other one writes beside; a loop's own writers take turns before they ask."""
        async with self._taken() as connection, _transaction(connection, "BEGIN IMMEDIATE"):
            yield connection
            await self._commit(_driver(connection))

    async def state(self) -> int:
        """A number that changes whenever anybody commits a change to the file."""
        if self._watch is None:
            self._watch = await self._opened()
        return int(run(_driver(self._watch), "PRAGMA data_version").fetchone()[0])

    async def close(self) -> None:
        kept = [*self._idle, *([self._watch] if self._watch is not None else [])]
        self._idle, self._watch = [], None
        for connection in kept:
            await connection.close()

    async def _opened(self) -> AsyncConnection:
        connection = await self._engine.connect()
        if (sync := connection.sync_connection) is not None:
            sync.detach()  # so that the pool misses nothing where a database is forgotten and not closed
        return connection

    async def _commit(self, driver: Connection) -> None:
        """Wait for the disk: on the loop while that is quick, and elsewhere after it has been slow."""
        began = time.monotonic()
        if self._slow:
            await _committed_elsewhere(driver)
        else:
            run(driver, "COMMIT")
        self._slow = time.monotonic() - began > SLOW

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[AsyncConnection]:
        try:
            # With one free there is nothing to wait for.
            async with asyncio.timeout(BUSY) if self._free.locked() else nullcontext():
                await self._free.acquire()
        except builtins.TimeoutError:
            raise TimeoutError(f"no connection was free for {BUSY} seconds") from None
        try:
            connection = self._idle.pop() if self._idle else await self._opened()
            try:
                yield connection
            finally:
                if len(self._idle) < KEPT and not _driver(connection).in_transaction:
                    self._idle.append(connection)
                else:
                    await connection.close()
        finally:
            self._free.release()


def driven(connection: AsyncConnection) -> Connection | None:
    """The driver's own connection, if this is one of ours."""
    sync = connection.sync_connection
    found: object = None if sync is None else sync.connection.dbapi_connection
    return found if isinstance(found, Connection) else None


def run(driver: Connection, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
    """Execute one statement; errors are SQLAlchemy's, without the parameters."""
    cursor = sqlite3.Cursor(driver)
    try:
        return cursor.execute(sql, parameters)
    except sqlite3.Error as error:
        raise _told(sql, error) from error


def run_many(driver: Connection, sql: str, many: Iterable[Sequence[Any]]) -> None:
    """Execute one statement with each of these parameters; errors are SQLAlchemy's, without them."""
    try:
        sqlite3.Cursor(driver).executemany(sql, many)
    except sqlite3.Error as error:
        raise _told(sql, error) from error


def _told(sql: str, error: sqlite3.Error) -> Exception:
    return DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True)


@asynccontextmanager
async def _transaction(connection: AsyncConnection, *begin: str) -> AsyncIterator[None]:
    driver = _driver(connection)
    try:
        for sql in begin:
            await _begin(driver, sql)
        yield
    except BaseException:
        _end(connection, "ROLLBACK")
        raise
    try:
        _end(connection, "COMMIT")
    except BaseException:
        _end(connection, "ROLLBACK")
        raise


async def _committed_elsewhere(driver: Connection) -> None:
    commit = asyncio.ensure_future(asyncio.to_thread(run, driver, "COMMIT"))
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        # What is under way cannot be called back, and nobody else may have the connection meanwhile.
        await asyncio.wait([commit])
        commit.exception()
        raise


async def _begin(driver: Connection, sql: str) -> None:
    try:
        run(driver, sql)
    except OperationalError as error:
        if not _is_taken(error.orig):
            raise
        await _when_free(lambda: run(driver, sql))


def _end(connection: AsyncConnection, sql: str) -> None:
    """Also what SQLAlchemy thinks of as its transaction ends, so that the next user finds none."""
    if _driver(connection).in_transaction:
        run(_driver(connection), sql)
    if (sync := connection.sync_connection) is not None and sync.in_transaction():
        sync.rollback()


async def _when_free(act: Callable[[], object]) -> None:
    """Do what was refused because somebody holds the lock, as soon as they let go of it."""
    loop = asyncio.get_running_loop()
    deadline, tries = loop.time() + BUSY, 0
    while True:
        await asyncio.sleep(FIRST_STEP if tries < FIRST_STEPS else STEP)
        tries += 1
        try:
            act()
            return
        except (sqlite3.OperationalError, OperationalError) as error:
            if not _is_taken(getattr(error, "orig", error)) or loop.time() > deadline:
                raise


def _is_taken(error: object) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in _TAKEN


def _driver(connection: AsyncConnection) -> Connection:
    found = driven(connection)
    if found is None:
        raise TypeError(f"{connection} is no connection of {DRIVER}")
    return found


registry.register(DRIVER.replace("+", "."), __name__, LoopDialect.__name__)
