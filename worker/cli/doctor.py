"""`forsvarlig doctor`: what is wrong with an installation, and how to mend it."""

from __future__ import annotations

import asyncio
import gettext
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from activities.language import CATALOGUES, LOCALE_DIR, N_, _, format_number, ngettext
from worker.cli.doctor_anchors import anchors, log_key
from worker.cli.doctor_histories import histories
from worker.cli.doctor_ledger import enforced
from worker.cli.failures import one_line, reason
from worker.cli.frame import emit, frame
from worker.cli.reach import PATIENCE
from worker.cli.readings import missing

if TYPE_CHECKING:
    from worker.settings import Settings

LEAST_PYTHON = (3, 11)
LEAST_SPACE = 100_000_000
"""Bytes of free disk space below which a year may stop."""
GOOD_SPACE = 1_000_000_000
IMPLICIT_TLS_PORT = 465
"""Where mail servers speak TLS from the first byte (RFC 8314)."""

_MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


class Finding(NamedTuple):
    """What one check found. `check` is stable; a warning or error has a remedy."""

    check: str
    status: Literal["ok", "warning", "error"]
    message: str
    remedy: str | None = None


Check = Callable[["Settings"], AsyncIterator[Finding]]


@click.command(help=N_("Finn feil i installasjonen, og si hvordan de rettes. Endrer ingenting."))
@click.pass_context
def doctor(context: click.Context) -> None:
    """Print every finding; exit 1 if something must be mended."""
    findings = asyncio.run(examine())
    healthy = all(finding.status != "error" for finding in findings)
    emit(
        "doctor",
        {"healthy": healthy, "findings": [finding._asdict() for finding in findings]},
        table=lambda: "\n".join(_lines(findings)),
    )
    context.exit(0 if healthy else 1)


def _lines(findings: Iterable[Finding]) -> Iterable[str]:
    colors = {"ok": "green", "warning": "yellow", "error": "red"}
    for finding in findings:
        yield f"{click.style(_MARKS[finding.status], fg=colors[finding.status])} {finding.message}"
        if finding.remedy:
            yield "  " + _("Gjør dette:") + " " + finding.remedy


async def examine() -> list[Finding]:
    """The findings of every check, in the order in which to mend them."""
    from worker.settings import SettingsError

    findings = [_python(), _time_zone(), _catalogues()]
    try:
        settings = frame().settings
    except SettingsError as error:
        return [*findings, Finding("settings", "error", error.problem, error.remedy)]
    for check in CHECKS:
        findings += [finding async for finding in check(settings)]
    return findings


def _python() -> Finding:
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


def _time_zone() -> Finding:
    summer = datetime(2027, 7, 1, tzinfo=UTC)
    try:
        right = summer.astimezone(ZoneInfo("Europe/Oslo")).utcoffset() == timedelta(hours=2)
    except ZoneInfoNotFoundError:
        right = False
    if not right:
        message = _("Tidssonen Europe/Oslo mangler eller er feil.")
        return Finding("time_zone", "error", message, "pip install --force-reinstall tzdata")
    return Finding("time_zone", "ok", _("Tidssonen Europe/Oslo er på plass."))


def _catalogues() -> Finding:
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


async def _variables(settings: Settings) -> AsyncIterator[Finding]:
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


async def _engine(settings: Settings) -> AsyncIterator[Finding]:
    from worker.engine import EngineError, engine_version, temporal_binary

    try:
        binary = temporal_binary(settings.engine.binary)
        version = await engine_version(binary)
    except EngineError as error:
        yield Finding("engine", "error", error.problem, error.remedy)
        return
    yield Finding("engine", "ok", _("Motoren: {version} i {path}").format(version=version, path=binary))


async def _state(settings: Settings) -> AsyncIterator[Finding]:
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


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    from activities.store.database import Database
    from activities.store.errors import SchemaError, StoreError

    try:
        database = Database(settings.database_url)
    except StoreError as error:
        yield Finding("database", "error", str(error), _("Rett innstillingen database_url."))
        return
    try:
        await database.check()
        yield Finding(
            "database", "ok", _("Databasen {place} har riktig skjema.").format(place=database.place)
        )
        async with database.read() as reader:
            employers = await reader.employers()
            faults = {each.name: (await reader.verify(each.id)).faults for each in employers}
            lags = {each.name: lag for each in employers if (lag := await reader.lag(each.id))}
        yield _ledger(faults)
        for name, lag in lags.items():
            yield Finding("projections", "warning", f"{name}: {missing(lag)}", "forsvarlig db rebuild")
    except SchemaError as error:
        if error.found is None:
            message = _("Databasen {place} er ikke laget ennå.").format(place=database.place)
            yield Finding("database", "warning", message, "forsvarlig up / forsvarlig db upgrade")
        else:
            yield Finding(
                "database",
                "error",
                _("Databasen {place} har skjemaversjon {found}, men programmet trenger {wanted}.").format(
                    place=database.place, found=error.found, wanted=error.wanted
                ),
                _("Stopp arbeiderne og kjør «forsvarlig db upgrade», eller bruk en nyere forsvarlig."),
            )
    except StoreError as error:
        yield Finding(
            "database", "error", str(error), _("Kontroller at databasen kjører og at adressen er rett.")
        )
    finally:
        await database.close()


def _ledger(faults: dict[str, tuple[str, ...]]) -> Finding:
    broken = {employer: found for employer, found in faults.items() if found}
    if broken:
        employers = ", ".join(f"{employer} ({len(found)}: {found[0]})" for employer, found in broken.items())
        return Finding(
            "ledger",
            "error",
            _("Hovedboken er endret utenfra: {employers}.").format(employers=employers),
            _("Ta vare på databasen slik den er, hent sikkerhetskopien, og kjør «forsvarlig db verify»."),
        )
    if not faults:
        return Finding("ledger", "ok", _("Ingen virksomheter ennå, så ingen hovedbok å kontrollere."))
    return Finding(
        "ledger", "ok", _("Hovedboken stemmer for {employers}.").format(employers=", ".join(faults))
    )


async def _temporal(settings: Settings) -> AsyncIterator[Finding]:
    from temporalio.client import Client
    from temporalio.service import RPCError

    from worker.connection import (
        NoTemporal,
        connect_config,
        create_search_attributes,
        lacking_search_attributes,
        pollers,
    )
    from worker.settings import SettingsError

    try:
        config = connect_config(settings.state)
    except NoTemporal as error:
        yield Finding("temporal", "warning", error.problem, error.remedy)
        return
    except SettingsError as error:
        yield Finding("temporal", "error", error.problem, error.remedy)
        return
    address = config.get("target_host", "")
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            client = await Client.connect(**config)
            await client.service_client.check_health()
            workers = await pollers(client, settings.task_queue)
            lacking = await lacking_search_attributes(client)
    except (RPCError, RuntimeError, TimeoutError) as error:
        said = one_line(error) or _("svarer ikke")
        yield Finding(
            "temporal",
            "error",
            _("Temporal på {address} kan ikke nås: {error}.").format(address=address, error=said),
            _("Start «forsvarlig up», eller rett TEMPORAL_ADDRESS og TEMPORAL_NAMESPACE."),
        )
        return
    yield Finding(
        "temporal",
        "ok",
        _("Temporal svarer på {address}, navnerom {namespace}.").format(
            address=address, namespace=client.namespace
        ),
    )
    if lacking:
        message = _("Navnerommet {namespace} i Temporal mangler søkeattributter: {names}.").format(
            namespace=client.namespace, names=", ".join(lacking)
        )
        yield Finding("search_attributes", "error", message, create_search_attributes(client, lacking))
    if workers:
        message = _("Arbeidere på køen {queue}: {pollers}.").format(
            queue=settings.task_queue, pollers=", ".join(sorted(workers))
        )
        yield Finding("worker", "ok", message)
    else:
        message = _("Ingen arbeider tar imot fra køen {queue}.").format(queue=settings.task_queue)
        yield Finding("worker", "warning", message, "forsvarlig worker")


async def _payload_keys(settings: Settings) -> AsyncIterator[Finding]:
    from worker.keyring import Keyring

    ring = Keyring(settings.payload_keys)
    try:
        faults, owners = list(ring.faults()), ring.employers()
    except OSError as error:
        message = _("Nøkkelmappen {folder} kan ikke leses: {reason}.")
        yield Finding(
            "payload_keys",
            "error",
            message.format(folder=ring.folder, reason=reason(error)),
            _("Gi deg selv lesetilgang til mappen, eller rett innstillingen payload_keys."),
        )
        return
    for fault in faults:
        if fault.problem == "open_to_others":
            message = _("Andre brukere kan lese nøkkelen {file}.").format(file=fault.file)
            yield Finding("payload_keys", "warning", message, f"chmod 600 {fault.file}")
        else:
            message = _(
                "Nøkkelen {file} er ødelagt eller kan ikke leses; det den har forseglet, er utilgjengelig."
            )
            yield Finding(
                "payload_keys",
                "error",
                message.format(file=fault.file),
                _("Hent filen fra sikkerhetskopien. Årene går videre fra hovedboken med en ny nøkkel."),
            )
    if not faults:
        message = ngettext(
            "Nøklene til det som går gjennom Temporal, er i orden ({count} virksomhet).",
            "Nøklene til det som går gjennom Temporal, er i orden ({count} virksomheter).",
            len(owners),
        )
        yield Finding("payload_keys", "ok", message.format(count=len(owners)))


async def _signing_key(settings: Settings) -> AsyncIterator[Finding]:
    from activities.signatures import KeyFileError, SigningKey
    from worker.cli.failures import key_file

    place = settings.signing_key
    if not place.exists():
        message = _("Nøkkelen som installasjonen signerer med, lages i {file} første gang den trengs.")
        yield Finding("signing_key", "ok", message.format(file=place))
        return
    try:
        key = SigningKey.load(place)
    except KeyFileError as error:
        failure = key_file(error.path, error.fault)
        yield Finding("signing_key", "error", failure.message, failure.remedy)
        return
    message = _("Installasjonen signerer med nøkkelen {key}.").format(key=key.id)
    yield Finding("signing_key", "ok", message)


async def _mail(settings: Settings) -> AsyncIterator[Finding]:
    import aiosmtplib

    mail = settings.mail
    if mail.host is None:
        message = _("Ingen e-posttjener: e-post blir .eml-filer i {folder}.")
        yield Finding("mail", "ok", message.format(folder=settings.mail_directory))
        return
    implicit_tls = mail.port == IMPLICIT_TLS_PORT
    server = aiosmtplib.SMTP(
        hostname=mail.host,
        port=mail.port,
        use_tls=implicit_tls,
        start_tls=mail.starttls and not implicit_tls,
        username=mail.user,
        password=mail.password.get_secret_value() if mail.password else None,
        timeout=PATIENCE.total_seconds(),
    )
    place = f"{mail.host}:{mail.port}"
    try:
        async with server:
            yield Finding("mail", "ok", _("E-posttjeneren {place} svarer.").format(place=place))
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        yield Finding(
            "mail",
            "error",
            _("E-posttjeneren {place} kan ikke brukes: {error}.").format(place=place, error=one_line(error)),
            _("Rett FORSVARLIG_MAIL_HOST, _PORT, _STARTTLS, _USER og _PASSWORD."),
        )


CHECKS: tuple[Check, ...] = (
    _variables, _engine, _state, _payload_keys, _signing_key, log_key, _database, enforced, anchors, _temporal,
    histories, _mail,
)  # fmt: skip
"""The checks that need settings."""
