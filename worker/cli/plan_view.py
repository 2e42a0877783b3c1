"""What `forsvarlig plan` shows: a year that has not been started, with names where they are known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from rich.console import RenderableType
from rich.text import Text

from activities.language import N_, _, current, ngettext
from activities.words import capital, listed
from worker.cli.tables import Cell, Column, heading, indented, mark, plain, stacked, table, then, unheaded
from worker.cli.words import GATES, PROFILES, finding, month_name, role_name, short_day, whole_day
from workflows.rules.base import Frozen
from workflows.rules.findings import Finding, examine
from workflows.rules.gate import responsible
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Holder, Organisation, Profile, Role
from workflows.rules.plan import Entry, PlannedStep, YearPlan, rung_days, timeline
from workflows.rules.plan import plan as planned
from workflows.rules.programme import Programme, Rung

EVENTS: Mapping[str, str] = {
    "opens": N_("åpner"),
    "reminder": N_("påminnelse"),
    "due": N_("frist"),
    "escalation": N_("frist brutt"),
    "withdrawn": N_("faller bort"),
    "left_open": N_("året lukkes"),
}


class Draft(Frozen):
    """A year as it would be: the plan and all that it was made of."""

    year: int
    programme: Programme
    law: LegalRegister
    organisation: Organisation
    names: Mapping[str, str]
    plan: YearPlan
    profile: Profile
    findings: tuple[Finding, ...]

    @classmethod
    def of(
        cls,
        organisation: Organisation,
        names: Mapping[str, str],
        programme: Programme,
        law: LegalRegister,
        year: int,
    ) -> Self:
        """The draft; `ProgrammeError` when the programme does not give a possible year."""
        start = programme.calendar.settle(date(year, 1, 1))
        return cls(
            year=year,
            programme=programme,
            law=law,
            organisation=organisation,
            names=names,
            plan=planned(programme, organisation, law, year),
            profile=organisation.duties(law, start).profile,
            findings=examine(organisation, law, start),
        )

    @classmethod
    def of_files(cls, folder: Path, programme: Programme, law: LegalRegister, year: int, today: date) -> Self:
        """The draft for the employer whose files lie in `folder`; `BadInput` when they have faults."""
        from activities.directory.faults import ImportFileError
        from activities.directory.files import read_sources
        from activities.directory.importer import build
        from worker.cli.plan import faulty_files

        try:
            result = build(read_sources([folder]), None, (), law=law, today=today)
        except ImportFileError as error:
            raise faulty_files(error.faults) from error
        if result.organisation is None:
            raise faulty_files(result.faults)
        names = {card.id: card.name for card in result.people}
        return cls.of(result.organisation, names, programme, law, year)

    @property
    def units(self) -> tuple[str, ...]:
        return self.plan.units

    def only(self, unit: str) -> Self:
        """The same draft with the employer's own steps and those of one unit."""
        steps = tuple(s for s in self.plan.steps if s.cycle.unit in (None, unit))
        return self.model_copy(
            update={"plan": self.plan.model_copy(update={"steps": steps, "units": (unit,)})}
        )

    def owners(self, step: PlannedStep) -> tuple[Holder, ...]:
        """Who is asked for the evidence when the step opens."""
        return responsible(step, self.organisation, "evidence", step.owner, step.opens)

    def asked(self, step: PlannedStep, what: Any, role: Role) -> tuple[Holder, ...]:
        """Who is asked in a slot, as it looks on the day the step is due."""
        return responsible(step, self.organisation, what, role, step.due)

    def name(self, holder: Holder) -> str:
        name = self.names.get(holder.person, holder.person)
        if holder.acting_for is None:
            return name
        return _("{name} for {other}").format(
            name=name, other=self.names.get(holder.acting_for, holder.acting_for)
        )

    def told(self, rung: Rung, step: PlannedStep, day: date) -> tuple[str, ...]:
        """The names of those who hear on `day` that the step is overdue."""
        people: list[Holder] = []
        for to in rung.to:
            people += (
                self.organisation.leader_of(step.owner, step.cycle.unit, day)
                if to == "leader_of_owner"
                else self.organisation.holders(to, step.cycle.unit, day)
            )
        return tuple(dict.fromkeys(self.names.get(h.person, h.person) for h in people))

    def place(self, unit: str | None) -> str:
        return self.organisation.name if unit is None else self.organisation.unit(unit).name


# --- for programs ---------------------------------------------------------------------------------------


def document(draft: Draft) -> dict[str, Any]:
    """The whole draft, every step and every date."""
    return {
        "employer": draft.organisation.employer,
        "name": draft.organisation.name,
        "year": draft.year,
        "programme": {
            "id": draft.programme.id,
            "version": draft.programme.version,
            "hash": draft.programme.content_hash,
        },
        "law": {"version": draft.law.version, "hash": draft.law.content_hash},
        "profile": draft.profile,
        "units": [{"id": unit, "name": draft.place(unit)} for unit in draft.units],
        "closes": draft.plan.closes,
        "year_closes": draft.plan.year_closes,
        "steps": [_step(draft, step) for step in draft.plan.steps],
        "timeline": timeline(draft.programme, draft.plan),
        "findings": draft.findings,
    }


def _step(draft: Draft, step: PlannedStep) -> dict[str, Any]:
    def people(holders: Sequence[Holder]) -> list[dict[str, Any]]:
        return [{**h.model_dump(), "name": draft.names.get(h.person, h.person)} for h in holders]

    return {
        **step.model_dump(exclude={"cycle", "slots", "owner", "participants"}),
        "cycle": step.cycle.id,
        "unit": step.cycle.unit,
        "owner": {"role": step.owner, "people": people(draft.owners(step))},
        "participants": step.participants,
        "gate": [
            {**slot.model_dump(), "people": people(draft.asked(step, slot.kind.value, slot.role))}
            for slot in step.slots
        ],
    }


def as_csv(draft: Draft) -> str:
    """The timeline as a table for a spreadsheet: semicolons, one line an event, in the language spoken."""
    output = io.StringIO()
    writer = csv.writer(output, delimiter=";")
    writer.writerow(
        [_("Dato"), _("Hendelse"), _("Dager"), _("Enhet"), _("Steg"), _("Navn"), _("Rolle"), _("Hvem")]
    )
    steps = {(s.cycle.id, s.key): s for s in draft.plan.steps}
    for entry in timeline(draft.programme, draft.plan):
        step = steps[entry.cycle, entry.step]
        role, who = _csv_who(draft, entry, step)
        writer.writerow(
            _harmless(cell)
            for cell in (
                entry.day.isoformat(), _(EVENTS[entry.event]), str(entry.days or ""),
                draft.place(step.cycle.unit), step.key, step.name.in_(current()), role, who,
            )
        )  # fmt: skip
    return output.getvalue()


def _csv_who(draft: Draft, entry: Entry, step: PlannedStep) -> tuple[str, str]:
    if entry.event == "escalation":
        rungs = rung_days(draft.programme, step.due, draft.plan.closing_day(step.cycle))
        rung = next(rung for rung, day in rungs if day == entry.day)
        return "", ", ".join(draft.told(rung, step, entry.day))
    return role_name(step.owner), ", ".join(draft.name(h) for h in draft.owners(step))


def _harmless(cell: str) -> str:
    """A spreadsheet would run a cell that begins like a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


# --- for people -----------------------------------------------------------------------------------------


class _Line(Frozen):
    """Steps that are alike in every unit they stand in, as one line of the timeline."""

    step: PlannedStep
    units: tuple[str | None, ...]


def wheel(draft: Draft) -> RenderableType:
    """The year month by month, then who is who, and what happens when a due date is missed."""
    programme, plan = draft.programme, draft.plan
    title = Text.assemble((f"{draft.organisation.name} {draft.year}", "bold"))
    about = ngettext(
        "{programme}, versjon {version}. Ordning: {profile}. {steps} steg i alt, {units} enhet.",
        "{programme}, versjon {version}. Ordning: {profile}. {steps} steg i alt, {units} enheter.",
        len(plan.units),
    )
    return stacked(
        title,
        plain(
            about.format(
                programme=programme.name.in_(current()),
                version=programme.version,
                profile=_(PROFILES[draft.profile.value]),
                steps=len(plan.steps),
                units=len(plan.units),
            ),
            "dim",
        ),
        plain(""),
        *_months(draft),
        *_who_is_who(draft),
        heading(_("Når en frist nærmer seg, og når den brytes")),
        *(indented(plain(line)) for line in _ladder(draft)),
        *_findings(draft),
        plain(""),
        then(_("Start året:"), f"forsvarlig year start {draft.year}"),
    )


def _lines(draft: Draft) -> list[_Line]:
    found: dict[tuple[object, ...], list[PlannedStep]] = {}
    for step in draft.plan.steps:
        same = (step.cycle.unit is None, step.key, step.opens, step.due, step.owner, step.slots, step.ends)
        found.setdefault(same, []).append(step)
    lines = [_Line(step=steps[0], units=tuple(s.cycle.unit for s in steps)) for steps in found.values()]
    return sorted(lines, key=lambda line: (line.step.opens, line.step.due, line.step.key))


def _months(draft: Draft) -> Iterator[RenderableType]:
    columns = [
        Column(_("Åpner"), width=9),
        Column(_("Frist"), width=9),
        Column(_("Steg"), width=5, style="cyan"),
        Column("", share=1),
    ]
    yield table(columns)
    for month, lines in groupby(_lines(draft), key=lambda line: line.step.opens.replace(day=1)):
        yield heading(capital(month_name(month)))
        yield unheaded((_row(draft, line) for line in lines), columns)


def _row(draft: Draft, line: _Line) -> tuple[Cell, ...]:
    step = line.step
    what = Text(step.name.in_(current()))
    what.append("\n" + "; ".join([_owner(draft, line), *_gate(draft, line)]), "dim")
    if step.ends is not None:
        ends = _("enheten legges ned {day}").format(day=short_day(step.ends))
        what.append("\n" + ends, "yellow")
    return short_day(step.opens), _due(draft, step.due), step.key, what


def _due(draft: Draft, due: date) -> str:
    return short_day(due) if due.year == draft.year else f"{short_day(due)} {due.year}"


def _gate(draft: Draft, line: _Line) -> Iterator[str]:
    slots = sorted(line.step.slots, key=lambda slot: slot.order)
    for _order, together in groupby(slots, key=lambda slot: (slot.order, slot.kind)):
        alike = list(together)
        yield _(GATES[alike[0].kind.value]).format(who=listed(role_name(slot.role) for slot in alike))


def _owner(draft: Draft, line: _Line) -> str:
    """Who is asked first: by name where it is the same for the whole line, and in which units."""
    steps = [s for s in draft.plan.steps if s.key == line.step.key and s.cycle.unit in line.units]
    people = {draft.owners(step) for step in steps}
    who = role_name(line.step.owner)
    if len(people) == 1:
        names = listed(draft.name(h) for h in people.pop())
        who = f"{names} ({who})" if names else _("{role}: ingen har rollen").format(role=who)
    if line.units == (None,):
        return who
    if len(line.units) == len(draft.units) > 1:
        return _("{who} i hver av de {count} enhetene").format(who=who, count=len(line.units))
    return _("{who} i {units}").format(who=who, units=listed(draft.place(unit) for unit in line.units))


def _who_is_who(draft: Draft) -> Iterator[RenderableType]:
    """Owners and participants of the units, on the day the first of their steps opens."""
    roles = dict.fromkeys(
        role
        for step in draft.plan.steps
        if step.cycle.unit is not None
        for role in (step.owner, *(slot.role for slot in step.slots))
    )
    own = [role for role in (Role.MANAGER, Role.SAFETY_REP) if role in roles]
    if not draft.units or not own:
        return
    first = {
        unit: min((s.opens for s in draft.plan.steps if s.cycle.unit == unit), default=None)
        for unit in draft.units
    }
    yield heading(_("Hvem i enhetene"))
    columns = [Column(_("Enhet")), *(Column(capital(role_name(role))) for role in own)]
    rows = []
    for unit, day in first.items():
        if day is not None:
            holders = (draft.organisation.holders(role, unit, day) for role in own)
            rows.append(
                [draft.place(unit), *(listed(draft.name(h) for h in found) or "–" for found in holders)]
            )
    yield indented(table(columns, rows))


def _ladder(draft: Draft) -> Iterator[str]:
    ladder = draft.programme.ladder
    days = listed(str(day) for day in ladder.reminders if day)
    reminders = (
        _("Påminnelse {days} dager før fristen og på fristen.")
        if 0 in ladder.reminders
        else _("Påminnelse {days} dager før fristen.")
    )
    if ladder.reminders:
        yield reminders.format(days=days)
    for rung in ladder.rungs:
        who = listed(_rung_role(to) for to in rung.to)
        line = _("{days} dager etter fristen: {who} får beskjed.").format(days=rung.days, who=who)
        if rung.deviation:
            line += " " + _("Avviket føres.")
        if rung.wec_item and draft.profile is Profile.LARGE:
            line += " " + _("Saken meldes til AMU.")
        yield line
    closes = whole_day(draft.plan.closes)
    yield _("Det som er åpent {day}, blir stående som ikke gjort.").format(day=closes)


def _rung_role(to: Any) -> str:
    return _("nærmeste leder over den ansvarlige") if to == "leader_of_owner" else role_name(to)


def _findings(draft: Draft) -> Iterable[RenderableType]:
    if draft.findings:
        yield heading(_("Verdt å vite"))
    for found in draft.findings:
        told = finding(found, draft.organisation, draft.names)
        yield mark(found.severity, told.problem)
        yield indented(plain(told.remedy, "dim"))
