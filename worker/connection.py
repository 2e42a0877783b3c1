"""Which Temporal to speak to, who works there, and what its namespace must know."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from activities.language import _
from worker.processes import Owner
from worker.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection

    from temporalio.client import Client
    from temporalio.envconfig import ClientConnectConfig

ENGINE_FILE: Final = "engine.json"
"""What lies beside the embedded engine's database and says who runs it."""

SEARCH_ATTRIBUTES: Final = {
    "Employer": "Keyword",
    "Unit": "Keyword",
    "Year": "Int",
    "Stage": "Keyword",
    "DueDate": "Datetime",
    "Awaiting": "KeywordList",
}
"""Search attributes that every namespace of ours has, with their Temporal types."""


class NoTemporal(SettingsError):
    """Nothing says which Temporal to speak to, and no embedded engine runs."""


def connect_config(state: Path) -> ClientConnectConfig:
    """The keyword arguments of `Client.connect`.

    What Temporal's own configuration says is used untouched if it names an address; else the address of the
    embedded engine that runs on `state`. Raises `NoTemporal` if there is neither, and `SettingsError` if
    Temporal's configuration cannot be read.
    """
    from temporalio.envconfig import ClientConfig

    try:
        configured = ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise SettingsError(
            _("Temporals egne innstillinger kan ikke brukes: {error}.").format(error=said),
            _("Rett TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE eller filen de peker på."),
        ) from error
    if configured.get("target_host"):
        return configured
    if profile := os.environ.get("TEMPORAL_PROFILE"):
        raise SettingsError(
            _("Temporal-profilen «{profile}» har ingen adresse.").format(profile=profile),
            _("Gi den en: temporal config set --profile {profile} --prop address --value VERT:PORT").format(
                profile=profile
            ),
        )
    if address := engine_address(state):
        return {"target_host": address}
    raise NoTemporal(
        _("Ingen Temporal-tjener: ingen motor kjører i {state}, og TEMPORAL_ADDRESS er ikke satt.").format(
            state=state
        ),
        _("Start «forsvarlig up», eller sett TEMPORAL_ADDRESS."),
    )


def engine_address(state: Path) -> str | None:
    """Host and port of the embedded engine that runs on `state`, or None if none does."""
    try:
        owner = Owner.model_validate_json((state / ENGINE_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    return owner.address if _alive(owner.pid) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def pollers(client: Client, task_queue: str) -> set[str]:
    """The identities of the workers that have asked the queue for work in the last minutes.

    Raises `RPCError` when the server does not tell.
    """
    from temporalio.api.enums.v1 import TaskQueueType
    from temporalio.api.taskqueue.v1 import TaskQueue
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return {poller.identity for poller in described.pollers}


async def lacking_search_attributes(client: Client) -> list[str]:
    """Those of `SEARCH_ATTRIBUTES` that the client's namespace does not have, without which no year starts.

    Empty too where the server keeps its operator service from us. Raises `RPCError` when it does not answer.
    """
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
    from temporalio.service import RPCError, RPCStatusCode

    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        listed = await client.operator_service.list_search_attributes(request)
    except RPCError as error:
        if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
            return []
        raise
    return [name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes]


def create_search_attributes(client: Client, names: Collection[str]) -> str:
    """The command that gives the client's namespace these search attributes."""
    where = ["--address", client.service_client.config.target_host, "--namespace", client.namespace]
    what = [part for name in names for part in ("--name", name, "--type", SEARCH_ATTRIBUTES[name])]
    return shlex.join(["temporal", "operator", "search-attribute", "create", *where, *what])
