"""What `forsvarlig doctor` finds about the machine: Python, time zone, translations, settings, folders, disk."""

from __future__ import annotations

import gettext
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from activities.language import CATALOGUES, LOCALE_DIR, _, format_number
from worker.cli.doctor_finding import Finding
from worker.cli.failures import reason

if TYPE_CHECKING:
    from worker.settings import Settings

LEAST_PYTHON = (3, 11)
LEAST_SPACE = 100_000_000
"""Bytes of free disk space below which a year may stop."""
GOOD_SPACE = 1_000_000_000


def python() -> Finding:
    """Whether this Python is new enough."""
    version = platform.python_version()
    if sys.version_info < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        return Finding(
            "python",
            "error",
            _("Python {version} er for gammel.").format(version=version),
            _("Installer Python {least} eller nyere.").format(least=least),
        )
    return Finding("python", "ok", f"Python {version}")


def time_zone() -> Finding:
    """Whether the time in Oslo can be told."""
    summer = datetime(2027, 7, 1, tzinfo=UTC)
    try:
        right = summer.astimezone(ZoneInfo("Europe/Oslo")).utcoffset() == timedelta(hours=2)
    except ZoneInfoNotFoundError:
        right = False
    if not right:
        message = _("Tidssonen Europe/Oslo mangler eller er feil.")
        return Finding("time_zone", "error", message, "pip install --force-reinstall tzdata")
    return Finding("time_zone", "ok", _("Tidssonen Europe/Oslo er på plass."))


def catalogues() -> Finding:
    """Whether the translations are there."""
    missing = [
        f"{language}/{domain}.mo"
        for domain, language in CATALOGUES
        if gettext.find(domain, LOCALE_DIR, [language]) is None
    ]
    if missing:
        return Finding(
            "catalogues",
            "error",
            _("Oversettelser mangler: {missing}.").format(missing=", ".join(missing)),
            _("Installer forsvarlig på nytt."),
        )
    return Finding("catalogues", "ok", _("Bokmål, nynorsk og engelsk er på plass."))


async def variables(settings: Settings) -> AsyncIterator[Finding]:
    """Whether every `FORSVARLIG_*` variable is a setting."""
    from worker.settings import unknown_variables

    if unknown := unknown_variables(os.environ):
        yield Finding(
            "settings",
            "warning",
            _("Miljøvariabler som ikke er innstillinger: {names}.").format(names=", ".join(unknown)),
            _("Er de skrevet feil? «forsvarlig config show» viser alle innstillinger."),
        )
    else:
        yield Finding("settings", "ok", _("Innstillingene er gyldige."))


async def state(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the state's folder can be written, is private, and has space left."""
    folder = settings.state
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        yield Finding(
            "state",
            "error",
            _("Tilstandsmappen {folder} kan ikke brukes: {reason} ({place}).").format(
                folder=folder, reason=reason(error), place=existing
            ),
            _("Gi deg selv skrivetilgang, eller velg en annen mappe med --state."),
        )
        return
    if existing != folder:
        message = _("Tilstandsmappen {folder} finnes ikke ennå; «forsvarlig up» lager den.")
        yield Finding("state", "ok", message.format(folder=folder))
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding(
            "state",
            "warning",
            _("Andre brukere kan lese tilstandsmappen {folder}, som har personopplysninger.").format(
                folder=folder
            ),
            f"chmod 700 {folder}",
        )
    else:
        yield Finding("state", "ok", _("Tilstandsmappen {folder} er skrivbar.").format(folder=folder))
    free = shutil.disk_usage(existing).free
    space = _("Ledig plass: {megabytes} MB").format(megabytes=format_number(free // 1_000_000))
    if free >= GOOD_SPACE:
        yield Finding("disk", "ok", space)
    else:
        remedy = _("Frigjør plass på disken til {folder}, eller flytt den med --state.").format(folder=folder)
        yield Finding("disk", "warning" if free >= LEAST_SPACE else "error", space, remedy)
