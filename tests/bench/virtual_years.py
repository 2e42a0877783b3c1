"""Figures 2 and 3: what a unit's year leaves in history, and how long a virtual year takes."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History

from activities.history_files import longest, read, workflow_of
from tests.bench.measuring import Figure, Size, figure, stopwatch, timed_async
from tests.bench.rig import bare_worker
from tests.rules.employers import employer, law, programme
from worker.engine_program import temporal_binary
from worker.settings import Settings
from worker.staging import Cast, cast_from_files, rehearse
from worker.story import Story, read_story
from worker.virtual import virtual_environment
from workflows.rules.events import DecisionRecorded, EvidenceSubmitted, Fact, Reminded, StepOpened

YEAR = 2027
LONG = "Nordfjord Tre"
EXAMPLE = Path(__file__).parents[2] / "examples" / "nordfjord"

READ = "17 people"
"""The year whose histories are counted: one unit, and everybody answers in time."""

EVENTS_A_STEP = 27
"""The goal; a prototype took 28 with local activities and 43 with regular ones."""

VIRTUAL_ONLY = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    }
)
"""What only a virtual clock writes; a year in real time has none of these."""


async def measure(size: Size) -> AsyncIterator[Figure]:
    """A rehearsal from an empty folder to its histories; the floor skips as many timers, one after another.

    The histories are those of one unit whose 17 people answer in time.
    """
    for name in size.years:
        ours, bare, units = [], [], []
        timers = 0
        for _ in range(size.rounds_of(long=name == LONG)):
            seconds, facts, kept = await _rehearsal(name)
            timers = sum(
                e.event_type == EventType.EVENT_TYPE_TIMER_FIRED for h in kept.values() for e in h.events
            )
            ours.append(seconds)
            bare.append(await _skipping(timers))
            unit = next((cycle for cycle in kept if cycle.startswith("unit_")), "")
            units.append(([f for f in facts if f.cycle and f.cycle.replace("/", "_") == unit], kept[unit]))
        yield figure("year", f"a virtual year, {name}", "s", ours, bare, f"{timers} bare timers skipped")
        if name == READ:
            for line in (*_told("", units, real=True), *_told(", in virtual time", units, real=False)):
                yield line


def _told(where: str, units: Sequence[tuple[list[Fact], History]], *, real: bool) -> Iterator[Figure]:
    """What one unit's year leaves in history, with what only virtual time makes or without."""
    events, sizes, least, steps, acts, reminders = [], [], [], [], 0, 0
    for facts, history in units:
        kept = [e for e in history.events if not real or e.event_type not in VIRTUAL_ONLY]
        events.append(len(kept))
        sizes.append(History(events=kept).ByteSize() / 1000)
        least.append(_least(facts))
        steps.append(sum(isinstance(f.body, StepOpened) for f in facts))
        acts = sum(isinstance(f.body, EvidenceSubmitted | DecisionRecorded) for f in facts)
        reminders = sum(isinstance(f.body, Reminded) for f in facts)
    least_is = "5 an act, 6 a moment"
    yield figure(
        "year", f"events a step{where}", "", [e / s for e, s in zip(events, steps, strict=True)],
        [e / s for e, s in zip(least, steps, strict=True)], least_is, goal=EVENTS_A_STEP if real else None,
        note=f"{steps[-1]} steps, {acts} acts, {reminders} reminders" if real else "",
    )  # fmt: skip
    yield figure("year", f"events of a unit's year{where}", "", events, least, least_is)
    yield figure("year", f"history of a unit's year{where}", "kB", sizes)


def _least(facts: Iterable[Fact]) -> int:
    """The fewest events that tell the same facts one by one.

    An act is a signal, a workflow task (three events) and the marker of one local activity; a moment of the
    calendar is a timer (two), a workflow task and a marker; start and end are an event each, with a workflow
    task and a marker for the first advance. Acts that fall into one moment are counted as one.
    """
    acts = {f.recorded for f in facts if isinstance(f.body, EvidenceSubmitted | DecisionRecorded)}
    moments = {f.recorded for f in facts if isinstance(f.body, StepOpened | Reminded)} - acts
    return 6 + 5 * len(acts) + 6 * len(moments)


async def _rehearsal(name: str) -> tuple[float, list[Fact], dict[str, History]]:
    cast, story, files = _played(name)
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as folder:
        settings = Settings(state=Path(folder))
        seconds: list[float] = []
        with stopwatch(seconds):
            installation = await rehearse(settings, cast, programme(), law(), YEAR, story, files=files)
        try:
            async with installation.database.read() as reader:
                facts = [fact for _, fact in await reader.facts(cast.organisation.employer)]
        finally:
            await installation.database.close()
        files_of_runs = [read(file) for file in longest(settings.histories)]
        kept = {workflow_of(events).replace("/", "_"): History(events=events) for events in files_of_runs}
        return seconds[0], facts, kept


def _played(name: str) -> tuple[Cast, Story, Path | None]:
    if name.endswith("people"):
        return Cast(organisation=employer(int(name.split()[0])), people=()), Story(), None
    return cast_from_files(EXAMPLE, law(), date(YEAR, 1, 1)), read_story(EXAMPLE / "story.toml"), EXAMPLE


async def _skipping(timers: int) -> float:
    async def run() -> None:
        async with (
            virtual_environment(temporal_binary()) as environment,
            bare_worker(environment.client, "bare"),
        ):
            with environment.with_time_skipping_disabled():
                handle = await environment.client.start_workflow("Days", timers, id="days", task_queue="bare")
            await environment.fast_forward(handle, timedelta(days=timers + 1))

    return await timed_async(run)
