"""What people are told: who is asked what, by when, why, and what happens if they do nothing."""

from __future__ import annotations

import shlex
from datetime import date, timedelta
from pathlib import Path

import click
import pytest

from activities.checkpoints import Checkpoints
from activities.language import LANGUAGES, Language
from activities.notices import compose
from activities.signatures import SigningKey
from activities.words import OUTCOME_NAMES, ROLES
from tests.activities.letter_reading import OPEN, SECRET, asked_per, flowing, informed, subject
from tests.activities.sawmill import (
    EMPLOYER,
    NAMES,
    SENDER,
    UNIT,
    YEAR,
    Sawmill,
    organisation,
    person,
    text_of,
)
from worker.cli.decide import decide
from worker.cli.step import step
from workflows.rules.organisation import Absence, Role
from workflows.rules.terms import Outcome

# --- asked for the document ------------------------------------------------------------------------


async def test_the_manager_is_asked_for_the_document_with_day_and_unit_in_the_subject(mill: Sawmill) -> None:
    await mill.go(OPEN)
    message = (await mill.mails("Y15", "kari"))[0]
    assert (
        subject(message) == "Risikovurdering psykososialt – Sagbruk: legg fram det som trengs innen 20. mai"
    )
    text = flowing(message)
    assert text.startswith("Hei Kari Nordmann!")
    assert "Frist: torsdag 20. mai 2027." in text
    assert "Dette skal legges fram: Risikovurdering." in text
    assert "verneombudet, de ansatte og bedriftshelsetjenesten" in text
    assert f"forsvarlig step submit {UNIT} Y15 FIL --as kari" in text
    assert "Saken blir stående åpen. Den blir aldri regnet som gjort fordi fristen går ut." in text
    assert "Spør Hanne Rød (HR, hanne@nordfjord.example)." in text


async def test_whoever_is_asked_reads_why_in_plain_words_and_where_the_rules_stand(mill: Sawmill) -> None:
    text = flowing(await asked_per(mill))
    assert "Arbeidsgiver skal vurdere risikoen ut fra kartleggingen, sammen med arbeidstakerne" in text
    assert "arbeidsmiljøloven § 6-2 fjerde ledd" in text


async def test_a_substitute_reads_whom_they_answer_for(mill: Sawmill) -> None:
    await mill.absent(
        Absence(person="kari", since=date(2027, 5, 1), until=date(2027, 6, 1), substitute="siri")
    )
    await mill.go(OPEN)
    assert await mill.mail_rows("Y15", "kari") == []
    text = flowing((await mill.mails("Y15", "siri"))[0])
    assert text.startswith("Hei Siri Steinvik!")
    assert "Du svarer for Kari Nordmann, som er leder og er borte nå." in text
    assert "--as siri" in text


async def test_whoever_takes_over_reads_that_it_is_new_and_from_whom(mill: Sawmill) -> None:
    await mill.absent(Absence(person="kari", since=date(2027, 5, 14), substitute="siri"))
    await mill.go(date(2027, 5, 14))
    message = (await mill.mails("Y15", "siri"))[0]
    assert "Dette er nytt for deg: før var det Kari Nordmann som skulle svare." in flowing(message)


async def test_a_version_that_is_sent_back_says_by_whom_and_keeps_the_reasons_in_the_matter(
    mill: Sawmill,
) -> None:
    await asked_per(mill)
    await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.AGREED)
    await mill.decide("Y15", "kari", Role.MANAGER, Outcome.CHANGES_REQUESTED, SECRET)
    message = (await mill.mails("Y15", "kari"))[-1]
    text = flowing(message)
    assert "Lederen sendte versjon 1 tilbake (ber om endringer). Begrunnelsen står i saken." in text
    assert SECRET not in text


# --- consulted -------------------------------------------------------------------------------------


async def test_the_safety_representative_is_consulted_and_may_disagree(mill: Sawmill) -> None:
    message = await asked_per(mill)
    assert subject(message) == "Risikovurdering psykososialt – Sagbruk: si din mening innen 20. mai"
    text = flowing(message)
    assert "Du blir rådspurt om «Risikovurdering psykososialt» for Sagbruk, 2027." in text
    assert "Du blir spurt som verneombud." in text
    assert (
        "uenigheten blir stående i historikken, ingen kan fjerne den, og arbeidsgiver må svare på den" in text
    )
    command = f"forsvarlig decide {UNIT} Y15 --version 1 --as per --role safety_rep --outcome"
    assert f"{command} agreed\n" in text_of(message)
    assert f'{command} agreed_with_remarks --comment "din begrunnelse"\n' in text_of(message)
    assert f'{command} disagrees --comment "din begrunnelse"\n' in text_of(message)
    assert "approved" not in text
    assert "no_response" not in text


async def test_every_command_in_a_letter_is_one_that_the_command_line_understands(mill: Sawmill) -> None:
    await asked_per(mill)
    await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.AGREED)
    letters = [text_of(m) for who in ("kari", "per") for m in await mill.mails("Y15", who)]
    lines = {
        line.strip() for text in letters for line in text.splitlines() if line.startswith("  forsvarlig ")
    }
    assert len(lines) == 8
    for line in lines:
        _, name, *arguments = shlex.split(line)
        command: click.Command = decide
        if name == "step":
            assert isinstance(step, click.Group)
            name, *arguments = arguments
            command = step.commands[name]
        with command.make_context(name, arguments) as context:
            assert context.params["cycle"] == UNIT


async def test_silence_is_never_a_yes_and_the_letter_says_what_comes_instead(mill: Sawmill) -> None:
    text = flowing(await asked_per(mill))
    assert "Å ikke svare er aldri det samme som å si ja." in text
    assert "Mandag 24. mai 2027 får nærmeste leder over lederen beskjed om at fristen er brutt." in text
    assert "Fra onsdag 26. mai 2027 kan lederen føre at du hadde en reell mulighet til å uttale deg" in text
    assert "Det regnes ikke som at du er enig." in text


async def test_the_letter_is_bound_to_the_version_that_was_filed(mill: Sawmill) -> None:
    text = flowing(await asked_per(mill))
    async with mill.database.read() as reader:
        [step] = [s for s in await reader.steps(cycle=UNIT) if s.step == "Y15"]
    assert step.document is not None
    assert "Versjon 1 av «Risikovurdering», lagt fram av Kari Nordmann." in text
    assert f"fingeravtrykk begynner på {step.document[:12]}." in text
    assert step.document not in text


async def test_everyone_with_a_part_is_named_with_how_far_they_have_come(mill: Sawmill) -> None:
    text = flowing(await asked_per(mill))
    assert "- Lederen, Kari Nordmann: har lagt fram" in text
    assert "- Verneombudet, Per Hansen (deg): er rådspurt, har ikke svart" in text
    assert "- Lederen, Kari Nordmann: tar stilling etterpå" in text


async def test_a_reminder_says_since_when_and_asks_the_same(mill: Sawmill) -> None:
    asked = await asked_per(mill)
    await mill.go(date(2027, 5, 20))
    reminded = (await mill.mails("Y15", "per"))[-1]
    assert subject(reminded) == f"Påminnelse: {subject(asked)}"
    assert "Du ble spurt onsdag 12. mai 2027 og har ikke svart ennå." in flowing(reminded)
    assert "--role safety_rep --outcome disagrees" in flowing(reminded)


# --- deciding --------------------------------------------------------------------------------------


async def test_whoever_decides_reads_that_the_safety_representative_disagrees_but_not_the_comment(
    mill: Sawmill,
) -> None:
    await asked_per(mill)
    await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.DISAGREES, SECRET)
    [message] = [m for m in await mill.mails("Y15", "kari") if "ta stilling" in subject(m)]
    assert subject(message) == "Risikovurdering psykososialt – Sagbruk: ta stilling innen 20. mai"
    text = flowing(message)
    assert (
        "Verneombudet er uenig. Du kan bestemme likevel, men uenigheten blir stående og må besvares." in text
    )
    assert "--role manager --outcome approved" in text
    assert SECRET not in text
    assert message is not None
    assert SECRET not in message.as_string()


async def test_a_question_after_the_due_date_does_not_ask_for_an_answer_in_the_past(mill: Sawmill) -> None:
    await mill.go(date(2027, 5, 27))
    await mill.file("Y15", "kari")
    message = (await mill.mails("Y15", "per"))[-1]
    assert subject(message).endswith("si din mening nå – fristen var 20. mai")
    assert "Fristen var torsdag 20. mai 2027." in flowing(message)


# --- a disagreement --------------------------------------------------------------------------------


async def disagreed(mill: Sawmill) -> None:
    await asked_per(mill)
    await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.DISAGREES, SECRET)


async def test_the_employer_is_asked_for_a_reasoned_answer_by_a_day_of_its_own(mill: Sawmill) -> None:
    await disagreed(mill)
    [message] = [m for m in await mill.mails("Y15", "kari") if "svar på uenigheten" in subject(m)]
    assert subject(message) == "Risikovurdering psykososialt – Sagbruk: svar på uenigheten innen 26. mai"
    text = flowing(message)
    assert (
        "Verneombudet er uenig i versjon 1 av «Risikovurdering psykososialt» for Sagbruk, 2027. "
        "Arbeidsgiver skal gi et begrunnet svar (arbeidsmiljøloven § 6-2), og det er du som skal svare."
        in text
    )
    assert "Frist: onsdag 26. mai 2027." in text
    assert f'forsvarlig answer {UNIT} Y15 --version 1 --as kari --comment "din begrunnelse"' in text
    assert "Plikten til å svare faller ikke bort." in text
    assert SECRET not in text


async def test_the_chair_of_the_committee_reads_that_the_matter_is_theirs_and_by_when_the_employer_answers(
    mill: Sawmill,
) -> None:
    await disagreed(mill)
    [message] = await mill.mails("Y15", "amund")
    assert subject(message) == "Risikovurdering psykososialt – Sagbruk: en uenighet skal opp i AMU"
    text = flowing(message)
    assert "Verneombudet er uenig i versjon 1" in text
    assert "Du får beskjed fordi du leder AMU: sett saken på sakslisten." in text
    assert "Arbeidsgiver skal gi et begrunnet svar innen onsdag 26. mai 2027." in text
    assert NAMES["per"] not in text.partition("Spørsmål?")[0]


async def test_an_answer_that_is_not_given_in_time_is_told_upwards(mill: Sawmill) -> None:
    await disagreed(mill)
    await mill.go(date(2027, 5, 27))
    for who in ("toppen", "amund"):
        message = (await mill.mails("Y15", who))[-1]
        assert subject(message).endswith("Sagbruk: svar på uenighet skulle vært gitt 26. mai")
        assert "Plikten faller ikke bort (arbeidsmiljøloven § 6-2)." in flowing(message)


async def test_whoever_disagreed_reads_that_the_employer_has_answered_and_where_but_not_what(
    mill: Sawmill,
) -> None:
    await disagreed(mill)
    await mill.answer("Y15", "kari", SECRET)
    message = (await mill.mails("Y15", "per"))[-1]
    assert subject(message).endswith("Sagbruk: arbeidsgiver har svart på uenigheten")
    text = flowing(message)
    assert "Arbeidsgiver har gitt et begrunnet svar onsdag 12. mai 2027." in text
    assert f"forsvarlig step show {UNIT} Y15" in text
    assert SECRET not in text


# --- what changes meanwhile ------------------------------------------------------------------------


async def test_whoever_answered_an_older_version_reads_why_it_no_longer_counts(mill: Sawmill) -> None:
    await asked_per(mill)
    await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.AGREED)
    await mill.file("Y15", "kari", "En bedre vurdering")
    stale, again = (await mill.mails("Y15", "per"))[-2:]
    assert subject(stale).endswith("Sagbruk: svaret ditt gjelder ikke lenger")
    assert "gjelder ikke lenger, fordi det er lagt fram en ny versjon." in flowing(stale)
    assert "--version 2" in flowing(again)


async def test_a_step_that_is_opened_again_says_why(mill: Sawmill) -> None:
    await mill.go(OPEN)
    await mill.file("Y10", "kari")
    await mill.decide("Y10", "per", Role.SAFETY_REP, Outcome.AGREED)
    mill.now += timedelta(days=1)
    await mill.file("Y10", "kari", "En bedre vurdering")
    message = (await mill.mails("Y10", "per"))[-1]
    assert "si din mening" in subject(message)
    assert "Steget er åpnet igjen fordi det er lagt fram en ny versjon." in flowing(message)


async def test_a_new_due_date_is_told_with_the_old_one_and_that_there_is_a_reason(mill: Sawmill) -> None:
    await asked_per(mill)
    await mill.move("Y15", "kari", date(2027, 5, 28), SECRET)
    message = (await mill.mails("Y15", "per"))[-1]
    assert subject(message).endswith("Sagbruk: ny frist 28. mai")
    text = flowing(message)
    assert "er flyttet fra torsdag 20. mai 2027 til fredag 28. mai 2027." in text
    assert "Begrunnelsen er ført i saken. Den første fristen, torsdag 20. mai 2027, blir stående" in text
    assert SECRET not in text


# --- languages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "nb",
            ("si din mening innen 20. mai", "Frist: torsdag 20. mai 2027.", "Du kan være uenig", "lederen"),
        ),
        (
            "nn",
            (
                "sei meininga di innan 20. mai",
                "Frist: torsdag 20. mai 2027.",
                "Du kan vere ueinig",
                "leiaren",
            ),
        ),
        ("en", ("give your opinion by 20 May", "Thursday 20 May 2027", "You may disagree", "the manager")),
    ],
)
async def test_each_reads_it_in_their_own_language(
    mill: Sawmill, language: Language, wanted: tuple[str, ...]
) -> None:
    await mill.change(person("per", language=language))
    message = await asked_per(mill)
    assert message is not None
    assert message["Content-Language"] == language
    everything = f"{subject(message)} {flowing(message)}".casefold()
    assert [w for w in wanted if w.casefold() not in everything] == []
    html = message.get_body(("html",))
    assert html is not None
    assert f'<html lang="{language}">' in html.get_content()


NORWEGIAN_ONLY = ("Hvis", "Slik", "Hvem", "Hvorfor", "Saken", "Frist", "legg fram", "begrunnelse", "ikke ")


async def test_nothing_norwegian_is_left_in_an_english_letter_but_the_names_of_the_rules(
    mill: Sawmill,
) -> None:
    await mill.change(*(person(id, language="en") for id in ("per", "kari", "toppen", "w1")))
    messages = [await informed(mill, "w1"), await asked_per(mill)]
    await mill.go(date(2027, 5, 24))
    messages += [*await mill.mails("Y15", "kari"), *await mill.mails("Y15", "toppen")]
    assert len(messages) == 4
    for message in messages:
        text = flowing(message).partition("The rules are in")[0]
        assert [word for word in NORWEGIAN_ONLY if word.casefold() in text.casefold()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_role_and_every_outcome_has_a_name_in_every_language(language: Language) -> None:
    from activities.language import translator

    t = translator(language)
    assert set(ROLES) == set(Role)
    assert set(OUTCOME_NAMES) == set(Outcome)
    outcomes = [t(name) for name in OUTCOME_NAMES.values()]
    assert len(set(outcomes)) == len(outcomes)


# --- the same letter whenever it is sent -----------------------------------------------------------


async def test_a_letter_that_is_sent_late_reads_as_it_would_have_on_the_day(mill: Sawmill) -> None:
    await Checkpoints(mill.database, SigningKey.new(), lambda: mill.now).make(EMPLOYER)
    on_the_day = await asked_per(mill)
    await mill.go(date(2027, 6, 9))
    late = (await mill.mails("Y15", "per"))[0]
    assert on_the_day is not None
    assert late is not None
    assert late.as_bytes() == on_the_day.as_bytes()
    assert str(late["Date"]) == "Wed, 12 May 2027 12:01:00 +0200"


async def test_a_step_that_the_organisation_no_longer_has_is_still_told_of(mill: Sawmill) -> None:
    await asked_per(mill)
    [row] = await mill.mail_rows("Y15", "per")
    now = organisation()
    closed = [u.model_copy(update={"until": date(2027, 2, 1)}) if u.id == "sagbruk" else u for u in now.units]
    async with mill.database.write(EMPLOYER) as tx:
        await tx.put_organisation(now.model_copy(update={"units": tuple(closed)}), mill.now)
    async with mill.database.read() as reader:
        message = await compose(reader, mill.cycles.situations, row, SENDER)
    assert subject(message) == "Risikovurdering psykososialt – Sagbruk: si din mening innen 20. mai"


async def test_a_rehearsal_says_so_in_the_subject_and_first_thing(tmp_path: Path) -> None:
    async with Sawmill.started(tmp_path, mode="rehearsal") as mill:
        [message] = await mill.mails("Y01", "hanne", YEAR)
    assert subject(message).startswith("Prøvekjøring: Terskelkontroll")
    assert flowing(message).startswith("Hei Hanne Rød! Dette er en prøvekjøring.")


async def test_every_letter_of_the_spring_can_be_written(mill: Sawmill) -> None:
    async with mill.database.read() as reader:
        rows = [r for r in await reader.outbox_due(mill.now, 10_000) if r.channel == "mail"]
        messages = [await compose(reader, mill.cycles.situations, row, SENDER) for row in rows]
    assert len(rows) > 70
    assert None not in messages
    assert len({m["Message-ID"] for m in messages if m}) == len(rows)
    assert not any("{" in text_of(m) or "None" in text_of(m) for m in messages)
