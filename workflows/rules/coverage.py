"""What the law asks, what the record shows, and what is missing, requirement by requirement.

It never says that anything is in order: that is for people to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from workflows.rules.base import Frozen
from workflows.rules.law import LegalRegister, Requirement
from workflows.rules.plan import YearPlan
from workflows.rules.standing import Standing


class StepState(Frozen):
    """One step that carries a requirement, and how it stands."""

    cycle: str
    step: str
    state: Literal["planned", "open", "closed", "left_open", "withdrawn"]


class Coverage(Frozen):
    """One requirement: the steps that carry it, or what will carry it.

    `record` is `shown` when every step that carries it is closed, `missing` when one was left open, `under_way`
    when some are still to come or open, `elsewhere` when no dated step of this employer's year carries it.
    """

    requirement: Requirement
    steps: tuple[StepState, ...]
    record: Literal["shown", "missing", "under_way", "elsewhere"]

    @property
    def open_steps(self) -> tuple[StepState, ...]:
        return tuple(s for s in self.steps if s.state not in ("closed", "withdrawn"))


def coverage(law: LegalRegister, plan: YearPlan, standings: Mapping[str, Standing]) -> tuple[Coverage, ...]:
    """Every requirement of the register, in its order. `standings` are the cycles' standings by cycle id."""
    states: dict[str, list[StepState]] = {}
    for step in plan.steps:
        standing = standings.get(step.cycle.id)
        here = standing.step(step.key) if standing else None
        state: Literal["planned", "open", "closed", "left_open", "withdrawn"] = "planned"
        if here is not None:
            state = here.settled or "open"
        for requirement in step.requirements:
            states.setdefault(requirement, []).append(
                StepState(cycle=step.cycle.id, step=step.key, state=state)
            )
    return tuple(_covered(r, tuple(states.get(r.id, ()))) for r in law.requirements)


def _covered(requirement: Requirement, steps: tuple[StepState, ...]) -> Coverage:
    counted = {s.state for s in steps} - {"withdrawn"}
    record: Literal["shown", "missing", "under_way", "elsewhere"]
    if not counted:
        record = "elsewhere"
    elif "left_open" in counted:
        record = "missing"
    else:
        record = "shown" if counted == {"closed"} else "under_way"
    return Coverage(requirement=requirement, steps=steps, record=record)
