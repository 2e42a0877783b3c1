"""Every row of the gate's table, through the doors: signed, recorded in a real database, and judged there."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from activities.cycles import Cycles, open_year
from activities.doors import Doors
from activities.receipts import Receipt
from activities.signatures import SigningKey
from activities.situations import Situations
from activities.store.database import Database
from activities.store.rows import DocumentRow, EmployerRow, PersonRow
from tests.rules.employers import law
from tests.rules.gate_story import (
    ACCEPTED,
    COMMENT_TEXT,
    EMPLOYERS,
    V1,
    V2,
    V3,
    YEAR,
    Do,
    Row,
    moment,
    named,
    outcome,
    programme,
)
from tests.rules.gate_table import ROWS
from workflows.messages import AdvanceRequest
from workflows.rules.events import AttemptRefused
from workflows.rules.statement import Act, Authentication, Statement

BEGIN = moment("01-04 08:00")
SITUATIONS = Situations()
"""Shared by all, because what it keeps is named by its content and takes long to read."""
SIGNER = SigningKey.new()


class House:
    """One employer's store with its doors, where the calendar is moved by hand."""

    def __init__(self, file: Path, row: Row) -> None:
        self.database = Database(f"sqlite:///{file}")
        self.now = BEGIN
        self.cycles = Cycles(self.database, lambda: self.now, SITUATIONS)
        self.doors = Doors(self.database, SITUATIONS, signer=SIGNER)
        self.row = row
        self.acts = 0

    async def look(self, cycle: str) -> None:
        await self.cycles.advance(AdvanceRequest(cycle=cycle, now=self.now, since=0))

    async def until(self, do: Do) -> None:
        """All that the calendar brings about before the act, in the order of time."""
        while True:
            async with self.database.read() as reader:
                rows = await reader.cycles(state="running")
            upcoming = {c.id: c.next_moment for c in rows if c.id in self.row.cycles and c.next_moment}
            cycle = min(upcoming, key=lambda id: upcoming[id], default=None)
            if cycle is None or upcoming[cycle] >= do.at:
                break
            self.now = upcoming[cycle]
            await self.look(cycle)
        self.now = do.at

    async def through_the_desk(self, do: Do) -> Receipt:
        """Signed by the installation for the person who stands there."""
        self.acts += 1
        return await self.doors.act(
            "fjell", do.who, await self._named(do), cycle=do.cycle, step=do.step, now=self.now,
            nonce=f"n{self.acts}", texts=[COMMENT_TEXT],
        )  # fmt: skip

    async def through_a_signal(self, do: Do) -> Receipt:
        """Signed some minutes ago, and carried here by the engine as bytes."""
        self.acts += 1
        statement = Statement(
            employer="fjell", cycle=do.cycle, step=do.step, actor=do.who, act=await self._named(do),
            nonce=f"n{self.acts}", issued=self.now - timedelta(minutes=5),
            expires=self.now + timedelta(minutes=5), authentication=Authentication(method="desk"),
        )  # fmt: skip
        raw = SIGNER.sign(statement).to_json().encode()
        return await self.doors.receive(
            raw, place=do.cycle or "fjell", now=self.now, via=f"signal {UUID(int=1)}:{self.acts}",
            texts=[COMMENT_TEXT],
        )  # fmt: skip

    async def _named(self, do: Do) -> Act:
        async with self.database.read() as reader:
            _hash, organisation = await reader.organisation("fjell")
        return named(do.act, organisation.delegations[-1].id if organisation.delegations else "")

    async def follow(self, do: Do) -> None:
        """What the cycles make of it."""
        for cycle in self.row.cycles if do.cycle is None else (do.cycle,):
            await self.look(cycle)


@pytest.fixture(scope="session")
async def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A database for each of the employers, with the year begun."""
    folder = tmp_path_factory.mktemp("gate-table")
    found = {}
    for number, (name, organisation) in enumerate(EMPLOYERS.items()):
        file = folder / f"{number}.db"
        database = Database(f"sqlite:///{file}")
        await database.upgrade()
        async with database.write("fjell") as tx:
            await tx.put_employer(
                EmployerRow(
                    id="fjell",
                    org_number=organisation.org_number,
                    name="Fjell AS",
                    mode="real",
                    created=BEGIN,
                )
            )
            await tx.put_organisation(organisation, BEGIN)
            people = [PersonRow(employer="fjell", id=p, name=p, language="nb") for p in organisation.people()]
            await tx.put_people(people)
            for hash in (V1, V2, V3):
                await tx.put_document(
                    DocumentRow(hash=hash, media_type="text/plain", size=1, stored_at=BEGIN)
                )
        await open_year(database, "fjell", 2027, programme(), law(), BEGIN)
        await Cycles(database, lambda: BEGIN, SITUATIONS).advance(
            AdvanceRequest(cycle=YEAR, now=BEGIN, since=0)
        )
        await database.close()
        found[name] = file
    return found


@asynccontextmanager
async def house(template: Path, folder: Path, row: Row) -> AsyncIterator[House]:
    """The employer of the row, in a database of its own."""
    file = folder / "forsvarlig.db"
    shutil.copy(template, file)
    there = House(file, row)
    for cycle in row.cycles:
        await there.look(cycle)
    yield there
    await there.database.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_through_either_door_it_ends_as_the_table_says(
    row: Row, templates: dict[str, Path], tmp_path: Path
) -> None:
    async with house(templates[row.employer], tmp_path, row) as there:
        for number, do in enumerate(row.before):
            await there.until(do)
            # Now one door and now the other, as people do.
            door = there.through_a_signal if number % 2 else there.through_the_desk
            assert (await door(do)).reason is None
            await there.follow(do)
        await there.until(row.tried)
        receipt = await there.through_a_signal(row.tried)
        assert outcome(receipt.fact.body) == row.expected
        assert (receipt.accepted, receipt.reason) == (
            row.expected == ACCEPTED,
            None if row.expected == ACCEPTED else row.expected,
        )
        async with there.database.read() as reader:
            stored = await reader.fact("fjell", receipt.fact.id)
        assert stored == (receipt.seq, receipt.fact)
        assert receipt.fact.signed is not None
        if row.expected != ACCEPTED:
            # What was refused changed nothing: through the other door it ends the same.
            again = await there.through_the_desk(row.tried)
            assert isinstance(again.fact.body, AttemptRefused)
            assert again.reason == row.expected
