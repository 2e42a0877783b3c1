"""`forsvarlig ask`: how a year stood on a day, from one file, when server and database are long gone."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.api.history.v1 import History

from activities.history_files import keep, pack, place, read, run_of
from activities.store.database import Database
from tests.chaos.fjell import EMPLOYER
from tests.worker.command_line import clean_home, document, done, run, words
from tests.worker.conftest import RehearsedYear
from workflows.rules.events import Fact
from workflows.rules.record_facts import HistoryExported
from workflows.rules.standing import Standing, fold

pytestmark = pytest.mark.xdist_group("rehearsed year")
"""What is made once for all of them is made by one process."""

OLD = Path(__file__).parents[1] / "replay" / "histories"
OLDEST = OLD / "0.1.0" / "unit_fjell_u1_2027.pb.gz"
SEALED = OLD / "0.2.0" / "unit_fjell_u1_2027.pb.gz"


@pytest.fixture(autouse=True)
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No state, no database, and a server that is not there."""
    clean_home(tmp_path, monkeypatch)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def test_a_day_in_september_shows_what_was_done_what_was_open_and_who_was_waited_for() -> None:
    told = words(done("ask", "--history", OLDEST, "--at", "2027-09-15"))
    assert "unit/fjell/u1/2027 15. september 2027" in told
    assert "Året var i gang, startet 1. januar 2027" in told
    assert "3 åpne, 7 ferdige" in told
    assert "Y23 frist 30. sep. p3 (leder) skal legge fram" in told
    assert "Y20 ferdig 14. sep. v1" in told


def test_without_a_day_it_is_the_end() -> None:
    told = words(done("ask", "--history", OLDEST))
    assert "Året var lukket" in told
    assert "åpne" not in told


@pytest.mark.parametrize(
    "text", ["2027-05-12", "12.05.2027", "2027-05-12T23:59", "12.05.2027 23.59", "2027-05-12T21:59Z"]
)
def test_a_day_is_its_last_moment_in_norway(text: str) -> None:
    answer = document("ask", "position", "--history", OLDEST, "--at", text)
    whole = document("ask", "position", "--history", OLDEST, "--at", "2027-05-12")
    assert (answer["position"], answer["reached"]) == (whole["position"], whole["reached"])


def test_programs_get_the_whole_standing_as_the_facts_have_it(rehearsed: RehearsedYear) -> None:
    file, keys = rehearsed.files[rehearsed.unit], rehearsed.settings.payload_keys
    answer = document("ask", "--history", file, "--keys", keys, "--at", "2027-06-01")
    facts = [fact for seq, fact in rehearsed.facts if seq <= answer["seq"] and fact.cycle == rehearsed.unit]
    assert Standing.model_validate(answer["standing"]) == fold(facts)
    assert answer["schema"] == "forsvarlig/ask/1"


def test_the_clock_of_a_rehearsal_is_ahead_of_the_servers() -> None:
    assert "foran tjenerens (prøvekjøring)" in done("ask", "shift", "--history", OLDEST)
    assert document("ask", "shift", "--history", OLDEST)["shift"] > 0


def test_a_cycle_is_found_in_the_archive_by_the_ledger(rehearsed: RehearsedYear) -> None:
    state = rehearsed.settings.state
    answer = document("--state", state, "ask", "position", "--cycle", "u1/2027")
    assert Path(answer["file"]) == rehearsed.files[rehearsed.unit]
    closed = next(seq for seq, fact in rehearsed.facts if fact.id == f"{rehearsed.unit}#closed")
    assert answer["position"] == closed


def test_of_several_runs_the_one_that_went_on_at_that_day_answers(
    rehearsed: RehearsedYear, tmp_path: Path
) -> None:
    state = Path(shutil.copytree(rehearsed.settings.state, tmp_path / "state"))
    later = History(events=read(OLDEST))
    for event in later.events:
        event.event_time.seconds += 200 * 24 * 3600
    run, content = run_of(later.events), pack(later.events)
    keep(place(state / "histories", EMPLOYER, rehearsed.unit, run, len(later.events)), content)
    exported = HistoryExported(
        workflow=rehearsed.unit, run=run, events=len(later.events), sha256=hashlib.sha256(content).hexdigest(),
        size=len(content), closed=True, version="0.1.0",
    )  # fmt: skip
    asyncio.run(recorded(state, exported))
    first, second = (
        document("--state", state, "ask", "position", "--cycle", "u1/2027", "--at", day)
        for day in ("2027-03-20", "2027-10-20")
    )
    assert first["run"] != second["run"] == run


async def recorded(state: Path, body: HistoryExported) -> None:
    database = Database(f"sqlite:///{state / 'forsvarlig.db'}")
    moment = datetime(2028, 1, 1, tzinfo=UTC)
    async with database.write(EMPLOYER) as tx:
        await tx.append([Fact(id="another", employer=EMPLOYER, concerns=moment, recorded=moment, body=body)])
    await database.close()


def test_a_file_that_is_not_the_exported_one_is_not_believed(
    rehearsed: RehearsedYear, tmp_path: Path
) -> None:
    state = Path(shutil.copytree(rehearsed.settings.state, tmp_path / "state"))
    [file] = (state / "histories" / "fjell" / "unit_fjell_u1_2027").iterdir()
    file.write_bytes(OLDEST.read_bytes())
    result = run("--state", state, "ask", "--cycle", "u1/2027")
    assert result.exit_code == 1
    assert "fingeravtrykket" in result.output
    assert "forsvarlig archive check" in result.output


def test_a_cycle_of_which_nothing_was_exported_says_how_it_is(
    tmp_path: Path, rehearsed: RehearsedYear
) -> None:
    state = Path(shutil.copytree(rehearsed.settings.state, tmp_path / "state"))
    for file in (state / "histories").rglob("*.pb.gz"):
        file.unlink()
    result = run("--state", state, "ask", "--cycle", "u1/2027")
    assert result.exit_code == 7
    assert "finnes ikke" in result.output


def test_a_day_before_the_run_began_has_no_answer() -> None:
    result = run("ask", "--history", OLDEST, "--at", "2026-12-31")
    assert result.exit_code == 3
    assert "1. januar 2027" in result.output


def test_a_sealed_history_without_its_keys_says_which_are_missing() -> None:
    result = run("ask", "--history", SEALED)
    assert result.exit_code == 7
    assert "0001-2a2078d7ea71" in words(result.output)
    assert "--keys" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("ask",), 2),
        (("ask", "--history", OLDEST, "--cycle", "u1"), 2),
        (("ask", "mood", "--history", OLDEST), 2),
        (("ask", "--history", OLDEST, "--at", "i går"), 2),
        (("ask", "--history", OLDEST, "--at", "2027-13-40"), 2),
        (("ask", "--history", "nei.pb.gz"), 7),
        (("ask", "--history", Path(__file__)), 7),
        (("ask", "--cycle", "u1/2027"), 3),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(arguments: tuple[str | Path, ...], code: int) -> None:
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Gjør dette:" in result.output
    assert "Traceback" not in result.output


def test_a_file_that_was_cut_short_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "kuttet.pb.gz"
    file.write_bytes(OLDEST.read_bytes()[:1000])
    result = run("ask", "--history", file)
    assert result.exit_code == 7
    assert "kuttet av" in result.output
