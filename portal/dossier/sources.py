"""What an inspection file is made from, read once: the ledger up to a checkpoint, and what belongs to it.

Everything but people's names, file names and what people wrote follows from the ledger's first facts. Those
three are kept beside the ledger, where they can be erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from activities.language import Language
from activities.ledger.heads import Checkpoint
from activities.ledger.log import committed
from activities.store.checkpoints import AnchorRow, anchors
from activities.store.reader import Reader
from activities.store.rows import DocumentRow, EmployerRow
from workflows.rules.calendar import oslo_day
from workflows.rules.events import CycleStarted, Fact
from workflows.rules.evidence import Evidence, Placed, StepEvidence, evidence
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import Organisation
from workflows.rules.plan import YearPlan, plan
from workflows.rules.programme import Programme
from workflows.rules.record_facts import DocumentErased, PersonErased, TextsErased
from workflows.rules.standing import fold
from workflows.rules.terms import Basis, CycleRef

_PAGE = 2_000
"""Facts that are read together."""

Show = Callable[[int, Fact], bool]
"""Whether what was written with a fact, at this place in the ledger, may be shown."""


class UnknownLaw(LookupError):
    """The register has neither a requirement nor a provision like this."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"The legal register has neither a requirement nor a provision {reference!r}. "
            "Write a requirement like R-20, an id like AML-4-3, or a citation like «§ 4-3»."
        )
        self.reference = reference


class NoSuchYear(LookupError):
    """The first `size` facts of the employer know no such year; `years` are those that they know."""

    def __init__(self, employer: str, year: int, size: int, years: Sequence[int]) -> None:
        known = ", ".join(map(str, years)) or "none"
        super().__init__(
            f"The first {size} facts of {employer} know no year {year} (they know: {known}). "
            "Choose one of those years, or a later checkpoint."
        )
        self.employer, self.year, self.size, self.years = employer, year, size, tuple(years)


@dataclass(frozen=True)
class Options:
    """What was asked for. `law` are references as people write them, each a requirement or a provision (none: all
    requirements); `person` is who asked, where it is known."""

    year: int
    language: Language
    unit: str | None = None
    law: tuple[str, ...] = ()
    person: str | None = None
    texts: bool = False
    names: bool = True
    documents: bool = False

    def cover(self, fact: Fact) -> bool:
        """Whether the fact is of the year, and of the employer's own cycle or of a unit that is asked for."""
        if fact.cycle is None:
            return False
        ref = CycleRef.parse(fact.cycle)
        return ref.year == self.year and (ref.unit is None or self.unit in (None, ref.unit))


@dataclass(frozen=True)
class Written:
    """A text that somebody wrote with a fact: the text, or why it is not here.

    `outside` is of a step that is not told; `withheld` is not for whoever asked, or was not asked for.
    """

    seq: int
    fact: Fact
    text: str | None
    state: Literal["shown", "withheld", "outside", "erased"]


@dataclass(frozen=True)
class Erasure:
    """That something was erased: when it was recorded, why, and how many texts, or which document or person."""

    seq: int
    at: datetime
    basis: Basis
    what: Literal["texts", "document", "person"]
    count: int
    id: str


@dataclass(frozen=True)
class Sources:
    """Everything that the inspection file tells. `facts` are those of the year, those of no year, and those with
    which somebody wrote a text, up to the checkpoint and by place; `anchors` those given out before the checkpoint
    was made, `wanted` the ids of the requirements that are told (none: all) and `steps` those that carry them.
    """

    options: Options
    employer: EmployerRow
    checkpoint: Checkpoint
    note: str
    anchors: tuple[AnchorRow, ...]
    facts: tuple[Placed, ...]
    programme: Programme
    law: LegalRegister
    organisation: Organisation
    organisation_hash: str
    plan: YearPlan
    shown: Evidence
    wanted: tuple[str, ...]
    steps: tuple[StepEvidence, ...]
    names: Mapping[str, str]
    erased_people: Mapping[str, int]
    documents: Mapping[str, DocumentRow]
    erasures: tuple[Erasure, ...]
    texts: Mapping[int, Written]

    @property
    def rehearsal(self) -> bool:
        return self.employer.mode == "rehearsal"

    def of_steps(self) -> tuple[Placed, ...]:
        """The facts of the steps that are told."""
        told = {(step.cycle.id, step.key) for step in self.steps}
        return tuple((seq, fact) for seq, fact in self.facts if (fact.cycle, fact.step) in told)

    def tells(self, fact: Fact) -> bool:
        """Whether the fact is of a cycle that is told."""
        return self.options.cover(fact)

    def unit_name(self, unit: str | None) -> str:
        """The unit as it is called; the employer's name for None."""
        if unit is None:
            return self.organisation.name
        return next((u.name for u in self.organisation.units if u.id == unit), unit)


async def read(
    reader: Reader, employer: EmployerRow, checkpoint: Checkpoint, note: str, options: Options, show: Show
) -> Sources:
    """Read them; `NoSuchYear` when the facts up to the checkpoint know no such year."""
    facts, years = await _facts(reader, employer.id, checkpoint.size, options.year)
    by_cycle: dict[str, list[Placed]] = {}
    for seq, fact in facts:
        if fact.cycle is not None:
            by_cycle.setdefault(fact.cycle, []).append((seq, fact))
    own = CycleRef(employer=employer.id, year=options.year)
    started = next((f.body for _s, f in by_cycle.get(own.id, ()) if isinstance(f.body, CycleStarted)), None)
    if started is None:
        raise NoSuchYear(employer.id, options.year, checkpoint.size, sorted(years))
    programme = Programme.model_validate_json(await reader.rulebook(started.programme))
    law = LegalRegister.model_validate_json(await reader.rulebook(started.law))
    in_force = fold(fact for _seq, fact in by_cycle[own.id]).organisation or started.organisation
    hash, organisation = await reader.organisation(employer.id, in_force)
    planned = plan(programme, organisation, law, options.year)
    of_year = {id: told for id, told in by_cycle.items() if CycleRef.parse(id).year == options.year}
    shown = evidence(programme, law, planned, of_year, oslo_day(checkpoint.time), unit=options.unit)
    wanted = tuple(dict.fromkeys(id for each in options.law for id in carried_by(law, each)))
    steps = tuple(s for s in shown.steps if not wanted or {*wanted} & {*s.requirements})
    people = {id: row.name for id, row in (await reader.people(employer.id)).items()}
    erasures = tuple(_erasures(facts))
    return Sources(
        options=options,
        employer=employer,
        checkpoint=checkpoint,
        note=note,
        anchors=tuple(a for a in await anchors(reader, employer.id) if a.made <= checkpoint.time),
        facts=facts,
        programme=programme,
        law=law,
        organisation=organisation,
        organisation_hash=hash,
        plan=planned,
        shown=shown,
        wanted=wanted,
        steps=steps,
        names=people if options.names else {},
        # Whoever has a name again has come back.
        erased_people={
            e.id: e.seq for e in erasures if e.what == "person" and people.get(e.id, "") in ("", e.id)
        },
        documents=await _documents(reader, steps),
        erasures=erasures,
        texts=await _texts(reader, facts, options, steps, show),
    )


async def _facts(reader: Reader, employer: str, size: int, year: int) -> tuple[tuple[Placed, ...], set[int]]:
    """The facts that `Sources` keeps, and the years there are, read bit by bit: a ledger has many years."""
    kept, of = list[Placed](), dict[str | None, int | None]({None: None})
    after = 0
    while page := await reader.facts(employer, after=after, limit=min(_PAGE, size - after)):
        after = page[-1][0]
        for seq, fact in page:
            if fact.cycle is not None and fact.cycle not in of:
                of[fact.cycle] = CycleRef.parse(fact.cycle).year
            if of[fact.cycle] in (None, year) or committed(fact) is not None:
                kept.append((seq, fact))
    return tuple(kept), {found for found in of.values() if found is not None}


def carried_by(law: LegalRegister, reference: str) -> tuple[str, ...]:
    """The requirements that a reference means: itself (R-20), or those that rest on a provision.

    A provision is said by its id (AML-4-3 means its paragraphs too) or by its citation («§ 4-3»). `UnknownLaw`
    for a reference to neither.
    """
    wanted = " ".join(reference.split()).casefold()
    known = [r.id for r in law.requirements if r.id.casefold() == wanted]
    meant = {p.id for p in law.provisions if _is_meant(wanted, p.id.casefold(), p.section.casefold())}
    if not known and not meant:
        raise UnknownLaw(reference)
    return tuple(dict.fromkeys([*known, *(r.id for r in law.requirements if meant & {*r.provisions})]))


def _is_meant(wanted: str, id: str, section: str) -> bool:
    return id == wanted or id.startswith(f"{wanted}-") or ("§" in wanted and f"{wanted} " in f"{section} ")


async def _documents(reader: Reader, steps: Sequence[StepEvidence]) -> dict[str, DocumentRow]:
    found = {}
    named = [f.document for step in steps for f in step.filings]
    named += [r.position for step in steps for r in step.replies if r.position is not None]
    for hash in dict.fromkeys(named):
        row = await reader.document(hash)
        if row is not None:
            found[hash] = row
    return found


async def _texts(
    reader: Reader, facts: Sequence[Placed], options: Options, steps: Sequence[StepEvidence], show: Show
) -> dict[int, Written]:
    written = [(seq, fact) for seq, fact in facts if committed(fact) is not None]
    if not written:
        return {}
    kept = await reader.payloads(written[0][1].employer, [fact.id for _seq, fact in written])
    told = {(step.cycle.id, step.key) for step in steps}
    found = {}
    for seq, fact in written:
        text = kept.get(fact.id)
        if text is None:
            found[seq] = Written(seq, fact, None, "erased")
        elif options.texts and (fact.cycle, fact.step) not in told:
            found[seq] = Written(seq, fact, None, "outside")
        elif options.texts and show(seq, fact):
            found[seq] = Written(seq, fact, text, "shown")
        else:
            found[seq] = Written(seq, fact, None, "withheld")
    return found


def _erasures(facts: Sequence[Placed]) -> list[Erasure]:
    found = []
    for seq, fact in facts:
        match fact.body:
            case TextsErased(facts=ids, basis=basis):
                found.append(Erasure(seq, fact.recorded, basis, "texts", len(ids), ""))
            case DocumentErased(document=hash, basis=basis):
                found.append(Erasure(seq, fact.recorded, basis, "document", 1, hash))
            case PersonErased(person=person, basis=basis):
                found.append(Erasure(seq, fact.recorded, basis, "person", 1, person))
    return found
