"""The address of a database: as people set it, and as SQLAlchemy takes it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from activities.store import sqlite
from activities.store.errors import StoreError
from workflows.rules.phrase import Phrase

_ACCEPTED = Phrase(
    "Write the path of a file, sqlite:///path/of/a/file, or postgresql://user:password@host:port/database."
)


def normalised(url: str) -> tuple[URL, Path | None]:
    """The URL with the driver we use, and the file if it is SQLite."""
    if "://" not in url:
        return _sqlite(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated.
        raise StoreError(Phrase("The address of the database cannot be read."), _ACCEPTED) from None
    match parsed.drivername:
        case "sqlite":
            if parsed.query or parsed.host:
                raise StoreError(
                    Phrase("An SQLite database takes a path only, no host or options."), _ACCEPTED
                )
            return _sqlite(parsed.database or "")
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return parsed.set(drivername="postgresql+psycopg"), None
        case other:
            fault = Phrase("A database of the kind {kind!r} is not supported.", kind=other)
            raise StoreError(fault, _ACCEPTED)


def _sqlite(path: str) -> tuple[URL, Path]:
    if not path.strip() or path == ":memory:":
        raise StoreError(Phrase("The database must be kept in a file or on a server."), _ACCEPTED)
    file = Path(path).expanduser().absolute()
    # `rw` and not `rwc`: a mistyped path must not become an empty database.
    return URL.create(
        sqlite.DRIVER, database=f"file:{quote(str(file))}", query={"mode": "rw", "uri": "true"}
    ), file
