"""The one gate: every decision by a person, in every stage and through every door, passes here.

`decide` and `submit` are total: they answer with the fact to record, accepted or refused, and never raise.
Silence is no answer, and nobody's answer counts twice.
"""

from __future__ import annotations

import re
from datetime import date

from workflows.rules.base import Frozen
from workflows.rules.calendar import WorkCalendar, oslo_day
from workflows.rules.events import (
    AttemptRefused,
    DecisionRecorded,
    EvidenceSubmitted,
    Hash,
    Outcome,
    Refusal,
)
from workflows.rules.organisation import Holder, Organisation, Role
from workflows.rules.plan import REAL_OPPORTUNITY_DAYS, PlannedStep
from workflows.rules.programme import Kind, SlotRule
from workflows.rules.standing import StepStanding, What

OUTCOMES: dict[Kind, frozenset[Outcome]] = {
    Kind.APPROVE: frozenset({Outcome.APPROVED, Outcome.REJECTED, Outcome.CHANGES_REQUESTED}),
    Kind.CONSULT: frozenset(
        {Outcome.AGREED, Outcome.AGREED_WITH_REMARKS, Outcome.DISAGREES, Outcome.NO_RESPONSE}
    ),
    Kind.TREAT: frozenset({Outcome.TREATED}),
}
"""Which answers fit which question. A safety representative is heard and has no veto (aml. § 6-2)."""

NEEDS_COMMENT = frozenset(
    {
        Outcome.REJECTED,
        Outcome.CHANGES_REQUESTED,
        Outcome.AGREED_WITH_REMARKS,
        Outcome.DISAGREES,
        Outcome.NO_RESPONSE,
    }
)

SENDS_BACK = frozenset({Outcome.REJECTED, Outcome.CHANGES_REQUESTED})


class Statement(Frozen):
    """What a person says in a gate, about the document and version that the person saw."""

    actor: str
    role: Role
    outcome: Outcome
    document: str
    version: int
    comment: Hash | None = None
    """The commitment to the comment, when there is one."""


class Pending(Frozen):
    """One thing that is waited for."""

    what: What
    role: Role
    version: int


def responsible(
    step: PlannedStep, organisation: Organisation, what: What, role: Role, day: date
) -> tuple[Holder, ...]:
    """Who is asked. What the employer owes never lacks an owner: a vacant role falls to the top manager."""
    people = organisation.holders(role, step.cycle.unit, day)
    if not people and what in ("evidence", "approve"):
        return organisation.holders(Role.TOP_MANAGER, None, day)
    return people


def _entitled(
    step: PlannedStep, organisation: Organisation, what: What, role: Role, day: date
) -> tuple[Holder, ...]:
    """Who may act: those asked, and each one they act for."""
    people = organisation.entitled(role, step.cycle.unit, day)
    if not people and what in ("evidence", "approve"):
        return organisation.entitled(Role.TOP_MANAGER, None, day)
    return people


def pending(
    step: PlannedStep, standing: StepStanding, organisation: Organisation, day: date
) -> tuple[Pending, ...]:
    """What an open step waits for now; empty when its gate is passed."""
    if standing.needs_evidence:
        return (Pending(what="evidence", role=step.owner, version=standing.version),)
    for order in sorted({s.order for s in step.slots}):
        waiting = tuple(
            Pending(what=s.kind.value, role=s.role, version=standing.version)
            for s in step.slots
            if s.order == order and not _filled(step, s, standing, organisation, day)
        )
        if waiting:
            return waiting
    return ()


def _filled(
    step: PlannedStep, slot: SlotRule, standing: StepStanding, organisation: Organisation, day: date
) -> bool:
    if any(d.fulfils for d in standing.now_decided() if (d.role, d.asked) == (slot.role, slot.kind)):
        return True
    what: What = slot.kind.value
    if what == "approve":
        return False  # nobody approves by not being there
    recorded_vacant = (what, slot.role, standing.version) in standing.vacant
    return recorded_vacant and not responsible(step, organisation, what, slot.role, day)


def submit(
    step: PlannedStep | None,
    standing: StepStanding | None,
    organisation: Organisation,
    actor: str,
    document: str,
    day: date,
) -> EvidenceSubmitted | AttemptRefused:
    """May `actor` file `document` for the step on `day`? The owner may, whoever acts for the owner, and HR."""

    def refused(reason: Refusal) -> AttemptRefused:
        return AttemptRefused(attempt="evidence", reason=reason, document=_hash(document))

    if step is None:
        return refused(Refusal.UNKNOWN_STEP)
    if standing is None:
        return refused(Refusal.NOT_YET)
    if standing.settled is not None:
        return refused(Refusal.CLOSED)
    may = (
        *_entitled(step, organisation, "evidence", step.owner, day),
        *organisation.entitled(Role.HR, step.cycle.unit, day),
    )
    holder = _holder(may, actor)
    if holder is None:
        return refused(Refusal.NOT_ELIGIBLE)
    if _hash(document) is None:
        return refused(Refusal.NO_EVIDENCE)
    if document == standing.document:
        return refused(Refusal.ALREADY_DECIDED)
    acting_for = holder.acting_for if holder.person == actor else None
    return EvidenceSubmitted(document=document, version=standing.version + 1, on_behalf_of=acting_for)


def decide(
    step: PlannedStep | None,
    standing: StepStanding | None,
    organisation: Organisation,
    calendar: WorkCalendar,
    statement: Statement,
    day: date,
) -> DecisionRecorded | AttemptRefused:
    """Is the statement accepted on `day`, or refused because of what?"""
    if step is None:
        return _refused(statement, Refusal.UNKNOWN_STEP)
    if standing is None:
        return _refused(statement, Refusal.NOT_YET)
    if standing.settled is not None:
        return _refused(statement, Refusal.CLOSED)
    slots = [s for s in step.slots if s.role is statement.role]
    if not slots:
        return _refused(statement, Refusal.NOT_ELIGIBLE)
    # A role may be both heard and asked to decide; the answer tells which question it is to.
    slot = next((s for s in slots if statement.outcome in OUTCOMES[s.kind]), slots[0])
    holder = _speaker(step, slot, organisation, statement, day)
    if holder is None:
        return _refused(statement, Refusal.NOT_ELIGIBLE)
    if statement.outcome not in OUTCOMES[slot.kind]:
        return _refused(statement, Refusal.WRONG_OUTCOME)
    if standing.version == 0:
        return _refused(statement, Refusal.NO_EVIDENCE)
    if (statement.version, statement.document) != (standing.version, standing.document):
        return _refused(statement, Refusal.STALE_VERSION)
    if standing.needs_evidence:
        return _refused(statement, Refusal.NO_EVIDENCE)
    on_behalf_of = holder.acting_for if holder.person == statement.actor else None
    if reason := _why_not(step, slot, standing, organisation, calendar, statement, on_behalf_of, day):
        return _refused(statement, reason)
    earlier = [d for d in standing.now_decided() if (d.role, d.asked) == (slot.role, slot.kind)]
    return DecisionRecorded(
        role=slot.role,
        asked=slot.kind,
        outcome=statement.outcome,
        document=statement.document,
        version=statement.version,
        on_behalf_of=on_behalf_of,
        comment=statement.comment,
        fulfils=statement.outcome is Outcome.NO_RESPONSE
        or (statement.outcome not in SENDS_BACK and len(earlier) + 1 >= slot.quorum),
    )


def _refused(statement: Statement, reason: Refusal) -> AttemptRefused:
    return AttemptRefused(
        attempt="decision", reason=reason, role=statement.role, outcome=statement.outcome,
        document=_hash(statement.document), version=statement.version,
    )  # fmt: skip


def _hash(document: str) -> str | None:
    """`document` when it can be one; any other text may be personal and is not repeated."""
    return document if re.fullmatch(r"[0-9a-f]{64}", document) else None


def _speaker(
    step: PlannedStep, slot: SlotRule, organisation: Organisation, statement: Statement, day: date
) -> Holder | None:
    """Who speaks. That nobody answered is stated by the owner, not by the one who did not answer."""
    if statement.outcome is Outcome.NO_RESPONSE:
        owner = _holder(_entitled(step, organisation, "evidence", step.owner, day), statement.actor)
        return Holder(person=statement.actor) if owner is not None else None
    return _holder(_entitled(step, organisation, slot.kind.value, slot.role, day), statement.actor)


def _holder(holders: tuple[Holder, ...], person: str) -> Holder | None:
    """The holder who is `person`, or for whom somebody acts: the one who is away may still act in person."""
    return next((h for h in holders if person in (h.person, h.acting_for)), None)


def _why_not(
    step: PlannedStep,
    slot: SlotRule,
    standing: StepStanding,
    organisation: Organisation,
    calendar: WorkCalendar,
    statement: Statement,
    on_behalf_of: str | None,
    day: date,
) -> Refusal | None:
    decided = standing.now_decided()
    speaks_for = {statement.actor, on_behalf_of} - {None}
    in_slot = [d for d in decided if (d.role, d.asked) == (slot.role, slot.kind)]
    if any(d.fulfils or speaks_for & {d.person, d.on_behalf_of} for d in in_slot):
        return Refusal.ALREADY_DECIDED
    if not any(
        (p.what, p.role) == (slot.kind.value, slot.role) for p in pending(step, standing, organisation, day)
    ):
        return Refusal.NOT_YOUR_TURN
    silence = statement.outcome is Outcome.NO_RESPONSE
    if slot.four_eyes and not silence and speaks_for & {standing.author, standing.author_for}:
        return Refusal.OWN_DOCUMENT
    crossing = {Kind.APPROVE: Kind.CONSULT, Kind.CONSULT: Kind.APPROVE}.get(slot.kind)
    if silence:
        question = standing.question("consult", slot.role, standing.version)
        if question is None or day <= calendar.consultation_deadline(
            oslo_day(question.asked_at), REAL_OPPORTUNITY_DAYS
        ):
            return Refusal.OPPORTUNITY_NOT_GIVEN
    elif any(
        d.asked is crossing
        and d.outcome is not Outcome.NO_RESPONSE
        and speaks_for & {d.person, d.on_behalf_of}
        for d in decided
    ):
        return Refusal.TWO_ROLES
    if statement.outcome in NEEDS_COMMENT and statement.comment is None:
        return Refusal.COMMENT_REQUIRED
    return None
