"""The projections: what the ledger says, laid out for reading; they can be dropped and rebuilt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ledger.log import canonical, read_leaf
from activities.store.prepared import Prepared, add, bound, put
from activities.store.standings import Row, StepStanding
from activities.store.tables import (
    exported_history,
    inbox,
    ledger_leaf,
    step_status,
    timeline,
    timeline_person,
)
from workflows.rules.authority_facts import AbsenceSet, Delegated, KeyEnrolled
from workflows.rules.events import (
    SYSTEM,
    UNKNOWN,
    AnswerDemanded,
    AnswerOverdue,
    Appointed,
    Asked,
    AttemptRefused,
    DecisionRecorded,
    DecisionsStale,
    DisagreementAnswered,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    Reminded,
    ResponsibilityMoved,
    StepClosed,
    WecMatterRaised,
)
from workflows.rules.record_facts import HistoryExported, PersonErased
from workflows.rules.terms import CycleRef

PROJECTIONS: Mapping[str, Table] = {
    t.name: t for t in (inbox, step_status, timeline, timeline_person, exported_history)
}

_PAGE = 500


async def apply(connection: AsyncConnection, facts: Sequence[tuple[int, Fact]]) -> None:
    """Bring the projections up to date with the next facts of one employer's ledger and their places."""
    if not facts:
        return
    lines, named = [], []
    for seq, fact in facts:
        people = mentioned(fact)
        lines.append(_line(seq, fact, people))
        named += [{"employer": fact.employer, "person": person, "seq": seq} for person in people]
    await _LINE.do_all(connection, lines)
    await _NAMED.do_all(connection, named)
    exports = [_export(seq, fact, fact.body) for seq, fact in facts if isinstance(fact.body, HistoryExported)]
    await _EXPORT.do_all(connection, exports)
    of_steps = [
        (fact.cycle, fact.step, fact) for _, fact in facts if fact.cycle is not None and fact.step is not None
    ]
    standings = await _standings(connection, {(cycle, step) for cycle, step, _ in of_steps})
    before = {place: (standing.status, standing.inbox) for place, standing in standings.items()}
    for cycle, step, fact in of_steps:
        standings[cycle, step].take(fact)
    changed, gone, asked = list[Row](), list[Row](), list[Row]()
    for place, now in standings.items():
        status, inbox = before[place]
        if now.status is not None and now.status != status:
            changed.append(now.status)
        gone += [_key(inbox[key]) for key in inbox.keys() - now.inbox.keys()]
        asked += [row for key, row in now.inbox.items() if row != inbox.get(key)]
    await _STATUS.do_all(connection, changed)
    await _NO_LONGER_ASKED.do_all(connection, gone)
    await _ASKED.do_all(connection, asked)


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
    """Everyone whom the fact names: the actor first, if it is a person who is known."""
    people: list[str | None] = [fact.actor if fact.actor not in (SYSTEM, UNKNOWN) else None]
    match fact.body:
        case Asked(people=holders):
            people += [person for holder in holders for person in (holder.person, holder.acting_for)]
        case Appointed(people=holders):
            people += [person for holder in holders for person in (holder.person, holder.acting_for)]
        case (
            Reminded(people=told)
            | Escalated(people=told)
            | Informed(people=told)
            | DecisionsStale(people=told)
            | AnswerOverdue(people=told)
            | AnswerDemanded(disagree=told)
        ):
            people += told
        case WecMatterRaised(people=told, disagree=disagree):
            people += [*disagree, *told]
        case DisagreementAnswered(disagree=told, on_behalf_of=other):
            people += [*told, other]
        case StepClosed(disagreements=told):
            people += told
        case KeyEnrolled(person=person):
            people.append(person)
        case Delegated(person=person, to=other) | AbsenceSet(person=person, substitute=other):
            people += [person, other]
        case PersonErased(person=person):
            people.append(person)
        case AttemptRefused(claimed=claimed):
            people.append(claimed)
        case ResponsibilityMoved(before=before, after=after):
            people += [*before, *after]
        case EvidenceSubmitted(on_behalf_of=other) | DecisionRecorded(on_behalf_of=other):
            people.append(other)
    return tuple(dict.fromkeys(person for person in people if person is not None))


def month_of(moment: datetime) -> int:
    """The month of a moment in UTC, counted from year 0: the parts in which the timeline is looked up by time."""
    here = moment.astimezone(UTC)
    return here.year * 12 + here.month - 1


def _line(seq: int, fact: Fact, people: Sequence[str]) -> Row:
    return {
        "employer": fact.employer,
        "seq": seq,
        "cycle": fact.cycle,
        "unit": CycleRef.parse(fact.cycle).unit if fact.cycle is not None else None,
        "step": fact.step,
        "base_step": fact.step.partition(".")[0] if fact.step is not None else None,
        "kind": fact.kind,
        "concerns": fact.concerns,
        "month": month_of(fact.concerns),
        "recorded": fact.recorded,
        "actor": fact.actor,
        # A space on either side, so that a search finds whole ids only.
        "people": "".join(f" {person}" for person in people) + " ",
        "body": canonical(fact.body.model_dump()).decode(),
    }


def _export(seq: int, fact: Fact, body: HistoryExported) -> Row:
    about = body.model_dump(exclude={"kind"})
    return {"employer": fact.employer, "seq": seq, "recorded": fact.recorded, **about}


async def _standings(
    connection: AsyncConnection, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], StepStanding]:
    """How the steps at these places, each a cycle and a step in it, stand in the tables."""
    standings = {(cycle, step): StepStanding(cycle, step) for cycle, step in sorted(places)}
    steps: dict[str, list[str]] = {}
    for cycle, step in standings:
        steps.setdefault(cycle, []).append(step)
    for cycle, names in steps.items():
        one = {"step": names[0]} if len(names) == 1 else {}
        for row in await _rows_of(step_status, bool(one)).rows(connection, cycle=cycle, **one):
            if row["step"] in names:
                standings[cycle, row["step"]].status = row
        for row in await _rows_of(inbox, bool(one)).rows(connection, cycle=cycle, **one):
            if row["step"] in names:
                standings[cycle, row["step"]].inbox[row["what"], row["role"], row["person"]] = row
    return standings


def _key(row: Row) -> Row:
    return {name: row[name] for name in _KEY}


@cache
def _rows_of(table: Table, one_step: bool) -> Prepared:
    """The statement that reads a cycle's rows, or those of one step of it."""
    return Prepared(select(table).where(*bound(table, "cycle", *(["step"] if one_step else []))))


_KEY = inbox.primary_key.columns.keys()
_LINE, _NAMED, _EXPORT = add(timeline), add(timeline_person), add(exported_history)
_STATUS, _ASKED = put(step_status), put(inbox)
_NO_LONGER_ASKED = Prepared(delete(inbox).where(*bound(inbox, *_KEY)))
