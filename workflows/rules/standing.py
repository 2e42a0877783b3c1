"""Where a cycle stands: a fold over its facts, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import AwareDatetime

from workflows.rules.base import Frozen
from workflows.rules.events import (
    Asked,
    CycleClosed,
    CycleStarted,
    DecisionRecorded,
    DueDateChanged,
    DutyChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    OrganisationChanged,
    Outcome,
    Reminded,
    RoleVacant,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepWithdrawn,
    UnitYearStarted,
)
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.programme import Kind

What = Literal["evidence", "approve", "consult", "treat"]


class Decision(Frozen):
    """One recorded answer; it is of the version it names and of no other."""

    role: Role
    asked: Kind
    outcome: Outcome
    person: str
    on_behalf_of: str | None
    version: int
    fulfils: bool


class Question(Frozen):
    """What people were asked last, and when."""

    what: What
    role: Role
    version: int
    people: tuple[Holder, ...]
    asked_at: AwareDatetime


class StepStanding(Frozen):
    """Where one step stands. `settled` steps are closed, left open at the year's end, or withdrawn."""

    key: str
    opened_at: AwareDatetime
    due: date
    document: str | None = None
    version: int = 0
    author: str | None = None
    author_for: str | None = None
    decisions: tuple[Decision, ...] = ()
    sent_back: int = 0
    questions: tuple[Question, ...] = ()
    vacant: tuple[tuple[What, Role, int], ...] = ()
    reminded: int | None = None
    escalated: int = 0
    settled: Literal["closed", "left_open", "withdrawn"] | None = None
    settled_at: AwareDatetime | None = None
    informed: bool = False
    acted_at: AwareDatetime | None = None
    """When somebody last filed or decided: whether the step was late does not hang on when it is looked at."""

    @property
    def needs_evidence(self) -> bool:
        return self.version == 0 or self.sent_back == self.version

    def now_decided(self) -> tuple[Decision, ...]:
        """The answers that are of the current version."""
        return tuple(d for d in self.decisions if d.version == self.version)

    def question(self, what: What, role: Role, version: int) -> Question | None:
        return next((q for q in self.questions if (q.what, q.role, q.version) == (what, role, version)), None)


class Standing(Frozen):
    """Where a whole cycle stands."""

    started_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    organisation: str | None = None
    programme: str | None = None
    law: str | None = None
    profile: Profile | None = None
    units_started: tuple[str, ...] = ()
    steps: Mapping[str, StepStanding] = {}
    refused: int = 0

    def step(self, key: str) -> StepStanding | None:
        return self.steps.get(key)


def fold(facts: Iterable[Fact], start: Standing | None = None) -> Standing:
    """The standing after `facts`, in the order they were recorded."""
    standing = start or Standing()
    for fact in facts:
        standing = _step(standing, fact) if fact.step is not None else _cycle(standing, fact)
    return standing


def _cycle(standing: Standing, fact: Fact) -> Standing:
    match fact.body:
        case CycleStarted() as b:
            return standing.model_copy(
                update={
                    "started_at": fact.recorded,
                    "organisation": b.organisation,
                    "programme": b.programme,
                    "law": b.law,
                    "profile": b.profile,
                }
            )
        case UnitYearStarted(unit=unit):
            return standing.model_copy(update={"units_started": (*standing.units_started, unit)})
        case OrganisationChanged(organisation=hash):
            return standing.model_copy(update={"organisation": hash})
        case DutyChanged(profile_after=profile):
            return standing.model_copy(update={"profile": profile})
        case CycleClosed():
            return standing.model_copy(update={"closed_at": fact.recorded})
    return standing


def _step(standing: Standing, fact: Fact) -> Standing:
    key = fact.step or ""
    if isinstance(fact.body, StepOpened):
        opened = StepStanding(key=key, opened_at=fact.recorded, due=fact.body.due)
        return _put(standing, opened)
    here = standing.steps.get(key)
    changes = _changes(here, fact) if here is not None else None
    if here is None or changes is None:
        return standing.model_copy(update={"refused": standing.refused + 1})
    return _put(standing, here.model_copy(update=changes))


def _put(standing: Standing, step: StepStanding) -> Standing:
    return standing.model_copy(update={"steps": {**standing.steps, step.key: step}})


def _changes(here: StepStanding, fact: Fact) -> dict[str, object] | None:
    """What the fact changes in the step; None for a refused attempt, which changes nothing in it."""
    match fact.body:
        case Asked() as b:
            others = tuple(
                q for q in here.questions if (q.what, q.role, q.version) != (b.what, b.role, b.version)
            )
            first = here.question(b.what, b.role, b.version)
            asked_at: datetime = first.asked_at if first else fact.recorded
            question = Question(
                what=b.what, role=b.role, version=b.version, people=b.people, asked_at=asked_at
            )
            return {"questions": (*others, question)}
        case RoleVacant() as b:
            return {"vacant": (*here.vacant, (b.what, b.role, b.version))}
        case EvidenceSubmitted() as b:
            return {
                "document": b.document,
                "version": b.version,
                "author": fact.actor,
                "author_for": b.on_behalf_of,
                "acted_at": fact.recorded,
            }
        case DecisionRecorded() as b:
            decision = Decision(
                role=b.role, asked=b.asked, outcome=b.outcome, person=fact.actor, on_behalf_of=b.on_behalf_of,
                version=b.version, fulfils=b.fulfils,
            )  # fmt: skip
            return {"decisions": (*here.decisions, decision), "acted_at": fact.recorded}
        case DueDateChanged(after=due):
            return {"due": due}
        case SentBack(version=version):
            return {"sent_back": version}
        case Reminded(days_before=days):
            return {"reminded": days}
        case Escalated(days_after=days):
            return {"escalated": days}
        case StepClosed():
            return {"settled": "closed", "settled_at": fact.recorded}
        case StepLeftOpen():
            return {"settled": "left_open", "settled_at": fact.recorded}
        case StepWithdrawn():
            return {"settled": "withdrawn", "settled_at": fact.recorded}
        case Informed():
            return {"informed": True}
    return None if fact.kind == "attempt_refused" else {}
