"""The doors for people: file evidence, decide. One transaction each; refused attempts are recorded too."""

from __future__ import annotations

from datetime import datetime

from activities.ledger.log import Payload, commit
from activities.situations import Situations
from activities.store.database import Database
from activities.store.errors import NotThere
from activities.store.transaction import Transaction
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.cycle import Situation
from workflows.rules.events import (
    AttemptRefused,
    Body,
    CycleRef,
    Fact,
    Outcome,
    Refusal,
)
from workflows.rules.gate import Statement, decide, submit
from workflows.rules.organisation import Role
from workflows.rules.standing import Standing, fold


class Receipt(Frozen):
    """What became of an attempt: the recorded fact, its ledger position, and the refusal's reason if any.

    `repeated` says that the same attempt (the same `nonce`) was recorded before; nothing was added.
    """

    seq: int
    fact: Fact
    reason: Refusal | None
    repeated: bool = False

    @property
    def accepted(self) -> bool:
        return self.reason is None


class Doors:
    """Every way in for a person's act ends here: command line, portal, and later a signed signal.

    `NotThere` when there is no such cycle, or no such document.
    """

    def __init__(self, database: Database, situations: Situations | None = None) -> None:
        self._database = database
        self._situations = situations or Situations()

    async def submit(
        self, cycle: str, step: str, actor: str, document: str, *, now: datetime, nonce: str
    ) -> Receipt:
        """File the stored document with hash `document` as the step's evidence."""
        async with self._database.write(_employer(cycle)) as tx:
            if done := await _repeated(tx, cycle, step, actor, nonce):
                return done
            if await tx.document(document) is None:
                raise NotThere.document(document)
            situation, standing = await self._where(tx, cycle)
            planned = situation.plan.find(situation.cycle, step)
            body = submit(
                planned, standing.step(step), situation.organisation, actor, document, oslo_day(now)
            )
            return await _record(tx, cycle, step, actor, body, now, nonce)

    async def decide(
        self,
        cycle: str,
        step: str,
        actor: str,
        role: Role,
        outcome: Outcome,
        *,
        document: str,
        version: int,
        comment: str | None = None,
        now: datetime,
        nonce: str,
    ) -> Receipt:
        """Record one person's answer about the document and version that the person saw."""
        async with self._database.write(_employer(cycle)) as tx:
            if done := await _repeated(tx, cycle, step, actor, nonce):
                return done
            situation, standing = await self._where(tx, cycle)
            payload, commitment = commit(comment) if comment else (None, None)
            statement = Statement(
                actor=actor,
                role=role,
                outcome=outcome,
                document=document,
                version=version,
                comment=commitment,
            )
            body = decide(
                situation.plan.find(situation.cycle, step),
                standing.step(step),
                situation.organisation,
                situation.programme.calendar,
                statement,
                oslo_day(now),
            )
            return await _record(tx, cycle, step, actor, body, now, nonce, payload)

    async def _where(self, tx: Transaction, cycle: str) -> tuple[Situation, Standing]:
        row = await tx.cycle(cycle)
        if row is None:
            raise NotThere.cycle(cycle)
        situation = await self._situations.of(tx, row)
        return situation, fold(fact for _, fact in await tx.facts(row.employer, cycle=cycle))


def _employer(cycle: str) -> str:
    return CycleRef.parse(cycle).employer


def _fact_id(cycle: str, step: str, actor: str, nonce: str) -> str:
    return f"{cycle}/{step}#act {actor} {nonce}"


async def _repeated(tx: Transaction, cycle: str, step: str, actor: str, nonce: str) -> Receipt | None:
    found = await tx.fact(_employer(cycle), _fact_id(cycle, step, actor, nonce))
    if found is None:
        return None
    seq, fact = found
    return Receipt(seq=seq, fact=fact, reason=_reason(fact.body), repeated=True)


async def _record(
    tx: Transaction, cycle: str, step: str, actor: str, body: Body, now: datetime, nonce: str,
    payload: Payload | None = None,
) -> Receipt:  # fmt: skip
    fact = Fact(
        id=_fact_id(cycle, step, actor, nonce), employer=_employer(cycle), cycle=cycle, step=step, concerns=now,
        recorded=now, actor=actor, body=body,
    )  # fmt: skip
    accepted = not isinstance(body, AttemptRefused)
    [(seq, recorded)] = await tx.append([fact], {fact.id: payload} if payload and accepted else {})
    if accepted:
        await tx.ring(cycle, fact.id, now)
    return Receipt(seq=seq, fact=recorded, reason=_reason(body))


def _reason(body: Body) -> Refusal | None:
    return body.reason if isinstance(body, AttemptRefused) else None
