"""What cycles move by and where they stand, read once and kept."""

from __future__ import annotations

from collections import OrderedDict

from activities.store.reader import Reader
from activities.store.rows import CycleRow
from workflows.rules.calendar import oslo_day
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Organisation, Profile
from workflows.rules.plan import PlannedStep, YearPlan, plan
from workflows.rules.programme import Programme
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, StepStanding, fold
from workflows.rules.terms import CycleRef

MOST_STANDINGS = 512
"""Standings kept in a process; those looked at longest ago go first."""


class Situations:
    """The situations of cycles, with the parsed rulebooks and plans kept: they are named by content.

    What belongs to an organisation that is no longer the newest is let go.
    """

    def __init__(self) -> None:
        self._programmes: dict[str, Programme] = {}
        self._laws: dict[str, LegalRegister] = {}
        self._organisations: dict[str, Organisation] = {}
        self._plans: dict[tuple[str, str, str, int], YearPlan] = {}
        self._situations: dict[str, tuple[str, Situation]] = {}

    async def of(self, reader: Reader, row: CycleRow) -> Situation:
        """What the cycle moves by now: its pinned programme and law, and the newest organisation."""
        ref = CycleRef.parse(row.id)
        hash = await reader.organisation_hash(ref.employer)
        units_open = ref.unit is None and any(
            c.unit is not None
            for c in await reader.cycles(employer=ref.employer, year=ref.year, state="running")
        )
        kept = self._situations.get(row.id)
        if kept is None or kept[0] != hash:
            if kept is not None:
                self._let_go(kept[0])
            kept = self._situations[row.id] = hash, await self._fresh(reader, row, ref, hash)
        situation = kept[1]
        return situation.model_copy(update={"units_open": True}) if units_open else situation

    def _let_go(self, organisation: str) -> None:
        self._organisations.pop(organisation, None)
        for key in [key for key in self._plans if key[2] == organisation]:
            del self._plans[key]

    async def _fresh(self, reader: Reader, row: CycleRow, ref: CycleRef, hash: str) -> Situation:
        programme = await self._programme(reader, row.programme)
        law = await self._law(reader, row.law)
        if hash not in self._organisations:
            self._organisations[hash] = (await reader.organisation(ref.employer, hash))[1]
        organisation = self._organisations[hash]
        key = (row.programme, row.law, hash, ref.year)
        if key not in self._plans:
            self._plans[key] = plan(programme, organisation, law, ref.year)
        return Situation(
            cycle=ref, programme=programme, law=law, organisation=organisation, organisation_hash=hash,
            plan=self._plans[key].only(ref),
        )  # fmt: skip

    async def _programme(self, reader: Reader, hash: str) -> Programme:
        if hash not in self._programmes:
            self._programmes[hash] = Programme.model_validate_json(await reader.rulebook(hash))
        return self._programmes[hash]

    async def _law(self, reader: Reader, hash: str) -> LegalRegister:
        if hash not in self._laws:
            self._laws[hash] = LegalRegister.model_validate_json(await reader.rulebook(hash))
        return self._laws[hash]


class Standings:
    """Standings of the cycles of one database, kept by ledger position: a ledger only grows."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Standing]] = OrderedDict()

    async def of(self, reader: Reader, ref: CycleRef) -> Standing:
        """Where the cycle stands by the facts that `reader` sees; only those not seen before are read."""
        seq, standing = self._kept.pop(ref.id, (0, Standing()))
        new = await reader.facts(ref.employer, cycle=ref.id, after=seq)
        if new:
            seq, standing = new[-1][0], fold((fact for _, fact in new), standing)
        self._kept[ref.id] = seq, standing
        if len(self._kept) > MOST_STANDINGS:
            self._kept.popitem(last=False)
        return standing


def opened_step(situation: Situation, here: StepStanding, profile: Profile) -> PlannedStep:
    """A step that the newest organisation no longer plans, as it was when it was opened."""
    rule = situation.programme.step(here.key.partition(".")[0]).for_profile(profile)
    return PlannedStep(
        key=here.key, step=rule.id, cycle=situation.cycle, name=rule.name, stage=rule.stage,
        opens=oslo_day(here.opened_at), due=here.due, owner=rule.owner, participants=rule.participants,
        slots=rule.gate, inform=rule.inform, evidence=rule.evidence, requirements=rule.requirements,
        law=rule.law, methods=rule.methods, builds_on=(),
    )  # fmt: skip
