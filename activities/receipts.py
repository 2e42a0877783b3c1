"""What is recorded of an attempt, and the receipt that is given for it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from activities.ledger.heads import fingerprint
from activities.ledger.log import Payload
from activities.store.errors import NotThere
from activities.store.transaction import Transaction
from workflows.rules.base import Frozen
from workflows.rules.events import AttemptRefused, Body, Fact
from workflows.rules.statement import Envelope, Statement
from workflows.rules.terms import CycleRef, Refusal, at


class Receipt(Frozen):
    """What became of an attempt: the recorded fact, its ledger position, and the refusal's reason if any.

    `repeated` says that the same statement was recorded before; nothing was added. `fingerprint` is that of the
    ledger's head with the fact in it: who keeps it can tell later whether the record still has what it had.
    """

    seq: int
    fact: Fact
    reason: Refusal | None
    fingerprint: str
    repeated: bool = False

    @property
    def accepted(self) -> bool:
        return self.reason is None


class Came(Frozen):
    """Where, how and when something came in."""

    place: str
    cycle: str | None
    digest: str
    via: str
    now: datetime

    async def refused(
        self, tx: Transaction, body: AttemptRefused, actor: str, envelope: Envelope | None
    ) -> Receipt:
        """Record the refusal of something that is not known to be the act of its actor in this place."""
        how = self.via if self.via.startswith("signal") else at(self.now)
        id = f"{self.place}#refused {self.digest[:32]} {how}"
        return await record(tx, id, self.cycle, None, actor, body, self.now, self.via, envelope)


async def record(
    tx: Transaction, id: str, cycle: str | None, step: str | None, actor: str, body: Body, now: datetime,
    via: str, envelope: Envelope | None = None, text: Payload | None = None,
) -> Receipt:  # fmt: skip
    """Append the fact of an attempt; one that is there already gives its receipt again."""
    fact = Fact(
        id=id, employer=employer_of(cycle or id.partition("#")[0]), cycle=cycle, step=step, concerns=now,
        recorded=now, actor=actor, body=body, via=via, signed=envelope,
    )  # fmt: skip
    kept = {id: text} if text is not None and not isinstance(body, AttemptRefused) else {}
    new = await tx.append([fact], kept)
    if new:
        return receipt_of(tx, *new[0])
    found = await tx.fact(fact.employer, id)
    if found is None:
        raise NotThere.cycle(id)
    return receipt_of(tx, *found, repeated=True)


def act_id(statement: Statement) -> str:
    """The id of the fact that records this act, the same whenever and wherever it comes in."""
    where = f"{statement.cycle}/{statement.step}" if statement.cycle else statement.employer
    return f"{where}#act {statement.actor} {statement.nonce}"


def employer_of(place: str) -> str:
    """The employer of a place, which is a cycle or an employer."""
    return CycleRef.parse(place).employer if "/" in place else place


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def receipt_of(tx: Transaction, seq: int, fact: Fact, *, repeated: bool = False) -> Receipt:
    """The receipt for a fact at its place in the ledger."""
    reason = fact.body.reason if isinstance(fact.body, AttemptRefused) else None
    head = fingerprint(tx.frontier.size, tx.frontier.root)
    return Receipt(seq=seq, fact=fact, reason=reason, fingerprint=head, repeated=repeated)
