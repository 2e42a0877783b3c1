"""Each test of the store runs on SQLite and on PostgreSQL, each time in a database of its own.

On PostgreSQL the store has the role of `store.roles`, and what a test does behind its back is a superuser's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from activities.store.database import Database
from activities.store.roles import statements
from tests.store.made import APP, as_app, fresh, fresh_postgres, opened, raw


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
            with raw(url).begin() as connection:
                for statement in statements(APP):
                    connection.exec_driver_sql(statement)
            yield request.param, url


@pytest.fixture
def store_url(migrated: tuple[str, str], tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, up-to-date database."""
    with fresh(*migrated, tmp_path) as url:
        yield url


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """A store with one employer in it, on PostgreSQL as the role that the product is to have there."""
    async with opened(as_app(store_url)) as database:
        yield database


def _migrate(url: str) -> None:
    async def upgrade() -> None:
        database = Database(url)
        await database.upgrade()
        await database.close()

    asyncio.run(upgrade())
