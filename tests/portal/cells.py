"""What a program that opens spreadsheets reads in one."""

from __future__ import annotations

import io
from typing import Any

from python_calamine import CalamineWorkbook


def rows(content: bytes) -> dict[str, list[list[Any]]]:
    """The rows of each sheet, by its name."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
