"""Everything that is kept about one person, for that person (GDPR art. 15)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime

from activities.ledger.log import committed
from activities.reading import Hidden, note_read, of_others, readable_texts
from activities.store import erasing, letters
from activities.store.database import Database
from activities.store.rows import PersonRow, TimelineRow
from workflows.rules.base import Frozen
from workflows.rules.events import Fact
from workflows.rules.record_facts import TextsRead


class OwnText(Frozen):
    """What the person wrote with the fact at place `seq`; without `text` where the reader may not see it."""

    seq: int
    text: str | None
    hidden: Hidden | None


class Sent(Frozen):
    """A mail to the person: when it was to go, when it went, and the fact that it told of alone."""

    created: AwareDatetime
    delivered: AwareDatetime | None
    about: int | None


class Read(Frozen):
    """Somebody read what the person wrote with these facts."""

    seq: int
    reader: str
    when: AwareDatetime
    facts: tuple[int, ...]


class KeptAbout(Frozen):
    """All of it. `parts` are the person's employments, roles, absences and delegations, as the organisation has them.

    `named_in` are the places of texts in which the name stands, also those of others.
    """

    person: PersonRow
    parts: Mapping[
        Literal["employments", "assignments", "absences", "delegations"], tuple[dict[str, Any], ...]
    ]
    texts: tuple[OwnText, ...]
    facts: tuple[TimelineRow, ...]
    sent: tuple[Sent, ...]
    read: tuple[Read, ...]
    named_in: tuple[int, ...]


async def kept_about(database: Database, person: PersonRow, asker: str, now: datetime) -> KeptAbout:
    """Everything about `person`, as `asker` may see it; what `asker` reads of another's words is noted first."""
    home, id = person.employer, person.id
    async with database.read() as reader:
        _hash, organisation = await reader.organisation(home)
        facts = await reader.timeline(employer=home, person=id)
        whole = await reader.facts(home)
        mine = [(seq, fact) for seq, fact in whole if _wrote(fact, id)]
        written = await readable_texts(reader, asker, mine, now)
        sent = await letters.of_person(reader, home, id)
        naming = await erasing.texts_with(reader, home, [person.name]) if person.name else []
    await note_read(database, home, asker, "search", of_others(written), now)
    places = {seq for seq, _ in mine}
    named: dict[str, list[Frozen]] = {
        "employments": [e for e in organisation.employments if e.person == id],
        "assignments": [a for a in organisation.assignments if a.person == id],
        "absences": [a for a in organisation.absences if id in (a.person, a.substitute)],
        "delegations": [d for d in organisation.delegations if id in (d.person, d.to)],
    }
    return KeptAbout.model_validate(
        {
            "person": person,
            "parts": {part: [one.model_dump(mode="json") for one in found] for part, found in named.items()},
            "texts": [OwnText(seq=seq, text=one.text, hidden=one.hidden) for seq, one in written.items()],
            "facts": facts,
            "sent": [Sent(created=row.created, delivered=row.delivered, about=row.fact_seq) for row in sent],
            "read": [
                Read(seq=seq, reader=fact.actor, when=fact.recorded, facts=fact.body.facts)
                for seq, fact in whole
                if isinstance(fact.body, TextsRead) and fact.actor != id and places & set(fact.body.facts)
            ],
            "named_in": [seq for seq, _ in naming],
        }
    )


def _wrote(fact: Fact, person: str) -> bool:
    for_whom = getattr(fact.body, "on_behalf_of", None)
    return person in (fact.actor, for_whom) and committed(fact) is not None
