"""The dry run and the rules that move a year must give the same dates, to the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest

from tests.rules.employers import (
    LARGE,
    MEDIUM,
    SMALL,
    hired,
    manager_changed,
    programme,
    unit_closed,
    year_plan,
)
from tests.rules.timelines import happened, planned
from tests.rules.virtual_people import answering, live, noon, situation
from workflows.rules.calendar import oslo_day
from workflows.rules.organisation import Organisation
from workflows.rules.plan import YearPlan, timeline
from workflows.rules.terms import CycleRef


def cycles(plan: YearPlan) -> list[CycleRef]:
    return list(dict.fromkeys(s.cycle for s in plan.steps))


sizes = pytest.mark.parametrize(
    "organisation", [SMALL, MEDIUM, LARGE], ids=["under 5", "5 to 29", "30 and more"]
)
years = pytest.mark.parametrize("year", [2026, 2027, 2028])


@years
@sizes
def test_a_year_in_which_nobody_answers_has_every_planned_date(organisation: Organisation, year: int) -> None:
    plan = year_plan(organisation, year)
    dry = timeline(programme(), plan)
    for cycle in cycles(plan)[:2]:
        facts, standing = live(situation(organisation, cycle))
        assert happened(facts) == planned(dry, cycle.id)
        assert standing.closed_at is not None


def days_of_settling(plan: YearPlan, seed: int) -> dict[tuple[str, str], date]:
    """For most steps some day between their opening and the end of the year or of their unit."""
    chance = Random(seed)
    settled = {}
    for step in plan.steps:
        last = min(step.ends or date.max, plan.closing_day(step.cycle)) - timedelta(days=1)
        if chance.random() < 0.8:
            settled[step.cycle.id, step.key] = step.opens + timedelta(
                days=chance.randint(0, min((last - step.opens).days, chance.choice([10, 40, 400])))
            )
    return settled


def agree_when_settled(organisation: Organisation, year: int, seed: int) -> None:
    plan = year_plan(organisation, year)
    settled = days_of_settling(plan, seed)
    dry = timeline(programme(), plan, settled)
    people = answering(
        lambda step, here, waiting: noon(d) if (d := settled.get((step.cycle.id, step.key))) else None
    )
    for cycle in cycles(plan)[:2]:
        facts, standing = live(situation(organisation, cycle), people)
        assert happened(facts) == planned(dry, cycle.id)
        closed = {f.step: oslo_day(f.recorded) for f in facts if f.kind == "step_closed"}
        assert closed == {key: day for (id, key), day in settled.items() if id == cycle.id}
        assert standing.closed_at is not None


@years
@sizes
def test_a_step_that_is_settled_some_day_has_every_planned_date_until_then(
    organisation: Organisation, year: int
) -> None:
    agree_when_settled(organisation, year, seed=year)


@years
@pytest.mark.parametrize(
    "changed",
    [
        lambda year: unit_closed(MEDIUM, "u1", date(year, 10, 1)),
        lambda year: manager_changed(MEDIUM, "u1", date(year, 5, 3), "p9"),
        lambda year: hired(SMALL, date(year, 4, 15), 3),
    ],
    ids=["a unit is closed", "a manager leaves", "the fifth person is hired"],
)
def test_plan_and_year_agree_also_when_the_employer_changes_in_mid_year(
    changed: Callable[[int], Organisation], year: int
) -> None:
    agree_when_settled(changed(year), year, seed=year + 1)
