"""How everything stood at a moment of the past, from the ledger alone.

There are two pasts. *Recorded*: what the ledger said then, which is what people could know. *Concerned*: what is
known today of how it was then, with what was recorded later. They differ where something was recorded late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from activities.store.reader import Reader
from activities.store.rows import CycleRow, InboxRow, State, StepRow
from activities.store.search import size_at
from activities.store.standings import StepStanding
from workflows.rules.base import Frozen
from workflows.rules.calendar import OSLO
from workflows.rules.events import CycleClosed, CycleStarted, DutyChanged, Fact, OrganisationChanged
from workflows.rules.organisation import Profile
from workflows.rules.plan import plan
from workflows.rules.situation import Situation
from workflows.rules.terms import CycleRef, Hash

Clock = Literal["concerned", "recorded"]
"""Which of a fact's two times is meant."""

_PAGE = 2000
_SECOND = timedelta(seconds=1)


class CycleThen(Frozen):
    """A year that had been started, with what it moved by."""

    id: str
    programme: Hash
    law: Hash
    organisation: Hash
    profile: Profile
    state: State
    started: AwareDatetime
    closed: AwareDatetime | None = None


class AsOf(Frozen):
    """How an employer stood at `at`, by one of the clocks.

    `size` is how long the ledger was then (recorded), or is now (concerned). `steps` and `inbox` are ordered as
    `Reader.steps` and `Reader.inbox` order theirs. `organisation` is the hash of the newest version that a year
    had been told of.
    """

    employer: str
    at: AwareDatetime
    clock: Clock
    size: int
    organisation: Hash | None
    cycles: tuple[CycleThen, ...]
    steps: tuple[StepRow, ...]
    inbox: tuple[InboxRow, ...]

    def counts(self, seq: int, fact: Fact) -> bool:
        """Whether the fact at this place had happened, or was known."""
        return seq <= self.size if self.clock == "recorded" else fact.concerns <= self.at

    def cycle(self, id: str) -> CycleThen | None:
        return next((cycle for cycle in self.cycles if cycle.id == id), None)


def end_of(day: date) -> datetime:
    """The last second of a day in Norway: «as of» a day means when it was over."""
    after = day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=OSLO) - _SECOND


async def as_of(
    reader: Reader,
    employer: str,
    at: datetime,
    clock: Clock = "recorded",
    *,
    cycles: Collection[str] | None = None,
) -> AsOf:
    """How the employer stood at the moment, in whole seconds. Reads every fact; those of `cycles` only, if given.

    An erased text or person changes nothing: neither is in the ledger.
    """
    size = (await reader.head(employer)).size
    if clock == "recorded":
        size = min(size, await size_at(reader, employer, at.replace(microsecond=0) + _SECOND))
    fold = _Fold()
    async for seq, fact in _facts(reader, employer, size, cycles):
        if clock == "recorded" or fact.concerns <= at:
            fold.take(seq, fact)
    return AsOf(
        employer=employer, at=at, clock=clock, size=size, organisation=fold.organisation,
        cycles=tuple(fold.cycles.values()), steps=fold.steps(), inbox=fold.inbox(),
    )  # fmt: skip


async def situation(reader: Reader, row: CycleRow, then: AsOf) -> Situation:
    """What the cycle moved by then: its pinned programme and law, and the organisation as it knew it.

    `StoreError` where one of them is not kept.
    """
    from workflows.rules.law import LegalRegister
    from workflows.rules.programme import Programme

    ref = CycleRef.parse(row.id)
    programme = Programme.model_validate_json(await reader.rulebook(row.programme))
    law = LegalRegister.model_validate_json(await reader.rulebook(row.law))
    hash, organisation = await reader.organisation(ref.employer, then.organisation)
    whole = plan(programme, organisation, law, ref.year)
    return Situation(
        cycle=ref, programme=programme, law=law, organisation=organisation, organisation_hash=hash,
        plan=whole.only(ref),
    )  # fmt: skip


class _Place(NamedTuple):
    cycle: str
    step: str


class _Fold:
    """What the facts come to, taken one by one in the order of the ledger."""

    def __init__(self) -> None:
        self.organisation: str | None = None
        self.cycles: dict[str, CycleThen] = {}
        self._standings: dict[_Place, StepStanding] = {}

    def take(self, seq: int, fact: Fact) -> None:
        if fact.cycle is None:
            return
        if fact.step is not None:
            place = _Place(fact.cycle, fact.step)
            self._standings.setdefault(place, StepStanding(*place)).take(fact)
        here = self.cycles.get(fact.cycle)
        match fact.body:
            case CycleStarted(programme=programme, law=law, organisation=hash, profile=profile):
                self.organisation = hash
                self.cycles[fact.cycle] = CycleThen(
                    id=fact.cycle, programme=programme, law=law, organisation=hash, profile=profile,
                    state="running", started=fact.concerns,
                )  # fmt: skip
            case OrganisationChanged(organisation=hash):
                self.organisation = hash
                if here is not None:
                    self.cycles[fact.cycle] = here.model_copy(update={"organisation": hash})
            case DutyChanged(profile_after=profile):
                if here is not None:
                    self.cycles[fact.cycle] = here.model_copy(update={"profile": profile})
            case CycleClosed():
                if here is not None:
                    closed = {"state": "closed", "closed": fact.concerns}
                    self.cycles[fact.cycle] = here.model_copy(update=closed)

    def steps(self) -> tuple[StepRow, ...]:
        rows = (StepRow.model_validate(s.status) for s in self._standings.values() if s.status is not None)
        return tuple(sorted(rows, key=lambda r: (r.cycle, r.due is None, r.due or date.max, r.step)))

    def inbox(self) -> tuple[InboxRow, ...]:
        rows = [InboxRow.model_validate(row) for s in self._standings.values() for row in s.inbox.values()]
        return tuple(sorted(rows, key=_by_due))


def _by_due(row: InboxRow) -> tuple[bool, date, str, str, str, str, str]:
    return (
        row.due is None, row.due or date.max, row.cycle, row.step, row.what, row.role.value, row.person,
    )  # fmt: skip


async def _facts(
    reader: Reader, employer: str, size: int, cycles: Collection[str] | None
) -> AsyncIterator[tuple[int, Fact]]:
    """The facts up to that place, in the order of the ledger, or cycle by cycle."""
    for cycle in [None] if cycles is None else sorted(cycles):
        after = 0
        while page := await reader.facts(employer, cycle=cycle, after=after, limit=_PAGE):
            for seq, fact in page:
                if seq <= size:
                    yield seq, fact
            after = page[-1][0]
            if after >= size:
                break
