"""All that client, worker, replayer and tests must agree on, in one Temporal plugin."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import SandboxImportNotificationPolicy

import worker.exit_guard  # noqa: F401  (whoever uses Temporal needs it)
from worker.codec import SealingCodec, SealingFailureConverter
from worker.keyring import Keyring
from workflows.employer_year import EmployerYear
from workflows.opener import Opener
from workflows.retention import Retention
from workflows.unit_year import UnitYear

WORKFLOWS = (EmployerYear, UnitYear, Opener, Retention)

PURE = (
    "workflows.rules", "workflows.messages", "workflows.ports", "workflows.cycle", "workflows.trust",
    "workflows.patches",
)  # fmt: skip
"""Our own modules without state of their own: imported once for all workflow instances."""


class _Sandbox(SandboxedWorkflowRunner):
    """Answers outside of the sandbox what its own asks inside for each payload: whose it is.

    To enter the sandbox takes ten times as long as to decode a signal, and thousands may come in one task.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """An instance that knows by itself what belongs to the workflow, and asks about its commands only."""
        instance = super().create_instance(det)
        inside = instance.get_serialization_context
        own = WorkflowSerializationContext(namespace=det.info.namespace, workflow_id=det.info.workflow_id)
        answers = {"get_serialization_context": lambda command: own if command is None else inside(command)}
        vars(instance).update(answers)
        return instance


def _runner(existing: WorkflowRunner | None) -> WorkflowRunner:
    if existing is not None and not isinstance(existing, SandboxedWorkflowRunner):
        return existing
    sandbox = existing or SandboxedWorkflowRunner()
    restrictions = sandbox.restrictions.with_passthrough_modules(*PURE).with_import_notification_policy(
        SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    )
    return _Sandbox(restrictions=restrictions)


def sandbox() -> WorkflowRunner:
    """What runs the workflows, in workers and in replays."""
    return _runner(None)


def data_converter(keyring: Keyring | None) -> DataConverter:
    """How payloads look outside: pydantic's JSON, and sealed with the keys of `keyring` if there is one."""
    if keyring is None:
        return pydantic_data_converter
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=SealingCodec(keyring),
        failure_converter_class=SealingFailureConverter,
    )


def forsvarlig_plugin(
    activities: Sequence[Callable[..., Any]] = (), *, keyring: Keyring | None = None
) -> SimplePlugin:
    """The plugin for `Client.connect` and `Replayer`; workers inherit it from their client.

    Without a `keyring` nothing is sealed or opened: for histories of before the keys.
    """
    return SimplePlugin(
        "forsvarlig",
        data_converter=data_converter(keyring),
        workflow_runner=_runner,
        workflows=WORKFLOWS,
        activities=activities,
    )
