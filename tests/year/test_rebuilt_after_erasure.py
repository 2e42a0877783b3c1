"""Without a person, without Temporal's histories and without the projections: the ledger gives all of it back."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from activities.directory.people import names_of
from activities.organisations import put_in_force
from tests.activities.house import programme
from tests.chaos.fjell import CAST, EMPLOYER, ORGANISATION, YEAR, settings
from tests.rules.employers import law
from worker.staging import rehearse
from worker.story import Story
from workflows.rules.statement import ErasePerson

HR, COLLEAGUE = "p2", "p9"


async def test_the_same_rows_names_and_head_come_back_from_the_ledger_alone(tmp_path: Path) -> None:
    installation = await rehearse(settings(tmp_path), CAST, programme(), law(), YEAR, Story())
    database = installation.database
    try:
        now = installation.clock()
        gone = tuple(
            e.model_copy(update={"until": date(YEAR, 6, 1)}) if e.person == COLLEAGUE else e
            for e in ORGANISATION.employments
        )
        without = ORGANISATION.model_copy(update={"employments": gone})
        await put_in_force(database, without, (), now, mode="rehearsal")
        erase = ErasePerson(person=COLLEAGUE, basis="request")
        receipt = await installation.doors.act(EMPLOYER, HR, erase, now=now, nonce="n1")
        assert receipt.accepted, receipt.reason
        async with database.read() as reader:
            before = await reader.checksums(EMPLOYER), await reader.head(EMPLOYER)
            assert before[1].size > 30

        # The server with its namespace is gone; what it left behind goes too.
        shutil.rmtree(installation.settings.histories)
        async with database.write(EMPLOYER) as tx:
            rebuilt = await tx.rebuild()
        await database.scrub()

        async with database.read() as reader:
            assert (await reader.checksums(EMPLOYER), await reader.head(EMPLOYER)) == before
            assert rebuilt == before[0]
            verification = await reader.verify(EMPLOYER)
            names = names_of(await reader.people(EMPLOYER))
        assert (verification.ok, verification.root) == (True, before[1].root)
        there = {card.id: card.name for card in CAST.people}
        assert names == there | {COLLEAGUE: f"slettet person ({COLLEAGUE})"}
    finally:
        await database.close()
