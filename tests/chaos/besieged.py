"""A small employer's year with open gates, on a server that anybody reaches, and what the honest do there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client

from activities.cycles import open_year
from activities.organisations import put_in_force
from activities.receipts import Receipt
from activities.signatures import SigningKey
from tests.rules.employers import employer, law
from tests.rules.small_year import YEAR as SMALL_YEAR
from tests.year.live import PROMPT, TAKEN_BACK, Live, row, until
from worker.engine_program import temporal_binary
from worker.installation import opened, wall_clock
from worker.serving import serving
from worker.settings import Settings
from workflows.rules.events import Asked, AttemptRefused, Body, DecisionDisregarded, Fact, StepClosed
from workflows.rules.organisation import Role
from workflows.rules.programme import Programme
from workflows.rules.programme_file import parse_programme
from workflows.rules.standing import StepStanding, fold
from workflows.rules.statement import Act, Authentication, Decide, EnrolKey, RevokeKey, Statement
from workflows.rules.terms import Outcome, Refusal, unit_cycle, year_cycle

LEADER, HR, MANAGER, REP, COLLEAGUE = "p1", "p2", "p3", "p4", "p5"

YEAR = (wall_clock() - timedelta(days=20)).year
"""The year that is open today: a run that makes way for ours knows no time but the machine's."""

SERVERS_OWN = (*TAKEN_BACK, "_RESET_WORKFLOW")
"""Why the server itself ends a task of a workflow."""

STEPS = 4
"""They are used in turn: what is filed in a step that is closed opens its gate anew."""

_STEP = """
[[steps]]
id = "Y{number}"
name = {{ nb = "Vurdering", en = "Assessment" }}
stage = "assess"
level = "unit"
windows = [{{ opens = "01-04", due = "opens + 90 d" }}]
owner = "manager"
gate = [
  {{ kind = "consult", role = "safety_rep", order = 1 }},
  {{ kind = "approve", role = "manager", order = 2, four_eyes = true }},
]
evidence = {{ nb = "Vurdering", en = "Assessment" }}
requirements = ["R-18"]
law = ["OLM-7-1"]
methods = ["M1"]
"""


def programme() -> Programme:
    """A year of assessments in the unit, all open since January."""
    head = SMALL_YEAR[: SMALL_YEAR.index("[[steps]]")]
    # One more, which nobody touches: when all is closed, so is the year.
    return parse_programme(head + "".join(_STEP.format(number=101 + n) for n in range(STEPS + 1)))


@dataclass(frozen=True)
class Gate:
    """A gate that waits for the safety representative first and for the manager then."""

    cycle: str
    step: str
    document: str
    version: int
    author: str

    @property
    def approver(self) -> str:
        """Nobody approves what they filed: that goes up to the leader."""
        return LEADER if self.author == MANAGER else MANAGER


class Now(Live):
    """One whose time is the machine's."""

    @property
    def unit(self) -> str:
        return unit_cycle(self.employer, "u1", YEAR)

    @property
    def year(self) -> str:
        return year_cycle(self.employer, YEAR)


NOWHERE = Gate("", "", "", 0, "")
"""Where nothing is open yet."""


@dataclass
class Besieged:
    """The employer. The safety representative has a key of her own, and one that she lost."""

    live: Now
    own: SigningKey = field(default_factory=SigningKey.new)
    lost: SigningKey = field(default_factory=SigningKey.new)
    colleagues: SigningKey = field(default_factory=SigningKey.new)
    unknown: SigningKey = field(default_factory=SigningKey.new)
    _numbers: Any = field(default_factory=lambda: count(1))
    _gates: Any = field(default_factory=count)
    _read: dict[str, list[tuple[int, Fact]]] = field(default_factory=dict)
    """The facts of each step, as far as they have been read: those that are written stay as they are."""
    _work: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def unit(self) -> str:
        return self.live.unit

    def nonce(self) -> str:
        return f"n{next(self._numbers)}"

    # --- setting up ---------------------------------------------------------------------------------

    async def go_to_work(self) -> None:
        await self._work.enter_async_context(serving(self.live.installation, self.live.client))

    async def stop_work(self) -> None:
        """The worker and the outbox end; the server goes on."""
        await self._work.aclose()

    async def enrol(self) -> None:
        await self._employers(REP, EnrolKey(person=REP, public_key=self.lost.public_key))
        await self._employers(REP, EnrolKey(person=REP, public_key=self.own.public_key), self.lost)
        await self._employers(REP, RevokeKey(key=self.lost.id, reason="lost"), self.own)
        await self._employers(COLLEAGUE, EnrolKey(person=COLLEAGUE, public_key=self.colleagues.public_key))

    async def _employers(self, who: str, act: Act, own: SigningKey | None = None) -> None:
        receipt = await self.live.installation.doors.act(
            self.live.employer, who, act, now=wall_clock(), nonce=self.nonce(), own=own
        )
        assert receipt.accepted, receipt.reason

    async def begin(self) -> None:
        database = self.live.installation.database
        await open_year(database, self.live.employer, YEAR, programme(), law(), wall_clock())

        async def under_way() -> bool:
            found = await row(self.live, self.unit)
            return found is not None and found.next_moment is not None

        await until(under_way)

    async def gate(self, author: str = HR, versions: int = 1) -> Gate:
        """The next gate, in which the safety representative has been asked about what `author` filed."""
        step = f"Y{101 + next(self._gates) % STEPS}"
        await until(lambda: self.is_open(step))
        [here] = fold(fact for _, fact in await self.facts(step=step)).steps.values()
        for version in range(here.version + 1, here.version + versions + 1):
            gate = await self.filed(step, author, version)
        await self.until_asked(gate, "consult", PROMPT * 2)
        return gate

    async def is_open(self, step: str) -> bool:
        return bool(await self.facts(step=step))

    async def filed(self, step: str, author: str, version: int) -> Gate:
        installation, now = self.live.installation, wall_clock()
        async with installation.database.write(self.live.employer) as tx:
            content = f"{step} {version} {self.unit}".encode()
            document = await installation.documents.put(content, "text/plain", "v.txt", now, tx)
        receipt = await installation.doors.submit(
            self.unit, step, author, document.hash, now=now, nonce=self.nonce()
        )
        assert receipt.accepted, receipt.reason
        return Gate(self.unit, step, document.hash, version, author)

    # --- what the honest say ------------------------------------------------------------------------

    def agrees(self, gate: Gate, **changes: Any) -> Statement:
        """What the safety representative would sign with her own key, with these changes."""
        about = {"role": Role.SAFETY_REP, "outcome": Outcome.AGREED}
        return self._statement(gate, REP, about, "key_file", changes)

    def approves(self, gate: Gate, **changes: Any) -> Statement:
        """What the installation would sign for whoever approves, with these changes."""
        about = {"role": Role.MANAGER, "outcome": Outcome.APPROVED}
        return self._statement(gate, gate.approver, about, "desk", changes)

    def _statement(
        self, gate: Gate, who: str, about: dict[str, Any], method: str, changes: dict[str, Any]
    ) -> Statement:
        now = wall_clock().replace(microsecond=0)
        said = {name: changes.pop(name) for name in list(changes) if name in Decide.model_fields}
        act = Decide.model_validate({**about, "document": gate.document, "version": gate.version, **said})
        statement = {
            "employer": self.live.employer, "cycle": gate.cycle, "step": gate.step, "actor": who, "act": act,
            "nonce": self.nonce(), "issued": now, "expires": now + timedelta(minutes=10),
            "authentication": Authentication.model_validate({"method": method}),
        }  # fmt: skip
        return Statement.model_validate({**statement, **changes})

    async def takes_genuine_answers(self, gate: Gate) -> None:
        """Within five seconds of the door, by the command line's and by a raw signal: each moves the step on."""
        said = Decide(
            role=Role.SAFETY_REP, outcome=Outcome.AGREED, document=gate.document, version=gate.version
        )
        async with asyncio.timeout(PROMPT):
            receipt = await self.live.installation.doors.act(
                self.live.employer, REP, said, cycle=gate.cycle, step=gate.step, now=wall_clock(),
                nonce=self.nonce(), own=self.own,
            )  # fmt: skip
            assert receipt.accepted, receipt.reason
            await self.until_asked(gate, "approve")
        signed = self.live.installation.signer.sign(self.approves(gate))
        async with asyncio.timeout(PROMPT):
            await self.by_rpc(signed.to_json().encode())
            await self.until_heard(gate, lambda b: isinstance(b, StepClosed) and b.version == gate.version)
        [*_, agreed, approved] = (await self.standing(gate)).decisions
        assert [(d.person, d.outcome) for d in (agreed, approved)] == [
            (REP, Outcome.AGREED),
            (gate.approver, Outcome.APPROVED),
        ]

    async def until_asked(self, gate: Gate, what: str, seconds: float = PROMPT) -> None:
        await self.until_heard(
            gate, lambda b: isinstance(b, Asked) and (b.what, b.version) == (what, gate.version), seconds
        )

    async def until_heard(self, gate: Gate, wanted: Callable[[Body], bool], seconds: float = PROMPT) -> None:
        """Return when the workflow has seen the wanted fact in the gate's step."""

        async def heard() -> bool:
            found = [seq for seq, fact in await self.facts(step=gate.step) if wanted(fact.body)]
            return bool(found) and await self.live.position(self.unit) >= found[-1]

        await until(heard, seconds)

    # --- looking ------------------------------------------------------------------------------------

    async def facts(self, after: int = 0, step: str | None = None) -> list[tuple[int, Fact]]:
        """The facts of the year after a place in the ledger, or all of one step."""
        async with self.live.installation.database.read() as reader:
            if step is None:
                return await reader.facts(self.live.employer, cycle=self.unit, after=after)
            known = self._read.setdefault(step, [])
            last = known[-1][0] if known else 0
            new = await reader.facts(self.live.employer, cycle=self.unit, after=last, step=step)
        # Somebody else may have asked meanwhile.
        known += [(seq, fact) for seq, fact in new if not known or seq > known[-1][0]]
        return list(known)

    async def standing(self, gate: Gate) -> StepStanding:
        """The step by the ledger's facts."""
        here = fold(fact for _, fact in await self.facts(step=gate.step)).step(gate.step)
        assert here is not None
        return here

    async def refusals(self, after: int) -> list[AttemptRefused | DecisionDisregarded]:
        """What was recorded as refused, or as not counting, after that place."""
        found = [fact.body for _, fact in await self.facts(after)]
        return [body for body in found if isinstance(body, AttemptRefused | DecisionDisregarded)]

    async def refused(self, after: int, tries: int) -> set[Refusal]:
        """Why so many tries were refused, once all of them are recorded."""

        async def recorded() -> bool:
            return sum(getattr(b, "count", 1) for b in await self.refusals(after)) >= tries

        await until(recorded)
        return {body.reason for body in await self.refusals(after)}

    async def place(self) -> int:
        """Of the last fact in the employer's ledger."""
        async with self.live.installation.database.read() as reader:
            return (await reader.head(self.live.employer)).size

    async def not_stuck(self) -> None:
        """No task of the workflow has failed by what our code did, and none is failing."""
        causes = [
            WorkflowTaskFailedCause.Name(e.workflow_task_failed_event_attributes.cause)
            for e in await self.live.events(self.unit)
            if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        ]
        assert [cause for cause in causes if not cause.endswith(SERVERS_OWN)] == []
        pending = (await self.live.handle(self.unit).describe()).raw_description.pending_workflow_task
        assert pending.attempt <= 1

    # --- the doors ----------------------------------------------------------------------------------

    async def by_rpc(self, raw: bytes, encoding: bytes = b"json/plain", name: str = "decide") -> None:
        """By the server's own interface."""
        await self.live.signal(self.unit, name, Payload(metadata={"encoding": encoding}, data=raw))

    async def by_command(self, raw: bytes) -> None:
        """By Temporal's own command line."""
        await self.temporal(
            *("signal", "--workflow-id", self.unit, "--name", "decide", "--input", raw.decode())
        )

    async def by_portal(self, raw: bytes) -> Receipt:
        return await self.live.installation.doors.receive(
            raw, place=self.unit, now=wall_clock(), via="portal"
        )

    async def temporal(self, *arguments: str) -> str:
        """`temporal workflow …`; what it said."""
        process = await asyncio.create_subprocess_exec(
            *(str(temporal_binary()), "workflow", *arguments, "--address", self.live.address),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        assert process.returncode == 0, said
        return said

    async def write(self, *facts: Fact) -> Sequence[tuple[int, Fact]]:
        """As somebody who can write in the database, and does it without a fault in the tree."""
        async with self.live.installation.database.write(self.live.employer) as tx:
            return await tx.append(facts)


@asynccontextmanager
async def besieged(address: str, folder: Path, name: str = "besieged") -> AsyncIterator[Besieged]:
    """The employer with its worker at work."""
    settings = Settings(state=folder, task_queue=name)
    organisation = employer(17).model_copy(update={"employer": name})
    async with opened(settings, upgrade=True) as installation:
        await put_in_force(installation.database, organisation, (), wall_clock(), mode="real")
        client = await installation.connect(address)
        live = Now(installation, client, await Client.connect(address), organisation.employer)
        here = Besieged(live)
        await here.enrol()
        await here.go_to_work()
        await here.begin()
        yield here
        await here.stop_work()
        for cycle in (live.unit, live.year):
            await live.handle(cycle).terminate()


_neighbours = count(1)


@asynccontextmanager
async def neighbour(here: Besieged) -> AsyncIterator[Besieged]:
    """Another employer in the same installation, whose year is not open yet."""
    organisation = employer(17).model_copy(update={"employer": f"{here.live.employer}-{next(_neighbours)}"})
    await put_in_force(here.live.installation.database, organisation, (), wall_clock(), mode="real")
    other = Besieged(replace(here.live, employer=organisation.employer))
    await other.enrol()
    yield other
    for cycle in (other.live.unit, other.live.year):
        await other.live.handle(cycle).terminate()
