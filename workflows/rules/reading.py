"""Who may read what a person wrote with an act: the reason for an answer, or for a new due date.

The one who wrote it and those it was written for; those with a part in the matter; the leaders above; those who
speak for the employees of the place. Nobody else: not other employees, not whoever runs the machine, and of
those who have left nobody but the writer (GDPR art. 5 no. 1 b and c; aml. §§ 6-2, 7-2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Final

from workflows.rules.calendar import oslo_day
from workflows.rules.events import SYSTEM, UNKNOWN, DecisionRecorded, DisagreementAnswered, Fact
from workflows.rules.organisation import Organisation, Role
from workflows.rules.programme import Kind
from workflows.rules.terms import CycleRef, Outcome

EVERYWHERE: Final = (Role.TOP_MANAGER, Role.HR, Role.SENIOR_SAFETY_REP)
"""They read what is written anywhere with the employer."""

OF_THE_PLACE: Final = (Role.MANAGER, Role.SAFETY_REP, Role.CONTACT_PERSON)
"""They read what is written in their unit, or in their safety area."""

COMMITTEE: Final = (Role.WEC_CHAIR, Role.WEC)
"""They read what the committee treats: a disagreement, the answer to it, and what it was asked to treat."""

NEVER: Final = frozenset({Role.EMPLOYEES})
"""A part that gives no right to read what others wrote."""


def may_read(
    organisation: Organisation, person: str, fact: Fact, on: date, gate: Collection[Role] = ()
) -> bool:
    """Whether the person may on this day read the text of the fact.

    `gate` are the roles that own or decide in its step, where the programme is known. A role gives the right to
    those who act in it now, and to those who did when it was written: they had the matter then. Who acts for
    somebody who is away reads as that person.
    """
    if person in (SYSTEM, UNKNOWN):
        return False
    if person in written_by(fact):
        return True
    if organisation.has_left(person, on):
        return False
    if person in written_for(fact):
        return True
    return any(
        person in acting(organisation, role, unit, day)
        for day in {on, oslo_day(fact.concerns)}
        for role, unit in _parts(organisation, fact, day, gate)
    )


def written_by(fact: Fact) -> frozenset[str]:
    """Whose words they are: who acted, and who was acted for."""
    other = getattr(fact.body, "on_behalf_of", None)
    return frozenset({fact.actor} if other is None else {fact.actor, other})


def written_for(fact: Fact) -> frozenset[str]:
    """Whom they answer: those who disagreed."""
    return frozenset(fact.body.disagree if isinstance(fact.body, DisagreementAnswered) else ())


def roles_that_read(fact: Fact, gate: Collection[Role] = ()) -> tuple[Role, ...]:
    """The roles that give a right to read the fact's text, each once; `Role.MANAGER` is also the leaders above."""
    roles = [*EVERYWHERE]
    if fact.cycle is not None and CycleRef.parse(fact.cycle).unit is not None:
        roles += OF_THE_PLACE
    if _is_for_the_committee(fact):
        roles += COMMITTEE
    if isinstance(fact.body, DecisionRecorded):
        roles.append(fact.body.role)
    return tuple(dict.fromkeys(role for role in (*roles, *gate) if role not in NEVER))


def acting(organisation: Organisation, role: Role, unit: str | None, day: date) -> frozenset[str]:
    """Who acts in the role that day, and whom they act for."""
    holders = organisation.entitled(role, unit, day)
    return frozenset(p for h in holders for p in (h.person, h.acting_for) if p is not None)


def _parts(
    organisation: Organisation, fact: Fact, day: date, gate: Collection[Role]
) -> Iterable[tuple[Role, str | None]]:
    """Each role that reads the text, with the place for which somebody must have it."""
    unit = CycleRef.parse(fact.cycle).unit if fact.cycle is not None else None
    for role in roles_that_read(fact, gate):
        yield role, None if role in EVERYWHERE else unit
    for higher in organisation.above(unit, day) if unit is not None else ():
        yield Role.MANAGER, higher


def _is_for_the_committee(fact: Fact) -> bool:
    match fact.body:
        case DisagreementAnswered() | DecisionRecorded(outcome=Outcome.DISAGREES):
            return True
        case DecisionRecorded(asked=Kind.TREAT):
            return True
    return False
