"""Facts: everything that has happened, appended and never edited.

A fact says what (`body`), where (`cycle`, `step`), when it concerns and when it was recorded. State is a fold
over facts. Facts carry opaque ids, roles, dates and hashes only; a comment lives in an erasable payload and
the fact holds a salted commitment to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from workflows.rules.base import Frozen
from workflows.rules.organisation import Holder, Id, Profile, Role
from workflows.rules.programme import Kind

SYSTEM = "system"
"""The actor of facts that follow from the calendar or from the rules."""

HEX = r"^[0-9a-f]{64}$"
Hash = Annotated[str, Field(pattern=HEX)]

_ID = r"[a-z0-9][a-z0-9-]{0,62}"
CycleId = Annotated[str, Field(pattern=rf"^{_ID}(/{_ID}){{0,3}}$")]
StepKey = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2,3}(\.[0-9]{1,2})?$")]


class Outcome(StrEnum):
    """What a person can answer in a gate. Which outcomes fit which kind of slot: `rules.gate`."""

    APPROVED = "approved"
    REJECTED = "rejected"
    CHANGES_REQUESTED = "changes_requested"
    AGREED = "agreed"
    AGREED_WITH_REMARKS = "agreed_with_remarks"
    DISAGREES = "disagrees"
    NO_RESPONSE = "no_response_after_real_opportunity"
    TREATED = "treated"


class Refusal(StrEnum):
    """Why an attempt was refused."""

    UNKNOWN_STEP = "unknown_step"
    NOT_YET = "not_yet"
    CLOSED = "closed"
    NO_EVIDENCE = "no_evidence"
    NOT_ELIGIBLE = "not_eligible"
    NOT_YOUR_TURN = "not_your_turn"
    STALE_VERSION = "stale_version"
    WRONG_OUTCOME = "wrong_outcome"
    OWN_DOCUMENT = "own_document"
    ALREADY_DECIDED = "already_decided"
    TWO_ROLES = "two_roles"
    COMMENT_REQUIRED = "comment_required"
    OPPORTUNITY_NOT_GIVEN = "opportunity_not_given"


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
    what: Literal["evidence", "approve", "consult", "treat"]
    role: Role
    people: tuple[Holder, ...]
    version: int = 0


class RoleVacant(Frozen):
    """Nobody holds the role; the record says so and the work goes on (E5)."""

    kind: Literal["role_vacant"] = "role_vacant"
    what: Literal["evidence", "approve", "consult", "treat"]
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
    fulfils: bool = True
    """The slot has all the answers it needs (false while a quorum still lacks some)."""


class AttemptRefused(Frozen):
    """An attempt that the gate refused, and why."""

    kind: Literal["attempt_refused"] = "attempt_refused"
    attempt: Literal["evidence", "decision"]
    reason: Refusal
    role: Role | None = None
    outcome: Outcome | None = None
    document: Hash | None = None
    version: int | None = None


class SentBack(Frozen):
    """The gate did not pass: the owner is asked for a new version."""

    kind: Literal["sent_back"] = "sent_back"
    version: int
    outcome: Outcome


class StepClosed(Frozen):
    """The gate is passed. Disagreement and vacancies are named, never smoothed over."""

    kind: Literal["step_closed"] = "step_closed"
    document: Hash
    version: int
    late: bool
    disagreements: tuple[Id, ...] = ()
    vacant: tuple[Role, ...] = ()


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
    | EvidenceSubmitted | DecisionRecorded | AttemptRefused | SentBack | StepClosed | Informed | DueDateChanged
    | StepWithdrawn | StepLeftOpen | OrganisationChanged | DutyChanged | CycleClosed,
    Field(discriminator="kind"),
]  # fmt: skip


class Fact(Frozen):
    """One thing that happened.

    `id` is the idempotency key, unique within the employer: appending the same id again changes nothing.
    `cycle` is the workflow id of the year it belongs to (`unit/<employer>/<unit>/<year>`), or None for facts
    about the employer itself. `concerns` is the time the fact is about, `recorded` the time it was appended.
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

    @property
    def kind(self) -> str:
        return self.body.kind


_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: dict[int, Upcaster] = {}
"""From a version of the fact format to the next: `UPCASTERS[1]` turns version 1 into version 2.
Version 1 is the first, so there is none yet; old facts are never rewritten, only read upwards."""

CURRENT = 1


class FactError(ValueError):
    """A stored fact that this version cannot read."""


def read_fact(
    raw: dict[str, Any], upcasters: dict[int, Upcaster] | None = None, current: int = CURRENT
) -> Fact:
    """A fact from its stored form, brought up to the current version.

    `FactError` when the fact is newer than this program, or when a step upwards is missing; pydantic's
    `ValidationError`, which repeats nothing of what stands there, when it is damaged.
    """
    steps = UPCASTERS if upcasters is None else upcasters
    version = raw.get("v")
    if not isinstance(version, int) or version > current:
        raise FactError(
            f"fact {raw.get('id')!r} has version {version!r}; this program reads up to {current}. "
            "Run the version of forsvarlig that wrote it, or a newer one."
        )
    while version < current:
        if version not in steps:
            raise FactError(f"fact {raw.get('id')!r}: no way from version {version} to {version + 1}.")
        raw = steps[version](raw)
        version += 1
    return _FACT.validate_python(raw)


def year_cycle(employer: str, year: int) -> str:
    """The workflow id of an employer's year."""
    return f"year/{employer}/{year}"


def unit_cycle(employer: str, unit: str, year: int) -> str:
    """The workflow id of a unit's year."""
    return f"unit/{employer}/{unit}/{year}"


_CYCLE = re.compile(
    rf"(?:year/(?P<alone>{_ID})|unit/(?P<employer>{_ID})/(?P<unit>{_ID}))/(?P<year>[0-9]{{4}})"
)


class CycleRef(Frozen):
    """A cycle by its parts; `unit` is None for the employer's own year."""

    employer: Id
    year: int
    unit: Id | None = None

    @property
    def id(self) -> str:
        if self.unit is None:
            return year_cycle(self.employer, self.year)
        return unit_cycle(self.employer, self.unit, self.year)

    @classmethod
    def parse(cls, id: str) -> CycleRef:
        """From a workflow id; `ValueError` says what one looks like."""
        if found := _CYCLE.fullmatch(id):
            employer, unit = found["alone"] or found["employer"], found["unit"]
            return cls(employer=employer, year=int(found["year"]), unit=unit)
        raise ValueError(
            f"{id!r} is no cycle. A cycle is year/<employer>/<year> or unit/<employer>/<unit>/<year>."
        )


def at(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, whole seconds, `2027-01-04T07:00:00Z`. ValueError for a naive one."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone, so its moment is not known: give it one.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
