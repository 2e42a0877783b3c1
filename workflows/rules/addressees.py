"""Who gets a mail about a fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.events import (
    AnswerOverdue,
    Appointed,
    Asked,
    DecisionRecorded,
    DecisionsStale,
    DisagreementAnswered,
    DueDateChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    Reminded,
    WecMatterRaised,
)
from workflows.rules.organisation import Organisation, Role
from workflows.rules.record_facts import DocumentErased, ErasureAsked, RetentionSet, TextsErased

Moved = Mapping[tuple[str | None, Role], tuple[str, ...]]
"""Who was responsible before, by step and role, where that has just moved to others."""

_NOTHING_MOVED: Moved = MappingProxyType({})


def told(fact: Fact, moved: Moved = _NOTHING_MOVED, concerned: Sequence[str] = ()) -> tuple[str, ...]:
    """The people, each once, who get a mail about the fact. Those who were asked before are not asked again
    when others change.

    `concerned` are people whom the fact concerns and does not name: the holder of a revoked key and whoever looks
    after people's keys (`key_watchers`), both sides of a delegation that ended, those who are waited for in a step
    whose due date is moved, and those whose word or whose text it is when something is erased.
    """
    return tuple(dict.fromkeys(_told(fact, moved, concerned)))


def at_once(fact: Fact, person: str) -> bool:
    """Whether the person is told of the fact in a mail of its own, though there was one that day.

    That somebody's key counts, or counts no longer, decides who can act in their name from that moment on. Whoever
    enrols a key does it in their own name, so that only they must know at once.
    """
    match fact.body:
        case KeyEnrolled(person=holder):
            return person == holder
        case KeyRevoked():
            return True
    return False


def key_watchers(organisation: Organisation, person: str, day: date) -> tuple[str, ...]:
    """Who else is told of the person's keys that day: the senior safety representative, or else those of the units
    where the person works. Nobody looks after their own."""
    units = [e.unit for e in organisation.employments if e.person == person and e.holds_on(day)]
    senior = organisation.holders(Role.SENIOR_SAFETY_REP, None, day)
    near = (h for unit in units for h in organisation.holders(Role.SAFETY_REP, unit, day))
    for holders in (senior, near):
        if found := tuple(dict.fromkeys(h.person for h in holders if h.person != person)):
            return found
    return ()


def _told(fact: Fact, moved: Moved, concerned: Sequence[str]) -> Sequence[str]:
    match fact.body:
        case Asked(role=role, people=people):
            already = moved.get((fact.step, role), ())
            return [h.person for h in people if h.person not in already]
        case Appointed(people=people):
            return [h.person for h in people]
        case (
            Reminded(people=told)
            | Escalated(people=told)
            | Informed(people=told)
            | WecMatterRaised(people=told)
            | AnswerOverdue(people=told)
            | DecisionsStale(people=told)
        ):
            return told
        case DisagreementAnswered(disagree=disagree, on_behalf_of=other):
            return [*disagree, *_kept_informed(fact, other)]
        case DecisionRecorded(on_behalf_of=other) | EvidenceSubmitted(on_behalf_of=other):
            return _kept_informed(fact, other)
        case KeyEnrolled(person=person):
            return () if person is None else (person, *concerned)
        case Delegated(person=person, to=other):
            return (person, other)
        case AbsenceSet(person=person, substitute=other):
            return (person,) if other is None else (person, other)
        case (
            KeyRevoked()
            | DelegationEnded()
            | DueDateChanged(reason="decided")
            | ErasureAsked()
            | TextsErased()
            | DocumentErased()
            | RetentionSet()
        ):
            return concerned
    return ()


def _kept_informed(fact: Fact, other: str | None) -> tuple[str, ...]:
    """Whoever is acted for reads of each act in their name."""
    return () if other is None or other == fact.actor else (other,)
