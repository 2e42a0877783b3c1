"""`forsvarlig dossier`: the inspection file of a year, which anybody can check without the product."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from activities.language import N_, _, current, format_number, ngettext
from worker.cli import clock
from worker.cli.fact_sentences import sentence
from worker.cli.fact_words import REASONS
from worker.cli.failures import Conflict, Failure, NotFound, unwritable
from worker.cli.frame import PROGRAM, emit, frame, working
from worker.cli.options import employer_option, number
from worker.cli.rulebook_steps import unknown_law

if TYPE_CHECKING:
    from activities.store.database import Database, Reader
    from activities.store.rows import EmployerRow
    from portal.dossier.making import Made
    from portal.dossier.sources import Options
    from workflows.rules.events import Fact
    from workflows.rules.terms import Refusal


class Asked(NamedTuple):
    """What was typed."""

    year: int
    employer: str | None
    unit: str | None
    law: tuple[str, ...]
    person: str | None
    checkpoint: int | None
    texts: bool
    names: bool
    documents: bool


@click.command(
    help=N_(
        "Lag tilsynsmappen for et år: én ZIP-fil med hva loven krever, hva historikken viser og hva som mangler.\n\n"
        "Alt kan kontrolleres uten produktet og uten nett; LES-MEG.txt i mappen sier hvordan. Den samme historikken "
        "gir den samme filen, tegn for tegn. At mappen er laget, blir ført."
    )
)
@click.option("--year", type=click.IntRange(2000, 2099), required=True, metavar=N_("ÅR"), help=N_("Året."))
@employer_option
@click.option("--unit", metavar=N_("ENHET"), help=N_("Bare denne enheten, og det som gjelder alle."))
@click.option(
    "--law", multiple=True, metavar=N_("REF"),
    help=N_("Bare dette kravet (R-20) eller krav etter denne bestemmelsen (AML-4-3, «§ 4-3»); kan gjentas."),
)  # fmt: skip
@click.option("--as", "person", metavar=N_("PERSON"), help=N_("Hvem som lager mappen."))
@click.option(
    "--texts", is_flag=True,
    help=N_("Ta med det folk har skrevet, så langt --as har rett til å lese det. At det er lest, blir ført."),
)  # fmt: skip
@click.option("--documents", is_flag=True, help=N_("Ta med dokumentene som er lagt fram."))
@click.option("--no-names", is_flag=True, help=N_("Vis roller og id-er i stedet for navn."))
@click.option(
    "--checkpoint", type=number(1), metavar=N_("ANTALL"),
    help=N_("Slik det sto ved kontrollpunktet over så mange fakta. Uten: det nyeste."),
)  # fmt: skip
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar=N_("FIL"),
    help=N_("Hvor ZIP-filen skal ligge."),
)
@click.option("--force", is_flag=True, help=N_("Skriv over filen om den finnes."))
def dossier(
    year: int,
    employer: str | None,
    unit: str | None,
    law: tuple[str, ...],
    person: str | None,
    texts: bool,
    documents: bool,
    no_names: bool,
    checkpoint: int | None,
    out: Path | None,
    force: bool,
) -> None:
    """Write the ZIP and say where it is."""
    if texts and person is None:
        raise click.UsageError(_("--texts krever --as: hvem som leser, avgjør hva som kan være med."))
    asked = Asked(year, employer, unit, law, person, checkpoint, texts, not no_names, documents)
    with working(_("Lager tilsynsmappen for {year} …").format(year=year)):
        made, file, later = asyncio.run(_run(asked, out, force=force))
    emit("dossier", _document(made, file, later), table=lambda: "\n".join(_lines(made, file, later)))


async def _run(asked: Asked, out: Path | None, *, force: bool) -> tuple[Made, Path, int]:
    """The file that was made, where it is, and how many facts are later than its checkpoint."""
    from worker.cli.employers import chosen, store

    async with store() as database:
        async with database.read() as reader:
            home = await chosen(reader, asked.employer)
            options = await _options(reader, home, asked)
            file = out or Path(_file_name(options, home))
            if file.exists() and not force:
                raise _taken(file)
            made = await _made(reader, home, options, asked.checkpoint)
            later = (await reader.head(home.id)).size - made.sources.checkpoint.size
        await _kept(database, made, file, force=force)
    return made, file, later


async def _options(reader: Reader, home: EmployerRow, asked: Asked) -> Options:
    from portal.dossier.sources import Options
    from worker.cli.people import find_person
    from worker.cli.places import find_unit

    unit, person = asked.unit, asked.person
    if unit is not None:
        unit = find_unit((await reader.organisation(home.id))[1], unit)
    if person is not None:
        person = find_person(await reader.people(home.id), person).id
    return Options(
        year=asked.year, language=current(), unit=unit, law=asked.law, person=person, texts=asked.texts,
        names=asked.names, documents=asked.documents,
    )  # fmt: skip


def _file_name(options: Options, home: EmployerRow) -> str:
    parts = [
        "dossier",
        home.id,
        str(options.year),
        *([options.unit] if options.unit else []),
        options.language,
    ]
    return "-".join(parts) + ".zip"


async def _made(reader: Reader, home: EmployerRow, options: Options, size: int | None) -> Made:
    from activities.documents import Documents
    from portal.dossier.making import Damaged, NoCheckpoint, make, sources_of
    from portal.dossier.sources import NoSuchYear, UnknownLaw

    try:
        sources = await sources_of(reader, home, options, now=clock.now(), size=size)
    except NoCheckpoint as error:
        if error.size is None:
            text = _("Hovedboken til {employer} har ikke noe kontrollpunkt ennå.").format(employer=home.id)
        else:
            text = _("{employer} har ikke noe kontrollpunkt over {size} fakta.").format(
                employer=home.id, size=error.size
            )
        known = ", ".join(map(str, error.sizes))
        raise NotFound(
            text,
            _("Velg et av disse: {sizes}.").format(sizes=known) if known else "forsvarlig ledger checkpoint",
        ) from error
    except Damaged as error:
        text = _("De første {size} fakta stemmer ikke med kontrollpunktet sitt: hovedboken er endret.")
        raise Failure(text.format(size=error.size), "forsvarlig ledger check") from error
    except NoSuchYear as error:
        text = _("Kontrollpunktet over {size} fakta kjenner ikke noe årshjul for {year}.")
        known = ", ".join(map(str, error.years))
        raise NotFound(
            text.format(size=error.size, year=error.year),
            _("Disse årene finnes: {years}.").format(years=known)
            if known
            else _("Se hva som er startet: forsvarlig year list"),
        ) from error
    except UnknownLaw as error:
        raise unknown_law(error.reference) from error
    settings = frame().settings
    return await make(
        reader, sources, Voice(), documents=Documents(settings.documents), histories=settings.histories
    )


async def _kept(database: Database, made: Made, file: Path, *, force: bool) -> None:
    """Write the file whole beside its place, put it on record, and only then let it be seen."""
    from portal.dossier.making import note_made, note_reading

    with _reserved(file, force=force), _written(made.content, file) as unfinished:
        now = clock.now()
        await note_reading(database, made, now)
        await note_made(database, made, now)
        try:
            unfinished.replace(file)
        except OSError as error:
            raise unwritable(file, error) from error


@contextlib.contextmanager
def _reserved(file: Path, *, force: bool) -> Iterator[None]:
    """Hold the place with an empty file, so that what came there meanwhile is never written over."""
    if force:
        yield
        return
    try:
        file.touch(exist_ok=False)
    except FileExistsError as error:
        raise _taken(file) from error
    except OSError as error:
        raise unwritable(file, error) from error
    try:
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _taken(file: Path) -> Conflict:
    return Conflict(
        _("{file} finnes fra før.").format(file=file),
        _("Velg en annen fil med --out, eller skriv over den med --force."),
    )


@contextlib.contextmanager
def _written(content: bytes, file: Path) -> Iterator[Path]:
    """A file with the content in the same folder, gone afterwards."""
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".dossier-")
    except OSError as error:
        raise unwritable(file, error) from error
    unfinished = Path(name)
    try:
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise unwritable(file, error) from error
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


class Voice:
    """Says facts as every other command does."""

    def fact(self, fact: Fact, names: Mapping[str, str], units: Mapping[str, str]) -> str:
        return sentence(fact.body, fact.actor, names, units)

    def reason(self, refusal: Refusal) -> str:
        return _(REASONS[refusal])


def _document(made: Made, file: Path, later: int) -> dict[str, Any]:
    sources = made.sources
    return {
        "file": str(file),
        "sha256": made.sha256,
        "size": len(made.content),
        "employer": sources.employer.id,
        "year": sources.options.year,
        "unit": sources.options.unit,
        "checkpoint": sources.checkpoint.size,
        "later_facts": later,
        "fingerprint": sources.checkpoint.fingerprint,
        "rehearsal": sources.rehearsal,
        "contents": made.names,
    }


def _lines(made: Made, file: Path, later: int) -> Iterator[str]:
    size = format_number(round(len(made.content) / 1024))
    yield _("Tilsynsmappen ligger i {file} ({size} kB, {count} filer).").format(
        file=file, size=size, count=len(made.names)
    )
    yield _("Avtrykk: {fingerprint}").format(fingerprint=made.sources.checkpoint.fingerprint)
    yield "SHA-256: " + made.sha256
    yield _("Kontroller den: pakk den ut og skriv {command}").format(
        command="python3 -I -S verify.py facts.jsonl"
    )
    if later:
        yield ngettext(
            "{count} faktum er ført etter kontrollpunktet og er ikke med. Nytt kontrollpunkt: {command}",
            "{count} fakta er ført etter kontrollpunktet og er ikke med. Nytt kontrollpunkt: {command}",
            later,
        ).format(count=later, command=f"{PROGRAM} ledger checkpoint")
