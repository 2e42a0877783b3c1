"""Everything that crosses the Temporal boundary. Opaque ids, roles, hashes and dates; never personal text."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from workflows.rules.base import Frozen
from workflows.rules.events import Fact
from workflows.rules.statement import Envelope
from workflows.rules.terms import Hash


class CycleInput(Frozen):
    """Starts the year of an employer or a unit.

    `shift` is added to the server's time: a rehearsal lives in another year than the server. Zero otherwise.
    A `sealed` run was started under our key and believes nothing that is not.
    """

    cycle: str
    shift: timedelta = timedelta(0)
    sealed: bool = False


class AdvanceRequest(Frozen):
    """What is due for `cycle` at `now`, and what was recorded after ledger position `since`?

    `run` and `number` say which of a run's questions it is.
    """

    cycle: str
    now: AwareDatetime
    since: int
    run: str = ""
    number: int = 0

    @property
    def digest(self) -> str:
        """What the answer repeats, so that the answer to another request is not taken for it.

        Without `now`, which is another when the workflow is replayed: what was asked in a task that lasted long
        is asked at a later task's time then.
        """
        return _digest("advance", self.cycle, self.run, str(self.number), str(self.since))


class Recorded(Frozen):
    """A fact with its position in the employer's ledger."""

    seq: int
    fact: Fact


class Advanced(Frozen):
    """The facts of the cycle after the asked position, and the moment to look again.

    `next_moment` is None when the cycle is closed or waits for somebody else's year. `more` says that there are
    facts after these: ask again at once. `request` is the request's digest (None in answers of version 0.1.0).
    `keys` are the enrolments of the keys that signed these facts, so that an exported history proves itself.
    """

    facts: tuple[Recorded, ...]
    next_moment: AwareDatetime | None
    closed: bool
    more: bool = False
    request: str | None = None
    keys: tuple[Recorded, ...] = ()


class SignalItem(Frozen):
    """One signal that is not the bell: a statement to `decide` on, an `unknown` name, or one that is `unreadable`.

    `number` counts such signals in their run. `body` is there only for a statement. `sha256` and `size` (bytes)
    are those of what came, several arguments by the SHA-256 of their digests in hex. `name` is the beginning of
    the SHA-256 of the signal's name, which could be personal text.
    """

    number: int
    kind: Literal["decide", "unknown", "unreadable"]
    body: str | None
    sha256: Hash
    size: int
    name: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class ReceiveRequest(Frozen):
    """Signals of one run to be recorded, in the order in which they came.

    A request may be repeated with more at its end: what was recorded of the first is found by the numbers.
    """

    cycle: str
    run: str
    now: AwareDatetime
    items: tuple[SignalItem, ...]

    @property
    def digest(self) -> str:
        """What the answer repeats, so that the answer to another request is not taken for it."""
        items = (f"{item.number} {item.sha256}" for item in self.items)
        return _digest("receive", self.cycle, self.run, *items)


class SignalOutcome(Frozen):
    """What became of one signal: its place in the ledger, and why it was refused if it was.

    `seq` is None where nothing could be recorded, as for a cycle that the ledger does not know.
    """

    accepted: bool
    reason: str | None
    seq: int | None


class Received(Frozen):
    """One outcome for each signal, in the order of the request, whose digest is `request`."""

    outcomes: tuple[SignalOutcome, ...]
    request: str


class Bell(Frozen):
    """Something was recorded for this cycle; `fact` is its id. It carries no authority: the ledger is read.

    `statement` is what the person signed, if it was a person: so that it stands in Temporal's history too.
    """

    fact: str
    statement: Envelope | None = None


class CycleResult(Frozen):
    """How a year ended: steps by outcome, and the last ledger position it has seen."""

    cycle: str
    closed: int
    left_open: int
    withdrawn: int
    seq: int


class OpenerInput(Frozen):
    """Starts the employer's next year; `year` is None for the year after the one the Opener runs in.

    A `sealed` Opener was started under our key and believes no answer that is not.
    """

    employer: str
    year: int | None = None
    sealed: bool = False


class StartYearRequest(Frozen):
    employer: str
    year: int


class RetentionInput(Frozen):
    """Starts the yearly erasing of what an employer has kept long enough.

    A `sealed` run was started under our key and believes no answer that is not.
    """

    employer: str
    sealed: bool = False


class EraseDueRequest(Frozen):
    """Erase some of what is due for the employer; `run` and `number` say which of a run's questions it is."""

    employer: str
    run: str = ""
    number: int = 0

    @property
    def digest(self) -> str:
        """What the answer repeats, so that the answer to another request is not taken for it."""
        return _digest("erase", self.employer, self.run, str(self.number))


class Erased(Frozen):
    """How many records went, and whether there are more. `request` is the request's digest."""

    count: int
    more: bool
    request: str


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
