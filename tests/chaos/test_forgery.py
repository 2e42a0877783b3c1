"""Whatever an intruder does at Temporal's front door or in the database: no gate is opened by it, it is recorded
as refused where there is something to record, and a genuine answer is taken within five seconds of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.chaos.attacks import SENT, SIGNED, WRITTEN
from tests.chaos.besieged import NOWHERE, Besieged, besieged, neighbour
from tests.chaos.forging import Attack
from tests.chaos.seizures import BEGUN, FLOOD, FLOODED, REPLACED, RUNS
from tests.year.live import until
from workflows.rules.standing import StepStanding


@pytest.fixture(scope="module")
async def here(
    virtual: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Besieged]:
    address = virtual.client.service_client.config.target_host
    async with besieged(address, tmp_path_factory.mktemp("besieged")) as here:
        yield here


def unopened(here: StepStanding) -> tuple[object, ...]:
    """What of a gate's standing an attack must not change."""
    asked = {(q.what, q.role, q.version, q.people) for q in here.questions}
    return here.settled, here.version, here.decisions, asked, here.sent_back, here.owed


@pytest.mark.parametrize(
    "attack", [*SIGNED, *SENT, *WRITTEN, *RUNS, *REPLACED], ids=lambda attack: attack.name
)
async def test_it_opens_no_gate_and_a_genuine_answer_is_taken(here: Besieged, attack: Attack) -> None:
    gate = await here.gate(**attack.setting)
    before, number = unopened(await here.standing(gate)), await here.place()
    tries = await attack.how(here, gate)
    reasons = await here.refused(number, tries)
    assert reasons == {attack.expected, attack.first} - {None}

    async def as_before() -> bool:
        return unopened(await here.standing(gate)) == before

    await until(as_before)  # whoever did not answer is asked again
    await here.takes_genuine_answers(gate)
    await here.not_stuck()


async def test_a_flood_is_refused_and_a_genuine_answer_is_taken_at_once(here: Besieged) -> None:
    gate = await here.gate()
    before, place = unopened(await here.standing(gate)), await here.place()
    taken = await FLOODED.how(here, gate)
    assert taken == FLOOD
    await here.takes_genuine_answers(gate)
    assert await here.refused(place, taken) == {FLOODED.expected}
    assert sum(getattr(body, "count", 1) for body in await here.refusals(place)) == taken
    assert unopened(await here.standing(gate))[2][: len(before[2])] == before[2]  # type: ignore[index,arg-type]
    await here.not_stuck()


@pytest.mark.parametrize("attack", BEGUN, ids=lambda attack: attack.name)
async def test_a_run_that_somebody_began_first_under_the_fixed_id_makes_way(
    here: Besieged, attack: Attack
) -> None:
    async with neighbour(here) as other:
        await attack.how(other, NOWHERE)
        await other.begin()
        await other.takes_genuine_answers(await other.gate())
        await other.not_stuck()
