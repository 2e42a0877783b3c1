"""What an inspection file is made of: what was erased, what lies beside the ledger, and what can be checked."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from activities.history_files import place
from activities.language import speaking
from activities.ledger.heads import anchor
from activities.ledger.notes import log_vkey
from activities.signatures import SigningKey
from activities.store.checkpoints import AnchorRow, add_anchor
from portal.dossier.making import Damaged, NoCheckpoint, file_name
from portal.dossier.packing import readme_name
from portal.dossier.sources import NoSuchYear, UnknownLaw
from tests.activities.sawmill import EMPLOYER, UNIT, Sawmill, organisation
from tests.portal.inspected import checkpoint, dossier, sources
from workflows.rules.events import EvidenceSubmitted, Fact
from workflows.rules.record_facts import HistoryExported
from workflows.rules.statement import Act, EraseDocument, ErasePerson, EraseText

RUN, OTHER_RUN = "0" * 8 + "-0000-0000-0000-" + "0" * 12, "1" * 8 + "-0000-0000-0000-" + "1" * 12
HISTORY = gzip.compress(b"en historikk", mtime=0)


OPENER = f"opener/{EMPLOYER}-2026-12-01T07:00:00Z"
OTHERS = (f"opener/{EMPLOYER}-2027-12-01T07:00:00Z", f"retention/{EMPLOYER}-2027-01-15T07:00:00Z")
OPENING = gzip.compress(b"slik ble det apnet", mtime=0)


def exported(run: str, events: int, content: bytes, workflow: str = UNIT) -> HistoryExported:
    return HistoryExported(
        workflow=workflow, run=run, events=events, sha256=hashlib.sha256(content).hexdigest(), size=len(content),
        closed=True, version="0.3.0",
    )  # fmt: skip


async def later(folder: Path) -> None:
    """The disagreement, a document and their writer are erased; a history is exported, and one is lost."""
    mill = Sawmill(folder)
    mill.now = datetime(2028, 3, 1, 12, tzinfo=UTC)
    async with mill.database.read() as reader:
        found = await reader.facts(EMPLOYER)
    disagreed = next(f.id for _s, f in found if getattr(f.body, "outcome", None) == "disagrees")
    filed = next(f.body.document for _s, f in found if isinstance(f.body, EvidenceSubmitted))
    for who in ("per", "hanne"):
        await erase(mill, who, EraseText(facts=(disagreed,), basis="request"))
    for who in ("hanne", "per"):
        await erase(mill, who, EraseDocument(document=filed, basis="mistake"))
    here = organisation()
    left = tuple(
        e.model_copy(update={"until": date(2028, 2, 25)}) if e.person == "per" else e
        for e in here.employments
    )
    async with mill.database.write(EMPLOYER) as tx:
        await tx.put_organisation(here.model_copy(update={"employments": left}), mill.now)
    # When their time is up.
    mill.now = datetime(2040, 1, 2, 12, tzinfo=UTC)
    await erase(mill, "hanne", ErasePerson(person="per", basis="left"))
    exports = [exported(RUN, 3, b"en kortere"), exported(RUN, 7, HISTORY), exported(OTHER_RUN, 5, b"borte")]
    exports += [exported(RUN, 8, OPENING, workflow) for workflow in (OPENER, *OTHERS)]
    async with mill.database.write(EMPLOYER) as tx:
        await tx.append(
            [
                Fact(id=f"export {n}", employer=EMPLOYER, concerns=mill.now, recorded=mill.now, body=body)
                for n, body in enumerate(exports)
            ]
        )
        given = datetime(2028, 2, 25, tzinfo=UTC)
        await add_anchor(tx, EMPLOYER, AnchorRow(kind="mail", size=290, holder="amund", made=given))
        after = datetime(2040, 3, 2, tzinfo=UTC)
        await add_anchor(tx, EMPLOYER, AnchorRow(kind="pin", size=290, holder="senere.txt", made=after))
    await checkpoint(mill, folder)
    await mill.database.close()
    files = [(UNIT, 7, HISTORY), *((workflow, 8, OPENING) for workflow in (OPENER, *OTHERS))]
    for workflow, events, content in files:
        kept = place(folder / "histories", EMPLOYER, workflow, RUN, events)
        kept.parent.mkdir(parents=True)
        kept.write_bytes(content)


async def erase(mill: Sawmill, who: str, act: Act) -> None:
    mill.now += timedelta(minutes=1)
    receipt = await mill.doors.act(EMPLOYER, who, act, now=mill.now, nonce=f"{mill.now:%Y%m%dT%H%M%S}")
    assert receipt.accepted, receipt.reason


@pytest.fixture(scope="module")
def folder(inspected_year: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("later") / "mill"
    shutil.copytree(inspected_year, copy)
    asyncio.run(later(copy))
    return copy


@pytest.fixture(scope="module")
def unpacked(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inspection file of a year of which something was erased, unpacked."""
    to = tmp_path_factory.mktemp("unpacked")
    made = dossier(folder, person="hanne", texts=True, documents=True, law=("R-20",))
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        archive.extractall(to)
    return to


@pytest.fixture
def page(unpacked: Path) -> str:
    return (unpacked / "dossier.html").read_text("utf-8").replace("<br>", " ")


def left_out(unpacked: Path) -> dict[str, str]:
    manifest = json.loads((unpacked / "manifest.json").read_text("utf-8"))
    return {each["what"]: each["why"] for each in manifest["left_out"]}


def test_an_erased_text_is_gone_and_its_erasure_is_told_with_day_and_reason(
    unpacked: Path, page: str
) -> None:
    assert "For lite folk" not in page
    assert "For lite folk" not in (unpacked / "facts.jsonl").read_text("utf-8")
    told = left_out(unpacked)["texts_erased"]
    assert told.startswith("1 tekst ble slettet 1. mars 2028, fordi den det gjelder, ba om det (faktum ")
    assert told in page


def test_an_erased_person_is_an_id_that_leads_to_nobody(unpacked: Path, page: str) -> None:
    assert "slettet person (per) (verneombud): uenig, versjon 1" in page
    assert "alert(1)" not in page
    assert "fordi den det gjelder, har sluttet" in left_out(unpacked)["person_erased"]


def test_an_erased_document_is_not_among_the_documents_and_is_told(unpacked: Path) -> None:
    assert [p.read_text("utf-8") for p in (unpacked / "evidence").iterdir()] == ["Risikovurdering"]
    assert "fordi det aldri skulle vært der" in left_out(unpacked)["document_erased"]


def test_the_longest_history_of_each_run_is_there_and_a_lost_one_is_told(unpacked: Path) -> None:
    files = [p for p in (unpacked / "histories" / UNIT.replace("/", "_")).rglob("*") if p.is_file()]
    assert [p.read_bytes() for p in files] == [HISTORY]
    assert f"{OTHER_RUN}-5.pb.gz skulle vært med" in left_out(unpacked)["missing"]


def test_what_opened_the_year_is_there_and_what_opened_another_or_erased_is_not(unpacked: Path) -> None:
    folders = {p.name for p in (unpacked / "histories").iterdir()}
    assert folders == {UNIT.replace("/", "_"), f"opener_{EMPLOYER}-2026-12-01T070000Z"}
    [file] = (unpacked / "histories" / f"opener_{EMPLOYER}-2026-12-01T070000Z").iterdir()
    assert file.read_bytes() == OPENING


def test_who_has_something_to_check_against_is_told_as_it_was_at_the_checkpoint(page: str) -> None:
    assert "avtrykk i e-post" in page
    assert "senere.txt" not in page


def commands(readme: str) -> Iterator[str]:
    return (line.strip() for line in readme.splitlines() if line.startswith("    python3"))


def test_every_command_of_the_readme_works_in_the_unpacked_folder(unpacked: Path, folder: Path) -> None:
    with speaking("nb"):
        readme = (unpacked / readme_name()).read_text("utf-8")
    assert max(map(len, readme.split("\n\n    python3")[0].splitlines())) <= 100
    note = json.loads((unpacked / "manifest.json").read_text("utf-8"))["checkpoint"]["note"]
    key = SigningKey.load_or_make(folder / "keys" / "log.pem")
    origin = note.partition("\n")[0]
    (unpacked / "anchor.txt").write_text(
        str(anchor(log_vkey(origin, key.public_key), note)), encoding="utf-8"
    )
    found = list(commands(readme))
    assert len(found) == 4
    for command in found:
        run = subprocess.run(command, cwd=unpacked, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
        assert run.returncode == 0, run.stdout + run.stderr
        assert "False" not in run.stdout


def test_at_the_earlier_checkpoint_what_was_erased_since_is_not_shown_either(
    folder: Path, inspected_year: Path
) -> None:
    size = sources(inspected_year).checkpoint.size
    earlier = dossier(folder, size=size, person="hanne", texts=True, law=("R-20",))
    with zipfile.ZipFile(io.BytesIO(earlier.content)) as archive:
        assert "For lite folk" not in archive.read("facts.jsonl").decode()
        told = json.loads(archive.read("manifest.json"))["left_out"]
    assert "texts_gone" in [each["what"] for each in told]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Referat 3. mai (utkast).docx", "Referat 3. mai (utkast).docx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a:b*?.txt", "C__temp_a_b__.txt"),
        ("\N{PILE OF POO}\N{RIGHT-TO-LEFT OVERRIDE}.pdf", "__.pdf"),
        ("...", "document"),
        ("", "document"),
        (None, "document"),
        ("å" * 300 + ".pdf", "å" * 60 + ".pdf"),
    ],
)
def test_a_documents_name_can_be_unpacked_anywhere_and_leads_nowhere_else(
    name: str | None, safe: str
) -> None:
    assert file_name(name) == safe


# --- what cannot be made --------------------------------------------------------------------------------


def test_a_ledger_that_was_changed_is_not_handed_over(inspected_year: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mill"
    shutil.copytree(inspected_year, copy)

    with contextlib.closing(sqlite3.connect(copy / "forsvarlig.db")) as database, database:
        triggers = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger_leaf'"
        )
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(
            "UPDATE ledger_leaf SET body = CAST(replace(CAST(body AS TEXT), 'kari', 'hari') AS BLOB) "
            "WHERE kind = 'decision_recorded'"
        )
    with pytest.raises(Damaged, match="forsvarlig ledger check"):
        sources(copy)


def test_an_unknown_year_an_unknown_checkpoint_and_unknown_law_say_what_there_is(
    inspected_year: Path,
) -> None:
    with pytest.raises(NoSuchYear, match="they know: 2027"):
        sources(inspected_year, year=2031)
    with pytest.raises(NoCheckpoint, match="there are: "):
        dossier(inspected_year, size=3)
    with pytest.raises(UnknownLaw, match="'AML-99'"):
        sources(inspected_year, law=("AML-99",))
