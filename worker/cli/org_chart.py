"""What `forsvarlig org show` shows: an employer on one day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from activities.language import N_, _, format_number
from activities.words import capital, listed
from worker.cli.handing import away, handed_on
from worker.cli.tables import Column, heading, indented, mark, plain, stacked, table, then, unheaded
from worker.cli.words import PROFILES, finding, role_name, whole_day
from workflows.rules.findings import examine
from workflows.rules.law import LegalRegister, Threshold
from workflows.rules.organisation import Assignment, Duties, Organisation, Role, Unit


class Duty(NamedTuple):
    """A duty that follows from size: whether it is there, and the threshold it is measured by."""

    name: str
    there: bool
    people: int | Fraction
    threshold: Threshold


DUTIES: Mapping[str, tuple[str, str]] = {
    "safety_rep": (N_("verneombud"), "safety_rep"),
    "wec": (N_("arbeidsmiljøutvalg (AMU)"), "wec"),
    "whistleblowing_routine": (N_("varslingsrutine"), "whistleblowing_routine"),
    "section_8_1": (N_("informasjon og drøfting"), "section_8_1"),
    "ldl_26": (N_("redegjørelse for likestilling"), "ldl_26_private"),
}
"""The duties of `Duties` with the threshold that is shown for each."""


def duties_on(organisation: Organisation, law: LegalRegister, day: date) -> tuple[Duties, tuple[Duty, ...]]:
    """The duties of the employer on `day`; `LawError` for a day before the register begins."""
    found = organisation.duties(law, day)
    rows = []
    for field, (name, id) in DUTIES.items():
        if field == "wec" and found.wec_by == "demand":
            id = "wec_on_demand"
        threshold = law.threshold(id, day)
        by_average = threshold.counting == "year_average_20h"
        count = found.year_average_20h if by_average else found.most_this_year
        rows.append(Duty(name, getattr(found, field), count, threshold))
    return found, tuple(rows)


def document(
    organisation: Organisation, names: Mapping[str, str], law: LegalRegister, day: date
) -> dict[str, Any]:
    """The employer on `day`, for programs."""
    duties, rows = duties_on(organisation, law, day)
    return {
        "employer": organisation.employer,
        "org_number": organisation.org_number,
        "name": organisation.name,
        "sector": organisation.sector,
        "on": day,
        "units": [
            {
                "id": unit.id,
                "name": unit.name,
                "parent": unit.parent,
                "area": unit.area,
                "people": _headcount(organisation, unit.id, day),
                "roles": _roles(organisation, names, unit, day),
            }
            for unit in organisation.units_on(day)
        ],
        "areas": [area.model_dump() for area in organisation.areas],
        "roles": _roles(organisation, names, None, day),
        "absences": [a.model_dump() for a in organisation.absences if a.holds_on(day)],
        "delegations": [d.model_dump() for d in organisation.delegations if d.holds_on(day)],
        "people": duties.everyone,
        "most_this_year": duties.most_this_year,
        "year_average_20h": round(float(duties.year_average_20h), 2),
        "profile": duties.profile,
        "ohs": duties.ohs,
        "duties": [
            {
                "duty": field,
                "there": row.there,
                "people": round(float(row.people), 2),
                "threshold": row.threshold.value,
                "comparison": row.threshold.comparison,
                "counting": row.threshold.counting,
                "provision": row.threshold.provision,
            }
            for field, row in zip(DUTIES, rows, strict=True)
        ],
        "findings": [
            {
                "severity": found.severity,
                "code": found.code,
                "place": found.place,
                **finding(found, organisation, names)._asdict(),
            }
            for found in examine(organisation, law, day)
        ],
    }


def chart(
    organisation: Organisation, names: Mapping[str, str], law: LegalRegister, day: date
) -> RenderableType:
    """The employer on `day`, for people."""
    duties, rows = duties_on(organisation, law, day)
    title = Text.assemble(
        (organisation.name, "bold"), f"  {organisation.employer}, {organisation.org_number}"
    )
    return stacked(
        title.append("  " + whole_day(day), "dim"),
        plain(""),
        _tree(organisation, names, day),
        heading(_("For hele virksomheten")),
        indented(unheaded(_employer_roles(organisation, names, day))),
        *_elsewhere(organisation, names, day),
        heading(_("Størrelse")),
        indented(unheaded(_counts(organisation, duties))),
        heading(_("Plikter som følger av størrelsen")),
        indented(_duty_table(rows, law, day)),
        *_findings(organisation, names, law, day),
    )


# --- units and roles ------------------------------------------------------------------------------------


def _tree(organisation: Organisation, names: Mapping[str, str], day: date) -> Tree:
    units = organisation.units_on(day)
    ids = {unit.id for unit in units}
    tree = Tree(plain(_("Enheter"), "bold"), guide_style="dim")

    def grow(branch: Tree, parent: str | None) -> None:
        for unit in units:
            if (unit.parent if unit.parent in ids else None) == parent:
                grow(branch.add(_unit(organisation, names, unit, day)), unit.id)

    grow(tree, None)
    return tree


def _unit(organisation: Organisation, names: Mapping[str, str], unit: Unit, day: date) -> Text:
    people = _headcount(organisation, unit.id, day)
    line = Text.assemble((unit.name, "bold"), f"  {people}" if people else "")
    areas = {area.id: area.name for area in organisation.areas}
    if unit.area is not None:
        line.append("  " + _("verneområde {area}").format(area=areas.get(unit.area, unit.area)), "dim")
    for role in _roles(organisation, names, unit, day):
        holders = listed(_with_substitute(organisation, names, p["id"], day) for p in role["people"])
        line.append(f"\n{role_name(Role(role['role']))}: ", "dim").append(holders)
    return line


def _headcount(organisation: Organisation, unit: str, day: date) -> int:
    return len({e.person for e in organisation.employments if e.unit == unit and e.holds_on(day)})


def _roles(
    organisation: Organisation, names: Mapping[str, str], unit: Unit | None, day: date
) -> list[dict[str, Any]]:
    """Who is assigned to a role for the unit or its safety area, or for the employer itself."""

    def here(a: Assignment) -> bool:
        if unit is None:
            return a.unit is None and a.area is None
        return a.unit == unit.id or (a.area is not None and a.area == unit.area)

    held: dict[Role, list[str]] = {}
    for assignment in organisation.assignments:
        if assignment.holds_on(day) and here(assignment):
            held.setdefault(assignment.role, []).append(assignment.person)
    order = list(Role)
    return [
        {
            "role": role.value,
            "people": [{"id": id, "name": names.get(id, id)} for id in dict.fromkeys(held[role])],
        }
        for role in sorted(held, key=order.index)
    ]


def _employer_roles(
    organisation: Organisation, names: Mapping[str, str], day: date
) -> Iterator[tuple[Text, Text]]:
    for role in _roles(organisation, names, None, day):
        people = [_with_substitute(organisation, names, person["id"], day) for person in role["people"]]
        yield plain(capital(role_name(Role(role["role"])))), plain(listed(people))


def _elsewhere(organisation: Organisation, names: Mapping[str, str], day: date) -> Iterator[RenderableType]:
    """Who is away and who has handed something on that day, and until when."""
    absences = [a for a in organisation.absences if a.holds_on(day)]
    delegations = [d for d in organisation.delegations if d.holds_on(day)]
    if absences or delegations:
        yield heading(_("Borte, og fullmakter"))
    for absence in absences:
        yield indented(plain(away(absence, names)))
    for delegation in delegations:
        yield indented(plain(handed_on(delegation, organisation, names)))


def _with_substitute(organisation: Organisation, names: Mapping[str, str], person: str, day: date) -> str:
    name = names.get(person, person)
    away = next((a for a in organisation.absences if a.person == person and a.holds_on(day)), None)
    if away is None:
        return name
    if away.substitute is None:
        return _("{name} (borte)").format(name=name)
    return _("{name} (borte, vikar {substitute})").format(
        name=name, substitute=names.get(away.substitute, away.substitute)
    )


# --- size and duties ------------------------------------------------------------------------------------


def _counts(organisation: Organisation, duties: Duties) -> Iterator[tuple[str, str]]:
    yield _("Alle som arbeider her denne dagen"), format_number(duties.everyone)
    yield _("Flest så langt i år (teller for de fleste pliktene)"), format_number(duties.most_this_year)
    average = format_number(round(float(duties.year_average_20h), 1))
    yield (
        _("Snitt i {year}, 20 timer i uken eller mer (teller for AMU)").format(year=duties.on.year - 1),
        average,
    )
    yield _("Ordning"), _(PROFILES[duties.profile.value])


def _duty_table(rows: tuple[Duty, ...], law: LegalRegister, day: date) -> RenderableType:
    columns = [
        Column(_("Plikt")),
        Column(_("Gjelder"), fixed=True),
        Column(_("Grense"), fixed=True),
        Column(_("Her"), fixed=True, right=True),
        Column(_("Kilde"), style="dim"),
    ]
    return table(columns, [_duty_row(row, law, day) for row in rows])


def _duty_row(row: Duty, law: LegalRegister, day: date) -> tuple[str, ...]:
    threshold = row.threshold
    limit = _("minst {count}") if threshold.comparison == "at_least" else _("over {count}")
    return (
        _(row.name),
        _("ja") if row.there else _("nei"),
        limit.format(count=threshold.value),
        format_number(round(float(row.people), 1)),
        law.provision(threshold.provision, day).section,
    )


def _findings(
    organisation: Organisation, names: Mapping[str, str], law: LegalRegister, day: date
) -> Iterator[RenderableType]:
    found = examine(organisation, law, day)
    if not found:
        return
    yield heading(_("Verdt å vite"))
    for one in found:
        told = finding(one, organisation, names)
        yield mark(one.severity, told.problem)
        yield plain("  " + told.remedy, "dim")
    if any(one.severity == "error" for one in found):
        yield then(_("Gjør dette:"), _("forsvarlig org import MAPPE"))
