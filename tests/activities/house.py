"""A small employer whose clock the test holds: acts through the doors, to the second, on any database."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from itertools import count
from typing import Any

from activities.cycles import Cycles, open_year
from activities.doors import Doors
from activities.organisations import put_in_force
from activities.receipts import Receipt
from activities.signatures import SigningKey
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import DocumentRow
from tests.rules.employers import SINCE, employer, law
from tests.rules.small_year import YEAR as SMALL_YEAR
from workflows.messages import AdvanceRequest
from workflows.rules.events import Fact
from workflows.rules.organisation import Assignment, Organisation, Role
from workflows.rules.programme import Programme
from workflows.rules.programme_file import parse_programme
from workflows.rules.statement import Act, Answer, Decide, MoveDueDate
from workflows.rules.statement import File as Filing
from workflows.rules.terms import Outcome, unit_cycle, year_cycle

YEAR = 2027
HR, MANAGER, REP, COLLEAGUE, OTHER_MANAGER = "p2", "p3", "p4", "p5", "p6"
STEPS = ("Y11", "Y12", "Y13")

_STEP = """
[[steps]]
id = "{id}"
name = {{ nb = "Vurdering", en = "Assessment" }}
stage = "assess"
level = "unit"
windows = [{{ opens = "01-04", due = "{due}" }}]
owner = "manager"
gate = [
  {{ kind = "consult", role = "safety_rep", order = 1 }},
  {{ kind = "approve", role = "manager", order = 2, quorum = {quorum} }},
]
evidence = {{ nb = "Vurdering", en = "Assessment" }}
requirements = ["R-18"]
law = ["OLM-7-1"]
methods = ["M1"]
"""

_numbers = count(1)
SITUATIONS = Situations()


def programme(due: str = "12-01", quorum: int = 1) -> Programme:
    """A year of three assessments in the unit, all open from 4 January."""
    head = SMALL_YEAR[: SMALL_YEAR.index("[[steps]]")]
    return parse_programme(head + "".join(_STEP.format(id=id, due=due, quorum=quorum) for id in STEPS))


def organisation(name: str, **changes: object) -> Organisation:
    """Seventeen people; the unit has two managers, and one safety representative."""
    made = employer(17)
    second = Assignment(role=Role.MANAGER, person=OTHER_MANAGER, unit="u1", since=SINCE)
    changes = {"assignments": (*made.assignments, second), "employer": name, **changes}
    return made.model_copy(update=changes)


class House:
    """One employer's year 2027."""

    def __init__(self, database: Database, name: str, signer: SigningKey) -> None:
        self.database = database
        self.name = name
        self.doors = Doors(database, SITUATIONS, signer=signer)
        self.now = datetime.fromisoformat("2027-01-04T06:00:00Z")
        self.cycles = Cycles(database, lambda: self.now, SITUATIONS)

    @classmethod
    async def built(cls, database: Database, due: str = "12-01", quorum: int = 1, **changes: object) -> House:
        """A year that is open, before its first step is."""
        house = cls(database, f"house-{next(_numbers)}", SigningKey.new())
        await put_in_force(database, organisation(house.name, **changes), (), house.now, mode="real")
        await open_year(database, house.name, YEAR, programme(due, quorum), law(), house.now)
        await house.at("2027-01-04T06:30:00Z")
        return house

    @property
    def unit(self) -> str:
        return unit_cycle(self.name, "u1", YEAR)

    async def at(self, moment: str | datetime) -> None:
        """It is that moment, and everything that is due has been done."""
        self.clock(moment)
        for cycle in (year_cycle(self.name, YEAR), self.unit):
            await self.cycles.advance(AdvanceRequest(cycle=cycle, now=self.now, since=0))

    def clock(self, moment: str | datetime) -> None:
        """It is that moment, and nobody has looked what is due."""
        self.now = datetime.fromisoformat(moment) if isinstance(moment, str) else moment

    async def act(self, who: str, act: Act, step: str = "Y11", nonce: str | None = None) -> Receipt:
        in_step = isinstance(act, Decide | Filing | Answer | MoveDueDate)
        where = {"cycle": self.unit, "step": step} if in_step else {}
        return await self.doors.act(
            self.name, who, act, now=self.now, nonce=nonce or f"n{next(_numbers)}", **where
        )  # type: ignore[arg-type]

    async def file(self, step: str = "Y11", who: str = HR) -> Receipt:
        return await self.act(who, Filing(document=await self.document(step)), step)

    async def document(self, step: str) -> str:
        hash = step.encode().hex().ljust(64, "0")
        row = DocumentRow(hash=hash, media_type="text/plain", size=1, stored_at=self.now, name=None)
        async with self.database.write(self.name) as tx:
            await tx.put_document(row)
        return hash

    def agrees(self, step: str = "Y11", **changes: Any) -> Decide:
        return _answer(step, Role.SAFETY_REP, Outcome.AGREED, changes)

    def approves(self, step: str = "Y11", **changes: Any) -> Decide:
        return _answer(step, Role.MANAGER, Outcome.APPROVED, changes)

    async def filed(self, moment: str, *steps: str) -> None:
        """At that moment the steps' documents are filed, and the safety representative is asked."""
        await self.at(moment)
        for step in steps or STEPS:
            assert (await self.file(step)).accepted
        await self.at(moment)

    async def agreed(self, *steps: str) -> None:
        """The safety representative agrees now, and the managers are asked."""
        for step in steps or STEPS:
            assert (await self.act(REP, self.agrees(step), step)).accepted
        await self.at(self.now)

    async def facts(self, kind: str | None = None) -> list[Fact]:
        async with self.database.read() as reader:
            return [f for _, f in await reader.facts(self.name) if kind in (None, f.kind)]


def _answer(step: str, role: Role, outcome: Outcome, changes: dict[str, Any]) -> Decide:
    document = step.encode().hex().ljust(64, "0")
    said = {"role": role, "outcome": outcome, "document": document, "version": 1, **changes}
    return Decide.model_validate(said)


async def _decide(url: str, name: str, who: str, moment: str, key: str) -> None:
    """Wait for the word, approve Y11, and say what came of it."""
    from pathlib import Path

    database = Database(url)
    house = House(database, name, SigningKey.load(Path(key)))
    house.clock(moment)
    await house.facts()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    receipt = await house.act(who, house.approves(), nonce=f"{who}-{key[-5:]}")
    print(receipt.reason or "accepted", flush=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_decide(*sys.argv[1:]))
