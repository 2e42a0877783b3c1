"""What people are told: from facts in the ledger to a letter in the reader's own language.

A letter says what is asked, by when and for which unit, how to answer, what happens if nobody does, and why.
It is made from the facts up to the moment it goes, so that what has been overtaken falls out and nothing is
asked for that is done. It carries no comment, no answer from a survey and nothing out of a document. It names
people who have a part in the matter, or who act for the reader; where everybody is told, roles only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from email.message import EmailMessage

from activities.digest import Digest
from activities.ledger.heads import fingerprint, read_checkpoint
from activities.letter_parts import Matter, Voice
from activities.letters import Pen
from activities.mail import HEAD, Header, Letter, Section, as_message, usable
from activities.personal_letters import Notice, PersonalPen
from activities.situations import Situations, opened_step
from activities.store import checkpoints, letters
from activities.store.database import Reader
from activities.store.rows import OutboxRow, PersonRow
from workflows.rules.addressees import at_once
from workflows.rules.authority_facts import Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.events import CycleStarted, Fact, StepReopened
from workflows.rules.notices import dated
from workflows.rules.standing import fold


async def compose(reader: Reader, situations: Situations, row: OutboxRow, sender: str) -> EmailMessage | None:
    """The message about the one fact at `row.fact_seq` to person `row.target`, as things stood when it came.

    None when there is nobody to tell it to: the person is unknown or erased, has no usable address, or is not
    the one who is waited for. `LookupError` when the ledger has no such fact.
    """
    return await Composer(reader, situations, sender, row.created).one(row, row.created, row.key)


class Composer:
    """Composes many messages from one view of the database, as things stand at `now`; what they have in common
    is read once."""

    def __init__(self, reader: Reader, situations: Situations, sender: str, now: datetime) -> None:
        self._reader, self._situations, self._sender, self._now = reader, situations, sender, now
        self._people: dict[str, dict[str, PersonRow]] = {}
        self._facts: dict[str, list[tuple[int, Fact]]] = {}
        self._topics: dict[tuple[str, int], Matter | Notice] = {}
        self._heads: dict[str, str | None] = {}

    async def is_news(self, row: OutboxRow) -> bool:
        """Whether there is somebody to tell, and still something. `LookupError` as `compose`."""
        person = await self._person(row.employer, row.target)
        if person is None:
            return False
        topic = await self._topic(row)
        people = self._people[row.employer]
        return not isinstance(topic, Matter) or Pen(topic, people, person).is_news()

    async def is_at_once(self, row: OutboxRow) -> bool:
        """Whether the row is told in a mail of its own as soon as it comes. `LookupError` as `compose`."""
        # What belongs to a year is not, and is by far the most; it need not be read for that.
        if not row.key.startswith(f"{row.employer}#"):
            return False
        topic = await self._topic(row)
        return at_once(topic.fact, row.target)

    async def letter(self, row: OutboxRow, digest_at: time) -> EmailMessage | None:
        """The message of a letter; None when nothing of it is left to tell, or nobody to tell it to."""
        letter = letters.read_letter(row)
        if letter is None:
            raise LookupError(f"Row {row.id} of the outbox is no letter.")
        told = await letters.rows(self._reader, letter.rows)
        left = [r for r in told if await self.is_news(r)]
        if not left:
            return None
        # The same rows, whatever is left of them, are the same message.
        key = told[0].key if len(told) == 1 else "\n".join(["digest", *(r.key for r in told)])
        date = dated(max(r.created for r in left), self._now, digest_at)
        if len(left) == 1:
            return await self.one(left[0], date, key)
        return await self._several(left, date, key)

    async def one(self, row: OutboxRow, date: datetime, key: str) -> EmailMessage | None:
        """The message about one row alone."""
        person = await self._person(row.employer, row.target)
        if person is None:
            return None
        topic = await self._topic(row)
        people = self._people[row.employer]
        pen = Pen(topic, people, person) if isinstance(topic, Matter) else PersonalPen(topic, people, person)
        said = pen.letter()
        if said is None:
            return None
        subject, sections = said
        if topic.rehearsal:
            subject, sections = pen.on_trial(subject), [pen.trial(), *sections]
        if isinstance(topic, Matter):
            thread, step = f"{topic.step.cycle.id} {topic.step.key}", topic.step.key
        else:
            thread, step = f"{row.employer} {topic.fact.id}", None
        return await self._message(row.employer, pen, subject, sections, date, key, thread, (
            str(topic.seq), topic.fact.cycle, step,
        ))  # fmt: skip

    async def _several(self, rows: Sequence[OutboxRow], date: datetime, key: str) -> EmailMessage | None:
        employer = rows[0].employer
        person = await self._person(employer, rows[0].target)
        if person is None:
            return None
        topics = [await self._topic(row) for row in rows]
        digest = Digest(topics, self._people[employer], person)
        subject, sections = digest.letter()
        if any(topic.rehearsal for topic in topics):
            subject, sections = digest.on_trial(subject), [digest.trial(), *sections]
        seqs = " ".join(str(topic.seq) for topic in topics)
        return await self._message(employer, digest, subject, sections, date, key, key, (seqs, None, None))

    async def _message(
        self,
        employer: str,
        voice: Voice,
        subject: str,
        sections: Sequence[Section],
        date: datetime,
        key: str,
        thread: str,
        marks: tuple[str, str | None, str | None],
    ) -> EmailMessage:
        seqs, cycle, step = marks
        person, head = voice.person, await self._head(employer)
        found: list[tuple[Header, str]] = [("X-Forsvarlig-Seq", seqs), ("X-Forsvarlig-Person", person.id)]
        if cycle is not None:
            found.append(("X-Forsvarlig-Cycle", cycle))
        if step is not None:
            found.append(("X-Forsvarlig-Step", step))
        if head is not None:
            found.append((HEAD, head))
            sections = [*sections, voice.kept_outside(head)]
        letter = Letter(
            key=key, thread=thread, sender=self._sender, name=person.name, address=person.email or "",
            language=person.language, date=date, subject=subject, greeting=voice.greeting,
            sections=tuple(sections), marks=tuple(found),
        )  # fmt: skip
        return as_message(letter)

    async def _head(self, employer: str) -> str | None:
        """The fingerprint of the newest checkpoint, or of the ledger as it is where none is made yet; looked up
        once. None for an empty ledger."""
        if employer not in self._heads:
            row = await checkpoints.newest(self._reader, employer)
            if row is not None:
                self._heads[employer] = read_checkpoint(row.note)[0].fingerprint
            else:
                head = await self._reader.head(employer)
                root = bytes.fromhex(head.root)
                self._heads[employer] = fingerprint(head.size, root) if head.size else None
        return self._heads[employer]

    async def _person(self, employer: str, id: str) -> PersonRow | None:
        """The person, if mail can reach them."""
        if employer not in self._people:
            self._people[employer] = await self._reader.people(employer)
        person = self._people[employer].get(id)
        return person if person is not None and usable(person.email) else None

    async def _topic(self, row: OutboxRow) -> Matter | Notice:
        if row.fact_seq is None:
            raise LookupError(f"Row {row.id} of the outbox is a mail about no fact.")
        key = (row.employer, row.fact_seq)
        if key not in self._topics:
            self._topics[key] = await self._read(row.employer, row.fact_seq)
        return self._topics[key]

    async def _read(self, employer: str, seq: int) -> Matter | Notice:
        found = await self._reader.facts(employer, after=seq - 1, limit=1)
        if not found or found[0][0] != seq:
            raise LookupError(f"There is no fact {seq} in the ledger of {employer!r}.")
        fact = found[0][1]
        if fact.cycle is None or fact.step is None:
            return await self._notice(seq, fact)
        return await self._matter(seq, fact, fact.cycle, fact.step)

    async def _notice(self, seq: int, fact: Fact) -> Notice:
        situation = None
        if fact.cycle is not None:
            cycle = await self._reader.cycle(fact.cycle)
            if cycle is None:
                raise LookupError(f"There is no cycle {fact.cycle}, though fact {seq} is of it.")
            situation = await self._situations.of(self._reader, cycle)
        _hash, organisation = await self._reader.organisation(fact.employer)
        home = await self._reader.employer(fact.employer)
        trial, made, key_of = home.mode == "rehearsal", await self._made(fact), await self._key_of(fact)
        return Notice(seq, fact, organisation, situation, trial, made, key_of)

    async def _key_of(self, fact: Fact) -> str | None:
        """The person whose key the fact revokes."""
        if not isinstance(fact.body, KeyRevoked):
            return None
        facts = await self._reader.facts(fact.employer, kinds=("key_enrolled",))
        bodies = (enrolled.body for _, enrolled in facts)
        return next((b.person for b in bodies if isinstance(b, KeyEnrolled) and b.key == fact.body.key), None)

    async def _made(self, fact: Fact) -> Delegated | None:
        """The delegation that the fact ends."""
        if not isinstance(fact.body, DelegationEnded):
            return None
        rows = await self._reader.timeline(employer=fact.employer, kind="delegated")
        made = (Delegated.model_validate(row.body) for row in rows)
        return next((body for body in made if body.delegation == fact.body.delegation), None)

    async def _matter(self, seq: int, fact: Fact, cycle_id: str, step: str) -> Matter:
        cycle = await self._reader.cycle(cycle_id)
        if cycle is None:
            raise LookupError(f"There is no cycle {cycle_id}, though fact {seq} is of it.")
        if cycle_id not in self._facts:
            self._facts[cycle_id] = await self._reader.facts(fact.employer, cycle=cycle_id)
        now = max(self._now, fact.recorded)
        so_far = [
            (s, f)
            for s, f in self._facts[cycle_id]
            if f.step in (None, step) and (s <= seq or f.recorded <= now)
        ]
        standing = fold(f for _, f in so_far)
        here = standing.step(step)
        if here is None:
            raise LookupError(f"Fact {seq} is of {step}, which was not open then.")
        situation = await self._situations.of(self._reader, cycle)
        profile = standing.profile or cycle.profile
        planned = situation.plan.find(situation.cycle, step)
        return Matter(
            seq=seq,
            fact=fact,
            situation=situation,
            step=planned or opened_step(situation, here, profile),
            here=here,
            before=fold(f for s, f in so_far if s < seq).step(step),
            profile=profile,
            rehearsal=any(isinstance(f.body, CycleStarted) and f.body.rehearsal for _, f in so_far),
            now=now,
            reopened=_reopened([f for s, f in so_far if f.step == step and s < seq]),
        )


def _reopened(facts: Sequence[Fact]) -> StepReopened | None:
    """Why the step is open again, unless something was filed since."""
    for fact in reversed(facts):
        if isinstance(fact.body, StepReopened):
            return fact.body
        if fact.kind in ("evidence_submitted", "step_closed"):
            return None
    return None
