"""`forsvarlig worker`: a worker against the Temporal that the settings lead to, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from worker.cli.failures import TemporalUnreachable, one_line
from worker.cli.frame import frame, progress

if TYPE_CHECKING:
    from temporalio.client import Client

    from worker.installation import Installation


@click.command(
    help=N_(
        "Kjør en arbeider mot Temporal: den åpner steg, sender e-post og følger fristene til den får beskjed "
        "om å stoppe (Ctrl-C eller SIGTERM). Flere arbeidere kan kjøre samtidig på samme database."
    )
)
@click.option(
    "--wait",
    type=click.IntRange(0, 3600),
    default=30,
    show_default=True,
    metavar=N_("SEKUNDER"),
    help=N_("Hvor lenge det ventes på at Temporal svarer."),
)
def worker(wait: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    from worker.logs import configure

    log = frame().settings.log
    configure(logging.getLevelName(log.level.upper()), json=log.json_lines)
    asyncio.run(_worker(wait))


async def _worker(wait: int) -> None:
    from worker.installation import opened
    from worker.serving import serving, told_to_stop

    settings = frame().settings
    async with opened(settings) as installation:
        with told_to_stop() as stop:
            client = await connected(installation, wait, stop)
            if client is None:
                return
            async with serving(installation, client):
                await keep_schedules_of(installation, client)
                progress(
                    _("Arbeideren tar imot fra køen {queue} på {address}. Stopp med Ctrl-C.").format(
                        queue=settings.task_queue, address=client.service_client.config.target_host
                    )
                )
                await stop.wait()
                progress(_("Stopper …"))


async def connected(installation: Installation, wait: int, stop: asyncio.Event) -> Client | None:
    """A client, tried again for `wait` seconds; None when told to stop meanwhile.

    `TemporalUnreachable` when nothing answers, when the namespace is not there, or when it lacks search
    attributes: every start of a year would be refused.
    """
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.service import RPCError, RPCStatusCode

    from worker.connection import create_search_attributes, lacking_search_attributes

    deadline = time.monotonic() + wait
    while not stop.is_set():
        try:
            client = await installation.connect()
            request = DescribeNamespaceRequest(namespace=client.namespace)
            await client.workflow_service.describe_namespace(request)
            lacking = await lacking_search_attributes(client)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise TemporalUnreachable(
                    _("Temporal har ikke dette navnerommet: {error}.").format(error=one_line(error)),
                    _("Lag det, eller rett TEMPORAL_NAMESPACE."),
                ) from error
            said = one_line(error)
            cause: Exception = error
        except RuntimeError as error:
            said, cause = one_line(error), error
        else:
            if not lacking:
                return client
            raise TemporalUnreachable(
                _("Navnerommet {namespace} i Temporal mangler søkeattributter: {names}.").format(
                    namespace=client.namespace, names=", ".join(lacking)
                ),
                create_search_attributes(client, lacking),
            )
        if time.monotonic() >= deadline:
            raise TemporalUnreachable(
                _("Temporal svarer ikke: {error}.").format(error=said),
                _(
                    "Start «forsvarlig up» eller tjeneren, eller rett TEMPORAL_ADDRESS; «forsvarlig doctor» "
                    "ser etter."
                ),
            ) from cause
        progress(_("Venter på Temporal …"))
        try:
            await asyncio.wait_for(stop.wait(), 1)
        except TimeoutError:
            continue
    return None


async def keep_schedules_of(installation: Installation, client: Client) -> None:
    """Keep the Schedules of each employer that has a year; a server that refuses is no reason to stop."""
    import structlog
    from temporalio.service import RPCError

    from worker.schedule import keep_schedules

    async with installation.database.read() as reader:
        real = {employer.id for employer in await reader.employers() if employer.mode == "real"}
        employers = sorted({cycle.employer for cycle in await reader.cycles()} & real)
    try:
        await keep_schedules(client, employers, installation.settings.task_queue)
    except RPCError as error:
        structlog.get_logger(__name__).warning("schedule_not_kept", error=error.status.name)
