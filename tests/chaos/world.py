"""The employer of the kill test: many small units, two gates in each one's year, in real time on real processes.

The year runs on a clock of its own that is ahead of the wall's by a fixed time, so that on whatever day the
test is run it is a morning in March with every step open.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from activities.directory.people import PersonCard
from tests.rules.employers import employer
from worker.settings import MailSettings, Settings
from workflows.rules.base import Frozen
from workflows.rules.organisation import Organisation
from workflows.rules.programme import Programme
from workflows.rules.programme_file import parse_programme
from workflows.rules.terms import unit_cycle, year_cycle

YEAR = 2027
MORNING = datetime(YEAR, 3, 10, 6, 30, tzinfo=UTC)
"""When it is in Oslo half past seven on a Wednesday, after the day's steps have opened."""

HURRY = 60
"""So many times faster is the clock of the outbox: what it waits for by the clock (quiet, leases, tries) comes soon."""

GATES = ("Y02", "Y03")
"""The steps of a unit's year. In each the safety representative is consulted, and then the manager approves."""

_STEP = """
[[steps]]
id = "{id}"
name = {{ nb = "Steg", en = "Step" }}
stage = "{stage}"
level = "{level}"
windows = [{{ opens = "03-01", due = "03-31" }}]
owner = "{owner}"
participants = ["{rep}"]
gate = [
  {{ kind = "consult", role = "{rep}", order = 1 }},
  {{ kind = "approve", role = "{owner}", order = 2 }},
]
inform = ["{owner}", "{rep}"]
evidence = {{ nb = "Et dokument", en = "A document" }}
"""

PROGRAMME = """
[programme]
id = "chaos"
version = 1
name = { nb = "Et urolig år", en = "A year of troubles" }
closes = "01-31"

[ladder]
reminders = [3]
rungs = [{ days = 10, to = ["leader_of_owner"] }]
""" + "".join(
    _STEP.format(id=id, stage=stage, level=level, owner=owner, rep=rep)
    for id, stage, level, owner, rep in (
        ("Y01", "plan", "employer", "top_manager", "senior_safety_rep"),
        ("Y02", "map", "unit", "manager", "safety_rep"),
        ("Y03", "assess", "unit", "manager", "safety_rep"),
    )
)


class World(Frozen):
    """What all processes of one run agree on; it lies in `folder`.

    `ahead` is added to the wall's time. `address` is Temporal's, `mail_port` the mail server's on this machine.
    """

    folder: Path
    database_url: str | None
    seed: int
    units: int
    deciders: int
    ahead: timedelta
    address: str
    mail_port: int

    def save(self) -> None:
        (self.folder / "world.json").write_text(self.model_dump_json(), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> World:
        return cls.model_validate_json((folder / "world.json").read_text("utf-8"))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def soon(self) -> datetime:
        """The outbox's time."""
        return MORNING + (self.now() - MORNING) * HURRY

    @cached_property
    def organisation(self) -> Organisation:
        return employer(max(17, 6 + 2 * self.units), units=self.units)

    @property
    def employer(self) -> str:
        return self.organisation.employer

    @property
    def cycles(self) -> list[str]:
        """The units' years, and the employer's own at the end."""
        units = [f"u{number}" for number in range(1, self.units + 1)]
        return [*(unit_cycle(self.employer, unit, YEAR) for unit in units), year_cycle(self.employer, YEAR)]

    @property
    def gates(self) -> list[tuple[str, str]]:
        """Every gate of the year: its cycle and step."""
        *units, own = self.cycles
        return [*((cycle, step) for cycle in units for step in GATES), (own, "Y01")]

    @property
    def decisions(self) -> int:
        return 2 * len(self.gates)

    @property
    def people(self) -> tuple[PersonCard, ...]:
        ids = self.organisation.people()
        return tuple(
            PersonCard(id=id, name=id, email=f"{id}@fjell.example", external_key=id) for id in sorted(ids)
        )

    @property
    def settings(self) -> Settings:
        mail = MailSettings(host="127.0.0.1", port=self.mail_port, starttls=False)
        given = {} if self.database_url is None else {"database_url": self.database_url}
        return Settings(state=self.folder, task_queue="chaos", mail=mail, **given)

    def journal(self, decider: int) -> Path:
        """Where a decider writes down what it was told."""
        return self.folder / f"decider{decider}.journal"


def programme() -> Programme:
    return parse_programme(PROGRAMME)
