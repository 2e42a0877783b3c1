"""What is deleted from the store, and what is looked for because its time may be up.

Facts stay: they hold ids and hashes only. A person's row stays too, with nothing in it, so that the id is known
for one that led to somebody, and is never given to anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select, update

from activities.ledger.log import read_leaf
from activities.store.reader import Reader
from activities.store.rows import DocumentRow
from activities.store.tables import (
    deposited_text,
    document,
    employer,
    ledger_leaf,
    outbox,
    payload,
    person,
    timeline,
)
from activities.store.transaction import Transaction
from workflows.rules.events import Fact

ERASED = "erased"
"""What the outbox says of a mail whose receiver was erased before it went."""


async def texts_kept(reader: Reader, home: str, limit: int, after: int = 0) -> list[tuple[int, Fact]]:
    """Facts whose text is kept, in the order of the ledger, after place `after`."""
    found = (
        select(ledger_leaf.c.body)
        .join(payload, and_(payload.c.employer == ledger_leaf.c.employer, payload.c.fact_id == ledger_leaf.c.fact_id))
        .where(ledger_leaf.c.employer == home, ledger_leaf.c.seq > after)
        .order_by(ledger_leaf.c.seq)
        .limit(limit)
    )  # fmt: skip
    return [read_leaf(body) for body in await reader.connection.scalars(found)]


async def texts_with(reader: Reader, home: str, words: Sequence[str]) -> list[tuple[int, Fact]]:
    """Facts whose text has one of the words in it, whatever their case, in the order of the ledger."""
    kept = select(payload.c.fact_id, payload.c.text).where(payload.c.employer == home)
    folded = [word.casefold() for word in words if word.strip()]
    out: list[tuple[int, Fact]] = []
    for row in await reader.connection.execute(kept):
        if any(word in row.text.casefold() for word in folded):
            found = await reader.fact(home, row.fact_id)
            out += [found] if found is not None else []
    return sorted(out, key=lambda item: item[0])


async def erase_texts(tx: Transaction, home: str, facts: Sequence[str]) -> int:
    """Delete what was written with these facts, with its salts; how many texts there were."""
    mine = payload.c.employer == home, payload.c.fact_id.in_(facts)
    return (await tx.connection.execute(delete(payload).where(*mine))).rowcount


async def blank_person(tx: Transaction, home: str, id: str, now: datetime) -> None:
    """Empty the person's row in the directory; mail that waits for the person is sent no more."""
    mine = person.c.employer == home, person.c.id == id
    nothing = {"name": "", "email": None, "external_key": None, "language": "nb"}
    await tx.connection.execute(update(person).where(*mine).values(**nothing))
    waiting = (
        outbox.c.employer == home,
        outbox.c.channel == "mail",
        outbox.c.delivered.is_(None),
        or_(outbox.c.target == id, outbox.c.target.startswith(f"{id} ", autoescape=True)),
    )
    await tx.connection.execute(update(outbox).where(*waiting).values(delivered=now, last_error=ERASED))


async def forget_document(tx: Transaction, home: str, hash: str) -> bool:
    """Delete the row of a document, with its name, unless another employer has filed the same content."""
    others = list(await tx.connection.scalars(select(employer.c.id).where(employer.c.id != home)))
    for other in others:
        if await filed(tx, other, hash):
            return False
    await tx.connection.execute(delete(document).where(document.c.hash == hash))
    return True


async def filed(reader: Reader, home: str, hash: str) -> list[tuple[int, Fact]]:
    """The facts in which the employer's people filed the document, or put it on record with a vote."""
    named = (
        timeline.c.employer == home,
        timeline.c.kind.in_(("evidence_submitted", "decision_recorded")),
        timeline.c.body.contains(hash),
    )
    places = select(timeline.c.seq).where(*named).order_by(timeline.c.seq)
    leaves = select(ledger_leaf.c.body).where(
        ledger_leaf.c.employer == home, ledger_leaf.c.seq.in_(places)
    )  # fmt: skip
    facts = [read_leaf(body) for body in await reader.connection.scalars(leaves.order_by(ledger_leaf.c.seq))]
    return [(seq, fact) for seq, fact in facts if hash in brought(fact)]


async def documents(reader: Reader) -> list[DocumentRow]:
    """Every document that is registered, the oldest first."""
    columns = (document.c[name] for name in DocumentRow.model_fields)
    rows = await reader.connection.execute(select(*columns).order_by(document.c.stored_at))
    return [DocumentRow.model_validate(dict(row._mapping)) for row in rows]


async def erase_deposits(tx: Transaction, home: str, until: datetime, limit: int) -> list[str]:
    """Delete texts that were deposited before `until`; their commitments."""
    mine = deposited_text.c.employer == home, deposited_text.c.deposited < until
    found = (
        select(deposited_text.c.commitment).where(*mine).order_by(deposited_text.c.commitment).limit(limit)
    )
    gone = list(await tx.connection.scalars(found))
    own = deposited_text.c.employer == home, deposited_text.c.commitment.in_(gone)
    await tx.connection.execute(delete(deposited_text).where(*own))
    return gone


async def erase_deliveries(tx: Transaction, home: str, until: datetime, limit: int) -> list[int]:
    """Delete the notes of what was delivered before `until`; their numbers."""
    found = (
        select(outbox.c.id).where(outbox.c.employer == home, outbox.c.delivered < until)
        .order_by(outbox.c.id).limit(limit)
    )  # fmt: skip
    gone = list(await tx.connection.scalars(found))
    await tx.connection.execute(delete(outbox).where(outbox.c.employer == home, outbox.c.id.in_(gone)))
    return gone


async def deposits_before(reader: Reader, home: str, until: datetime) -> int:
    """How many texts were deposited before `until`."""
    mine = deposited_text.c.employer == home, deposited_text.c.deposited < until
    return int(
        await reader.connection.scalar(select(func.count()).select_from(deposited_text).where(*mine)) or 0
    )


async def deliveries_before(reader: Reader, home: str, until: datetime) -> int:
    """How many notes there are of what was delivered before `until`."""
    mine = outbox.c.employer == home, outbox.c.delivered < until
    return int(await reader.connection.scalar(select(func.count()).select_from(outbox).where(*mine)) or 0)


def brought(fact: Fact) -> tuple[str, ...]:
    """The documents that the fact brought: evidence, or a minority's position."""
    votes = getattr(fact.body, "votes", None)
    if fact.kind == "evidence_submitted":
        return (str(getattr(fact.body, "document", "")),)
    return () if votes is None or votes.position is None else (votes.position,)
