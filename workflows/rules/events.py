"""Facts: everything that has happened, appended and never edited.

A fact says what (`body`), where (`cycle`, `step`), when it concerns and when it was recorded. State is a fold
over facts. Facts carry opaque ids, roles, dates and hashes only; a comment lives in an erasable payload and
the fact holds a salted commitment to it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.base import Frozen
from workflows.rules.organisation import Holder, Id, Profile, Role
from workflows.rules.programme import Kind, Stage
from workflows.rules.record_facts import (
    DocumentErased,
    DossierMade,
    ErasureAsked,
    HistoryExported,
    LedgerRestored,
    LogKeyEnrolled,
    PersonErased,
    RecordsErased,
    RetentionSet,
    TextsErased,
    TextsRead,
)
from workflows.rules.statement import Envelope, Votes
from workflows.rules.terms import CycleId, Hash, Outcome, Refusal, StepKey, What

SYSTEM = "system"
"""The actor of facts that follow from the calendar or from the rules."""

UNKNOWN = "unknown"
"""The actor of an attempt when no signature tells who made it."""

Via = Annotated[str, Field(pattern=r"^(desk|portal|rehearsal|signal [0-9a-f-]{36}:[0-9]{1,9})$")]
"""The door that an act came through; a signal is named by its run and its number in it."""


Attempt = Literal[
    "evidence",
    "decision",
    "answer",
    "due_date",
    "delegation",
    "absence",
    "key",
    "signal",
    "statement",
    "erasure",
    "retention",
]
"""What was attempted; `signal` and `statement` when it cannot be read what it was to be."""


class CycleStarted(Frozen):
    kind: Literal["cycle_started"] = "cycle_started"
    programme: Hash
    law: Hash
    organisation: Hash
    profile: Profile
    rehearsal: bool = False


class UnitYearStarted(Frozen):
    """The employer's year has started the year of one unit."""

    kind: Literal["unit_year_started"] = "unit_year_started"
    unit: Id


class StepOpened(Frozen):
    """A step is open; `predecessors_open` names steps it builds on that are not closed yet."""

    kind: Literal["step_opened"] = "step_opened"
    due: date
    predecessors_open: tuple[StepKey, ...] = ()


class Asked(Frozen):
    """These people were asked: for the evidence (`role` is the owner's), or to decide in a slot."""

    kind: Literal["asked"] = "asked"
    what: What
    role: Role
    people: tuple[Holder, ...]
    version: int = 0


class RoleVacant(Frozen):
    """Nobody holds the role; the record says so and the work goes on (E5)."""

    kind: Literal["role_vacant"] = "role_vacant"
    what: What
    role: Role
    version: int = 0


class Reminded(Frozen):
    """A reminder, so many days before the due date, to those who were waited for."""

    kind: Literal["reminded"] = "reminded"
    days_before: int
    people: tuple[Id, ...]


class Escalated(Frozen):
    """A rung of the ladder, so many days after the due date."""

    kind: Literal["escalated"] = "escalated"
    days_after: int
    people: tuple[Id, ...]
    deviation: bool
    wec_item: bool


class ResponsibilityMoved(Frozen):
    """Somebody else is waited for now: a leaver, a new manager, a substitute who starts or ends."""

    kind: Literal["responsibility_moved"] = "responsibility_moved"
    role: Role
    before: tuple[Id, ...]
    after: tuple[Id, ...]


class EvidenceSubmitted(Frozen):
    """A document was filed for the step; a later one has a higher `version`."""

    kind: Literal["evidence_submitted"] = "evidence_submitted"
    document: Hash
    version: int = Field(ge=1)
    on_behalf_of: Id | None = None


class DecisionRecorded(Frozen):
    """One person's answer, bound to the document and version that was seen."""

    kind: Literal["decision_recorded"] = "decision_recorded"
    role: Role
    asked: Kind
    outcome: Outcome
    document: Hash
    version: int
    on_behalf_of: Id | None = None
    comment: Hash | None = None
    back_to: Stage | None = None
    votes: Votes | None = None
    fulfils: bool = True
    """The slot has all the answers it needs (false while a quorum still lacks some)."""


class AttemptRefused(Frozen):
    """An attempt that was refused, and why.

    `claimed` is who it says it is from, when nothing proves it and the employer knows the person. `input` is the
    SHA-256 of what came; junk that came together is one fact, with how many there were in `count`.
    """

    kind: Literal["attempt_refused"] = "attempt_refused"
    attempt: Attempt
    reason: Refusal
    role: Role | None = None
    outcome: Outcome | None = None
    document: Hash | None = None
    version: int | None = None
    claimed: Id | None = None
    input: Hash | None = None
    count: int = Field(default=1, ge=1)


class SentBack(Frozen):
    """The gate did not pass: the owner is asked for a new version, and the steps of `back_to` are opened anew."""

    kind: Literal["sent_back"] = "sent_back"
    version: int
    outcome: Outcome
    back_to: Stage | None = None


class DecisionsStale(Frozen):
    """Answers about an older version count no longer; they stay true of what they were about.

    `document` and `version` are what they were about; `people` gave them.
    """

    kind: Literal["decisions_stale"] = "decisions_stale"
    document: Hash
    version: int
    people: tuple[Id, ...]
    because: Literal["new_version", "basis_changed", "sent_back"]


class StepReopened(Frozen):
    """A closed step is open again.

    `because` says why: a new version was filed, a step that it builds on has a newer version, or a later step's
    gate sent the matter back to this one's stage. `by` is that other step.
    """

    kind: Literal["step_reopened"] = "step_reopened"
    because: Literal["new_version", "basis_changed", "sent_back"]
    due: date
    by: StepKey | None = None


class DecisionDisregarded(Frozen):
    """A recorded answer whose signature does not prove it: the gate does not count it."""

    kind: Literal["decision_disregarded"] = "decision_disregarded"
    decision: str = Field(max_length=300)
    reason: Refusal


class AnswerDemanded(Frozen):
    """Somebody disagrees: the employer owes a reasoned answer, at the latest on `due` (aml. § 6-2, E8)."""

    kind: Literal["answer_demanded"] = "answer_demanded"
    version: int
    disagree: tuple[Id, ...]
    due: date


class WecMatterRaised(Frozen):
    """A disagreement is a matter for the working environment committee, or for who stands in for it."""

    kind: Literal["wec_matter_raised"] = "wec_matter_raised"
    version: int
    disagree: tuple[Id, ...]
    people: tuple[Id, ...]


class DisagreementAnswered(Frozen):
    """The employer's reasoned answer."""

    kind: Literal["disagreement_answered"] = "disagreement_answered"
    version: int
    disagree: tuple[Id, ...]
    comment: Hash
    late: bool
    on_behalf_of: Id | None = None


class AnswerOverdue(Frozen):
    """The employer has not answered in time; these people are told."""

    kind: Literal["answer_overdue"] = "answer_overdue"
    version: int
    due: date
    people: tuple[Id, ...]


class Appointed(Frozen):
    """These people have become responsible for steps of this year in `role`; they are told before the first."""

    kind: Literal["appointed"] = "appointed"
    role: Role
    people: tuple[Holder, ...]


class RunStartedAgain(Frozen):
    """The engine's run of this year was gone, though the year was not over; it was started again."""

    kind: Literal["run_started_again"] = "run_started_again"
    reason: Literal["missing"] = "missing"


class StepClosed(Frozen):
    """The gate is passed. Disagreement and vacancies are named, never smoothed over."""

    kind: Literal["step_closed"] = "step_closed"
    document: Hash
    version: int
    late: bool
    disagreements: tuple[Id, ...] = ()
    vacant: tuple[Role, ...] = ()
    basis: tuple[tuple[StepKey, int], ...] = ()
    """The versions of the steps that this one builds on, when its gate was passed."""


class Informed(Frozen):
    kind: Literal["informed"] = "informed"
    roles: tuple[Role, ...]
    people: tuple[Id, ...]


class DueDateChanged(Frozen):
    """A new due date, with the reason; `before` stays visible (E16)."""

    kind: Literal["due_date_changed"] = "due_date_changed"
    before: date
    after: date
    reason: Literal["organisation_changed", "decided"]
    comment: Hash | None = None


class StepWithdrawn(Frozen):
    """The step no longer applies: its unit was closed, or the duty fell away."""

    kind: Literal["step_withdrawn"] = "step_withdrawn"
    reason: Literal["unit_closed", "duty_ended"]


class StepLeftOpen(Frozen):
    """The year was closed while this step stood open."""

    kind: Literal["step_left_open"] = "step_left_open"
    missing: tuple[Annotated[str, Field(pattern=r"^[a-z_]{1,20}(:[a-z_]{1,40})?$")], ...]


class OrganisationChanged(Frozen):
    """A new version of the organisation is in force for this cycle."""

    kind: Literal["organisation_changed"] = "organisation_changed"
    organisation: Hash
    before: Hash | None = None


class DutyChanged(Frozen):
    """A headcount crossed a threshold (or a party demanded): a duty began or ended."""

    kind: Literal["duty_changed"] = "duty_changed"
    profile_before: Profile
    profile_after: Profile
    everyone: int


class CycleClosed(Frozen):
    kind: Literal["cycle_closed"] = "cycle_closed"
    closed: int
    left_open: int
    withdrawn: int


Body = Annotated[
    CycleStarted | UnitYearStarted | StepOpened | Asked | RoleVacant | Reminded | Escalated | ResponsibilityMoved
    | EvidenceSubmitted | DecisionRecorded | AttemptRefused | SentBack | DecisionsStale | StepReopened
    | DecisionDisregarded | AnswerDemanded | WecMatterRaised | DisagreementAnswered | AnswerOverdue | StepClosed
    | Informed | DueDateChanged | StepWithdrawn | StepLeftOpen | OrganisationChanged | DutyChanged | CycleClosed
    | Appointed | RunStartedAgain | KeyEnrolled | KeyRevoked | Delegated | DelegationEnded | AbsenceSet
    | LogKeyEnrolled | HistoryExported | TextsRead | DossierMade | TextsErased | PersonErased | DocumentErased
    | RecordsErased | RetentionSet | ErasureAsked | LedgerRestored,
    Field(discriminator="kind"),
]  # fmt: skip


class Fact(Frozen):
    """One thing that happened.

    `id` is the idempotency key, unique within the employer: appending the same id again changes nothing.
    `cycle` is the workflow id of the year it belongs to (`unit/<employer>/<unit>/<year>`), or None for facts
    about the employer itself. `concerns` is the time the fact is about, `recorded` the time it was appended.
    `signed` is the signed statement that an act follows from, as it came, and `via` the door it came through.
    `clock` is there when the clock had run back: `recorded` is then the time of the fact before it.
    """

    v: Literal[1] = 1
    id: str = Field(min_length=1, max_length=300)
    employer: Id
    cycle: CycleId | None = None
    step: StepKey | None = None
    concerns: AwareDatetime
    recorded: AwareDatetime
    actor: Id = SYSTEM
    body: Body
    via: Via | None = None
    signed: Envelope | None = None
    clock: Literal["ran_back"] | None = None

    @property
    def kind(self) -> str:
        return self.body.kind

    @property
    def happened(self) -> datetime:
        """When it was done: the time it was recorded, or where the clock had run back, the time it concerns."""
        return self.recorded if self.clock is None else self.concerns
