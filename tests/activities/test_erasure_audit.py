"""What was erased is judged again by whoever has the ledger, and does not trust who wrote in it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from activities.erasure_audit import Doubt, audit
from activities.ledger.log import commit
from tests.activities.erasures import (
    COLLEAGUE,
    HR,
    REP,
    TOP,
    act,
    closed_with,
    disagreement,
    leaves,
    wants_gone,
)
from tests.activities.sawmill import EMPLOYER, Sawmill
from workflows.rules.calendar import OSLO
from workflows.rules.events import Body, Fact
from workflows.rules.record_facts import DocumentErased, PersonErased, RetentionSet, TextsErased
from workflows.rules.statement import EraseDocument, ErasePerson, SetRetention


async def doubts(mill: Sawmill) -> tuple[Doubt, ...]:
    async with mill.database.read() as reader:
        return (await audit(reader, EMPLOYER)).doubts


async def place_of(mill: Sawmill, fact: Fact) -> int:
    async with mill.database.read() as reader:
        found = await reader.fact(EMPLOYER, fact.id)
    assert found is not None
    return found[0]


async def written(mill: Sawmill, body: Body, like: Fact | None = None, actor: str = "system") -> int:
    """Somebody writes a fact into the ledger, past all doors; its place."""
    mill.now += timedelta(minutes=1)
    fact = Fact(
        id=f"{EMPLOYER}#past all doors {mill.now}", employer=EMPLOYER, concerns=mill.now, recorded=mill.now,
        actor=actor, body=body, via=like.via if like else None, signed=like.signed if like else None,
    )  # fmt: skip
    async with mill.database.write(EMPLOYER) as tx:
        [(seq, _)] = await tx.append([fact])
    return seq


async def test_what_went_through_the_doors_raises_no_doubt(mill: Sawmill) -> None:
    said = await disagreement(mill)
    await wants_gone(mill, REP, said.id)
    await wants_gone(mill, HR, said.id)
    await leaves(mill, COLLEAGUE, date(2027, 5, 1))
    assert (await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))).accepted
    assert await doubts(mill) == ()


async def test_a_document_that_both_sides_gave_up_raises_no_doubt(mill: Sawmill) -> None:
    hash = await closed_with(mill, "Vurdering")
    for who in (TOP, REP):
        await act(mill, who, EraseDocument(document=hash, basis="mistake"))
    assert await doubts(mill) == ()
    early = await written(mill, DocumentErased(document=hash, basis="retention"))
    [found] = await doubts(mill)
    assert (found.seq, found.doubt) == (early, "too_early")


async def test_an_erasure_that_pretends_to_follow_from_the_calendar_is_found(mill: Sawmill) -> None:
    said = await disagreement(mill)
    seq = await written(mill, TextsErased(facts=(said.id,), basis="retention"))
    assert await doubts(mill) == (Doubt(seq=seq, doubt="too_early", about=await place_of(mill, said)),)


async def test_an_erasure_on_one_genuine_word_is_found(mill: Sawmill) -> None:
    """HR's own signed wish, put beside a fact that says it was settled."""
    said = await disagreement(mill)
    await wants_gone(mill, HR, said.id)
    async with mill.database.read() as reader:
        [(_seq, wish)] = await reader.facts(EMPLOYER, kinds=("erasure_asked",))
    seq = await written(mill, TextsErased(facts=(said.id,), basis="request"), wish, HR)
    assert await doubts(mill) == (Doubt(seq=seq, doubt="one_word", about=await place_of(mill, said)),)


async def test_an_erasure_that_nobody_signed_is_found(mill: Sawmill) -> None:
    said = await disagreement(mill)
    await wants_gone(mill, REP, said.id)
    seq = await written(mill, TextsErased(facts=(said.id,), basis="request"), actor=HR)
    assert await doubts(mill) == (Doubt(seq=seq, doubt="not_proven"),)
    person = await written(mill, PersonErased(person=COLLEAGUE, basis="retention"))
    assert (await doubts(mill))[1:] == (Doubt(seq=person, doubt="too_early"),)


async def test_a_time_that_was_made_short_on_the_day_before_counts_for_nothing(mill: Sawmill) -> None:
    said = await disagreement(mill)
    mill.now = datetime(2031, 6, 1, 8, tzinfo=OSLO)
    text, commitment = commit("Lenge nok")
    assert (await act(mill, HR, SetRetention(records="text", days=1096, comment=commitment), [text])).accepted
    mill.now += timedelta(days=1)
    await written(mill, TextsErased(facts=(said.id,), basis="retention"))
    assert [found.doubt for found in await doubts(mill)] == ["too_early"]
    mill.now += timedelta(days=30)
    await written(mill, TextsErased(facts=(said.id,), basis="retention"))
    assert len(await doubts(mill)) == 1, "a month later it counts"


async def test_a_time_that_nobody_signed_counts_for_nothing(mill: Sawmill) -> None:
    said = await disagreement(mill)
    mill.now = datetime(2031, 6, 1, 8, tzinfo=OSLO)
    await written(mill, RetentionSet(records="text", days=1096, comment="ab" * 32), actor=HR)
    mill.now += timedelta(days=60)
    await written(mill, TextsErased(facts=(said.id,), basis="retention"))
    assert [found.doubt for found in await doubts(mill)] == ["too_early"]
