"""What can be wrong with the files of an employer, as data. The texts are in `messages`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from activities.directory.national_ids import mask
from workflows.rules.base import Frozen

Code = Literal[
    # a file as a whole
    "bad_toml", "broken_quote", "empty_file", "file_missing", "no_rows", "not_a_workbook", "nothing_found",
    "too_large", "two_files", "undecodable", "unknown_extension", "unknown_kind", "unreadable",
    "missing_column", "missing_file", "duplicate_column", "other_employer", "one_employer",
    # a column
    "national_id_column",
    # a row
    "ambiguous_unit", "bad_characters", "bad_date", "bad_email", "bad_hours", "bad_id", "bad_org_number",
    "bad_percentage", "duplicate_email", "duplicate_person", "duplicate_role", "duplicate_unit",
    "external_in_unit", "missing_unit", "missing_value", "national_id", "own_substitute", "person_skipped",
    "role_after_leaving",
    "role_needs_area", "role_needs_unit", "role_takes_no_area", "role_takes_no_unit", "too_long",
    "too_many_cells",
    "unit_closed", "unit_skipped", "unknown_area", "unknown_choice", "unknown_person", "unknown_role",
    "unknown_unit", "until_before_since",
    # the organisation as a whole (Organisation.findings)
    "conflicting_roles", "inconsistent", "no_top_manager", "substitute_loop", "unit_loop",
]  # fmt: skip

Scope = Literal["row", "column", "file"]

SHOWN = 60
"""The most characters of a cell that a message repeats."""


class ImportFault(Frozen):
    """One thing to mend before the files can be imported.

    `line` counts from 1 as a text editor or a spreadsheet shows it; `column` is the heading as it stands in
    the file. A fault of scope `row` can be left out by choice together with its row, one of scope `column`
    with its column; one of scope `file` must be mended. `params` are the named values of the message; they
    never hold a national identity number.
    """

    file: str
    line: int = 1
    column: str | None = None
    code: Code
    scope: Scope = "row"
    params: tuple[tuple[str, str], ...] = ()


def fault(
    file: str,
    code: Code,
    *,
    line: int = 1,
    column: str | None = None,
    scope: Scope = "row",
    params: Mapping[str, object] = MappingProxyType({}),
) -> ImportFault:
    """A fault whose every text is masked and cut short, so that no message can give a number away."""
    return ImportFault(
        file=mask(file),
        line=line,
        column=None if column is None else shown(column),
        code=code,
        scope=scope,
        params=tuple((name, shown(str(value))) for name, value in params.items()),
    )


def shown(text: str) -> str:
    """`text` as a message may repeat it: one line, no control characters, no long numbers, cut short."""
    text = "".join(c if c.isprintable() else " " for c in mask(text))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


class ImportFileError(Exception):
    """Files that cannot be read at all; `faults` says which and why."""

    def __init__(self, faults: Sequence[ImportFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.file}:{f.line}: {f.code}" for f in self.faults))
