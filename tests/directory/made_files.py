"""Files of a made-up bakery with nine employees, and ways to write and import them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import xlsxwriter

from activities.directory.files import read_sources
from activities.directory.importer import ImportResult, build
from activities.directory.people import PersonCard
from workflows.rules.law import parse_law
from workflows.rules.organisation import Organisation
from workflows.standard import law_text

LAW = parse_law(law_text())
TODAY = date(2026, 1, 1)
Rows = list[list[str]]

ORG_NUMBER = "802314507"


def bakery() -> dict[str, Rows]:
    """Tables by file name, without faults and without warnings."""
    return {
        "virksomhet": [["orgnr", "navn"], [ORG_NUMBER, "Bakeriet på Åsen AS"]],
        "enheter": [
            ["id", "navn", "overordnet", "verneområde", "fra", "til"],
            ["bakeri", "Bakeri", "", "Bakeri", "2020-01-01", ""],
            ["utsalg", "Utsalg", "bakeri", "Bakeri", "2021-03-01", ""],
        ],
        "personer": [
            ["ansattnr", "navn", "e-post", "enhet", "stillingsprosent", "ansettelsestype", "fra", "til",
             "språk"],
            ["101", "Kari Åsen", "kari@bakeri.example", "bakeri", "100", "ansatt", "2020-01-01", "", "nb"],
            [
                "102",
                "Čohkka Máhtte Gaup",
                "mg@bakeri.example",
                "bakeri",
                "80",
                "ansatt",
                "2021-02-01",
                "",
                "nb",
            ],
            ["103", "Ola Ødegård", "ola@bakeri.example", "utsalg", "50", "ansatt", "2021-03-01", "", "nn"],
            ["104", "Amina Ali", "amina@bakeri.example", "bakeri", "37,5", "innleid", "2022-05-15", "", "en"],
            [
                "105",
                "Per Lie",
                "per@bakeri.example",
                "utsalg",
                "100",
                "ansatt",
                "2022-08-01",
                "2026-12-31",
                "",
            ],
            ["X1", "Berit BHT", "berit@bht.example", "", "", "", "", "", ""],
        ],
        "roller": [
            ["ansattnr", "rolle", "enhet", "verneområde", "fra", "til"],
            ["101", "daglig leder", "", "", "2020-01-01", ""],
            ["101", "leder", "bakeri", "", "2020-01-01", ""],
            ["103", "leder", "utsalg", "", "2021-03-01", ""],
            ["102", "verneombud", "", "Bakeri", "2024-02-01", ""],
            ["X1", "BHT", "", "", "2021-01-01", ""],
        ],
        "fravær": [["ansattnr", "vikar", "fra", "til"], ["103", "101", "2026-03-01", "2026-05-31"]],
    }  # fmt: skip


def with_cell(tables: dict[str, Rows], file: str, line: int, column: str, value: str) -> dict[str, Rows]:
    """The tables with one cell changed; `line` counts from 1 with the headings."""
    rows = tables[file]
    rows[line - 1][rows[0].index(column)] = value
    return tables


def as_csv(rows: Sequence[Sequence[str]], delimiter: str = ";") -> str:
    def cell(text: str) -> str:
        quoted = '"' + text.replace('"', '""') + '"'
        return quoted if any(c in text for c in (delimiter, '"', "\n", "\r")) else text

    return "".join(delimiter.join(map(cell, row)) + "\r\n" for row in rows)


def write_csv(
    folder: Path,
    tables: Mapping[str, Rows],
    *,
    encoding: str = "utf-8",
    delimiter: str = ";",
    mark: bytes = b"",
) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_bytes(mark + as_csv(rows, delimiter).encode(encoding))
    return folder


_AS_EXCEL_KEEPS_IT = re.compile(r"(0|[1-9][0-9]{0,8})(,[1-9])?")
"""A number that Excel gives back as it was written; «007» is text there."""


def write_xlsx(path: Path, tables: Mapping[str, Rows]) -> Path:
    """One workbook with a sheet for each table; dates and numbers as Excel keeps them."""
    book = xlsxwriter.Workbook(path)
    day = book.add_format({"num_format": "dd.mm.yyyy"})
    for name, rows in tables.items():
        sheet = book.add_worksheet(name)
        for y, row in enumerate(rows):
            for x, text in enumerate(row):
                if len(text) == 10 and text[4:5] == "-" and y:
                    sheet.write_datetime(y, x, date.fromisoformat(text), day)
                elif _AS_EXCEL_KEEPS_IT.fullmatch(text):
                    sheet.write_number(y, x, float(text.replace(",", ".")))
                elif text:
                    sheet.write_string(y, x, text)
    book.close()
    return path


def import_from(
    *paths: Path,
    existing: Organisation | None = None,
    people: Sequence[PersonCard] = (),
    today: date = TODAY,
    skip_bad_rows: bool = False,
) -> ImportResult:
    return build(read_sources(paths), existing, people, law=LAW, today=today, skip_bad_rows=skip_bad_rows)


def imported(result: ImportResult) -> Organisation:
    assert result.organisation is not None, result.faults
    return result.organisation
