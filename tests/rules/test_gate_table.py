"""Every row of the gate's table, played on the rules alone."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.rules.gate_story import Row, outcome, play
from tests.rules.gate_table import ROWS
from workflows.rules.terms import Refusal


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_ends_as_the_table_says(row: Row) -> None:
    assert outcome(play(row)) == row.expected


def test_the_table_is_long_enough_and_says_nothing_twice() -> None:
    assert len(ROWS) >= 70
    assert [name for name, times in Counter(row.name for row in ROWS).items() if times > 1] == []


def test_every_refusal_that_a_gate_can_give_is_in_the_table() -> None:
    gates_own = {
        Refusal.UNKNOWN_STEP, Refusal.NOT_YET, Refusal.CLOSED, Refusal.NO_EVIDENCE, Refusal.NOT_ELIGIBLE,
        Refusal.NOT_YOUR_TURN, Refusal.STALE_VERSION, Refusal.WRONG_OUTCOME, Refusal.OWN_DOCUMENT,
        Refusal.ALREADY_DECIDED, Refusal.TWO_ROLES, Refusal.COMMENT_REQUIRED, Refusal.OPPORTUNITY_NOT_GIVEN,
        Refusal.TOO_LATE, Refusal.WRONG_DOCUMENT, Refusal.WRONG_STAGE, Refusal.WRONG_VOTES, Refusal.WRONG_DATES,
        Refusal.NOTHING_TO_ANSWER, Refusal.LOOP, Refusal.NOT_DELEGABLE,
    }  # fmt: skip
    assert gates_own <= {row.expected for row in ROWS}
