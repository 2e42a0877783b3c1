"""Reading an exported history without a server: it is replayed, and the workflow's own queries are answered.

No call of the SDK gives the answer of a query from a replay. So the runner is wrapped: when the replayed instance
is about to be evicted, it is asked once more, as a worker would ask it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message
from pydantic import TypeAdapter
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import QueryResult, WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter, SerializationContext, StorageDriverStoreContext
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

from activities.history_files import Events, kind_of, workflow_of
from worker.codec import ENCODING, KEY, SealingCodec
from worker.keyring import Keyring
from worker.plugin import WORKFLOWS, data_converter, sandbox
from workflows.rules.scheduled import ScheduledRef
from workflows.rules.standing import Standing

BUILD: Final = "replay"
"""The SDK's own default hashes the code of every loaded module, which takes seconds."""

Given = list[tuple[int, WorkflowCommand]]
"""The commands that the code gave, each with the number of events that it had seen."""


@dataclass(frozen=True)
class ReadingCodec(SealingCodec):
    """Opens what was sealed, and seals nothing: what a replay writes goes nowhere, and no key is made for it."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as they are."""
        return list(payloads)


def reading_converter(keyring: Keyring | None) -> DataConverter:
    """How payloads are read with the keys of `keyring`, if there is one."""
    converter = data_converter(keyring)
    return converter if keyring is None else replace(converter, payload_codec=ReadingCodec(keyring))


class _Watched(WorkflowInstance):
    """An instance whose commands are noted, and which is asked `queries` before it is evicted."""

    def __init__(self, inner: WorkflowInstance, runner: ArchiveRunner) -> None:
        self._inner, self._runner = inner, runner
        self._last = WorkflowActivation()

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """As the instance does."""
        if any(job.HasField("remove_from_cache") for job in act.jobs):
            for query in self._runner.queries:
                self._ask(query)
            return self._inner.activate(act)
        self._last = act
        done = self._inner.activate(act)
        self._runner.given.extend((act.history_length, command) for command in done.successful.commands)
        return done

    def _ask(self, query: str) -> None:
        act = WorkflowActivation(
            run_id=self._last.run_id,
            timestamp=self._last.timestamp,
            history_length=self._last.history_length,
            is_replaying=True,
        )
        job = act.jobs.add().query_workflow
        job.query_id, job.query_type = "archive", query
        for command in self._inner.activate(act).successful.commands:
            if command.HasField("respond_to_query"):
                self._runner.answers[query] = command.respond_to_query

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        """As the instance says."""
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        """As the instance says."""
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """As the instance says."""
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        """As the instance says."""
        return self._inner.get_thread_id()


@dataclass
class ArchiveRunner(WorkflowRunner):
    """Runs workflows as the product does, keeps their answers to `queries`, and notes the commands they give.

    What it keeps is of the run that was replayed last.
    """

    queries: Sequence[str] = ()
    inner: WorkflowRunner = field(default_factory=sandbox)
    answers: dict[str, QueryResult] = field(default_factory=dict)
    given: Given = field(default_factory=list)

    def prepare_workflow(self, defn: workflow._Definition) -> None:
        """As the product's runner does."""
        self.inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """An instance that is watched."""
        self.answers.clear()
        self.given.clear()
        return _Watched(self.inner.create_instance(det), self)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        """As the product's runner does."""
        self.inner.set_worker_level_failure_exception_types(types)


@cache
def quiet() -> Runtime:
    """A runtime that prints nothing: what goes wrong in a replay is told by whoever asked for it."""
    return Runtime(telemetry=TelemetryConfig(logging=None))


def replayer(
    runner: WorkflowRunner, keyring: Keyring | None, workflows: Sequence[type] = WORKFLOWS
) -> Replayer:
    """A replayer of this program's workflows, or of others under their names."""
    return Replayer(
        workflows=list(workflows),
        workflow_runner=runner,
        data_converter=reading_converter(keyring),
        build_id=BUILD,
        runtime=quiet(),
    )


def cut(events: Events, moment: datetime) -> Events:
    """What the run had come to at `moment` (the server's time): all up to the last task completed by then.

    What that task decided stands after it and belongs to it. Empty when no task was completed yet.
    """
    last = 0
    for task in _tasks(events):
        # Signals that waited for a task stand after it with earlier times; tasks stand in the order of theirs.
        if _time(task) > moment:
            break
        last = task.event_id
    return _with_decisions(events, last)


def decided_by(event: HistoryEvent) -> int:
    """The task that the event was decided by; 0 for what came from outside."""
    attributes = getattr(event, event.WhichOneof("attributes") or "")
    return int(getattr(attributes, "workflow_task_completed_event_id", 0))


def _tasks(events: Events) -> Iterator[HistoryEvent]:
    return (event for event in events if event.HasField("workflow_task_completed_event_attributes"))


def _time(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(UTC)


def _with_decisions(events: Events, task: int) -> Events:
    """The events up to a completed task and what it decided; none for task 0."""
    end = task
    while task > 0 and end < len(events) and decided_by(events[end]) == task:
        end += 1
    return events[:end]


class NotAnswered(Exception):
    """A replayed run gave no answer to a query: it is of no year, or what began it cannot be read here."""


async def ask(events: Events, queries: Sequence[str], *, keyring: Keyring | None) -> Mapping[str, bytes]:
    """The answers to `queries`, as JSON, of the run after `events`, as this program replays it.

    Raises `NotAnswered`, and what the replay raises when the program goes another way (`temporalio.workflow.
    NondeterminismError`, or `RuntimeError` when it fails).
    """
    kind = kind_of(events)
    # To prepare a workflow takes a tenth of a second.
    own = [each for each in WORKFLOWS if each.__name__ == kind]
    if not own:
        raise NotAnswered(f"{kind} is no workflow of this program")
    runner = ArchiveRunner(queries)
    history = WorkflowHistory(workflow_of(events), list(events))
    await replayer(runner, keyring, own).replay_workflow(history)
    out = {}
    for query in queries:
        answer = runner.answers.get(query)
        if answer is None or not answer.HasField("succeeded"):
            said = answer.failed.message if answer is not None else "nothing"
            raise NotAnswered(f"to {query!r} the run answered {said!r}")
        out[query] = answer.succeeded.response.data
    return out


class Position(NamedTuple):
    """What a run knew at a moment: `seq` is the place in the ledger up to which it had seen its facts.

    `began` and `reached` are by the clock of the cycle, which in a rehearsal is `shift` ahead of the server's:
    when the run began, and when it had done its last task before the moment.
    """

    began: datetime
    reached: datetime
    events: int
    seq: int
    standing: Standing
    shift: timedelta


class NotBegun(Exception):
    """The run had not begun at the moment; it began at `began`."""

    def __init__(self, began: datetime) -> None:
        super().__init__(f"the run began at {began.isoformat()}: ask about a later moment")
        self.began = began


async def position(events: Events, moment: datetime | None = None, *, keyring: Keyring | None) -> Position:
    """What the run knew at `moment`, by the clock of its cycle, or at the end. `NotBegun`; errors as of `ask`."""
    tasks = list(_tasks(events))
    if not tasks:
        raise NotBegun(_time(events[0]))
    first = await ask(_with_decisions(events, tasks[0].event_id), ["shift"], keyring=keyring)
    shift = _SHIFT.validate_json(first["shift"])
    part = events if moment is None else cut(events, moment - shift)
    if not part:
        raise NotBegun(_time(events[0]) + shift)
    answers = await ask(part, ["position", "standing"], keyring=keyring)
    return Position(
        began=_time(events[0]) + shift,
        reached=_time(list(_tasks(part))[-1]) + shift,
        events=len(part),
        seq=int(answers["position"]),
        standing=Standing.model_validate_json(answers["standing"]),
        shift=shift,
    )


def missing_keys(events: Events, keyring: Keyring | None) -> list[str]:
    """Ids of the keys that sealed something in the history and are not in `keyring`.

    Strangers can write such payloads too, so it is a reason why a history does not replay, and no fault by itself.
    """
    workflow = workflow_of(events)
    scheduled, parts = ScheduledRef.find(workflow), workflow.split("/")
    employer = scheduled.employer if scheduled is not None else parts[1] if len(parts) > 1 else ""
    named = {
        payload.metadata.get(KEY, b"").decode("ascii", "replace")
        for payload in payloads(events)
        if payload.metadata.get("encoding") == ENCODING
    }
    return sorted(id for id in named if keyring is None or keyring.find(employer, id) is None)


def payloads(events: Events) -> Iterator[Payload]:
    """Every payload in the events, however deep."""
    stack: list[Any] = list(events)
    while stack:
        here = stack.pop()
        if isinstance(here, Payload):
            yield here
        elif isinstance(here, Message):
            stack += [value for _field, value in here.ListFields()]
        elif isinstance(here, Mapping):
            stack += here.values()
        elif isinstance(here, Sequence) and not isinstance(here, str | bytes):
            stack += here


_SHIFT = TypeAdapter(timedelta)
