"""SQLite on the loop's thread: who waits for whom, what a wait holds up, and what is left after a fault."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from activities.store import sqlite, tables
from activities.store.database import Database, StoreError
from activities.store.prepared import Prepared, bound
from tests.store.made import EMPLOYER, NOW, UNIT, a_fact, opened

WRITER = """
import asyncio, sys
from activities.store.database import Database
from tests.store.made import EMPLOYER, a_fact

async def main(file, facts):
    database = Database(file)
    for number in range(facts):
        async with database.write(EMPLOYER) as transaction:
            await transaction.append([a_fact(f"theirs {number}")])
    await database.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE employer SET name = 'Holdt'")
print("held", flush=True)
sys.stdin.read()
connection.execute("COMMIT")
"""


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """The file of an up-to-date database with one employer."""
    file = tmp_path / "forsvarlig.db"
    await Database(str(file)).upgrade()
    async with opened(str(file)):
        pass
    return file


@pytest.fixture
async def here(file: Path) -> AsyncIterator[Database]:
    database = Database(str(file))
    yield database
    await database.close()


@asynccontextmanager
async def held(file: Path) -> AsyncIterator[Process]:
    """Another process is in the middle of a transaction, until its input is closed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(file), stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        if process.returncode is None:
            await process.communicate(b"")


async def append(database: Database, id: str) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact(id)])


async def ids(database: Database) -> list[str]:
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).ok
        return [fact.id for _, fact in await reader.facts(EMPLOYER)]


async def test_two_processes_that_write_at_once_both_get_everything_in(file: Path, here: Database) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(file), "15", cwd=Path(__file__).parents[2]
    )
    numbers = 0
    while other.returncode is None or numbers < 15:
        await append(here, f"ours {numbers}")
        numbers += 1
        await asyncio.sleep(0)
    assert other.returncode == 0
    assert sorted(await ids(here)) == sorted(
        [*(f"ours {n}" for n in range(numbers)), *(f"theirs {n}" for n in range(15))]
    )


async def test_while_another_process_holds_the_lock_a_writer_waits_and_everything_else_goes_on(
    file: Path, here: Database
) -> None:
    async with held(file) as process:
        writer = asyncio.create_task(append(here, "f1"))
        for _ in range(50):
            await asyncio.sleep(0.001)
            assert await ids(here) == []
        assert not writer.done()
        await process.communicate(b"")
        await writer
    assert await ids(here) == ["f1"]


async def test_writers_of_one_process_get_in_as_they_came(file: Path, here: Database) -> None:
    async with held(file) as process:
        writers = [asyncio.create_task(append(here, f"f{number}")) for number in range(5)]
        await asyncio.sleep(0.01)
        await process.communicate(b"")
        await asyncio.gather(*writers)
    assert await ids(here) == [f"f{number}" for number in range(5)]


async def test_a_lock_that_nobody_lets_go_of_is_told(
    file: Path, here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    async with held(file):
        with pytest.raises(StoreError, match=r"Cannot use the database .*: database is locked"):
            await append(here, "f1")
    await append(here, "f2")
    assert await ids(here) == ["f2"]


async def test_whoever_gives_up_waiting_leaves_the_way_free(file: Path, here: Database) -> None:
    async with held(file):
        for number in range(sqlite.MOST + 1):
            writer = asyncio.create_task(append(here, f"f{number}"))
            await asyncio.sleep(0)
            await asyncio.sleep(0.002)
            writer.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writer
    await append(here, "after")
    assert await ids(here) == ["after"]


async def test_a_transaction_that_is_cancelled_is_undone_and_its_connection_serves_the_next(
    here: Database,
) -> None:
    async def never_ends(written: asyncio.Event) -> None:
        async with here.write(EMPLOYER) as transaction:
            await transaction.append([a_fact("f1")])
            await transaction.connection.execute(sa.update(tables.employer).values(name="Uferdig"))
            written.set()
            await asyncio.Event().wait()

    for _ in range(sqlite.MOST + 1):
        written = asyncio.Event()
        task = asyncio.create_task(never_ends(written))
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with here.read() as reader:
        assert (await reader.employer(EMPLOYER)).name == "Nordfjord Tre AS"
    await append(here, "f2")
    assert await ids(here) == ["f2"]


async def test_a_slow_disk_holds_up_nobody_and_what_is_committed_cannot_be_called_back(
    here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "SLOW", -1)
    await append(here, "first")

    async def until_the_commit() -> None:
        async with here.write(EMPLOYER) as transaction:
            await transaction.append([a_fact("second")])
            asyncio.get_running_loop().call_soon(task.cancel)

    task = asyncio.create_task(until_the_commit())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ids(here) == ["first", "second"]
    await asyncio.gather(*(append(here, f"f{number}") for number in range(5)))
    assert len(await ids(here)) == 7


async def test_when_every_connection_is_in_use_that_is_told(
    here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    everybody_reads = asyncio.Event()

    async def read() -> None:
        async with here.read():
            await everybody_reads.wait()

    readers = [asyncio.create_task(read()) for _ in range(sqlite.MOST)]
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="All connections are in use"):
        await ids(here)
    everybody_reads.set()
    await asyncio.gather(*readers)
    assert await ids(here) == []


async def test_rows_can_be_read_one_by_one_and_left_in_the_middle(here: Database) -> None:
    async with here.write(EMPLOYER) as transaction:
        await transaction.append([a_fact(f"f{number}") for number in range(50)])
        leaves = sa.select(tables.ledger_leaf.c.seq).order_by(tables.ledger_leaf.c.seq)
        async with transaction.connection.stream(leaves) as rows:
            assert (await rows.first()) == (1,)
        async with transaction.connection.stream(leaves) as rows:
            assert [seq async for seq in rows.scalars()] == list(range(1, 51))
        async with transaction.connection.stream(leaves) as rows:
            assert [len(part) async for part in rows.partitions(20)] == [20, 20, 10]
    assert len(await ids(here)) == 50


async def test_what_was_asked_before_a_change_is_not_changed_by_it(here: Database) -> None:
    async with here.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1"), a_fact("f2")])
        found = await transaction.connection.execute(sa.select(tables.timeline.c.seq))
        await transaction.connection.execute(sa.delete(tables.timeline))
        assert found.scalars().all() == [1, 2]


async def test_what_the_database_refuses_is_told_without_what_was_to_be_stored(here: Database) -> None:
    with pytest.raises(StoreError, match="refused a change: CHECK constraint failed") as refused:
        async with here.write(EMPLOYER) as transaction:
            await transaction.enqueue("telefaks", "kari.hansen", "k", NOW)  # type: ignore[arg-type]
    assert "hansen" not in str(refused.value)
    await append(here, "f1")


async def test_the_file_is_all_there_is_after_closing(file: Path, here: Database) -> None:
    await append(here, "f1")
    await here.mark()
    async with here.read(), here.read(), here.read():
        pass
    await here.close()
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert await ids(here) == ["f1"]


@pytest.mark.parametrize("table", tables.METADATA.sorted_tables, ids=lambda table: table.name)
async def test_a_prepared_statement_reads_what_sqlalchemy_reads(database: Database, table: sa.Table) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("f1")])
        await transaction.ring(UNIT, "f1", NOW)
        prepared = Prepared(sa.select(table).where(*bound(table)))
        plain = await transaction.connection.execute(sa.select(table))
        assert await prepared.rows(transaction.connection) == [dict(row._mapping) for row in plain]
