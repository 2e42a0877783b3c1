"""`forsvarlig org`: an employer is looked at before it is read in, and shown as it is on a day."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.worker.command_line import NORDFJORD, clean_home, document, done, run, typed, words


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clean_home(tmp_path, monkeypatch)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of Nordfjord's files, to spoil."""
    folder = tmp_path / "filer"
    shutil.copytree(NORDFJORD, folder)
    return folder


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_without_a_terminal_and_without_yes_nothing_is_written(state: Path) -> None:
    said = run("org", "import", NORDFJORD)
    assert said.exit_code == 2
    assert "Nye personer (118)" in said.stdout
    assert "Ingenting er skrevet" in said.stderr
    assert "--yes" in said.stderr
    assert not state.exists()


def test_a_dry_run_shows_everything_and_leaves_nothing(state: Path) -> None:
    said = done("org", "import", NORDFJORD, "--dry-run")
    for heading in ("Nye enheter (5)", "Nye personer (118)", "Nye roller (27)"):
        assert heading in said
    assert "Ragnhild Hjelle (1001)" in said
    assert "… og 110 til" in said
    assert "Prøvd: ingenting er skrevet." in said
    assert not state.exists()


def test_verbose_shows_every_person() -> None:
    assert "… og" not in done("org", "import", NORDFJORD, "--dry-run", "-v")


def test_a_first_import_says_what_to_do_next_and_the_same_again_changes_nothing(state: Path) -> None:
    said = done("org", "import", NORDFJORD, "--yes")
    assert "✓ Nordfjord Tre AS er lest inn." in said
    assert "forsvarlig org show nordfjord-tre" in said
    assert "forsvarlig plan" in said
    again = done("org", "import", NORDFJORD)
    assert "Alt er som før. Ingenting er skrevet." in again
    with sqlite3.connect(state / "forsvarlig.db") as database:
        assert database.execute("select count(*) from organisation_version").fetchone() == (1,)


def test_a_full_picture_of_later_shows_who_comes_and_who_leaves() -> None:
    done("org", "import", NORDFJORD, "--yes")
    said = words(done("org", "import", NORDFJORD / "endringer", "--on", "2027-06-01", "--dry-run"))
    assert "Nedlagte enheter (1) − Salg og prosjekt siste dag 30. sep. 2027" in said
    assert "Nye personer (1) + Sunniva Øvrebø (1116) fra 3. mai 2027" in said
    assert "Personer som slutter (1) − Geir Myklebust (1013) siste dag 30. apr. 2027" in said
    assert "enhet: Salg og prosjekt → Administrasjon" in said
    assert "− Geir Myklebust: leder, Produksjon siste dag 30. apr. 2027" in said


def test_programs_get_the_changes_as_one_document() -> None:
    first = document("org", "import", NORDFJORD, "--yes")
    assert first["schema"] == "forsvarlig/org-import/1"
    assert (first["imported"], first["new"], first["counts"]["people_added"]) == (True, True, 118)
    later = document("org", "import", NORDFJORD / "endringer", "--on", "2027-06-01", "--dry-run")
    assert (later["imported"], later["reason"]) == (False, "dry_run")
    assert [person["name"] for person in later["changes"]["people_left"]] == ["Geir Myklebust"]


def test_bad_rows_are_named_by_file_line_column_and_reason(files: Path, state: Path) -> None:
    replace(files / "personer.csv", "2015-08-01", "1. august")
    replace(files / "roller.csv", "1013;leder;produksjon", "1013;leder;prodksjon")
    said = run("org", "import", files, "--yes")
    assert said.exit_code == 7
    table = words(said.stdout)
    assert "personer.csv 2 fra «1. august» er ikke en dato." in table
    assert "roller.csv 3 enhet Enheten «prodksjon» finnes ikke" in table
    assert "2 feil i filene. Ingenting er lest inn." in said.stderr
    assert "--skip-bad-rows" in said.stderr
    assert not state.exists()


def test_programs_get_each_fault_with_its_place(files: Path) -> None:
    replace(files / "personer.csv", "2015-08-01", "1. august")
    said = run("org", "import", files, "--yes", "--format", "json")
    assert said.exit_code == 7
    [fault] = json.loads(said.stdout)["faults"]
    assert (fault["file"], fault["line"], fault["column"], fault["code"]) == (
        "personer.csv", 2, "fra", "bad_date",
    )  # fmt: skip
    assert json.loads(said.stderr)["error"] == "bad_input"


def test_bad_rows_are_left_out_by_choice_and_listed(files: Path) -> None:
    replace(files / "personer.csv", ";100;ansatt;2009-09-15;", ";hundre;ansatt;2009-09-15;")
    said = done("org", "import", files, "--yes", "--skip-bad-rows")
    assert "Rader som ikke blir med (1)" in said
    assert "er lest inn" in said
    assert document("org", "show")["people"] == 113


def test_a_unit_loop_and_a_person_in_two_conflicting_roles_stop_the_import(files: Path, state: Path) -> None:
    replace(files / "enheter.csv", "nordfjord-tre;Nordfjord Tre;;", "nordfjord-tre;Nordfjord Tre;sagbruk;")
    replace(
        files / "roller.csv",
        "1013;leder;produksjon;",
        "1013;verneombud;;Produksjon;2016-08-01;\n1013;leder;produksjon;",
    )
    said = run("org", "import", files, "--yes", "--skip-bad-rows")
    assert said.exit_code == 7
    assert "i ring" in words(said.stdout)
    assert "roller på begge sider" in words(said.stdout)
    assert "--skip-bad-rows" not in said.stderr
    assert not state.exists()


def test_a_missing_folder_is_a_bad_input_with_a_remedy(tmp_path: Path) -> None:
    said = run("org", "import", tmp_path / "ingen", "--yes")
    assert said.exit_code == 7
    assert "Filen finnes ikke" in said.stdout


def test_an_area_without_a_safety_representative_is_told_and_does_not_stop_the_import(files: Path) -> None:
    text = (files / "roller.csv").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if "verneombud;;Sagbruk" not in line]
    (files / "roller.csv").write_text("\n".join(kept), encoding="utf-8")
    said = words(done("org", "import", files, "--yes"))
    assert "! Sagbruk har ikke verneombud (verneområde Sagbruk)." in said
    assert "Få verneombud valgt" in said
    shown = words(done("org", "show"))
    assert "! Sagbruk har ikke verneombud (verneområde Sagbruk)." in shown
    [finding] = [f for f in document("org", "show")["findings"] if f["code"] == "no_safety_rep"]
    assert (finding["severity"], finding["place"]) == ("warning", "sagbruk")


def test_a_person_says_no_and_nothing_is_written_or_yes_and_it_is(state: Path) -> None:
    code, said = typed("n", "org", "import", NORDFJORD)
    assert (code, "Ingenting er skrevet." in said) == (4, True)
    assert not state.exists()
    code, said = typed("j", "org", "import", NORDFJORD)
    assert (code, "er lest inn" in said) == (0, True)


def test_the_chart_names_units_areas_roles_counts_and_the_law() -> None:
    done("org", "import", NORDFJORD, "--yes")
    said = words(done("org", "show", "--on", "2026-11-23"))
    assert "Produksjon 60 verneområde Produksjon" in said
    assert "verneombud: Piotr Kowalski" in said
    assert "Øverste leder Ragnhild Hjelle" in said
    assert "verneombud ja minst 5 114 arbeidsmiljøloven § 6-1" in said
    assert "arbeidsmiljøutvalg (AMU) ja minst 30 102 arbeidsmiljøloven § 7-1" in said


def test_a_substitute_is_shown_on_the_days_of_the_absence() -> None:
    done("org", "import", NORDFJORD, "--yes")
    assert "leder: Åsmund Reed (borte, vikar Agnieszka Kowalski)" in words(
        done("org", "show", "--on", "2027-03-01")
    )
    assert "borte" not in done("org", "show", "--on", "2026-11-23")


def test_the_chart_of_nobody_says_what_to_import() -> None:
    said = run("org", "show")
    assert said.exit_code == 3
    assert "forsvarlig org import MAPPE" in said.stderr


def test_a_mistyped_employer_is_answered_with_the_right_one() -> None:
    done("org", "import", NORDFJORD, "--yes")
    said = run("org", "show", "nordfjord-te")
    assert said.exit_code == 3
    assert "Mente du nordfjord-tre?" in said.stderr
    assert "Nordfjord Tre AS" in done("org", "show", "801142702")


def test_two_employers_live_beside_each_other_and_must_be_named() -> None:
    done("org", "import", NORDFJORD, "--yes")
    done("org", "import", NORDFJORD.parent / "small", "--yes")
    said = run("org", "show")
    assert said.exit_code == 4
    assert "--employer" in said.stderr
    assert "Bakeriet" in done("org", "show", "Bakeriet på hjørnet AS")


def test_every_text_is_there_in_english() -> None:
    said = done("org", "import", NORDFJORD, "--yes", "--lang", "en")
    assert "New people (118)" in said
    assert "has been read in" in said
