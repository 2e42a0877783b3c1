"""A made-up employer with one unit, Sagbruk, whose year is moved by hand: a real database, no Temporal."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path

from activities.cycles import Cycles, open_year
from activities.documents import Documents
from activities.doors import Doors
from activities.ledger.log import Payload, commit
from activities.notices import compose
from activities.receipts import Receipt
from activities.signatures import SigningKey
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import EmployerRow, OutboxRow, PersonRow
from workflows.messages import AdvanceRequest
from workflows.rules.calendar import OSLO
from workflows.rules.law import parse_law
from workflows.rules.organisation import Absence, Assignment, Employment, Organisation, Role, SafetyArea, Unit
from workflows.rules.programme_file import parse_programme
from workflows.rules.statement import Act, Answer, MoveDueDate
from workflows.rules.terms import Outcome, unit_cycle, year_cycle
from workflows.standard import law_text, programme_text

EMPLOYER = "nordfjord-sag"
YEAR = year_cycle(EMPLOYER, 2027)
UNIT = unit_cycle(EMPLOYER, "sagbruk", 2027)
SENDER = "Forsvarlig <hms@nordfjord.example>"
SINCE = date(2020, 1, 1)
SITUATIONS = Situations()
"""Shared by all, because what it keeps is named by its content and takes long to read."""
EVE = date(2027, 5, 4)
"""The day before Y15, the risk assessment of Sagbruk, is opened; it is due on 20 May."""

NAMES = {
    "toppen": "Tor Opp",
    "hanne": "Hanne Rød",
    "kari": "Kari Nordmann",
    "per": "Per Hansen",
    "vera": "Vera Vara",
    "amund": "Amund Utvalg",
    "siri": "Siri Steinvik",
}


def organisation(*absences: Absence) -> Organisation:
    """Forty people, so that there is a committee; Kari leads Sagbruk and Per is its safety representative."""

    def has(role: Role, person: str, **where: str) -> Assignment:
        return Assignment.model_validate({"role": role, "person": person, "since": SINCE, **where})

    workers = [*NAMES, *(f"w{n}" for n in range(40 - len(NAMES)))]
    return Organisation(
        employer=EMPLOYER,
        org_number="923609016",
        name="Nordfjord Tre AS",
        units=(
            Unit(id="topp", name="Nordfjord Tre AS", since=SINCE),
            Unit(id="sagbruk", name="Sagbruk", parent="topp", area="saga", since=SINCE),
        ),
        areas=(SafetyArea(id="saga", name="Saga"),),
        employments=tuple(Employment(person=p, unit="sagbruk", since=SINCE) for p in workers),
        assignments=(
            has(Role.TOP_MANAGER, "toppen"),
            has(Role.HR, "hanne"),
            has(Role.MANAGER, "kari", unit="sagbruk"),
            has(Role.SAFETY_REP, "per", area="saga"),
            has(Role.DEPUTY_SAFETY_REP, "vera", area="saga"),
            has(Role.SENIOR_SAFETY_REP, "per"),
            has(Role.WEC_CHAIR, "amund"),
            has(Role.WEC, "toppen"),
        ),
        absences=absences,
    )


class Sawmill:
    """Sagbruk's year 2027. What is not said otherwise happens at noon in Oslo."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'forsvarlig.db'}")
        self.documents = Documents(folder / "documents")
        self.cycles = Cycles(self.database, lambda: self.now)
        self.cycles.situations = SITUATIONS
        self.signer = SigningKey.load_or_make(folder / "keys" / "installation.pem")
        self.doors = Doors(self.database, SITUATIONS, signer=self.signer)
        self.now = datetime(2027, 1, 4, 7, tzinfo=UTC)

    @classmethod
    @asynccontextmanager
    async def started(cls, folder: Path, mode: str = "real") -> AsyncIterator[Sawmill]:
        """At noon on Monday 4 January 2027, with every person in the directory."""
        mill = cls(folder)
        await mill.database.upgrade()
        people = organisation()
        employer = {"id": EMPLOYER, "org_number": people.org_number, "name": people.name}
        async with mill.database.write(EMPLOYER) as tx:
            await tx.put_employer(EmployerRow.model_validate({**employer, "mode": mode, "created": mill.now}))
            await tx.put_organisation(people, mill.now)
            await tx.put_people([person(id) for id in people.people()])
        programme, law = parse_programme(programme_text()), parse_law(law_text())
        await open_year(mill.database, EMPLOYER, 2027, programme, law, mill.now)
        await mill.go(mill.now.date())
        yield mill
        await mill.database.close()

    @classmethod
    @asynccontextmanager
    async def continued(cls, template: Path, folder: Path) -> AsyncIterator[Sawmill]:
        """Where the mill in the folder `template` stood on `EVE`, in a database of its own."""
        shutil.copy(template / "forsvarlig.db", folder)
        mill = cls(folder)
        mill.now = datetime.combine(EVE, time(12), OSLO).astimezone(UTC)
        yield mill
        await mill.database.close()

    async def absent(self, *absences: Absence) -> None:
        """Put the organisation in force as it is with these absences."""
        async with self.database.write(EMPLOYER) as tx:
            await tx.put_organisation(organisation(*absences), self.now)

    async def change(self, *people: PersonRow) -> None:
        async with self.database.write(EMPLOYER) as tx:
            await tx.put_people(people)

    async def go(self, day: date) -> None:
        """Take both cycles, day by day as something is due, to noon that day."""
        until = datetime.combine(day, time(12), OSLO).astimezone(UTC)
        while True:
            async with self.database.read() as reader:
                waiting = [c.next_moment for c in await reader.cycles(state="running") if c.next_moment]
            upcoming = min(waiting, default=until)
            self.now = max(self.now, min(upcoming, until))
            await self.advance()
            if upcoming > until:
                break
        self.now = until

    async def advance(self) -> None:
        for cycle in (YEAR, UNIT):
            await self.cycles.advance(AdvanceRequest(cycle=cycle, now=self.now, since=0))

    async def file(self, step: str, who: str, text: str = "Risikovurdering", cycle: str = UNIT) -> Receipt:
        async with self.database.write(EMPLOYER) as tx:
            row = await self.documents.put(text.encode(), "text/plain", "vurdering.txt", self.now, tx)
        receipt = await self.doors.submit(
            cycle, step, who, row.hash, now=self.now, nonce=f"{self.now:%Y%m%dT%H%M%S}"
        )
        return await self._recorded(receipt)

    async def decide(
        self, step: str, who: str, role: Role, outcome: Outcome, comment: str | None = None, cycle: str = UNIT
    ) -> Receipt:
        async with self.database.read() as reader:
            [here] = [s for s in await reader.steps(cycle=cycle) if s.step == step]
        receipt = await self.doors.decide(
            cycle, step, who, role, outcome, document=here.document or "", version=here.version,
            comment=comment, now=self.now, nonce=f"{self.now:%Y%m%dT%H%M%S}",
        )  # fmt: skip
        return await self._recorded(receipt)

    async def answer(self, step: str, who: str, why: str, version: int = 1) -> Receipt:
        """The employer's reasoned answer to a disagreement in the unit's year."""
        payload, commitment = commit(why)
        return await self._act(step, who, Answer(version=version, comment=commitment), payload)

    async def move(self, step: str, who: str, due: date, why: str) -> Receipt:
        payload, commitment = commit(why)
        return await self._act(step, who, MoveDueDate(due=due, comment=commitment), payload)

    async def _act(self, step: str, who: str, act: Act, text: Payload) -> Receipt:
        receipt = await self.doors.act(
            EMPLOYER, who, act, now=self.now, nonce=f"{self.now:%Y%m%dT%H%M%S}", cycle=UNIT, step=step,
            texts=[text],
        )  # fmt: skip
        return await self._recorded(receipt)

    async def _recorded(self, receipt: Receipt) -> Receipt:
        assert receipt.accepted, receipt.reason
        self.now += timedelta(minutes=1)
        await self.advance()
        return receipt

    async def mail_rows(self, step: str, who: str, cycle: str = UNIT) -> list[OutboxRow]:
        """What waits in the outbox for one person about one step, oldest first."""
        async with self.database.read() as reader:
            rows = await reader.outbox_due(self.now, 10_000)
        return [
            r
            for r in rows
            if r.channel == "mail" and r.target == who and r.key.startswith(f"{cycle}/{step}#")
        ]

    async def mails(self, step: str, who: str, cycle: str = UNIT) -> list[EmailMessage | None]:
        """The messages about one step to one person, oldest first."""
        rows = await self.mail_rows(step, who, cycle)
        async with self.database.read() as reader:
            return [await compose(reader, self.cycles.situations, row, SENDER) for row in rows]


def person(id: str, **changes: object) -> PersonRow:
    """As the directory has the person; address `<id>@nordfjord.example`, bokmål."""
    row = {
        "employer": EMPLOYER, "id": id, "name": NAMES.get(id, id.upper()), "email": f"{id}@nordfjord.example",
        "language": "nb",
    }  # fmt: skip
    return PersonRow.model_validate({**row, **changes})


def text_of(message: EmailMessage | None) -> str:
    """The plain text of a message."""
    assert message is not None
    part = message.get_body(("plain",))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content
