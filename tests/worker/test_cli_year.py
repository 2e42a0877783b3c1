"""`forsvarlig year`: a year is started once, and shown as it stands; what the law asks is listed, never judged."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from activities.cycles import Cycles
from activities.documents import Documents
from activities.doors import Doors
from activities.organisations import put_in_force
from activities.signatures import SigningKey
from activities.store.database import Database
from tests.worker.command_line import NORDFJORD, SMALL, clean_home, document, done, run, words
from worker.cli import clock, org, year, year_start
from workflows.messages import AdvanceRequest
from workflows.rules.calendar import oslo_day
from workflows.standard import programme_text

NOW = datetime(2027, 3, 10, 11, tzinfo=UTC)
"""Noon in Oslo, for whoever types: the first steps of the year are open, and some are late."""
YEAR = NOW.year

T = TypeVar("T")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (clock, org, year, year_start):
        monkeypatch.setattr(module, "now", lambda: NOW)
    return clean_home(tmp_path, monkeypatch)


def with_store(state: Path, act: Callable[[Database], Awaitable[T]]) -> T:
    async def acted() -> T:
        database = Database(str(state / "forsvarlig.db"))
        try:
            return await act(database)
        finally:
            await database.close()

    return asyncio.run(acted())


def at(state: Path, moment: datetime, *cycles: str) -> None:
    """Let the calendar reach `moment` in these cycles, as their workflows do."""

    async def advance(database: Database) -> None:
        activities = Cycles(database, lambda: moment)
        for cycle in cycles:
            await activities.advance(AdvanceRequest(cycle=cycle, now=moment, since=0))

    with_store(state, advance)


def file(state: Path, cycle: str, step: str, person: str, moment: datetime) -> None:
    """File a document as the step's evidence."""

    async def submit(database: Database) -> None:
        documents = Documents(state / "documents")
        async with database.write("802314507") as transaction:
            row = await documents.put(b"# Status", "text/markdown", "a.md", moment, transaction)
        doors = Doors(database, signer=SigningKey.load_or_make(state / "keys" / "installation.pem"))
        receipt = await doors.submit(cycle, step, person, row.hash, now=moment, nonce=step)
        assert receipt.accepted

    with_store(state, submit)


def test_a_year_without_an_employer_says_what_to_import_and_makes_nothing(state: Path) -> None:
    for command in (("year", "start", str(YEAR)), ("year", "show"), ("year", "list")):
        said = run(*command)
        assert said.exit_code == 3
        assert "forsvarlig org import MAPPE" in said.stderr
    assert not state.exists()


def test_a_started_year_says_what_comes_and_that_nothing_runs_yet() -> None:
    done("org", "import", NORDFJORD, "--yes")
    said = words(done("year", "start", YEAR + 1))
    assert f"✓ Året {YEAR + 1} er startet for Nordfjord Tre AS: " in said
    assert "4 enheter." in said
    assert re.search(r"Neste steg åpner \d+\. januar \d{4} \(Y01", said)
    assert f"Året {YEAR + 2} åpnes av seg selv 1. desember {YEAR + 1} kl. 08.00." in said
    assert "! Ingen motor kjører." in said
    assert "Gjør dette: forsvarlig up" in said


def test_programs_are_told_the_cycle_and_what_it_pins() -> None:
    done("org", "import", SMALL, "--yes")
    told = document("year", "start", YEAR)
    assert (told["schema"], told["cycle"]) == (
        "forsvarlig/year-start/1",
        f"year/802314507/{YEAR}",
    )
    assert told["engine"] == "no_engine"
    assert re.fullmatch("[0-9a-f]{64}", told["programme"])


def test_a_server_that_does_not_answer_is_told_and_the_year_is_started_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done("org", "import", SMALL, "--yes")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    said = done("year", "start", YEAR)
    assert "! Temporal svarer ikke." in said
    assert "forsvarlig doctor" in said
    assert document("year", "list")["years"][0]["state"] == "running"


def test_a_year_that_runs_already_is_not_started_again() -> None:
    done("org", "import", SMALL, "--yes")
    done("year", "start", YEAR)
    said = run("year", "start", YEAR)
    assert said.exit_code == 4
    assert "er startet for Bakeriet på hjørnet AS fra før." in said.stderr
    assert f"forsvarlig year show {YEAR} --employer 802314507" in said.stderr
    assert len(document("year", "list")["years"]) == 1


def test_a_dry_run_shows_the_plan_and_starts_nothing() -> None:
    done("org", "import", SMALL, "--yes")
    assert done("year", "start", YEAR, "--dry-run") == done("plan", YEAR)
    assert document("year", "list")["years"] == []


def test_a_year_that_is_over_or_far_off_is_not_started() -> None:
    done("org", "import", SMALL, "--yes")
    over, far = run("year", "start", YEAR - 3), run("year", "start", 2072)
    assert (over.exit_code, far.exit_code) == (4, 4)
    assert f"Året {YEAR - 3} er over" in over.stderr
    assert "2072 er for langt fram" in far.stderr
    assert document("year", "list")["years"] == []


def test_a_faulty_programme_starts_nothing(tmp_path: Path) -> None:
    done("org", "import", SMALL, "--yes")
    programme = tmp_path / "program.toml"
    programme.write_text(programme_text().replace('"top_manager"', '"sjefen"', 1), encoding="utf-8")
    said = run("year", "start", YEAR, "--programme", programme)
    assert said.exit_code == 7
    assert "sjefen" in said.stderr
    assert document("year", "list")["years"] == []


def test_an_organisation_with_errors_starts_nothing_and_names_them(state: Path) -> None:
    done("org", "import", SMALL, "--yes")

    async def lose_the_top_manager(database: Database) -> None:
        async with database.read() as reader:
            _hash, organisation = await reader.organisation("802314507")
        left = tuple(a for a in organisation.assignments if a.role != "top_manager")
        await put_in_force(database, organisation.model_copy(update={"assignments": left}), [], NOW)

    with_store(state, lose_the_top_manager)
    said = run("year", "start", YEAR)
    assert said.exit_code == 4
    assert "Bakeriet på hjørnet AS har ingen øverste leder." in said.stderr
    assert "daglig leder" in said.stderr
    assert document("year", "list")["years"] == []


def test_a_rehearsal_stays_one_and_takes_neither_a_year_nor_an_import(state: Path) -> None:
    done("org", "import", SMALL, "--yes")

    async def rehearsal(database: Database) -> None:
        async with database.read() as reader:
            _hash, organisation = await reader.organisation("802314507")
        tried = organisation.model_copy(update={"employer": "prove", "org_number": "801142702"})
        await put_in_force(database, tried, [], NOW, mode="rehearsal")

    with_store(state, rehearsal)
    for command in (
        ("year", "start", str(YEAR), "--employer", "prove"),
        ("org", "import", NORDFJORD, "--yes"),
    ):
        said = run(*command)
        assert said.exit_code == 4
        assert "prove er en prøvekjøring" in said.stderr


def test_a_year_that_was_not_started_cannot_be_shown() -> None:
    done("org", "import", SMALL, "--yes")
    said = run("year", "show", YEAR)
    assert said.exit_code == 3
    assert f"forsvarlig year start {YEAR}" in said.stderr
    done("year", "start", YEAR)
    other = run("year", "show", YEAR + 1)
    assert other.exit_code == 3
    assert f"disse er det: {YEAR}." in words(other.stderr)


def test_a_year_shows_who_is_waited_for_and_the_due_dates_that_were_moved(state: Path) -> None:
    done("org", "import", SMALL, "--yes")
    cycle = document("year", "start", YEAR)["cycle"]
    assert "1 beskjed venter på å bli sendt: kjører motoren?" in words(done("year", "show"))
    at(state, NOW, cycle)
    shown = document("year", "show")
    steps = {step["key"]: step for part in shown["parts"] for step in part["steps"] if part["unit"] is None}
    first = steps["Y01"]
    assert first["standing"] == "open"
    assert [w["name"] for w in first["waiting_for"]] == ["Solveig Nes"]
    assert first["original_due"] is not None
    assert first["original_due"] < first["due"]
    said = words(done("year", "show"))
    assert "Solveig Nes (HR) skal legge fram" in said
    assert "først 1" in said


def test_evidence_and_closing_are_shown_with_version_and_day(state: Path) -> None:
    done("org", "import", SMALL, "--yes")
    cycle = document("year", "start", YEAR)["cycle"]
    at(state, NOW, cycle)
    file(state, cycle, "Y04", "p0001", NOW)
    at(state, NOW, cycle)
    steps = {s["key"]: s for s in document("year", "show")["parts"][0]["steps"]}
    assert (steps["Y04"]["standing"], steps["Y04"]["version"]) == ("closed", 1)
    assert steps["Y04"]["settled"] == oslo_day(NOW).isoformat()
    assert "ferdig" in done("year", "show")


def test_a_step_over_its_due_date_stands_out_with_the_requirements_it_carries(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("org", "import", SMALL, "--yes")
    cycle = document("year", "start", YEAR)["cycle"]
    at(state, NOW, cycle)
    late = NOW + timedelta(days=40)
    monkeypatch.setattr("worker.cli.year.now", lambda: late)
    said = words(done("year", "show"))
    assert "over fristen" in said
    assert "Disse mangler noe, eller har et steg over fristen:" in said
    assert "R-01" in said


def test_every_requirement_is_listed_with_the_steps_that_carry_it_and_nothing_is_judged(state: Path) -> None:
    done("org", "import", NORDFJORD, "--yes")
    cycle = document("year", "start", YEAR)["cycle"]
    at(state, NOW, cycle)
    shown = document("year", "show")
    assert [r["id"] for r in shown["requirements"]] == [f"R-{n:02}" for n in range(1, 49)]
    for requirement in shown["requirements"]:
        assert requirement["steps"] or requirement["carried_later_by"], requirement["id"]
    for text in (done("year", "show"), done("year", "show", "--requirements")):
        assert "samsvar" not in text.casefold()
        assert "compliant" not in text.casefold()
    said = words(done("year", "show", "--requirements"))
    assert re.search(r"R-01 .*? Y05 0/1 på vei", said)
    assert "Føres av:" in said


def test_units_are_shown_by_what_is_open_and_one_unit_whole(state: Path) -> None:
    done("org", "import", NORDFJORD, "--yes")
    cycle = document("year", "start", YEAR)["cycle"]
    at(state, NOW, cycle)
    at(state, NOW, f"unit/nordfjord-tre/sagbruk/{YEAR}")
    whole = document("year", "show", "--unit", "Sagbruk")
    assert [part["unit"] for part in whole["parts"]] == ["sagbruk"]
    said = done("year", "show", "--unit", "sagbruk")
    assert "Sagbruk" in said
    assert "Terskelkontroll" not in said
    wrong = run("year", "show", "--unit", "sagbrug")
    assert wrong.exit_code == 3
    assert "Mente du sagbruk?" in wrong.stderr


def test_all_years_of_all_employers_are_listed(state: Path) -> None:
    done("org", "import", NORDFJORD, "--yes")
    done("org", "import", SMALL, "--yes")
    assert "Ingen år er startet." in done("year", "list")
    for employer in ("nordfjord-tre", "802314507"):
        done("year", "start", YEAR, "--employer", employer)
    at(state, NOW, f"year/nordfjord-tre/{YEAR}")
    said = words(done("year", "list"))
    assert "Nordfjord Tre AS nordfjord-tre" in said
    assert f"{YEAR} kjører" in said
    years = document("year", "list")["years"]
    assert [(y["employer"], y["year"]) for y in years] == [
        ("802314507", YEAR),
        ("nordfjord-tre", YEAR),
    ]
    assert years[1]["steps_open"] > 0


def test_an_import_tells_which_running_years_follow() -> None:
    done("org", "import", NORDFJORD, "--yes")
    done("year", "start", YEAR)
    said = words(done("org", "import", NORDFJORD / "endringer", "--yes"))
    assert f"Året {YEAR} kjører og følger den nye organisasjonen." in said
