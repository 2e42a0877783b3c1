"""A worker at work: it asks for time stamps, and leaves all that it has begun in a checkpoint when it stops."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

from temporalio import activity
from temporalio.testing import WorkflowEnvironment

from activities.cycles import open_year
from activities.ledger.heads import read_fingerprint
from activities.ledger.log import Payload
from activities.retention import Retention as Erasing
from activities.store import checkpoints as kept
from activities.store.rows import PersonRow
from tests.activities.tsa import answer, party
from tests.activities.tsa import serving as stamping
from tests.rules.employers import law, programme
from tests.year.live import february, in_force, until
from worker.installation import Installation
from worker.schedule import retention_id
from worker.serving import serving
from workflows.messages import Erased, EraseDueRequest, RetentionInput
from workflows.retention import Retention
from workflows.rules.terms import unit_cycle, year_cycle

EMPLOYER = "treg"
STAMPER = party("Tidsstempel", party("Rot"))


class SlowErasing(Erasing):
    """Erases as the installation does, when it is let."""

    begun: asyncio.Event
    go: asyncio.Event

    @activity.defn(name="erase_what_is_due")
    async def erase_what_is_due(self, request: EraseDueRequest) -> Erased:
        self.begun.set()
        await self.go.wait()
        return await super().erase_what_is_due(request)


@dataclass
class SlowInstallation(Installation):
    """An installation whose erasing takes so long that the worker is told to stop meanwhile."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def retention(self) -> SlowErasing:
        erasing = SlowErasing(self.database, self.erased_files, self.clock)
        erasing.begun, erasing.go = self.begun, self.go
        return erasing


async def test_what_is_recorded_while_a_worker_drains_is_in_a_checkpoint(
    virtual: WorkflowEnvironment, tmp_path: Path
) -> None:
    address = virtual.client.service_client.config.target_host
    async with in_force(tmp_path, EMPLOYER, EMPLOYER) as home:
        slow = SlowInstallation(home.settings, home.database, home.documents, home.mailer, home.clock)
        async with home.database.write(EMPLOYER) as tx:
            long_ago = home.clock() - timedelta(days=40)
            await tx.deposit("ab" * 32, Payload(salt=b"salt", text="Ble aldri brukt"), long_ago)
        client = await slow.connect(address)
        async with serving(slow, client):
            handle = await client.start_workflow(
                Retention.run,
                RetentionInput(employer=EMPLOYER, sealed=True),
                id=f"{retention_id(EMPLOYER)}-2027-01-15T07:00:00Z",
                task_queue=EMPLOYER,
            )
            await slow.begun.wait()
            asyncio.get_running_loop().call_later(0.3, slow.go.set)
        async with home.database.read() as reader:
            [(seq, _fact)] = await reader.facts(EMPLOYER, kinds=("records_erased",))
            newest = await kept.newest(reader, EMPLOYER)
            assert await kept.uncovered(reader) == []
        assert newest is not None
        assert newest.size >= seq
        await handle.terminate()


async def test_every_mail_of_a_new_installation_carries_a_fingerprint(
    virtual: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with in_force(tmp_path, "ny", "ny") as home:
        async with home.database.read() as reader:
            people = (await reader.organisation("ny"))[1].people()
        async with home.database.write("ny") as tx:
            await tx.put_people(
                PersonRow(employer="ny", id=id, name=id.upper(), email=f"{id}@ny.example", language="nb")
                for id in people
            )
        client = await home.connect(virtual.client.service_client.config.target_host)
        await open_year(home.database, "ny", 2027, programme(), law(), home.clock())
        async with serving(home, client):

            async def mailed() -> bool:
                return any(home.settings.mail_directory.rglob("*.eml"))

            await until(mailed)
            for cycle in (year_cycle("ny", 2027), unit_cycle("ny", "u1", 2027)):
                await client.get_workflow_handle(cycle).terminate()
        letters = [
            message_from_bytes(file.read_bytes()) for file in home.settings.mail_directory.rglob("*.eml")
        ]
        heads = [read_fingerprint(str(letter["X-Forsvarlig-Fingerprint"])) for letter in letters]
        async with home.database.read() as reader:
            roots = await kept.roots(reader, "ny", {head.size for head in heads})
        assert all(head.matches(roots[head.size]) for head in heads)


async def test_a_worker_has_its_ledgers_stamped_where_an_authority_is_set(
    virtual: WorkflowEnvironment, tmp_path: Path
) -> None:
    with stamping(lambda query: answer(query, STAMPER, february())) as url:
        async with in_force(tmp_path, "stemplet", "stemplet") as home:
            home.settings = home.settings.model_copy(update={"timestamp_url": url})
            client = await home.connect(virtual.client.service_client.config.target_host)
            await home.checkpoints.make("stemplet")
            async with serving(home, client):

                async def stamped() -> bool:
                    async with home.database.read() as reader:
                        return "timestamp" in await kept.newest_anchors(reader, "stemplet")

                await until(stamped)
