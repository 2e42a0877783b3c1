"""What people wrote, for those who may read it, and the record of who did."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from activities.reading import Readership, Writing, note_read, of_others, readable_texts
from tests.activities.sawmill import EMPLOYER, EVE, Sawmill
from workflows.rules.events import Fact
from workflows.rules.organisation import Role
from workflows.rules.record_facts import TextsRead
from workflows.rules.terms import Outcome

WORDS = "Bemanningen på nattskiftet er for lav."


@pytest.fixture(autouse=True)
async def disagreement(mill: Sawmill) -> None:
    """On the day after `EVE` Kari has filed her assessment, and Per disagrees."""
    await mill.go(EVE.replace(day=5))
    await mill.file("Y15", "kari")
    await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.DISAGREES, WORDS)


async def writings(mill: Sawmill, person: str | None) -> dict[int, Writing]:
    async with mill.database.read() as reader:
        return await readable_texts(reader, person, await reader.facts(EMPLOYER), mill.now)


async def readings(mill: Sawmill) -> list[Fact]:
    async with mill.database.read() as reader:
        return [fact for _seq, fact in await reader.facts(EMPLOYER, kinds=("texts_read",))]


@pytest.mark.parametrize("person", ["per", "kari", "toppen", "hanne", "amund"])
async def test_those_with_a_part_in_the_matter_read_it(mill: Sawmill, person: str) -> None:
    [writing] = (await writings(mill, person)).values()
    assert (writing.text, writing.hidden, writing.own) == (WORDS, None, person == "per")


@pytest.mark.parametrize(("person", "why"), [(None, "unnamed"), ("siri", "not_yours"), ("w1", "not_yours")])
async def test_nobody_else_does_and_is_told_who_may(mill: Sawmill, person: str | None, why: str) -> None:
    [writing] = (await writings(mill, person)).values()
    assert (writing.text, writing.hidden) == (None, why)
    assert {Role.MANAGER, Role.SAFETY_REP} <= {*writing.roles}
    assert Role.BOARD not in writing.roles, "nobody sits on a board here"


async def test_what_is_erased_is_said_to_be_to_everybody(mill: Sawmill) -> None:
    async with mill.database.write(EMPLOYER) as tx:
        await tx.connection.execute(sa.text("DELETE FROM payload"))
    for person in (None, "per", "siri"):
        assert [w.hidden for w in (await writings(mill, person)).values()] == ["erased"]


async def test_the_gate_of_a_step_says_who_has_a_part_in_it(mill: Sawmill) -> None:
    async with mill.database.read() as reader:
        readership = await Readership.of(reader, EMPLOYER)
        [(_seq, fact)] = await reader.facts(EMPLOYER, kinds=("decision_recorded",))
    in_gate = {Role.MANAGER, Role.SAFETY_REP}
    assert in_gate <= {*readership.roles(fact)}
    elsewhere = fact.model_copy(update={"cycle": "unit/nordfjord-sag/sagbruk/2031"})
    assert readership.may_read("kari", elsewhere, mill.now.date())


async def test_a_reading_of_others_is_one_fact_and_of_ones_own_none(mill: Sawmill) -> None:
    for person in ("kari", "per"):
        seqs = of_others(await writings(mill, person))
        await note_read(mill.database, EMPLOYER, person, "step", seqs, mill.now)
    [seq] = (await writings(mill, "kari")).keys()
    [fact] = await readings(mill)
    assert (fact.actor, fact.cycle, fact.step, fact.recorded) == ("kari", None, None, mill.now)
    assert fact.body == TextsRead(purpose="step", facts=(seq,))


async def test_what_was_not_shown_is_not_noted(mill: Sawmill) -> None:
    assert of_others(await writings(mill, "siri")) == of_others(await writings(mill, None)) == ()


async def test_readings_of_more_than_two_hundred_texts_are_several_facts(mill: Sawmill) -> None:
    await note_read(mill.database, EMPLOYER, "kari", "history", [*range(1, 402), 5], mill.now)
    await note_read(mill.database, EMPLOYER, "kari", "history", [1], mill.now)
    bodies = [fact.body for fact in await readings(mill)]
    assert [len(b.facts) for b in bodies if isinstance(b, TextsRead)] == [200, 200, 1, 1]
    assert [place for b in bodies[:3] if isinstance(b, TextsRead) for place in b.facts] == [*range(1, 402)]


async def test_a_reading_wakes_no_year_and_tells_nobody(mill: Sawmill) -> None:
    async with mill.database.read() as reader:
        before = await reader.outbox_pending()
    await note_read(mill.database, EMPLOYER, "kari", "history", [1], mill.now)
    async with mill.database.read() as reader:
        assert await reader.outbox_pending() == before
