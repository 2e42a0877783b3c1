"""The same tables come out of every kind of file, and a file that cannot be read is named."""

from __future__ import annotations

import codecs
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from activities.directory.faults import ImportFileError
from activities.directory.files import read_sources
from activities.directory.messages import message
from tests.directory.made_files import (
    ORG_NUMBER,
    as_csv,
    bakery,
    import_from,
    imported,
    write_csv,
    write_xlsx,
)

ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 with a byte-order mark": ("utf-8", codecs.BOM_UTF8),
    "utf-16 little-endian": ("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16 big-endian": ("utf-16-be", codecs.BOM_UTF16_BE),
    "utf-16 little-endian, no mark": ("utf-16-le", b""),
    "utf-16 big-endian, no mark": ("utf-16-be", b""),
}


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_and_delimiter_gives_the_same_organisation(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    expected = import_from(write_csv(tmp_path / "plain", bakery()))
    codec, mark = ENCODINGS[encoding]
    folder = write_csv(tmp_path / "other", bakery(), encoding=codec, delimiter=delimiter, mark=mark)
    assert imported(expected) == import_from(folder).organisation
    assert expected.people == import_from(folder).people


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_cp1252_gives_the_same_organisation(tmp_path: Path, delimiter: str) -> None:
    tables = bakery()
    tables["personer"][2][1] = "Máhtte Gaup O’Brien"
    expected = import_from(write_csv(tmp_path / "plain", tables))
    folder = write_csv(tmp_path / "other", tables, encoding="cp1252", delimiter=delimiter)
    assert imported(expected) == import_from(folder).organisation
    assert expected.people == import_from(folder).people


def test_a_workbook_gives_the_same_organisation(tmp_path: Path) -> None:
    expected = import_from(write_csv(tmp_path / "plain", bakery()))
    result = import_from(write_xlsx(tmp_path / "bedriften.xlsx", bakery()))
    assert imported(expected) == result.organisation
    assert expected.people == result.people


def test_workbooks_of_one_sheet_each_are_told_apart_by_their_names(tmp_path: Path) -> None:
    expected = import_from(write_csv(tmp_path / "plain", bakery()))
    folder = tmp_path / "books"
    folder.mkdir()
    for name, rows in bakery().items():
        book = xlsxwriter.Workbook(folder / f"{name} 2026.xlsx")
        sheet = book.add_worksheet("Ark1")
        for y, row in enumerate(rows):
            sheet.write_row(y, 0, row)
        book.close()
    assert imported(expected) == import_from(folder).organisation


def test_a_percentage_that_excel_keeps_as_a_fraction_is_read_as_shown(tmp_path: Path) -> None:
    tables = bakery()
    shown = import_from(write_csv(tmp_path / "plain", tables))
    for row in tables["personer"][1:]:
        row[4] = {"100": "1", "80": "0.8", "50": "0,5", "37,5": "0.375", "": ""}[row[4]]
    assert imported(shown) == import_from(write_csv(tmp_path / "other", tables)).organisation


def test_employers_may_be_told_in_toml(tmp_path: Path) -> None:
    tables = bakery()
    expected = import_from(write_csv(tmp_path / "plain", tables))
    del tables["virksomhet"]
    folder = write_csv(tmp_path / "other", tables)
    spaced = f"{ORG_NUMBER[:3]} {ORG_NUMBER[3:6]} {ORG_NUMBER[6:]}"
    text = f'orgnr = "{spaced}"\nnavn = "Bakeriet på Åsen AS"\nbht = false\n'
    (folder / "virksomhet.toml").write_text(text, encoding="utf-8")
    assert imported(expected) == import_from(folder).organisation


@pytest.mark.parametrize(
    "headings",
    [
        ["Tilsettnr.", "Namn", "E-postadresse", "Eining", "Stilling-%", "Tilsetjing", "Frå", "Til",
         "Målform"],
        ["Employee No", "FULL NAME", "E-mail", "Department", "Percentage", "Employment type", "Start date",
         "End date", "Language"],
        [" ANSATTNR", "navn ", "E-Post", "Avdeling", "Stillingsprosent (%)", "Type", "Fra og med",
         "Til  og  med", "SPRÅK"],
    ],
)  # fmt: skip
def test_headings_are_known_in_three_languages(tmp_path: Path, headings: list[str]) -> None:
    tables = bakery()
    expected = import_from(write_csv(tmp_path / "plain", tables))
    tables["personer"][0] = headings
    assert imported(expected) == import_from(write_csv(tmp_path / "other", tables)).organisation


def test_given_and_family_names_in_columns_of_their_own_make_the_name(tmp_path: Path) -> None:
    tables = bakery()
    expected = import_from(write_csv(tmp_path / "plain", tables))
    for row, (given, family) in zip(
        tables["personer"],
        [("Fornavn", "Etternavn"), *(r[1].rsplit(" ", 1) for r in tables["personer"][1:])],
        strict=True,
    ):
        row[1] = given
        row.append(family)
    assert expected.people == import_from(write_csv(tmp_path / "other", tables)).people


def test_an_unknown_column_is_reported_and_left_out(tmp_path: Path) -> None:
    tables = bakery()
    for row in tables["personer"]:
        row.append("Skonummer" if row is tables["personer"][0] else "43")
    result = import_from(write_csv(tmp_path / "b", tables))
    assert [(c.file, c.column) for c in result.ignored_columns] == [("personer.csv", "Skonummer")]
    assert "43" not in imported(result).model_dump_json()


def test_a_line_that_names_the_delimiter_counts_as_a_line(tmp_path: Path) -> None:
    tables = bakery()
    tables["personer"][3][6] = "i går"
    folder = write_csv(tmp_path / "b", tables)
    (folder / "personer.csv").write_text(
        "sep=;\r\n" + as_csv(tables["personer"]), encoding="utf-8", newline=""
    )
    assert [(f.line, f.code) for f in import_from(folder).faults] == [(5, "bad_date")]


def test_a_cell_of_several_lines_keeps_the_count_of_lines(tmp_path: Path) -> None:
    tables = bakery()
    tables["personer"][1][1] = "Kari\nÅsen"
    tables["personer"][3][6] = "i går"
    result = import_from(write_csv(tmp_path / "b", tables))
    assert [(f.line, f.code) for f in result.faults] == [(5, "bad_date")]


def test_a_spreadsheet_row_is_named_as_the_spreadsheet_numbers_it(tmp_path: Path) -> None:
    tables = bakery()
    tables["personer"].insert(2, [""] * 9)
    tables["personer"][4][5] = "fadder"
    (fault,) = import_from(write_xlsx(tmp_path / "alt.xlsx", tables)).faults
    assert (fault.file, fault.line, fault.column) == ("alt.xlsx [personer]", 5, "ansettelsestype")


def test_a_formula_stays_text(tmp_path: Path) -> None:
    for n, folder in enumerate(("csv", "xlsx")):
        tables = bakery()
        tables["personer"][1][1] = "=cmd|' /C calc'!A0"
        if n:
            result = import_from(write_xlsx(tmp_path / "a.xlsx", tables))
        else:
            result = import_from(write_csv(tmp_path / folder, tables))
        assert result.people[0].name == "=cmd|' /C calc'!A0"


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ImportFileError) as caught:
        read_sources([path])
    return [message(fault, str) for fault in caught.value.faults]


HEAD = "ansattnr;navn;e-post;enhet;fra\r\n"
SOR = HEAD + "1;Sør Pål;a@b.example;x;\r\n"
UNKNOWN = "Tegnsettet i filen er ukjent"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("personer.csv", b"", "personer.csv, linje 1: Filen er tom."),
        ("personer.csv", b"\r\n \r\n", "Filen er tom."),
        ("personer.csv", codecs.BOM_UTF16_LE, "Filen er tom."),
        ("personer.csv", HEAD.encode() + b"1;\x9fse;a;x;\x8f\r\n", f"linje 2: {UNKNOWN}"),
        ("personer.csv", SOR.encode("cp865"), UNKNOWN),
        ("personer.csv", SOR.encode("mac-roman"), UNKNOWN),
        ("personer.csv", codecs.BOM_UTF16_LE + b"a", UNKNOWN),
        ("personer.csv", b"\x00\x01\x00\x00\x05\x00\x00\x07", UNKNOWN),
        ("personer.csv", HEAD.encode() + b'1;Ola;b\r\n2;"Kari;c\r\n3;d;e\r\n', "linje 3: Et anførselstegn"),
        ("personer.csv", HEAD.encode() + b'1;"Ola" Per;b\r\n', "linje 2: Et anførselstegn er åpnet"),
        ("personer.csv", HEAD.encode() + b"1;" + b"a" * 200_000 + b";b\r\n", "linje 2: Teksten er for lang"),
        ("personer.xls", b"\xd0\xcf\x11\xe0", "Filtypen er ukjent. Lagre filen som en av disse: .csv"),
        ("ukjent.csv", b"a;b\r\n1;2\r\n", "Gi den et av navnene virksomhet, enheter"),
        ("personer.xlsx", b"PK\x03\x04 no zip", "kan ikke leses som en Excel-arbeidsbok"),
        ("personer.xlsx", HEAD.encode(), "kan ikke leses som en Excel-arbeidsbok"),
        ("virksomhet.toml", b'navn = "A"\norgnr = 12 3\n', "linje 2: Linjen er ikke gyldig TOML"),
        ("virksomhet.toml", b"navn = \"\x8f\"\n", UNKNOWN),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    (text,) = faults_of(path)
    assert said in text
    assert text.startswith(name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "personer.csv") == [
        "personer.csv, linje 1: Filen finnes ikke. Sjekk navnet og mappen."
    ]


def test_an_empty_folder_says_which_files_are_looked_for(tmp_path: Path) -> None:
    (text,) = faults_of(tmp_path)
    assert "Filene skal hete virksomhet, enheter, personer, roller, fravær" in text


def test_two_files_of_one_kind_are_refused(tmp_path: Path) -> None:
    folder = write_csv(tmp_path / "b", bakery())
    (folder / "ansatte.csv").write_bytes((folder / "personer.csv").read_bytes())
    assert faults_of(folder) == [
        "personer.csv, linje 1: Filen inneholder det samme som ansatte.csv. Fjern den ene av dem."
    ]


def test_other_files_in_the_folder_are_passed_over_and_listed(tmp_path: Path) -> None:
    folder = write_csv(tmp_path / "b", bakery())
    (folder / "README.md").write_text("x")
    (folder / "programme.toml").write_text("x = 1")
    (folder / "svar.csv").write_text("a;b\r\n1;2\r\n")
    (folder / "~$personer.xlsx").write_bytes(b"lock")
    sources = read_sources([folder])
    assert sources.ignored == ("README.md", "programme.toml", "svar.csv")
    assert len(sources.tables) == 5


def test_a_single_cell_far_out_in_a_workbook_is_refused_before_memory_runs_out(tmp_path: Path) -> None:
    path = tmp_path / "personer.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("personer")
    sheet.write(0, 0, "ansattnr")
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    assert "for stor til å leses trygt" in faults_of(path)[0]


def test_a_workbook_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "personer.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 201_000_000)
    assert "for stor til å leses trygt" in faults_of(path)[0]


def test_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "bok.xlsx"
    book = xlsxwriter.Workbook(path)
    for name in ("personer", "roller"):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["ansattnr", "navn", "e-post", "enhet", "fra", "rolle"])
        sheet.write_row(1, 0, ["1"])
    sheet.hide()
    book.close()
    assert [table.kind for table in read_sources([path]).tables] == ["people"]


def test_a_workbook_damaged_anywhere_is_refused_or_read_but_never_breaks(tmp_path: Path) -> None:
    good = write_xlsx(tmp_path / "hel.xlsx", bakery()).read_bytes()
    path = tmp_path / "skadet.xlsx"
    refused: list[str] = []
    for place in range(0, len(good), len(good) // 60):
        path.write_bytes(good[:place] + b"\xff\xfe\xff" + good[place + 3 :])
        try:
            read_sources([path])
        except ImportFileError as error:
            refused += [fault.code for fault in error.faults]
    assert len(refused) > 10
    assert set(refused) <= {"not_a_workbook", "too_large", "empty_file", "unknown_kind"}
