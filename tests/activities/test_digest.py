"""One mail a person a day: what comes later waits for the morning, and what is done by then falls out."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest

from activities.language import Language
from activities.mail import MailError
from activities.signatures import SigningKey
from activities.store import letters
from tests.activities.posting import Clock, Sent, later, outbox, post, waiting
from tests.activities.sawmill import EMPLOYER, EVE, YEAR, Sawmill, person, text_of
from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.notices import PATIENCE
from workflows.rules.organisation import Absence, Role
from workflows.rules.statement import EnrolKey, RevokeKey
from workflows.rules.terms import Outcome

OPEN = date(2027, 5, 12)
NEXT = date(2027, 5, 13)
SECRET = "En kommentar som bare hører hjemme i saken."


async def spring(mill: Sawmill) -> Sent:
    """The mill on 12 May with all mail up to then sent, and nobody has had any that day."""
    await post(mill, Sent())
    for day in range(5, 12):
        await mill.go(date(2027, 5, day))
        await post(mill, Sent())
    await mill.go(OPEN)
    assert await waiting(mill.database) == []
    return Sent()


def day_of(message: EmailMessage) -> date:
    return parsedate_to_datetime(str(message["Date"])).astimezone(OSLO).date()


def flowing(message: EmailMessage) -> str:
    return " ".join(text_of(message).split())


def seqs(message: EmailMessage) -> set[str]:
    return set(str(message["X-Forsvarlig-Seq"]).split())


async def consult_per(mill: Sawmill, sent: Sent) -> None:
    """Per is consulted about Y15, and a little later about Y13 and Y14 too."""
    await mill.file("Y15", "kari")
    await post(mill, sent)
    for step in ("Y13", "Y14"):
        mill.now += timedelta(minutes=5)
        await mill.file(step, "kari")
        await post(mill, sent)


# --- the day --------------------------------------------------------------------------------------


async def test_the_first_goes_at_once_and_the_rest_of_the_day_is_one_mail_the_next_morning(
    mill: Sawmill,
) -> None:
    sent = await spring(mill)
    await consult_per(mill, sent)
    [first] = sent.to("per")
    assert first["X-Forsvarlig-Step"] == "Y15"
    await mill.go(NEXT)
    await post(mill, sent)
    _first, digest = sent.to("per")
    assert str(digest["Date"]) == "Thu, 13 May 2027 08:15:00 +0200"
    assert len(seqs(digest)) == 2
    assert digest["X-Forsvarlig-Step"] is None


async def test_that_a_key_was_revoked_goes_at_once_and_alone_and_the_rest_waits_as_before(
    mill: Sawmill,
) -> None:
    sent = await spring(mill)
    key = SigningKey.new()
    enrol = EnrolKey(person="per", public_key=key.public_key)
    assert (await mill.doors.act(EMPLOYER, "per", enrol, now=mill.now, nonce="e")).accepted
    await post(mill, sent)
    await consult_per(mill, sent)
    assert [message["X-Forsvarlig-Step"] for message in sent.to("per")] == [None, "Y15"]
    revoke = RevokeKey(key=key.id, reason="lost")
    assert (await mill.doors.act(EMPLOYER, "hanne", revoke, now=mill.now, nonce="r")).accepted
    await outbox(mill.database, sent, Clock(mill.now)).run_once(1000)
    *_before, alone = sent.to("per")
    assert len(sent.to("per")) == 3
    assert "Det ble gjort av Hanne Rød" in flowing(alone)
    await outbox(mill.database, sent, Clock(mill.now)).run_once(1000)
    assert len(sent.to("per")) == 3
    await mill.go(NEXT)
    await post(mill, sent)
    digest = sent.to("per")[-1]
    assert (len(sent.to("per")), len(seqs(digest))) == (4, 2)


async def test_nothing_goes_before_the_morning(mill: Sawmill) -> None:
    sent = await spring(mill)
    await consult_per(mill, sent)
    clock = Clock(datetime(2027, 5, 13, 8, 14, tzinfo=OSLO))
    await outbox(mill.database, sent, clock).run_once(1000)
    assert len(sent.to("per")) == 1
    clock.now += timedelta(minutes=1)
    await outbox(mill.database, sent, clock).run_once(1000)
    assert len(sent.to("per")) == 2


async def test_the_first_mail_of_the_next_day_takes_along_what_waited(mill: Sawmill) -> None:
    sent = await spring(mill)
    await consult_per(mill, sent)
    mill.now = datetime(2027, 5, 13, 7, tzinfo=OSLO)
    await mill.file("Y10", "kari")
    await post(mill, sent)
    _first, digest = sent.to("per")
    assert len(seqs(digest)) == 3
    await mill.go(NEXT)
    await post(mill, sent)
    assert len(sent.to("per")) == 2


async def test_what_has_been_answered_by_the_morning_is_not_asked_for(mill: Sawmill) -> None:
    sent = await spring(mill)
    await consult_per(mill, sent)
    await mill.decide("Y13", "per", Role.SAFETY_REP, Outcome.AGREED)
    await mill.go(NEXT)
    await post(mill, sent)
    _first, alone = sent.to("per")
    assert alone["X-Forsvarlig-Step"] == "Y14"
    assert "Y13" not in text_of(alone)


async def test_when_all_has_been_answered_by_the_morning_nothing_is_sent(mill: Sawmill) -> None:
    sent = await spring(mill)
    await consult_per(mill, sent)
    for step in ("Y13", "Y14"):
        await mill.decide(step, "per", Role.SAFETY_REP, Outcome.AGREED)
    await mill.go(NEXT)
    await post(mill, sent)
    assert len(sent.to("per")) == 1
    assert [row for row in await waiting(mill.database) if row.target == "per"] == []


async def test_what_has_moved_to_another_by_the_morning_is_asked_of_the_other_alone(mill: Sawmill) -> None:
    sent = await spring(mill)
    await consult_per(mill, sent)
    await mill.absent(Absence(person="per", since=NEXT))
    await mill.go(NEXT)
    await post(mill, sent)
    assert len(sent.to("per")) == 1
    [vera] = sent.to("vera")
    assert {"Y13", "Y14", "Y15"} <= {word for word in text_of(vera).split() if word.startswith("Y1")}


async def test_a_version_that_is_filed_meanwhile_is_asked_about_once(mill: Sawmill) -> None:
    sent = await spring(mill)
    await consult_per(mill, sent)
    await mill.file("Y14", "kari", "En bedre vurdering")
    await mill.go(NEXT)
    await post(mill, sent)
    _first, digest = sent.to("per")
    commands = [line for line in text_of(digest).splitlines() if "Y14 --version" in line]
    assert {line.partition("--version ")[2][:1] for line in commands} == {"2"}
    assert len(commands) == len(set(commands))


async def test_two_rounds_of_one_gate_are_two_mails(mill: Sawmill) -> None:
    sent = await spring(mill)
    await mill.file("Y15", "kari")
    await post(mill, sent)
    await mill.go(NEXT)
    await mill.file("Y15", "kari", "En bedre vurdering")
    await post(mill, sent)
    first, second = sent.to("per")
    assert first["Subject"] == second["Subject"]
    assert first["Message-ID"] != second["Message-ID"]
    assert first["In-Reply-To"] == second["In-Reply-To"]


# --- many dispatchers, and none -------------------------------------------------------------------


async def test_dispatchers_that_come_and_go_send_nobody_two_mails_a_day_and_lose_nothing(
    mill: Sawmill,
) -> None:
    sent, told = Sent(), set()
    for day in (EVE + timedelta(days=n) for n in range(35)):
        await mill.go(day)
        told |= {row.id for row in await waiting(mill.database) if letters.read_letter(row) is None}
        three = [outbox(mill.database, sent, later(mill)) for _ in range(3)]
        await asyncio.gather(*(box.run_once(1000) for box in three))
    days = Counter((str(m["X-Forsvarlig-Person"]), day_of(m)) for m in sent.messages)
    assert set(days.values()) == {1}
    assert len({m["Message-ID"] for m in sent.messages}) == len(sent.messages)
    places = Counter((str(m["X-Forsvarlig-Person"]), seq) for m in sent.messages for seq in seqs(m))
    assert set(places.values()) == {1}
    async with mill.database.read() as reader:
        rows = await letters.rows(reader, sorted(told))
    assert all(row.delivered for row in rows)
    assert len(places) == len(rows), "nothing was answered, so nothing has been overtaken"


async def test_after_days_without_a_dispatcher_everything_is_one_mail_of_today(mill: Sawmill) -> None:
    sent = await spring(mill)
    for _ in range(10):
        await mill.go(oslo_day(mill.now) + timedelta(days=1))
    await post(mill, sent)
    [message] = sent.to("kari")
    assert day_of(message) == date(2027, 5, 22)
    assert len(seqs(message)) > 2


async def test_a_clock_that_jumps_over_days_gives_each_day_its_own_mail(mill: Sawmill) -> None:
    await post(mill, Sent())
    start = mill.now
    await mill.go(date(2027, 6, 30))
    jumped, looked = Sent(), Sent()
    await outbox(mill.database, jumped, Clock(mill.now)).mail_of_days(EMPLOYER, mill.now)
    days = [day_of(m) for m in jumped.to("kari")]
    assert len(days) > 5
    assert days == sorted(set(days))
    assert days[0] > oslo_day(start)
    assert await waiting(mill.database) == []
    await post(mill, looked)
    assert looked.messages == []


async def test_mail_that_could_not_be_delivered_does_not_hold_up_that_of_the_days_after(
    mill: Sawmill,
) -> None:
    class Full(Sent):
        async def send(self, message: EmailMessage) -> None:
            raise MailError("mail.example:25 refuses the recipient: 552", transient=False)

    sent = await spring(mill)
    await mill.file("Y15", "kari")
    await post(mill, Full())
    await mill.go(NEXT)
    await mill.file("Y14", "kari")
    await post(mill, sent)
    steps = {str(m["X-Forsvarlig-Step"]) for m in sent.to("per")}
    assert steps == {"Y14", "Y15"}


async def test_a_letter_is_of_the_person_and_the_day(mill: Sawmill) -> None:
    await outbox(mill.database, Sent(), Clock(mill.now + PATIENCE)).run_once(1000)
    key = letters.letter_key(EMPLOYER, "kari", EVE)
    async with mill.database.read() as reader:
        row = (await letters.by_key(reader, [key]))[key]
        letter = letters.read_letter(row)
        assert letter is not None
        assert (letter.person, letter.day) == ("kari", EVE)
        told = await letters.rows(reader, letter.rows)
    assert {(r.target, r.fact_seq is not None) for r in told} == {("kari", True)}
    assert [letters.read_letter(r) for r in told] == [None] * len(told)


# --- what it says ---------------------------------------------------------------------------------


async def digest_of(mill: Sawmill, who: str) -> EmailMessage:
    sent = await spring(mill)
    await consult_per(mill, sent)
    await mill.go(NEXT)
    await post(mill, sent)
    return sent.to(who)[-1]


async def test_each_matter_has_a_short_section_with_what_by_when_where_and_how(mill: Sawmill) -> None:
    message = await digest_of(mill, "per")
    assert message["Subject"] == "2 saker venter på deg, den eldste fristen var 30. april"
    text = text_of(message)
    first = text.index("1. GJENNOMGANG ARBEIDSPLANER, BEMANNING, FRISTER – SAGBRUK")
    second = text.index("2. RESULTAT TIL GRUPPER + DIALOGMØTE – SAGBRUK")
    assert first < second, "what is due first stands first"
    words = flowing(message)
    assert "Du får høyst én e-post om dagen" in words
    assert (
        "Du blir rådspurt om «Gjennomgang arbeidsplaner, bemanning, frister» for Sagbruk, 2027. "
        "Fristen var fredag 30. april 2027." in words
    )
    for step in ("Y13", "Y14"):
        for outcome in ("agreed", "agreed_with_remarks", "disagrees"):
            assert f"{step} --version 1 --as per --role safety_rep --outcome {outcome}" in words
    assert "forsvarlig inbox --as per" in words
    assert "Ingenting blir regnet som gjort, godkjent eller avvist fordi en frist går ut." in words


async def test_two_outcomes_on_one_day_ask_for_nothing(mill: Sawmill) -> None:
    sent = await spring(mill)
    await mill.file("Y04", "hanne", cycle=YEAR)
    await post(mill, sent)
    for step in ("Y18", "Y11"):
        mill.now += timedelta(minutes=5)
        await mill.file(step, "hanne", cycle=YEAR)
    await mill.decide("Y11", "per", Role.SENIOR_SAFETY_REP, Outcome.DISAGREES, SECRET, cycle=YEAR)
    await mill.decide("Y11", "hanne", Role.HR, Outcome.APPROVED, cycle=YEAR)
    await mill.go(NEXT)
    await post(mill, sent)
    _first, digest = sent.to("per")
    assert digest["Subject"] == "2 beskjeder om arbeidsmiljøet"
    assert "Du får høyst én e-post om dagen; denne samler det som er kommet. Du trenger ikke gjøre noe." in (
        flowing(digest)
    )
    assert SECRET not in "".join(m.as_string() for m in sent.messages)


async def test_what_is_overdue_is_told_with_all_that_followed(mill: Sawmill) -> None:
    sent = Sent()
    await post(mill, sent)
    [message] = sent.to("toppen")
    words = flowing(message)
    assert "er 104 dager over fristen, som var onsdag 20. januar 2027." in words
    assert "Det ventes på HR." in words
    assert "Saken er meldt til AMU." in words
    assert words.count("forsvarlig step show year/nordfjord-sag/2027 Y02") == 1


async def test_new_responsibility_stands_first(mill: Sawmill) -> None:
    sent = Sent()
    await post(mill, sent)
    [message] = sent.to("kari")
    text = text_of(message)
    assert "1. DU HAR FÅTT ANSVAR: LEDER, SAGBRUK, 2027" in text
    assert "- 20. mai: Risikovurdering psykososialt – legge fram og ta stilling" in flowing(message)


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("nn", ("2 saker ventar på deg", "Du får høgst éin e-post om dagen", "Sjå alt som ventar på deg")),
        ("en", ("2 matters are waiting for you", "at most one e-mail a day", "See all that waits for you")),
    ],
)
async def test_each_reads_the_digest_in_their_own_language(
    mill: Sawmill, language: Language, wanted: tuple[str, ...]
) -> None:
    await mill.change(person("per", language=language))
    message = await digest_of(mill, "per")
    everything = f"{message['Subject']} {flowing(message)}"
    assert [words for words in wanted if words not in everything] == []


async def test_a_digest_reads_well_on_a_phone(mill: Sawmill) -> None:
    message = await digest_of(mill, "per")
    assert len(str(message["Subject"])) < 70
    html = message.get_body(("html",))
    assert html is not None
    content = html.get_content()
    assert content.count("<h2") == 2 + 1  # the matters, and whom to ask
    assert 'name="viewport"' in content
    prose = [line for line in text_of(message).splitlines() if not line.startswith("  forsvarlig")]
    assert max(map(len, prose)) <= 78
