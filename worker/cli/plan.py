"""`forsvarlig plan`: every date of a year, without starting it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.directory.people import names_of
from activities.language import N_, _, current, ngettext
from worker.cli import employers
from worker.cli.clock import today
from worker.cli.failures import BadInput, Failure, NotFound, reason
from worker.cli.frame import emit, progress
from worker.cli.options import employer_option

if TYPE_CHECKING:
    from activities.directory.faults import ImportFault
    from worker.cli.plan_view import Draft

YEAR = click.IntRange(2020, 2100)
"""The years for which there can be a plan: the register and the public holidays are known."""

FILE = click.Path(path_type=Path)


@click.command(
    help=N_(
        "Vis alle datoer i et år uten å starte det: når hvert steg åpner, når fristen er, hvem som har "
        "ansvaret, og hvem som får beskjed når fristen brytes.\n\n"
        "Med --files leses virksomheten fra filer; da trengs verken tjener eller database."
    )
)
@click.argument("year", type=YEAR, metavar=N_("ÅR"))
@employer_option
@click.option("--files", type=FILE, metavar=N_("MAPPE"), help=N_("Les virksomheten fra filene i mappen."))
@click.option(
    "--programme", type=FILE, metavar=N_("FIL"), help=N_("Programmet (TOML) i stedet for standard.")
)
@click.option("--unit", metavar=N_("ENHET"), help=N_("Vis bare denne enheten og virksomheten."))
@click.option("--svg", type=FILE, metavar=N_("FIL"), help=N_("Tegn årshjulet i en SVG-fil."))
@click.option("--csv", "csv_", type=FILE, metavar=N_("FIL"), help=N_("Skriv tidslinjen til en CSV-fil."))
def plan(
    year: int,
    employer: str | None,
    files: Path | None,
    programme: Path | None,
    unit: str | None,
    svg: Path | None,
    csv_: Path | None,
) -> None:
    """Print the dated year, and write it to files if asked to."""
    from worker.cli import plan_view as view

    draft = drafted(year, employer, files, programme)
    if unit is not None:
        draft = draft.only(_unit(draft, unit))
    if svg is not None:
        from portal.pictures.wheel import from_plan

        shown = draft.units[0] if unit is not None else None
        name = draft.organisation.unit(shown).name if shown else None
        drawing = from_plan(draft.plan, draft.programme, current(), unit=shown, unit_name=name, today=today())
        _write(svg, drawing)
    if csv_ is not None:
        # Excel needs the mark to see that it is UTF-8.
        _write(csv_, "\ufeff" + view.as_csv(draft))
    emit("plan", view.document(draft), table=lambda: view.wheel(draft))


def drafted(year: int, employer: str | None, files: Path | None, programme: Path | None) -> Draft:
    """The year as it would be, for the employer in the files or in the database.

    `BadInput` for files with faults, `ProgrammeError` for a programme that does not give a possible year,
    `NotFound` without an employer.
    """
    from worker.cli.plan_view import Draft
    from worker.cli.rulebooks import legal_register, programme_for

    law = legal_register()
    chosen = programme_for(programme, law, year)
    if files is not None:
        return Draft.of_files(files, chosen, law, year, today())

    async def from_store() -> Draft:
        async with employers.reading() as reader:
            row = await employers.chosen(reader, employer)
            _hash, organisation = await reader.organisation(row.id)
            people = await reader.people(row.id)
        names = names_of(people)
        return Draft.of(organisation, names, chosen, law, year)

    return asyncio.run(from_store())


def faulty_files(faults: Sequence[ImportFault]) -> BadInput:
    """The failure for an employer's files that cannot be used; names the first places."""
    from activities.directory.messages import message

    shown = [message(fault, _) for fault in faults[:5]]
    if len(faults) > len(shown):
        rest = len(faults) - len(shown)
        text = ngettext("… og {count} feil til.", "… og {count} feil til.", rest)
        shown.append(text.format(count=rest))
    return BadInput("\n".join(shown), _("Rett filene; «forsvarlig org import --dry-run» viser alle feil."))


def _unit(draft: Draft, text: str) -> str:
    from worker.cli.places import find_unit

    unit = find_unit(draft.organisation, text)
    if unit not in draft.units:
        raise NotFound(
            _("{unit} har ikke noe årshjul i {year}: ingen arbeider der da.").format(
                unit=draft.organisation.unit(unit).name, year=draft.year
            ),
            f"forsvarlig plan {draft.year}",
        )
    return unit


def _write(file: Path, content: str) -> None:
    try:
        file.write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        raise Failure(
            _("{file} kan ikke skrives: {reason}.").format(file=file, reason=reason(error)),
            _("Velg en fil i en mappe du kan skrive i."),
        ) from error
    progress(_("Skrev {file}.").format(file=file))
