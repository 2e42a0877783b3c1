"""`forsvarlig up`: everything on this machine in one process, with state that survives it."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from worker.cli.clock import today
from worker.cli.failures import Conflict, Failure
from worker.cli.frame import emit, frame, progress
from worker.locations import default_state

if TYPE_CHECKING:
    from rich.console import RenderableType

    from worker.engine import EmbeddedEngine
    from worker.engine_program import EngineError
    from worker.installation import Installation
    from worker.settings import Settings


@click.command(
    help=N_(
        "Start alt på denne maskinen i én prosess: motor, arbeider og utsending av e-post. Alt som skal "
        "bestå, ligger i tilstandsmappen; etter et strømbrudd går det videre der det var.\n\n"
        "Stopp med Ctrl-C."
    )
)
def up() -> None:
    """Run engine, worker and outbox until SIGINT or SIGTERM."""
    asyncio.run(_up())


async def _up() -> None:
    from worker.cli.worker import keep_schedules_of
    from worker.installation import opened
    from worker.serving import serving, told_to_stop

    settings = frame().settings
    settings.make_state()
    with _logging(settings):
        async with _engine(settings) as engine, opened(settings, upgrade=True) as installation:
            # Not by the settings: they may name another server, and this worker belongs to this engine.
            client = await installation.connect(engine.address)
            with told_to_stop() as stop:
                async with serving(installation, client):
                    await keep_schedules_of(installation, client)
                    await _say(installation, engine)
                    ended = await _until(stop, engine)
                    if not ended:
                        progress(_("Stopper …"))
            if ended:
                raise Failure(
                    _("Motoren stoppet av seg selv."),
                    _("Se {log}, og start igjen: forsvarlig up").format(log=_engine_log(settings)),
                )
    progress(_("Stoppet. Ingenting kjører lenger."))


async def _until(stop: asyncio.Event, engine: EmbeddedEngine) -> bool:
    """Wait until told to stop, or until the engine ends; answers whether it did."""
    told, ended = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(engine.wait())
    try:
        await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
        return ended.done() and not told.done()
    finally:
        told.cancel()
        ended.cancel()


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[EmbeddedEngine]:
    """The embedded engine on the state's own file, with the ports of the settings."""
    from worker.engine import EmbeddedEngine
    from worker.engine_program import EngineError, temporal_binary

    try:
        engine = EmbeddedEngine(
            temporal_binary(settings.engine.binary),
            database=settings.engine_database,
            port=settings.engine.port,
            ui_port=settings.engine.ui_port,
            log_file=_engine_log(settings),
        )
        progress(_("Starter motoren …"))
        await engine.start()
    except EngineError as error:
        raise _refused(error, settings) from error
    try:
        yield engine
    finally:
        await engine.stop()


def _refused(error: EngineError, settings: Settings) -> Failure:
    """The engine's refusals that a newcomer meets, in the language spoken; the others as they are."""
    from worker.processes import Claimed, is_port_free, port_holder

    held = error.__context__
    if isinstance(held, Claimed):
        owner = held.owner
        if owner is None:
            return Conflict(
                _("{folder} er i bruk: en annen prosess starter akkurat nå.").format(folder=settings.state),
                _("Vent litt, og prøv igjen."),
            )
        return Conflict(
            _("{folder} er i bruk: prosess {pid} kjører «forsvarlig up» der{where}.").format(
                folder=settings.state,
                pid=owner.pid,
                where=_(", på {address}").format(address=owner.address) if owner.address else "",
            ),
            _(
                "Bruk den som kjører, stopp den med Ctrl-C i vinduet sitt (eller kill {pid}), eller velg en "
                "annen mappe med --state."
            ).format(pid=owner.pid),
        )
    for port, setting in ((settings.engine.port, "PORT"), (settings.engine.ui_port, "UI_PORT")):
        if port and not is_port_free(port):
            holder = port_holder(port)
            return Conflict(
                _("Port {port} er opptatt av {holder}.").format(port=port, holder=holder)
                if holder
                else _("Port {port} er opptatt.").format(port=port),
                _(
                    "Stopp det programmet, eller velg en annen port: FORSVARLIG_ENGINE_{setting}=0 tar en "
                    "ledig."
                ).format(setting=setting),
            )
    return Failure(error.problem, error.remedy)


def _engine_log(settings: Settings) -> Path:
    return settings.state / "engine.log"


@contextmanager
def _logging(settings: Settings) -> Iterator[None]:
    """Log lines go to the log file, so that the window stays readable; with --verbose to standard error."""
    from worker.logs import configure

    level, json = logging.getLevelName(settings.log.level.upper()), settings.log.json_lines
    if frame().verbose:
        configure(level, json=json)
        yield
        return
    descriptor = os.open(settings.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", buffering=1) as lines:
        configure(level, json=json, stream=lines)
        try:
            yield
        finally:
            configure(logging.WARNING, json=json)


async def _say(installation: Installation, engine: EmbeddedEngine) -> None:
    async with installation.database.read() as reader:
        employers = await reader.employers()
        years = sorted({cycle.year for cycle in await reader.cycles(state="running")})
    command = "forsvarlig year show"
    if not employers:
        command = _("forsvarlig org import MAPPE")
    elif not years:
        command = f"forsvarlig year start {today().year + 1}"
    settings = installation.settings
    if settings.state != default_state():
        command += f" --state {shlex.quote(str(settings.state))}"
    document = {
        "address": engine.address,
        "ui": engine.ui_address,
        "state": settings.state,
        "database": installation.database.place,
        "mail": settings.mail_directory if settings.mail.host is None else settings.mail.host,
        "log": settings.log_file,
        "pid": os.getpid(),
        "employers": [employer.id for employer in employers],
        "running_years": years,
        "next": command,
    }
    emit("up", document, table=lambda: _table(document, command))
    sys.stdout.flush()


def _table(document: Mapping[str, object], command: str) -> RenderableType:
    from worker.cli.tables import indented, mark, plain, stacked, then, unheaded

    rows = [
        (_("Motor"), str(document["address"])),
        (_("I nettleseren"), str(document["ui"])),
        (_("Tilstand"), str(document["state"])),
        (_("E-post"), str(document["mail"])),
        (_("Logg"), str(document["log"])),
    ]
    elsewhere = [name for name in ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE") if os.environ.get(name)]
    warning = _("{name} er satt: andre kommandoer snakker med den tjeneren, ikke med denne.")
    return stacked(
        mark("ok", _("Forsvarlig kjører på denne maskinen. Stopp med Ctrl-C.")),
        indented(unheaded((plain(name, "dim"), plain(value)) for name, value in rows)),
        *(mark("warning", warning.format(name=name)) for name in elsewhere),
        then(_("Skriv i et annet vindu:"), command),
    )
