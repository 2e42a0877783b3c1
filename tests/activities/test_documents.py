"""Documents are kept by what they contain: whole, once, and known again when somebody has changed them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.documents import DocumentError, Documents
from activities.language import speaking
from activities.store.database import Database
from activities.store.rows import DocumentRow, EmployerRow
from tests.activities.sawmill import EMPLOYER, Sawmill

NOW = datetime(2027, 5, 12, 10, tzinfo=UTC)
TEXT = b"Risikovurdering av Sagbruk\n"
HASH = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'forsvarlig.db'}")
    await database.upgrade()
    async with database.write(EMPLOYER) as tx:
        await tx.put_employer(
            EmployerRow(
                id=EMPLOYER, org_number="923609016", name="Nordfjord Tre AS", mode="real", created=NOW
            )
        )
    yield database
    await database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "documents"


async def put(
    database: Database, documents: Documents, content: bytes | Path = TEXT, name: str | None = "vurdering.txt"
) -> DocumentRow:
    async with database.write(EMPLOYER) as tx:
        return await documents.put(content, "text/plain", name, NOW, tx)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


async def test_a_document_is_found_again_by_what_it_contains(database: Database, folder: Path) -> None:
    row = await put(database, Documents(folder))
    assert row == DocumentRow(
        hash=HASH, media_type="text/plain", size=len(TEXT), stored_at=NOW, name="vurdering.txt"
    )
    assert files(folder) == [f"{HASH[:2]}/{HASH[2:]}"]
    assert await Documents(folder).read(HASH) == TEXT
    async with database.read() as reader:
        assert await reader.document(HASH) == row


async def test_the_same_content_twice_is_one_file_under_its_first_name(
    database: Database, folder: Path
) -> None:
    first = await put(database, Documents(folder))
    assert await put(database, Documents(folder), name="kopi.txt") == first
    assert len(files(folder)) == 1


async def test_a_file_is_taken_in_from_where_it_lies(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "vurdering.pdf"
    source.write_bytes(TEXT)
    row = await put(database, Documents(folder), source, name=None)
    assert (row.hash, row.name) == (HASH, "vurdering.pdf")
    assert source.read_bytes() == TEXT


@pytest.mark.parametrize(
    "name", ["C:\\Users\\kari\\vurdering.txt", "/home/kari/vurdering.txt", "../vurdering.txt"]
)
async def test_of_a_path_only_the_name_is_kept(database: Database, folder: Path, name: str) -> None:
    assert (await put(database, Documents(folder), name=name)).name == "vurdering.txt"


async def test_a_document_that_is_too_large_leaves_nothing_behind(database: Database, folder: Path) -> None:
    with pytest.raises(DocumentError, match=r"vurdering.txt er større enn 0,1 MB"):
        await put(database, Documents(folder, largest=100_000), b"x" * 100_001)
    assert files(folder) == []
    assert (await put(database, Documents(folder, largest=100_000), b"x" * 100_000)).size == 100_000


async def test_an_empty_document_is_no_evidence(database: Database, folder: Path) -> None:
    with pytest.raises(DocumentError, match=r"vurdering.txt er tomt. Velg filen på nytt."):
        await put(database, Documents(folder), b"")
    assert files(folder) == []


async def test_a_file_that_is_not_there_or_is_none_is_named(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    for place in (tmp_path / "borte.pdf", tmp_path):
        with pytest.raises(DocumentError, match=rf"{place.name} kan ikke leses.*Kontroller stien"):
            await put(database, Documents(folder), place, name=None)


async def test_a_folder_that_cannot_be_written_is_named(database: Database, tmp_path: Path) -> None:
    (tmp_path / "documents").write_text("a file stands where the folder should be")
    with pytest.raises(DocumentError, match=r"kan ikke lagres i .*documents.*Kontroller at disken"):
        await put(database, Documents(tmp_path / "documents"))


async def test_a_document_that_was_changed_on_the_disk_is_never_handed_out(
    database: Database, folder: Path
) -> None:
    documents = Documents(folder)
    await put(database, documents)
    (folder / HASH[:2] / HASH[2:]).write_bytes(TEXT + b"!")
    with pytest.raises(DocumentError, match=rf"{HASH} er endret etter at det ble levert"):
        await documents.read(HASH)
    await put(database, documents)
    assert await documents.read(HASH) == TEXT


async def test_a_missing_document_says_where_it_should_be_and_what_to_do(folder: Path) -> None:
    with pytest.raises(
        DocumentError, match=rf"{HASH} mangler: .*{HASH[2:]} finnes ikke. Hent filen fra en sikkerhet"
    ):
        await Documents(folder).read(HASH)
    with speaking("en"), pytest.raises(DocumentError, match="is missing"):
        await Documents(folder).read(HASH)


@pytest.mark.parametrize(
    "reference", ["", "abc", "../../etc/passwd", HASH.upper(), HASH + "0", "/" + HASH[1:]]
)
async def test_only_a_hash_leads_to_a_file(folder: Path, reference: str) -> None:
    with pytest.raises(DocumentError, match="ingen dokumentreferanse"):
        await Documents(folder).read(reference)


async def test_the_check_names_what_is_missing_changed_and_left_over(mill: Sawmill, folder: Path) -> None:
    await mill.go(date(2027, 5, 12))
    for version in ("første", "andre", "tredje"):
        await mill.file("Y15", "kari", version)
    hashes = [hashlib.sha256(version.encode()).hexdigest() for version in ("første", "andre")]
    async with mill.database.read() as reader:
        assert (await mill.documents.check(reader)).ok
        (folder / hashes[0][:2] / hashes[0][2:]).unlink()
        (folder / hashes[1][:2] / hashes[1][2:]).write_bytes(b"something else")
        (folder / "unfinished" / "tmpx").write_bytes(b"half")
        found = await mill.documents.check(reader)
    assert not found.ok
    assert (found.missing, found.changed) == ((hashes[0],), (hashes[1],))
    assert found.orphaned == ("unfinished/tmpx",)
    assert found.files == 3


async def test_a_document_of_a_transaction_that_failed_is_left_over_and_harms_nothing(
    database: Database, folder: Path
) -> None:
    documents = Documents(folder)

    async def fails() -> None:
        async with database.write(EMPLOYER) as tx:
            await documents.put(TEXT, "text/plain", None, NOW, tx)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with database.read() as reader:
        found = await documents.check(reader)
    assert (found.ok, found.orphaned) == (True, (f"{HASH[:2]}/{HASH[2:]}",))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(contents=st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4))
async def test_whatever_is_put_in_comes_out_and_each_content_is_there_once(
    database: Database, tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("documents")
    documents = Documents(folder)
    rows = [await put(database, documents, content) for content in contents]
    assert [await documents.read(row.hash) for row in rows] == contents
    assert len(files(folder)) == len(set(contents))
