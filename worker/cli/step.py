"""`forsvarlig step`: everything about one step, and filing what it asks for."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from activities.language import N_, _
from worker.cli.as_of_options import as_of_options, asked_then
from worker.cli.failures import Conflict
from worker.cli.frame import emit, frame, progress
from worker.cli.moments import DAY
from worker.cli.options import as_option, comment_file_option, comment_option, nonce_option, year_option
from worker.cli.places import CYCLE_HELP
from worker.cli.readings import reader_option
from worker.cli.receipts import recorded
from worker.cli.signing import key_option

if TYPE_CHECKING:
    from activities.receipts import Receipt
    from activities.situations import Situations
    from activities.store.database import Database
    from activities.store.rows import DocumentRow, PersonRow
    from worker.cli.cases import Case
    from worker.cli.words import Told
    from workflows.rules.statement import MoveDueDate
    from workflows.rules.terms import Refusal


@click.group(help=N_("Vis et steg, eller lever det som steget krever."))
def step() -> None:
    """One step of a year."""


@year_option
@step.command(
    help=N_("Vis alt om ett steg: hva loven krever, frister, hvem som er spurt, dokumenter og svar."),
    epilog=CYCLE_HELP,
)
@click.argument("cycle", metavar=N_("ÅRSHJUL"))
@click.argument("key", metavar=N_("STEG"))
@reader_option
@as_of_options
def show(
    cycle: str,
    key: str,
    person: str | None,
    as_of: date | None,
    clock: str | None,
    year: int | None,
    employer: str | None,
) -> None:
    """Print a step's whole story."""
    from worker.cli.step_story import read_story
    from worker.cli.step_view import story_lines

    then = asked_then(as_of, clock)
    story = asyncio.run(read_story(cycle, key, year=year, employer=employer, person=person, then=then))
    emit("step", story, table=lambda: "\n".join(story_lines(story)))


@year_option
@step.command(
    help=N_("Legg fram en fil som dokumentasjon for et steg. Filen lagres med fingeravtrykk."),
    epilog=CYCLE_HELP,
)
@click.argument("cycle", metavar=N_("ÅRSHJUL"))
@click.argument("key", metavar=N_("STEG"))
@click.argument("file", metavar=N_("FIL"), type=click.Path(path_type=Path))
@as_option
@click.option(
    "--on-behalf-of", metavar=N_("PERSON"), help=N_("Den du leverer for, når du er vikar for flere.")
)
@key_option
@nonce_option
def submit(
    cycle: str,
    key: str,
    file: Path,
    person: str,
    on_behalf_of: str | None,
    key_file: Path | None,
    nonce: str,
    year: int | None,
    employer: str | None,
) -> None:
    """Store a file and file it as the step's evidence."""
    asyncio.run(
        _submit(cycle, key, file, person, on_behalf_of, key_file, nonce, year=year, employer=employer)
    )


@year_option
@step.command(
    help=N_(
        "Flytt fristen for et steg, med en begrunnelse. Den første fristen blir stående i historikken ved siden av."
    ),
    epilog=CYCLE_HELP,
)
@click.argument("cycle", metavar=N_("ÅRSHJUL"))
@click.argument("key", metavar=N_("STEG"))
@as_option
@click.option(
    "--to",
    "due",
    required=True,
    type=DAY,
    metavar=N_("DATO"),
    help=N_("Den nye fristen."),
)
@comment_option
@comment_file_option
@key_option
@nonce_option
def move(
    cycle: str,
    key: str,
    person: str,
    due: date,
    comment: str | None,
    comment_file: Any,
    key_file: Path | None,
    nonce: str,
    year: int | None,
    employer: str | None,
) -> None:
    """Record a new due date."""
    from worker.cli.options import text_of
    from worker.cli.reasoned import Given, give_reasons, why_not_moved
    from workflows.rules.statement import MoveDueDate

    text = text_of(comment, comment_file)
    given = Given(cycle, key, person, text, None, key_file, nonce, year, employer)

    def said(case: Case, commitment: str | None, other: str | None) -> MoveDueDate:
        return MoveDueDate(due=due, comment=commitment)

    def why(reason: Refusal, case: Case, person: str) -> Told:
        return why_not_moved(reason, case, person, due)

    asyncio.run(give_reasons(given, "due-date", said, why))


async def _submit(
    cycle: str,
    key: str,
    file: Path,
    who: str,
    on_behalf_of: str | None,
    key_file: Path | None,
    nonce: str,
    *,
    year: int | None,
    employer: str | None,
) -> None:
    from activities.situations import Situations
    from worker.cli import clock
    from worker.cli.cases import read_case
    from worker.cli.deciding import put_document
    from worker.cli.employers import store
    from worker.cli.people import find_person
    from worker.cli.signing import desk, own_key
    from workflows.rules.statement import File

    situations = Situations()
    async with store() as database:
        async with database.read() as reader:
            now = clock.now()
            case = await read_case(
                reader, cycle, key, now, situations=situations, year=year, employer=employer
            )
            person = find_person(case.directory, who)
            other = find_person(case.directory, on_behalf_of, "--on-behalf-of") if on_behalf_of else None
        own = own_key(case.row.employer, person.id, key_file)
        doors = desk(database, situations)
        document = await put_document(database, case.row.employer, file, now)
        receipt = await doors.act(
            case.row.employer,
            person.id,
            File(document=document.hash, on_behalf_of=other.id if other is not None else None),
            cycle=case.row.id,
            step=case.step.key,
            now=now,
            nonce=nonce,
            own=own,
        )
        await _answer(database, situations, case, person, document, receipt, nonce)


async def _answer(
    database: Database,
    situations: Situations,
    before: Case,
    person: PersonRow,
    document: DocumentRow,
    receipt: Receipt,
    nonce: str,
) -> None:
    from worker.cli.cases import follow_up, read_case
    from worker.cli.refusals import Try, told

    async with database.read() as reader:
        after = await read_case(reader, before.row.id, before.step.key, before.now, situations=situations)
        waits = await follow_up(reader, before.now)
    document_body = {
        "accepted": receipt.accepted,
        "seq": receipt.seq,
        "repeated": receipt.repeated,
        "reason": receipt.reason,
        "cycle": before.row.id,
        "step": before.step.key,
        "person": person.id,
        "document": document.hash,
        "version": getattr(receipt.fact.body, "version", None),
        "nonce": nonce,
        "fingerprint": receipt.fingerprint,
        "waiting": [p.model_dump(mode="json") for p in after.foreseen().waiting()],
    }
    if receipt.reason is not None:
        refused = told(receipt.reason, before, Try(person.id))
        if frame().json:
            emit("submission", document_body, table="")
        raise Conflict(recorded(refused.problem, receipt), refused.remedy)
    emit("submission", document_body, table=lambda: "\n".join(_receipt(after, document, receipt)))
    if waits:
        progress(waits)


def _receipt(after: Case, document: DocumentRow, receipt: Receipt) -> list[str]:
    from worker.cli.cases import next_lines
    from worker.cli.layout import wrapped
    from worker.cli.naming import short_hash, visible
    from worker.cli.receipts import keep

    version = getattr(receipt.fact.body, "version", 0)
    first = _("Dette var lagt fram fra før.") if receipt.repeated else _("Lagt fram.")
    said = _("{file} er versjon {version} i {title}.").format(
        file=visible(document.name or ""), version=version, title=after.title
    )
    lines = wrapped(f"{first} {said}")
    lines += wrapped(
        _("Fingeravtrykk (SHA-256) {hash}…, {size} byte. Ført som nr. {seq} i historikken.").format(
            hash=short_hash(document.hash), size=document.size, seq=receipt.seq
        )
    )
    lines += wrapped(keep(receipt.fingerprint))
    for line in next_lines(after):
        lines += wrapped(line, hang=4)
    return lines
