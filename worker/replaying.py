"""Replaying many histories with this program, and saying of each whether it goes the same way."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

from temporalio import workflow
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.client import WorkflowHistory
from temporalio.workflow import NondeterminismError

from activities.history_files import (
    Events,
    Fault,
    HistoryFileError,
    is_closed,
    kind_of,
    read,
    run_of,
    version_of,
    workflow_of,
)
from worker.archive import ArchiveRunner, Given, decided_by, missing_keys, replayer
from worker.keyring import Keyring
from worker.plugin import WORKFLOWS
from workflows.rules.base import Frozen

T = TypeVar("T")

Status = Literal["replays", "diverges", "keys_missing", "fails", "unknown", "unreadable"]
"""The program goes the same way; goes another way; lacks the keys to what is sealed; stops with an error; knows no
workflow of that type; the file is no history (`fault`)."""

NOTHING: Final = "nothing"

WORTH_A_PROCESS: Final = 12
"""Histories for which it pays to start another process: it takes as long as to replay some ten of them."""

_A_MINUTE: Final = 60.0
_SECONDS_AN_EVENT: Final = 0.02
_CHUNK: Final = 100
_OTHER_WAY: Final = re.compile(
    r"(?:Nondeterminism error|Fatal error in workflow machines): (.*?)(?:\", source:|$)"
)
"""How the SDK says that what happened does not follow from what the code decided."""
_MESSAGE: Final = re.compile(r"message: \"(.*?)\", source:")
_EVENT: Final = re.compile(r"(?:HistoryEvent\(|event_)id: (\d+)")
_LONGEST: Final = 300


class Verdict(Frozen):
    """What came of replaying one history.

    Where it `diverges`, `event` is the first that the program would not have made, `had` what it is and `gave`
    what the program does instead: `nothing`, or such as `timer_started`, `local_activity:advance`. `said` is what
    the SDK says; `keys` are the ids of keys that are not here.
    """

    source: str
    status: Status
    workflow: str | None = None
    run: str | None = None
    events: int = 0
    closed: bool = False
    version: str | None = None
    event: int | None = None
    had: str | None = None
    gave: str | None = None
    said: str | None = None
    keys: tuple[str, ...] = ()
    fault: Fault | None = None

    @property
    def fine(self) -> bool:
        """Whether the program goes the same way."""
        return self.status == "replays"


class Divergence(NamedTuple):
    """Where history and program part."""

    event: int
    had: str
    gave: str


def verdicts(files: Sequence[Path], keys: Path | None, jobs: int | None = None) -> Iterator[Verdict]:
    """The verdict on each file, in their order. `keys` is the folder of the keys to what is sealed.

    In so many processes as `jobs` says; by default as many as the machine has cores and are worth it.
    """
    if jobs is None:
        jobs = min(os.cpu_count() or 1, max(1, len(files) // WORTH_A_PROCESS))
    if jobs <= 1 or len(files) < 2:
        yield from judge_files(files, keys)
        return
    size = max(1, min(_CHUNK, -(-len(files) // (4 * jobs))))
    parts = [files[n : n + size] for n in range(0, len(files), size)]
    # A forked process would have the SDK's threads without what they do.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=fresh) as pool:
        for part in pool.map(judge_files, parts, [keys] * len(parts)):
            yield from part


def judge_files(files: Sequence[Path], keys: Path | None) -> list[Verdict]:
    """The verdict on each file, in this process."""
    found: dict[int, Verdict] = {}
    histories: list[tuple[str, Events]] = []
    places: list[int] = []
    for number, file in enumerate(files):
        try:
            events = read(file)
        except HistoryFileError as error:
            found[number] = Verdict(
                source=str(file), status="unreadable", event=error.event, fault=error.fault
            )
            continue
        histories.append((str(file), events))
        places.append(number)
    keyring = Keyring(keys) if keys is not None else None
    judged = asyncio.run(judge(histories, keyring))
    found |= dict(zip(places, judged, strict=True))
    return [found[number] for number in range(len(files))]


async def judge(
    histories: Sequence[tuple[str, Events]],
    keyring: Keyring | None,
    workflows: Sequence[type] = WORKFLOWS,
    *,
    limit: float | None = None,
) -> list[Verdict]:
    """The verdict on each history; each comes with the name of its source.

    `limit` is how many seconds one may take; by default it depends on its length.
    """
    runner = ArchiveRunner()
    out: dict[int, Verdict] = {}
    known = {workflow._Definition.must_from_class(each).name for each in workflows}
    waiting = list[int]()
    for number, (source, events) in enumerate(histories):
        plain = _verdict(source, events, None, [], keyring)
        if kind_of(events) not in known:
            out[number] = plain.model_copy(update={"status": "unknown"})
        elif _has_a_task(events):
            waiting.append(number)
        else:  # it has done nothing yet; the SDK would wait for its first task too
            out[number] = plain
    while waiting:
        pushed = [histories[number][1] for number in waiting]
        results = _results(pushed, runner, keyring, workflows)
        try:
            while waiting:
                number = waiting[0]
                failure = await _within(anext(results), limit or _limit(histories[number][1]))
                waiting.pop(0)
                out[number] = _verdict(*histories[number], failure, runner.given, keyring)
        except Exception as error:  # the SDK's own worker gave up, over this history: the others get another
            number = waiting.pop(0)
            out[number] = _verdict(*histories[number], error, runner.given, keyring)
        else:
            async for _nothing in results:  # so that the SDK's worker is shut down
                pass
    return [out[number] for number in range(len(histories))]


def _has_a_task(events: Events) -> bool:
    return any(event.HasField("workflow_task_scheduled_event_attributes") for event in events)


async def _results(
    histories: Sequence[Events], runner: ArchiveRunner, keyring: Keyring | None, workflows: Sequence[type]
) -> AsyncIterator[Exception | None]:
    """What the SDK says of each history, in their order."""

    async def pushed() -> AsyncIterator[WorkflowHistory]:
        for events in histories:
            runner.given.clear()
            yield WorkflowHistory(workflow_of(events), list(events))

    async with replayer(runner, keyring, workflows).workflow_replay_iterator(pushed()) as results:
        async for result in results:
            yield result.replay_failure


async def _within(answer: Awaitable[T], seconds: float) -> T:
    """The answer, or `TimeoutError`: a history can be such that the SDK's worker dies over it and says nothing.

    What waits for that worker is left behind, for it would not even end when it is cancelled.
    """
    task = asyncio.ensure_future(answer)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        raise TimeoutError(f"the replay did not end within {seconds:.0f} seconds")
    return task.result()


def _limit(events: Events) -> float:
    return _A_MINUTE + _SECONDS_AN_EVENT * len(events)


def _verdict(
    source: str, events: Events, failure: BaseException | None, given: Given, keyring: Keyring | None
) -> Verdict:
    plain = Verdict(
        source=source,
        status="replays",
        workflow=workflow_of(events),
        run=run_of(events),
        events=len(events),
        closed=is_closed(events),
        version=version_of(events),
    )
    if failure is None:
        return plain
    said = _said(failure)
    if keys := missing_keys(events, keyring):
        return plain.model_copy(update={"status": "keys_missing", "keys": tuple(keys), "said": said})
    if not (isinstance(failure, NondeterminismError) or _OTHER_WAY.search(str(failure))):
        return plain.model_copy(update={"status": "fails", "said": said})
    parted = parting(events, given)
    named = _EVENT.search(said)
    if parted is None:
        event = int(named[1]) if named else None
        parted_at = {"event": event, "had": _had(events[event - 1]) if event else None}
    else:
        parted_at = parted._asdict()
    return plain.model_copy(update={"status": "diverges", "said": said, **parted_at})


def _said(failure: BaseException) -> str:
    text = " ".join(str(failure).split())
    found = _OTHER_WAY.search(text) or _MESSAGE.search(text)
    return (found[1] if found else text)[:_LONGEST]


def parting(events: Events, given: Given) -> Divergence | None:
    """The first decision of the history that the program did not make, or made otherwise; None when all agree.

    Patches are left out: what they guard shows.
    """
    for event in events:
        if not event.HasField("workflow_task_completed_event_attributes"):
            continue
        seen = event.workflow_task_completed_event_attributes.started_event_id
        gave = _gave([command for length, command in given if length == seen])
        decided = _decisions(events, event.event_id)
        for number in range(max(len(decided), len(gave))):
            had = _had(decided[number]) if number < len(decided) else NOTHING
            now = gave[number] if number < len(gave) else NOTHING
            if had != now:
                # Where the history has nothing more, its next event stands for what is not there.
                last = decided[-1].event_id if decided else event.event_id
                place = decided[number].event_id if number < len(decided) else last + 1
                return Divergence(min(place, len(events)), had, now)
        if not any(length > seen for length, _command in given):
            return None
    return None


def _decisions(events: Events, task: int) -> list[HistoryEvent]:
    """What the task decided, patches apart."""
    out = []
    for event in events[task:]:
        if decided_by(event) != task:
            break
        if _had(event) not in (None, "patch", "search_attributes"):
            out.append(event)
    return out


_EVENTS: Final = {
    "timer_started_event_attributes": "timer_started",
    "timer_canceled_event_attributes": "timer_canceled",
    "workflow_execution_completed_event_attributes": "completed",
    "workflow_execution_failed_event_attributes": "failed",
    "workflow_execution_canceled_event_attributes": "canceled",
    "workflow_execution_continued_as_new_event_attributes": "continued_as_new",
    "activity_task_cancel_requested_event_attributes": "activity_canceled",
    "upsert_workflow_search_attributes_event_attributes": "search_attributes",
    "workflow_properties_modified_event_attributes": "properties",
}
_COMMANDS: Final = {
    "start_timer": "timer_started",
    "cancel_timer": "timer_canceled",
    "complete_workflow_execution": "completed",
    "fail_workflow_execution": "failed",
    "cancel_workflow_execution": "canceled",
    "continue_as_new_workflow_execution": "continued_as_new",
    "request_cancel_activity": "activity_canceled",
    "upsert_workflow_search_attributes": "search_attributes",
    "modify_workflow_properties": "properties",
}


def _had(event: HistoryEvent) -> str:
    kind = event.WhichOneof("attributes") or ""
    match kind:
        case "activity_task_scheduled_event_attributes":
            return f"activity:{event.activity_task_scheduled_event_attributes.activity_type.name}"
        case "marker_recorded_event_attributes":
            marker = event.marker_recorded_event_attributes
            if marker.marker_name == "core_patch":
                return "patch"
            for payload in marker.details["data"].payloads if "data" in marker.details else ():
                return f"local_activity:{json.loads(payload.data).get('activity_type')}"
            return marker.marker_name
    return _EVENTS.get(kind, kind.removesuffix("_event_attributes"))


def _gave(commands: Sequence[WorkflowCommand]) -> list[str]:
    """The commands of one task; a timer that was started and cancelled in it leaves nothing, and patches neither."""
    started = {c.start_timer.seq for c in commands if c.HasField("start_timer")}
    undone = {c.cancel_timer.seq for c in commands if c.HasField("cancel_timer")} & started
    out = []
    for command in commands:
        kind = command.WhichOneof("variant") or ""
        match kind:
            case "set_patch_marker" | "upsert_workflow_search_attributes" | "respond_to_query":
                continue
            case "request_cancel_local_activity":
                continue
            case "start_timer" if command.start_timer.seq in undone:
                continue
            case "cancel_timer" if command.cancel_timer.seq in undone:
                continue
            case "schedule_activity":
                out.append(f"activity:{command.schedule_activity.activity_type}")
            case "schedule_local_activity":
                out.append(f"local_activity:{command.schedule_local_activity.activity_type}")
            case _:
                out.append(_COMMANDS.get(kind, kind))
    return out
