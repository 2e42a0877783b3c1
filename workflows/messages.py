"""Everything that crosses the Temporal boundary. Opaque ids, roles, hashes and dates; never personal text."""

from __future__ import annotations

from datetime import timedelta

from pydantic import AwareDatetime

from workflows.rules.base import Frozen
from workflows.rules.events import Fact


class CycleInput(Frozen):
    """Starts the year of an employer or a unit.

    `shift` is added to the server's time: a rehearsal lives in another year than the server. Zero otherwise.
    """

    cycle: str
    shift: timedelta = timedelta(0)


class AdvanceRequest(Frozen):
    """What is due for `cycle` at `now`, and what was recorded after ledger position `since`?"""

    cycle: str
    now: AwareDatetime
    since: int


class Recorded(Frozen):
    """A fact with its position in the employer's ledger."""

    seq: int
    fact: Fact


class Advanced(Frozen):
    """All facts of the cycle after the asked position, and the moment to look again.

    `next_moment` is None when the cycle is closed or waits for somebody else's year.
    """

    facts: tuple[Recorded, ...]
    next_moment: AwareDatetime | None
    closed: bool


class Bell(Frozen):
    """Something was recorded for this cycle; `fact` is its id. It carries no authority: the ledger is read."""

    fact: str


class CycleResult(Frozen):
    """How a year ended: steps by outcome, and the last ledger position it has seen."""

    cycle: str
    closed: int
    left_open: int
    withdrawn: int
    seq: int


class OpenerInput(Frozen):
    """Starts the employer's next year; `year` is None for the year after the one the Opener runs in."""

    employer: str
    year: int | None = None


class StartYearRequest(Frozen):
    employer: str
    year: int
