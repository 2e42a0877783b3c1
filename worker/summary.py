"""What a year came to: what each person was asked and answered, what stands out, and the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from activities.directory.people import names_of
from activities.ledger.heads import fingerprint
from activities.situations import Situations
from activities.store.reader import Reader
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.events import (
    Asked,
    AttemptRefused,
    DecisionRecorded,
    DutyChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    ResponsibilityMoved,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepWithdrawn,
)
from workflows.rules.situation import Situation
from workflows.rules.terms import Outcome


class PersonLine(Frozen):
    """What one person was asked, did, and was refused."""

    person: str
    name: str
    asked: int
    answered: int
    for_others: int
    refused: int
    reminders: int


class Notable(Frozen):
    """A fact that a reader should not have to look for."""

    day: date
    cycle: str
    unit: str | None
    step: str | None
    fact: Fact


class Summary(Frozen):
    """A whole year of one employer, from the ledger and the directory.

    `head` is the ledger's Merkle root (hex), and `fingerprint` the same so short that people can keep it.
    """

    employer: str
    name: str
    year: int
    rehearsal: bool
    people: tuple[PersonLine, ...]
    notable: tuple[Notable, ...]
    facts: int
    head: str
    fingerprint: str
    verified: bool
    faults: tuple[str, ...]


async def summarise(reader: Reader, situations: Situations, employer: str, year: int) -> Summary:
    """Read the year; `NotThere` when there is no such employer."""
    home = await reader.employer(employer)
    rows = await reader.cycles(employer=employer, year=year)
    found = {row.id: await situations.of(reader, row) for row in rows}
    facts = [f for _, f in await reader.facts(employer)]
    by_cycle: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.cycle in found:
            by_cycle[fact.cycle].append(fact)
    verification = await reader.verify(employer)
    people = names_of(await reader.people(employer))
    return Summary(
        employer=employer,
        name=home.name,
        year=year,
        rehearsal=home.mode == "rehearsal",
        people=tuple(_person_lines(by_cycle, people)),
        notable=tuple(_notables(found, by_cycle)),
        facts=verification.size,
        head=verification.root,
        fingerprint=fingerprint(verification.size, bytes.fromhex(verification.root)),
        verified=verification.ok,
        faults=verification.faults,
    )


def _unit_name(situation: Situation) -> str | None:
    unit = situation.cycle.unit
    return situation.organisation.unit(unit).name if unit else None


def _person_lines(by_cycle: dict[str, list[Fact]], names: dict[str, str]) -> Iterable[PersonLine]:
    asked: dict[str, set[tuple[str | None, str | None, str, str, int]]] = defaultdict(set)
    count: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for fact in (f for facts in by_cycle.values() for f in facts):
        match fact.body:
            case Asked() as b:
                for holder in b.people:
                    asked[holder.person].add((fact.cycle, fact.step, b.what, b.role.value, b.version))
            case DecisionRecorded(on_behalf_of=other) | EvidenceSubmitted(on_behalf_of=other):
                count[fact.actor]["answered"] += 1
                count[fact.actor]["for_others"] += other is not None
            case AttemptRefused():
                count[fact.actor]["refused"] += 1
            case Escalated(people=told):
                for person in told:
                    count[person]["reminders"] += 1
            case _ if fact.kind == "reminded":
                for person in getattr(fact.body, "people", ()):
                    count[person]["reminders"] += 1
    everyone = sorted({*asked, *(p for p, c in count.items() if c["answered"] or c["refused"])})
    lines = [
        PersonLine(
            person=person,
            name=names.get(person, person),
            asked=len(asked[person]),
            answered=count[person]["answered"],
            for_others=count[person]["for_others"],
            refused=count[person]["refused"],
            reminders=count[person]["reminders"],
        )
        for person in everyone
    ]
    return sorted(lines, key=lambda line: (-line.asked, line.name))


def _notables(found: dict[str, Situation], by_cycle: dict[str, list[Fact]]) -> Iterable[Notable]:
    out = [
        Notable(day=oslo_day(f.concerns), cycle=id, unit=_unit_name(found[id]), step=f.step, fact=f)
        for id, facts in by_cycle.items()
        for f in facts
        if stands_out(f)
    ]
    return sorted(out, key=lambda n: (n.day, n.cycle, n.step or ""))


def stands_out(fact: Fact) -> bool:
    """Whether a reader should not have to look for the fact."""
    match fact.body:
        case DecisionRecorded(outcome=outcome):
            return outcome in (
                Outcome.DISAGREES,
                Outcome.REJECTED,
                Outcome.CHANGES_REQUESTED,
                Outcome.NO_RESPONSE,
            )
        case StepClosed(late=late, vacant=vacant):
            return late or bool(vacant)
        case Escalated(deviation=deviation, wec_item=item):
            return deviation or item
        case ResponsibilityMoved() | AttemptRefused() | DutyChanged() | StepLeftOpen() | StepWithdrawn():
            return True
    return isinstance(fact.body, SentBack)
