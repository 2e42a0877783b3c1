"""Old pages: what was deleted and still lies in the database's files until something else is written there."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.store.errors import StoreError
from workflows.rules.phrase import Phrase

PATIENCE = 60.0
"""Seconds that a busy database is waited for."""

_TRY_AGAIN = 0.05

_MERGED = "INSERT INTO text_word (text_word) VALUES ('optimize')"
"""A word that was deleted stays in the index of words until the pieces of that are merged."""

PERSONAL = ("payload", "text_word", "deposited_text", "person", "document", "outbox")
"""PostgreSQL's tables in which personal text or its words lie, or ids of people who were told something."""


_OTHERS = text(
    "SELECT relname FROM pg_class WHERE relname = ANY(:tables) AND relkind = 'r' "
    "AND relnamespace = current_schema()::regnamespace AND NOT pg_has_role(relowner, 'USAGE') "
    "AND CASE WHEN current_setting('server_version_num')::int < 170000 THEN true "
    "ELSE NOT has_table_privilege(oid, 'MAINTAIN') END ORDER BY relname"
)


class StillBusy(StoreError):
    """Somebody reads the database all the time, so that old pages stay until this is done again."""


def file(file: Path, patience: float | None = None) -> None:
    """Write the file of SQLite anew and empty the log beside it; other processes wait for seconds at most.

    `StillBusy` when somebody is reading at every moment of `patience` seconds (`PATIENCE`); `StoreError` when it
    cannot be written.
    """
    patience = PATIENCE if patience is None else patience
    deadline = time.monotonic() + patience
    try:
        with closing(sqlite3.connect(file, timeout=patience, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            _when_free(partial(_do, connection, _MERGED), deadline)
            _when_free(partial(_do, connection, "VACUUM"), deadline)
            if not _when_free(partial(_emptied, connection), deadline):
                raise StillBusy(
                    Phrase(
                        "The database {file} is read all the time, so its write-ahead log could not be emptied.",
                        file=file,
                    ),
                    Phrase("Do it again at a quieter time, or stop the workers first."),
                )
    except sqlite3.Error as error:
        raise StoreError(
            Phrase("Cannot write the database {file} anew: {said}.", file=file, said=error),
            Phrase("Check that the disk has room."),
        ) from None


def _do(connection: sqlite3.Connection, sql: str) -> bool:
    connection.execute(sql)
    return True


def _emptied(connection: sqlite3.Connection) -> bool:
    """Whether everything is in the file itself, and the log beside it has no bytes left."""
    busy, log, _moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy and log <= 0


def _when_free(attempt: Callable[[], bool], deadline: float) -> bool:
    while True:
        try:
            if attempt():
                return True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or (
                time.monotonic() > deadline
            ):
                raise
        if time.monotonic() > deadline:
            return False
        time.sleep(_TRY_AGAIN)


async def server(engine: AsyncEngine) -> None:
    """Write PostgreSQL's tables with personal text anew; `StoreError` when it fails.

    From version 17 on the product's own role may (`store.roles`), before that only the owner of the tables.
    The server's own log, its replicas and every backup keep what they have until they are thrown away.
    """
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if others := list(await connection.scalars(_OTHERS, {"tables": list(PERSONAL)})):
                # PostgreSQL itself would skip them and say nothing.
                raise StoreError(
                    Phrase(
                        "Cannot write the table {table} anew: it belongs to another role.", table=others[0]
                    ),
                    Phrase(
                        "Do it as the owner of the database: FORSVARLIG_DATABASE_URL=… forsvarlig retention run"
                    ),
                )
            for table in PERSONAL:
                await connection.execute(text(f"VACUUM (FULL, ANALYZE) {table}"))
    except DBAPIError as error:
        said = (
            getattr(getattr(error.orig, "diag", None), "message_primary", None) or type(error.orig).__name__
        )
        raise StoreError(
            Phrase("Cannot write the tables anew: {said}.", said=said),
            Phrase("Let the owner of the database do it."),
        ) from None
