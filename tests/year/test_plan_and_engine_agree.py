"""Differential: the pure dry run and a full run on the real engine give the same dated timeline, to the day.

Which date falls where is the rules' alone, and tried for every size in every year without the engine
(`tests/rules/test_plan_and_cycle_agree.py`). Here each size, each change and each year is lived through.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from activities.organisations import put_in_force
from tests.rules.employers import employer, hired, law, manager_changed, programme, unit_closed
from tests.rules.timelines import happened, planned
from tests.year.conftest import OnStage, Staged
from worker.story import Story
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Fact
from workflows.rules.organisation import Organisation
from workflows.rules.plan import plan, timeline

SMALL, MEDIUM, LARGE = employer(4), employer(17), employer(40)


def agree(organisation: Organisation, staged: Staged, facts: list[Fact]) -> None:
    own = organisation.model_copy(update={"employer": staged.employer})
    year_plan = plan(programme(), own, law(), staged.year)
    settled = {(f.cycle or "", f.step or ""): oslo_day(f.concerns) for f in facts if f.kind == "step_closed"}
    dry = timeline(programme(), year_plan, settled)
    for cycle in {s.cycle.id for s in year_plan.steps}:
        assert happened([f for f in facts if f.cycle == cycle]) == planned(dry, cycle)
    assert {f.cycle for f in facts if f.kind == "cycle_closed"} == {s.cycle.id for s in year_plan.steps}


def long_after(year: int) -> datetime:
    return datetime(year + 1, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("organisation", "year"),
    [(SMALL, 2028), (MEDIUM, 2026), (LARGE, 2027)],
    ids=["under 5", "5 to 29", "30 and more"],
)
async def test_a_year_in_which_nobody_answers_happens_as_planned(
    on_stage: OnStage, organisation: Organisation, year: int
) -> None:
    staged = await on_stage(organisation, year)
    await staged.rehearsal(Story()).pass_until(long_after(year))
    agree(organisation, staged, await staged.facts())


@pytest.mark.parametrize(
    ("before", "year", "after"),
    [
        (SMALL, 2027, hired(SMALL, date(2027, 4, 18), 3)),
        (MEDIUM, 2028, unit_closed(MEDIUM, "u1", date(2028, 10, 1))),
        (LARGE, 2026, manager_changed(LARGE, "u1", date(2026, 5, 3), "p9")),
    ],
    ids=["the fifth person is hired", "a unit is closed", "a manager leaves"],
)
async def test_a_year_with_a_change_that_nobody_foresaw_happens_as_planned(
    on_stage: OnStage, before: Organisation, year: int, after: Organisation
) -> None:
    staged = await on_stage(before, year)
    rehearsal = staged.rehearsal(Story())
    heard = datetime(year, 4, 10, 10, tzinfo=UTC)
    await rehearsal.pass_until(heard)
    own = after.model_copy(update={"employer": staged.employer})
    await put_in_force(staged.installation.database, own, (), heard, mode="rehearsal")
    await rehearsal.pass_until(long_after(year))
    facts = await staged.facts()
    agree(after, staged, facts)
    assert "organisation_changed" in {f.kind for f in facts}


async def test_a_year_in_which_people_answer_happens_as_planned(on_stage: OnStage) -> None:
    staged = await on_stage(MEDIUM, 2027)
    await staged.rehearsal(Story()).run()
    facts = await staged.facts()
    agree(MEDIUM, staged, facts)
    assert {f.kind for f in facts} >= {"evidence_submitted", "decision_recorded", "step_closed"}
