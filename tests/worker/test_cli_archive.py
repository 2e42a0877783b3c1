"""`forsvarlig archive`: what is kept, whether it is as it was, and what is said when it is not."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.history_files import place
from activities.store.database import Database
from tests.worker.command_line import clean_home, document, done, run, words
from tests.worker.conftest import RehearsedYear
from workflows.rules.events import Body, Fact
from workflows.rules.record_facts import HistoryExported, RecordsErased

pytestmark = pytest.mark.xdist_group("rehearsed year")
"""What is made once for all of them is made by one process."""


@pytest.fixture
def state(rehearsed: RehearsedYear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rehearsed year's folder, to do with as one likes."""
    clean_home(tmp_path / "home", monkeypatch)
    return Path(shutil.copytree(rehearsed.settings.state, tmp_path / "state"))


def files(state: Path) -> list[Path]:
    return sorted((state / "histories").rglob("*.pb.gz"))


def test_the_list_says_which_year_was_exported_when_and_what_ran_it(state: Path) -> None:
    told = words(done("--state", state, "archive", "list"))
    for word in ("Fjell AS fjell", "u1/2027 13. des. 2027", "lukket 0.", "her", str(state)):
        assert word in told


def test_programs_get_every_export_with_its_file_and_its_place_in_the_ledger(
    state: Path, rehearsed: RehearsedYear
) -> None:
    exports = document("--state", state, "archive", "list")["exports"]
    assert [Path(each["file"]) for each in exports] == files(state)
    told = {fact.body.sha256: seq for seq, fact in rehearsed.facts if fact.body.kind == "history_exported"}
    assert {each["sha256"]: each["seq"] for each in exports} == told


def test_an_untouched_archive_is_in_order(state: Path) -> None:
    assert "archive: ok  Fjell AS, 2 filer" in done("--state", state, "archive", "check")


async def test_what_the_schedules_did_is_listed_by_what_it_was_and_checked(state: Path) -> None:
    later = datetime(2028, 1, 16, 6, tzinfo=UTC)
    works = ("opener/fjell-2026-12-01T07:00:00Z", "retention/fjell-2028-01-15T07:00:00Z")
    content = files(state)[0].read_bytes()
    exports = [
        HistoryExported(
            workflow=work, run="0" * 36, events=9, sha256=hashlib.sha256(content).hexdigest(),
            size=len(content), closed=True, version="1.0",
        )
        for work in works
    ]  # fmt: skip
    for export in exports:
        file = place(state / "histories", "fjell", export.workflow, export.run, export.events)
        file.parent.mkdir()
        file.write_bytes(content)
    await recorded(state, *exports, at=later)
    told = words(await asyncio.to_thread(done, "--state", state, "archive", "list"))
    assert "åpningen av 2027" in told
    assert "slettingen 15." in told
    assert "Fjell AS, 4 filer" in await asyncio.to_thread(done, "--state", state, "archive", "check")


async def recorded(state: Path, *bodies: Body, at: datetime) -> None:
    facts = [
        Fact(id=f"fjell#{n} {at}", employer="fjell", concerns=at, recorded=at, body=body)
        for n, body in enumerate(bodies)
    ]
    database = Database(f"sqlite:///{state / 'forsvarlig.db'}")
    async with database.write("fjell") as tx:
        await tx.append(facts)
    await database.close()


def test_a_changed_a_missing_and_a_strange_file_are_named(state: Path) -> None:
    first, second = files(state)
    first.write_bytes(first.read_bytes()[:-9] + bytes(9))
    second.unlink()
    stranger = first.with_name(f"{'0' * 36}-3.pb.gz")
    stranger.write_bytes(b"")
    result = run("--state", state, "archive", "check")
    assert result.exit_code == 1
    said = words(result.output)
    assert f"endret: {first} (unit/fjell/u1/2027, ført som nr." in said
    assert f"mangler: {second} (year/fjell/2027, ført som nr." in said
    assert f"{stranger} er ikke ført i hovedboken" in said
    assert "2 filer i arkivet mangler eller er endret" in said
    assert "sikkerhetskopien" in said


async def test_a_file_whose_time_was_up_is_not_missing(state: Path) -> None:
    [file, _other] = files(state)
    file.unlink()
    later = datetime(2040, 1, 1, 6, tzinfo=UTC)
    erased = RecordsErased(records="history", count=1, before=later.date())
    await recorded(state, erased, at=later)
    answer = await asyncio.to_thread(document, "--state", state, "archive", "check")
    exports = answer["exports"]
    assert [each["state"] for each in exports] == ["erased", "there"]


def test_an_archive_that_is_empty_says_how_it_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_home(tmp_path / "home", monkeypatch)
    assert run("--state", tmp_path, "archive", "list").exit_code == 3
    done("--state", tmp_path, "db", "upgrade")
    assert "archive sweep --open" in done("--state", tmp_path, "archive", "list")


def test_without_a_server_there_is_nothing_to_export_from(state: Path) -> None:
    result = run("--state", state, "archive", "sweep")
    assert result.exit_code == 5
    assert "forsvarlig up" in result.output


def test_another_employer_than_those_there_are_is_not_found(state: Path) -> None:
    assert run("--state", state, "archive", "check", "--employer", "nei").exit_code == 3
