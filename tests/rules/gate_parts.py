"""What the clauses of the gate are tried on: a step, how it stands, and who is there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests.rules.employers import MEDIUM, SINCE
from workflows.rules.calendar import WorkCalendar
from workflows.rules.gate import Gate
from workflows.rules.organisation import Absence, Organisation, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.programme import SlotRule, Stage, Text
from workflows.rules.standing import Owed, StepStanding
from workflows.rules.terms import CycleRef

NOW = datetime(2027, 5, 12, 10, tzinfo=UTC)
CLOSES = datetime(2028, 1, 31, 7, tzinfo=UTC)
V1, COMMENT = "1" * 64, "c" * 64
TOP, HR, MANAGER, REP, OTHER = "p1", "p2", "p3", "p4", "p7"


def step(*slots: SlotRule, owner: Role = Role.MANAGER, unit: str | None = "u1") -> PlannedStep:
    return PlannedStep(
        key="Y15", step="Y15", cycle=CycleRef(employer="fjell", year=2027, unit=unit), name=Text(nb="x", en="x"),
        stage=Stage.ASSESS, opens=date(2027, 5, 5), due=date(2027, 5, 20), owner=owner, participants=(),
        slots=slots, inform=(), evidence=Text(nb="x", en="x"), requirements=(), law=(), methods=(), builds_on=(),
    )  # fmt: skip


def standing(**changes: Any) -> StepStanding:
    whole = {
        "key": "Y15", "opened_at": NOW, "due": date(2027, 5, 20), "document": V1, "version": 1, "author": MANAGER,
        **changes,
    }  # fmt: skip
    return StepStanding.model_validate(whole)


def gate(here: StepStanding, planned: PlannedStep | None = None, organisation: Organisation = MEDIUM) -> Gate:
    return Gate(
        step=planned or step(),
        standing=here,
        organisation=organisation,
        calendar=WorkCalendar(),
        closes=CLOSES,
    )


def owed(version: int, *people: str, due: date = date(2027, 5, 26), **more: Any) -> Owed:
    return Owed(version=version, disagree=people, due=due, **more)


def away(person: str, substitute: str, organisation: Organisation = MEDIUM) -> Organisation:
    absence = Absence(person=person, substitute=substitute, since=SINCE)
    return organisation.model_copy(update={"absences": (absence,)})


OWN = step(owner=Role.TOP_MANAGER, unit=None)
