"""What grows with the ledger: the nodes of its tree, which prove in a few steps, and times that never run back."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from activities.store.database import Database, StoreError
from activities.store.leaves import SKEW, Top, grown
from tests.store.made import EMPLOYER, NOW, a_fact, without_triggers
from workflows.rules.events import Fact

SECOND = timedelta(seconds=1)


def at(id: str, later: timedelta) -> Fact:
    return a_fact(id).model_copy(update={"recorded": NOW + later})


async def append(database: Database, *facts: Fact, employer: str = EMPLOYER) -> list[Fact]:
    async with database.write(employer) as transaction:
        return [fact for _, fact in await transaction.append(facts)]


# --- the nodes ------------------------------------------------------------------------------------


async def test_every_leaf_is_proved_in_every_later_tree_and_every_tree_in_every_larger(
    database: Database,
) -> None:
    for batch in ((0, 1), (1, 2), (2, 7), (7, 21)):
        await append(database, *(a_fact(f"f{n}") for n in range(*batch)))
    async with database.read() as reader:
        nodes = await reader.node_hashes(EMPLOYER, [Node(0, place) for place in range(21)])
        hashes = [nodes[Node(0, place)] for place in range(21)]
        roots = [await reader.root_at(EMPLOYER, size) for size in range(22)]
        assert roots == [root_of(hashes[:size]) for size in range(22)]
        for size in (1, 2, 3, 8, 13, 16, 21):
            for seq in range(1, size + 1):
                proof = await reader.inclusion(EMPLOYER, seq, size)
                assert verify_inclusion(hashes[seq - 1], seq - 1, size, proof, roots[size])
            for first in range(1, size + 1):
                proof = await reader.consistency(EMPLOYER, first, size)
                assert verify_consistency(first, roots[first], size, roots[size], proof)
        assert (await reader.verify(EMPLOYER)).ok


async def test_a_ledger_that_is_read_while_it_grows_has_its_roots_from_the_same_leaves(
    database: Database,
) -> None:
    async with database.write(EMPLOYER) as transaction:
        assert transaction.frontier == Frontier()
        stored = await transaction.append([a_fact(f"f{n}") for n in range(5)])
        assert (len(stored), transaction.frontier.size) == (5, 5)
        assert await transaction.root_at(EMPLOYER, 5) == transaction.frontier.root


async def test_what_a_ledger_does_not_have_cannot_be_proved(database: Database) -> None:
    await append(database, a_fact("f1"), a_fact("f2"), a_fact("f3"))
    async with database.read() as reader:
        assert await reader.root_at("ukjent", 0) == EMPTY_ROOT
        with pytest.raises(StoreError, match=r"no subtree 0 of 4 leaves.*forsvarlig db verify"):
            await reader.root_at(EMPLOYER, 4)
        with pytest.raises(StoreError, match=r"no subtree 1 of 1 leaves"):
            await reader.inclusion("ukjent", 1, 2)
        with pytest.raises(ValueError, match="place 3 is not among the first 3"):
            await reader.inclusion(EMPLOYER, 4, 3)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM ledger_node WHERE level = 2", "node 0 of 4 leaves: is missing"),
        (
            "UPDATE ledger_node SET hash = (SELECT hash FROM ledger_leaf WHERE seq = 1) WHERE level = 1 AND place = 1",
            "node 1 of 2 leaves: is not the hash",
        ),
        (
            "INSERT INTO ledger_node SELECT employer, 3, 0, hash FROM ledger_node WHERE level = 2",
            "nodes: there are 4; the leaves make 3",
        ),
        (
            "UPDATE ledger_head SET recorded = NULL",
            "head: the time is not that of the last leaf or checkpoint",
        ),
    ],
)
async def test_a_change_of_what_follows_from_the_leaves_is_found(
    database: Database, store_url: str, statement: str, said: str
) -> None:
    await append(database, *(a_fact(f"f{n}") for n in range(5)))
    without_triggers(store_url, statement)
    async with database.read() as reader:
        assert [fault[: len(said)] for fault in (await reader.verify(EMPLOYER)).faults] == [said]


# --- times ----------------------------------------------------------------------------------------


async def test_a_clock_that_ran_back_does_not_take_the_record_with_it_and_the_fact_says_so(
    database: Database,
) -> None:
    await append(database, at("noon", timedelta(0)))
    [early] = await append(database, at("two hours back", -timedelta(hours=2)))
    [after] = await append(database, at("a second on", SECOND))
    assert (early.recorded, early.clock) == (NOW, "ran_back")
    assert early.concerns == NOW
    assert (after.recorded, after.clock) == (NOW + SECOND, None)
    async with database.read() as reader:
        assert await reader.fact(EMPLOYER, "two hours back") == (2, early)
        line = (await reader.timeline(employer=EMPLOYER))[1]
        assert line.recorded == NOW
        assert (await reader.verify(EMPLOYER)).ok


async def test_a_wait_or_a_little_difference_between_clocks_is_no_clock_that_ran_back(
    database: Database,
) -> None:
    await append(database, at("first", timedelta(0)))
    [waited, late] = await append(database, at("waited", -SKEW), at("late", -SKEW - SECOND))
    assert [(f.recorded, f.clock) for f in (waited, late)] == [(NOW, None), (NOW, "ran_back")]


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=30))
def test_no_order_of_times_makes_a_record_that_runs_back_or_changes_a_time_that_did_not(
    seconds: list[int],
) -> None:
    given_facts = [at(f"f{n}", s * SECOND) for n, s in enumerate(seconds)]
    growth = grown(EMPLOYER, Top(Frontier(), None), given_facts)
    stored = [fact for _, fact in growth.stored]
    assert [seq for seq, _ in growth.stored] == list(range(1, len(seconds) + 1))
    assert all(before.recorded <= after.recorded for before, after in pairwise(stored))
    highest = stored[0].recorded
    for said, kept in zip(given_facts, stored, strict=True):
        assert kept.recorded == max(said.recorded, highest)
        behind = kept.recorded - said.recorded
        assert (kept.clock == "ran_back") == (behind > SKEW)
        highest = kept.recorded
    assert growth.top.recorded == highest
    assert growth.top.frontier.root == root_of([leaf_hash(leaf["body"]) for leaf in growth.leaves])
