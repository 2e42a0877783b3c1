"""The file of a history: the same events give the same bytes, and nothing that is not whole passes for whole."""

from __future__ import annotations

import gzip
import hashlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

from activities.history_files import (
    LARGEST,
    HistoryFileError,
    is_closed,
    keep,
    longest,
    pack,
    place,
    read,
    run_before,
    run_of,
    unpack,
    version_of,
    workflow_of,
)

RECORDED = Path(__file__).parents[1] / "replay" / "histories"
YEAR = RECORDED / "0.2.0" / "unit_fjell_u1_2027.pb.gz"
CONTENT = YEAR.read_bytes()
EVENTS = unpack(CONTENT)
RUN = "01a2077e-a673-7583-91be-10719ce5cca3"


def fault(content: bytes) -> tuple[str, int | None]:
    with pytest.raises(HistoryFileError) as caught:
        unpack(content)
    return caught.value.fault, caught.value.event


def test_a_recorded_year_tells_its_workflow_its_run_its_end_and_the_version_that_ran_it() -> None:
    assert (workflow_of(EVENTS), run_of(EVENTS), run_before(EVENTS)) == ("unit/fjell/u1/2027", RUN, None)
    assert is_closed(EVENTS)
    assert not is_closed(EVENTS[:-1])
    assert version_of(EVENTS) == "0.2.0"
    assert version_of(EVENTS[:3]) is None


def test_the_same_events_give_the_same_bytes() -> None:
    assert pack(EVENTS) == pack(unpack(pack(EVENTS)))


@given(end=st.integers(0, len(CONTENT) - 1))
def test_a_file_that_is_cut_short_is_no_history(end: int) -> None:
    assert fault(CONTENT[:end])[0] in ("damaged", "not_packed")


@given(at=st.integers(0, len(CONTENT) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_changes_nothing(at: int, bit: int) -> None:
    flipped = bytearray(CONTENT)
    flipped[at] ^= 1 << bit
    with suppress(HistoryFileError):
        assert unpack(bytes(flipped)) == EVENTS  # in gzip's own header, which says nothing about the events


@given(gone=st.integers(1, len(EVENTS) - 2))
def test_an_event_that_is_missing_is_named_by_its_number(gone: int) -> None:
    assert fault(pack([*EVENTS[:gone], *EVENTS[gone + 1 :]])) == ("events_missing", gone + 1)


@given(first=st.integers(1, len(EVENTS) - 2))
def test_events_in_another_order_are_noticed(first: int) -> None:
    changed = [*EVENTS[:first], EVENTS[first + 1], EVENTS[first], *EVENTS[first + 2 :]]
    assert fault(pack(changed)) == ("events_missing", first + 1)


def test_an_event_without_what_it_says_is_noticed() -> None:
    bare = History(events=EVENTS)
    bare.events[9].ClearField(bare.events[9].WhichOneof("attributes"))
    assert fault(pack(bare.events)) == ("contradiction", 10)


def test_an_event_that_says_what_another_kind_says_is_noticed() -> None:
    other = History(events=EVENTS)
    timer = next(e for e in other.events if e.HasField("timer_started_event_attributes"))
    timer.timer_canceled_event_attributes.timer_id = "1"
    assert fault(pack(other.events)) == ("contradiction", timer.event_id)


def test_a_task_that_began_and_did_not_end_is_noticed_since_the_sdk_would_never_come_back_from_it() -> None:
    other = History(events=EVENTS)
    [*_, done] = [e for e in other.events if e.HasField("workflow_task_completed_event_attributes")]
    place_of_it = done.event_id
    del other.events[place_of_it - 1]
    for number, event in enumerate(other.events, 1):
        event.event_id = number
    assert fault(pack(other.events)) == ("contradiction", place_of_it)


def test_a_history_begins_with_the_start_of_a_run() -> None:
    assert fault(pack(EVENTS[1:])) == ("not_its_start", 2)


@pytest.mark.parametrize(
    "content", [b"", b"hei", b"{", b'{"events": 4}', b"[]", pack([]), gzip.compress(b"hei hei", mtime=0)]
)
def test_something_else_is_no_history(content: bytes) -> None:
    assert fault(content)[0] in ("not_packed", "not_a_history")


def test_a_file_that_unpacks_to_more_than_any_history_is_not_unpacked_whole() -> None:
    assert fault(gzip.compress(bytes(LARGEST + 1), 9))[0] == "too_large"


def test_what_temporals_own_tool_writes_is_read_too() -> None:
    assert unpack(WorkflowHistory("", EVENTS).to_json().encode()) == EVENTS


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(HistoryFileError) as caught:
        read(tmp_path / "nei.pb.gz")
    assert caught.value.fault == "unreadable"


def test_a_file_that_keeps_the_same_events_stays_also_when_it_was_packed_otherwise(tmp_path: Path) -> None:
    file = place(tmp_path, "fjell", "unit/fjell/u1/2027", RUN, len(EVENTS))
    otherwise = gzip.compress(gzip.decompress(CONTENT), 1, mtime=0)
    assert keep(file, otherwise) == otherwise
    assert keep(file, CONTENT) == otherwise == file.read_bytes()


@pytest.mark.parametrize("there", [b"", CONTENT[:100], pack(EVENTS[:20])])
def test_a_file_that_keeps_something_else_is_replaced(there: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.pb.gz"
    file.write_bytes(there)
    assert keep(file, CONTENT) == CONTENT == file.read_bytes()
    assert list(tmp_path.iterdir()) == [file]


def test_the_longest_file_of_each_run_is_found(tmp_path: Path) -> None:
    runs = [(RUN, 9), (RUN, 100), (hashlib.sha256(b"2").hexdigest()[:36], 3)]
    for run, events in runs:
        keep(place(tmp_path, "fjell", "unit/fjell/u1/2027", run, events), CONTENT)
    (tmp_path / "fjell" / "notat.pb.gz").write_bytes(b"")
    assert sorted(file.name.split("-")[-1] for file in longest(tmp_path)) == ["100.pb.gz", "3.pb.gz"]
