"""Namespaces as an operator leaves them who has not read on."""

from __future__ import annotations

import uuid
from datetime import timedelta

from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client


async def bare_namespace(address: str) -> str:
    """A new namespace without search attributes on the server at `address`."""
    name = f"bare-{uuid.uuid4().hex[:8]}"
    request = RegisterNamespaceRequest(namespace=name)
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await (await Client.connect(address)).workflow_service.register_namespace(request)
    return name
