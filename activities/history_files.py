"""The file in which the history of one run is kept: Temporal's protobuf, packed, readable without any server."""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from google.protobuf.json_format import ParseError
from google.protobuf.message import DecodeError
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import WorkflowHistory

SUFFIX: Final = ".pb.gz"

LARGEST: Final = 200_000_000
"""Bytes of an unpacked history; Temporal itself ends a run at 50 MB."""

OUR_BUILD: Final = "forsvarlig-"
"""What the build ids of our workers begin with; the version follows."""

_PART: Final = ".part"
_LEFT_OVER: Final = 3600
"""Seconds after which a file that nobody has finished is one that nobody will."""

_CLOSING: Final = (
    "workflow_execution_completed_event_attributes",
    "workflow_execution_failed_event_attributes",
    "workflow_execution_timed_out_event_attributes",
    "workflow_execution_canceled_event_attributes",
    "workflow_execution_terminated_event_attributes",
    "workflow_execution_continued_as_new_event_attributes",
)

_TASKS_END: Final = (
    "workflow_task_completed_event_attributes",
    "workflow_task_failed_event_attributes",
    "workflow_task_timed_out_event_attributes",
)

Events = Sequence[HistoryEvent]

Fault = Literal[
    "unreadable",
    "not_packed",
    "damaged",
    "too_large",
    "not_a_history",
    "not_its_start",
    "events_missing",
    "contradiction",
]
"""Why a file is no history: it cannot be read; is not gzip; is cut short or has flipped bits; unpacks to more than
`LARGEST`; holds something else; does not begin with the start of a run; lacks events or has them in another order; has
an event that says what another type says, or that cannot follow on the one before."""


class HistoryFileError(Exception):
    """A file cannot be used as a history; `fault` says why, and `event` where, if it is about an event."""

    def __init__(self, fault: Fault, event: int | None = None) -> None:
        where = f" at event {event}" if event is not None else ""
        super().__init__(f"the file is no whole history ({fault}{where}): export it again, or restore it")
        self.fault = fault
        self.event = event


def place(folder: Path, employer: str, workflow: str, run: str, events: int) -> Path:
    """Where under `folder` the history of a run of so many events is kept."""
    # The ids that a Schedule gives have a time in them, and no file on Windows has a colon in its name.
    return folder / employer / workflow.replace("/", "_").replace(":", "") / f"{run}-{events}{SUFFIX}"


def pack(events: Events) -> bytes:
    """The file's content; the same events give the same bytes."""
    return gzip.compress(History(events=events).SerializeToString(deterministic=True), mtime=0)


def unpack(content: bytes) -> list[HistoryEvent]:
    """The events in a file's content, or in what `temporal workflow show --output json` writes.

    `HistoryFileError` unless they are a run's first so many, in their order.
    """
    if content[:1] == b"{":
        events = _from_json(content)
    else:
        try:
            events = list(History.FromString(_unpacked(content)).events)
        except DecodeError as error:
            raise HistoryFileError("not_a_history") from error
    if not events:
        raise HistoryFileError("not_a_history")
    if not events[0].HasField("workflow_execution_started_event_attributes"):
        raise HistoryFileError("not_its_start", events[0].event_id)
    for number, event in enumerate(events, 1):
        if event.event_id != number:
            raise HistoryFileError("events_missing", number)
        if event.WhichOneof("attributes") != _attributes(event.event_type):
            raise HistoryFileError("contradiction", number)
    for before, event in pairwise(events):
        # The SDK's replay would neither end nor fail over this one.
        if before.HasField("workflow_task_started_event_attributes") and not _ends_a_task(event):
            raise HistoryFileError("contradiction", event.event_id)
    return events


def read(file: Path) -> list[HistoryEvent]:
    """The events that a file keeps; `HistoryFileError` when it cannot be read or is no history."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise HistoryFileError("unreadable") from error
    return unpack(content)


def keep(file: Path, content: bytes) -> bytes:
    """Put `content` in `file` whole or not at all, and answer with what is there then. Raises `OSError`.

    A file that keeps the same events stays, also when another compressor wrote it: its hash may be recorded.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_parts(file.parent)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=_PART)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        try:
            file.hardlink_to(part)
        except FileExistsError:
            there = file.read_bytes()
            if _says_the_same(there, content):
                return there
            part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return content


def longest(folder: Path) -> list[Path]:
    """The file with the most events of each run under `folder`, in the order of their paths."""
    found: dict[tuple[Path, str], tuple[int, Path]] = {}
    for file in folder.rglob(f"*{SUFFIX}"):
        run, _dash, events = file.name.removesuffix(SUFFIX).rpartition("-")
        if events.isdecimal() and not file.name.startswith("."):
            key = (file.parent, run)
            found[key] = max(found.get(key, (0, file)), (int(events), file))
    return sorted(file for _events, file in found.values())


def workflow_of(events: Events) -> str:
    """The id of the workflow that ran."""
    return events[0].workflow_execution_started_event_attributes.workflow_id


def kind_of(events: Events) -> str:
    """The type of the workflow that ran."""
    return events[0].workflow_execution_started_event_attributes.workflow_type.name


def run_of(events: Events) -> str:
    """The id under which the run began."""
    return events[0].workflow_execution_started_event_attributes.original_execution_run_id


def run_before(events: Events) -> str | None:
    """The run that this one continues."""
    return events[0].workflow_execution_started_event_attributes.continued_execution_run_id or None


def is_closed(events: Events) -> bool:
    """Whether the run has ended, in whatever way."""
    return events[-1].WhichOneof("attributes") in _CLOSING


def _ends_a_task(event: HistoryEvent) -> bool:
    return event.WhichOneof("attributes") in (*_TASKS_END, *_CLOSING)


def version_of(events: Events) -> str | None:
    """The version of the program that completed the run's last task; None when the history does not tell."""
    for event in reversed(events):
        if event.HasField("workflow_task_completed_event_attributes"):
            done = event.workflow_task_completed_event_attributes
            for build in (done.deployment_version.build_id, done.worker_version.build_id):
                if build.startswith(OUR_BUILD):
                    return build.removeprefix(OUR_BUILD)
    return None


@cache
def _attributes(kind: EventType.ValueType) -> str:
    """The name of what an event of this type says."""
    name = EventType.Name(kind) if kind in EventType.values() else ""
    return f"{name.removeprefix('EVENT_TYPE_').lower()}_event_attributes"


def _from_json(content: bytes) -> list[HistoryEvent]:
    try:
        return list(WorkflowHistory.from_json("", json.loads(content)).events)
    except (ParseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise HistoryFileError("not_a_history") from error


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        raise HistoryFileError("not_packed")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise HistoryFileError("damaged") from error
    if len(unpacked) > LARGEST:
        raise HistoryFileError("too_large")
    return unpacked


def _says_the_same(there: bytes, content: bytes) -> bool:
    try:
        return _unpacked(there) == _unpacked(content)
    except HistoryFileError:
        return False


def _remove_parts(folder: Path) -> None:
    """What a process that was killed has left."""
    for part in folder.glob(f".*{_PART}"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _LEFT_OVER:
                part.unlink()
