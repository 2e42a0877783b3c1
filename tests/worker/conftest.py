"""What is made once and copied or only read: a sawmill in March, and a small rehearsed year without its server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from activities.history_files import Events, longest, read, workflow_of
from tests.chaos.fjell import CAST, EMPLOYER, YEAR
from tests.rules.employers import law, programme
from tests.worker.desk import Desk, copied, stage
from worker.keyring import Keyring
from worker.settings import Settings
from worker.staging import rehearse
from worker.story import Story
from workflows.rules.events import Fact
from workflows.rules.terms import unit_cycle, year_cycle


@dataclass(frozen=True)
class RehearsedYear:
    """What a year of 17 people who do as they are asked has left."""

    settings: Settings
    facts: tuple[tuple[int, Fact], ...]
    files: dict[str, Path]
    """The exported history of each cycle."""

    unit = unit_cycle(EMPLOYER, "u1", YEAR)
    year = year_cycle(EMPLOYER, YEAR)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.settings.payload_keys)

    def events(self, cycle: str) -> Events:
        return read(self.files[cycle])


@pytest.fixture(scope="session")
async def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> RehearsedYear:
    """The year's folder is for reading; copy what a test changes."""
    settings = Settings(state=tmp_path_factory.mktemp("rehearsed"), task_queue="rehearsed")
    installation = await rehearse(settings, CAST, programme(), law(), YEAR, Story())
    async with installation.database.read() as reader:
        facts = tuple(await reader.facts(EMPLOYER))
    await installation.database.close()
    files = {workflow_of(read(file)): file for file in longest(settings.histories)}
    return RehearsedYear(settings, facts, files)


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sawmill's state on the day when a step is open; copy it, and nothing is written in it."""
    return stage(tmp_path_factory.mktemp("mill"))


@pytest.fixture
def desk(opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk at that sawmill, with a state of its own."""
    return Desk(copied(opened, tmp_path / "state"), monkeypatch)
