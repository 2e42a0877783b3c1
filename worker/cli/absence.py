"""`forsvarlig absence`: who is away, and who acts meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from activities.language import N_, _
from worker.cli.desk import Desk, answer, at_desk
from worker.cli.frame import emit
from worker.cli.handing import away, deputy_note, first_day_after, last_day, not_over, refused
from worker.cli.moments import DAY
from worker.cli.naming import name
from worker.cli.options import WHO, employer_option, nonce_option
from worker.cli.signing import key_option
from worker.cli.words import day_and_year
from workflows.rules.organisation import Absence

ORIGINS = {"file": N_("fil"), "command": N_("kommando")}


@click.group(help=N_("Si fra at noen er borte, og hvem som er vikar så lenge."))
def absence() -> None:
    """Who is away."""


@absence.command(
    "set",
    help=N_(
        "Si fra at du eller en du leder, er borte. Uten vikar går det som venter, til nærmeste leder når ingen "
        "andre har rollen. For et verneombud trer vara inn, og det sier verneombudet selv fra om.\n\n"
        "En ny melding om samme tid erstatter den forrige: slik sier du fra at noen kommer tidligere tilbake."
    ),
)
@click.option("--as", "actor", required=True, metavar=N_("PERSON"), help=WHO)
@click.option("--person", metavar=N_("PERSON"), help=N_("Den som er borte (du selv)."))
@click.option("--substitute", metavar=N_("PERSON"), help=N_("Vikaren."))
@click.option("--from", "since", type=DAY, metavar=N_("DATO"), help=N_("Den første dagen (i dag)."))
@click.option("--until", required=True, type=DAY, metavar=N_("DATO"), help=N_("Den siste dagen, som er med."))
@employer_option
@key_option
@nonce_option
def set_(
    actor: str,
    person: str | None,
    substitute: str | None,
    since: date | None,
    until: date,
    employer: str | None,
    key_file: Path | None,
    nonce: str,
) -> None:
    """Record an absence."""
    asyncio.run(_set(actor, person, substitute, since, until, employer, key_file, nonce))


async def _set(
    actor: str,
    person: str | None,
    substitute: str | None,
    since: date | None,
    until: date,
    employer: str | None,
    key_file: Path | None,
    nonce: str,
) -> None:
    from workflows.rules.statement import SetAbsence

    async with at_desk(employer) as desk:
        says = desk.person(actor, "--as")
        absent = desk.person(person, "--person") if person else says
        other = desk.person(substitute, "--substitute") if substitute else None
        act = SetAbsence(
            person=absent, substitute=other, since=since if since else desk.today,
            until=first_day_after(until),
        )  # fmt: skip
        receipt = await desk.act(says, act, nonce, key_file)
        told = Absence(**act.model_dump(exclude={"act"}), origin="command")
        note = deputy_note(desk.organisation, absent, told, desk.names)
        document = {**told.model_dump(), "nonce": nonce}
        lines = [away(told, desk.names), *([note] if note else [])]
        answer("absence", receipt, document, lines, refused(desk, receipt, says, absent, other))


@absence.command("list", help=N_("Vis hvem som er borte nå og senere, og hvem som er vikar."))
@click.option("--all", "everything", is_flag=True, help=N_("Vis også det som er over."))
@employer_option
def list_(everything: bool, employer: str | None) -> None:
    """Print the absences."""
    asyncio.run(_list(everything, employer))


async def _list(everything: bool, employer: str | None) -> None:
    async with at_desk(employer) as desk:
        known = desk.organisation.absences
        rows = [a for a in (known if everything else not_over(known, desk.today)) if isinstance(a, Absence)]
        data = {
            "employer": desk.employer,
            "absences": [{**a.model_dump(), "in_force": a.holds_on(desk.today)} for a in rows],
        }
        emit("absences", data, table=lambda: _table(desk, rows))


def _table(desk: Desk, rows: Sequence[Absence]) -> Any:
    from worker.cli.tables import Column, table

    if not rows:
        return _("Ingen er meldt borte.")
    columns = [
        Column(_("Borte")), Column(_("Vikar")), Column(_("Første dag"), fixed=True), Column(_("Siste dag"), fixed=True),
        Column(_("Kilde"), style="dim"),
    ]  # fmt: skip
    return table(columns, [_cells(desk, absence) for absence in rows])


def _cells(desk: Desk, absence: Absence) -> tuple[str, ...]:
    last = last_day(absence.until)
    return (
        name(absence.person, desk.names),
        name(absence.substitute, desk.names) if absence.substitute else "",
        day_and_year(absence.since),
        day_and_year(last) if last else "",
        _(ORIGINS[absence.origin]),
    )
