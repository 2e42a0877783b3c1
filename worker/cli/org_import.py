"""What `forsvarlig org import` shows: the faults of the files, or the changes they bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Literal, Self

from rich.console import RenderableType
from rich.text import Text

from activities.directory.faults import ImportFault
from activities.directory.importer import ImportResult
from activities.directory.messages import TEXTS
from activities.directory.people import PersonCard
from activities.directory.preview import Change, PersonLine, Preview, RoleLine, UnitLine, preview
from activities.directory.rows import IgnoredColumn
from activities.language import N_, _, ngettext
from worker.cli.frame import console, emit, frame
from worker.cli.tables import Column, heading, indented, mark, plain, stacked, table, then, unheaded
from worker.cli.words import Told, day_and_year, finding, role_name, whole_day
from workflows.rules.base import Frozen
from workflows.rules.organisation import Organisation

SHOWN = 8
"""Rows of each kind that are shown unless --verbose is given."""

OWN_FIELDS = {
    "name": N_("navn"),
    "org_number": N_("organisasjonsnummer"),
    "sector": N_("sektor"),
    "ohs_required": N_("plikt til bedriftshelsetjeneste"),
    "wec_demanded": N_("AMU krevd"),
    "ldl_26_demanded": N_("redegjørelse krevd"),
}
DETAILS = {
    "name": N_("navn"),
    "email": N_("e-post"),
    "language": N_("språk"),
    "external_key": N_("ansattnr"),
    "unit": N_("enhet"),
    "kind": N_("ansettelse"),
    "hours": N_("timer per uke"),
    "parent": N_("overordnet"),
    "area": N_("verneområde"),
    "dates": N_("datoer"),
}


class OwnChange(Frozen):
    """A change in what is known of the employer itself."""

    field: str
    before: str
    after: str


class Caution(Frozen):
    """A finding that does not stop the import."""

    code: str
    place: str
    message: str
    remedy: str


class Proposal(Frozen):
    """What an import would do."""

    employer: str
    name: str
    org_number: str
    new: bool
    own: tuple[OwnChange, ...]
    preview: Preview
    warnings: tuple[Caution, ...]
    skipped: tuple[ImportFault, ...]
    ignored_columns: tuple[IgnoredColumn, ...]
    ignored_files: tuple[str, ...]
    nothing_new: bool
    units: dict[str, str]
    areas: dict[str, str]

    @classmethod
    def of(
        cls,
        result: ImportResult,
        before: Organisation | None,
        cards: Sequence[PersonCard],
        ignored_files: Sequence[str],
    ) -> Self:
        """The proposal of a result that has an organisation."""
        after = result.organisation
        if after is None:
            raise ValueError("an import with faults proposes nothing")
        names = {card.id: card.name for card in result.people}
        told = [(found, finding(found, after, names)) for found in result.warnings]
        return cls(
            employer=after.employer,
            name=after.name,
            org_number=after.org_number,
            new=before is None,
            own=tuple(_own_changes(before, after)) if before else (),
            preview=preview(before, after, cards, result.people),
            warnings=tuple(_warning(found.code, found.place, text) for found, text in told),
            skipped=result.faults,
            ignored_columns=result.ignored_columns,
            ignored_files=tuple(ignored_files),
            nothing_new=after == before and {c.id: c for c in cards} == {c.id: c for c in result.people},
            units={unit.id: unit.name for unit in after.units},
            areas={area.id: area.name for area in after.areas},
        )


def _warning(code: str, place: str, told: Told) -> Caution:
    return Caution(code=code, place=place, message=told.problem, remedy=told.remedy)


def _own_changes(before: Organisation, after: Organisation) -> Iterator[OwnChange]:
    for field in OWN_FIELDS:
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield OwnChange(field=field, before=_value(was), after=_value(now))


def _value(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _("ja") if value else _("nei")
        case "private":
            return _("privat")
        case "public":
            return _("offentlig")
        case date():
            return whole_day(value)
    return str(value)


# --- faults ---------------------------------------------------------------------------------------------


def show_faults(faults: Sequence[ImportFault], ignored: Sequence[IgnoredColumn]) -> None:
    """Every fault with its place, on standard output; the failure itself follows on standard error."""
    emit(
        "org-import",
        {"imported": False, "faults": [_fault_document(fault) for fault in faults]},
        table=lambda: stacked(_fault_table(faults), *_ignored(ignored, ())),
    )


def _fault_document(fault: ImportFault) -> dict[str, object]:
    return {**fault.model_dump(exclude={"params"}), "message": _reason(fault)}


def _reason(fault: ImportFault) -> str:
    return _(TEXTS[fault.code]).format(**dict(fault.params))


def _fault_table(faults: Iterable[ImportFault]) -> RenderableType:
    columns = [
        Column(_("Fil")), Column(_("Linje"), fixed=True, right=True), Column(_("Kolonne")),
        Column(_("Hva som er galt, og hva du gjør"), share=1),
    ]  # fmt: skip
    rows = [(f.file, str(f.line), f.column or "", _reason(f)) for f in faults]
    return table(columns, rows)


# --- the proposal ---------------------------------------------------------------------------------------


def show(proposal: Proposal) -> None:
    """Print what would be changed, for a person to look at."""
    console().print(stacked(*_lines(proposal)))


def _lines(proposal: Proposal) -> Iterator[RenderableType]:
    title = Text.assemble((proposal.name, "bold"), f"  {proposal.employer}, {proposal.org_number}")
    yield title.append("  " + _("ny virksomhet"), "green") if proposal.new else title
    if proposal.own:
        yield heading(_("Om virksomheten"))
        for own in proposal.own:
            yield plain("  " + _change(_(OWN_FIELDS[own.field]), own.before, own.after))
    found = proposal.preview
    for title_text, sign, lines in (
        (N_("Nye enheter"), "+", [_unit(u) for u in found.units_added]),
        (N_("Endrede enheter"), "~", [_unit(u, proposal) for u in found.units_changed]),
        (N_("Nedlagte enheter"), "−", [_unit(u, ends=True) for u in found.units_closed]),
        (N_("Nye personer"), "+", [_person(p) for p in found.people_added]),
        (N_("Endrede personer"), "~", [_person(p, proposal) for p in found.people_changed]),
        (N_("Personer som slutter"), "−", [_person(p, ends=True) for p in found.people_left]),
        (N_("Nye roller"), "+", [_role(r, proposal) for r in found.roles_gained]),
        (N_("Roller som slutter"), "−", [_role(r, proposal, ends=True) for r in found.roles_lost]),
    ):
        if lines:
            yield heading(f"{_(title_text)} ({len(lines)})")
            yield from _some(sign, lines)
    if proposal.warnings:
        yield heading(_("Verdt å vite"))
        for warning in proposal.warnings:
            yield mark("warning", warning.message)
            yield plain("  " + warning.remedy, "dim")
    if proposal.skipped:
        yield heading(_("Rader som ikke blir med ({count})").format(count=len(proposal.skipped)))
        yield _fault_table(proposal.skipped)
    yield from _ignored(proposal.ignored_columns, proposal.ignored_files)


def _some(sign: str, lines: Sequence[tuple[str, str]]) -> Iterator[RenderableType]:
    shown = lines if frame().verbose else lines[:SHOWN]
    style = {"+": "green", "−": "red", "~": "yellow"}[sign]
    rows = [(Text.assemble((sign, style), " ", name), plain(rest, "dim")) for name, rest in shown]
    yield indented(unheaded(rows))
    if rest := len(lines) - len(shown):
        yield plain("    " + _("… og {count} til (-v viser alle)").format(count=rest), "dim")


def _unit(line: UnitLine, proposal: Proposal | None = None, *, ends: bool = False) -> tuple[str, str]:
    return line.name, _details(line.day, line.changes, proposal, ends=ends)


def _person(line: PersonLine, proposal: Proposal | None = None, *, ends: bool = False) -> tuple[str, str]:
    return f"{line.name} ({line.external_key})", _details(line.day, line.changes, proposal, ends=ends)


def _role(line: RoleLine, proposal: Proposal, *, ends: bool = False) -> tuple[str, str]:
    where = proposal.units.get(line.unit or "") or proposal.areas.get(line.area or "")
    role = f"{role_name(line.role)}, {where}" if where else role_name(line.role)
    return f"{line.name}: {role}", _details(line.day, (), None, ends=ends)


def _details(day: date | None, changes: Sequence[Change], proposal: Proposal | None, *, ends: bool) -> str:
    """The changes, and from when; of what ends, `day` is the first day without it."""
    units = proposal.units | proposal.areas if proposal else {}
    told = [
        _change(_(DETAILS[c.detail]), units.get(c.before, c.before), units.get(c.after, c.after))
        for c in changes
    ]
    if day is not None and ends:
        told.append(_("siste dag {day}").format(day=day_and_year(day - timedelta(days=1))))
    elif day is not None:
        told.append(_("fra {day}").format(day=day_and_year(day)))
    return "; ".join(told)


def _change(what: str, before: str, after: str) -> str:
    return f"{what}: {before or '–'} → {after or '–'}"


def _ignored(columns: Sequence[IgnoredColumn], files: Sequence[str]) -> Iterator[RenderableType]:
    told = [_("{file}, kolonne «{column}»").format(file=c.file, column=c.column) for c in columns]
    if told or files:
        yield plain("")
        yield plain(_("Ikke lest: {what}.").format(what=", ".join([*files, *told])), "dim")


# --- afterwards -----------------------------------------------------------------------------------------


def done(
    proposal: Proposal,
    *,
    imported: bool,
    years: Sequence[int],
    next_year: int,
    why: Literal["", "dry_run", "nothing_new"] = "",
) -> None:
    """Say what became of it, and what to do next; for programs, everything in one document."""
    document = {
        "imported": imported,
        "reason": why or None,
        "employer": proposal.employer,
        "new": proposal.new,
        "counts": proposal.preview.counts,
        "own_changes": proposal.own,
        "changes": proposal.preview,
        "warnings": proposal.warnings,
        "skipped_rows": [_fault_document(fault) for fault in proposal.skipped],
        "ignored_columns": proposal.ignored_columns,
        "ignored_files": proposal.ignored_files,
        "running_years": years,
    }
    emit(
        "org-import", document, table=lambda: stacked(*_afterwards(proposal, imported, years, next_year, why))
    )


def _afterwards(
    proposal: Proposal, imported: bool, years: Sequence[int], next_year: int, why: str
) -> Iterator[RenderableType]:
    yield plain("")
    if not imported:
        text = {
            "dry_run": _("Prøvd: ingenting er skrevet."),
            "nothing_new": _("Alt er som før. Ingenting er skrevet."),
        }[why]
        yield plain(text)
        return
    yield mark("ok", _("{name} er lest inn.").format(name=proposal.name))
    if years:
        said = ngettext(
            "Året {years} kjører og følger den nye organisasjonen.",
            "Årene {years} kjører og følger den nye organisasjonen.",
            len(years),
        )
        yield plain("  " + said.format(years=", ".join(map(str, years))))
        yield then(_("Gjør dette:"), f"forsvarlig year show {years[-1]}")
    else:
        yield then(_("Se den:"), f"forsvarlig org show {proposal.employer}")
        yield then(_("Prøv et år:"), f"forsvarlig plan {next_year}")
