"""`forsvarlig org`: read an employer's files in, and show what is known of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from activities.directory.people import names_of
from activities.language import N_, _, ngettext
from worker.cli import employers
from worker.cli.clock import now, today
from worker.cli.confirm import NotConfirmed
from worker.cli.failures import BadInput, Conflict, NotFound
from worker.cli.frame import emit, frame
from worker.cli.moments import DAY
from worker.cli.words import is_yes

if TYPE_CHECKING:
    from activities.directory.importer import ImportResult
    from activities.directory.people import PersonCard
    from activities.directory.tables import Sources
    from activities.store.database import Database, Reader
    from workflows.rules.organisation import Organisation


@click.group(help=N_("Les inn og vis organisasjonen."))
def org() -> None:
    """What is known of an employer."""


@org.command(
    "import",
    help=N_(
        "Les inn virksomheten fra filer: STI er mapper eller filer med virksomhet, enheter, personer, roller "
        "og fravær (CSV, XLSX, TOML). Filene er et fullt bilde av nå; den som ikke står i dem, har "
        "sluttet.\n\n"
        "Endringene vises først, og ingenting skrives før du har sagt ja."
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar=N_("STI..."))
@click.option("--employer", metavar=N_("VIRKSOMHET"), help=N_("Virksomheten som filene gjelder."))
@click.option("--dry-run", is_flag=True, help=N_("Vis endringene, og skriv ingenting."))
@click.option("--yes", is_flag=True, help=N_("Skriv endringene uten å spørre."))
@click.option("--skip-bad-rows", is_flag=True, help=N_("La rader med feil være, og les inn resten."))
@click.option("--on", "on", type=DAY, metavar=N_("DATO"), help=N_("Dagen bildet gjelder fra (i dag)."))
def import_(
    paths: Sequence[Path],
    employer: str | None,
    dry_run: bool,
    yes: bool,
    skip_bad_rows: bool,
    on: date | None,
) -> None:
    """Preview, ask, and put the new picture in force."""
    asyncio.run(_import(paths, employer, dry_run, yes, skip_bad_rows, on))


async def _import(
    paths: Sequence[Path], employer: str | None, dry_run: bool, yes: bool, skip: bool, on: date | None
) -> None:
    from activities.directory.faults import ImportFileError
    from activities.directory.files import read_sources
    from activities.directory.importer import build
    from worker.cli import org_import as view
    from worker.cli.rulebooks import legal_register

    day = on or today()
    try:
        sources = read_sources(paths)
    except ImportFileError as error:
        view.show_faults(error.faults, ())
        raise _faulty(len(error.faults), rows_only=False) from error
    hash, before, cards = await _known(sources, employer)
    law = legal_register()
    result = build(sources, before, cards, law=law, today=day, skip_bad_rows=skip)
    if result.organisation is None:
        view.show_faults(result.faults, result.ignored_columns)
        raise _faulty(len(result.faults), rows_only=all(f.scope != "file" for f in result.faults))
    proposal = view.Proposal.of(result, before, cards, sources.ignored)
    if frame().json:
        _ask_or_refuse(yes=yes or dry_run or proposal.nothing_new)
    else:
        view.show(proposal)
    if dry_run or proposal.nothing_new:
        why: Literal["dry_run", "nothing_new"] = "dry_run" if dry_run else "nothing_new"
        view.done(proposal, imported=False, years=(), next_year=day.year + 1, why=why)
        return
    if not frame().json:
        _ask_or_refuse(yes=yes)
    years = await _write(result, hash)
    view.done(proposal, imported=True, years=years, next_year=day.year + 1)


async def _known(
    sources: Sources, wanted: str | None
) -> tuple[str | None, Organisation | None, tuple[PersonCard, ...]]:
    """The employer as it is known before the import, with the hash of that; nothing for a new one."""
    from worker.cli.people import card

    try:
        async with employers.reading() as reader:
            id = (await employers.chosen(reader, wanted)).id if wanted else await _told_by(sources, reader)
            if id is None:
                return None, None, ()
            employers.real(await reader.employer(id))
            hash, organisation = await reader.organisation(id)
            return hash, organisation, tuple(map(card, (await reader.people(id)).values()))
    except NotFound:
        if wanted:
            raise
        return None, None, ()


async def _told_by(sources: Sources, reader: Reader) -> str | None:
    """Which known employer the files are about: by their number or short name, else the only one there is."""
    from activities.directory.cells import BadCell, id_of, org_number_of
    from activities.directory.columns import field_of

    table = sources.table("employer")
    if table is None:
        return (await employers.chosen(reader, None)).id
    cells = dict(zip((field_of("employer", c) for c in table.columns), table.rows[0].cells, strict=False))
    try:
        told = (org_number_of(cells.get("org_number", "")), id_of(cells["id"]) if cells.get("id") else "")
    except BadCell:
        return None
    return next((e.id for e in await reader.employers() if e.org_number == told[0] or e.id == told[1]), None)


async def _write(result: ImportResult, hash: str | None) -> tuple[int, ...]:
    """Put the picture in force; answers with the years that run and follow it."""
    from activities.organisations import Overtaken, put_in_force

    if result.organisation is None:
        raise ValueError("an import with faults cannot be written")
    employer = result.organisation.employer
    async with _made_or_ready() as database:
        async with database.read() as reader:
            known = employer in {e.id for e in await reader.employers()}
        try:
            if known and hash is None:
                raise Overtaken
            await put_in_force(database, result.organisation, result.people, now(), after=hash)
        except Overtaken:
            raise Conflict(
                _("Noen andre har endret {employer} mens du så på endringene.").format(employer=employer),
                _("Kjør importen på nytt, og se endringene om igjen."),
            ) from None
        async with database.read() as reader:
            running = await reader.cycles(employer=employer, state="running")
    return tuple(sorted({cycle.year for cycle in running}))


@asynccontextmanager
async def _made_or_ready() -> AsyncIterator[Database]:
    """The database, made if there is none yet; one at another schema version is left alone."""
    from activities.store.database import Database

    settings = frame().settings
    settings.make_state()
    database = Database(settings.database_url)
    try:
        if await database.version() is None:
            await database.upgrade()
        await database.check()
        yield database
    finally:
        await database.close()


def _ask_or_refuse(*, yes: bool) -> None:
    if yes:
        return
    if frame().json or not sys.stdin.isatty():
        raise NotConfirmed(
            _("Ingenting er skrevet: ingen kan svare ja her."), _("Kjør igjen med --yes (eller --dry-run).")
        )
    question = _("Skal dette leses inn? [j/N]")
    answer = click.prompt(question, default="", show_default=False, err=True)
    if not is_yes(answer):
        raise Conflict(_("Ingenting er skrevet."), _("Rett filene, og kjør importen igjen."))


def _faulty(count: int, *, rows_only: bool) -> BadInput:
    message = ngettext(
        "{count} feil i filene. Ingenting er lest inn.",
        "{count} feil i filene. Ingenting er lest inn.",
        count,
    )
    remedy = _("Rett filene, og kjør importen igjen.")
    if rows_only:
        remedy = _("Rett filene og kjør importen igjen, eller la radene med feil være med --skip-bad-rows.")
    return BadInput(message.format(count=count), remedy)


@org.command(
    help=N_("Vis enhetene, verneområdene, hvem som har hvilken rolle, og hvilke plikter størrelsen gir.")
)
@click.argument("employer", required=False, metavar=N_("[VIRKSOMHET]"))
@click.option("--on", "on", type=DAY, metavar=N_("DATO"), help=N_("Dagen som vises (i dag)."))
def show(employer: str | None, on: date | None) -> None:
    """Print the employer on one day."""
    asyncio.run(_show(employer, on))


async def _show(wanted: str | None, on: date | None) -> None:
    from worker.cli.org_chart import chart, document
    from worker.cli.rulebooks import legal_register

    day = on or today()
    async with employers.reading() as reader:
        row = await employers.chosen(reader, wanted)
        _hash, organisation = await reader.organisation(row.id)
        names = names_of(await reader.people(row.id))
    law = legal_register()
    emit("org", document(organisation, names, law, day), table=lambda: chart(organisation, names, law, day))
