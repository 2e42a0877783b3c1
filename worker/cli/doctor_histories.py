"""What `forsvarlig doctor` finds about the archive of histories, and how long Temporal keeps what is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from activities.language import _, format_number, ngettext
from worker.cli import clock
from worker.cli.doctor_finding import Finding
from worker.cli.frame import PROGRAM
from worker.cli.reach import PATIENCE

if TYPE_CHECKING:
    from temporalio.client import Client

    from activities.store.histories import Due
    from worker.settings import Settings

LATE: Final = timedelta(days=14)
"""A history of an open year is exported weekly; after so long no worker has done it."""

MOST_ASKED: Final = 200
"""Closed years of which Temporal is asked whether it still has them."""


async def histories(settings: Settings) -> AsyncIterator[Finding]:
    """Whether what Temporal will forget is exported in time."""
    from activities.store.errors import StoreError

    try:
        late, ended, kept = await _waiting(settings)
    except StoreError:  # the check of the database says it
        return
    client = await _connected(settings)
    if client is not None:
        async for finding in _kept_by_temporal(client, ended):
            yield finding
    if late:
        text = ngettext(
            "Historikken til {count} årshjul er ikke hentet ut på to uker ({first}).",
            "Historikken til {count} årshjul er ikke hentet ut på to uker ({first} …).",
            len(late),
        )
        message = text.format(count=format_number(len(late)), first=late[0].id)
        yield Finding("histories", "warning", message, f"{PROGRAM} archive sweep")
    else:
        text = ngettext(
            "Arkivet i {folder} har {count} historikk.", "Arkivet i {folder} har {count} historikker.", kept
        )
        yield Finding("histories", "ok", text.format(folder=settings.histories, count=format_number(kept)))


async def _waiting(settings: Settings) -> tuple[list[Due], list[Due], int]:
    """Open years that nobody exports, closed ones whose end is not exported, and how many runs are."""
    from activities.store.database import Database
    from activities.store.histories import due, exported

    database = Database(settings.database_url)
    try:
        await database.check()
        async with database.read() as reader:
            found = await due(reader, clock.now() - LATE)
            kept = {(row.employer, row.run) for row in await exported(reader)}
            real = {row.id for row in await reader.employers() if row.mode == "real"}
    finally:
        await database.close()
    mine = [each for each in found if each.employer in real]
    running = [each for each in mine if each.state == "running"]
    return running, [each for each in mine if each.state == "closed"], len(kept)


async def _connected(settings: Settings) -> Client | None:
    """A client; None when Temporal cannot be reached, which the check of Temporal says."""
    from temporalio.client import Client
    from temporalio.service import RPCError

    from worker.connection import connect_config
    from worker.settings import SettingsError

    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await Client.connect(**connect_config(settings.state))
    except (SettingsError, RPCError, RuntimeError, TimeoutError):
        return None


async def _kept_by_temporal(client: Client, ended: Sequence[Due]) -> AsyncIterator[Finding]:
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.service import RPCError

    from activities.histories import LEAST_RETENTION, is_gone

    gone = []
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            request = DescribeNamespaceRequest(namespace=client.namespace)
            described = await client.workflow_service.describe_namespace(request)
            for cycle in ended[:MOST_ASKED]:
                try:
                    await client.get_workflow_handle(cycle.id).describe()
                except RPCError as error:
                    if not is_gone(error):
                        raise
                    gone.append(cycle.id)
    except (RPCError, TimeoutError):
        return
    retention = described.config.workflow_execution_retention_ttl.ToTimedelta()
    if retention < LEAST_RETENTION:
        message = _(
            "Navnerommet {namespace} i Temporal glemmer det som er lukket, etter {days} døgn. Da kan en historikk "
            "være borte før den er hentet ut."
        )
        yield Finding(
            "retention",
            "warning",
            message.format(namespace=client.namespace, days=format_number(retention // timedelta(days=1))),
            f"temporal operator namespace update --namespace {client.namespace} --retention 90d",
        )
    if gone:
        text = ngettext(
            "Historikken til {count} lukket årshjul er borte fra Temporal uten å være hentet ut ({first}).",
            "Historikken til {count} lukkede årshjul er borte fra Temporal uten å være hentet ut ({first} …).",
            len(gone),
        )
        yield Finding(
            "histories_gone",
            "warning",
            text.format(count=format_number(len(gone)), first=gone[0]),
            _(
                "Det som ble gjort, står i hovedboken. La en arbeider kjøre, så blir de neste hentet ut i tide."
            ),
        )
