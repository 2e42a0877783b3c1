"""All that client, worker, replayer and tests must agree on, in one Temporal plugin."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import SandboxImportNotificationPolicy

import worker.exit_guard  # noqa: F401  (whoever uses Temporal needs it)
from workflows.employer_year import EmployerYear
from workflows.opener import Opener
from workflows.unit_year import UnitYear

WORKFLOWS = (EmployerYear, UnitYear, Opener)

PURE = ("workflows.rules", "workflows.messages", "workflows.ports", "workflows.cycle")
"""Our own modules without state of their own: imported once for all workflow instances."""


def _runner(existing: WorkflowRunner | None) -> WorkflowRunner:
    if existing is not None and not isinstance(existing, SandboxedWorkflowRunner):
        return existing
    sandbox = existing or SandboxedWorkflowRunner()
    restrictions = sandbox.restrictions.with_passthrough_modules(*PURE).with_import_notification_policy(
        SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    )
    return dataclasses.replace(sandbox, restrictions=restrictions)


def forsvarlig_plugin(activities: Sequence[Callable[..., Any]] = ()) -> SimplePlugin:
    """The plugin for `Client.connect` and `Replayer`; workers inherit it from their client."""
    return SimplePlugin(
        "forsvarlig",
        data_converter=pydantic_data_converter,
        workflow_runner=_runner,
        workflows=WORKFLOWS,
        activities=activities,
    )
