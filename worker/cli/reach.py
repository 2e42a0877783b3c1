"""Whether there is somebody who will do what a command has left to be done."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from activities.language import _

if TYPE_CHECKING:
    from worker.settings import Settings

Engine = Literal["no_engine", "unreachable", "no_worker", "ready"]

PATIENCE = timedelta(seconds=5)
"""How long a server may take to answer."""


async def keep_opener(settings: Settings, employer: str) -> Engine:
    """Keep the employer's Schedules, that of its next years among them, if a server answers; says what is there."""
    from temporalio.client import Client
    from temporalio.service import RPCError

    import worker.exit_guard  # noqa: F401  (imported for what it does)
    from worker.connection import NoTemporal, connect_config, pollers
    from worker.keyring import Keyring
    from worker.plugin import data_converter
    from worker.schedule import keep_schedules

    try:
        config = connect_config(settings.state)
    except NoTemporal:
        return "no_engine"
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            client = await Client.connect(
                **config, data_converter=data_converter(Keyring(settings.payload_keys))
            )
            await keep_schedules(client, [employer], settings.task_queue)
            return "ready" if await pollers(client, settings.task_queue) else "no_worker"
    except (RPCError, RuntimeError, TimeoutError):
        return "unreachable"


def said(engine: Engine) -> tuple[str, str]:
    """What is not there, for people, and the command to type; two empty texts when everything is."""
    return {
        "ready": ("", ""),
        "no_engine": (
            _("Ingen motor kjører. Stegene åpner og e-posten går når den gjør det."),
            "forsvarlig up",
        ),
        "unreachable": (
            _("Temporal svarer ikke. Stegene åpner og e-posten går når den gjør det."),
            "forsvarlig doctor",
        ),
        "no_worker": (
            _("Ingen arbeider kjører. Stegene åpner og e-posten går når en gjør det."),
            "forsvarlig worker",
        ),
    }[engine]
