"""What `forsvarlig year show` shows: how a year stands, and what the record shows of what the law asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from activities.language import N_, _, current, ngettext
from activities.words import listed
from worker.cli import words
from worker.cli.readings import behind
from worker.cli.tables import Cell, Column, heading, indented, mark, plain, stacked, table, then, unheaded
from worker.cli.words import STANDINGS, WAITS, counted, day_and_year, role_name, short_day
from worker.cli.year_reading import StepView, UnitView, YearView
from workflows.rules.calendar import oslo_day
from workflows.rules.coverage import Coverage, StepState
from workflows.rules.organisation import Role

MARKS: Mapping[words.Standing, tuple[str, str]] = {
    "planned": ("·", "dim"),
    "open": ("○", "cyan"),
    "overdue": ("!", "red"),
    "closed": ("✓", "green"),
    "closed_late": ("✓", "yellow"),
    "left_open": ("✗", "red"),
    "withdrawn": ("–", "dim"),
}
RECORDS = {
    "shown": N_("vist"),
    "under_way": N_("på vei"),
    "missing": N_("mangler"),
    "elsewhere": N_("ikke i årshjulet"),
}
"""What the record shows of a requirement, as `Coverage.record` has it."""


# --- for programs ---------------------------------------------------------------------------------------


def document(view: YearView) -> dict[str, Any]:
    """The whole year: every step, and every requirement with the steps that carry it."""
    return {
        **view.model_dump(exclude={"requirements", "later"}),
        "requirements": [
            {
                "id": each.requirement.id,
                "nb": each.requirement.nb,
                "en": each.requirement.en,
                "record": each.record,
                "steps": each.steps,
                "carried_later_by": view.later.get(each.requirement.id),
            }
            for each in view.requirements
        ],
    }


# --- the steps, for people ------------------------------------------------------------------------------


def steps(view: YearView, *, whole: bool) -> RenderableType:
    """The employer's steps, and each unit's open ones; with `whole`, all of the one unit that `view` has."""
    return stacked(
        *_head(view),
        *(line for part in view.parts for line in _part(part, view, whole=whole or part.unit is None)),
        *(() if whole else law_in_short(view)),
    )


def _head(view: YearView) -> Iterator[RenderableType]:
    state = _("kjører") if view.state == "running" else _("lukket")
    title = Text.assemble((f"{view.name} {view.year}", "bold"), f"  {state}")
    yield title.append("  " + _("prøvekjøring"), "yellow") if view.rehearsal else title
    text = _("Startet {started}. Det som er åpent {closes}, blir stående som ikke gjort.")
    if view.state == "running":
        started, closes = day_and_year(oslo_day(view.started)), day_and_year(view.closes)
        yield plain(text.format(started=started, closes=closes), "dim")
    if view.as_of is not None:
        yield plain(_("Slik det var {day}, da dagen var over.").format(day=day_and_year(view.as_of)), "dim")
    if view.lag:
        yield mark("warning", behind(view.lag))
    if view.undelivered:
        waiting = ngettext(
            "{count} beskjed venter på å bli sendt: kjører motoren? (forsvarlig up)",
            "{count} beskjeder venter på å bli sendt: kjører motoren? (forsvarlig up)",
            view.undelivered,
        )
        yield mark("warning", waiting.format(count=view.undelivered))


def _part(part: UnitView, view: YearView, *, whole: bool) -> Iterator[RenderableType]:
    yield heading(part.name if part.unit else _("Virksomheten"))
    if part.state is None:
        yield indented(plain(_("Enheten er ikke startet ennå."), "dim"))
        return
    yield indented(plain(_counted(part), "dim"))
    shown = part.steps if whole else [s for s in part.steps if s.standing in ("open", "overdue", "left_open")]
    if shown:
        columns = [
            Column("", width=1), Column("", width=5, style="cyan"), Column("", share=1),
            Column("", width=16), Column("", fixed=True, right=True),
        ]  # fmt: skip
        yield indented(unheaded((_row(step, view) for step in shown), columns))


def _counted(part: UnitView) -> str:
    counts = Counter(step.standing for step in part.steps)
    return ", ".join(counted(standing, counts[standing]) for standing in STANDINGS if counts[standing])


def _row(step: StepView, view: YearView) -> tuple[Cell, ...]:
    sign, style = MARKS[step.standing]
    what = Text(step.name.in_(current()))
    for line in _waiting(step):
        what.append("\n" + line, "dim")
    version = _("v{version}").format(version=step.version) if step.version else ""
    return plain(sign, style), step.key, what, _when(step), plain(version, "dim")


def _when(step: StepView) -> Text:
    match step.standing:
        case "planned":
            text = Text(_("åpner {day}").format(day=short_day(step.opens)), style="dim")
        case "closed" | "closed_late":
            text = Text(_("ferdig {day}").format(day=short_day(step.settled or step.due)))
        case "left_open" | "withdrawn":
            text = Text(_(STANDINGS[step.standing]))
        case _:
            overdue = step.standing == "overdue"
            text = Text(_("frist {day}").format(day=short_day(step.due)), style="red" if overdue else "")
    if step.standing == "closed_late":
        text.append("\n" + _("frist {day}").format(day=short_day(step.due)), "yellow")
    if step.original_due is not None and step.standing in ("open", "overdue", "closed_late"):
        text.append("\n" + _("først {day}").format(day=short_day(step.original_due)), "dim")
    return text


def _waiting(step: StepView) -> Iterator[str]:
    """One line for each question: who is waited for, and what for."""
    asked: dict[tuple[str, Role], list[str]] = {}
    for one in step.waiting_for:
        name = one.name
        if one.acting_for is not None:
            name = _("{name} for {other}").format(name=name, other=one.acting_for)
        asked.setdefault((one.what, one.role), []).append(name)
    for (what, role), names in asked.items():
        who = f"{listed(names)} ({role_name(role)})"
        yield _(WAITS[what]).format(who=who)
    for role in step.vacant:
        yield _("ingen har rollen {role}").format(role=role_name(role))


# --- the law, for people --------------------------------------------------------------------------------


def law_in_short(view: YearView) -> Iterator[RenderableType]:
    yield heading(_("Hva loven krever, og hva som er vist"))
    counts = {record: sum(c.record == record for c in view.requirements) for record in RECORDS}
    summary = ", ".join(f"{count} {_(RECORDS[record])}" for record, count in counts.items() if count)
    total = _("{count} krav: {summary}.").format(count=len(view.requirements), summary=summary)
    yield indented(plain(total))
    overdue = {(s.cycle, s.key) for part in view.parts for s in part.steps if s.standing == "overdue"}
    wanting = [
        c for c in view.requirements
        if c.record == "missing" or any((s.cycle, s.step) in overdue for s in c.open_steps)
    ]  # fmt: skip
    if wanting:
        yield indented(plain(_("Disse mangler noe, eller har et steg over fristen:")))
        yield indented(_requirement_table(wanting, view))
    yield then(_("Alle kravene:"), f"forsvarlig year show {view.year} --requirements")


def requirements(view: YearView, *, whole: bool) -> RenderableType:
    """Every requirement of the law, and the steps that carry it; what is in order is for people to judge."""
    return stacked(*_head(view), plain(""), _requirement_table(view.requirements, view))


def _requirement_table(rows: Iterable[Coverage], view: YearView) -> RenderableType:
    columns = [
        Column(_("Krav"), fixed=True, style="cyan"), Column("", share=1), Column(_("Bæres av"), width=17),
        Column(_("Vist"), width=8),
    ]  # fmt: skip
    return table(columns, (_requirement(row, view) for row in rows))


def _requirement(row: Coverage, view: YearView) -> tuple[Cell, ...]:
    text = row.requirement.en if current() == "en" else row.requirement.nb
    what = Text(text)
    later = view.later.get(row.requirement.id)
    if row.record == "elsewhere" and later is not None:
        what.append("\n" + _("Føres av: {what}").format(what=later.in_(current())), "dim")
    style = {"shown": "green", "missing": "red"}.get(row.record, "dim")
    return row.requirement.id, what, _carried(row.steps), plain(_(RECORDS[row.record]), style)


def _carried(states: Sequence[StepState]) -> str:
    """Each step with how many of its cycles are closed: «Y15 2/4»."""
    keys = dict.fromkeys(state.step for state in states if state.state != "withdrawn")
    parts = []
    for key in keys:
        mine = [s for s in states if s.step == key and s.state != "withdrawn"]
        parts.append(f"{key} {sum(s.state == 'closed' for s in mine)}/{len(mine)}")
    return "\n".join(parts)
