"""What the record shows of each step and each requirement, with the places in the ledger that show it.

Everything here is counted from facts and plan. Nothing says that a requirement is met: that is for the reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.coverage import Coverage, coverage
from workflows.rules.events import (
    AnswerDemanded,
    AnswerOverdue,
    AttemptRefused,
    DecisionDisregarded,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    RoleVacant,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    WecMatterRaised,
)
from workflows.rules.law import LegalRegister, Requirement
from workflows.rules.organisation import Profile, Role
from workflows.rules.plan import YearPlan
from workflows.rules.programme import Kind, Programme, Text
from workflows.rules.standing import Standing, StepStanding, fold
from workflows.rules.terms import CycleRef, Outcome

State = Literal["planned", "open", "overdue", "closed", "closed_late", "left_open", "withdrawn"]
Record = Literal["shown", "missing", "under_way", "elsewhere"]
"""What the record shows of a requirement; what each means is said by `Coverage`."""

Placed = tuple[int, Fact]
"""A fact with its place in the ledger, from 1."""


class Filing(Frozen):
    """A document that was filed, at ledger place `seq`."""

    seq: int
    version: int
    document: str
    person: str
    on_behalf_of: str | None
    at: AwareDatetime


class Reply(Frozen):
    """One recorded answer. `counts` is false when its signature did not prove it; `text` says that one was given.

    `position` is the hash of the document with the minority's view, where a committee voted.
    """

    seq: int
    fact: str
    version: int
    role: Role
    asked: Kind
    outcome: Outcome
    person: str
    on_behalf_of: str | None
    at: AwareDatetime
    text: bool
    majority: tuple[str, ...] = ()
    minority: tuple[str, ...] = ()
    position: str | None = None
    counts: bool = True


class Dissent(Frozen):
    """A disagreement with one version, and what the employer did about it; places are None while it is not done."""

    version: int
    disagree: tuple[str, ...]
    due: date
    demanded: int
    raised: int | None = None
    overdue: int | None = None
    answered: int | None = None
    answered_at: AwareDatetime | None = None
    answered_by: str | None = None
    late: bool = False


class Lack(Frozen):
    """Something that the record does not hold, or held too late to be left unsaid.

    `role` is whose it was. `seqs` are the places that say so; none where only the plan says so.
    """

    what: Literal[
        "left_open", "overdue", "not_opened", "no_document", "vacant", "no_answer", "answer_missing",
        "answer_late", "late", "no_response",
    ]  # fmt: skip
    role: Role | None = None
    seqs: tuple[int, ...] = ()


class StepEvidence(Frozen):
    """One step of one cycle: its dates, what was filed, who answered what, and what is lacking.

    `opens` is the planned day; `due` holds now and `first_due` was set first. `seqs` are all its facts.
    """

    cycle: CycleRef
    key: str
    name: Text
    requirements: tuple[str, ...]
    owner: Role
    state: State
    opens: date
    due: date
    first_due: date
    settled_at: AwareDatetime | None = None
    closed_seq: int | None = None
    filings: tuple[Filing, ...] = ()
    replies: tuple[Reply, ...] = ()
    dissent: tuple[Dissent, ...] = ()
    moved: tuple[Placed, ...] = ()
    escalated: tuple[Placed, ...] = ()
    lacks: tuple[Lack, ...] = ()
    seqs: tuple[int, ...] = ()


class RequirementEvidence(Frozen):
    """One requirement with the steps that carry it, and what is said about them together: `Coverage.record`."""

    requirement: Requirement
    record: Record
    steps: tuple[StepEvidence, ...]

    @property
    def lacking(self) -> tuple[tuple[StepEvidence, Lack], ...]:
        return tuple((step, lack) for step in self.steps for lack in step.lacks)


class Evidence(Frozen):
    """A year of one employer as its record shows it on a day."""

    steps: tuple[StepEvidence, ...]
    requirements: tuple[RequirementEvidence, ...]


def evidence(
    programme: Programme,
    law: LegalRegister,
    plan: YearPlan,
    facts: Mapping[str, Sequence[Placed]],
    on: date,
    *,
    unit: str | None = None,
) -> Evidence:
    """What `facts` (by cycle id, in the order of the ledger) show on the day `on`.

    With `unit`, the steps of that unit and the employer's own; else those of every unit. Steps that were opened
    before the plan changed are there too.
    """
    standings = {id: fold(fact for _seq, fact in told) for id, told in facts.items()}
    planned = {(s.cycle.id, s.key): s for s in plan.steps}
    refs = {s.cycle.id: s.cycle for s in plan.steps} | {id: CycleRef.parse(id) for id in facts}
    keys = dict.fromkeys(
        [*planned, *((id, key) for id, standing in standings.items() for key in standing.steps)]
    )
    steps = []
    for id, key in keys:
        cycle = refs[id]
        if unit is not None and cycle.unit not in (None, unit):
            continue
        told = [(seq, fact) for seq, fact in facts.get(id, ()) if fact.step == key]
        standing = standings.get(id) or Standing()
        rule = planned.get((id, key))
        if rule is None:
            ruled = programme.step(key.partition(".")[0]).for_profile(standing.profile or Profile.LARGE)
            here = standing.steps[key]
            opens, due = oslo_day(here.opened_at), here.due
            name, requirements, owner = ruled.name, ruled.requirements, ruled.owner
        else:
            opens, due = rule.opens, rule.due
            name, requirements, owner = rule.name, rule.requirements, rule.owner
        bare = StepEvidence(
            cycle=cycle, key=key, name=name, requirements=requirements, owner=owner, state="planned",
            opens=opens, due=due, first_due=due,
        )  # fmt: skip
        closed = standing.closed_at is not None
        steps.append(_of_step(bare, standing.step(key), told, on, cycle_closed=closed))
    order = {unit: n for n, unit in enumerate((None, *plan.units))}
    steps.sort(key=lambda s: (order.get(s.cycle.unit, len(order)), s.cycle.id, s.opens, s.due, s.key))
    return Evidence(
        steps=tuple(steps),
        requirements=_by_requirement(law, plan, standings, steps, unit),
    )


def refused(facts: Iterable[Placed]) -> tuple[Placed, ...]:
    """The attempts that were refused."""
    return tuple((seq, fact) for seq, fact in facts if isinstance(fact.body, AttemptRefused))


def _by_requirement(
    law: LegalRegister,
    plan: YearPlan,
    standings: Mapping[str, Standing],
    steps: Sequence[StepEvidence],
    unit: str | None,
) -> tuple[RequirementEvidence, ...]:
    carried: dict[str, list[StepEvidence]] = defaultdict(list)
    for step in steps:
        for requirement in step.requirements:
            carried[requirement].append(step)
    seen = plan
    if unit is not None:
        seen = plan.model_copy(update={"steps": tuple(s for s in plan.steps if s.cycle.unit in (None, unit))})
    covered: Sequence[Coverage] = coverage(law, seen, standings)
    return tuple(
        RequirementEvidence(
            requirement=c.requirement, record=c.record, steps=tuple(carried[c.requirement.id])
        )
        for c in covered
    )


def _of_step(
    bare: StepEvidence, here: StepStanding | None, told: Sequence[Placed], on: date, *, cycle_closed: bool
) -> StepEvidence:
    seqs = tuple(seq for seq, _fact in told)
    if here is None:
        state: State = "withdrawn" if any(f.kind == "step_withdrawn" for _s, f in told) else "planned"
        lacks = (Lack(what="not_opened"),) if state == "planned" and (bare.opens < on or cycle_closed) else ()
        return bare.model_copy(update={"state": state, "lacks": lacks, "seqs": seqs})
    filings, replies = _filings(told), _replies(told)
    dissent = _dissent(told)
    closed = _last(told, StepClosed) if here.settled == "closed" else None
    late = any(seq == closed and isinstance(f.body, StepClosed) and f.body.late for seq, f in told)
    state = _state(here, on, late=late)
    first = next((f.body.due for _s, f in told if isinstance(f.body, StepOpened)), here.first_due)
    whole = bare.model_copy(
        update={
            "state": state,
            "due": here.due,
            "first_due": first,
            "settled_at": here.settled_at,
            "closed_seq": closed,
            "filings": filings,
            "replies": replies,
            "dissent": dissent,
            "moved": tuple((s, f) for s, f in told if isinstance(f.body, DueDateChanged)),
            "escalated": tuple((s, f) for s, f in told if isinstance(f.body, Escalated)),
            "seqs": seqs,
        }
    )
    return whole.model_copy(update={"lacks": tuple(_lacks(whole, told))})


def _state(here: StepStanding, on: date, *, late: bool) -> State:
    if here.settled is None:
        return "overdue" if here.due < on else "open"
    return "closed_late" if late else here.settled


def _last(told: Sequence[Placed], kind: type) -> int | None:
    return next((seq for seq, fact in reversed(told) if isinstance(fact.body, kind)), None)


def _filings(told: Sequence[Placed]) -> tuple[Filing, ...]:
    return tuple(
        Filing(
            seq=seq, version=b.version, document=b.document, person=fact.actor,
            on_behalf_of=b.on_behalf_of, at=fact.happened,
        )
        for seq, fact in told
        if isinstance(b := fact.body, EvidenceSubmitted)
    )  # fmt: skip


def _replies(told: Sequence[Placed]) -> tuple[Reply, ...]:
    void = {f.body.decision for _seq, f in told if isinstance(f.body, DecisionDisregarded)}
    return tuple(
        Reply(
            seq=seq, fact=fact.id, version=b.version, role=b.role, asked=b.asked, outcome=b.outcome,
            person=fact.actor, on_behalf_of=b.on_behalf_of, at=fact.happened, text=b.comment is not None,
            majority=b.votes.majority if b.votes else (), minority=b.votes.minority if b.votes else (),
            position=b.votes.position if b.votes else None,
            counts=fact.id not in void,
        )
        for seq, fact in told
        if isinstance(b := fact.body, DecisionRecorded)
    )  # fmt: skip


def _dissent(told: Sequence[Placed]) -> tuple[Dissent, ...]:
    found: list[Dissent] = []
    for seq, fact in told:
        match fact.body:
            case AnswerDemanded() as b:
                found.append(Dissent(version=b.version, disagree=b.disagree, due=b.due, demanded=seq))
            case WecMatterRaised(version=version):
                found = [d if d.version != version else _put(d, "raised", seq) for d in found]
            case AnswerOverdue(version=version, due=due):
                found = [
                    d if (d.version, d.due) != (version, due) else _put(d, "overdue", seq) for d in found
                ]
            case DisagreementAnswered() as b:
                change = {
                    "answered": seq, "answered_at": fact.happened, "answered_by": fact.actor, "late": b.late,
                }  # fmt: skip
                found = [
                    d.model_copy(update=change) if d.version <= b.version and d.answered is None else d
                    for d in found
                ]
    return tuple(found)


def _put(dissent: Dissent, name: str, seq: int) -> Dissent:
    return dissent if getattr(dissent, name) is not None else dissent.model_copy(update={name: seq})


def _lacks(step: StepEvidence, told: Sequence[Placed]) -> Iterable[Lack]:
    """In the order of how much a reader wants to know it."""
    for seq, fact in told:
        if isinstance(fact.body, StepLeftOpen) and step.state == "left_open":
            yield Lack(what="left_open", seqs=(seq,))
            for code in fact.body.missing:
                what, _colon, role = code.partition(":")
                owed = Role(role) if role in {r.value for r in Role} else None
                yield Lack(what="no_document" if what == "evidence" else "no_answer", role=owed, seqs=(seq,))
    if step.state == "overdue":
        rungs = tuple(seq for seq, _fact in step.escalated)
        yield Lack(what="overdue", seqs=rungs)
        if not step.filings:
            yield Lack(what="no_document", role=step.owner, seqs=rungs)
    if step.state == "closed_late" and step.closed_seq is not None:
        yield Lack(what="late", seqs=(step.closed_seq,))
    vacant: dict[Role, list[int]] = defaultdict(list)
    for seq, fact in told:
        if isinstance(fact.body, RoleVacant):
            vacant[fact.body.role].append(seq)
    for role, seqs in vacant.items():
        yield Lack(what="vacant", role=role, seqs=tuple(seqs))
    for reply in step.replies:
        if reply.outcome is Outcome.NO_RESPONSE:
            yield Lack(what="no_response", role=reply.role, seqs=(reply.seq,))
    for dissent in step.dissent:
        if dissent.answered is None:
            yield Lack(what="answer_missing", seqs=tuple(filter(None, (dissent.demanded, dissent.overdue))))
        elif dissent.late:
            yield Lack(what="answer_late", seqs=(dissent.demanded, dissent.answered))
