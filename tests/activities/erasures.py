"""What people do at the sawmill to have something erased, for the tests of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count

from activities.ledger.log import Payload
from activities.receipts import Receipt
from activities.signatures import SigningKey
from tests.activities.sawmill import (
    EMPLOYER,
    Sawmill,
    organisation,
)
from workflows.rules.events import Fact
from workflows.rules.organisation import Organisation, Role
from workflows.rules.statement import (
    Act,
    EraseText,
)
from workflows.rules.terms import Outcome

DISAGREES = "Ole på saga er syk av presset, og det står ikke her"
TOP, HR, MANAGER, REP, DEPUTY, COLLEAGUE = "toppen", "hanne", "kari", "per", "vera", "siri"

_nonces = count(1)


async def act(
    mill: Sawmill, who: str, said: Act, texts: Sequence[Payload] = (), own: SigningKey | None = None
) -> Receipt:
    mill.now += timedelta(minutes=1)
    return await mill.doors.act(
        EMPLOYER, who, said, now=mill.now, nonce=f"n{next(_nonces)}", texts=texts, own=own
    )


async def wants_gone(mill: Sawmill, who: str, *facts: str, own: SigningKey | None = None) -> str:
    """What came of it that somebody wants these texts erased."""
    receipt = await act(mill, who, EraseText(facts=facts, basis="request"), own=own)
    return receipt.reason or receipt.fact.kind


async def disagreement(mill: Sawmill) -> Fact:
    """Y15 is filed, and Per disagrees in words."""
    await mill.go(date(2027, 5, 5))
    await mill.file("Y15", MANAGER)
    return (await mill.decide("Y15", REP, Role.SAFETY_REP, Outcome.DISAGREES, DISAGREES)).fact


async def kept_text(mill: Sawmill, fact: Fact) -> str | None:
    async with mill.database.read() as reader:
        return await reader.payload(EMPLOYER, fact.id)


async def is_whole(mill: Sawmill) -> bool:
    async with mill.database.read() as reader:
        return (await reader.verify(EMPLOYER)).ok


async def facts(mill: Sawmill, *kinds: str) -> list[Fact]:
    async with mill.database.read() as reader:
        return [fact for _, fact in await reader.facts(EMPLOYER, kinds=kinds)]


def without(who: str, on: date) -> Organisation:
    """The mill after somebody left."""
    mill = organisation()
    gone = tuple(e.model_copy(update={"until": on}) if e.person == who else e for e in mill.employments)
    return mill.model_copy(update={"employments": gone})


async def leaves(mill: Sawmill, who: str, on: date) -> None:
    async with mill.database.write(EMPLOYER) as tx:
        await tx.put_organisation(without(who, on), mill.now)


async def closed_with(mill: Sawmill, text: str) -> str:
    """Y15 is done on a document with this text; its hash."""
    await mill.go(date(2027, 5, 5))
    filed = (await mill.file("Y15", MANAGER, text)).fact
    await mill.decide("Y15", REP, Role.SAFETY_REP, Outcome.AGREED)
    await mill.decide("Y15", MANAGER, Role.MANAGER, Outcome.APPROVED)
    return str(getattr(filed.body, "document", ""))
