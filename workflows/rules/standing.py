"""Where a cycle stands: a fold over its facts, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import AwareDatetime

from workflows.rules.base import Frozen
from workflows.rules.events import (
    AnswerDemanded,
    AnswerOverdue,
    Appointed,
    Asked,
    CycleClosed,
    CycleStarted,
    DecisionDisregarded,
    DecisionRecorded,
    DecisionsStale,
    DisagreementAnswered,
    DueDateChanged,
    DutyChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    OrganisationChanged,
    Reminded,
    RoleVacant,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepReopened,
    StepWithdrawn,
    UnitYearStarted,
)
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.programme import Kind, Stage
from workflows.rules.terms import Outcome, What


class Decision(Frozen):
    """One recorded answer; it is of the version it names and of no other."""

    role: Role
    asked: Kind
    outcome: Outcome
    person: str
    on_behalf_of: str | None
    version: int
    document: str = ""
    fact: str = ""
    """The id of the fact that holds it."""
    back_to: Stage | None = None


class Owed(Frozen):
    """A reasoned answer that the employer owes to those who disagree with one version (E8)."""

    version: int
    disagree: tuple[str, ...]
    due: date
    answered: bool = False
    overdue: bool = False


class Question(Frozen):
    """What people were asked last, and when."""

    what: What
    role: Role
    version: int
    people: tuple[Holder, ...]
    asked_at: AwareDatetime
    moved: int = 0
    """How often it has gone to others."""


class StepStanding(Frozen):
    """Where one step stands. `settled` steps are closed, left open at the year's end, or withdrawn."""

    key: str
    opened_at: AwareDatetime
    due: date
    original_due: date | None = None
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
    passed: int = 0
    """The newest version whose gate was passed."""
    basis: tuple[tuple[str, int], ...] = ()
    """The versions of the steps that this one builds on, when its gate was last passed."""
    filed_anew: bool = False
    """A new version was filed after the gate was passed, and the reopening is not recorded yet."""
    reopened_by: str | None = None
    void: Literal["basis_changed", "sent_back"] | None = None
    """Why the current version counts no longer though its gate was passed."""
    stale: int = 0
    """The newest version whose answers were said to be stale."""
    rounds: int = 0
    """How often the ladder has begun afresh: after a reopening or a new due date."""
    ladder_from: AwareDatetime | None = None
    """When it began afresh; reminders and rungs of before are over."""
    owed: tuple[Owed, ...] = ()

    @property
    def needs_evidence(self) -> bool:
        return self.version == 0 or self.sent_back == self.version

    @property
    def authors(self) -> frozenset[str]:
        """Who filed the current version, and for whom."""
        return frozenset(person for person in (self.author, self.author_for) if person is not None)

    @property
    def first_due(self) -> date:
        """The due date that the step was opened with; a later one never hides it (E16)."""
        return self.original_due or self.due

    def unanswered(self) -> tuple[Owed, ...]:
        """The reasoned answers that the employer still owes."""
        return tuple(o for o in self.owed if not o.answered)

    def disagreeing(self, version: int) -> tuple[str, ...]:
        """Who disagrees with `version`, each once, by the name they speak for."""
        said = (d for d in self.decisions if d.version == version and d.outcome is Outcome.DISAGREES)
        return tuple(dict.fromkeys(d.on_behalf_of or d.person for d in said))

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
    appointed: tuple[tuple[Role, str], ...] = ()
    """Who was told of becoming responsible, and in which role."""

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
                    "started_at": fact.happened,
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
            return standing.model_copy(update={"closed_at": fact.happened})
        case Appointed(role=role, people=people):
            told = tuple((role, h.person) for h in people)
            return standing.model_copy(update={"appointed": (*standing.appointed, *told)})
    if fact.kind == "attempt_refused":
        return standing.model_copy(update={"refused": standing.refused + 1})
    return standing


def _step(standing: Standing, fact: Fact) -> Standing:
    key = fact.step or ""
    if isinstance(fact.body, StepOpened):
        opened = StepStanding(key=key, opened_at=fact.happened, due=fact.body.due)
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
            # Whoever takes over from all that were asked has as long as they had.
            goes_on = first is not None and {h.person for h in first.people} & {h.person for h in b.people}
            asked_at: datetime = first.asked_at if first is not None and goes_on else fact.happened
            question = Question(
                what=b.what, role=b.role, version=b.version, people=b.people, asked_at=asked_at,
                moved=0 if first is None else first.moved + 1,
            )  # fmt: skip
            return {"questions": (*others, question)}
        case RoleVacant() as b:
            return {"vacant": (*here.vacant, (b.what, b.role, b.version))}
        case EvidenceSubmitted() as b:
            anew = {"settled": None, "settled_at": None, "filed_anew": True}
            return {
                "document": b.document,
                "version": b.version,
                "author": fact.actor,
                "author_for": b.on_behalf_of,
                "acted_at": fact.happened,
                "void": None,
                **(anew if here.settled == "closed" else {}),
            }
        case DecisionRecorded() as b:
            decision = Decision(
                role=b.role, asked=b.asked, outcome=b.outcome, person=fact.actor, on_behalf_of=b.on_behalf_of,
                version=b.version, document=b.document, fact=fact.id, back_to=b.back_to,
            )  # fmt: skip
            return {"decisions": (*here.decisions, decision), "acted_at": fact.happened}
        case DecisionDisregarded(decision=id):
            return _disregarded(here, id)
        case DecisionsStale(version=version):
            return {"stale": max(version, here.stale)}
        case AnswerDemanded() as b:
            owed = Owed(version=b.version, disagree=b.disagree, due=b.due)
            return {"owed": (*here.owed, owed)}
        case DisagreementAnswered(version=version):
            # Who disagrees with the same version later is owed an answer of their own, to be asked for anew.
            questions = tuple(q for q in here.questions if q.what != "answer" or q.version > version)
            owed_now = tuple(_with(o, o.version <= version, "answered") for o in here.owed)
            return {"owed": owed_now, "questions": questions}
        case AnswerOverdue(version=version, due=due):
            return {
                "owed": tuple(_with(o, (o.version, o.due) == (version, due), "overdue") for o in here.owed)
            }
        case DueDateChanged(after=due):
            return {"due": due, "original_due": here.first_due, **_afresh(here, fact)}
        case StepReopened() as b:
            return {**_reopened(here, b), **_afresh(here, fact)}
        case SentBack(version=version):
            return {"sent_back": version}
        case Reminded(days_before=days):
            return {"reminded": days}
        case Escalated(days_after=days):
            return {"escalated": days}
        case StepClosed(version=version, basis=basis):
            return {
                "settled": "closed",
                "settled_at": fact.happened,
                "passed": version,
                "basis": basis,
                "reopened_by": None,
            }
        case StepLeftOpen():
            return {"settled": "left_open", "settled_at": fact.happened}
        case StepWithdrawn():
            return {"settled": "withdrawn", "settled_at": fact.happened}
        case Informed():
            return {"informed": True}
    return None if fact.kind == "attempt_refused" else {}


def _disregarded(here: StepStanding, id: str) -> dict[str, object]:
    """Without the answer; its question is nobody's now, so that it is asked again."""
    gone = {(d.asked.value, d.role, d.version) for d in here.decisions if d.fact == id}
    return {
        "decisions": tuple(d for d in here.decisions if d.fact != id),
        "questions": tuple(
            q.model_copy(update={"people": ()}) if (q.what, q.role, q.version) in gone else q
            for q in here.questions
        ),
    }


def _with(owed: Owed, concerned: bool, mark: Literal["answered", "overdue"]) -> Owed:
    return owed.model_copy(update={mark: True}) if concerned else owed


def _afresh(here: StepStanding, fact: Fact) -> dict[str, object]:
    return {"reminded": None, "escalated": 0, "rounds": here.rounds + 1, "ladder_from": fact.happened}


def _reopened(here: StepStanding, body: StepReopened) -> dict[str, object]:
    changes: dict[str, object] = {
        "settled": None,
        "settled_at": None,
        "informed": False,
        "filed_anew": False,
        "due": body.due,
        "original_due": here.first_due,
        "reopened_by": body.by if body.because == "sent_back" else None,
        "questions": tuple(q for q in here.questions if q.what == "answer"),
    }
    if body.because != "new_version":
        changes |= {"sent_back": here.version, "void": body.because}
    return changes
