"""Starting a year: what is refused, and what is said afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from rich.console import RenderableType

from activities.cycles import YearError, open_year
from activities.language import _, format_moment, ngettext
from worker.cli import employers, reach
from worker.cli.clock import now, today
from worker.cli.failures import Conflict
from worker.cli.frame import emit, frame
from worker.cli.plan_view import Draft
from worker.cli.tables import indented, mark, plain, stacked, then
from worker.cli.words import finding, whole_day
from worker.schedule import opening_of

YEARS_AHEAD = 2
"""How far ahead a year may be started: what is started stays in the ledger, also when it was mistyped."""


async def start(draft: Draft) -> None:
    """Start the year; `Conflict` when it runs, is over or too far off, or the organisation has errors."""
    moment = now()
    _refuse_far_off(draft, today())
    employer = draft.organisation.employer
    async with employers.store() as database:
        async with database.read() as reader:
            employers.real(await reader.employer(employer))
        try:
            cycle = await open_year(database, employer, draft.year, draft.programme, draft.law, moment)
        except YearError as error:
            raise _refused(error, draft) from error
    engine = await reach.keep_opener(frame().settings, employer)
    opens = _next_opening(draft.year, moment)
    document = {
        "employer": employer,
        "year": draft.year,
        "cycle": cycle,
        "programme": draft.programme.content_hash,
        "law": draft.law.content_hash,
        "units": draft.units,
        "steps": len(draft.plan.steps),
        "engine": engine,
        "next_year_opens": opens,
    }
    emit("year-start", document, table=lambda: stacked(*_lines(draft, opens, engine)))


def refuse_past(year: int, day: date) -> None:
    """`Conflict` for a year that no programme has open any more on `day`."""
    if year < day.year - 1:
        raise Conflict(_("Året {year} er over.").format(year=year), f"forsvarlig year start {day.year}")


def _refuse_far_off(draft: Draft, day: date) -> None:
    if draft.plan.year_closes <= day:
        raise Conflict(
            _("Året {year} er over: det skulle vært lukket {day}.").format(
                year=draft.year, day=whole_day(draft.plan.year_closes)
            ),
            f"forsvarlig year start {day.year}",
        )
    if draft.year > day.year + YEARS_AHEAD:
        raise Conflict(
            _("{year} er for langt fram: et år kan startes inntil {count} år før.").format(
                year=draft.year, count=YEARS_AHEAD
            ),
            _(
                "Start {next_year}; senere år åpnes av seg selv. «forsvarlig plan {year}» viser datoene."
            ).format(next_year=day.year + 1, year=draft.year),
        )


def _refused(error: YearError, draft: Draft) -> Conflict:
    name = draft.organisation.name
    if error.code == "already_started":
        return Conflict(
            _("Året {year} er startet for {employer} fra før.").format(year=draft.year, employer=name),
            f"forsvarlig year show {draft.year} --employer {draft.organisation.employer}",
        )
    told = [finding(found, draft.organisation, draft.names) for found in error.findings]
    problems = "".join(f"\n• {each.problem}" for each in told)
    return Conflict(
        _("Organisasjonen har feil, så året kan ikke startes:") + problems,
        " ".join(dict.fromkeys(each.remedy for each in told)) or "forsvarlig org show",
    )


def _next_opening(year: int, moment: datetime) -> datetime | None:
    """When the year after `year` opens by itself; None when that moment has passed."""
    opens = opening_of(year + 1)
    return opens if opens > moment else None


def _lines(draft: Draft, opens: datetime | None, engine: reach.Engine) -> Iterator[RenderableType]:
    started = ngettext(
        "Året {year} er startet for {employer}: {steps} steg, {units} enhet.",
        "Året {year} er startet for {employer}: {steps} steg, {units} enheter.",
        len(draft.units),
    )
    yield mark(
        "ok",
        started.format(
            year=draft.year,
            employer=draft.organisation.name,
            steps=len(draft.plan.steps),
            units=len(draft.units),
        ),
    )
    for line in _what_comes(draft, today()):
        yield indented(plain(line))
    if opens is not None:
        text = _("Året {year} åpnes av seg selv {moment}.")
        yield indented(plain(text.format(year=draft.year + 1, moment=format_moment(opens))))
    else:
        text = _("Året {year} åpnes ikke av seg selv, for 1. desember er forbi: start det for hånd.")
        yield indented(plain(text.format(year=draft.year + 1)))
    missing, command = reach.said(engine)
    if missing:
        yield mark("warning", missing)
    yield then(_("Gjør dette:"), command or f"forsvarlig year show {draft.year}")


def _what_comes(draft: Draft, day: date) -> Iterator[str]:
    steps = draft.plan.steps
    if late := sum(s.opens <= day for s in steps):
        text = ngettext(
            "{count} steg skulle vært åpnet før, og åpner straks.",
            "{count} steg skulle vært åpnet før, og åpner straks.",
            late,
        )
        yield text.format(count=late)
    if later := [s for s in steps if s.opens > day]:
        first = min(s.opens for s in later)
        keys = ", ".join(dict.fromkeys(s.key for s in later if s.opens == first))
        text = _("Neste steg åpner {day} ({steps}). De som har ansvaret, får e-post da.")
        yield text.format(day=whole_day(first), steps=keys)
