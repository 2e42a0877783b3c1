"""A history answers for itself, years later: what the run knew on any day, and whether this program agrees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History, HistoryEvent

from activities.history_files import Events, read
from tests.replay import variants
from tests.worker.conftest import RehearsedYear
from worker.archive import NotAnswered, NotBegun, ask, cut, decided_by, missing_keys, position
from worker.keyring import Keyring
from worker.plugin import WORKFLOWS
from worker.replaying import judge, verdicts
from workflows.rules.standing import fold
from workflows.unit_year import UnitYear

pytestmark = pytest.mark.xdist_group("rehearsed year")
"""What is made once for all of them is made by one process."""

RECORDED = Path(__file__).parents[1] / "replay" / "histories"
OLDEST = RECORDED / "0.1.0" / "unit_fjell_u1_2027.pb.gz"
SEALED = RECORDED / "0.2.0"
NEW_YEAR = datetime(2027, 1, 1, 22, 59, 59, tzinfo=UTC)
TWENTY_DAYS = [NEW_YEAR + timedelta(days=18 * n) for n in range(20)]


def with_a_cancelled_timer(events: Events, at: int) -> Events:
    """A copy in which the timer that was started at an event was cancelled instead."""
    copy = History(events=events)
    decided = decided_by(copy.events[at - 1])
    copy.events[at - 1].event_type = EventType.EVENT_TYPE_TIMER_CANCELED
    cancelled = copy.events[at - 1].timer_canceled_event_attributes
    cancelled.timer_id, cancelled.workflow_task_completed_event_id = "1", decided
    return list(copy.events)


# --- asking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", TWENTY_DAYS, ids=lambda moment: f"{moment:%d.%m}")
async def test_on_any_day_the_run_stood_where_the_facts_of_that_day_put_it(
    moment: datetime, rehearsed: RehearsedYear
) -> None:
    cycle = rehearsed.unit
    found = await position(rehearsed.events(cycle), moment, keyring=rehearsed.keyring)
    mine = [(seq, fact) for seq, fact in rehearsed.facts if fact.cycle == cycle]
    assert found.standing == fold(fact for _seq, fact in mine if fact.recorded <= moment)
    assert found.seq == max(seq for seq, fact in mine if fact.recorded <= moment)
    assert found.reached <= moment


async def test_the_end_of_the_history_is_the_end_of_the_year(rehearsed: RehearsedYear) -> None:
    for cycle in (rehearsed.unit, rehearsed.year):
        found = await position(rehearsed.events(cycle), keyring=rehearsed.keyring)
        assert found.standing == fold(fact for _seq, fact in rehearsed.facts if fact.cycle == cycle)
        assert found.standing.closed_at is not None


async def test_the_same_day_gives_the_same_answer_every_time(rehearsed: RehearsedYear) -> None:
    first, second = [
        await position(rehearsed.events(rehearsed.unit), TWENTY_DAYS[7], keyring=rehearsed.keyring)
        for _ in "ab"
    ]
    assert first == second


async def test_before_the_run_began_there_is_nothing_to_ask(rehearsed: RehearsedYear) -> None:
    with pytest.raises(NotBegun) as caught:
        await position(
            rehearsed.events(rehearsed.unit), NEW_YEAR - timedelta(days=2), keyring=rehearsed.keyring
        )
    assert caught.value.began.date() == NEW_YEAR.date()


async def test_a_rehearsals_days_are_those_of_its_own_calendar(rehearsed: RehearsedYear) -> None:
    events = rehearsed.events(rehearsed.unit)
    found = await position(events, TWENTY_DAYS[3], keyring=rehearsed.keyring)
    began = events[0].event_time.ToDatetime(UTC) + found.shift
    assert abs(began - datetime(2027, 1, 1, 6, tzinfo=UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "file", sorted(RECORDED.glob("0.[12].0/*.pb.gz")), ids=lambda f: f"{f.parent.name} {f.name}"
)
async def test_years_of_older_versions_answer_too(file: Path) -> None:
    found = await position(read(file), keyring=Keyring(file.parent / "keys"))
    assert found.standing.closed_at is not None
    assert all(step.settled == "closed" for step in found.standing.steps.values())


async def test_reading_makes_no_keys(tmp_path: Path) -> None:
    await position(read(OLDEST), keyring=Keyring(tmp_path / "keys"))
    assert list(tmp_path.iterdir()) == []


async def test_a_question_that_the_workflow_does_not_know_gets_no_answer() -> None:
    with pytest.raises(NotAnswered, match="mood"):
        await ask(read(OLDEST), ["mood"], keyring=None)


# --- cutting --------------------------------------------------------------------------------------


def test_a_cut_ends_with_a_task_and_all_that_it_decided() -> None:
    events = read(OLDEST)
    for event in events:
        moment = event.event_time.ToDatetime(UTC)
        part = cut(events, moment)
        if not part:
            continue
        task = decided_by(part[-1]) or part[-1].event_id
        completed = events[task - 1]
        assert completed.HasField("workflow_task_completed_event_attributes")
        assert completed.event_time.ToDatetime(UTC) <= moment
        assert decided_by(events[len(part)]) != task if len(part) < len(events) else True
        assert not any(later_task_by(moment, e) for e in events[len(part) :])


def later_task_by(moment: datetime, event: HistoryEvent) -> bool:
    done = event.HasField("workflow_task_completed_event_attributes")
    return done and event.event_time.ToDatetime(UTC) <= moment


def test_a_later_moment_never_cuts_off_more() -> None:
    events = read(OLDEST)
    moments = sorted(event.event_time.ToDatetime(UTC) for event in events)
    lengths = [len(cut(events, moment)) for moment in moments]
    assert lengths == sorted(lengths)
    assert lengths[-1] == len(events)


# --- replaying ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "event", "had", "gave"),
    [
        (variants.TimerFirstYear, 5, "local_activity:advance", "timer_started"),
        (variants.RecordsTwiceYear, 6, "timer_started", "local_activity:advance"),
        (variants.TellsSomebodyYear, 6, "timer_started", "activity:start_year"),
        (variants.NoAlarmYear, 6, "timer_started", "nothing"),
        (variants.AlarmEachBellYear, 23, "nothing", "timer_canceled"),
    ],
)
async def test_the_first_event_where_another_program_goes_its_own_way_is_named(
    variant: type, event: int, had: str, gave: str
) -> None:
    others = [variant if each is UnitYear else each for each in WORKFLOWS]
    [verdict] = await judge([("x", read(OLDEST))], None, others)
    assert (verdict.status, verdict.event, verdict.had, verdict.gave) == ("diverges", event, had, gave)
    assert verdict.version == "0.1.0"


async def test_a_program_that_stops_with_an_error_is_said_to_fail() -> None:
    others = [variants.BreaksYear if each is UnitYear else each for each in WORKFLOWS]
    [verdict] = await judge([("x", read(OLDEST))], None, others)
    assert verdict.status == "fails"
    assert "no alarm today" in str(verdict.said)


async def test_one_that_goes_another_way_does_not_hide_the_others() -> None:
    events = read(OLDEST)
    timer = next(e.event_id for e in events if e.HasField("timer_started_event_attributes"))
    bad = with_a_cancelled_timer(events, timer)
    found = await judge([("a", events), ("b", bad), ("c", events)], None)
    assert [verdict.status for verdict in found] == ["replays", "diverges", "replays"]
    assert (found[1].event, found[1].had, found[1].gave) == (
        timer,
        "timer_canceled",
        "timer_started",
    )


async def test_a_run_that_waits_for_its_first_task_replays() -> None:
    [verdict] = await judge([("x", read(OLDEST)[:1])], None)
    assert verdict.fine


async def test_a_run_that_stands_open_replays_wherever_it_stands() -> None:
    events = read(OLDEST)
    found = await judge([(str(n), events[:n]) for n in range(2, 40)], None)
    assert [verdict.source for verdict in found if not verdict.fine] == []
    assert not any(verdict.closed for verdict in found)


async def test_a_workflow_that_this_program_does_not_have_is_said_to_be_unknown() -> None:
    copy = History(events=read(OLDEST))
    copy.events[0].workflow_execution_started_event_attributes.workflow_type.name = "MoonYear"
    [verdict] = await judge([("x", list(copy.events))], None)
    assert verdict.status == "unknown"


async def test_without_its_keys_a_sealed_history_says_which_it_lacks() -> None:
    events = read(SEALED / "unit_fjell_u1_2027.pb.gz")
    [verdict] = await judge([("x", events)], None)
    assert verdict.status == "keys_missing"
    assert list(verdict.keys) == missing_keys(events, None) != []
    assert missing_keys(events, Keyring(SEALED / "keys")) == []


def test_several_processes_say_the_same_as_one_in_the_same_order(tmp_path: Path) -> None:
    broken = tmp_path / "kuttet.pb.gz"
    broken.write_bytes(OLDEST.read_bytes()[:500])
    files = [OLDEST, broken, *sorted(SEALED.glob("*.pb.gz"))]
    alone = list(verdicts(files, SEALED / "keys", 1))
    assert [verdict.status for verdict in alone] == ["replays", "unreadable", "replays", "replays"]
    assert list(verdicts(files, SEALED / "keys", 2)) == alone
