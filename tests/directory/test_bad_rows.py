"""Every bad row is named by file, line, column and reason, and nothing is imported."""

from __future__ import annotations

import string
from pathlib import Path
from typing import get_args

import pytest

from activities.directory.faults import Code
from activities.directory.messages import TEXTS, message
from tests.directory.made_files import ORG_NUMBER, Rows, bakery, import_from, with_cell, write_csv

# A valid synthetic birth number (month + 80), written in several ways below.
NATIONAL_ID = "01817012066"

BAD_CELLS = [
    ("virksomhet", 2, "orgnr", "802314508", "bad_org_number", "«802314508» er ikke et gyldig org"),
    ("virksomhet", 2, "orgnr", "", "missing_value", "Fyll inn orgnr"),
    ("virksomhet", 2, "navn", "", "missing_value", "Fyll inn navn"),
    ("enheter", 3, "id", "", "missing_value", "Fyll inn id"),
    ("enheter", 3, "id", "§§", "bad_id", "«§§» kan ikke brukes som id"),
    ("enheter", 3, "id", "Bakeri", "duplicate_unit", "Enheten «Bakeri» står også på linje 2"),
    ("enheter", 3, "overordnet", "hovedkontor", "unknown_unit", "Enheten «hovedkontor» finnes ikke"),
    ("enheter", 3, "fra", "1/3/2021", "bad_date", "«1/3/2021» er ikke en dato"),
    ("enheter", 3, "til", "2020-12-31", "until_before_since", "Siste dag (2020-12-31) er før første dag"),
    ("personer", 3, "ansattnr", "", "missing_value", "Fyll inn ansattnr"),
    ("personer", 3, "ansattnr", "101", "duplicate_person", "Ansattnummer 101 står også på linje 2"),
    ("personer", 3, "ansattnr", "0101", "duplicate_person", "Ansattnummer 0101 står også på linje 2"),
    ("personer", 3, "navn", "", "missing_value", "Fyll inn navn"),
    ("personer", 3, "navn", "Ola\u202eNordmann", "bad_characters", "inneholder usynlige tegn"),
    ("personer", 3, "navn", "O" * 201, "too_long", "Teksten er for lang"),
    ("personer", 3, "e-post", "", "missing_value", "Fyll inn e-post"),
    ("personer", 3, "e-post", "mahtte", "bad_email", "«mahtte» er ikke en e-postadresse"),
    ("personer", 3, "e-post", "a@b.example, c@d.example", "bad_email", "er ikke en e-postadresse"),
    ("personer", 3, "e-post", "KARI@bakeri.example", "duplicate_email", "står også på linje 2"),
    ("personer", 3, "enhet", "lager", "unknown_unit", "Enheten «lager» finnes ikke blant enhetene"),
    ("personer", 3, "enhet", "", "missing_unit", "Enhet mangler"),
    ("personer", 3, "stillingsprosent", "full", "bad_percentage", "«full» er ikke en stillingsprosent"),
    ("personer", 3, "stillingsprosent", "0", "bad_percentage", "«0» er ikke en stillingsprosent"),
    ("personer", 3, "stillingsprosent", "-50", "bad_percentage", "«-50» er ikke en stillingsprosent"),
    ("personer", 3, "stillingsprosent", "161", "bad_percentage", "«161» er ikke en stillingsprosent"),
    ("personer", 3, "ansettelsestype", "frivillig", "unknown_choice", "Skriv en av disse: ansatt, innleid"),
    ("personer", 3, "ansettelsestype", "ekstern", "external_in_unit", "kan ikke stå i enheten «bakeri»"),
    ("personer", 3, "fra", "", "missing_value", "Fyll inn fra"),
    ("personer", 3, "fra", "2026-02-30", "bad_date", "«2026-02-30» er ikke en dato"),
    ("personer", 3, "fra", "31.02.2026", "bad_date", "«31.02.2026» er ikke en dato"),
    ("personer", 3, "fra", "1.2.26", "bad_date", "«1.2.26» er ikke en dato"),
    ("personer", 3, "fra", "44197", "bad_date", "«44197» er ikke en dato"),
    ("personer", 3, "fra", "0026-01-01", "bad_date", "«0026-01-01» er ikke en dato"),
    ("personer", 3, "til", "2020-01-31", "until_before_since", "er før første dag (2021-02-01)"),
    ("personer", 3, "språk", "svensk", "unknown_choice", "Skriv en av disse: nb, nn, en"),
    ("roller", 3, "ansattnr", "999", "unknown_person", "Ansattnummer 999 finnes ikke blant personene"),
    ("roller", 3, "rolle", "visekonge", "unknown_role", "Kjente roller: toppleder, leder, HR"),
    ("roller", 3, "rolle", "", "missing_value", "Fyll inn rolle"),
    ("roller", 3, "enhet", "", "role_needs_unit", "Rollen «leder» gjelder en enhet"),
    ("roller", 2, "enhet", "bakeri", "role_takes_no_unit", "Rollen «daglig leder» gjelder hele virksomheten"),
    ("roller", 2, "verneområde", "Bakeri", "role_takes_no_area", "gjelder ikke et verneområde"),
    ("roller", 5, "verneområde", "Lager", "unknown_area", "Verneområdet «Lager» finnes ikke blant enhetene"),
    ("roller", 5, "fra", "snart", "bad_date", "«snart» er ikke en dato"),
    ("roller", 5, "til", "2024-01-31", "until_before_since", "er før første dag (2024-02-01)"),
    ("roller", 5, "ansattnr", "103", "conflicting_roles", "på begge sider (leder + verneombud)"),
    ("fravær", 2, "ansattnr", "999", "unknown_person", "Ansattnummer 999"),
    ("fravær", 2, "vikar", "103", "own_substitute", "sin egen vikar"),
    ("fravær", 2, "fra", "", "missing_value", "Fyll inn fra"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "line", "column", "value", "code", "said"), BAD_CELLS)
def test_a_bad_cell_is_named_by_file_line_column_and_reason(
    tmp_path: Path, file: str, line: int, column: str, value: str, code: str, said: str
) -> None:
    result = import_from(write_csv(tmp_path / "b", with_cell(bakery(), file, line, column, value)))
    assert result.organisation is None
    assert result.people == ()
    fault, *others = result.faults
    assert fault.code == code
    # Whoever has lost their number is rightly not found where the number is used.
    assert {other.code for other in others} <= ({"unknown_person"} if value.endswith("101") else set())
    text = message(fault, str)
    assert text.startswith(f"{file}.csv, linje {line}, kolonne «")
    assert said in text
    # A conflict between two cells is told at the other one of them.
    assert fault.column == column or code in ("external_in_unit", "conflicting_roles")


def faults_of(tmp_path: Path, tables: dict[str, Rows]) -> list[tuple[str, int, str | None, str]]:
    result = import_from(write_csv(tmp_path / "b", tables))
    assert result.organisation is None
    assert all(message(f, str) for f in result.faults)
    return [(f.file, f.line, f.column, f.code) for f in result.faults]


def test_every_bad_row_is_told_at_once(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "personer", 3, "fra", "x")
    with_cell(tables, "personer", 3, "e-post", "y")
    with_cell(tables, "personer", 5, "enhet", "z")
    with_cell(tables, "roller", 3, "rolle", "w")
    assert faults_of(tmp_path, tables) == [
        ("personer.csv", 3, "e-post", "bad_email"),
        ("personer.csv", 3, "fra", "bad_date"),
        ("personer.csv", 5, "enhet", "unknown_unit"),
        ("roller.csv", 3, "rolle", "unknown_role"),
    ]


def test_one_bad_unit_does_not_make_everyone_in_it_bad(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "enheter", 2, "fra", "x")
    assert faults_of(tmp_path, tables) == [("enheter.csv", 2, "fra", "bad_date")]


def test_units_above_each_other_in_a_ring_are_named(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "enheter", 2, "overordnet", "utsalg")
    result = import_from(write_csv(tmp_path / "b", tables))
    (fault,) = result.faults
    assert message(fault, str) == (
        "enheter.csv, linje 2, kolonne «overordnet»: Enhetene er over hverandre i ring: "
        "bakeri → utsalg → bakeri. La den øverste stå uten overordnet enhet."
    )


def test_substitutes_in_a_ring_are_named(tmp_path: Path) -> None:
    tables = bakery()
    tables["fravær"].append(["101", "103", "2026-04-01", "2026-04-30"])
    assert faults_of(tmp_path, tables) == [("fravær.csv", 3, "vikar", "substitute_loop")]


def test_an_employer_without_a_top_manager_is_refused(tmp_path: Path) -> None:
    tables = bakery()
    del tables["roller"][1]
    assert faults_of(tmp_path, tables) == [("roller.csv", 1, None, "no_top_manager")]


def test_a_manager_may_become_safety_representative_when_the_one_role_has_ended(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "roller", 4, "til", "2024-01-31")
    with_cell(tables, "roller", 5, "ansattnr", "103")
    tables["roller"].append(["104", "leder", "utsalg", "", "2024-02-01", ""])
    assert import_from(write_csv(tmp_path / "b", tables)).faults == ()


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("enheter", "navn"),
        ("personer", "ansattnr"),
        ("personer", "e-post"),
        ("personer", "fra"),
        ("roller", "rolle"),
    ],
)
def test_a_missing_column_is_named_with_every_heading_that_would_do(
    tmp_path: Path, file: str, column: str
) -> None:
    tables = bakery()
    place = tables[file][0].index(column)
    for row in tables[file]:
        del row[place]
    result = import_from(write_csv(tmp_path / "b", tables))
    (fault,) = result.faults
    assert (fault.file, fault.code) == (f"{file}.csv", "missing_column")
    assert message(fault, str).split("overskriftene: ")[1].startswith(column)


def test_two_columns_for_one_thing_are_refused(tmp_path: Path) -> None:
    tables = bakery()
    tables["personer"][0][8] = "Avdeling"
    assert ("personer.csv", 1, "Avdeling", "duplicate_column") in faults_of(tmp_path, tables)


@pytest.mark.parametrize("missing", ["virksomhet", "enheter", "personer"])
def test_a_first_import_says_which_file_is_missing(tmp_path: Path, missing: str) -> None:
    tables = bakery()
    del tables[missing]
    assert faults_of(tmp_path, tables) == [(missing, 1, None, "missing_file")]


@pytest.mark.parametrize("file", ["enheter", "personer"])
def test_a_file_with_headings_only_is_refused(tmp_path: Path, file: str) -> None:
    tables = bakery()
    del tables[file][1:]
    assert (f"{file}.csv", 1, None, "no_rows") in faults_of(tmp_path, tables)


def test_two_employers_in_one_file_are_refused(tmp_path: Path) -> None:
    tables = bakery()
    tables["virksomhet"].append([ORG_NUMBER, "En til AS"])
    assert faults_of(tmp_path, tables) == [("virksomhet.csv", 1, None, "one_employer")]


def test_a_row_with_too_many_cells_is_refused(tmp_path: Path) -> None:
    tables = bakery()
    tables["personer"][2].append("x")
    assert faults_of(tmp_path, tables) == [("personer.csv", 3, None, "too_many_cells")]


def test_a_role_told_twice_is_refused(tmp_path: Path) -> None:
    tables = bakery()
    tables["roller"].append(["102", "VO", "", "Bakeri", "2025-01-01", ""])
    assert faults_of(tmp_path, tables) == [("roller.csv", 7, "rolle", "duplicate_role")]


def test_a_role_for_longer_than_the_employment_is_refused(tmp_path: Path) -> None:
    tables = bakery()
    tables["roller"].append(["105", "tillitsvalgt", "", "", "2025-01-01", "2027-06-30"])
    assert faults_of(tmp_path, tables) == [("roller.csv", 7, "til", "role_after_leaving")]


def test_a_safety_representative_without_an_area_is_refused_where_there_are_several(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "enheter", 3, "verneområde", "Utsalg")
    with_cell(tables, "roller", 5, "verneområde", "")
    assert faults_of(tmp_path, tables) == [("roller.csv", 5, "verneområde", "role_needs_area")]


def test_people_must_leave_a_unit_before_it_is_closed(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "enheter", 3, "til", "2026-08-31")
    assert faults_of(tmp_path, tables) == [
        ("personer.csv", 4, "enhet", "unit_closed"),
        ("personer.csv", 6, "enhet", "unit_closed"),
    ]


def test_a_unit_may_be_told_by_name_unless_two_have_it(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "personer", 3, "enhet", "BAKERI")
    tables["enheter"].append(["salg-2", "Utsalg", "", "Bakeri", "", ""])
    with_cell(tables, "personer", 3, "enhet", "utsalg")
    assert import_from(write_csv(tmp_path / "a", tables)).faults == ()
    tables["enheter"][2][0] = "salg-1"
    faults = faults_of(tmp_path, tables)
    assert ("personer.csv", 3, "enhet", "ambiguous_unit") in faults


@pytest.mark.parametrize("file", ["virksomhet", "enheter", "personer", "roller", "fravær"])
@pytest.mark.parametrize(
    "written", [NATIONAL_ID, "018170 12066", "018170-12066", "f. 01.81.70 12066 (mor)", "01 81 70 120 66"]
)
def test_a_national_identity_number_is_refused_in_every_cell_and_never_repeated(
    tmp_path: Path, file: str, written: str
) -> None:
    for column in range(len(bakery()[file][0])):
        tables = bakery()
        tables[file][1][column] = written
        result = import_from(write_csv(tmp_path / "b", tables))
        assert result.organisation is None
        (fault,) = [f for f in result.faults if f.file == f"{file}.csv"]
        assert (fault.line, fault.column, fault.code) == (2, tables[file][0][column], "national_id")
        said = " ".join(message(f, str) for f in result.faults) + result.model_dump_json()
        assert "12066" not in said


def test_a_column_of_national_identity_numbers_is_refused_once(tmp_path: Path) -> None:
    tables = bakery()
    for line, row in enumerate(tables["personer"]):
        row.append("Merknad" if not line else NATIONAL_ID if line > 1 else "")
    assert faults_of(tmp_path, tables) == [("personer.csv", 3, "Merknad", "national_id_column")]


def test_a_column_headed_as_national_identity_numbers_is_refused_whatever_it_holds(tmp_path: Path) -> None:
    tables = bakery()
    for line, row in enumerate(tables["personer"]):
        row.append("Fødselsnr." if not line else "010170 *****")
    assert faults_of(tmp_path, tables) == [("personer.csv", 1, "Fødselsnr.", "national_id_column")]


def test_a_file_without_headings_does_not_give_the_number_away(tmp_path: Path) -> None:
    tables = bakery()
    tables["personer"] = [[NATIONAL_ID, "Ola", "o@b.example"], [NATIONAL_ID, "Per", "p@b.example"]]
    result = import_from(write_csv(tmp_path / "b", tables))
    said = " ".join(message(f, str) for f in result.faults) + result.model_dump_json()
    assert {f.code for f in result.faults} >= {"missing_column", "national_id_column"}
    assert NATIONAL_ID not in said


def test_a_number_with_wrong_check_digits_is_not_repeated_either(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "personer", 3, "fra", "01817012067")
    (fault,) = import_from(write_csv(tmp_path / "b", tables)).faults
    assert message(fault, str).endswith("«***» er ikke en dato. Skriv den som 2026-01-31 eller 31.01.2026.")


def test_every_code_has_a_text_and_every_text_a_code() -> None:
    assert set(TEXTS) == set(get_args(Code))


def test_every_text_says_what_to_do_in_a_sentence_of_its_own() -> None:
    for code, text in TEXTS.items():
        assert text.endswith("."), code
        assert text.count(". ") + text.count("? ") + text.count(": ") >= 1, code
        assert all(name != "" for _, name, _, _ in string.Formatter().parse(text)), code


def test_a_message_is_translated_before_its_values_are_set_in(tmp_path: Path) -> None:
    (fault,) = import_from(
        write_csv(tmp_path / "b", with_cell(bakery(), "personer", 3, "fra", "{line}"))
    ).faults
    english = {
        "{file}, linje {line}, kolonne «{column}»": "{file}, line {line}, column “{column}”",
        TEXTS["bad_date"]: "“{value}” is not a date.",
    }
    said = message(fault, english.__getitem__)
    assert said == "personer.csv, line 3, column “fra”: “{line}” is not a date."
