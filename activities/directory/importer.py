"""From the files of an employer to its organisation and directory.

The files are a full picture of the present: who is not in them any more has left. A table that is not among
the files (a weekly list of people alone, say) leaves its part of the organisation as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from activities.directory.cells import BadCell, day_of
from activities.directory.columns import TABLES, Kind
from activities.directory.faults import ImportFault, fault
from activities.directory.findings import organisation_faults
from activities.directory.people import PersonCard
from activities.directory.picture import PARTS, Tables, lay
from activities.directory.read_people import folded_key, read_people
from activities.directory.read_roles import keys_in, read_absences, read_roles
from activities.directory.read_units import read_employer, read_units
from activities.directory.rows import IgnoredColumn, Reading
from activities.directory.tables import Sources
from workflows.rules.base import Frozen
from workflows.rules.findings import Finding, examine
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Organisation

FIRST_IMPORT_NEEDS: Mapping[Kind, str] = {"employer": "virksomhet", "units": "enheter", "people": "personer"}


class SkippedRow(Frozen):
    """A bad row that was left out by choice."""

    file: str
    line: int


class ImportResult(Frozen):
    """What an import would give. `organisation` is ``None`` while something must be mended first.

    `faults` are all that was found, also those whose rows were skipped; `warnings` are the organisation's own
    on the day of the import. `people` are the cards of everyone in the files and of everyone known before.
    """

    organisation: Organisation | None
    people: tuple[PersonCard, ...] = ()
    faults: tuple[ImportFault, ...] = ()
    warnings: tuple[Finding, ...] = ()
    ignored_columns: tuple[IgnoredColumn, ...] = ()
    skipped_rows: tuple[SkippedRow, ...] = ()


def build(
    sources: Sources,
    existing: Organisation | None,
    existing_people: Sequence[PersonCard],
    *,
    law: LegalRegister,
    today: date,
    skip_bad_rows: bool = False,
) -> ImportResult:
    """Read the tables, lay them on what is known, and say what is wrong.

    Person ids are `p0001`, `p0002` … in order of first appearance and stay with the employer's own number
    (ansattnr). Time slices of `existing` end and are never deleted: who or what the files leave out ends
    `today`. With `skip_bad_rows` the rows and columns at fault are left out, and people and units that only
    stand in such rows stay as they were; faults of scope `file` must always be mended.
    """
    faults: list[ImportFault] = []
    readings = {table.kind: Reading(table, faults) for table in sources.tables}
    organisation: Organisation | None = None
    cards: tuple[PersonCard, ...] = ()
    findings: tuple[Finding, ...] = ()
    tables = _read(readings, existing, existing_people, faults, today, skip_bad_rows)
    if tables is not None:
        organisation = lay(tables, existing, today)
        whole = skip_bad_rows or not faults
        findings = examine(organisation, law, today)
        faults += organisation_faults(findings, tables, whole=whole)
        cards = tables.people.cards()
    order = {table.file: list(TABLES).index(table.kind) for table in sources.tables}
    faults.sort(key=lambda f: (order.get(f.file, -1), f.line))
    if organisation is None or any(f.scope == "file" or not skip_bad_rows for f in faults):
        organisation, cards, findings = None, (), ()
    skipped = [SkippedRow(file=f.file, line=f.line) for f in faults if f.scope == "row" and organisation]
    return ImportResult(
        organisation=organisation,
        people=cards,
        faults=tuple(faults),
        warnings=tuple(finding for finding in findings if finding.severity == "warning"),
        ignored_columns=tuple(column for reading in readings.values() for column in reading.ignored),
        skipped_rows=tuple(dict.fromkeys(skipped)),
    )


def _read(
    readings: Mapping[Kind, Reading],
    existing: Organisation | None,
    existing_people: Sequence[PersonCard],
    faults: list[ImportFault],
    today: date,
    skipping: bool,
) -> Tables | None:
    """All tables; ``None`` when one is missing or lacks a column, or when the employer cannot be told."""
    absent = [name for kind, name in FIRST_IMPORT_NEEDS.items() if existing is None and kind not in readings]
    faults += [fault(name, "missing_file", scope="file") for name in absent]
    if absent or not all(reading.complete for reading in readings.values()):
        return None
    fields = _employer_fields(readings.get("employer"), existing, faults)
    units = read_units(
        readings.get("units"), existing, first_day=_first_day(readings, today), today=today, skipping=skipping
    )
    with_roles = keys_in(readings.get("roles"))
    if "roles" not in readings and existing is not None:
        holders = {a.person for a in existing.assignments}
        with_roles |= {folded_key(card.external_key) for card in existing_people if card.id in holders}
    people = read_people(
        readings.get("people"),
        existing,
        existing_people,
        units,
        keys_with_roles=with_roles,
        skipping=skipping,
    )
    roles = read_roles(
        readings.get("roles"), existing.assignments if existing else (), units, people, today=today
    )
    absences = read_absences(readings.get("absences"), people)
    return None if fields is None else Tables(fields, units, people, roles, absences)


def _employer_fields(
    reading: Reading | None, existing: Organisation | None, faults: list[ImportFault]
) -> dict[str, Any] | None:
    if reading is None:
        return existing.model_dump(exclude=set(PARTS)) if existing else None
    fields = read_employer(reading, existing)
    # Who the employer is cannot be skipped.
    file = reading.table.file
    faults[:] = [
        f.model_copy(update={"scope": "file"}) if f.file == file and f.scope == "row" else f for f in faults
    ]
    return fields


def _first_day(readings: Mapping[Kind, Reading], today: date) -> date:
    """The earliest day that any row begins on."""
    return min([today, *_starts(readings)])


def _starts(readings: Mapping[Kind, Reading]) -> Iterator[date]:
    for kind, reading in readings.items():
        for line in reading.lines if kind in ("units", "people", "roles") else ():
            try:
                yield day_of(line.cell("since"))
            except BadCell:
                continue
