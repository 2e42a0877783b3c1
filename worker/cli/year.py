"""`forsvarlig year`: start, show and list years."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from activities.language import N_, _
from worker.cli import employers
from worker.cli.as_of_options import Then, as_of_options, asked_then
from worker.cli.clock import now, today
from worker.cli.failures import NotFound
from worker.cli.frame import emit
from worker.cli.options import employer_option
from worker.cli.plan import FILE, YEAR
from worker.cli.words import day_and_year
from workflows.rules.calendar import oslo_day

if TYPE_CHECKING:
    from rich.console import RenderableType

    from activities.store.rows import CycleRow, EmployerRow, StepRow


class YearLine(NamedTuple):
    """One year of one employer, and what its steps have come to."""

    employer: str
    name: str
    mode: str
    year: int
    cycle: str
    state: str
    started: datetime
    closed: datetime | None
    units: int
    steps_open: int
    steps_closed: int
    steps_left_open: int
    steps_withdrawn: int
    overdue: int


@click.group(help=N_("Start og vis årshjul."))
def year() -> None:
    """The years of an employer."""


@year.command(
    help=N_(
        "Start et år for virksomheten og alle enhetene. Programmet og loven som gjelder nå, følger året til "
        "det lukkes. Senere år åpnes av seg selv 1. desember."
    )
)
@click.argument("year", type=YEAR, metavar=N_("ÅR"))
@employer_option
@click.option(
    "--programme", type=FILE, metavar=N_("FIL"), help=N_("Programmet (TOML) i stedet for standard.")
)
@click.option("--dry-run", is_flag=True, help=N_("Vis datoene, og start ingenting."))
def start(year: int, employer: str | None, programme: Path | None, dry_run: bool) -> None:
    """Start a year, and say what happens next."""
    from worker.cli import plan_view
    from worker.cli.plan import drafted
    from worker.cli.year_start import refuse_past
    from worker.cli.year_start import start as started

    if not dry_run:
        refuse_past(year, today())
    draft = drafted(year, employer, None, programme)
    if dry_run:
        emit("plan", plan_view.document(draft), table=lambda: plan_view.wheel(draft))
        return
    asyncio.run(started(draft))


@year.command(
    help=N_(
        "Vis et år: hvert steg med status, frist og hvem det ventes på, og hva dokumentasjonen viser for "
        "hvert krav i loven. Uten --unit vises enhetene med det som er åpent hos dem."
    )
)
@click.argument("year", type=YEAR, required=False, metavar=N_("[ÅR]"))
@employer_option
@click.option("--unit", metavar=N_("ENHET"), help=N_("Vis alle stegene i denne enheten."))
@click.option("--requirements", is_flag=True, help=N_("Vis hvert krav i loven, og stegene som bærer det."))
@as_of_options
def show(
    year: int | None,
    employer: str | None,
    unit: str | None,
    requirements: bool,
    as_of: date | None,
    clock: str | None,
) -> None:
    """Print how a year stands."""
    asyncio.run(_show(year, employer, unit, requirements, asked_then(as_of, clock)))


async def _show(
    year: int | None, wanted: str | None, unit: str | None, requirements: bool, then: Then | None
) -> None:
    from worker.cli import year_reading
    from worker.cli import year_view as view
    from worker.cli.places import find_unit

    async with employers.reading() as reader:
        employer = await employers.chosen(reader, wanted)
        rows = [c for c in await reader.cycles(employer=employer.id) if c.unit is None]
        chosen = _chosen_year(employer, rows, year)
        standing = await year_reading.read(reader, employer, chosen, now(), then)
        if unit is not None:
            _hash, organisation = await reader.organisation(employer.id)
            standing = standing.only(find_unit(organisation, unit))
    content = view.requirements if requirements else view.steps
    emit("year", view.document(standing), table=lambda: content(standing, whole=unit is not None))


def _chosen_year(employer: EmployerRow, rows: Sequence[CycleRow], wanted: int | None) -> int:
    """The year asked for; else the one that runs and is nearest to now."""
    years = [row.year for row in rows]
    if not years or (wanted is not None and wanted not in years):
        shown = wanted or today().year
        known = ", ".join(map(str, years))
        raise NotFound(
            _("{employer} har ikke startet noe år.").format(employer=employer.name)
            if not years
            else _("Året {year} er ikke startet for {employer}; disse er det: {known}.").format(
                year=shown, employer=employer.name, known=known
            ),
            f"forsvarlig year start {shown if shown >= today().year else today().year}",
        )
    if wanted is not None:
        return wanted
    running = [row.year for row in rows if row.state == "running"]
    this_year = today().year
    return min(running or years, key=lambda y: (abs(y - this_year), -y))


@year.command(name="list", help=N_("Vis alle år, for alle virksomheter."))
@click.option("--employer", metavar=N_("VIRKSOMHET"), help=N_("Bare denne virksomheten."))
def list_(employer: str | None) -> None:
    """Print every year with what it came to."""
    asyncio.run(_list(employer))


async def _list(wanted: str | None) -> None:
    async with employers.reading() as reader:
        found = [await employers.chosen(reader, wanted)] if wanted else await reader.employers()
        lines = []
        for employer in found:
            cycles = await reader.cycles(employer=employer.id)
            for cycle in (c for c in cycles if c.unit is None):
                steps = await reader.steps(employer=employer.id, year=cycle.year)
                units = sum(c.unit is not None and c.year == cycle.year for c in cycles)
                lines.append(_line(employer, cycle, units, steps))
    emit("years", {"years": [line._asdict() for line in lines]}, table=lambda: _years(lines))


def _line(employer: EmployerRow, cycle: CycleRow, units: int, steps: Sequence[StepRow]) -> YearLine:
    day = today()
    return YearLine(
        employer=employer.id,
        name=employer.name,
        mode=employer.mode,
        year=cycle.year,
        cycle=cycle.id,
        state=cycle.state,
        started=cycle.started,
        closed=cycle.closed,
        units=units,
        steps_open=sum(s.status == "open" for s in steps),
        steps_closed=sum(s.status == "closed" for s in steps),
        steps_left_open=sum(s.status == "left_open" for s in steps),
        steps_withdrawn=sum(s.status == "withdrawn" for s in steps),
        overdue=sum(s.status == "open" and s.due is not None and s.due < day for s in steps),
    )


def _years(lines: Sequence[YearLine]) -> RenderableType:
    from worker.cli.tables import Column, heading, indented, plain, stacked, table, then

    if not lines:
        return stacked(
            plain(_("Ingen år er startet.")),
            then(_("Gjør dette:"), f"forsvarlig year start {today().year + 1}"),
        )
    counts = (_("Ferdig"), _("Åpne"), _("Over frist"), _("Ikke gjort"))
    columns = [
        Column(_("År"), width=5),
        Column("", width=7),
        Column(_("Startet"), width=14),
        *(Column(name, right=True, width=11) for name in counts),
    ]
    parts: list[RenderableType] = []
    for name, years in groupby(lines, key=lambda line: (line.name, line.employer, line.mode)):
        title = f"{name[0]}  {name[1]}" + ("" if name[2] == "real" else "  " + _("prøvekjøring"))
        parts += [
            heading(title) if parts else plain(title, "bold"),
            indented(table(columns, map(_cells, years))),
        ]
    return stacked(*parts)


def _cells(line: YearLine) -> tuple[str, ...]:
    state = _("kjører") if line.state == "running" else _("lukket")
    counts = (line.steps_closed, line.steps_open, line.overdue, line.steps_left_open)
    return (str(line.year), state, day_and_year(oslo_day(line.started)), *map(str, counts))
