"""Reading XLSX: every visible sheet as rows of text."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime

from python_calamine import CalamineWorkbook, SheetVisibleEnum

from activities.directory.faults import ImportFileError, fault
from activities.directory.tables import Row, clean

MAX_UNPACKED = 200_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 200

_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,8})(\d{1,20})["']""")


def read_workbook(file: str, data: bytes) -> list[tuple[str, list[Row]]]:
    """The visible sheets with their rows; `ImportFileError` when it is no workbook or larger than is safe."""
    try:
        fits = _fits(data)
        sheets = _sheets(data) if fits else []
    # A damaged archive makes the readers raise whatever the damaged byte leads to.
    except Exception as error:
        raise ImportFileError([fault(file, "not_a_workbook", scope="file")]) from error
    if not fits:
        limit = MAX_UNPACKED // 1_000_000
        raise ImportFileError([fault(file, "too_large", scope="file", params={"limit": limit})])
    return sheets


def _sheets(data: bytes) -> list[tuple[str, list[Row]]]:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    visible = [m.name for m in workbook.sheets_metadata if m.visible == SheetVisibleEnum.Visible]
    return [
        (
            name,
            [
                Row(line=line, cells=tuple(_text(cell) for cell in cells))
                for line, cells in enumerate(
                    workbook.get_sheet_by_name(name).to_python(skip_empty_area=False), 1
                )
            ],
        )
        for name in visible
    ]


def _fits(data: bytes) -> bool:
    """Whether the workbook can be laid out in memory.

    The reader lays a sheet out as one rectangle, so that a single cell far out ends the whole process.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
            return False
        for member in archive.infolist():
            if member.filename.lower().endswith(".xml"):
                for column, row in _REFERENCE.findall(archive.read(member)):
                    if int(row) > MAX_ROWS or _column_number(column) > MAX_COLUMNS:
                        return False
    return True


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _text(value: object) -> str:
    """A cell as text: whole numbers without a point, dates as 2026-01-31."""
    if isinstance(value, bool):
        return "ja" if value else "nei"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return clean(str(value))
