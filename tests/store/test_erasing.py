"""Erasing in the store, on both databases: rows go, old pages go, and the ledger is what it was."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from activities.ledger.log import Payload, commit
from activities.store import erasing
from activities.store.database import Database
from activities.store.rows import DocumentRow, PersonRow
from activities.store.scrub import PERSONAL
from tests.store.made import DUE, EMPLOYER, NOW, a_fact, add_employer, as_app, raw
from workflows.rules.events import DueDateChanged, EvidenceSubmitted, Fact

HASH = "ab" * 32


async def moved(database: Database, id: str, why: str) -> Fact:
    """A fact with a text."""
    text, commitment = commit(why)
    body = DueDateChanged(before=DUE, after=DUE + timedelta(days=7), reason="decided", comment=commitment)
    fact = a_fact(id, body, actor="p0001")
    async with database.write(EMPLOYER) as tx:
        await tx.append([fact], {id: text})
    return fact


def left_behind(url: str) -> bytes:
    """What lies in the files of the database: all of SQLite's, and PostgreSQL's for the tables with personal text,
    their indexes and what the planner notes of any table."""
    parsed = sa.make_url(url)
    if parsed.database is not None and parsed.drivername.startswith("sqlite"):
        file = Path(parsed.database)
        return b"".join(one.read_bytes() for one in sorted(file.parent.glob(f"{file.name}*")))
    with raw(url).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        files = sa.text(
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname = ANY(:names) OR oid IN "
            "(SELECT indexrelid FROM pg_index WHERE indrelid = ANY(CAST(CAST(:names AS text[]) AS regclass[])))"
        )
        places = connection.scalars(files, {"names": [*PERSONAL, "pg_statistic"]}).all()
        read = sa.text("SELECT pg_read_binary_file(:place)")
        return b"".join(bytes(connection.execute(read, {"place": place}).scalar_one()) for place in places)


def sampled(url: str) -> None:
    """Let the planner take its samples, as the server does by itself after a while."""
    with raw(url).begin() as connection:
        connection.exec_driver_sql("ANALYZE")


async def test_an_erased_text_is_in_no_table_and_the_head_is_the_same(
    database: Database, store_url: str
) -> None:
    fact = await moved(database, "f1", "Kanarifugl i taket")
    await moved(database, "f2", "Spurv i veggen")
    sampled(store_url)
    before = left_behind(store_url)
    assert b"Kanarifugl" in before
    assert b"anarifugl" in before.replace(b"Kanarifugl", b"")
    async with database.read() as reader:
        head = await reader.head(EMPLOYER)
    async with database.write(EMPLOYER) as tx:
        assert await erasing.erase_texts(tx, EMPLOYER, [fact.id, "nothing"]) == 1
    await database.scrub()
    left = left_behind(store_url)
    assert b"Kanarifugl" not in left
    assert b"anarifugl" not in left, "the index of words has it folded, and its first letter elsewhere"
    assert b"Spurv" in left
    async with database.read() as reader:
        assert await reader.head(EMPLOYER) == head
        assert (await reader.verify(EMPLOYER)).ok
        assert [id for _, id in [(s, f.id) for s, f in await erasing.texts_kept(reader, EMPLOYER, 10)]] == [
            "f2"
        ]


async def test_projections_built_anew_after_an_erasure_are_what_they_were(database: Database) -> None:
    await moved(database, "f1", "Kanarifugl")
    async with database.write(EMPLOYER) as tx:
        await erasing.erase_texts(tx, EMPLOYER, ["f1"])
        before = await tx.checksums(EMPLOYER)
        assert await tx.rebuild() == before


async def test_a_blanked_person_keeps_the_id_and_nothing_else(database: Database, store_url: str) -> None:
    row = PersonRow(
        employer=EMPLOYER,
        id="p0001",
        name="Kari Kanari",
        email="kanari@x.example",
        language="en",
        external_key="K-77",
    )
    async with database.write(EMPLOYER) as tx:
        await tx.put_people([row, row.model_copy(update={"id": "p0003", "external_key": "L-1"})])
    sampled(store_url)
    async with database.write(EMPLOYER) as tx:
        for id in ("p0001", "p0003"):
            await erasing.blank_person(tx, EMPLOYER, id, NOW)
        await tx.put_people(
            [row, row.model_copy(update={"id": "p0002", "external_key": "K-78", "email": None})]
        )
    await database.scrub()
    async with database.read() as reader:
        people = await reader.people(EMPLOYER)
    assert people["p0001"] == PersonRow(employer=EMPLOYER, id="p0001", name="")
    left = left_behind(store_url)
    assert [word for word in (b"kanari@x.example", b"K-77") if word in left] == []
    assert b"K-78" in left


async def test_a_number_that_an_erased_person_had_can_be_given_to_another(database: Database) -> None:
    row = PersonRow(employer=EMPLOYER, id="p0001", name="Kari", external_key="77")
    async with database.write(EMPLOYER) as tx:
        await tx.put_people([row])
        await erasing.blank_person(tx, EMPLOYER, "p0001", NOW)
        await tx.put_people([row.model_copy(update={"id": "p0002", "name": "Ola"})])
        assert {p.id: p.name for p in (await tx.people(EMPLOYER)).values()} == {"p0001": "", "p0002": "Ola"}


async def test_a_document_that_another_employer_filed_too_is_kept(database: Database) -> None:
    await add_employer(database, "annen")
    row = DocumentRow(hash=HASH, media_type="text/plain", size=1, stored_at=NOW, name="likt.txt")
    body = EvidenceSubmitted(document=HASH, version=1)
    for employer in (EMPLOYER, "annen"):
        async with database.write(employer) as tx:
            await tx.put_document(row)
            cycle = f"unit/{employer}/sagbruk/2027"
            fact = a_fact("filed", body).model_copy(update={"employer": employer, "cycle": cycle})
            await tx.append([fact])
    async with database.write(EMPLOYER) as tx:
        assert not await erasing.forget_document(tx, EMPLOYER, HASH)
        assert await tx.document(HASH) is not None
    async with database.read() as reader:
        assert [fact.id for _, fact in await erasing.filed(reader, "annen", HASH)] == ["filed"]
        assert await erasing.filed(reader, "annen", HASH[:-1] + "c") == []


async def test_texts_are_found_by_a_word_in_them_and_not_by_an_empty_one(database: Database) -> None:
    await moved(database, "f1", "KARI Kanari er syk")
    async with database.read() as reader:
        assert [f.id for _, f in await erasing.texts_with(reader, EMPLOYER, ["kari kanari", ""])] == ["f1"]
        assert await erasing.texts_with(reader, EMPLOYER, ["", " "]) == []


async def test_others_write_on_while_the_database_is_written_anew(database: Database, store_url: str) -> None:
    """A running worker survives it: what it writes meanwhile is there afterwards."""
    other = Database(as_app(store_url))
    done = asyncio.Event()

    async def write() -> int:
        count = 0
        while not done.is_set():
            await moved(other, f"w{count}", "Spurv")
            count += 1
            await asyncio.sleep(0)
        return count

    writing = asyncio.create_task(write())
    await moved(database, "f1", "Kanarifugl")
    async with database.write(EMPLOYER) as tx:
        await erasing.erase_texts(tx, EMPLOYER, ["f1"])
    await database.scrub()
    done.set()
    count = await writing
    await other.close()
    async with database.read() as reader:
        assert (await reader.head(EMPLOYER)).size == count + 1
        assert (await reader.verify(EMPLOYER)).ok


async def test_what_waits_too_long_is_deleted_a_few_at_a_time(database: Database) -> None:
    async with database.write(EMPLOYER) as tx:
        for n in range(3):
            await tx.deposit(f"{n}" * 64, Payload(salt=b"s", text="t"), NOW)
        assert await erasing.deposits_before(tx, EMPLOYER, NOW) == 0
        later = NOW + timedelta(seconds=1)
        assert await erasing.deposits_before(tx, EMPLOYER, later) == 3
        assert await erasing.erase_deposits(tx, EMPLOYER, later, 2) == ["0" * 64, "1" * 64]
        assert await erasing.erase_deposits(tx, EMPLOYER, later, 2) == ["2" * 64]


@pytest.mark.parametrize("count", [0, 1])
async def test_scrubbing_an_untouched_database_changes_nothing(database: Database, count: int) -> None:
    for n in range(count):
        await moved(database, f"f{n}", "Spurv")
    await database.scrub()
    async with database.read() as reader:
        assert (await reader.head(EMPLOYER)).size == count
