"""The running years: opening one, and recording what is due in it, each in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from temporalio import activity

from activities.clocks import Clock, Clocks
from activities.proof import Keys, due_and_proven
from activities.situations import Situations, Standings
from activities.store.database import Database
from activities.store.rows import CycleRow
from activities.store.transaction import Transaction
from workflows.messages import Advanced, AdvanceRequest, Recorded, StartYearRequest
from workflows.ports import CycleActivities
from workflows.rules.addressees import told
from workflows.rules.cycle import next_moment
from workflows.rules.events import (
    CycleClosed,
    CycleStarted,
    Fact,
    ResponsibilityMoved,
    UnitYearStarted,
)
from workflows.rules.findings import Finding, examine
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Profile
from workflows.rules.plan import plan
from workflows.rules.programme import Programme
from workflows.rules.programme_file import check_law
from workflows.rules.standing import fold
from workflows.rules.terms import CycleRef

FACTS_TOGETHER = 200
"""Facts in one answer to a workflow: Temporal takes 2 MB, and a fact with what a person signed has about 3 kB."""


class YearError(Exception):
    """A year that cannot be started, or is not there. `code` is stable; `detail` names the place."""

    def __init__(self, code: str, detail: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.findings = code, detail, tuple(findings)


class Cycles(CycleActivities):
    """The cycles' activities on the store. `clock` tells the time for what is started here."""

    def __init__(self, database: Database, clock: Clock, situations: Situations | None = None) -> None:
        self.database = database
        self.situations = situations or Situations()
        self._clock = clock
        self._clocks = Clocks(clock)
        self._standings = Standings()
        self._keys = Keys()
        self._first_use: dict[str, dict[str, int]] = {}

    @activity.defn(name="advance")
    async def advance(self, request: AdvanceRequest) -> Advanced:
        ref = CycleRef.parse(request.cycle)
        async with self.database.write(ref.employer) as tx:
            row = await tx.cycle(ref.id)
            if row is None:
                raise YearError("unknown_cycle", ref.id)
            standing = await self._standings.of(tx, ref)
            situation = await self.situations.of(tx, row)
            now = await self._clocks.believed(tx, ref.employer, request.now)
            due = await due_and_proven(tx, self._keys, situation, standing, now)
            new = await tx.append(due)
            as_stored = {fact.id: fact for _, fact in new}
            standing = fold((as_stored.get(fact.id, fact) for fact in due), standing)
            upcoming = next_moment(situation, standing, now)
            await self._follow(tx, row, due, new, now)
            await tx.update_cycle(
                ref.id,
                state="closed" if standing.closed_at else "running",
                closed=standing.closed_at,
                next_moment=upcoming,
                organisation=situation.organisation_hash,
            )
            facts = await tx.facts(ref.employer, cycle=ref.id, after=request.since)
            shown = facts[:FACTS_TOGETHER]
            known = self._known_keys(ref.id, shown, request.since)
            keys = await self._keys.enrolments(tx, ref.employer, shown, known)
        return Advanced(
            facts=tuple(Recorded(seq=seq, fact=fact) for seq, fact in shown),
            keys=tuple(Recorded(seq=seq, fact=fact) for seq, fact in keys),
            next_moment=upcoming,
            closed=standing.closed_at is not None,
            more=len(facts) > FACTS_TOGETHER,
            request=request.digest,
        )

    def _known_keys(self, cycle: str, facts: Sequence[tuple[int, Fact]], since: int) -> set[str]:
        """The keys that the cycle's run was shown before: each goes with the first fact that it signed."""
        first = self._first_use.setdefault(cycle, {})
        for seq, fact in facts:
            if fact.signed is not None:
                first[fact.signed.key] = min(seq, first.get(fact.signed.key, seq))
        return {key for key, seq in first.items() if seq <= since}

    @activity.defn(name="start_year")
    async def start_year(self, request: StartYearRequest) -> str:
        """The next year starts on the programme and the law that the newest of the employer's years runs on."""
        async with self.database.read() as reader:
            rows = [c for c in await reader.cycles(employer=request.employer) if c.unit is None]
            if not rows:
                raise YearError("no_year_to_follow", request.employer)
            newest = max(rows, key=lambda c: c.year)
            programme = Programme.model_validate_json(await reader.rulebook(newest.programme))
            law = LegalRegister.model_validate_json(await reader.rulebook(newest.law))
        try:
            return await open_year(
                self.database, request.employer, request.year, programme, law, self._clock()
            )
        except YearError as error:
            if error.code == "already_started":
                return CycleRef(employer=request.employer, year=request.year).id
            raise

    async def _follow(
        self,
        tx: Transaction,
        row: CycleRow,
        due: Sequence[Fact],
        new: Sequence[tuple[int, Fact]],
        now: datetime,
    ) -> None:
        """What the new facts set going outside: mails, units' years, and the bell of the employer's year."""
        moved = {(f.step, f.body.role): f.body.before for f in due if isinstance(f.body, ResponsibilityMoved)}
        for seq, fact in new:
            await tx.tell(told(fact, moved), fact, seq, now)
            if isinstance(fact.body, CycleClosed) and row.unit is not None:
                year = CycleRef(employer=row.employer, year=row.year)
                await tx.ring(year.id, fact.id, now)
        units = [
            CycleRef(employer=row.employer, year=row.year, unit=fact.body.unit)
            for _, fact in new
            if isinstance(fact.body, UnitYearStarted)
        ]
        await _start_cycles(tx, units, row.programme, row.law, row.organisation, row.profile, now)


async def open_year(
    database: Database,
    employer: str,
    year: int,
    programme: Programme,
    law: LegalRegister,
    now: datetime,
) -> str:
    """Start an employer's year, all of it or nothing, and answer with the cycle's id.

    `YearError` when it was started before or the organisation has errors; `ProgrammeError` when the
    programme does not give a possible year.
    """
    ref = CycleRef(employer=employer, year=year)
    check_law(programme, law, year)
    async with database.write(employer) as tx:
        if await tx.cycle(ref.id) is not None:
            raise YearError("already_started", ref.id)
        hash, organisation = await tx.organisation(employer)
        plan(programme, organisation, law, year)
        start = programme.calendar.settle(date(year, 1, 1))
        errors = [f for f in examine(organisation, law, start) if f.severity == "error"]
        if errors:
            raise YearError("organisation_has_errors", employer, errors)
        await tx.put_rulebook(programme.content_hash, "programme", programme.model_dump_json())
        await tx.put_rulebook(law.content_hash, "law", law.model_dump_json())
        profile = organisation.duties(law, start).profile
        await _start_cycles(tx, [ref], programme.content_hash, law.content_hash, hash, profile, now)
    return ref.id


async def _start_cycles(
    tx: Transaction,
    refs: Sequence[CycleRef],
    programme: str,
    law: str,
    organisation: str,
    profile: Profile,
    now: datetime,
) -> None:
    """Start one employer's cycles. Their facts are appended together: there may be hundreds of units."""
    if not refs:
        return
    home = await tx.employer(refs[0].employer)
    started = CycleStarted.model_validate(
        {
            "programme": programme, "law": law, "organisation": organisation, "profile": profile,
            "rehearsal": home.mode == "rehearsal",
        }
    )  # fmt: skip
    facts = [
        Fact(
            id=f"{r.id}#started", employer=r.employer, cycle=r.id, concerns=now, recorded=now, body=started
        )
        for r in refs
    ]  # fmt: skip
    rows = [
        CycleRow(
            id=r.id, employer=r.employer, unit=r.unit, year=r.year, programme=programme, law=law,
            organisation=organisation, profile=profile, started=now,
        )
        for r in refs
    ]  # fmt: skip
    for row in rows:
        await tx.put_cycle(row)
    await tx.append(facts)
    for row, fact in zip(rows, facts, strict=True):
        await tx.enqueue("start", row.id, fact.id, now)
