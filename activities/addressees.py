"""Who gets a mail about a fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from workflows.rules.events import (
    AbsenceSet,
    AnswerOverdue,
    Appointed,
    Asked,
    DecisionRecorded,
    DecisionsStale,
    Delegated,
    DelegationEnded,
    DisagreementAnswered,
    DueDateChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    KeyEnrolled,
    KeyRevoked,
    Reminded,
    WecMatterRaised,
)
from workflows.rules.organisation import Role
from workflows.rules.record_facts import DocumentErased, ErasureAsked, RetentionSet, TextsErased

Moved = Mapping[tuple[str | None, Role], tuple[str, ...]]
"""Who was responsible before, by step and role, where that has just moved to others."""

_NOTHING_MOVED: Moved = MappingProxyType({})


def told(fact: Fact, moved: Moved = _NOTHING_MOVED, concerned: Sequence[str] = ()) -> tuple[str, ...]:
    """The people, each once, who get a mail about the fact. Those who were asked before are not asked again
    when others change.

    `concerned` are people whom the fact concerns and does not name: the holder of a revoked key, both sides of
    a delegation that ended, those who are waited for in a step whose due date is moved, and those whose word or
    whose text it is when something is erased.
    """
    return tuple(dict.fromkeys(_told(fact, moved, concerned)))


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
            return () if person is None else (person,)
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
