"""What `forsvarlig doctor` finds about what is spoken to: the engine, Temporal, the mail server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from activities.language import _
from worker.cli.doctor_finding import Finding
from worker.cli.failures import one_line
from worker.cli.reach import PATIENCE

if TYPE_CHECKING:
    from worker.settings import Settings

IMPLICIT_TLS_PORT = 465
"""Where mail servers speak TLS from the first byte (RFC 8314)."""


async def engine(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the embedded engine's program runs."""
    from worker.engine_program import EngineError, engine_version, temporal_binary

    try:
        binary = temporal_binary(settings.engine.binary)
        version = await engine_version(binary)
    except EngineError as error:
        yield Finding("engine", "error", error.problem, error.remedy)
        return
    yield Finding("engine", "ok", _("Motoren: {version} i {path}").format(version=version, path=binary))


async def temporal(settings: Settings) -> AsyncIterator[Finding]:
    """Whether Temporal answers, knows what is searched for, and has a worker at the queue."""
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


async def mail(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the mail server takes mail."""
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
