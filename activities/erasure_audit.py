"""Everything that was erased, judged again from the ledger alone: was its time up, or had both agreed?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from activities.erasure import shipped_schedule
from activities.proof import Keys, is_act, proof, unproven
from activities.store import erasing
from activities.store.reader import Reader
from workflows.rules import retention
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.erasure import ASKED_FOR
from workflows.rules.events import Fact
from workflows.rules.keys import KeyRing
from workflows.rules.organisation import Organisation
from workflows.rules.record_facts import DocumentErased, ErasureAsked, PersonErased, TextsErased
from workflows.rules.retention import Schedule
from workflows.rules.terms import Records

Doubtful = Literal["too_early", "one_word", "not_proven"]
"""What speaks against an erasure: its time was not up; only one has proved to agree; no signature proves who did it."""

Erasure = TextsErased | DocumentErased | PersonErased
Placed = tuple[int, Fact]


class Doubt(Frozen):
    """What speaks against the erasure at place `seq`; `about` is the place of what was written, where it is known."""

    seq: int
    doubt: Doubtful
    about: int | None = None


class Audit(Frozen):
    """How many erasures there are, and what speaks against some of them."""

    erasures: int
    doubts: tuple[Doubt, ...]


async def audit(reader: Reader, home: str) -> Audit:
    """Judge each erasure of an employer by the retention times and the words that were there at its time."""
    kinds = ("texts_erased", "document_erased", "person_erased", "erasure_asked", "retention_set")
    facts = await reader.facts(home, kinds=kinds)
    looked = _Looked(
        await Keys().of(reader, home), (await reader.organisation(home))[1], facts, shipped_schedule()
    )
    doubts, count = list[Doubt](), 0
    for seq, fact in facts:
        if isinstance(fact.body, Erasure):
            count += 1
            doubts += looked.at(seq, fact, await _about(reader, home, fact.body))
    return Audit(erasures=count, doubts=tuple(doubts))


async def _about(reader: Reader, home: str, body: Erasure) -> Sequence[Placed]:
    match body:
        case TextsErased(facts=ids):
            found = [await reader.fact(home, id) for id in ids]
            return [one for one in found if one is not None]
        case DocumentErased(document=hash):
            return await erasing.filed(reader, home, hash)
    return ()


class _Looked:
    def __init__(
        self, ring: KeyRing, organisation: Organisation, facts: Sequence[Placed], shipped: Schedule
    ) -> None:
        self._ring, self._organisation, self._facts, self._shipped = ring, organisation, facts, shipped

    def at(self, seq: int, fact: Fact, about: Sequence[Placed]) -> Iterator[Doubt]:
        body = fact.body
        if is_act(fact):
            if proof(self._ring, seq, fact).fault is not None:
                yield Doubt(seq=seq, doubt="not_proven")
            if isinstance(body, TextsErased | DocumentErased):
                document = body.document if isinstance(body, DocumentErased) else None
                for place, one in about:
                    if place < seq and not self._asked(seq, fact, one.id, document):
                        yield Doubt(seq=seq, doubt="one_word", about=place)
            return
        day = oslo_day(fact.recorded)
        before = [
            earlier
            for place, earlier in self._facts
            if place < seq and unproven(self._ring, place, earlier) is None
        ]
        schedule = retention.in_force(self._shipped, retention.decided(before), day)
        if isinstance(body, PersonErased):
            since = retention.gone_since(self._organisation, body.person, day)
            if since is None or not retention.due(schedule, "person", since, day):
                yield Doubt(seq=seq, doubt="too_early")
            return
        records: Records = "document" if isinstance(body, DocumentErased) else "text"
        for place, one in about:
            if place < seq and not retention.due(schedule, records, retention.year_end(one), day):
                yield Doubt(seq=seq, doubt="too_early", about=place)

    def _asked(self, seq: int, erasure: Fact, id: str, document: str | None) -> bool:
        """Whether somebody else had agreed by an act that is proved, not too long before."""
        return any(
            isinstance(said.body, ErasureAsked)
            and place < seq
            and said.actor != erasure.actor
            and erasure.recorded - said.recorded <= ASKED_FOR
            and (said.body.document == document if document is not None else id in said.body.facts)
            and unproven(self._ring, place, said) is None
            for place, said in self._facts
        )
