"""Who is told that something is to be erased, has been, or is kept for another time; and by which names."""

from __future__ import annotations

from datetime import date

from activities.ledger.log import commit
from activities.notices import compose
from activities.receipts import Receipt
from tests.activities.erasures import (
    COLLEAGUE,
    DEPUTY,
    DISAGREES,
    HR,
    MANAGER,
    REP,
    TOP,
    act,
    closed_with,
    disagreement,
    leaves,
)
from tests.activities.sawmill import (
    SENDER,
    SITUATIONS,
    Sawmill,
    text_of,
)
from workflows.rules.statement import (
    Delegate,
    EraseDocument,
    ErasePerson,
    EraseText,
    SetRetention,
)


async def mails_of(mill: Sawmill, receipt: Receipt) -> dict[str, str]:
    """What each person is told of the fact, by id."""
    async with mill.database.read() as reader:
        rows = [r for r in await reader.outbox_due(mill.now, 10_000) if r.fact_seq == receipt.seq]
        return {row.target: text_of(await compose(reader, SITUATIONS, row, SENDER)) for row in rows}


async def test_those_whose_word_is_waited_for_are_told_and_that_silence_erases_nothing(mill: Sawmill) -> None:
    said = await disagreement(mill)
    wish = await act(mill, HR, EraseText(facts=(said.id,), basis="request"))
    told = await mails_of(mill, wish)
    assert told.keys() == {TOP, REP}
    assert "Hanne Rød vil ha slettet det som er skrevet i 1 hendelse." in told[REP]
    assert "Er du uenig, trenger du ikke gjøre noe." in " ".join(told[REP].split())
    assert "forsvarlig erase list" in told[REP]
    assert DISAGREES not in told[REP]
    erased = await act(mill, REP, EraseText(facts=(said.id,), basis="request"))
    told = await mails_of(mill, erased)
    assert told.keys() == {HR, DEPUTY}
    assert f"som nr. {erased.seq} i historikken" in " ".join(told[DEPUTY].split())


async def test_both_sides_are_told_of_a_document_that_is_to_go_and_has_gone(mill: Sawmill) -> None:
    hash = await closed_with(mill, "Vurdering av Ole på saga")
    wish = await act(mill, REP, EraseDocument(document=hash, basis="mistake"))
    told = await mails_of(mill, wish)
    assert told.keys() == {TOP, HR, MANAGER, DEPUTY}
    assert "Per Hansen vil ha slettet innholdet i et dokument" in " ".join(told[TOP].split())
    gone = await mails_of(mill, await act(mill, TOP, EraseDocument(document=hash, basis="mistake")))
    assert gone.keys() == {REP, MANAGER, DEPUTY}
    assert "Innholdet i et dokument er slettet." in gone[REP]


async def test_the_elected_are_told_of_a_new_time_and_nobody_of_an_erased_name(mill: Sawmill) -> None:
    text, commitment = commit("Lenge nok")
    new = await act(mill, HR, SetRetention(records="text", days=1827, comment=commitment), [text])
    told = await mails_of(mill, new)
    assert told.keys() == {REP, DEPUTY}
    assert "Hanne Rød har bestemt hvor lenge noe lagres: 1827 dager." in told[REP]
    await leaves(mill, COLLEAGUE, date(2027, 5, 1))
    assert await mails_of(mill, await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))) == {}


async def test_a_mail_that_names_an_erased_person_names_nobody(mill: Sawmill) -> None:
    handed = Delegate(person=MANAGER, to=COLLEAGUE, since=date(2027, 5, 4), until=date(2027, 5, 6))
    receipt = await act(mill, MANAGER, handed)
    assert "Siri Steinvik svarer for deg" in (await mails_of(mill, receipt))[MANAGER]
    await leaves(mill, COLLEAGUE, date(2027, 5, 1))
    await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))
    [told] = (await mails_of(mill, receipt)).values()
    assert "slettet person (siri) svarer for deg" in told
