"""`forsvarlig history`: what was done, when and by whom, in the order of the ledger."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from activities.words import STAGES
from worker.cli.as_of_options import as_of_options, asked_then
from worker.cli.choices import Meaning
from worker.cli.fact_words import KINDS
from worker.cli.frame import emit, frame
from worker.cli.moments import DAY
from worker.cli.options import employer_option, number
from worker.cli.readings import reader_option

if TYPE_CHECKING:
    from worker.cli.history_pages import Asked, Page

PAGE = 100
"""Facts that are shown unless told otherwise."""


@click.command(help=N_("Vis hva som er gjort, når og av hvem. Det nyeste står sist."))
@employer_option
@click.option(
    "--unit", metavar=N_("ENHET"), help=N_("Bare denne enheten; «virksomhet» er det som gjelder alle.")
)
@click.option("--below", is_flag=True, help=N_("Også enhetene under den."))
@click.option("--step", metavar=N_("STEG"), help=N_("Bare dette steget, som Y15 eller Y28.1."))
@click.option(
    "--stage",
    type=Meaning({stage.value: text for stage, text in STAGES.items()}),
    metavar=N_("FASE"),
    help=N_("Bare steg i denne fasen: plan, map, assess, act, inform, follow_up eller review."),
)
@click.option("--who", metavar=N_("PERSON"), help=N_("Bare det denne personen har gjort eller er nevnt i."))
@click.option(
    "--kind",
    "--what",
    type=Meaning(KINDS),
    metavar=N_("SLAG"),
    help=N_("Bare dette slaget, som decision_recorded."),
)
@click.option("--since", type=DAY, metavar=N_("DATO"), help=N_("Det som gjelder fra og med denne dagen."))
@click.option("--until", type=DAY, metavar=N_("DATO"), help=N_("Det som gjelder til og med denne dagen."))
@click.option("--recorded-since", type=DAY, metavar=N_("DATO"), help=N_("Det som er ført fra og med da."))
@click.option("--recorded-until", type=DAY, metavar=N_("DATO"), help=N_("Det som er ført til og med da."))
@click.option(
    "--law",
    metavar=N_("REF"),
    help=N_("Bare steg som bærer dette kravet (R-20) eller denne bestemmelsen (AML-4-3)."),
)
@click.option("--refused", is_flag=True, help=N_("Bare forsøk som ble nektet."))
@click.option("--accepted", is_flag=True, help=N_("Bare det folk har gjort, og som ble godtatt."))
@click.option(
    "--text", metavar=N_("ORD"), help=N_("Bare der noen har skrevet disse ordene, og du kan lese det.")
)
@as_of_options
@reader_option
@click.option("--limit", type=number(1), help=N_("Så mange høyst (100; med --csv alle)."))
@click.option(
    "--after",
    type=number(0),
    help=N_("Det som kommer etter dette nummeret; 0 er fra begynnelsen."),
)
@click.option("--before", type=number(1), help=N_("Det som kommer før dette nummeret."))
@click.option("--csv", "as_csv", is_flag=True, help=N_("CSV med semikolon, til regneark."))
def history(
    employer: str | None,
    unit: str | None,
    below: bool,
    step: str | None,
    stage: str | None,
    who: str | None,
    kind: str | None,
    since: date | None,
    until: date | None,
    recorded_since: date | None,
    recorded_until: date | None,
    law: str | None,
    refused: bool,
    accepted: bool,
    text: str | None,
    as_of: date | None,
    clock: str | None,
    person: str | None,
    limit: int | None,
    after: int | None,
    before: int | None,
    as_csv: bool,
) -> None:
    """Print facts in plain words."""
    from worker.cli.history_pages import Asked

    if as_csv and frame().json:
        raise click.UsageError(_("Velg enten --csv eller --format json."))
    if refused and (accepted or kind not in (None, "attempt_refused")):
        raise click.UsageError(_("--refused viser bare nektede forsøk; la --kind og --accepted være."))
    if accepted and kind is not None:
        raise click.UsageError(_("--accepted velger selv slag; la --kind være."))
    if below and unit is None:
        raise click.UsageError(_("--below hører til --unit."))
    then = asked_then(as_of, clock)
    _in_order(since, until, "--since", "--until")
    _in_order(recorded_since, recorded_until, "--recorded-since", "--recorded-until")
    if text is not None:
        _searchable(text, person)
    asked = Asked(
        employer=employer, unit=unit, below=below, step=step.upper() if step else None, stage=stage, law=law,
        who=who, kind="attempt_refused" if refused else kind, accepted=accepted, since=since,
        until=until, recorded_since=recorded_since, recorded_until=recorded_until, text=text,
        then=then, person=person, after=after, before=before,
    )  # fmt: skip
    if as_csv:
        asyncio.run(_csv(asked, limit))
        return
    page = asyncio.run(_page(asked, limit or PAGE))
    from worker.cli.history_view import document, lines

    emit("history", document(page), table=lambda: "\n".join(lines(page)))


def _in_order(since: date | None, until: date | None, first: str, last: str) -> None:
    if since is not None and until is not None and since > until:
        raise click.UsageError(_("{first} må ikke være etter {last}.").format(first=first, last=last))


def _searchable(text: str, person: str | None) -> None:
    from activities.store.search import words_of

    if not words_of(text):
        raise click.UsageError(_("--text må ha minst ett ord."))
    if person is None:
        raise click.UsageError(_("--text søker bare i det du kan lese: si hvem du er med --as."))


async def _page(asked: Asked, limit: int) -> Page:
    from worker.cli.history_pages import history_of

    async with history_of(asked) as found:
        return await found.page(limit, newest=asked.after is None)


async def _csv(asked: Asked, limit: int | None) -> None:
    """Written as it is read, so that a whole ledger takes no more room than a page of it."""
    from worker.cli.history_pages import history_of
    from worker.cli.history_view import csv_head, csv_rows
    from worker.cli.readings import behind

    async with history_of(asked) as found:
        if found.lag:
            click.echo(behind(found.lag), err=True)
        click.echo(csv_head(), nl=False)
        async for facts in found.all(limit):
            click.echo(csv_rows(facts), nl=False)
