"""Running a rehearsal from the command line: its folder, its progress, and what it leaves for people to read."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from rich.console import Group
from rich.live import Live
from rich.text import Text

from activities.directory.importer import ImportResult
from activities.directory.messages import message
from activities.language import _, format_day
from worker import logs
from worker.cli.employers import chosen, store
from worker.cli.fact_sentences import describe
from worker.cli.failures import BadInput, Conflict
from worker.cli.frame import console, emit, frame, progress
from worker.cli.people import card
from worker.cli.rehearsal_told import Told, tell, write_files
from worker.cli.rulebooks import legal_register, programme_for
from worker.installation import Installation
from worker.rehearsal import Moment, Progress
from worker.settings import Settings
from worker.staging import Cast, StagingError, cast_from_files, rehearse
from worker.story import Story
from worker.summary import stands_out, summarise
from workflows.rules.calendar import oslo_day
from workflows.rules.law import LegalRegister

MARKER = "REHEARSAL"
"""The file that says that a folder holds a rehearsal, and may be replaced by the next."""

BAR = 60
"""Columns of the bar that fills as the year passes."""

LATEST = 6
"""Lines of the live display."""


class Script(NamedTuple):
    """What is to be rehearsed."""

    year: int
    employer: str | None
    files: Path | None
    programme: Path | None
    story: Story
    folder: Path


async def run(script: Script, *, today: date) -> None:
    """Rehearse, and tell what came of it."""
    law = legal_register()
    programme = programme_for(script.programme, law, script.year)
    cast = await _cast(script, law, today)
    settings = _fresh(script.folder)
    logs.configure(logging.WARNING, stream=(settings.state / "forsvarlig.log").open("a", encoding="utf-8"))
    names = {card.id: card.name for card in cast.people}
    title = _("{name} · årshjulet {year} på prøve").format(name=cast.organisation.name, year=script.year)
    with _display(title, script.year, names) as told:
        installation = await rehearse(
            settings, cast, programme, law, script.year, script.story, files=script.files, progress=told
        )
    try:
        await _tell(installation, cast, script.year)
    finally:
        await installation.database.close()


async def _tell(installation: Installation, cast: Cast, year: int) -> None:
    async with installation.database.read() as reader:
        summary = await summarise(reader, installation.situations, cast.organisation.employer, year)
        told = await Told.read(reader, installation, summary, year)
    await write_files(told, installation.settings.state)
    emit("rehearsal", told.document(), table=lambda: tell(told))


async def _cast(script: Script, law: LegalRegister, today: date) -> Cast:
    if script.files is not None:
        try:
            return cast_from_files(script.files, law, today)
        except StagingError as error:
            raise _bad_files(script.files, error.result) from error
    async with store() as database, database.read() as reader:
        employer = await chosen(reader, script.employer)
        _hash, organisation = await reader.organisation(employer.id)
        people = tuple(map(card, (await reader.people(employer.id)).values()))
    return Cast(organisation=organisation, people=people)


def _bad_files(folder: Path, result: ImportResult) -> BadInput:
    faults = "\n".join(f"  {message(fault, _)}" for fault in result.faults[:20])
    return BadInput(
        _("Filene i {folder} har feil:\n{faults}").format(folder=folder, faults=faults),
        _("Rett dem, og kjør igjen."),
    )


def _fresh(folder: Path) -> Settings:
    """An empty folder for the rehearsal. Only an earlier rehearsal is ever replaced."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise Conflict(
                _("{folder} er ikke tom, og det som ligger der, er ikke en prøve.").format(folder=folder),
                _("Velg en annen mappe med --folder."),
            )
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / MARKER).write_text(_("Alt i denne mappen kommer fra en prøvekjøring.") + "\n", encoding="utf-8")
    return Settings(state=folder, task_queue="rehearsal")


@contextlib.contextmanager
def _display(title: str, year: int, names: Mapping[str, str]) -> Iterator[Progress]:
    """Shows a rehearsal while it runs: moving on a terminal, else a line a month."""
    if frame().quiet or frame().json:
        yield lambda moment: None
        return
    counts: Counter[str] = Counter()
    if not console(stderr=True).is_terminal:
        yield _monthly(title, counts)
        return
    latest: list[Text] = []
    with Live(console=console(stderr=True), transient=True, refresh_per_second=8) as live:

        def show(moment: Moment) -> None:
            day = oslo_day(moment.now)
            counts.update(f.kind for f in moment.facts)
            for fact in moment.facts:
                if stands_out(fact) or fact.kind == "step_closed":
                    place = " ".join(p for p in ((fact.cycle or "").split("/")[-2], fact.step) if p)
                    latest.append(
                        Text(f"{oslo_day(fact.concerns):%d.%m}  {place}  {describe(fact, names)}", "dim")
                    )
            live.update(
                Group(
                    Text.assemble((title, "bold"), f"\n{format_day(day)}"),
                    _bar(day, year),
                    Text(_counted(counts)),
                    *latest[-LATEST:],
                )
            )

        yield show


def _bar(day: date, year: int) -> Text:
    """How much of the year has passed."""
    passed = min(max((day - date(year, 1, 1)).days, 0), 365) * BAR // 365
    return Text.assemble(("━" * passed, "cyan"), ("━" * (BAR - passed), "dim"))


def _monthly(title: str, counts: Counter[str]) -> Progress:
    progress(title)
    months: set[tuple[int, int]] = set()

    def show(moment: Moment) -> None:
        day = oslo_day(moment.now)
        counts.update(f.kind for f in moment.facts)
        if (day.year, day.month) not in months:
            months.add((day.year, day.month))
            progress(f"{day:%Y-%m}  {_counted(counts)}")

    return show


def _counted(counts: Counter[str]) -> str:
    return _(
        "{opened} steg åpnet · {closed} ferdige · {answers} svar · {reminders} påminnelser · {refused} nektet"
    ).format(
        opened=counts["step_opened"],
        closed=counts["step_closed"],
        answers=counts["decision_recorded"] + counts["evidence_submitted"],
        reminders=counts["reminded"] + counts["escalated"],
        refused=counts["attempt_refused"],
    )
