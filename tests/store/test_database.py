"""Opening a database: addresses, schema versions, what is said when it cannot be used, transactions."""

from __future__ import annotations

import asyncio
import stat
import traceback
from collections.abc import AsyncIterator, Iterator
from datetime import UTC as UTC_ZONE
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from activities.store import migrations
from activities.store.database import SCHEMA, Database, SchemaError, StoreError
from activities.store.tables import METADATA, UTC
from tests.store.made import EMPLOYER, NOW, a_fact, add_employer, fresh_postgres, raw


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a schema; on SQLite the file is not there yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/forsvarlig.db"
    else:
        with fresh_postgres(request.getfixturevalue("postgres_url")) as url:
            yield url


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    database = Database(empty_url)
    yield database
    await database.close()


async def test_a_new_database_is_upgraded_once_and_again_without_harm(empty: Database) -> None:
    assert await empty.version() is None
    with pytest.raises(
        SchemaError, match=rf"has no schema yet; this program needs {SCHEMA}.*forsvarlig db upgrade"
    ):
        await empty.check()
    await empty.upgrade()
    await add_employer(empty, EMPLOYER)
    await empty.upgrade()
    await empty.check()
    assert await empty.version() == SCHEMA
    async with empty.read() as reader:
        assert [row.id for row in await reader.employers()] == [EMPLOYER]


def test_the_schema_version_that_is_asked_for_is_the_newest_migration() -> None:
    [newest] = ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads()
    assert newest == SCHEMA


async def test_two_upgrades_at_the_same_time_do_not_get_in_each_others_way(empty_url: str) -> None:
    one, other = Database(empty_url), Database(empty_url)
    await asyncio.gather(one.upgrade(), other.upgrade())
    assert await one.version() == await other.version() == SCHEMA
    await one.close()
    await other.close()


async def test_using_a_database_without_a_schema_says_what_to_run(empty: Database, empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).touch()
    with pytest.raises(SchemaError, match="forsvarlig db upgrade"):
        async with empty.read() as reader:
            await reader.employers()
    with pytest.raises(SchemaError, match="forsvarlig db upgrade"):
        async with empty.write(EMPLOYER):
            pass


async def test_a_schema_of_a_later_program_is_left_alone(database: Database, store_url: str) -> None:
    with raw(store_url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9001'")
    for use in (database.check, database.upgrade):
        with pytest.raises(SchemaError, match=r"has schema version 9001.*newer forsvarlig") as refused:
            await use()
        assert (refused.value.found, refused.value.wanted) == ("9001", SCHEMA)
    assert await database.version() == "9001"


async def test_an_upgrade_that_fails_halfway_leaves_nothing(empty: Database, empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).touch()
    with raw(empty_url).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE timeline (in_the_way TEXT)")
    with pytest.raises(StoreError, match=r"timeline.*already exists"):
        await empty.upgrade()
    assert sa.inspect(raw(empty_url)).get_table_names() == ["timeline"]


async def test_the_migrations_make_exactly_the_tables_that_the_program_knows(store_url: str) -> None:
    with raw(store_url).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "include_name": _is_described},
        )
        assert compare_metadata(context, METADATA) == []


def _is_described(name: str | None, _kind: str, _where: object) -> bool:
    """The index of words differs from database to database, and SQLAlchemy has no words for a virtual table."""
    return name != "text_place" and not (name or "").startswith("text_word")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/var/lib/forsvarlig.db", "/var/lib/forsvarlig.db"),
        ("sqlite:////var/lib/å rs.db", "/var/lib/å rs.db"),
        ("sqlite:////var/lib/a%20b.db", "/var/lib/a b.db"),
        ("postgresql://hms:secret@db.example.no:6432/hms", "postgresql://db.example.no:6432/hms"),
        ("postgres://hms:secret@db.example.no/hms?password=secret", "postgresql://db.example.no/hms"),
        ("postgresql+psycopg://hms@/hms?host=/run/postgresql", "postgresql:///run/postgresql/hms"),
    ],
)
def test_an_address_is_taken_in_every_usual_form_and_told_without_its_password(
    address: str, place: str
) -> None:
    assert Database(address).place == place


def test_a_relative_path_and_a_home_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "kari"))
    assert Database("var/a.db").place == Database("sqlite:///var/a.db").place == str(tmp_path / "var/a.db")
    assert Database("~/a.db").place == str(tmp_path / "kari" / "a.db")


@pytest.mark.parametrize(
    "address",
    [
        "", " ", ":memory:", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "sqlite://host/a.db",
        "mysql://root:secret@localhost/hms", "postgresql+asyncpg://hms:secret@localhost/hms",
        "postgresql://hms:secret@localhost:port/hms", "://secret",
    ],
)  # fmt: skip
def test_other_addresses_are_refused_with_what_is_accepted(address: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite:///.*postgresql://") as refused:
        Database(address)
    assert "secret" not in "".join(traceback.format_exception(refused.value))


async def test_names_with_spaces_and_signs_are_files_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "år 100 % ? #1.db"
    database = Database(str(file))
    await database.upgrade()
    await add_employer(database, EMPLOYER)
    await database.close()
    assert file.stat().st_size > 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "mangler" / "a.db"))
    for use in (database.upgrade(), add_employer(database, EMPLOYER)):
        with pytest.raises(StoreError, match=r"mangler/a\.db.*Check that its folder exists|no schema yet"):
            await use
    assert not (tmp_path / "mangler").exists()


async def test_reading_a_mistyped_path_makes_no_file(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "feil.db"))
    with pytest.raises(SchemaError, match="no schema yet"):
        async with database.read():
            pass
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("Dette er et brev, ikke en database." * 99)
    for use in (Database(str(tmp_path / "a.db")).check, Database(str(tmp_path / "a.db")).upgrade):
        with pytest.raises(StoreError, match=r"a\.db: file is not a database"):
            await use()


async def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    database = Database("postgresql://hms:hemmelig@127.0.0.1:1/hms")
    for use in (database.check(), database.upgrade(), add_employer(database, EMPLOYER)):
        with pytest.raises(
            StoreError, match=r"postgresql://127.0.0.1:1/hms.*Check that the server runs"
        ) as refused:
            await use
        assert "hemmelig" not in "".join(traceback.format_exception(refused.value))


async def test_a_database_that_the_server_does_not_have_is_named(postgres_url: str) -> None:
    database = Database(
        sa.make_url(postgres_url).set(database="mangler").render_as_string(hide_password=False)
    )
    with pytest.raises(StoreError, match='"mangler" does not exist'):
        await database.version()


async def test_what_is_stored_is_not_in_the_message_of_an_error(database: Database) -> None:
    with pytest.raises(StoreError, match=r"refused a change.*payload") as refused:
        async with database.write(EMPLOYER) as transaction:
            await transaction.connection.execute(
                sa.text("INSERT INTO payload VALUES (:e, NULL, NULL, :t)"),
                {"e": EMPLOYER, "t": "hun er utslitt"},
            )
    assert refused.value.__cause__ is None
    assert "utslitt" not in "".join(traceback.format_exception(refused.value))


async def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    async with database.read() as reader:
        assert (await reader.head(EMPLOYER)).size == 0
        async with database.write(EMPLOYER) as transaction:
            await transaction.append([a_fact("f1")])
        assert await reader.facts(EMPLOYER) == []
        assert (await reader.verify(EMPLOYER)).size == 0
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).size == 1


async def test_a_cancelled_writer_leaves_nothing_and_lets_the_next_one_in(database: Database) -> None:
    reached = asyncio.Event()

    async def stuck() -> None:
        async with database.write(EMPLOYER) as transaction:
            await transaction.append([a_fact("f1")])
            reached.set()
            await asyncio.sleep(60)

    writer = asyncio.create_task(stuck())
    await reached.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    async with database.write(EMPLOYER) as transaction:
        assert await transaction.append([a_fact("f2")]) == [(1, a_fact("f2"))]


async def test_sqlite_is_durable_and_keeps_its_references(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a.db"))
    await database.upgrade()
    async with database.read() as reader:
        said = {
            pragma: await reader.connection.scalar(sa.text(f"PRAGMA {pragma}"))
            for pragma in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "recursive_triggers",
            )
        }
    assert said == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
    }
    await database.close()


async def test_moments_come_back_in_utc_whatever_zone_they_went_in_with(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        found = await transaction.connection.scalar(
            sa.select(sa.bindparam("moment", NOW.astimezone(ZoneInfo("Europe/Oslo")), UTC))
        )
    assert found is not None
    assert (found, found.tzinfo) == (NOW, UTC_ZONE)


async def test_the_mark_is_another_one_after_every_commit_of_anybody_and_only_then(
    database: Database, store_url: str
) -> None:
    other = Database(store_url)
    seen = [await database.mark()]
    for writer in (database, other, other, database):
        async with writer.write(EMPLOYER) as transaction:
            await transaction.append([a_fact(f"f{len(seen)}")])
        seen.append(await database.mark())
    assert all(before != after for before, after in pairwise(seen))
    async with other.read() as reader:
        await reader.facts(EMPLOYER)
    assert await database.mark() == seen[-1]
    await other.close()


async def test_the_mark_of_a_database_that_cannot_be_used_says_so() -> None:
    database = Database("postgresql://hms:hemmelig@127.0.0.1:1/hms")
    for _ in range(2):
        with pytest.raises(StoreError, match="Check that the server runs"):
            await database.mark()
    await database.close()
