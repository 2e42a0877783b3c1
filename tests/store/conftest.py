"""Each test of the store runs on SQLite and on PostgreSQL, each time in a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from activities.store.database import Database
from tests.store.made import fresh, fresh_postgres, opened


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def migrated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The kind of database, and one with an up-to-date schema that is only ever copied."""
    if request.param == "sqlite":
        template = str(tmp_path_factory.mktemp("store") / "template.db")
        _migrate(template)
        yield request.param, template
    else:
        with fresh_postgres(request.getfixturevalue("postgres_url")) as url:
            _migrate(url)
            yield request.param, url


@pytest.fixture
def store_url(migrated: tuple[str, str], tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, up-to-date database."""
    with fresh(*migrated, tmp_path) as url:
        yield url


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """A store with one employer in it."""
    async with opened(store_url) as database:
        yield database


def _migrate(url: str) -> None:
    async def upgrade() -> None:
        database = Database(url)
        await database.upgrade()
        await database.close()

    asyncio.run(upgrade())
