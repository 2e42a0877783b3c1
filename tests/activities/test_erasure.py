"""Erasing by two people's word: what goes, what stays, and that the ledger proves the same as before."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest

from activities.erased_files import ErasedFiles
from activities.ledger.log import Payload, commit
from activities.mail import EmlFolder
from activities.outbox import Outbox
from activities.proof import Keys, is_act, proof
from activities.signatures import SigningKey
from activities.store import erasing
from activities.store.scrub import StillBusy, file
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
    facts,
    is_whole,
    kept_text,
    leaves,
    wants_gone,
)
from tests.activities.sawmill import (
    EMPLOYER,
    NAMES,
    SENDER,
    SITUATIONS,
    UNIT,
    Sawmill,
    person,
)
from workflows.rules.erasure import ASKED_FOR
from workflows.rules.events import Fact
from workflows.rules.organisation import Role
from workflows.rules.record_facts import DocumentErased, ErasureAsked, PersonErased, TextsErased
from workflows.rules.statement import (
    Delegate,
    EnrolKey,
    EraseDocument,
    ErasePerson,
    SetRetention,
)
from workflows.rules.terms import Outcome, Refusal

# --- texts ----------------------------------------------------------------------------------------


async def test_the_employer_alone_erases_nothing_that_the_safety_representative_wrote(mill: Sawmill) -> None:
    said = await disagreement(mill)
    assert await wants_gone(mill, TOP, said.id) == "erasure_asked"
    assert await wants_gone(mill, HR, said.id) == "erasure_asked"
    assert await wants_gone(mill, MANAGER, said.id) == Refusal.NOT_ELIGIBLE
    assert await wants_gone(mill, TOP, said.id) == Refusal.ALREADY_DECIDED
    assert await kept_text(mill, said) == DISAGREES


async def test_a_text_goes_when_its_author_and_the_employer_agree_and_the_ledger_stands(
    mill: Sawmill,
) -> None:
    said = await disagreement(mill)
    assert await wants_gone(mill, REP, said.id) == "erasure_asked"
    assert await wants_gone(mill, HR, said.id) == "texts_erased"
    assert await kept_text(mill, said) is None
    assert await is_whole(mill)
    [erased] = await facts(mill, "texts_erased")
    assert erased.body == TextsErased(facts=(said.id,), basis="request")
    assert erased.cycle is None


async def test_every_word_about_erasing_is_proved_by_its_signature(mill: Sawmill) -> None:
    said = await disagreement(mill)
    await wants_gone(mill, REP, said.id)
    await wants_gone(mill, HR, said.id)
    async with mill.database.read() as reader:
        ring = await Keys().of(reader, EMPLOYER)
        found = await reader.facts(EMPLOYER, kinds=("erasure_asked", "texts_erased"))
    assert [(is_act(fact), proof(ring, seq, fact).fault) for seq, fact in found] == [(True, None)] * 2
    [(seq, asked), (later, erased)] = found
    forged = asked.model_copy(update={"body": ErasureAsked(facts=("another",), basis="request")})
    assert proof(ring, seq, forged).fault is Refusal.WRONG_OUTCOME
    of_document = asked.model_copy(update={"body": ErasureAsked(document="ab" * 32, basis="request")})
    assert proof(ring, seq, of_document).fault is Refusal.WRONG_OUTCOME
    other = erased.model_copy(update={"body": TextsErased(facts=("another",), basis="request")})
    assert proof(ring, later, other).fault is Refusal.WRONG_OUTCOME
    by_time = erased.model_copy(update={"body": TextsErased(facts=(said.id,), basis="retention")})
    assert is_act(by_time), "nobody passes for the calendar"


async def test_a_word_that_somebody_wrote_into_the_ledger_counts_for_nothing(mill: Sawmill) -> None:
    """Whoever can write there would otherwise agree in the author's name."""
    said = await disagreement(mill)
    forged = Fact(
        id=f"{EMPLOYER}#act per forged", employer=EMPLOYER, concerns=mill.now, recorded=mill.now, actor=REP,
        body=ErasureAsked(facts=(said.id,), basis="request"), via="desk",
    )  # fmt: skip
    async with mill.database.write(EMPLOYER) as tx:
        await tx.append([forged])
    assert await wants_gone(mill, HR, said.id) == "erasure_asked"
    assert await kept_text(mill, said) == DISAGREES


async def test_a_word_is_too_old_after_ninety_days(mill: Sawmill) -> None:
    said = await disagreement(mill)
    await wants_gone(mill, REP, said.id)
    mill.now += ASKED_FOR
    assert await wants_gone(mill, HR, said.id) == "erasure_asked"
    assert await wants_gone(mill, REP, said.id) == "texts_erased"


async def test_whoever_has_a_key_of_their_own_is_not_spoken_for_by_the_machine(mill: Sawmill) -> None:
    said = await disagreement(mill)
    own = SigningKey.new()
    assert (await act(mill, REP, EnrolKey(person=REP, public_key=own.public_key))).accepted
    await wants_gone(mill, HR, said.id)
    assert await wants_gone(mill, REP, said.id) == Refusal.OWN_KEY_REQUIRED
    assert await kept_text(mill, said) == DISAGREES
    assert await wants_gone(mill, REP, said.id, own=own) == "texts_erased"


@pytest.mark.parametrize("id", ["nothing", f"{UNIT}#started"])
async def test_a_fact_that_is_not_there_or_has_no_text_is_nothing_to_erase(mill: Sawmill, id: str) -> None:
    assert await wants_gone(mill, HR, id) == Refusal.NOTHING_TO_ERASE


async def test_the_employers_answer_goes_only_with_an_elected_representatives_word(mill: Sawmill) -> None:
    await disagreement(mill)
    answer = (await mill.answer("Y15", MANAGER, "Ole har fått ny turnus, og vi ser på det igjen")).fact
    assert await wants_gone(mill, MANAGER, answer.id) == Refusal.NOT_ELIGIBLE
    assert await wants_gone(mill, HR, answer.id) == "erasure_asked"
    assert await wants_gone(mill, TOP, answer.id) == "erasure_asked"
    assert await wants_gone(mill, DEPUTY, answer.id) == "texts_erased"


async def test_the_year_goes_on_after_the_text_of_an_open_disagreement_is_gone(mill: Sawmill) -> None:
    said = await disagreement(mill)
    await wants_gone(mill, REP, said.id)
    await wants_gone(mill, TOP, said.id)
    assert (await mill.answer("Y15", MANAGER, "Vi har snakket sammen")).accepted
    assert (await mill.decide("Y15", MANAGER, Role.MANAGER, Outcome.APPROVED)).accepted
    async with mill.database.read() as reader:
        [step] = [s for s in await reader.steps(cycle=UNIT) if s.step == "Y15"]
    assert step.status == "closed"


# --- documents ------------------------------------------------------------------------------------


async def test_a_filed_document_goes_when_both_sides_agree_and_its_step_is_done(
    mill: Sawmill, tmp_path: Path
) -> None:
    hash = await closed_with(mill, "Vurdering av Ole på saga")
    said = EraseDocument(document=hash, basis="mistake")
    assert (await act(mill, HR, said)).fact.kind == "erasure_asked"
    assert (await act(mill, TOP, said)).fact.kind == "erasure_asked"
    receipt = await act(mill, REP, said)
    assert receipt.fact.body == DocumentErased(document=hash, basis="mistake")
    files = ErasedFiles(mill.documents, tmp_path / "mail", tmp_path / "histories")
    async with mill.database.read() as reader:
        assert await reader.document(hash) is None
        assert await files.sweep(reader, EMPLOYER) == 1
        assert await files.sweep(reader, EMPLOYER) == 0
        assert (await mill.documents.check(reader)).ok
    assert (await act(mill, HR, said)).reason is Refusal.NOTHING_TO_ERASE


async def test_a_document_stays_while_people_are_asked_about_it(mill: Sawmill) -> None:
    await mill.go(date(2027, 5, 5))
    filed = (await mill.file("Y15", MANAGER)).fact
    hash = str(getattr(filed.body, "document", ""))
    assert (await act(mill, HR, EraseDocument(document=hash, basis="mistake"))).reason is Refusal.STILL_NEEDED


async def test_a_document_that_is_filed_again_after_it_was_erased_is_kept(
    mill: Sawmill, tmp_path: Path
) -> None:
    hash = await closed_with(mill, "Samme innhold")
    for who in (HR, REP):
        await act(mill, who, EraseDocument(document=hash, basis="mistake"))
    async with mill.database.read() as reader:
        another = next(s.step for s in await reader.steps(cycle=UNIT) if s.status == "open")
    await mill.file(another, MANAGER, "Samme innhold")
    files = ErasedFiles(mill.documents, tmp_path / "mail", tmp_path / "histories")
    async with mill.database.read() as reader:
        assert await files.sweep(reader, EMPLOYER) == 0
        assert (await mill.documents.check(reader)).ok
    assert await mill.documents.read(hash) == b"Samme innhold"


# --- people ---------------------------------------------------------------------------------------


async def test_who_has_left_is_erased_from_the_directory_and_the_id_stays(mill: Sawmill) -> None:
    await leaves(mill, COLLEAGUE, date(2027, 5, 1))
    receipt = await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))
    assert receipt.fact.body == PersonErased(person=COLLEAGUE, basis="request")
    async with mill.database.read() as reader:
        row = await reader.person(EMPLOYER, COLLEAGUE)
    assert row is not None
    assert (row.id, row.name, row.email, row.external_key) == (COLLEAGUE, "", None, None)
    assert await is_whole(mill)
    again = await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))
    assert again.reason is Refusal.NOTHING_TO_ERASE


async def test_who_works_here_is_not_erased(mill: Sawmill) -> None:
    receipt = await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))
    assert receipt.reason is Refusal.STILL_NEEDED
    assert receipt.fact.body.model_dump()["attempt"] == "erasure"


async def test_an_import_that_was_read_before_does_not_bring_the_name_back(mill: Sawmill) -> None:
    await leaves(mill, COLLEAGUE, date(2027, 5, 1))
    await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))
    await mill.change(person(COLLEAGUE), person(REP, name="Per H. Hansen"))
    async with mill.database.read() as reader:
        people = await reader.people(EMPLOYER)
    assert people[COLLEAGUE].name == ""
    assert people[REP].name == "Per H. Hansen"


async def test_mail_that_waits_for_an_erased_person_is_not_sent(mill: Sawmill, tmp_path: Path) -> None:
    said = await disagreement(mill)
    async with mill.database.write(EMPLOYER) as tx:
        await tx.tell([COLLEAGUE], said, 1, mill.now)
        await tx.enqueue("mail", f"{COLLEAGUE} 1 2", f"letter {EMPLOYER} {COLLEAGUE} 2027-05-05", mill.now)
    await leaves(mill, COLLEAGUE, date(2027, 5, 1))
    await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))
    async with mill.database.read() as reader:
        waiting = {row.target.split()[0] for row in await reader.outbox_due(mill.now, 10_000, ("mail",))}
    assert COLLEAGUE not in waiting
    assert waiting, "the others' mail waits on"


async def test_mails_to_and_about_an_erased_person_are_found_in_the_folder(
    mill: Sawmill, tmp_path: Path
) -> None:
    """Also where the name stands in HTML, or in a mail to somebody else."""
    await mill.change(person(MANAGER, name="Kari & Co Nordmann"))
    await mill.go(date(2027, 5, 5))
    handed = Delegate(person=MANAGER, to=COLLEAGUE, since=date(2027, 6, 1), until=date(2027, 6, 9))
    assert (await act(mill, MANAGER, handed)).accepted
    folder = tmp_path / "mail"
    outbox = Outbox(
        mill.database, None, EmlFolder(folder), SITUATIONS, lambda: mill.now + timedelta(days=1), task_queue="q",
        sender=SENDER,
    )  # fmt: skip
    await outbox.run_once(10_000)
    files = ErasedFiles(mill.documents, folder, tmp_path / "histories")
    about = await files.mails_about(person(MANAGER, name="Kari & Co Nordmann"))
    assert {f.stem.split("_")[3] for f in about} == {MANAGER, COLLEAGUE}
    assert len(about) < len(list(folder.glob("*.eml")))
    for mail in set(folder.glob("*.eml")) - set(about):
        assert b"Kari" not in mail.read_bytes()
    assert files.delete(about) == len(about)
    assert await files.mails_about(person(MANAGER, name="Kari & Co Nordmann")) == []


async def test_the_texts_that_name_somebody_are_found_so_that_they_can_be_asked_about(mill: Sawmill) -> None:
    said = await disagreement(mill)
    async with mill.database.read() as reader:
        found = await erasing.texts_with(reader, EMPLOYER, ["OLE"])
        assert [fact.id for _, fact in found] == [said.id]
        assert await erasing.texts_with(reader, EMPLOYER, ["Kari Nordmann", ""]) == []


# --- how long -------------------------------------------------------------------------------------


async def test_the_employers_decision_about_time_is_recorded_with_its_reason(mill: Sawmill) -> None:
    text, commitment = commit("Vi trenger dem ikke lenger enn fem år")
    said = SetRetention(records="text", days=1827, comment=commitment)
    receipt = await act(mill, HR, said, [text])
    assert receipt.accepted
    assert await kept_text(mill, receipt.fact) == "Vi trenger dem ikke lenger enn fem år"
    without_text = await act(mill, HR, said.model_copy(update={"comment": None}))
    assert without_text.reason is Refusal.COMMENT_REQUIRED
    assert (await act(mill, REP, said, [text])).reason is Refusal.NOT_ELIGIBLE
    assert await is_whole(mill)


# --- old pages ------------------------------------------------------------------------------------


async def test_nothing_of_what_was_erased_is_left_in_the_database_files(
    mill: Sawmill, tmp_path: Path
) -> None:
    said = await disagreement(mill)
    await leaves(mill, COLLEAGUE, date(2027, 5, 1))
    canaries = [DISAGREES, "presset", NAMES[COLLEAGUE], f"{COLLEAGUE}@nordfjord.example"]
    assert all(canary.encode() in in_files(tmp_path) for canary in canaries)
    await wants_gone(mill, REP, said.id)
    await wants_gone(mill, HR, said.id)
    await act(mill, HR, ErasePerson(person=COLLEAGUE, basis="request"))
    async with mill.database.read() as reader:
        head = await reader.head(EMPLOYER)
    await mill.database.scrub()
    left = in_files(tmp_path)
    assert [canary for canary in canaries if canary.encode() in left] == []
    assert NAMES[MANAGER].encode() in left
    async with mill.database.read() as reader:
        assert await reader.head(EMPLOYER) == head
    assert await is_whole(mill)


async def test_somebody_who_reads_for_long_keeps_the_old_pages_and_that_is_said(
    mill: Sawmill, tmp_path: Path
) -> None:
    database = tmp_path / "forsvarlig.db"
    reader = sqlite3.connect(database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM payload").fetchone()
    async with mill.database.write(EMPLOYER) as tx:
        await tx.deposit("ab" * 32, Payload(salt=b"s", text="t"), mill.now)
    with pytest.raises(StillBusy, match="quieter time"):
        file(database, patience=0.2)
    reader.execute("COMMIT")
    reader.close()
    file(database, patience=5)
    assert (tmp_path / "forsvarlig.db-wal").stat().st_size == 0


def in_files(folder: Path) -> bytes:
    """All bytes of the database: the file, the log beside it, and what readers share."""
    return b"".join(one.read_bytes() for one in sorted(folder.glob("forsvarlig.db*")))


async def test_files_are_looked_for_once_after_each_erasure(mill: Sawmill, tmp_path: Path) -> None:
    """As a worker does, when the act came through another door than the one with the folders."""
    hash = await closed_with(mill, "Vurdering av Ole på saga")
    files = ErasedFiles(mill.documents, tmp_path / "mail", tmp_path / "histories")
    assert await files.sweep_all(mill.database) == 0
    for who in (HR, REP):
        await act(mill, who, EraseDocument(document=hash, basis="mistake"))
    assert await files.sweep_all(mill.database) == 1
    assert await files.sweep_all(mill.database) == 0
