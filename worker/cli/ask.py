"""`forsvarlig ask`: how a year stood on a day, as the workflow itself answers from its history, without a server."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from activities.language import N_, _, format_moment, format_number, ngettext
from worker.cli import replay_words
from worker.cli.failures import BadInput, Failure, NotFound
from worker.cli.frame import PROGRAM, emit, frame
from worker.cli.moments import MOMENT
from worker.cli.options import employer_option
from worker.cli.places import CYCLE_HELP

if TYPE_CHECKING:
    from rich.console import RenderableType

    from activities.history_files import Events
    from worker.archive import Position
    from worker.keyring import Keyring

Question = Literal["standing", "position", "shift"]
FILE = click.Path(path_type=Path)


class Told(NamedTuple):
    """An answer, and the file that gave it."""

    workflow: str
    run: str
    file: Path
    at: datetime | None
    found: Position


@click.command(
    help=N_(
        "Spør historikken til et årshjul hvordan det sto på en dag. Arbeidsflyten svarer selv, slik den svarte da: "
        "historikken kjøres om igjen fram til dagen, uten tjener og uten database. «standing» er hvert steg, "
        "«position» hvor langt i hovedboken løpet hadde lest, og «shift» hvor langt klokken i en prøvekjøring går "
        "foran."
    ),
    epilog=CYCLE_HELP,
)
@click.argument(
    "question",
    type=click.Choice(["standing", "position", "shift"]),
    default="standing",
    metavar="[standing|position|shift]",
)
@click.option(
    "--history",
    "file",
    type=FILE,
    metavar=N_("FIL"),
    help=N_("Historikken, fra arkivet eller en tilsynsmappe."),
)
@click.option(
    "--cycle", metavar=N_("ÅRSHJUL"), help=N_("Finn historikken i arkivet, ved hjelp av hovedboken.")
)
@employer_option
@click.option(
    "--at",
    type=MOMENT,
    metavar=N_("DAG"),
    help=N_("Dagen det gjelder, ved dagens slutt, eller et klokkeslett; ellers slutten."),
)
@click.option(
    "--keys",
    type=FILE,
    metavar=N_("MAPPE"),
    help=N_("Nøklene som åpner historikken, når de ikke er installasjonens."),
)
def ask(
    question: Question,
    file: Path | None,
    cycle: str | None,
    employer: str | None,
    at: datetime | None,
    keys: Path | None,
) -> None:
    """Print the answer."""
    from worker.keyring import Keyring

    if (file is None) == (cycle is None):
        raise click.UsageError(_("Skriv enten --history FIL eller --cycle ÅRSHJUL."))
    keyring = Keyring(keys if keys is not None else frame().settings.payload_keys)
    if file is not None:
        told = asyncio.run(_of_file(file, at, keyring))
    else:
        told = asyncio.run(_of_cycle(cycle or "", employer, at, keyring))
    emit("ask", _document(told, question), table=lambda: _answer(told, question))


async def _of_file(file: Path, at: datetime | None, keyring: Keyring) -> Told:
    from worker.archive import NotBegun

    events = _read(file)
    try:
        return await _asked(file, events, at, keyring)
    except NotBegun as error:
        raise _not_begun(error.began) from None


async def _of_cycle(text: str, employer: str | None, at: datetime | None, keyring: Keyring) -> Told:
    """The answer of the run that went on at the moment: the newest that had begun."""
    from activities.histories import file_of, replaced_by
    from activities.store.histories import exported
    from worker.archive import NotBegun
    from worker.cli import employers
    from worker.cli.clock import today
    from worker.cli.places import find_cycle

    async with employers.reading() as reader:
        row = await find_cycle(reader, text, today=today(), employer=employer)
        exports = await exported(reader, employer=row.employer, workflow=row.id)
    began: datetime | None = None
    for export in reversed([each for each in exports if replaced_by(each, exports) is None]):
        file = file_of(frame().settings.histories, export)
        events = _read(file)
        if hashlib.sha256(file.read_bytes()).hexdigest() != export.sha256:
            raise Failure(
                _("{file} har ikke fingeravtrykket som hovedboken sier (nr. {seq}).").format(
                    file=file, seq=export.seq
                ),
                f"{PROGRAM} archive check",
            )
        try:
            return await _asked(file, events, at, keyring)
        except NotBegun as error:
            began = error.began
    if began is not None:
        raise _not_begun(began)
    raise NotFound(
        _("Ingen historikk for {cycle} er hentet ut ennå.").format(cycle=row.id),
        _("Hent den ut: {command}").format(command=f"{PROGRAM} archive sweep --open"),
    )


async def _asked(file: Path, events: Events, at: datetime | None, keyring: Keyring) -> Told:
    from activities.history_files import run_of, workflow_of
    from worker.archive import NotBegun, position
    from worker.replaying import judge

    try:
        found = await position(events, at, keyring=keyring)
    except NotBegun:
        raise
    except Exception as error:
        [verdict] = await judge([(str(file), events)], keyring)
        why = " ".join(replay_words.told(verdict)) or _("Løpet svarer ikke: {error}.").format(
            error=type(error).__name__
        )
        raise BadInput(
            _("{file} kan ikke spørres. {why}").format(file=file, why=why), f"{PROGRAM} replay {file}"
        ) from error
    return Told(workflow_of(events), run_of(events), file, at, found)


def _read(file: Path) -> Events:
    from activities.history_files import HistoryFileError, read

    try:
        return read(file)
    except HistoryFileError as error:
        raise BadInput(
            f"{file}: {replay_words.fault(error.fault, error.event)}",
            _("Hent filen på nytt, fra arkivet eller sikkerhetskopien."),
        ) from error


def _not_begun(began: datetime) -> NotFound:
    return NotFound(
        _("Løpet begynte {when}, og visste ingenting før det.").format(when=format_moment(began)),
        _("Spør om en senere dag med --at."),
    )


def _document(told: Told, question: Question) -> dict[str, Any]:
    found = told.found
    answers: dict[Question, Any] = {
        "standing": found.standing,
        "position": found.seq,
        "shift": found.shift.total_seconds(),
    }
    return {
        "workflow": told.workflow,
        "run": told.run,
        "file": str(told.file),
        "at": told.at,
        "began": found.began,
        "reached": found.reached,
        "events": found.events,
        "seq": found.seq,
        question: answers[question],
    }


def _answer(told: Told, question: Question) -> RenderableType:
    found = told.found
    if question == "position":
        text = _("Løpet hadde lest hovedboken til og med nr. {seq}.")
        return f"{_head(told)}\n{text.format(seq=format_number(found.seq))}"
    if question == "shift":
        if not found.shift:
            return _("Klokken i løpet er tjenerens.")
        ahead = _(
            "Klokken i løpet går {days} døgn, {hours} timer og {minutes} minutter foran tjenerens (prøvekjøring)."
        )
        minutes = round(found.shift.total_seconds() / 60)
        return ahead.format(days=minutes // 1440, hours=minutes % 1440 // 60, minutes=minutes % 60)
    return _standing(told)


def _head(told: Told) -> str:
    reached = format_moment(told.found.reached)
    text = (
        _("{workflow} {when}, sist våken {reached}.")
        if told.at is not None
        else _("{workflow}, sist våken {reached}.")
    )
    when = format_moment(told.at) if told.at is not None else ""
    return text.format(workflow=told.workflow, when=when, reached=reached)


def _standing(told: Told) -> RenderableType:
    from worker.cli.standing_view import steps
    from worker.cli.tables import plain, stacked
    from workflows.rules.calendar import oslo_day

    found = told.found
    day = oslo_day(told.at if told.at is not None else found.reached)
    return stacked(
        plain(_head(told), "bold"),
        *(plain(line, "dim") for line in _state(told)),
        *steps(found.standing, day),
    )


def _state(told: Told) -> Iterator[str]:
    standing = told.found.standing
    if standing.started_at is None:
        yield _("Året var ikke startet.")
    elif standing.closed_at is not None:
        yield _("Året var lukket {when}.").format(when=format_moment(standing.closed_at))
    else:
        yield _("Året var i gang, startet {when}.").format(when=format_moment(standing.started_at))
    if standing.refused:
        text = ngettext("{count} forsøk var nektet.", "{count} forsøk var nektet.", standing.refused)
        yield text.format(count=format_number(standing.refused))
