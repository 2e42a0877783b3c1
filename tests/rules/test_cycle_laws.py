"""What holds for every cycle, whoever does what in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.cycle_stories import U1, YEAR, at, crowd, d, lawful, of
from tests.rules.employers import MEDIUM, SMALL
from tests.rules.virtual_people import answering, live, situation
from workflows.rules.cycle import advance, next_moment
from workflows.rules.events import Fact
from workflows.rules.situation import Situation
from workflows.rules.standing import fold

CYCLES = [situation(MEDIUM, YEAR), situation(MEDIUM, U1), situation(SMALL, U1)]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), which=st.integers(0, 2))
def test_every_year_is_lawful_whoever_answers(seed: int, which: int) -> None:
    where = CYCLES[which]
    facts, standing = live(where, crowd(seed))
    lawful(where, facts, standing)
    assert standing.closed_at is not None


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    which=st.integers(0, 2),
    begin=st.integers(0, 390),
    length=st.integers(1, 90),
)
def test_every_year_is_lawful_also_when_the_worker_stops_for_a_while(
    seed: int, which: int, begin: int, length: int
) -> None:
    where = CYCLES[which]
    stop = datetime(2027, 1, 1, 12, tzinfo=UTC) + timedelta(days=begin)
    facts, standing = live(where, crowd(seed), stopped=(stop, stop + timedelta(days=length)))
    lawful(where, facts, standing)
    assert standing.closed_at is not None


@cache
def lived(which: int) -> tuple[Fact, ...]:
    """The whole year of that cycle."""
    return tuple(live(CYCLES[which], crowd(1))[0])


@settings(max_examples=120, deadline=None)
@given(which=st.integers(0, len(CYCLES) - 1), known=st.floats(0, 1), hours=st.integers(0, 24 * 500))
def test_asking_twice_gives_nothing_new(which: int, known: float, hours: int) -> None:
    where, facts = CYCLES[which], lived(which)
    before = fold(facts[: 1 + int(known * (len(facts) - 1))])
    now = datetime(2027, 1, 1, 6, tzinfo=UTC) + timedelta(hours=hours)
    new = advance(where, before, now)
    assert advance(where, fold(new, before), now) == ()
    upcoming = next_moment(where, fold(new, before), now)
    assert upcoming is None or upcoming > now


@settings(max_examples=60, deadline=None)
@given(which=st.integers(0, len(CYCLES) - 1), known=st.floats(0, 1), hours=st.integers(1, 24 * 40))
def test_nothing_is_due_before_the_next_moment(which: int, known: float, hours: int) -> None:
    where, facts = CYCLES[which], lived(which)
    taken = facts[: 1 + int(known * (len(facts) - 1))]
    now = taken[-1].recorded
    before = fold(taken)
    before = fold(advance(where, before, now), before)
    upcoming = next_moment(where, before, now)
    later = now + timedelta(hours=hours)
    if upcoming is None or later < upcoming:
        assert advance(where, before, later) == ()


@pytest.mark.parametrize("where", CYCLES, ids=["employer", "unit", "small unit"])
def test_sixty_days_of_silence_end_with_an_open_gate_that_was_escalated(where: Situation) -> None:
    filed_only = answering(
        lambda step, here, waiting: (
            here.opened_at + timedelta(hours=5) if waiting.what == "evidence" else None
        )
    )
    facts, standing = live(where, filed_only, until=at("2027-07-19"))
    due = max(s.due for s in standing.steps.values() if s.version and s.due <= d("2027-05-20"))
    assert d("2027-07-19") - due >= timedelta(days=60)
    silent = [
        s for s in standing.steps.values() if s.version and s.due <= due and pending_answers(facts, s.key)
    ]
    assert silent
    for step in silent:
        assert step.settled is None
        assert step.escalated > 0
        assert not of(facts, step.key, "decision_recorded", "step_closed")


def pending_answers(facts: Sequence[Fact], step: str) -> list[Fact]:
    return [f for f in of(facts, step, "asked") if getattr(f.body, "what", "") in ("approve", "consult")]


@pytest.mark.parametrize("where", CYCLES, ids=["employer", "unit", "small unit"])
def test_silence_closes_nothing_and_opens_everything_on_its_day(where: Situation) -> None:
    facts, standing = live(where)
    lawful(where, facts, standing)
    assert {s.settled for s in standing.steps.values()} == {"left_open"}
    assert set(standing.steps) == {s.key for s in where.plan.of(where.cycle)}
    assert not [f for f in facts if f.kind in ("step_closed", "decision_recorded", "sent_back")]


@pytest.mark.parametrize("where", CYCLES, ids=["employer", "unit", "small unit"])
def test_a_clock_that_was_ahead_once_does_not_move_what_happened_after_it(where: Situation) -> None:
    facts, standing = live(where, crowd(7))
    ahead = facts[-1].recorded + timedelta(days=365)
    held = [f.model_copy(update={"recorded": ahead, "clock": "ran_back"}) for f in facts]
    assert {f.happened for f in facts} == {f.recorded for f in facts}
    assert fold(held) == standing
