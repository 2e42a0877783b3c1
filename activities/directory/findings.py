"""The organisation's own errors, told as faults at the rows that make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from activities.directory.faults import ImportFault, fault
from activities.directory.picture import Tables
from workflows.rules.findings import Finding
from workflows.rules.organisation import EMPLOYEE_SIDE, EMPLOYER_SIDE


def organisation_faults(findings: Sequence[Finding], tables: Tables, *, whole: bool) -> Iterator[ImportFault]:
    """A fault of scope `file` for each error: a person must choose what is right.

    Unless `whole`, only errors that come from good rows; the others may vanish when the bad rows are mended.
    """
    from_good_rows = ("unit_loop", "conflicting_roles", "substitute_loop")
    for finding in findings:
        if finding.severity == "error" and (whole or finding.code in from_good_rows):
            yield _at_its_row(finding, tables).model_copy(update={"scope": "file"})


def _at_its_row(finding: Finding, tables: Tables) -> ImportFault:
    match finding.code:
        case "unit_loop":
            line = tables.units.line_of(finding.place)
            path = " → ".join(finding.detail)
            if line is not None:
                return line.fault_here("unit_loop", "parent", path=path)
            return fault("enheter", "unit_loop", params={"path": path})
        case "conflicting_roles":
            return _conflict(finding, tables)
        case "substitute_loop":
            key = tables.people.external_key(finding.place)
            for line, absence in tables.absences.lines:
                if absence.person == finding.place:
                    return line.fault_here("substitute_loop", "substitute", person=key)
            return fault("fravær", "substitute_loop", params={"person": key})
        case "no_top_manager":
            return fault(tables.roles.file or "roller", "no_top_manager")
        case _:
            return fault("enheter", "inconsistent", params={"finding": finding.code, "place": finding.place})


def _conflict(finding: Finding, tables: Tables) -> ImportFault:
    """At the later of the two rows; when one of the roles is only known from before, at the other one."""
    key = tables.people.external_key(finding.place)
    rows = [(line, a.role) for line, a in tables.roles.lines if a.person == finding.place]
    elected = [line for line, role in rows if role in EMPLOYEE_SIDE]
    employer = [line for line, role in rows if role in EMPLOYER_SIDE]
    both = sorted([*elected[:1], *employer[:1]], key=lambda line: line.row.line)
    if not both:
        return fault(
            tables.roles.file or "roller",
            "conflicting_roles",
            params={"person": key, "role": " + ".join(finding.detail)},
        )
    roles = " + ".join(line.cell("role") for line in both)
    return both[-1].fault_here("conflicting_roles", "role", person=key, role=roles)
