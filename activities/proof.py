"""What an act in the ledger rests on: its signature, checked again from the ledger alone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from activities.signatures import is_signed_by
from activities.store.reader import Reader
from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.base import Frozen
from workflows.rules.cycle import advance
from workflows.rules.events import (
    SYSTEM,
    AnswerDemanded,
    Asked,
    AttemptRefused,
    Body,
    DecisionDisregarded,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    EvidenceSubmitted,
    Fact,
    SentBack,
    StepClosed,
)
from workflows.rules.keys import KeyRing, why_not
from workflows.rules.record_facts import DocumentErased, ErasureAsked, PersonErased, RetentionSet, TextsErased
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, fold
from workflows.rules.statement import (
    Act,
    Answer,
    Decide,
    Delegate,
    EndDelegation,
    EnrolKey,
    Envelope,
    EraseDocument,
    ErasePerson,
    EraseText,
    File,
    MoveDueDate,
    RevokeKey,
    SetAbsence,
    SetRetention,
    Statement,
    Unreadable,
    read_statement,
)
from workflows.rules.terms import Refusal

RESTS_ON_ANSWERS = (Asked, StepClosed, SentBack, AnswerDemanded)
"""What a gate may do because of the answers in it: also the next are asked when those before them have said yes."""


class Keys:
    """The keys of the employers of one database, kept by ledger position: a ledger only grows."""

    def __init__(self) -> None:
        self._rings: dict[str, KeyRing] = {}
        self._enrolled: dict[str, dict[str, tuple[int, Fact]]] = {}

    async def of(self, reader: Reader, employer: str) -> KeyRing:
        """The keys by the facts that `reader` sees; only those not seen before are read."""
        ring = self._rings.get(employer, KeyRing())
        new = await reader.facts(employer, kinds=("key_enrolled", "key_revoked"), after=ring.seq)
        if new:
            ring = self._rings[employer] = with_keys(ring, new)
            enrolled = self._enrolled.setdefault(employer, {})
            for seq, fact in new:
                if isinstance(fact.body, KeyEnrolled):
                    enrolled.setdefault(fact.body.key, (seq, fact))
        return ring

    async def enrolments(
        self, reader: Reader, employer: str, facts: Iterable[tuple[int, Fact]], known: Collection[str] = ()
    ) -> list[tuple[int, Fact]]:
        """The facts that enrolled the keys which signed `facts`, and the keys that vouched for those.

        With them the signatures can be checked without the ledger. Keys that are `known` are left out.
        """
        await self.of(reader, employer)
        enrolled, found = self._enrolled.get(employer, {}), dict[str, tuple[int, Fact]]()
        wanted = [fact.signed.key for _, fact in facts if fact.signed is not None]
        while wanted:
            key = wanted.pop()
            if key in enrolled and key not in found and key not in known:
                found[key] = enrolled[key]
                signed = enrolled[key][1].signed
                wanted += [signed.key] if signed is not None else []
        return sorted(found.values(), key=lambda item: item[0])


def with_keys(ring: KeyRing, facts: Iterable[tuple[int, Fact]]) -> KeyRing:
    """The ring after these facts. A person's key and a revocation count only when a statement proves them.

    Otherwise whoever can write to the ledger could give themselves a key of somebody else's. That this
    installation's own key was enrolled rests on the ledger alone.
    """
    for seq, fact in facts:
        own = isinstance(fact.body, KeyEnrolled) and fact.body.person is None
        proven = own or (fact.signed is not None and unproven(ring, seq, fact) is None)
        ring = ring.after([(seq, fact)]) if proven else ring.model_copy(update={"seq": seq})
    return ring


# --- one recorded act -----------------------------------------------------------------------------


class Proof(Frozen):
    """How it is known who did what a fact says.

    `method` is how the person was known (as in `Authentication`), `key` the key that signed, both None when
    nothing is signed. `fault` is why the signature does not prove the act today; None when it does, and where
    nothing was signed yet.
    """

    method: str | None
    key: str | None
    via: str | None
    fault: Refusal | None


def is_act(fact: Fact) -> bool:
    """Whether the fact is what a person did, or tried."""
    match fact.body:
        case KeyEnrolled(person=None) | DueDateChanged(reason="organisation_changed"):
            return False
        case (
            TextsErased(basis="retention")
            | DocumentErased(basis="retention")
            | PersonErased(basis="retention")
        ):
            return fact.actor != SYSTEM
        case AttemptRefused():
            return True
    return type(fact.body) in (*_SAME, ErasureAsked)


def proof(ring: KeyRing, seq: int, fact: Fact) -> Proof:
    """What the act at place `seq` rests on; of a refused attempt, whether the signature was good as such."""
    statement = statement_of(fact.signed)
    if not isinstance(fact.body, AttemptRefused):
        fault = unproven(ring, seq, fact)
    else:
        fault = not_genuine(ring, seq, fact.signed) if fact.signed is not None else None
    return Proof(
        method=statement.authentication.method if statement is not None else None,
        key=fact.signed.key if fact.signed is not None else None,
        via=fact.via,
        fault=fault,
    )


def unproven(ring: KeyRing, seq: int, fact: Fact) -> Refusal | None:
    """Why the signature does not prove the recorded act at place `seq`; None when it does.

    What was recorded before the employer's first key was enrolled needs none.
    """
    if ring.signing_since is None or seq < ring.signing_since:
        return None
    if fact.signed is None:
        return Refusal.UNSIGNED
    statement = statement_of(fact.signed)
    if statement is None:
        return Refusal.UNREADABLE
    return not_genuine(ring, seq, fact.signed) or mismatch(statement, fact)


def not_genuine(ring: KeyRing, seq: int, envelope: Envelope) -> Refusal | None:
    """Why the envelope is not what the person that it names signed."""
    statement = statement_of(envelope)
    if statement is None:
        return Refusal.UNREADABLE
    key = ring.keys.get(envelope.key)
    if key is not None and not is_signed_by(envelope, key.public_key):
        return Refusal.BAD_SIGNATURE
    return why_not(ring, statement, envelope.key, seq, None)


def mismatch(statement: Statement, fact: Fact) -> Refusal | None:
    """What the fact says otherwise than the statement that it follows from."""
    if (statement.employer, statement.cycle, statement.step) != (fact.employer, fact.cycle, fact.step):
        return Refusal.WRONG_PLACE
    if statement.actor != fact.actor:
        return Refusal.WRONG_PERSON
    return None if _says_the_same(statement.act, fact.body) else Refusal.WRONG_OUTCOME


def statement_of(envelope: Envelope | None) -> Statement | None:
    """What the envelope says; None without one, or when it cannot be read."""
    try:
        return read_statement(envelope) if envelope is not None else None
    except Unreadable:
        return None


_SAME: dict[type[Any], tuple[type[Any], Mapping[str, str]]] = {
    DecisionRecorded: (
        Decide,
        {n: n for n in ("role", "outcome", "document", "version", "comment", "back_to", "votes")},
    ),
    EvidenceSubmitted: (File, {"document": "document"}),
    DisagreementAnswered: (Answer, {"version": "version", "comment": "comment"}),
    DueDateChanged: (MoveDueDate, {"after": "due", "comment": "comment"}),
    KeyEnrolled: (EnrolKey, {"person": "person", "public_key": "public_key"}),
    KeyRevoked: (RevokeKey, {"key": "key", "reason": "reason"}),
    Delegated: (Delegate, {n: n for n in ("person", "to", "since", "until", "role", "unit", "step")}),
    DelegationEnded: (EndDelegation, {"delegation": "delegation", "until": "until"}),
    AbsenceSet: (SetAbsence, {n: n for n in ("person", "since", "until", "substitute")}),
    TextsErased: (EraseText, {"facts": "facts", "basis": "basis"}),
    DocumentErased: (EraseDocument, {"document": "document", "basis": "basis"}),
    PersonErased: (ErasePerson, {"person": "person", "basis": "basis"}),
    RetentionSet: (SetRetention, {n: n for n in ("records", "days", "comment")}),
}
"""Which act each fact follows from, and which of its fields say what the act says by which name."""


def _says_the_same(act: Act, body: Body) -> bool:
    if isinstance(body, AttemptRefused):
        return True
    if isinstance(body, ErasureAsked):
        match act:
            case EraseText():
                return (body.facts, body.document, body.basis) == (act.facts, None, act.basis)
            case EraseDocument():
                return (body.facts, body.document, body.basis) == ((), act.document, act.basis)
        return False
    kind, fields = _SAME.get(type(body), (None, {}))
    if kind is None or not isinstance(act, kind):
        return False
    for_whom = getattr(act, "on_behalf_of", None)
    return for_whom in (None, getattr(body, "on_behalf_of", None)) and all(
        getattr(body, ours) == getattr(act, theirs) for ours, theirs in fields.items()
    )


# --- before a gate opens --------------------------------------------------------------------------


def disregarded(ring: KeyRing, facts: Iterable[tuple[int, Fact]]) -> Sequence[tuple[Fact, Refusal]]:
    """The recorded answers that their signatures do not prove, and why."""
    answers = ((seq, fact) for seq, fact in facts if isinstance(fact.body, DecisionRecorded))
    return [(fact, reason) for seq, fact in answers if (reason := unproven(ring, seq, fact)) is not None]


async def due_and_proven(
    reader: Reader, keys: Keys, situation: Situation, standing: Standing, now: datetime
) -> tuple[Fact, ...]:
    """What is due at `now`, as `advance` has it, but because of proven answers only.

    Before a gate does anything because of the answers in it, those of the step are read from the ledger again.
    One that its signature does not prove was written by somebody who could write there and is not its person:
    that is recorded first, and the gate does not count it.
    """
    disregarding: list[Fact] = []
    looked_at: set[str] = set()
    while True:
        due = advance(situation, fold(disregarding, standing), now)
        concerned = {f.step for f in due if isinstance(f.body, RESTS_ON_ANSWERS)}
        counted = {
            step: {d.fact for d in here.decisions}
            for step, here in standing.steps.items()
            if step in concerned - looked_at and here.decisions
        }
        if not counted:
            return (*disregarding, *due)
        ring = await keys.of(reader, situation.cycle.employer)
        for step in sorted(counted):
            disregarding += await uncounted(reader, ring, situation, step, counted[step], now)
        looked_at |= counted.keys()


async def uncounted(
    reader: Reader, ring: KeyRing, situation: Situation, step: str, counted: Collection[str], now: datetime
) -> list[Fact]:
    """What is to be recorded of the step's answers that count, by the ids in `counted`, and are not proven."""
    facts = await reader.facts(situation.cycle.employer, cycle=situation.cycle.id, step=step)
    return [
        _disregarding(situation, step, fact, reason, now)
        for fact, reason in disregarded(ring, facts)
        if fact.id in counted
    ]


def _disregarding(situation: Situation, step: str, fact: Fact, reason: Refusal, now: datetime) -> Fact:
    named = hashlib.sha256(fact.id.encode()).hexdigest()[:16]
    body = DecisionDisregarded(decision=fact.id, reason=reason)
    return situation.fact(step, f"disregarded {named}", now, now, body)
