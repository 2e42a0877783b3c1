"""A desk at the sawmill: commands on its real store, at a time that the test gives."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from click.testing import CliRunner, Result

from activities.store.rows import PersonRow
from tests.activities.sawmill import EMPLOYER, Sawmill, organisation
from worker.cli import clock
from worker.cli.frame import Root
from workflows.rules.calendar import OSLO
from workflows.rules.events import Fact
from workflows.rules.organisation import Absence

T = TypeVar("T")

OPEN = date(2027, 3, 10)
"""Y10 of the unit is open and due on 31 March; Y15 opens on 5 May."""


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """Standard output without the line breaks of the layout."""
        return " ".join(self.out.split())


class Desk:
    """Somebody who types commands; it is noon on `day` in Oslo, and a minute later after each act."""

    def __init__(self, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = state
        self.now = datetime(2027, 3, 10, 12, tzinfo=OSLO)
        self._runner = CliRunner(
            env={
                "FORSVARLIG_STATE": str(state),
                "XDG_CONFIG_HOME": str(state / "config"),
                "LANGUAGE": "nb",
                "COLUMNS": "80",
                "TEMPORAL_ADDRESS": None,
            }
        )
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def __call__(self, *arguments: str, input: str | None = None) -> Said:
        result: Result = self._runner.invoke(Root(), arguments, prog_name="forsvarlig", input=input)
        return Said(result.exit_code, result.stdout, result.stderr)

    def go(self, day: date | None = None) -> None:
        """What a worker would do until noon of that day, or right now."""

        async def move(mill: Sawmill) -> None:
            mill.now = self.now
            await (mill.advance() if day is None else mill.go(day))
            self.now = mill.now + timedelta(minutes=1)

        self._with(move)

    def file(self, text: str = "Møtereferat", step: str = "Y10", who: str = "kari") -> None:
        """File a document and let the gate move on."""
        path = self.state / "referat.txt"
        path.write_text(text, encoding="utf-8")
        said = self("step", "submit", "sagbruk", step, str(path), "--as", who)
        assert said.code == 0, said.err
        self.go()

    def facts(self, kind: str | None = None) -> list[tuple[int, Fact]]:
        """The ledger, or the facts of one kind, with their places."""

        async def read(mill: Sawmill) -> list[tuple[int, Fact]]:
            async with mill.database.read() as reader:
                return [(seq, f) for seq, f in await reader.facts(EMPLOYER) if kind in (None, f.kind)]

        return self._with(read)

    def people(self, *rows: PersonRow) -> None:
        """Change the directory."""
        self._with(lambda mill: mill.change(*rows))

    def absent(self, *absences: Absence) -> None:
        """Put the organisation in force as it is with these absences."""

        async def put(mill: Sawmill) -> None:
            async with mill.database.write(EMPLOYER) as tx:
                await tx.put_organisation(organisation(*absences), self.now)

        self._with(put)
        self.go()

    def _with(self, work: Callable[[Sawmill], Awaitable[T]]) -> T:
        async def run() -> T:
            mill = Sawmill(self.state)
            try:
                return await work(mill)
            finally:
                await mill.database.close()

        return asyncio.run(run())


def stage(folder: Path) -> Path:
    """The sawmill's year on `OPEN`."""

    async def start() -> None:
        async with Sawmill.started(folder) as mill:
            await mill.go(OPEN)

    asyncio.run(start())
    return folder


def copied(template: Path, folder: Path) -> Path:
    """A state of its own like the one in `template`."""
    return Path(shutil.copytree(template, folder))


def played(opened: Path, folder: Path, act: Callable[[Desk], object]) -> Desk:
    """The sawmill in `folder` after somebody did `act` there; for `resumed` only, since its clock has stopped."""
    with pytest.MonkeyPatch.context() as patch:
        desk = Desk(copied(opened, folder), patch)
        act(desk)
    return desk


def resumed(scene: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with a state of its own, where and when `scene` left off."""
    desk = Desk(copied(scene.state, folder), monkeypatch)
    desk.now = scene.now
    return desk
