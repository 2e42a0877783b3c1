"""Letters about what belongs to no step: responsibility, substitutes and keys."""

from __future__ import annotations

from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import get_args

import pytest

from activities.language import LANGUAGES, Language, translator
from activities.notices import compose
from activities.words import ROLES, WAITED_FOR
from tests.activities.sawmill import EMPLOYER, SENDER, UNIT, Sawmill, person, text_of
from workflows.rules.addressees import told
from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.events import Appointed, Body, Fact
from workflows.rules.organisation import Holder, Role
from workflows.rules.terms import Outcome, What

KEY = "0123456789abcdef"
MAY = {"since": date(2027, 5, 10), "until": date(2027, 5, 15)}
ENROLLED = KeyEnrolled(key=KEY, public_key="A" * 43 + "=", person="kari")
REVOKED = KeyRevoked(key=KEY, reason="stolen")
DELEGATED = Delegated(delegation="d-1", person="kari", to="siri", role=Role.MANAGER, unit="sagbruk", **MAY)
ENDED = DelegationEnded(delegation="d-1", until=date(2027, 5, 12))
AWAY = AbsenceSet(person="kari", substitute="siri", **MAY)


async def recorded(
    mill: Sawmill, body: Body, *who: str, actor: str = "hanne", cycle: str | None = None
) -> dict[str, EmailMessage]:
    """The letters about a fact that is recorded now, by whom they go to; `who` is concerned and not named."""
    fact = Fact(
        id=f"{cycle or EMPLOYER}#{body.kind}", employer=EMPLOYER, cycle=cycle, concerns=mill.now,
        recorded=mill.now, actor=actor, body=body,
    )  # fmt: skip
    people = told(fact, concerned=who)
    async with mill.database.write(EMPLOYER) as tx:
        [(seq, _)] = await tx.append([fact])
        await tx.tell(people, fact, seq, mill.now)
        rows = [r for r in await tx.outbox_due(mill.now, 10_000) if r.fact_seq == seq]
        letters = {r.target: await compose(tx, mill.cycles.situations, r, SENDER) for r in rows}
    assert set(letters) == set(people)
    return {person: letter for person, letter in letters.items() if letter is not None}


def said(message: EmailMessage) -> str:
    return f"{message['Subject']} | " + " ".join(text_of(message).split())


# --- responsibility -------------------------------------------------------------------------------


async def test_whoever_becomes_responsible_reads_the_steps_of_the_year_with_their_dates(
    mill: Sawmill,
) -> None:
    body = Appointed(role=Role.SAFETY_REP, people=(Holder(person="vera"),))
    letter = (await recorded(mill, body, cycle=UNIT, actor="system"))["vera"]
    words = said(letter)
    assert words.startswith("Du har fått ansvar: verneombud, Sagbruk, 2027 | Hei Vera Vara!")
    assert "- 20. mai: Risikovurdering psykososialt – si din mening" in words
    assert "31. mars" not in words, "what was due before needs nobody new"
    assert "Spør Hanne Rød (HR, hanne@nordfjord.example)." in words
    assert "forsvarlig inbox --as vera" in words


async def test_a_substitute_reads_for_whom_the_responsibility_is(mill: Sawmill) -> None:
    body = Appointed(role=Role.MANAGER, people=(Holder(person="siri", acting_for="kari"),))
    words = said((await recorded(mill, body, cycle=UNIT, actor="system"))["siri"])
    assert "Du svarer for Kari Nordmann, som er leder for Sagbruk i årshjulet for 2027." in words


# --- handed over, and away ------------------------------------------------------------------------


async def test_both_read_what_is_handed_over_until_and_with_the_last_day(mill: Sawmill) -> None:
    letters = await recorded(mill, DELEGATED, actor="kari")
    days = "fra mandag 10. mai 2027 til og med fredag 14. mai 2027"
    assert f"Siri Steinvik svarer for deg {days}." in said(letters["kari"])
    assert f"Du svarer for Kari Nordmann {days}." in said(letters["siri"])
    for letter in letters.values():
        assert "Det gjelder rollen som leder, det som hører til Sagbruk." in said(letter)
        assert "Det er ført av" not in said(letter)


async def test_both_read_that_an_elected_role_stays_where_it_is(mill: Sawmill) -> None:
    letters = await recorded(mill, Delegated(delegation="d-2", person="per", to="siri", **MAY), actor="per")
    assert "Det gjelder alt du blir spurt om." in said(letters["per"])
    assert "Det gjelder alt vedkommende blir spurt om." in said(letters["siri"])
    for letter in letters.values():
        assert "Det gjelder ikke rollen som verneombud og hovedverneombud; den kan" in said(letter)


async def test_both_read_that_it_has_ended_and_for_whom(mill: Sawmill) -> None:
    await recorded(mill, DELEGATED, actor="kari")
    letters = await recorded(mill, ENDED, "kari", "siri", actor="kari")
    assert "Siri Steinvik svarer ikke lenger for deg fra onsdag 12. mai 2027." in said(letters["kari"])
    assert "Du svarer ikke lenger for Kari Nordmann fra onsdag 12. mai 2027." in said(letters["siri"])


async def test_both_read_of_an_absence_and_who_recorded_it(mill: Sawmill) -> None:
    letters = await recorded(mill, AWAY)
    assert "Siri Steinvik svarer for deg så lenge." in said(letters["kari"])
    assert "Du er vikar" in said(letters["siri"])
    assert all("Det er ført av Hanne Rød." in said(letter) for letter in letters.values())


async def test_an_absence_without_a_substitute_is_told_the_one_who_is_away(mill: Sawmill) -> None:
    alone = AWAY.model_copy(update={"substitute": None})
    letters = await recorded(mill, alone)
    assert set(letters) == {"kari"}
    assert "svarer for deg" not in said(letters["kari"])


async def test_whoever_is_acted_for_reads_each_answer_given_in_their_name(mill: Sawmill) -> None:
    from workflows.rules.organisation import Absence

    await mill.absent(Absence(person="per", since=date(2027, 5, 5), substitute="vera"))
    await mill.go(date(2027, 5, 12))
    await mill.file("Y15", "kari")
    await mill.decide("Y15", "vera", Role.SAFETY_REP, Outcome.AGREED)
    message = (await mill.mails("Y15", "per"))[-1]
    assert message is not None
    assert "Vera Vara svarte «enig» på dine vegne som verneombud på versjon 1" in said(message)


# --- keys -----------------------------------------------------------------------------------------


async def test_a_new_key_is_told_the_person_with_its_fingerprint_and_how_to_revoke_it(mill: Sawmill) -> None:
    letters = await recorded(mill, ENROLLED)
    words = said(letters["kari"])
    assert words.startswith("En nøkkel er registrert på deg |")
    assert f"Fingeravtrykk: {KEY}." in words
    assert f"forsvarlig key revoke {KEY} --as kari --reason stolen" in words


async def test_a_revoked_key_is_told_its_holder_with_the_reason(mill: Sawmill) -> None:
    letters = await recorded(mill, REVOKED, "kari")
    assert f"{KEY} gjelder ikke lenger hos Nordfjord Tre AS. Grunnen er at den kan være på avveie." in said(
        letters["kari"]
    )


async def test_who_did_it_and_when_is_told_with_what_to_do_if_it_was_wrong(mill: Sawmill) -> None:
    await recorded(mill, ENROLLED, actor="kari")
    letters = await recorded(mill, REVOKED, "kari", "per", actor="hanne")
    mine, the_representatives = said(letters["kari"]), said(letters["per"])
    assert mine.startswith("En nøkkel som sto på deg, er trukket tilbake |")
    assert "Det ble gjort av Hanne Rød, 4. mai 2027 kl. 12.00." in mine
    assert "Er det galt, registrer en ny nøkkel med en gang, og si fra til verneombudet." in mine
    assert "forsvarlig key new --as kari" in mine
    assert the_representatives.startswith("En nøkkel som sto på Kari Nordmann, er trukket tilbake |")
    assert "Det ble gjort av Hanne Rød" in the_representatives
    assert f"{KEY} gjelder ikke lenger" in the_representatives
    assert "Grunnen er at den kan være på avveie." in the_representatives
    assert "Spør Kari Nordmann om det er riktig." in the_representatives


async def test_the_safety_representative_reads_whose_key_is_new(mill: Sawmill) -> None:
    words = said((await recorded(mill, ENROLLED, "per", actor="kari"))["per"])
    assert words.startswith("Kari Nordmann har fått en ny nøkkel |")
    assert f"Fingeravtrykk: {KEY}." in words
    assert "key revoke" not in words


async def test_the_key_of_the_installation_is_told_nobody(mill: Sawmill) -> None:
    assert await recorded(mill, ENROLLED.model_copy(update={"person": None})) == {}


# --- in every language ----------------------------------------------------------------------------

NORWEGIAN_ONLY = (" ikke ", " deg", " svarer ", "Spør", "nøkkel", "fra ", " har ", "ansvar")
PERSONAL: list[tuple[Body, tuple[str, ...], str | None]] = [
    (Appointed(role=Role.MANAGER, people=(Holder(person="kari"),)), (), UNIT),
    (DELEGATED, (), None),
    (ENDED, ("kari", "siri"), None),
    (AWAY, (), None),
    (ENROLLED, (), None),
    (REVOKED, ("kari",), None),
    (ENROLLED, ("per",), None),
]


@pytest.mark.parametrize(("body", "who", "cycle"), PERSONAL, ids=lambda value: getattr(value, "kind", ""))
async def test_nothing_norwegian_is_left_in_the_english_letters(
    mill: Sawmill, body: Body, who: tuple[str, ...], cycle: str | None
) -> None:
    await mill.change(*(person(id, language="en") for id in ("kari", "per", "siri")))
    for letter in (await recorded(mill, body, *who, cycle=cycle)).values():
        words = said(letter)
        assert [word for word in NORWEGIAN_ONLY if word in words] == []
        assert "{" not in words


@pytest.mark.parametrize(("body", "who", "cycle"), PERSONAL, ids=lambda value: getattr(value, "kind", ""))
async def test_the_nynorsk_letters_are_in_nynorsk(
    mill: Sawmill, body: Body, who: tuple[str, ...], cycle: str | None
) -> None:
    await mill.change(*(person(id, language="nn") for id in ("kari", "per", "siri")))
    for letter in (await recorded(mill, body, *who, cycle=cycle)).values():
        assert [word for word in (" ikke ", " svarer ", " noe ", " fra ") if word in said(letter)] == []


async def test_a_rehearsal_says_so_in_these_letters_too(tmp_path: Path) -> None:
    async with Sawmill.started(tmp_path, mode="rehearsal") as mill:
        words = said((await recorded(mill, AWAY))["kari"])
    assert words.startswith(
        "Prøvekjøring: Fraværet ditt er ført | Hei Kari Nordmann! Dette er en prøvekjøring."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_can_be_asked_for_has_its_words(language: Language) -> None:
    t = translator(language)
    assert set(WAITED_FOR) == set(get_args(What))
    assert all(t(WAITED_FOR[what]) for what in WAITED_FOR)
    assert set(ROLES) == set(Role)
