"""Every act of a person, judged: which rule it falls under, and what is recorded of it.

`judge`, `judge_for_employer` and `judge_of_the_record` are total: accepted or refused, they answer with the
fact's body.
"""

from __future__ import annotations

from datetime import datetime

from workflows.rules.answers import answer, move_due_date
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.delegation import delegate, end_delegation, set_absence
from workflows.rules.erasure import Written, erase_document, erase_person, erase_texts
from workflows.rules.events import Body
from workflows.rules.gate import Gate, decide, submit
from workflows.rules.keys import KeyRing, enrol, revoke
from workflows.rules.organisation import Organisation
from workflows.rules.refusals import refused
from workflows.rules.retention import Schedule, set_retention
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing
from workflows.rules.statement import (
    Act,
    Answer,
    Decide,
    Delegate,
    EndDelegation,
    EnrolKey,
    EraseDocument,
    ErasePerson,
    EraseText,
    File,
    MoveDueDate,
    RevokeKey,
    SetAbsence,
    SetRetention,
)
from workflows.rules.terms import Refusal


def judge(situation: Situation, standing: Standing, step: str, actor: str, act: Act, now: datetime) -> Body:
    """What is recorded when `actor` does this in the step of a cycle at `now`."""
    planned = situation.plan.find(situation.cycle, step)
    if planned is None:
        return refused(act, Refusal.UNKNOWN_STEP)
    gate = situation.gate(planned, standing)
    if gate is None:
        over = standing.closed_at is not None or now >= situation.ends(planned)
        return refused(act, Refusal.TOO_LATE if over else Refusal.NOT_YET)
    if standing.closed_at is not None:
        gate = gate.model_copy(update={"closes": min(gate.closes, now)})
    return _in_the_gate(gate, actor, act, now)


def _in_the_gate(gate: Gate, actor: str, act: Act, now: datetime) -> Body:
    match act:
        case Decide():
            return decide(gate, actor, act, now)
        case File():
            return submit(gate, actor, act, now)
        case Answer():
            return answer(gate, actor, act, now)
        case MoveDueDate():
            return move_due_date(gate, actor, act, now)
    return refused(act, Refusal.WRONG_PLACE)


def judge_for_employer(
    organisation: Organisation, ring: KeyRing, actor: str, act: Act, id: str, now: datetime
) -> Body:
    """What is recorded when `actor` does this for the employer as a whole; `id` names a new delegation."""
    day = oslo_day(now)
    match act:
        case Delegate():
            return delegate(organisation, actor, act, id, day)
        case EndDelegation():
            return end_delegation(organisation, actor, act, day)
        case SetAbsence():
            return set_absence(organisation, actor, act, day)
        case EnrolKey():
            return enrol(ring, organisation, actor, act)
        case RevokeKey():
            return revoke(ring, organisation, actor, act, day)
    return refused(act, Refusal.WRONG_PLACE)


RECORD_ACTS = (EraseText, EraseDocument, ErasePerson, SetRetention)
"""Acts of the employer about the record itself."""


class OfTheRecord(Frozen):
    """What an act about the record is judged by.

    `written` is what it names, `known` whether the directory has the name of the person it names.
    """

    schedule: Schedule
    written: tuple[Written, ...] = ()
    known: bool = False


def judge_of_the_record(
    organisation: Organisation, about: OfTheRecord, actor: str, act: Act, now: datetime
) -> Body:
    """What is recorded when `actor` wants something erased, or decides how long something is kept."""
    day = oslo_day(now)
    match act:
        case EraseText():
            return erase_texts(organisation, actor, act, about.written, day)
        case EraseDocument():
            return erase_document(organisation, actor, act, about.written, day)
        case ErasePerson():
            return erase_person(organisation, about.schedule, actor, act, about.known, day)
        case SetRetention():
            return set_retention(organisation, about.schedule, actor, act, day)
    return refused(act, Refusal.WRONG_PLACE)
