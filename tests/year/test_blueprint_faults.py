"""Seven faults of the nearest published blueprint for approvals on Temporal, each shown not to be ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.cycles import open_year
from activities.directory.people import PersonCard
from activities.organisations import put_in_force
from activities.outbox import EMPLOYER, UNIT
from activities.outbox import YEAR as YEAR_KEY
from activities.proof import proof
from activities.store.database import Database
from tests.activities import house as houses
from tests.activities.house import COLLEAGUE, HR, MANAGER, OTHER_MANAGER, REP, House
from tests.chaos.besieged import YEAR, Besieged, besieged
from tests.rules.employers import employer, law, manager_changed
from tests.year.live import until
from worker.installation import Installation, wall_clock
from worker.serving import make_worker
from worker.settings import Settings
from worker.staging import Cast, plugin_for, rehearsal, stage
from worker.story import Deviation, Story
from worker.virtual import VirtualEnvironment
from workflows.rules.calendar import WorkCalendar, oslo_day
from workflows.rules.events import Asked, DecisionRecorded, Fact, StepClosed
from workflows.rules.keys import KeyRing
from workflows.rules.organisation import Role
from workflows.rules.statement import Delegate
from workflows.rules.terms import Outcome, Refusal


@pytest.fixture(scope="module")
def address(virtual: WorkflowEnvironment) -> str:
    return virtual.client.service_client.config.target_host


@pytest.fixture(scope="module")
async def here(address: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Besieged]:
    async with besieged(address, tmp_path_factory.mktemp("faults"), "faults") as here:
        yield here


class Rehearsed:
    """What a rehearsal of the house's year left."""

    def __init__(self, facts: list[Fact], folder: Path) -> None:
        self.facts = facts
        files = sorted(folder.glob("*.eml"))
        self.mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


async def rehearsed(address: str, folder: Path, name: str, story: Story, until_day: date) -> Rehearsed:
    """The year 2027 on the engine's virtual clock, up to that day."""
    organisation = employer(17).model_copy(update={"employer": name})
    people = tuple(
        PersonCard(id=p, name=p, email=f"{p}@house.example", external_key=p) for p in organisation.people()
    )
    settings = Settings(state=folder, task_queue=name)
    installation = await stage(settings, Cast(organisation=organisation, people=people), 2027)
    client = await Client.connect(address, plugins=[plugin_for(installation)])
    async with make_worker(client, name):
        await open_year(
            installation.database, name, 2027, houses.programme(due="01-29"), law(), installation.clock()
        )
        end = datetime(until_day.year, until_day.month, until_day.day, 12, tzinfo=UTC)
        await rehearsal(VirtualEnvironment(client), installation, name, story).run(end)
    async with installation.database.read() as reader:
        facts = [fact for _, fact in await reader.facts(name)]
    await _end(client, installation, name)
    return Rehearsed(facts, settings.mail_directory)


async def _end(client: Client, installation: Installation, name: str) -> None:
    async with installation.database.read() as reader:
        cycles = await reader.cycles(employer=name, state="running")
    for cycle in cycles:
        await client.get_workflow_handle(cycle.id).terminate()
    await installation.database.close()


# --- 1: an early decision is lost -------------------------------------------------------------------


async def test_1_an_answer_that_comes_while_the_workflow_is_busy_or_away_is_not_lost(here: Besieged) -> None:
    gate = await here.gate()
    await here.stop_work()
    early = await here.filed(gate.step, HR, gate.version + 1)
    # The workflow has not heard that there is a new version, and nobody has been asked about it yet.
    await here.by_rpc(here.own.sign(here.agrees(early)).to_json().encode())
    await here.go_to_work()
    await here.until_asked(early, "approve", 20)
    assert [d.person for d in (await here.standing(early)).now_decided()] == [REP]
    await here.not_stuck()


# --- 2: nobody's authority is checked ---------------------------------------------------------------


async def test_2_nobody_answers_for_another_and_who_has_handed_over_answers_no_more(here: Besieged) -> None:
    gate = await here.gate()
    agreed = here.own.sign(here.agrees(gate))
    await here.by_rpc(agreed.to_json().encode())
    await here.until_asked(gate, "approve")
    place = await here.place()
    for who in (COLLEAGUE, REP, HR, "nobody-here"):
        said = here.approves(gate, actor=who)
        await here.by_rpc(here.live.installation.signer.sign(said).to_json().encode())
    assert await here.refused(place, 4) == {Refusal.NOT_ELIGIBLE, Refusal.OWN_KEY_REQUIRED}
    organisation = employer(17).model_copy(update={"employer": here.live.employer})
    today = oslo_day(wall_clock())
    changed = manager_changed(organisation, "u1", today, OTHER_MANAGER)
    await put_in_force(here.live.installation.database, changed, (), wall_clock())
    await here.until_heard(gate, lambda body: body.kind == "responsibility_moved")
    for who, expected in ((MANAGER, Refusal.NOT_ELIGIBLE), (OTHER_MANAGER, None)):
        said = here.approves(gate, actor=who)
        receipt = await here.by_portal(here.live.installation.signer.sign(said).to_json().encode())
        assert receipt.reason is expected
    await here.until_heard(gate, lambda b: isinstance(b, StepClosed) and b.version == gate.version)
    await put_in_force(here.live.installation.database, organisation, (), wall_clock())


# --- 3: silence is a rejection ----------------------------------------------------------------------


async def test_3_sixty_days_of_silence_end_with_an_open_escalated_gate(address: str, tmp_path: Path) -> None:
    story = Story(deviations=(Deviation(role=Role.MANAGER, version=1, silent=True),))
    year = await rehearsed(address, tmp_path, "silent", story, date(2027, 3, 30))
    kinds = [fact.kind for fact in year.facts if fact.step == "Y11"]
    decided = [f.body.outcome for f in year.facts if isinstance(f.body, DecisionRecorded) and f.step == "Y11"]
    assert decided == [Outcome.AGREED]
    assert "escalated" in kinds
    assert not {"step_closed", "sent_back", "step_left_open", "step_withdrawn"} & set(kinds)


# --- 4: the keys of what is sent repeat over rounds -------------------------------------------------


async def test_4_two_rounds_of_one_gate_are_two_mails(address: str, tmp_path: Path) -> None:
    again = Deviation(
        step="Y11", role=Role.MANAGER, version=1, outcome=Outcome.CHANGES_REQUESTED, comment="Mer om kveld."
    )
    year = await rehearsed(address, tmp_path, "rounds", Story(deviations=(again,)), date(2027, 2, 20))
    rounds = {
        f.body.version: oslo_day(f.recorded)
        for f in year.facts
        if isinstance(f.body, Asked) and (f.step, f.body.what) == ("Y11", "consult")
    }
    assert sorted(rounds) == [1, 2]
    days = {oslo_day(mail["Date"].datetime) for mail in year.mails if mail["X-Forsvarlig-Person"] == REP}
    assert set(rounds.values()) <= days
    ids = [mail["Message-ID"] for mail in year.mails]
    assert len(ids) == len(set(ids)) > 0


# --- 5: the audit trail, the documents and the mailer are stubs -------------------------------------


async def test_5_the_trail_the_documents_and_the_mail_are_there_when_the_run_is_gone(here: Besieged) -> None:
    gate = await here.gate()
    await here.takes_genuine_answers(gate)
    await here.live.handle(here.unit).terminate()
    installation = here.live.installation
    async with installation.database.read() as reader:
        assert (await reader.verify(here.live.employer)).ok
        facts = await reader.facts(here.live.employer)
        stored = await reader.document(gate.document)
    ring = KeyRing().after(facts)
    said = [(seq, f) for seq, f in facts if isinstance(f.body, DecisionRecorded) and f.step == gate.step]
    assert [proof(ring, seq, fact).fault for seq, fact in said] == [None] * len(said)
    assert stored is not None
    assert (
        await installation.documents.read(gate.document) == f"{gate.step} {gate.version} {here.unit}".encode()
    )
    # The next answer starts a run that knows all of it, and carries nothing over.
    await here.takes_genuine_answers(await here.gate())
    known = await here.live.position(here.unit)
    assert known >= facts[-1][0]


# --- 6: no inbox can be found -----------------------------------------------------------------------


async def test_6_the_inbox_is_in_the_database_and_every_run_can_be_found(here: Besieged) -> None:
    gate = await here.gate()
    async with here.live.installation.database.read() as reader:
        inbox = await reader.inbox(employer=here.live.employer, person=REP)
    assert (gate.step, "consult", gate.version) in {(row.step, row.what, row.version) for row in inbox}
    await here.live.handle(here.unit).terminate()
    await here.takes_genuine_answers(gate)
    query = f"{EMPLOYER.name} = '{here.live.employer}' AND `{YEAR_KEY.name}` = {YEAR} AND {UNIT.name} = 'u1'"

    async def found() -> bool:
        wanted = f"{query} AND ExecutionStatus = 'Running'"
        return [run.id async for run in here.live.client.list_workflows(wanted)] == [here.unit]

    await until(found)


# --- 7: one approver --------------------------------------------------------------------------------


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'forsvarlig.db'}")
    await database.upgrade()
    yield database
    await database.close()


async def test_7_a_gate_has_an_order_a_quorum_and_substitutes_and_binds_to_what_was_seen(
    database: Database,
) -> None:
    house = await House.built(database, quorum=2)
    await house.filed("2027-03-01T09:00:00Z", "Y11")
    assert (await house.act(MANAGER, house.approves())).reason is Refusal.NOT_YOUR_TURN
    await house.agreed("Y11")
    handed = Delegate(person=MANAGER, to=COLLEAGUE, since=date(2027, 3, 1), until=date(2027, 3, 2))
    assert (await house.act(MANAGER, handed)).accepted
    other = house.approves(document="0" * 64)
    assert (await house.act(OTHER_MANAGER, other)).reason is Refusal.WRONG_DOCUMENT
    first = await house.act(COLLEAGUE, house.approves())
    await house.at(house.now)
    assert not await house.facts("step_closed")
    # One who acts for another and the other are one person in a quorum.
    assert (await house.act(MANAGER, house.approves())).reason is Refusal.ALREADY_DECIDED
    second = await house.act(OTHER_MANAGER, house.approves())
    await house.at(house.now)
    assert [f.step for f in await house.facts("step_closed")] == ["Y11"]
    assert [r.fact.actor for r in (first, second)] == [COLLEAGUE, OTHER_MANAGER]
    assert all(r.fact.signed is not None for r in (first, second))


async def test_7_what_is_due_is_due_on_a_working_day(database: Database) -> None:
    house = await House.built(database, due="05-01")  # a Saturday, and a public holiday
    await house.at("2027-01-04T08:00:00Z")
    [due] = {f.body.due for f in await house.facts("step_opened")}  # type: ignore[union-attr]
    assert WorkCalendar().is_open(due)
    assert due == date(2027, 5, 3)
