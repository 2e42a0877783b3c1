"""`forsvarlig plan`: every date of a year, with no server and no database, and what is wrong with a programme."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from tests.worker.command_line import NORDFJORD, SMALL, clean_home, document, done, run, words
from workflows.rules.calendar import WorkCalendar
from workflows.standard import programme_text


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clean_home(tmp_path, monkeypatch)


@pytest.fixture
def programme(tmp_path: Path) -> Path:
    """The standard programme in a file, to spoil."""
    file = tmp_path / "program.toml"
    file.write_text(programme_text(), encoding="utf-8")
    return file


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_year_is_planned_from_files_with_nothing_installed_and_leaves_nothing(state: Path) -> None:
    said = words(done("plan", "2027", "--files", NORDFJORD))
    assert "4. jan. 15. jan. Y01 Terskelkontroll" in said
    assert "Amina Hussein (HR)" in said
    assert "leder i hver av de 4 enhetene; rådspørres: verneombud" in said
    assert "Agnieszka Kowalski for Åsmund Reed" in said
    assert "Påminnelse 14 og 3 dager før fristen og på fristen." in said
    assert "forsvarlig year start 2027" in said
    assert not state.exists()


def test_programs_get_every_step_and_every_date() -> None:
    plan = document("plan", "2027", "--files", NORDFJORD)
    assert (plan["schema"], plan["employer"], plan["profile"]) == (
        "forsvarlig/plan/1",
        "nordfjord-tre",
        "large",
    )
    calendar = WorkCalendar()
    assert len(plan["units"]) == 4
    assert all(calendar.is_working_day(date.fromisoformat(step["due"])) for step in plan["steps"])
    planned = {(step["cycle"], step["key"], step["opens"]) for step in plan["steps"]}
    opened = {(e["cycle"], e["step"], e["day"]) for e in plan["timeline"] if e["event"] == "opens"}
    assert opened == planned
    [risk] = [s for s in plan["steps"] if s["key"] == "Y15" and s["unit"] == "sagbruk"]
    assert risk["owner"]["people"][0]["acting_for"] is not None
    assert [slot["role"] for slot in risk["gate"]] == ["safety_rep", "manager"]


def test_a_small_employer_has_a_contact_person_and_no_safety_representative() -> None:
    said = words(done("plan", "2027", "--files", SMALL))
    assert "Ordning: under fem ansatte." in said
    assert "rådspørres: kontaktperson for de ansatte" in said
    assert "rådspørres: verneombud" not in said


def test_one_unit_is_shown_alone() -> None:
    shown = document("plan", "2027", "--files", NORDFJORD, "--unit", "Sagbruk")
    assert {step["unit"] for step in shown["steps"]} == {None, "sagbruk"}
    wrong = run("plan", "2027", "--files", NORDFJORD, "--unit", "sagbrug")
    assert wrong.exit_code == 3
    assert "Mente du sagbruk?" in wrong.stderr


def test_a_unit_closed_in_the_year_says_so() -> None:
    said = words(done("plan", "2027", "--files", NORDFJORD / "endringer"))
    assert "enheten legges ned 1. okt." in said


def test_the_wheel_is_a_picture_and_the_timeline_a_table(tmp_path: Path) -> None:
    svg, table = tmp_path / "hjul.svg", tmp_path / "år.csv"
    done("plan", "2027", "--files", NORDFJORD, "--svg", svg, "--csv", table)
    assert svg.read_text(encoding="utf-8").startswith("<svg")
    text = table.read_text(encoding="utf-8")
    assert text.startswith("\ufeffDato;Hendelse;")
    rows = list(csv.DictReader(text.removeprefix("\ufeff").splitlines(), delimiter=";"))
    assert [row["Dato"] for row in rows] == sorted(row["Dato"] for row in rows)
    [due] = [r for r in rows if (r["Steg"], r["Hendelse"]) == ("Y01", "frist")]
    assert (due["Dato"], due["Rolle"], due["Hvem"]) == ("2027-01-15", "HR", "Amina Hussein")
    first = next(
        r for r in rows if (r["Steg"], r["Hendelse"], r["Enhet"]) == ("Y15", "frist brutt", "Produksjon")
    )
    assert (first["Dager"], first["Hvem"]) == ("3", "Ragnhild Hjelle")


def test_a_name_that_begins_like_a_formula_does_no_harm_in_a_spreadsheet(tmp_path: Path) -> None:
    files, table = tmp_path / "filer", tmp_path / "år.csv"
    files.mkdir()
    for file in SMALL.iterdir():
        text = file.read_text(encoding="utf-8").replace("Solveig Nes", "=HYPERLINK(1)")
        (files / file.name).write_text(text, encoding="utf-8")
    done("plan", "2027", "--files", files, "--csv", table)
    assert ";'=HYPERLINK(1)" in table.read_text(encoding="utf-8")
    assert ";=" not in table.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    said = run("plan", "2027", "--files", SMALL, "--svg", tmp_path / "ingen" / "hjul.svg")
    assert said.exit_code == 1
    assert "hjul.svg kan ikke skrives: filen eller mappen finnes ikke." in words(said.stderr)


@pytest.mark.parametrize(
    ("old", "new", "place", "why"),
    [
        ('owner = "top_manager"', 'owner = "top_boss"', ".owner", "«top_boss» er ukjent."),
        (
            'opens = "01-02", due = "01-15"',
            'opens = "03-02", due = "01-15"',
            "Y01.windows[1]",
            "før det åpner 2027-03-02",
        ),
        ('law = ["IKF-5-1"', 'law = ["IKF-5-99"', "Y01.law", "Lovregisteret har ikke «IKF-5-99»"),
        (
            'opens = "01-02", due = "01-15"',
            'opens = "Y02 + 1 d", due = "opens + 5 d"',
            "Y0",
            "venter på hverandre",
        ),
    ],
)
def test_a_programme_that_cannot_run_is_named_by_place_and_remedy(
    programme: Path, old: str, new: str, place: str, why: str
) -> None:
    replace(programme, old, new)
    if "Y02" in new:
        replace(programme, 'opens = "01-02", due = "01-20"', 'opens = "Y01 + 1 d", due = "opens + 5 d"')
    said = run("plan", "2027", "--files", SMALL, "--programme", programme)
    assert said.exit_code == 7, said.output
    assert f"{programme}: " in said.stderr
    assert place in said.stderr
    assert why in said.stderr
    assert "Gjør dette:" in said.stderr


@pytest.mark.parametrize(
    ("spoken", "told"),
    [
        ("nb", "«top_managr» er ukjent. Gjør dette: Mente du top_manager"),
        ("nn", "«top_managr» er ukjent. Gjer dette: Meinte du top_manager"),
        ("en", "«top_managr» is not known. Do this: Did you mean top_manager"),
    ],
)
def test_a_fault_in_a_programme_is_told_in_the_language_spoken(
    programme: Path, spoken: str, told: str
) -> None:
    replace(programme, 'owner = "top_manager"', 'owner = "top_managr"')
    said = run("--lang", spoken, "plan", "2027", "--files", SMALL, "--programme", programme)
    assert told in words(said.stderr)


def test_a_programme_that_is_no_text_or_not_there_is_a_bad_input(tmp_path: Path) -> None:
    binary = tmp_path / "program.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for file, why in ((binary, "er ikke UTF-8"), (tmp_path / "ingen.toml", "finnes ikke")):
        said = run("plan", "2027", "--files", SMALL, "--programme", file)
        assert said.exit_code == 7
        assert why in said.stderr


def test_faulty_files_are_named_by_place(tmp_path: Path) -> None:
    (tmp_path / "personer.csv").write_text("navn\nKari\n", encoding="utf-8")
    said = run("plan", "2027", "--files", tmp_path)
    assert said.exit_code == 7
    assert "personer.csv, linje 1: En påkrevd kolonne mangler." in words(said.stderr)


def test_without_files_and_without_an_employer_it_says_what_to_do(state: Path) -> None:
    said = run("plan", "2027")
    assert said.exit_code == 3
    assert "forsvarlig org import" in said.stderr
    assert not state.exists()


def test_a_year_outside_what_is_known_is_a_usage_error() -> None:
    assert run("plan", "1999", "--files", SMALL).exit_code == 2
    assert run("plan", "i fjor", "--files", SMALL).exit_code == 2


def test_the_plan_of_an_employer_that_was_read_in_is_that_of_its_files() -> None:
    done("org", "import", SMALL, "--yes")
    from_files, from_database = document("plan", "2027", "--files", SMALL), document("plan", "2027")
    assert from_database == from_files
