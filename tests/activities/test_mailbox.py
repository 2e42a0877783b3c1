"""Signals from outside are recorded each exactly once, however often and in whatever parts they are handed over."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from activities.clocks import Clocks
from activities.mailbox import Mailbox
from activities.store.errors import StoreError
from tests.year.live import YEAR, begin_without_temporal, february
from worker.installation import Installation
from workflows.messages import Received, ReceiveRequest, SignalItem
from workflows.rules.events import AttemptRefused
from workflows.rules.terms import Refusal, unit_cycle, year_cycle
from workflows.trust import signal_item


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with begin_without_temporal(tmp_path_factory.mktemp("mailbox"), "mailbox") as installation:
        yield installation


CYCLE = year_cycle("mailbox", YEAR)


def item(number: int, kind: str = "unknown", body: str | None = None) -> SignalItem:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return SignalItem.model_validate(
        {"number": number, "kind": kind, "body": body, "sha256": digest, "size": 3, "name": digest[:16]}
    )


def mailbox(installation: Installation) -> Mailbox:
    return Mailbox(installation.database, installation.doors, installation.clock)


async def received(installation: Installation, run: str, *items: SignalItem, cycle: str = CYCLE) -> Received:
    request = ReceiveRequest(cycle=cycle, run=run, now=february(), items=items)
    answer = await mailbox(installation).receive(request)
    assert answer.request == request.digest
    assert len(answer.outcomes) == len(items)
    return answer


async def refusals(installation: Installation, run: str) -> list[AttemptRefused]:
    async with installation.database.read() as reader:
        facts = [fact for _, fact in await reader.facts("mailbox", cycle=CYCLE)]
    return [f.body for f in facts if isinstance(f.body, AttemptRefused) and f.via and run in f.via]


async def test_junk_of_one_batch_is_one_fact_for_each_reason(installation: Installation) -> None:
    run = str(uuid4())
    answer = await received(
        installation, run, item(1), item(2, "unreadable"), item(3), item(4, "decide", "{}")
    )
    assert [o.reason for o in answer.outcomes] == [
        "unknown_signal",
        "unreadable",
        "unknown_signal",
        "unsigned",
    ]
    assert not any(o.accepted for o in answer.outcomes)
    assert {(b.reason, b.count) for b in await refusals(installation, run)} == {
        (Refusal.UNKNOWN_SIGNAL, 2),
        (Refusal.UNREADABLE, 1),
        (Refusal.UNSIGNED, 1),
    }


@settings(max_examples=25)
@given(
    first=st.integers(0, 12),
    kinds=st.lists(st.sampled_from(["unknown", "unreadable"]), min_size=12, max_size=12),
)
async def test_a_batch_that_was_lost_and_comes_again_with_more_is_counted_once(
    installation: Installation, first: int, kinds: list[str]
) -> None:
    run, items = str(uuid4()), [item(n + 1, kind) for n, kind in enumerate(kinds)]
    if first:
        await received(installation, run, *items[:first])
    once = await received(installation, run, *items)
    again = await received(installation, run, *items)
    assert once.outcomes == again.outcomes
    assert sum(body.count for body in await refusals(installation, run)) == len(items)


async def test_a_cycle_that_the_ledger_does_not_know_is_no_reason_to_fail(installation: Installation) -> None:
    for cycle in (unit_cycle("mailbox", "nowhere", YEAR), year_cycle("nobody", YEAR), "no cycle"):
        answer = await received(installation, str(uuid4()), item(1), item(2, "decide", "{}"), cycle=cycle)
        assert not any(outcome.accepted for outcome in answer.outcomes)
        assert [outcome.seq for outcome in answer.outcomes] == [None, None]


async def test_while_the_ledger_cannot_be_written_the_signals_wait(tmp_path: Path) -> None:
    async with begin_without_temporal(tmp_path, "mailbox") as gone:
        with closing(sqlite3.connect(gone.database.place)) as outside:
            outside.execute("DROP TABLE ledger_head")
        with pytest.raises(StoreError):
            await mailbox(gone).receive(
                ReceiveRequest(cycle=CYCLE, run=str(uuid4()), now=february(), items=(item(1),))
            )


@given(
    st.text(max_size=40),
    st.lists(
        st.tuples(
            st.dictionaries(st.text(max_size=9), st.binary(max_size=9), max_size=3), st.binary(max_size=60)
        ),
        max_size=3,
    ),
)
def test_whatever_comes_as_a_signal_can_be_handed_on(
    name: str, payloads: list[tuple[dict[str, bytes], bytes]]
) -> None:
    made = signal_item(1, name, [RawValue(Payload(metadata=m, data=d)) for m, d in payloads])
    assert SignalItem.model_validate_json(made.model_dump_json()) == made


def test_a_statement_too_large_to_be_one_is_not_handed_on() -> None:
    small, large = (
        signal_item(1, "decide", [RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"x" * size))])
        for size in (16_384, 16_385)
    )
    assert (small.kind, large.kind, large.body, large.size) == ("decide", "unreadable", None, 16_385)


async def test_no_workflow_moves_the_clock_of_a_real_employer_ahead(installation: Installation) -> None:
    here = datetime(2027, 3, 1, tzinfo=UTC)
    async with installation.database.read() as reader:
        clocks = Clocks(lambda: here)
        assert await clocks.believed(reader, "mailbox", here + timedelta(days=90)) == here
        assert await clocks.believed(reader, "mailbox", here - timedelta(days=1)) == here - timedelta(days=1)
