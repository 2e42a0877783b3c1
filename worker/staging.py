"""Staging a rehearsal: a folder of its own, a virtual engine, a worker, and an employer from its files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from temporalio.plugin import SimplePlugin

from activities.cycles import open_year
from activities.directory.files import read_sources
from activities.directory.importer import ImportResult, build
from activities.directory.people import PersonCard
from activities.documents import Documents
from activities.mail import EmlFolder
from activities.organisations import put_in_force
from activities.store.database import Database
from worker.engine_program import temporal_binary
from worker.installation import Installation
from worker.rehearsal import ChangeOrganisation, Progress, Rehearsal, VirtualClock
from worker.serving import make_worker
from worker.settings import Settings
from worker.story import Story
from worker.virtual import VirtualEnvironment, virtual_environment
from workflows.rules.base import Frozen
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Organisation
from workflows.rules.programme import Programme

LAST_TASKS = timedelta(seconds=20)
"""How long workflows get to end by themselves, when their years are closed."""


class StagingError(Exception):
    """The employer's files cannot be used; `result` holds every fault."""

    def __init__(self, result: ImportResult) -> None:
        super().__init__(f"{len(result.faults)} faults in the files")
        self.result = result


class Cast(Frozen):
    """Who plays in a rehearsal: the organisation and its people."""

    organisation: Organisation
    people: tuple[PersonCard, ...]


def cast_from_files(folder: Path, law: LegalRegister, today: date, before: Cast | None = None) -> Cast:
    """The employer whose files lie in `folder`; `StagingError` when they have faults."""
    result = build(
        read_sources([folder]),
        before.organisation if before else None,
        before.people if before else (),
        law=law,
        today=today,
    )
    if result.organisation is None:
        raise StagingError(result)
    return Cast(organisation=result.organisation, people=result.people)


def first_moment(year: int) -> datetime:
    """A rehearsal starts at seven in the morning of 1 January, Oslo time."""
    return datetime(year, 1, 1, 6, tzinfo=UTC)


async def stage(settings: Settings, cast: Cast, year: int) -> Installation:
    """An installation of its own for a rehearsal, with the employer in force and the clock at the year's start."""
    clock = VirtualClock(first_moment(year))
    settings.make_state()
    database = Database(settings.database_url)
    await database.upgrade()
    await put_in_force(database, cast.organisation, cast.people, clock(), mode="rehearsal")
    return Installation(
        settings,
        database,
        Documents(settings.documents),
        EmlFolder(settings.mail_directory),
        clock,
        clock.shift,
        method="rehearsal",
    )


def plugin_for(installation: Installation) -> SimplePlugin:
    """The plugin that runs the installation's activities."""
    return installation.plugin


def changes_from_files(
    installation: Installation, cast: Cast, law: LegalRegister, files: Path
) -> ChangeOrganisation:
    """How a story's changes are carried out: each imports the folder it names, inside `files`.

    Each is laid on the organisation in force, so that delegations and absences set meanwhile stay.
    """
    people = cast.people

    async def change(name: str, now: datetime) -> None:
        nonlocal people
        async with installation.database.read() as reader:
            _hash, known = await reader.organisation(cast.organisation.employer)
        new = cast_from_files(files / name, law, now.date(), Cast(organisation=known, people=people))
        people = new.people
        await put_in_force(installation.database, new.organisation, people, now, mode="rehearsal")

    return change


def rehearsal(
    environment: VirtualEnvironment,
    installation: Installation,
    employer: str,
    story: Story,
    *,
    change_organisation: ChangeOrganisation | None = None,
    progress: Progress | None = None,
) -> Rehearsal:
    """A rehearsal of what is staged."""
    clock = installation.clock
    if not isinstance(clock, VirtualClock):
        raise TypeError("a rehearsal needs a staged installation, with a virtual clock")
    return Rehearsal(
        environment,
        installation.database,
        installation.documents,
        replace(installation, clock=clock.soon).outbox(environment.client),
        installation.situations,
        installation.doors,
        clock,
        employer,
        story,
        change_organisation=change_organisation,
        progress=progress,
    )


async def rehearse(
    settings: Settings,
    cast: Cast,
    programme: Programme,
    law: LegalRegister,
    year: int,
    story: Story,
    *,
    files: Path | None = None,
    progress: Progress | None = None,
) -> Installation:
    """Run the employer's whole year on a virtual engine, with everything it leaves under `settings.state`.

    `files` is the folder in which the story's changes name their folders. The histories of the finished
    runs are exported. The answered installation's database is open.
    """
    installation, employer = await stage(settings, cast, year), cast.organisation.employer
    plugins = [plugin_for(installation)]
    binary = temporal_binary(settings.engine.binary)
    async with (
        virtual_environment(binary, plugins=plugins, log_file=settings.state / "engine.log") as environment,
        make_worker(environment.client, settings.task_queue),
    ):
        await open_year(installation.database, employer, year, programme, law, installation.clock())
        change = changes_from_files(installation, cast, law, files) if files else None
        await rehearsal(
            environment, installation, employer, story, change_organisation=change, progress=progress
        ).run()
        await installation.histories(environment.client).settle(LAST_TASKS)
    await installation.checkpoints.make(employer)
    return installation
