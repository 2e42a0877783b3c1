"""What people are told: from a fact in the ledger to a letter in the reader's own language.

A letter says what is asked, by when and for which unit, how to answer, what happens if nobody does, and why.
It is made from the facts up to the one it tells of, so that it reads the same whenever it is sent. It names
people by their roles, and carries no comment, no answer from a survey and nothing out of a document.
"""

from __future__ import annotations

from email.message import EmailMessage

from activities.letter_parts import Matter
from activities.mail import Letter, as_message, usable
from activities.situations import Situations, opened_step
from activities.store.database import Reader
from activities.store.rows import OutboxRow, PersonRow
from activities.wording import Pen
from workflows.rules.events import CycleStarted, Fact
from workflows.rules.standing import fold


async def compose(reader: Reader, situations: Situations, row: OutboxRow, sender: str) -> EmailMessage | None:
    """The message that the outbox row calls for: to person `row.target`, about the fact at `row.fact_seq`.

    None when there is nobody to tell it to: the person is unknown or erased, has no usable address, or is no
    longer the one who is waited for. `LookupError` when the ledger has no such fact or it is of no step.
    """
    return await Composer(reader, situations, sender).compose(row)


class Composer:
    """Composes many messages from one view of the database; what they have in common is read once."""

    def __init__(self, reader: Reader, situations: Situations, sender: str) -> None:
        self._reader, self._situations, self._sender = reader, situations, sender
        self._people: dict[str, dict[str, PersonRow]] = {}
        self._facts: dict[str, list[tuple[int, Fact]]] = {}
        self._matters: dict[tuple[str, int], Matter] = {}

    async def compose(self, row: OutboxRow) -> EmailMessage | None:
        """As the function `compose`."""
        if row.employer not in self._people:
            self._people[row.employer] = await self._reader.people(row.employer)
        people = self._people[row.employer]
        person = people.get(row.target)
        if person is None or person.email is None or not usable(person.email):
            return None
        matter = await self._matter(row)
        pen = Pen(matter, people, person)
        told = pen.letter()
        if told is None:
            return None
        subject, sections = told
        letter = Letter(
            key=row.key, thread=f"{matter.step.cycle.id} {matter.step.key}", sender=self._sender,
            name=person.name, address=person.email, language=person.language, date=row.created,
            subject=subject, greeting=pen.greeting, sections=tuple(sections),
            marks=(
                ("X-Forsvarlig-Seq", str(matter.seq)), ("X-Forsvarlig-Cycle", matter.step.cycle.id),
                ("X-Forsvarlig-Step", matter.step.key), ("X-Forsvarlig-Person", person.id),
            ),
        )  # fmt: skip
        return as_message(letter)

    async def _matter(self, row: OutboxRow) -> Matter:
        if row.fact_seq is None:
            raise LookupError(f"Row {row.id} of the outbox is a mail about no fact.")
        key = (row.employer, row.fact_seq)
        if key not in self._matters:
            self._matters[key] = await self._read(row.employer, row.fact_seq)
        return self._matters[key]

    async def _read(self, employer: str, seq: int) -> Matter:
        found = await self._reader.facts(employer, after=seq - 1, limit=1)
        fact = found[0][1] if found and found[0][0] == seq else None
        if fact is None or fact.cycle is None or fact.step is None:
            raise LookupError(f"There is no fact {seq} about a step in the ledger of {employer!r}.")
        cycle = await self._reader.cycle(fact.cycle)
        if cycle is None:
            raise LookupError(f"There is no cycle {fact.cycle}, though fact {seq} is of it.")
        if fact.cycle not in self._facts:
            self._facts[fact.cycle] = await self._reader.facts(employer, cycle=fact.cycle)
        so_far = [(s, f) for s, f in self._facts[fact.cycle] if s <= seq and f.step in (None, fact.step)]
        standing = fold(f for _, f in so_far)
        here = standing.step(fact.step)
        if here is None:
            raise LookupError(f"Fact {seq} is of {fact.step}, which was not open then.")
        situation = await self._situations.of(self._reader, cycle)
        profile = standing.profile or cycle.profile
        planned = situation.plan.find(situation.cycle, fact.step)
        return Matter(
            seq=seq,
            fact=fact,
            situation=situation,
            step=planned or opened_step(situation, here, profile),
            here=here,
            before=fold(f for s, f in so_far if s < seq).step(fact.step),
            profile=profile,
            rehearsal=any(isinstance(f.body, CycleStarted) and f.body.rehearsal for _, f in so_far),
        )
