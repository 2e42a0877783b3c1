"""The one gate: every decision by a person, in every stage and through every door, passes here.

Each function is total: it answers with the fact to record, accepted or refused, and never raises. Silence is no
answer, nobody's answer counts twice, and nobody decides alone about what they filed where four eyes are asked
for. A safety representative is heard and has no veto (aml. § 6-2).
"""

from __future__ import annotations

from datetime import date, datetime

from workflows.rules.base import Frozen
from workflows.rules.calendar import WorkCalendar, oslo_day
from workflows.rules.events import AttemptRefused, DecisionRecorded, EvidenceSubmitted
from workflows.rules.organisation import Holder, Organisation, Role
from workflows.rules.plan import REAL_OPPORTUNITY_DAYS, PlannedStep
from workflows.rules.programme import Kind, SlotRule, Stage
from workflows.rules.refusals import refused
from workflows.rules.standing import StepStanding
from workflows.rules.statement import Decide, File, Votes
from workflows.rules.terms import Outcome, Refusal, What

OUTCOMES: dict[Kind, frozenset[Outcome]] = {
    Kind.APPROVE: frozenset({Outcome.APPROVED, Outcome.REJECTED, Outcome.CHANGES_REQUESTED}),
    Kind.CONSULT: frozenset(
        {Outcome.AGREED, Outcome.AGREED_WITH_REMARKS, Outcome.DISAGREES, Outcome.NO_RESPONSE}
    ),
    Kind.TREAT: frozenset({Outcome.TREATED}),
}
"""Which answers fit which question."""

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


class Gate(Frozen):
    """One open step as it stands: what its gate asks, of whom, and what was answered.

    `closes` is the moment from which nothing counts any longer: the year's closing, or the unit's end. `stages`
    are those that the matter can be sent back to: of closed steps that this one builds on.
    """

    step: PlannedStep
    standing: StepStanding
    organisation: Organisation
    calendar: WorkCalendar
    closes: datetime
    stages: frozenset[Stage] = frozenset()

    def speaker(
        self,
        what: What,
        role: Role,
        actor: str,
        now: datetime,
        on_behalf_of: str | None = None,
        barred: frozenset[str] = frozenset(),
    ) -> Holder | None:
        """`actor` as the one who acts in the role now, with whom they act for; None for anybody else, and for
        those who are `barred` while there is somebody else."""
        holders = _entitled(self.step, self.organisation, what, role, oslo_day(now), barred)
        return _one_of(holders, actor, on_behalf_of)


class Pending(Frozen):
    """One thing that is waited for."""

    what: What
    role: Role
    version: int


# --- who ------------------------------------------------------------------------------------------


def responsible(
    step: PlannedStep,
    organisation: Organisation,
    what: What,
    role: Role,
    day: date,
    barred: frozenset[str] = frozenset(),
) -> tuple[Holder, ...]:
    """Who is asked, each person once. What the employer owes never lacks an owner: a vacant role falls to the
    top manager, and what those who are `barred` may not say goes up to their leader, at last to the board."""
    entitled = _entitled(step, organisation, what, role, day, barred)
    return tuple({h.person: h for h in reversed(entitled)}.values())[::-1]


def _entitled(
    step: PlannedStep,
    organisation: Organisation,
    what: What,
    role: Role,
    day: date,
    barred: frozenset[str],
) -> tuple[Holder, ...]:
    """Who may act: those asked, once for each one they act for."""
    unit = step.cycle.unit
    people = organisation.entitled(role, unit, day, step.step)
    if what in ("evidence", "approve", "answer") and not people:
        people = organisation.entitled(Role.TOP_MANAGER, None, day, step.step)
    if not barred:
        return people
    ways = (
        people,
        organisation.leader_of(role, unit, day),
        organisation.entitled(Role.BOARD, None, day, step.step),
    )
    others = (tuple(h for h in way if not barred & {h.person, h.acting_for}) for way in ways)
    return next((way for way in others if way), people)


def barred_from(
    step: PlannedStep, standing: StepStanding, what: What, role: Role, version: int
) -> frozenset[str]:
    """Who may not say this about `version`, because of what they have said or filed already.

    Nobody approves what they were consulted about. Where four eyes are asked for, nobody approves who filed the
    document or has answered in another of its slots: one person in two roles counts once. Nobody answers for
    the employer their own disagreement.
    """
    if what == "answer":
        return frozenset(p for o in standing.unanswered() if o.version <= version for p in o.disagree)
    if what != "approve":
        return frozenset()
    here = (role, what)
    four_eyes = {(s.role, s.kind) for s in step.slots if s.four_eyes}
    elsewhere = {
        person
        for d in standing.decisions
        if d.version == version and d.outcome is not Outcome.NO_RESPONSE and (d.role, d.asked) != here
        if d.asked is Kind.CONSULT or {here, (d.role, d.asked)} & four_eyes
        for person in (d.person, d.on_behalf_of)
        if person is not None
    }
    return frozenset(elsewhere | (standing.authors if here in four_eyes else frozenset()))


def _one_of(holders: tuple[Holder, ...], person: str, on_behalf_of: str | None) -> Holder | None:
    """`person` as one of the holders, with whom they act for. The one who is away may still act in person."""
    found = [h for h in holders if h.person == person and on_behalf_of in (None, h.acting_for)]
    if found:
        return found[0]
    in_person = on_behalf_of is None and any(h.acting_for == person for h in holders)
    return Holder(person=person) if in_person else None


# --- what is waited for ---------------------------------------------------------------------------


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


def fulfilled(slot: SlotRule, standing: StepStanding) -> bool:
    """Whether the slot has the answers it needs about the current version.

    They are counted anew: one that was recorded as the last that was needed may have been counted with another
    that is disregarded since.
    """
    given = [d for d in standing.now_decided() if (d.role, d.asked) == (slot.role, slot.kind)]
    if any(d.outcome is Outcome.NO_RESPONSE for d in given):
        return True
    return sum(d.outcome not in SENDS_BACK for d in given) >= slot.quorum


def _filled(
    step: PlannedStep, slot: SlotRule, standing: StepStanding, organisation: Organisation, day: date
) -> bool:
    if fulfilled(slot, standing):
        return True
    what: What = slot.kind.value
    if what == "approve":
        return False  # nobody approves by not being there
    recorded_vacant = (what, slot.role, standing.version) in standing.vacant
    return recorded_vacant and not responsible(step, organisation, what, slot.role, day)


# --- filing ---------------------------------------------------------------------------------------


def submit(gate: Gate, actor: str, said: File, now: datetime) -> EvidenceSubmitted | AttemptRefused:
    """May `actor` file the document? The owner may, whoever acts for the owner, and HR.

    After the gate was passed too, as long as the year is open: the new version then needs new answers.
    """
    reason, holder = _why_not_filed(gate, actor, said, now)
    if reason is not None:
        return refused(said, reason)
    on_behalf_of = holder.acting_for if holder is not None else None
    return EvidenceSubmitted(
        document=said.document, version=gate.standing.version + 1, on_behalf_of=on_behalf_of
    )


def _why_not_filed(gate: Gate, actor: str, said: File, now: datetime) -> tuple[Refusal | None, Holder | None]:
    standing = gate.standing
    if now >= gate.closes or standing.settled in ("left_open", "withdrawn"):
        return Refusal.TOO_LATE, None
    holder = gate.speaker("evidence", gate.step.owner, actor, now, said.on_behalf_of) or _one_of(
        gate.organisation.entitled(Role.HR, gate.step.cycle.unit, oslo_day(now), gate.step.step),
        actor,
        said.on_behalf_of,
    )
    if holder is None:
        return Refusal.NOT_ELIGIBLE, None
    # What is filed again unchanged says that it still holds, which is news only when that was in doubt.
    if said.document == standing.document and standing.void is None:
        return Refusal.ALREADY_DECIDED, None
    return None, holder


# --- deciding -------------------------------------------------------------------------------------


def decide(gate: Gate, actor: str, said: Decide, now: datetime) -> DecisionRecorded | AttemptRefused:
    """Is what `actor` says accepted at `now`, or refused because of what?"""
    standing = gate.standing
    if standing.settled == "closed":
        return refused(said, Refusal.CLOSED)
    if now >= gate.closes or standing.settled is not None:
        return refused(said, Refusal.TOO_LATE)
    slots = [s for s in gate.step.slots if s.role is said.role]
    if not slots:
        return refused(said, Refusal.NOT_ELIGIBLE)
    # A role may be both heard and asked to decide; the answer tells which question it is to.
    slot = next((s for s in slots if said.outcome in OUTCOMES[s.kind]), slots[0])
    holder = _who_says(gate, slot, actor, said, now)
    if holder is None:
        return refused(said, _why_not_theirs(gate, slot, actor, said, now))
    reason = (
        _why_not_this(gate, slot, said)
        or _why_not_now(gate, slot, holder, said, now)
        or _why_not_so(gate, slot, said, now)
    )
    if reason is not None:
        return refused(said, reason)
    earlier = [d for d in standing.now_decided() if (d.role, d.asked) == (slot.role, slot.kind)]
    return DecisionRecorded(
        role=slot.role,
        asked=slot.kind,
        outcome=said.outcome,
        document=said.document,
        version=said.version,
        on_behalf_of=holder.acting_for,
        comment=said.comment,
        back_to=said.back_to,
        votes=said.votes,
        fulfils=said.outcome is Outcome.NO_RESPONSE
        or (said.outcome not in SENDS_BACK and len(earlier) + 1 >= slot.quorum),
    )


def _who_says(gate: Gate, slot: SlotRule, actor: str, said: Decide, now: datetime) -> Holder | None:
    """Who speaks. That nobody answered is stated by the owner, not by the one who did not answer."""
    if said.outcome is Outcome.NO_RESPONSE:
        owner = gate.speaker("evidence", gate.step.owner, actor, now)
        return Holder(person=actor) if owner is not None else None
    barred = _barred(gate, slot)
    return gate.speaker(slot.kind.value, slot.role, actor, now, said.on_behalf_of, barred)


def _barred(gate: Gate, slot: SlotRule) -> frozenset[str]:
    return barred_from(gate.step, gate.standing, slot.kind.value, slot.role, gate.standing.version)


def _why_not_theirs(gate: Gate, slot: SlotRule, actor: str, said: Decide, now: datetime) -> Refusal:
    """Why it is not for the actor to say: another's from the beginning, or gone up past the actor."""
    if said.outcome is Outcome.NO_RESPONSE:
        return Refusal.NOT_ELIGIBLE
    holder = gate.speaker(slot.kind.value, slot.role, actor, now, said.on_behalf_of)
    if holder is None:
        return Refusal.NOT_ELIGIBLE
    own = slot.four_eyes and _speaks_for(holder) & gate.standing.authors
    return Refusal.OWN_DOCUMENT if own else Refusal.TWO_ROLES


def _speaks_for(holder: Holder) -> frozenset[str]:
    return frozenset(p for p in (holder.person, holder.acting_for) if p is not None)


def _why_not_this(gate: Gate, slot: SlotRule, said: Decide) -> Refusal | None:
    """Is it an answer to the question, about what is there to be answered?"""
    standing = gate.standing
    if said.outcome not in OUTCOMES[slot.kind]:
        return Refusal.WRONG_OUTCOME
    if standing.version == 0:
        return Refusal.NO_EVIDENCE
    if said.version < standing.version:
        return Refusal.STALE_VERSION
    if (said.version, said.document) != (standing.version, standing.document):
        return Refusal.WRONG_DOCUMENT
    if standing.void is not None:
        return Refusal.STALE_VERSION
    sent_back = standing.needs_evidence or any(d.outcome in SENDS_BACK for d in standing.now_decided())
    return Refusal.NO_EVIDENCE if sent_back else None


def _why_not_now(gate: Gate, slot: SlotRule, holder: Holder, said: Decide, now: datetime) -> Refusal | None:
    """Is it this person's to say, and now?"""
    decided = gate.standing.now_decided()
    speaks_for = _speaks_for(holder)
    silence = said.outcome is Outcome.NO_RESPONSE
    in_slot = [d for d in decided if (d.role, d.asked) == (slot.role, slot.kind)]
    answered = not silence and any(speaks_for & {d.person, d.on_behalf_of} for d in in_slot)
    if answered or fulfilled(slot, gate.standing):
        return Refusal.ALREADY_DECIDED
    if not any(
        (p.what, p.role) == (slot.kind.value, slot.role)
        for p in pending(gate.step, gate.standing, gate.organisation, oslo_day(now))
    ):
        return Refusal.NOT_YOUR_TURN
    if silence:
        return None if _had_opportunity(gate, slot, now) else Refusal.OPPORTUNITY_NOT_GIVEN
    if slot.four_eyes and speaks_for & gate.standing.authors:
        return Refusal.OWN_DOCUMENT
    if speaks_for & _barred(gate, slot):
        return Refusal.TWO_ROLES
    approved = (d for d in decided if d.asked is Kind.APPROVE)
    both = slot.kind is Kind.CONSULT and any(speaks_for & {d.person, d.on_behalf_of} for d in approved)
    return Refusal.TWO_ROLES if both else None


def _had_opportunity(gate: Gate, slot: SlotRule, now: datetime) -> bool:
    question = gate.standing.question("consult", slot.role, gate.standing.version)
    if question is None:
        return False
    last = gate.calendar.consultation_deadline(oslo_day(question.asked_at), REAL_OPPORTUNITY_DAYS)
    return oslo_day(now) > last


def _why_not_so(gate: Gate, slot: SlotRule, said: Decide, now: datetime) -> Refusal | None:
    """Is what belongs to such an answer with it, and nothing else?"""
    if said.outcome in NEEDS_COMMENT and said.comment is None:
        return Refusal.COMMENT_REQUIRED
    if said.back_to is not None and (
        said.outcome is not Outcome.CHANGES_REQUESTED or said.back_to not in {gate.step.stage, *gate.stages}
    ):
        return Refusal.WRONG_STAGE
    if said.votes is not None and (slot.kind is not Kind.TREAT or not _possible(gate, said.votes, now)):
        return Refusal.WRONG_VOTES
    return None


def _possible(gate: Gate, votes: Votes, now: datetime) -> bool:
    """Members only, each on one side, a majority that is none the smaller, and the minority's own words."""
    day = oslo_day(now)
    members = {
        h.person for role in (Role.WEC, Role.WEC_CHAIR) for h in gate.organisation.entitled(role, None, day)
    }
    voted = (*votes.majority, *votes.minority)
    return (
        set(voted) <= members
        and len(set(voted)) == len(voted)
        and len(votes.majority) >= len(votes.minority)
        and bool(votes.minority) == (votes.position is not None)
    )
