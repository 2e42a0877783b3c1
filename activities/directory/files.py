"""Reading the files of an employer: a folder or single files, CSV, XLSX and TOML, into `Sources`.

Decoding and the choice of delimiter follow fixed rules, so that the same bytes always give the same tables.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from activities.directory.columns import FILE_NAMES, Kind, field_of, kind_by_headings, kind_by_name
from activities.directory.faults import Code, ImportFault, ImportFileError, fault
from activities.directory.tables import Row, Sources, Table, clean
from activities.directory.workbooks import read_workbook

MAX_BYTES = 20_000_000
"""The largest file that is read. 100,000 people with all columns are about 10 MB."""
EXTENSIONS = (".csv", ".tsv", ".txt", ".xlsx", ".toml")

# Signs that stand inside a word when a file from DOS or an old Mac is read as cp1252: «S›r», «S¿r», «P†l».
_WRONG_CODE_PAGE = re.compile(r"[^\W\d_][†‡‘›¢¾¿®¯][^\W\d_]|Œ|œ")
_LINE_IN_MESSAGE = re.compile(r"at line (\d+)")


def read_sources(paths: Sequence[Path]) -> Sources:
    """The tables in `paths`: files, or folders of which the CSV, XLSX and TOML files are read.

    Which table a file holds is told by its name («personer.csv», «roller 2027.xlsx»), by the names of the
    sheets in a workbook, or else by its headings. Raises `ImportFileError` with a fault for each file that
    cannot be read: missing, empty, too large, unknown extension, no known encoding, broken quotes, not a
    workbook, two files of one kind.
    """
    tables: list[Table] = []
    ignored: list[str] = []
    faults: list[ImportFault] = []
    for path, chosen in _files(paths, ignored, faults):
        try:
            found, skipped = _read(path)
        except ImportFileError as error:
            faults += error.faults
            continue
        if chosen and not found:
            faults.append(_file_fault(path, "unknown_kind", known=_known_names()))
        tables += found
        ignored += skipped if found else [*skipped, path.name] if not chosen else []
    for kind in FILE_NAMES:
        same = [t for t in tables if t.kind == kind]
        if len(same) > 1:
            faults.append(fault(same[1].file, "two_files", scope="file", params={"other": same[0].file}))
    if not tables and not faults:
        where = ", ".join(str(p.name or p) for p in paths)
        faults.append(fault(where, "nothing_found", scope="file", params={"known": _known_names()}))
    if faults:
        raise ImportFileError(faults)
    return Sources(tables=tuple(tables), ignored=tuple(dict.fromkeys(ignored)))


def _known_names() -> str:
    return ", ".join(names[0] for names in FILE_NAMES.values())


def _file_fault(path: Path, code: Code, line: int = 1, **params: object) -> ImportFault:
    return fault(path.name, code, line=line, scope="file", params=params)


def _files(
    paths: Sequence[Path], ignored: list[str], faults: list[ImportFault]
) -> Iterator[tuple[Path, bool]]:
    """Each file with whether it was named itself; in a folder, files of other kinds are passed over."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.iterdir()):
                hidden = file.name.startswith((".", "~$"))
                if hidden or not file.is_file():
                    continue
                other_toml = file.suffix.lower() == ".toml" and kind_by_name(file.stem) != "employer"
                if file.suffix.lower() in EXTENSIONS and not other_toml:
                    yield file, False
                else:
                    ignored.append(file.name)
        elif not path.exists():
            faults.append(_file_fault(path, "file_missing"))
        elif path.suffix.lower() not in EXTENSIONS:
            faults.append(_file_fault(path, "unknown_extension", known=", ".join(EXTENSIONS)))
        else:
            yield path, True


def _read(path: Path) -> tuple[list[Table], list[str]]:
    """The tables of one file, and the sheets that were passed over."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImportFileError([_file_fault(path, "too_large", limit=MAX_BYTES // 1_000_000)])
        data = path.read_bytes()
    except OSError as error:
        raise ImportFileError([_file_fault(path, "unreadable", why=error.strerror or "")]) from error
    if not data.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise ImportFileError([_file_fault(path, "empty_file")])
    match path.suffix.lower():
        case ".xlsx":
            return _workbook_tables(path, data)
        case ".toml":
            return [_toml_table(path, _decode(path, data))], []
        case _:
            return _text_table(path, _decode(path, data)), []


def _workbook_tables(path: Path, data: bytes) -> tuple[list[Table], list[str]]:
    sheets = read_workbook(path.name, data)
    tables: list[Table] = []
    ignored: list[str] = []
    for name, rows in sheets:
        alone = len(sheets) == 1
        kind = kind_by_name(name) or (kind_by_name(path.stem) if alone else None)
        table = _table(kind, path.name if alone else f"{path.name} [{name}]", rows)
        if table is None:
            ignored.append(f"{path.name} [{name}]")
        else:
            tables.append(table)
    return tables, ignored


def _text_table(path: Path, text: str) -> list[Table]:
    kind = kind_by_name(path.stem)
    table = _table(kind, path.name, _csv_rows(path, text, kind))
    return [table] if table else []


def _table(kind: Kind | None, file: str, rows: list[Row]) -> Table | None:
    """The first row that holds anything is the headings; blank rows are no rows."""
    filled = [row for row in rows if any(row.cells)]
    if not filled:
        if kind is None:
            return None
        raise ImportFileError([fault(file, "empty_file", scope="file")])
    headings = filled[0].cells
    while headings and not headings[-1]:
        headings = headings[:-1]
    kind = kind or kind_by_headings(headings)
    if kind is None:
        return None
    return Table(kind=kind, file=file, header_line=filled[0].line, columns=headings, rows=tuple(filled[1:]))


# --- text ---------------------------------------------------------------------------------------------


def _decode(path: Path, data: bytes) -> str:
    """A byte-order mark decides; else zero bytes mean UTF-16; then UTF-8, then cp1252 if it gives words."""
    try:
        if data.startswith(codecs.BOM_UTF8):
            return data.decode("utf-8-sig")
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        if b"\x00" in data:
            # Headings are mostly ASCII, so one byte of each pair is zero: the second one in little-endian.
            even, odd = data[0:200:2].count(0), data[1:200:2].count(0)
            if min(even, odd) * 5 > max(even, odd):
                raise ImportFileError(
                    [_file_fault(path, "undecodable", line=data.count(b"\n", 0, data.index(0)) + 1)]
                )
            return data.decode("utf-16-le" if odd > even else "utf-16-be")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252")
            if _WRONG_CODE_PAGE.search(text):
                raise
            return text
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ImportFileError([_file_fault(path, "undecodable", line=line)]) from error


def _csv_rows(path: Path, text: str, kind: Kind | None) -> list[Row]:
    lines = text.splitlines(keepends=True)
    offset, delimiter = 0, None
    if lines and (told := re.fullmatch(r'"?sep=(.)"?\s*', lines[0])):
        # Excel writes the delimiter on a line of its own.
        offset, delimiter = 1, told.group(1)
        text = "".join(lines[1:])
    heading = next((line for line in lines[offset:] if line.strip()), "")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(heading, kind), strict=True
    )
    rows: list[Row] = []
    start = 1
    try:
        for cells in reader:
            rows.append(Row(line=start + offset, cells=tuple(clean(c) for c in cells)))
            start = reader.line_num + 1
    except csv.Error as error:
        code: Code = "too_long" if "field larger" in str(error) else "broken_quote"
        raise ImportFileError([_file_fault(path, code, line=start + offset)]) from error
    return rows


def _delimiter(heading: str, kind: Kind | None) -> str:
    """The one of ; tab and , that gives the most known headings; the first of them when none does better."""
    kinds = [kind] if kind else list(FILE_NAMES)

    def known(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip('" ') for cell in heading.split(delimiter)]
        return max(sum(field_of(k, cell) is not None for cell in cells) for k in kinds), len(cells)

    return max((";", "\t", ","), key=known)


def _toml_table(path: Path, text: str) -> Table:
    """A TOML file as a table of one row; a key stands for a heading."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE_IN_MESSAGE.search(str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise ImportFileError([_file_fault(path, "bad_toml", line=line)]) from error
    lines = text.splitlines()

    def line_of(key: str) -> int:
        starts = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.\]]|\s*\[+\s*["']?{re.escape(key)}\b""")
        return next((n for n, line in enumerate(lines, 1) if starts.match(line)), 1)

    return Table(
        kind="employer",
        file=path.name,
        columns=tuple(values),
        rows=(Row(line=1, cells=tuple(_toml_text(v) for v in values.values())),),
        column_lines=tuple(line_of(key) for key in values),
    )


def _toml_text(value: object) -> str:
    if isinstance(value, bool):
        return "ja" if value else "nei"
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return clean(str(value))
