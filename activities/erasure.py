"""Erasing before the time is up: what an act about the record is judged by, and what is deleted when it is accepted.

Rows are deleted in the transaction that records the erasure. Files and old pages of the database follow:
`activities.erased_files`, `activities.store.scrub`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from activities.proof import Keys, unproven
from activities.store import erasing
from activities.store.reader import Reader
from activities.store.transaction import Transaction
from workflows.rules.acts import OfTheRecord
from workflows.rules.calendar import oslo_day
from workflows.rules.erasure import ASKED_FOR, Written, may_agree
from workflows.rules.events import (
    UNKNOWN,
    Body,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    EvidenceSubmitted,
    Fact,
)
from workflows.rules.keys import KeyRing
from workflows.rules.organisation import Organisation, Role
from workflows.rules.record_facts import (
    DocumentErased,
    ErasureAsked,
    PersonErased,
    RetentionSet,
    TextsErased,
)
from workflows.rules.retention import Schedule, decides, elected, parse_retention
from workflows.rules.statement import Act, EraseDocument, ErasePerson, EraseText
from workflows.standard import retention_text

FOR_THE_EMPLOYER = Role.MANAGER
"""The role in which evidence, answers, new due dates and retention times are given."""


@cache
def shipped_schedule() -> Schedule:
    """The retention times that ship with the product."""
    return parse_retention(retention_text())


async def of_the_record(reader: Reader, ring: KeyRing, home: str, act: Act, now: datetime) -> OfTheRecord:
    """What the act is judged by. Only proven words count, so that nobody agrees in another's name."""
    schedule = shipped_schedule()
    match act:
        case EraseText(facts=ids):
            asked = await _asked(reader, ring, home, now)
            return OfTheRecord(
                schedule=schedule, written=tuple([await _written(reader, home, id, asked) for id in ids])
            )
        case EraseDocument(document=hash):
            return OfTheRecord(schedule=schedule, written=await _filed(reader, ring, home, hash, now))
        case ErasePerson(person=id):
            row = await reader.person(home, id)
            return OfTheRecord(schedule=schedule, known=row is not None and bool(row.name))
    return OfTheRecord(schedule=schedule)


async def carry_out(tx: Transaction, home: str, body: Body, now: datetime) -> None:
    """Delete what the recorded fact says is erased; nothing for another fact. Safe to repeat."""
    match body:
        case TextsErased(facts=ids):
            await erasing.erase_texts(tx, home, ids)
        case PersonErased(person=id):
            await erasing.blank_person(tx, home, id, now)
        case DocumentErased(document=hash):
            await erasing.forget_document(tx, home, hash)


def whom_it_concerns(
    organisation: Organisation, about: OfTheRecord, body: Body, actor: str, now: datetime
) -> tuple[str, ...]:
    """Who is told, but for the actor: whose word is waited for, whose text went, and the elected of what is decided."""
    day = oslo_day(now)
    everyone = [p for p in organisation.people() if p != actor and not organisation.has_left(p, day)]
    chosen = {p for p in everyone if elected(organisation, p, day)}
    authors = {text.author for text in about.written}
    match body:
        case ErasureAsked():
            agree = {p for p in everyone for text in about.written if may_agree(organisation, p, text, day)}
            told = authors | agree | {p for p in everyone if decides(organisation, p, day)}
        case TextsErased() | DocumentErased():
            told = authors | chosen | {who for text in about.written for who in text.asked}
        case RetentionSet():
            told = chosen
        case _:
            told = set()
    return tuple(p for p in everyone if p in told)


async def _asked(
    reader: Reader, ring: KeyRing, home: str, now: datetime
) -> Sequence[tuple[str, ErasureAsked]]:
    """Who has asked for what, not too long ago and by an act that its signature proves."""
    return [
        (fact.actor, fact.body)
        for seq, fact in await reader.facts(home, kinds=("erasure_asked",))
        if isinstance(fact.body, ErasureAsked)
        and now - fact.recorded <= ASKED_FOR
        and unproven(ring, seq, fact) is None
    ]


async def _written(reader: Reader, home: str, id: str, asked: Sequence[tuple[str, ErasureAsked]]) -> Written:
    found = await reader.fact(home, id)
    if found is None:
        return Written(author=UNKNOWN, kept=False)
    return written_in(found[1]).model_copy(
        update={
            "kept": await reader.payload(home, id) is not None,
            "asked": tuple(dict.fromkeys(who for who, said in asked if id in said.facts)),
        }
    )


async def _filed(reader: Reader, ring: KeyRing, home: str, hash: str, now: datetime) -> tuple[Written, ...]:
    if await reader.document(hash) is None:
        return ()
    asked = [who for who, said in await _asked(reader, ring, home, now) if said.document == hash]
    needed = any(row.document == hash and row.status == "open" for row in await reader.steps(employer=home))
    more = {"needed": needed, "asked": tuple(dict.fromkeys(asked))}
    found = await erasing.filed(reader, home, hash)
    return tuple(written_in(fact, filed=hash).model_copy(update=more) for _, fact in found)


def written_in(fact: Fact, filed: str | None = None) -> Written:
    """Who wrote the text of a fact, or filed the document `filed` with it, and in which role."""
    role: Role | None = None
    match fact.body:
        case DecisionRecorded(role=mine) if filed is None:
            role = mine
        case (
            DecisionRecorded()
            | DisagreementAnswered()
            | DueDateChanged()
            | RetentionSet()
            | EvidenceSubmitted()
        ):
            role = FOR_THE_EMPLOYER
    return Written(author=fact.actor, role=role)


class Wish(NamedTuple):
    """That somebody wants something erased, and what it is about as far as it is there still."""

    seq: int
    fact: Fact
    asked: ErasureAsked
    about: tuple[tuple[int, Fact], ...]


async def wishes(reader: Reader, home: str, now: datetime) -> list[Wish]:
    """What waits for the other one's word, the oldest first."""
    ring, out = await Keys().of(reader, home), []
    for seq, fact in await reader.facts(home, kinds=("erasure_asked",)):
        body = fact.body
        fresh = now - fact.recorded <= ASKED_FOR and unproven(ring, seq, fact) is None
        if not isinstance(body, ErasureAsked) or not fresh:
            continue
        if body.document is not None:
            there = await reader.document(body.document) is not None
            about = await erasing.filed(reader, home, body.document) if there else []
        else:
            found = [(id, await reader.fact(home, id)) for id in body.facts]
            about = [f for id, f in found if f is not None and await reader.payload(home, id) is not None]
        if about:
            out.append(Wish(seq, fact, body, tuple(about)))
    return out
