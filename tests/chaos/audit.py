"""After the siege: what people were told against what the ledger, the mail server and Temporal have."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecutionStatus

from activities.outbox import NEVER
from activities.store.database import Database
from tests.chaos.errands import Line
from tests.chaos.world import World
from workflows.rules.events import (
    AttemptRefused,
    DecisionRecorded,
    EvidenceSubmitted,
    Fact,
    Informed,
    RunStartedAgain,
    StepClosed,
)
from workflows.rules.programme import Kind
from workflows.rules.standing import Standing, fold
from workflows.rules.terms import Refusal

__all__ = ["DAYS", "NEVER", "Evidence", "Mail", "Report", "audit", "is_running"]

DAYS = timedelta(days=3)
"""After so long every digest of the mornings to come has gone."""

UNUSABLE = (Refusal.UNKNOWN_SIGNAL, Refusal.UNSIGNED, Refusal.UNREADABLE)
AT_ONCE = 10
TAKEN_BACK = ("_FORCE_CLOSE_COMMAND", "_UNHANDLED_COMMAND")
"""Why the server itself takes a task of a workflow back, and gives it again."""


class Mail(NamedTuple):
    """One message as the mail server took it: whom it is for, and the facts that it tells."""

    id: str
    person: str
    seqs: tuple[int, ...]


class Evidence(NamedTuple):
    """What was seen from outside."""

    world: World
    journal: Sequence[Line]
    mails: Sequence[Mail]
    outbox_deaths: int
    """Of everything that sends mail."""


@dataclass
class Report:
    """Figures to be read, and every fault found; without faults nothing was lost or doubled."""

    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


async def audit(evidence: Evidence, client: Client, database: Database) -> Report:
    """Count everything. Nothing else is at work but a worker that answers queries."""
    report, world = Report(), evidence.world
    async with database.read() as reader:
        verified = await reader.verify(world.employer)
        placed = await reader.facts(world.employer)
        before = await reader.checksums(world.employer)
        waiting = await reader.outbox_pending()
        states = Counter(row.state for row in await reader.cycles())
    report.faults += [f"the ledger: {fault}" for fault in verified.faults]
    async with database.write(world.employer) as tx:
        if (after := await tx.rebuild()) != before:
            report.faults.append(f"projections: {before} became {after} when rebuilt")
    if waiting:
        report.faults.append(f"the outbox: {waiting} rows are not delivered")
    if states != Counter(closed=len(world.cycles)):
        report.faults.append(f"cycles: {dict(states)} of {len(world.cycles)}")
    counted = count(evidence, placed)
    report.faults += counted.faults
    report.figures |= counted.figures
    report.faults += await _workflows(world, Ledger(placed), client)
    return report


def count(evidence: Evidence, placed: Sequence[tuple[int, Fact]]) -> Report:
    """What was seen from outside against the facts of the ledger, with their places."""
    ledger, report = Ledger(placed), Report()
    report.figures["cycles"] = len(evidence.world.cycles)
    for part in (_acknowledgements, _gates, _signals, _mail):
        report.faults += part(evidence, ledger, report.figures)
    report.figures["facts"] = len(placed)
    report.figures["runs started again"] = sum(isinstance(f.body, RunStartedAgain) for f in ledger.facts)
    return report


class Ledger:
    """The facts, and where each stands."""

    def __init__(self, placed: Sequence[tuple[int, Fact]]) -> None:
        self.placed = placed
        self.facts = [fact for _, fact in placed]
        self.by_id = {fact.id: (seq, fact) for seq, fact in placed}
        self.accepted = Counter(
            (f.cycle, f.step, f.kind, f.body.asked if isinstance(f.body, DecisionRecorded) else None)
            for f in self.facts
            if isinstance(f.body, DecisionRecorded | EvidenceSubmitted)
        )

    def refused(self, digest: str | None, *reasons: Refusal) -> int:
        """How often that very input was refused for one of the reasons."""
        found = (f.body for f in self.facts if isinstance(f.body, AttemptRefused))
        return sum(body.count for body in found if body.input == digest and body.reason in reasons)


# --- people ---------------------------------------------------------------------------------------


def _acknowledgements(evidence: Evidence, ledger: Ledger, figures: dict[str, object]) -> Iterator[str]:
    """What somebody was told is taken is one accepted fact; the same once more is that fact, or a refusal."""
    lost, doubled, told = 0, 0, dict[str, set[tuple[str | None, int | None]]]()
    repeated = 0
    for line in evidence.journal:
        errand = line.errand
        if line.kind != "acknowledged" or errand is None or line.how == "junk":
            continue
        first = line.how in ("door", "signal")
        id = errand.fact(errand.nonce if first else errand.other_nonce)
        found = ledger.by_id.get(id)
        accepted = found is not None and isinstance(found[1].body, DecisionRecorded | EvidenceSubmitted)
        if found is None or accepted is not first:
            state = "nowhere" if found is None else found[1].body
            lost += first
            yield f"{errand.key}, acknowledged by {line.how}: the ledger has it {state}"
            continue
        if line.seq is not None:
            if (line.fact, line.seq) != (id, found[0]):
                yield f"{errand.key}: told of {line.fact} at {line.seq}, which stands at {found[0]}"
            told.setdefault(id, set()).add((line.fact, line.seq))
        if first and line.refused is not None:
            yield f"{errand.key}: refused as {line.refused}"
        repeated += line.repeated
    for id, places in told.items():
        if len(places) > 1:
            yield f"{id}: {len(places)} different acknowledgements"
    for (cycle, step, kind, asked), times in ledger.accepted.items():
        if times != 1:
            doubled += times - 1
            yield f"{cycle}/{step}: {kind} {asked or ''} {times} times"
    decisions = {
        line.errand.key
        for line in evidence.journal
        if line.errand is not None and line.kind == "acknowledged" and line.errand.outcome is not None
        if line.how in ("door", "signal")
    }
    sent = Counter(line.how for line in evidence.journal if line.kind == "tried")
    errands = {line.errand.key: line.errand for line in evidence.journal if line.errand is not None}
    figures |= {
        "decisions that were due": evidence.world.decisions,
        "decisions in the ledger": sum(isinstance(f.body, DecisionRecorded) for f in ledger.facts),
        "decisions acknowledged": len(decisions),
        "  lost": lost,
        "  doubled": doubled,
        "sent twice at once": sum(e.twice for e in errands.values()),
        "sent again with another nonce": sum(e.again for e in errands.values()),
        "decided by a signed signal": sum(e.by_signal for e in errands.values()),
        "sendings at the door, and past it": f"{sent['door'] + sent['again']}, "
        f"{sent['signal'] + sent['signal again']}",
        "answered as repetitions": repeated,
    }


def _gates(evidence: Evidence, ledger: Ledger, figures: dict[str, object]) -> Iterator[str]:
    """Each gate was passed once, after both of its decisions about that version."""
    closed: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    decided: dict[tuple[str | None, str | None, int], list[Kind]] = defaultdict(list)
    for seq, fact in ledger.placed:
        place = (fact.cycle, fact.step)
        match fact.body:
            case DecisionRecorded(version=version, asked=asked):
                decided[*place, version].append(asked)
            case StepClosed(version=version):
                closed[place].append(seq)
                if sorted(decided[*place, version]) != [Kind.APPROVE, Kind.CONSULT]:
                    yield f"{fact.id} was closed after {decided[*place, version]}"
    for gate in evidence.world.gates:
        if len(closed[gate]) != 1:
            yield f"{gate}: closed {len(closed[gate])} times"
    figures["gates opened"] = sum(len(times) for times in closed.values())
    figures["  more than once, or never"] = sum(len(closed[gate]) != 1 for gate in evidence.world.gates)


def _signals(evidence: Evidence, ledger: Ledger, figures: dict[str, object]) -> Iterator[str]:
    """What the server took is recorded as often: a statement once and then as replayed, junk as refused."""
    tried, taken, digests = Counter[str](), Counter[str](), defaultdict[str, set[str]](set)
    junk_tried = junk_taken = 0
    for line in evidence.journal:
        if line.digest is None or line.errand is None:
            continue
        if line.how == "junk":
            junk_tried += line.kind == "tried"
            junk_taken += line.kind == "acknowledged"
            continue
        # Who was killed while signing signs anew: other bytes, and the same statement all the same.
        said = f"{line.errand.key}, {line.how}"
        digests[said].add(line.digest)
        tried[said] += line.kind == "tried"
        taken[said] += line.kind == "acknowledged"
    replayed = 0
    for said, times in taken.items():
        again = sum(ledger.refused(digest, Refusal.REPLAYED) for digest in digests[said])
        replayed += again
        if not times <= again + 1 <= tried[said]:
            yield f"{said}: taken {times} times of {tried[said]}, replayed {again} times"
    refused = sum(
        f.body.count
        for f in ledger.facts
        if isinstance(f.body, AttemptRefused) and f.body.attempt == "signal" and f.body.reason in UNUSABLE
    )
    if not junk_taken <= refused <= junk_tried:
        yield f"junk: {junk_taken} taken of {junk_tried}, {refused} recorded"
    figures |= {
        "signals refused as replayed": replayed,
        "junk signals taken": junk_taken,
        "  recorded as refused": refused,
    }


# --- mail -----------------------------------------------------------------------------------------


def _mail(evidence: Evidence, ledger: Ledger, figures: dict[str, object]) -> Iterator[str]:
    """Everybody who was to be informed was, no two messages tell a person the same, and few came twice."""
    by_id: dict[str, list[Mail]] = defaultdict(list)
    for mail in evidence.mails:
        by_id[mail.id].append(mail)
    told: dict[tuple[str, int], set[str]] = defaultdict(set)
    for mail in evidence.mails:
        for seq in mail.seqs:
            told[mail.person, seq].add(mail.id)
    for (person, seq), ids in told.items():
        if len(ids) > 1:
            yield f"mail: {person} was told of fact {seq} in {len(ids)} messages"
    for id, mails in by_id.items():
        if len({mail.person for mail in mails}) > 1:
            yield f"mail: {id} went to {len({mail.person for mail in mails})} people"
    for seq, fact in ledger.placed:
        if isinstance(fact.body, Informed):
            for person in fact.body.people:
                if not told[person, seq]:
                    yield f"mail: {person} was not told of fact {seq}"
    again = len(evidence.mails) - len(by_id)
    if again > evidence.outbox_deaths:
        yield f"mail: {again} came twice, with {evidence.outbox_deaths} deaths of what sends them"
    figures |= {
        "mails": len(by_id),
        "  that came twice": again,
        "deaths of what sends": evidence.outbox_deaths,
    }


# --- Temporal -------------------------------------------------------------------------------------


async def is_running(client: Client, cycle: str) -> bool:
    """Whether the cycle's workflow has not ended."""
    return (await client.get_workflow_handle(cycle).describe()).status is WorkflowExecutionStatus.RUNNING


async def _workflows(world: World, ledger: Ledger, client: Client) -> list[str]:
    """Every run has ended as it should, has seen what the ledger has, and was never stopped by our code."""
    of_cycle: dict[str | None, list[tuple[int, Fact]]] = defaultdict(list)
    for seq, fact in ledger.placed:
        of_cycle[fact.cycle].append((seq, fact))
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(cycle: str) -> list[str]:
        async with turn:
            handle = client.get_workflow_handle(cycle)
            status = (await handle.describe()).status
            if status is not WorkflowExecutionStatus.COMPLETED:
                return [f"{cycle}: its workflow is {status.name if status else 'nowhere'}"]
            faults = []
            place = await handle.query("position", result_type=int)
            seen = [fact for seq, fact in of_cycle[cycle] if seq <= place]
            if await handle.query("standing", result_type=Standing) != fold(seen):
                faults.append(f"{cycle}: the workflow's standing is not the ledger's")
            # What is tried after a year has ended is refused and recorded, and no workflow is there to see it.
            later = {fact.kind for seq, fact in of_cycle[cycle] if seq > place} - {"attempt_refused"}
            faults += [f"{cycle}: the workflow has not seen a {kind}" for kind in sorted(later)]
            causes = [
                WorkflowTaskFailedCause.Name(event.workflow_task_failed_event_attributes.cause)
                async for event in handle.fetch_history_events()
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
            ]
            stopped = [cause for cause in causes if not cause.endswith(TAKEN_BACK)]
            return [*faults, *(f"{cycle}: a task of the workflow failed, {cause}" for cause in stopped)]

    return [fault for found in await asyncio.gather(*map(one, world.cycles)) for fault in found]
