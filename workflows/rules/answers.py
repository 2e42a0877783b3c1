"""What the employer owes besides the gate: a reasoned answer to who disagrees, and the reason for a new date."""

from __future__ import annotations

from datetime import datetime

from workflows.rules.calendar import oslo_day
from workflows.rules.events import AttemptRefused, DisagreementAnswered, DueDateChanged
from workflows.rules.gate import Gate, barred_from
from workflows.rules.organisation import EMPLOYER_SIDE, Holder, Organisation, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.refusals import refused
from workflows.rules.statement import Answer, MoveDueDate
from workflows.rules.terms import Refusal


def answering_role(step: PlannedStep) -> Role:
    """Who answers for the employer: the owner, or the unit's leader where an elected role owns the step."""
    if step.owner in EMPLOYER_SIDE:
        return step.owner
    return Role.MANAGER if step.cycle.unit is not None else Role.TOP_MANAGER


def told_of_disagreement(organisation: Organisation, now: datetime) -> tuple[Holder, ...]:
    """Who takes the matter to the committee; where there is none, the senior safety representative (OLM § 2-2)."""
    day = oslo_day(now)
    return organisation.holders(Role.WEC_CHAIR, None, day) or organisation.holders(
        Role.SENIOR_SAFETY_REP, None, day
    )


def answer(gate: Gate, actor: str, said: Answer, now: datetime) -> DisagreementAnswered | AttemptRefused:
    """May `actor` answer for the employer those who disagree with the version, or with one before it?

    Also when the step is closed.
    """

    if now >= gate.closes:
        return refused(said, Refusal.TOO_LATE)
    role = answering_role(gate.step)
    barred = barred_from(gate.step, gate.standing, "answer", role, said.version)
    holder = gate.speaker("answer", role, actor, now, said.on_behalf_of, barred)
    if holder is None:
        owns = gate.speaker("answer", role, actor, now, said.on_behalf_of) is not None
        return refused(said, Refusal.TWO_ROLES if owns else Refusal.NOT_ELIGIBLE)
    owed = [o for o in gate.standing.unanswered() if o.version <= said.version]
    if said.version not in {o.version for o in owed}:
        done = any(o.answered and o.version == said.version for o in gate.standing.owed)
        return refused(said, Refusal.ALREADY_DECIDED if done else Refusal.NOTHING_TO_ANSWER)
    disagree = tuple(dict.fromkeys(person for o in owed for person in o.disagree))
    if barred & {holder.person, holder.acting_for}:
        return refused(said, Refusal.TWO_ROLES)
    if said.comment is None:
        return refused(said, Refusal.COMMENT_REQUIRED)
    late = oslo_day(now) > min(o.due for o in owed)
    return DisagreementAnswered(
        version=said.version,
        disagree=disagree,
        comment=said.comment,
        late=late,
        on_behalf_of=holder.acting_for,
    )


def move_due_date(
    gate: Gate, actor: str, said: MoveDueDate, now: datetime
) -> DueDateChanged | AttemptRefused:
    """May `actor` move the step's due date? The owner may, who leads the owner, and HR; never into the past,
    never to or past the day the year or the unit is closed, and never without a reason (E16)."""
    step, standing, day = gate.step, gate.standing, oslo_day(now)

    if standing.settled == "closed":
        return refused(said, Refusal.CLOSED)
    if standing.settled is not None or now >= gate.closes:
        return refused(said, Refusal.TOO_LATE)
    organisation, unit = gate.organisation, step.cycle.unit
    may = (
        *organisation.entitled(step.owner, unit, day, step.step),
        *organisation.leader_of(step.owner, unit, day),
        *organisation.entitled(Role.HR, unit, day, step.step),
    )
    if not any(actor in (h.person, h.acting_for) for h in may):
        return refused(said, Refusal.NOT_ELIGIBLE)
    if said.due == standing.due or not day <= said.due < oslo_day(gate.closes):
        return refused(said, Refusal.WRONG_DATES)
    if said.comment is None:
        return refused(said, Refusal.COMMENT_REQUIRED)
    return DueDateChanged(before=standing.due, after=said.due, reason="decided", comment=said.comment)
