"""Who has become responsible in a year, so that they are told before their first task (and not by it)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from workflows.rules.events import Appointed
from workflows.rules.gate import responsible
from workflows.rules.organisation import Holder, Organisation, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.terms import What

NOT_APPOINTED = frozenset({Role.EMPLOYEES})
"""Roles that nobody is told of: whoever works there knows it."""


def newly_responsible(
    steps: Iterable[PlannedStep],
    organisation: Organisation,
    day: date,
    told: Mapping[Role, frozenset[str]],
) -> tuple[Appointed, ...]:
    """Those who are responsible on `day` for one of the steps, as owner or in its gate, and are not in `told`.

    `told` is who has been told before in this year, by role. There is one `Appointed` a role, in the order in
    which the steps name the roles; each person stands there once, with whom they act for.
    """
    tasks: dict[tuple[Role, What, str | None], PlannedStep] = {}
    for step in steps:
        own = _own_delegations(organisation, step)
        tasks.setdefault((step.owner, "evidence", own), step)
        for slot in step.slots:
            # Who answers for the author of a document is known when there is one.
            tasks.setdefault((slot.role, slot.kind.value, own), step)
    people: dict[Role, dict[str, Holder]] = {}
    for (role, what, _), step in tasks.items():
        if role not in NOT_APPOINTED:
            for holder in responsible(step, organisation, what, role, day):
                people.setdefault(role, {}).setdefault(holder.person, holder)
    new = {
        role: tuple(h for h in holders.values() if h.person not in told.get(role, frozenset()))
        for role, holders in people.items()
    }
    return tuple(Appointed(role=role, people=holders) for role, holders in new.items() if holders)


def _own_delegations(organisation: Organisation, step: PlannedStep) -> str | None:
    """The step's id when somebody delegates this step alone; steps without that share their people."""
    return step.step if step.step in organisation.steps_delegated else None
