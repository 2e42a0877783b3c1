"""Staged rehearsals on the session's virtual server: each with its own database, worker and employer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.cycles import open_year
from tests.rules.employers import law, programme
from worker.installation import Installation
from worker.rehearsal import ChangeOrganisation, Rehearsal
from worker.serving import make_worker
from worker.settings import Settings
from worker.staging import Cast, plugin_for, rehearsal, stage
from worker.story import Story
from worker.virtual import VirtualEnvironment
from workflows.rules.events import Fact
from workflows.rules.organisation import Organisation

_numbers = count(1)


class Staged:
    """One employer's year on the engine."""

    def __init__(
        self, environment: VirtualEnvironment, installation: Installation, employer: str, year: int
    ) -> None:
        self.environment = environment
        self.installation = installation
        self.employer = employer
        self.year = year

    def rehearsal(self, story: Story, change: ChangeOrganisation | None = None) -> Rehearsal:
        return rehearsal(
            self.environment, self.installation, self.employer, story, change_organisation=change
        )

    async def facts(self) -> list[Fact]:
        async with self.installation.database.read() as reader:
            return [fact for _, fact in await reader.facts(self.employer)]


OnStage = Callable[[Organisation, int], Awaitable[Staged]]


@pytest.fixture
async def on_stage(virtual: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[OnStage]:
    """Stages an organisation, under an employer id of its own, and starts its year and a worker for it."""
    async with AsyncExitStack() as stack:

        async def put(organisation: Organisation, year: int) -> Staged:
            number = next(_numbers)
            own = organisation.model_copy(update={"employer": f"{organisation.employer}-{number}"})
            settings = Settings(state=tmp_path / str(number), task_queue=f"queue-{number}")
            installation = await stage(settings, Cast(organisation=own, people=()), year)
            stack.push_async_callback(installation.database.close)
            address = virtual.client.service_client.config.target_host
            client = await Client.connect(address, plugins=[plugin_for(installation)])
            environment = VirtualEnvironment(client)
            await stack.enter_async_context(make_worker(environment.client, settings.task_queue))
            now = installation.clock()
            await open_year(installation.database, own.employer, year, programme(), law(), now)
            return Staged(environment, installation, own.employer, year)

        yield put
