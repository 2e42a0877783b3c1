"""What people are told without being asked: that something is overdue, or done; and when nobody is told."""

from __future__ import annotations

from datetime import date

import pytest

from activities.notices import compose
from tests.activities.letter_reading import SECRET, asked_per, flowing, informed, subject
from tests.activities.sawmill import NAMES, SENDER, Sawmill, person

# --- overdue ---------------------------------------------------------------------------------------


async def test_the_leader_above_reads_who_is_waited_for_since_when_and_what_comes_next(mill: Sawmill) -> None:
    await asked_per(mill)
    await mill.go(date(2027, 5, 24))
    [message] = await mill.mails("Y15", "toppen")
    assert (
        subject(message) == "Frist brutt: Risikovurdering psykososialt – Sagbruk, skulle vært gjort 20. mai"
    )
    text = flowing(message)
    assert "er 4 dager over fristen, som var torsdag 20. mai 2027." in text
    assert "- Verneombudet, Per Hansen: er rådspurt, har ikke svart, spurt onsdag 12. mai 2027" in text
    assert "Du kan ikke svare for dem, og ingenting er godkjent fordi fristen er ute." in text
    assert "Mandag 31. mai 2027 får HR og verneombudet beskjed" in text
    assert "Avviket" not in text


async def test_a_broken_deadline_says_when_it_became_a_deviation_and_a_matter_for_the_committee(
    mill: Sawmill,
) -> None:
    await asked_per(mill)
    await mill.go(date(2027, 6, 9))
    assert "Avviket «frist brutt» er ført." in flowing((await mill.mails("Y15", "hanne"))[-1])
    assert "Saken er meldt til AMU." in flowing((await mill.mails("Y15", "toppen"))[-1])


async def test_whoever_is_told_and_is_the_one_waited_for_reads_how_to_answer(mill: Sawmill) -> None:
    await asked_per(mill)
    await mill.go(date(2027, 5, 31))
    message = (await mill.mails("Y15", "per"))[-1]
    assert subject(message).startswith("Frist brutt")
    assert "Det er deg det ventes på. Du blir spurt som verneombud." in flowing(message)
    assert "--role safety_rep --outcome disagrees" in flowing(message)
    assert "Du kan ikke svare for dem" not in flowing(message)


# --- informed --------------------------------------------------------------------------------------


async def test_everyone_reads_the_outcome_and_that_a_role_disagreed_but_no_name_and_no_comment(
    mill: Sawmill,
) -> None:
    message = await informed(mill, "w1")
    assert subject(message).endswith("Nordfjord Tre AS: ferdig, med uenighet")
    text = flowing(message)
    assert "er gjort ferdig tirsdag 4. mai 2027. Du trenger ikke gjøre noe." in text
    assert "Det var etter fristen, som var onsdag 10. mars 2027." in text
    assert "Hovedverneombudet er uenig. Uenigheten står i historikken" in text
    assert "- Hovedverneombudet: uenig" in text
    assert "- HR: godkjent" in text
    assert "Versjon 1 av «Protokoll for undersøkelsen»" in text
    assert NAMES["per"] not in text
    assert SECRET not in text


# --- nobody to tell --------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [None, "", "per", "per@x.example, kari@x.example"])
async def test_someone_without_a_usable_address_gets_no_message(mill: Sawmill, email: str | None) -> None:
    await mill.change(person("per", email=email))
    assert await asked_per(mill) is None


async def test_someone_who_is_not_in_the_directory_gets_no_message(mill: Sawmill) -> None:
    await asked_per(mill)
    [row] = await mill.mail_rows("Y15", "per")
    async with mill.database.read() as reader:
        stranger = row.model_copy(update={"target": "erased"})
        assert await compose(reader, mill.cycles.situations, stranger, SENDER) is None


async def test_others_are_named_by_their_id_when_their_name_is_erased(mill: Sawmill) -> None:
    await mill.change(person("kari", name="kari"))
    assert "lagt fram av kari" in flowing(await asked_per(mill))


async def test_a_row_about_no_fact_is_named(mill: Sawmill) -> None:
    await asked_per(mill)
    [row] = await mill.mail_rows("Y15", "per")
    async with mill.database.read() as reader:
        for seq in (None, 10_000):
            with pytest.raises(LookupError, match=r"no fact"):
                await compose(
                    reader, mill.cycles.situations, row.model_copy(update={"fact_seq": seq}), SENDER
                )
