"""The pages of `forsvarlig history`: what is asked for, found in the timeline and told in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter

from activities.directory.people import names_of
from activities.language import _
from activities.proof import Keys, Proof, is_act, proof
from activities.reading import Purpose, Readership, Writing, readable_texts
from activities.store.rows import TimelineRow
from activities.store.search import Wanted, search, size_at, words_of
from worker.cli.fact_sentences import sentence
from worker.cli.failures import NotFound
from worker.cli.readings import find_reader, noted, reading_time
from worker.cli.rulebook_steps import Rulebooks
from workflows.rules.calendar import OSLO
from workflows.rules.events import SYSTEM, Body

if TYPE_CHECKING:
    from activities.store.database import Database, Reader
    from worker.cli.as_of_options import Then
    from workflows.rules.events import Fact
    from workflows.rules.keys import KeyRing
    from workflows.rules.organisation import Organisation

ACTS = (
    "evidence_submitted", "decision_recorded", "disagreement_answered", "due_date_changed", "key_enrolled",
    "key_revoked", "delegated", "delegation_ended", "absence_set", "retention_set", "erasure_asked", "texts_erased",
    "person_erased", "document_erased", "dossier_made",
)  # fmt: skip
"""The kinds of what people do and is accepted; `Wanted.acted` leaves out those that the system did."""

_BODY: TypeAdapter[Body] = TypeAdapter(Body)

_CHUNK = 500
"""Facts that are read at a time where all are wanted."""


class Asked(NamedTuple):
    """What was typed; None wants all. Days are whole days in Norway."""

    employer: str | None = None
    unit: str | None = None
    below: bool = False
    step: str | None = None
    stage: str | None = None
    law: str | None = None
    who: str | None = None
    kind: str | None = None
    accepted: bool = False
    since: date | None = None
    until: date | None = None
    recorded_since: date | None = None
    recorded_until: date | None = None
    text: str | None = None
    then: Then | None = None
    person: str | None = None
    after: int | None = None
    before: int | None = None


class Told(NamedTuple):
    """One fact in words. `writing` is what was written with it; `proof` goes with people's acts."""

    row: TimelineRow
    text: str
    step_name: str | None
    unit_name: str
    actor_name: str
    writing: Writing | None
    proof: Proof | None


class Page(NamedTuple):
    """Facts in the order of the ledger, whether there are more on either side, and what the timeline lacks."""

    facts: list[Told]
    earlier: bool
    later: bool
    as_of: date | None
    lag: int


@asynccontextmanager
async def history_of(asked: Asked) -> AsyncIterator[History]:
    """The history of the employer that is meant, for one command; errors name what was not found."""
    from worker.cli.employers import chosen, store
    from worker.cli.places import OWN, find_unit

    async with store() as database, database.read() as reader:
        employer = (await chosen(reader, asked.employer)).id
        organisation = (await reader.organisation(employer))[1]
        rulebooks = await Rulebooks.of(reader, employer)
        units: tuple[str | None, ...] | None = None
        if asked.unit is not None and asked.unit.casefold() in OWN:
            units = (None,)
        elif asked.unit is not None:
            unit = find_unit(organisation, asked.unit)
            units = (unit, *(_below(organisation, unit) if asked.below else ()))
        person = await _named(reader, employer, asked.who) if asked.who is not None else None
        wanted = Wanted(
            employer=employer, units=units, steps=_steps(asked, rulebooks),
            key=asked.step if asked.step is not None and "." in asked.step else None, person=person,
            kinds=ACTS if asked.accepted else (asked.kind,) if asked.kind is not None else None,
            acted=asked.accepted, since=_midnight(asked.since), until=_midnight(asked.until, 1),
            words=words_of(asked.text) if asked.text is not None else None,
        )  # fmt: skip
        wanted = await _within(reader, wanted, asked)
        yield History(
            database=database,
            reader=reader,
            wanted=wanted,
            person=await find_reader(reader, employer, asked.person),
            readership=await Readership.of(reader, employer),
            rulebooks=rulebooks,
            names=names_of(await reader.people(employer)),
            units={u.id: u.name for u in organisation.units},
            ring=await Keys().of(reader, employer),
            now=await reading_time(reader, employer),
            followed=asked.before is not None,
            as_of=asked.then.day if asked.then is not None else None,
            lag=await reader.lag(employer),
        )


class History(NamedTuple):
    """What the pages of one command are made of."""

    database: Database
    reader: Reader
    wanted: Wanted
    person: str | None
    readership: Readership
    rulebooks: Rulebooks
    names: dict[str, str]
    units: dict[str, str]
    ring: KeyRing
    now: datetime
    followed: bool
    """Whether it was asked for what comes before some place."""
    as_of: date | None
    lag: int

    async def page(self, limit: int, *, newest: bool) -> Page:
        """The first page of what is wanted, or the last one. What is read of others' writing is put on record."""
        facts, more = await self._found(self.wanted, limit, newest)
        await self._note(facts)
        earlier = more if newest else self.wanted.after > 0
        later = self.followed if newest else more
        return Page(facts, earlier, later, self.as_of, self.lag)

    async def all(self, limit: int | None) -> AsyncIterator[list[Told]]:
        """All that is wanted, or the first of it, a chunk at a time; each is put on record before it is given."""
        wanted, left, more = self.wanted, limit, True
        while more and left != 0:
            facts, more = await self._found(wanted, _CHUNK if left is None else min(left, _CHUNK), False)
            await self._note(facts)
            yield facts
            if facts:
                wanted = wanted.model_copy(update={"after": facts[-1].row.seq})
            left = None if left is None else left - len(facts)

    async def _found(self, wanted: Wanted, limit: int, newest: bool) -> tuple[list[Told], bool]:
        """The facts, told. Of what was looked for by its words, only what the reader may read."""
        if wanted.words is None:
            rows, more = await search(self.reader, wanted, limit=limit, newest=newest)
            return await self._told(rows), more
        found: list[Told] = []
        more = True
        while more and len(found) <= limit:
            rows, more = await search(self.reader, wanted, limit=_CHUNK, newest=newest)
            read = [told for told in await self._told(rows) if told.writing and told.writing.text is not None]
            found = [*read, *found] if newest else [*found, *read]
            if rows:
                end = {"before": rows[0].seq} if newest else {"after": rows[-1].seq}
                wanted = wanted.model_copy(update=end)
        return found[-limit:] if newest else found[:limit], len(found) > limit

    async def _note(self, facts: list[Told]) -> None:
        purpose: Purpose = "search" if self.wanted.words is not None else "history"
        writings = {told.row.seq: told.writing for told in facts if told.writing is not None}
        await noted(self.database, self.wanted.employer, self.person, purpose, writings, self.now)

    async def _told(self, rows: list[TimelineRow]) -> list[Told]:
        employer = self.wanted.employer
        acted = [row.seq for row in rows if row.actor != SYSTEM]
        facts = await self.reader.facts_at(employer, acted)
        writings = await readable_texts(
            self.reader, self.person, list(facts.items()), self.now, self.readership
        )
        return [self._one(row, facts.get(row.seq), writings.get(row.seq)) for row in rows]

    def _one(self, row: TimelineRow, fact: Fact | None, writing: Writing | None) -> Told:
        from worker.cli.naming import name

        body: Any = fact.body if fact is not None else _BODY.validate_python(row.body)
        return Told(
            row=row,
            text=sentence(body, row.actor, self.names, self.units),
            step_name=self.rulebooks.step_name(row.cycle, row.step),
            unit_name=self.units.get(row.unit, row.unit) if row.unit is not None else _("Virksomheten"),
            actor_name=name(row.actor, self.names),
            writing=writing,
            proof=proof(self.ring, row.seq, fact) if fact is not None and is_act(fact) else None,
        )


def _steps(asked: Asked, rulebooks: Rulebooks) -> Any:
    """The steps that step, stage and law stand for together; None when none of them is given."""
    from activities.store.search import StepWanted

    base = None if asked.step is None else asked.step.partition(".")[0]
    if asked.stage is None and asked.law is None:
        return None if base is None else (StepWanted(base=base),)
    bears = rulebooks.bearing(asked.law) if asked.law is not None else None
    return rulebooks.steps(
        lambda rule, book: (
            base in (None, rule.id)
            and asked.stage in (None, rule.stage.value)
            and (bears is None or bears(rule, book))
        )
    )


async def _within(reader: Reader, wanted: Wanted, asked: Asked) -> Wanted:
    """The same, within the places and the times of recording that were asked for."""
    after, before = asked.after or 0, asked.before
    if (since := _midnight(asked.recorded_since)) is not None:
        after = max(after, await size_at(reader, wanted.employer, since))
    ends = [_midnight(asked.recorded_until, 1)]
    then = None if asked.then is None else _midnight(asked.then.day, 1)
    if asked.then is not None and asked.then.clock == "recorded":
        ends.append(then)
    for end in ends:
        if end is not None:
            known = await size_at(reader, wanted.employer, end) + 1
            before = known if before is None else min(before, known)
    until = wanted.until
    if asked.then is not None and asked.then.clock == "concerned" and then is not None:
        until = then if until is None else min(until, then)
    return wanted.model_copy(update={"after": after, "before": before, "until": until})


def _midnight(day: date | None, later: int = 0) -> datetime | None:
    """When the day begins in Norway, or so many days later."""
    if day is None:
        return None
    day += timedelta(days=later)
    return datetime(day.year, day.month, day.day, tzinfo=OSLO).astimezone(UTC)


def _below(organisation: Organisation, unit: str) -> tuple[str, ...]:
    """Every unit that is, or ever was, under the unit."""
    below: dict[str, None] = {}
    reached = {unit}
    while reached:
        reached = {u.id for u in organisation.units if u.parent in reached} - {unit, *below}
        below |= dict.fromkeys(sorted(reached))
    return tuple(below)


async def _named(reader: Reader, employer: str, text: str) -> str:
    """The person's id; also that of somebody who is erased from the directory, but not from the ledger."""
    from worker.cli.people import find_person

    try:
        return find_person(await reader.people(employer), text, "--who").id
    except NotFound:
        id = text.strip().lower()
        if id and (await search(reader, Wanted(employer=employer, person=id), limit=1))[0]:
            return id
        raise
