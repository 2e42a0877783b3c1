"""The projections: what the ledger says, laid out for reading; they can be dropped and rebuilt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.log import canonical, read_leaf
from activities.store.standings import Row, StepStanding
from activities.store.tables import inbox, ledger_leaf, step_status, timeline
from workflows.rules.events import (
    SYSTEM,
    Asked,
    CycleRef,
    DecisionRecorded,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    Reminded,
    ResponsibilityMoved,
)

PROJECTIONS: Mapping[str, Table] = {t.name: t for t in (inbox, step_status, timeline)}

_PAGE = 500


async def apply(connection: AsyncConnection, facts: Sequence[tuple[int, Fact]]) -> None:
    """Bring the projections up to date with the next facts of one employer's ledger and their places."""
    if not facts:
        return
    await connection.execute(insert(timeline), [_line(seq, fact) for seq, fact in facts])
    of_steps = [
        (fact.cycle, fact.step, fact) for _, fact in facts if fact.cycle is not None and fact.step is not None
    ]
    standings = await _standings(connection, {(cycle, step) for cycle, step, _ in of_steps})
    before = {place: (standing.status, standing.inbox) for place, standing in standings.items()}
    for cycle, step, fact in of_steps:
        standings[cycle, step].take(fact)
    old, new = before.values(), standings.values()
    await _replace(connection, step_status, [_one(o[0]) for o in old], [_one(s.status) for s in new])
    await _replace(
        connection, inbox, [list(o[1].values()) for o in old], [list(s.inbox.values()) for s in new]
    )


async def rebuild(connection: AsyncConnection, employer: str) -> dict[str, str]:
    """Empty the projections of `employer`, fill them from the ledger, and give their `checksums`."""
    for table in PROJECTIONS.values():
        await connection.execute(delete(table).where(table.c.employer == employer))
    place = 0
    leaves = select(ledger_leaf.c.body).where(ledger_leaf.c.employer == employer).order_by(ledger_leaf.c.seq)
    while page := (await connection.scalars(leaves.where(ledger_leaf.c.seq > place).limit(_PAGE))).all():
        facts = [read_leaf(body) for body in page]
        await apply(connection, facts)
        place = facts[-1][0]
    return await checksums(connection, employer)


async def checksums(connection: AsyncConnection, employer: str) -> dict[str, str]:
    """A SHA-256 (hex) over the rows of each projection of `employer`, the same on every database."""
    sums = {}
    for name, table in PROJECTIONS.items():
        rows = await connection.execute(select(table).where(table.c.employer == employer))
        lines = sorted(canonical(dict(row._mapping)) for row in rows)
        sums[name] = hashlib.sha256(b"\n".join(lines)).hexdigest()
    return sums


def mentioned(fact: Fact) -> tuple[str, ...]:
    """Everyone whom the fact names: the actor first, unless that is the system."""
    people: list[str | None] = [fact.actor if fact.actor != SYSTEM else None]
    match fact.body:
        case Asked(people=holders):
            people += [person for holder in holders for person in (holder.person, holder.acting_for)]
        case Reminded(people=told) | Escalated(people=told) | Informed(people=told):
            people += told
        case ResponsibilityMoved(before=before, after=after):
            people += [*before, *after]
        case EvidenceSubmitted(on_behalf_of=other) | DecisionRecorded(on_behalf_of=other):
            people.append(other)
    return tuple(dict.fromkeys(person for person in people if person is not None))


def _line(seq: int, fact: Fact) -> Row:
    return {
        "employer": fact.employer,
        "seq": seq,
        "cycle": fact.cycle,
        "unit": CycleRef.parse(fact.cycle).unit if fact.cycle is not None else None,
        "step": fact.step,
        "kind": fact.kind,
        "concerns": fact.concerns,
        "recorded": fact.recorded,
        "actor": fact.actor,
        # A space on either side, so that a search finds whole ids only.
        "people": "".join(f" {person}" for person in mentioned(fact)) + " ",
        "body": canonical(fact.body.model_dump()).decode(),
    }


async def _standings(
    connection: AsyncConnection, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], StepStanding]:
    """How the steps at these places, each a cycle and a step in it, stand in the tables."""
    standings = {(cycle, step): StepStanding(cycle, step) for cycle, step in sorted(places)}
    steps: dict[str, list[str]] = {}
    for cycle, step in standings:
        steps.setdefault(cycle, []).append(step)
    for cycle, names in steps.items():
        for table in (step_status, inbox):
            rows = await connection.execute(
                select(table).where(table.c.cycle == cycle, table.c.step.in_(names))
            )
            for row in rows:
                found = standings[cycle, row.step]
                if table is step_status:
                    found.status = dict(row._mapping)
                else:
                    found.inbox[row.what, row.role, row.person] = dict(row._mapping)
    return standings


async def _replace(
    connection: AsyncConnection, table: Table, before: Sequence[list[Row]], after: Sequence[list[Row]]
) -> None:
    """Write what changed; each item of `before` and `after` is what one step has in the table."""
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    gone = [{"_cycle": old[0]["cycle"], "_step": old[0]["step"]} for old, _ in changed if old]
    rows: list[dict[str, Any]] = [row for _, new in changed for row in new]
    if gone:
        this = table.c.cycle == bindparam("_cycle"), table.c.step == bindparam("_step")
        await connection.execute(delete(table).where(*this), gone)
    if rows:
        await connection.execute(insert(table), rows)


def _one(row: Row | None) -> list[Row]:
    return [] if row is None else [row]
