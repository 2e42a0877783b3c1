"""What people wrote with their acts, for those who may read it; and the record of who read it.

The rule is `workflows.rules.reading`. Whoever shows a text of somebody else's notes the reading first, so that
nothing is read unnoted: the safety representative sees who read what (`forsvarlig history --kind texts_read`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Literal

from activities.ledger.log import committed
from activities.store.database import Database
from activities.store.reader import Reader
from activities.store.rows import CycleRow
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Fact
from workflows.rules.organisation import Organisation, Role
from workflows.rules.programme import Programme
from workflows.rules.reading import may_read, roles_that_read, written_by
from workflows.rules.record_facts import MOST_NAMED, TextsRead

Purpose = Literal["history", "step", "dossier", "search"]

Hidden = Literal["erased", "unnamed", "not_yours"]
"""Why a text is not shown: it is gone, nobody said who reads, or the reader has no part in the matter."""


class Writing(Frozen):
    """What was written with a fact: the text, or why it is not shown. `roles` are those that may read it."""

    text: str | None = None
    hidden: Hidden | None = None
    roles: tuple[Role, ...] = ()
    own: bool = False
    """The reader's own words, or written for the reader by somebody acting in their place."""


class Readership:
    """Who may read which texts of an employer, by the organisation in force and the programmes of its years."""

    def __init__(
        self, organisation: Organisation, cycles: Iterable[CycleRow], programmes: dict[str, Programme]
    ) -> None:
        self._organisation = organisation
        self._held = frozenset(a.role for a in organisation.assignments)
        self._cycles = {row.id: row for row in cycles}
        self._programmes = programmes
        self._gates: dict[tuple[str, str], tuple[Role, ...]] = {}

    @classmethod
    async def of(cls, reader: Reader, employer: str) -> Readership:
        """As the store has it now; `NotThere` for an employer without an organisation."""
        cycles = await reader.cycles(employer=employer)
        programmes = {}
        for hash in dict.fromkeys(row.programme for row in cycles):
            programmes[hash] = Programme.model_validate_json(await reader.rulebook(hash))
        return cls((await reader.organisation(employer))[1], cycles, programmes)

    def may_read(self, person: str, fact: Fact, on: date) -> bool:
        """`workflows.rules.reading.may_read`, with the step's owner and gate as its programme has them."""
        return may_read(self._organisation, person, fact, on, self._gate(fact))

    def roles(self, fact: Fact) -> tuple[Role, ...]:
        """The roles that may read what was written with the fact, of those that somebody has or had here."""
        return tuple(r for r in roles_that_read(fact, self._gate(fact)) if r in self._held)

    def _gate(self, fact: Fact) -> tuple[Role, ...]:
        cycle = self._cycles.get(fact.cycle or "")
        if cycle is None or fact.step is None:
            return ()
        base = fact.step.partition(".")[0]
        key = cycle.programme, f"{cycle.profile}/{base}"
        if key not in self._gates:
            rules = (s for s in self._programmes[cycle.programme].steps if s.id == base)
            rule = next((s.for_profile(cycle.profile) for s in rules), None)
            self._gates[key] = () if rule is None else (rule.owner, *(slot.role for slot in rule.gate))
        return self._gates[key]


async def readable_texts(
    reader: Reader,
    person: str | None,
    facts: Sequence[tuple[int, Fact]],
    now: datetime,
    readership: Readership | None = None,
) -> dict[int, Writing]:
    """What was written with each of these facts of one employer, by place; facts without a text are left out.

    `person` is who wants to read, None for somebody who has not said so: they read nothing. Give a `readership`
    when asking often.
    """
    written = [(seq, fact) for seq, fact in facts if committed(fact) is not None]
    if not written:
        return {}
    readers = readership or await Readership.of(reader, written[0][1].employer)
    texts = await reader.payloads(written[0][1].employer, [fact.id for _, fact in written])
    return {seq: _writing(readers, person, fact, texts.get(fact.id), oslo_day(now)) for seq, fact in written}


def _writing(readers: Readership, person: str | None, fact: Fact, text: str | None, on: date) -> Writing:
    if text is None:
        return Writing(hidden="erased")
    roles = readers.roles(fact)
    if person is None:
        return Writing(hidden="unnamed", roles=roles)
    if not readers.may_read(person, fact, on):
        return Writing(hidden="not_yours", roles=roles)
    return Writing(text=text, roles=roles, own=person in written_by(fact))


def of_others(writings: dict[int, Writing]) -> tuple[int, ...]:
    """The places of the texts that are shown and are somebody else's: what is to be noted."""
    return tuple(sorted(seq for seq, each in writings.items() if each.text is not None and not each.own))


async def note_read(
    database: Database, employer: str, person: str, purpose: Purpose, seqs: Sequence[int], now: datetime
) -> None:
    """Put on record that `person` reads what was written with the facts at these places; nothing for none.

    One fact a reading, several when there are more than `MOST_NAMED` places. Note before you show.
    """
    if not seqs:
        return
    reading = secrets.token_hex(8)
    facts = [
        Fact(
            id=f"reading {person} {reading}#{n}", employer=employer, concerns=now, recorded=now, actor=person,
            body=TextsRead(purpose=purpose, facts=places),
        )
        for n, places in enumerate(_chunks(tuple(dict.fromkeys(seqs))), 1)
    ]  # fmt: skip
    await database.append(employer, facts)


def _chunks(seqs: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return (seqs[at : at + MOST_NAMED] for at in range(0, len(seqs), MOST_NAMED))
