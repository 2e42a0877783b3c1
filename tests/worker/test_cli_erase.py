"""`forsvarlig erase` and `forsvarlig access`: what is shown first, who must agree, and what is left."""

from __future__ import annotations

import json
import sqlite3
from datetime import date

import pytest

from activities.store import scrub
from activities.store.rows import PersonRow
from tests.activities.sawmill import EMPLOYER, organisation, person
from tests.worker.desk import Desk, Said
from workflows.rules.events import AttemptRefused
from workflows.rules.organisation import Organisation
from workflows.rules.record_facts import DossierMade, ErasureAsked, PersonErased, TextsErased, TextsRead
from workflows.rules.terms import Refusal

WHY = "Turnusen til Ole er ikke vurdert"


@pytest.fixture
def disagreement(desk: Desk) -> int:
    """Per disagrees about Y10 in words; the place of that in the history."""
    desk.file()
    said = desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--comment", WHY)
    assert said.code == 0, said.err
    desk.go()
    return desk.facts("decision_recorded")[-1][0]


def erase(desk: Desk, place: int, who: str, *more: str) -> Said:
    return desk("erase", "text", str(place), "--as", who, "--basis", "request", *more)


def in_database(desk: Desk, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in desk.state.glob("forsvarlig.db*"))


def refused(desk: Desk) -> Refusal:
    body = desk.facts("attempt_refused")[-1][1].body
    assert isinstance(body, AttemptRefused)
    return body.reason


# --- texts ----------------------------------------------------------------------------------------


def test_what_the_safety_representative_wrote_goes_when_both_have_said_so(
    desk: Desk, disagreement: int
) -> None:
    asked = erase(desk, disagreement, "per", "--yes")
    assert asked.code == 0, asked.err
    assert "Tor Opp" in asked.line, "whose word is missing"
    assert "Hanne Rød" in asked.line
    assert in_database(desk, "Turnusen")
    done = erase(desk, disagreement, "hanne", "--yes")
    assert done.code == 0, done.err
    assert "Det slettes nå, og kan ikke hentes tilbake." in done.line
    assert not in_database(desk, "Turnusen")
    assert isinstance(desk.facts("texts_erased")[-1][1].body, TextsErased)
    assert desk("db", "verify").code == 0


def test_the_employer_alone_only_has_its_wish_put_on_record(desk: Desk, disagreement: int) -> None:
    for who in ("toppen", "hanne"):
        said = erase(desk, disagreement, who, "--yes")
        assert said.code == 0, said.err
        assert "Det slettes når også en av disse sier ja: Per Hansen." in said.line
    assert len(desk.facts("erasure_asked")) == 2
    assert in_database(desk, "Turnusen")


def test_a_manager_is_refused_and_that_is_recorded(desk: Desk, disagreement: int) -> None:
    said = erase(desk, disagreement, "kari", "--yes")
    assert said.code == 4
    assert "Nektet" in said.err
    assert "Ingen leder" in " ".join(desk("erase", "--help").out.split())
    assert refused(desk) is Refusal.NOT_ELIGIBLE


def test_nothing_is_done_where_nobody_can_say_yes(desk: Desk, disagreement: int) -> None:
    before = desk.facts()
    said = erase(desk, disagreement, "per")
    assert said.code == 2
    assert "--yes" in said.err
    assert f"nr. {disagreement}" in said.line
    assert desk.facts() == before


def test_a_dry_run_tells_what_would_come_of_it_and_does_nothing(desk: Desk, disagreement: int) -> None:
    before = desk.facts()
    assert "Ingenting er gjort." in erase(desk, disagreement, "per", "--dry-run").line
    shown = erase(desk, disagreement, "kari", "--dry-run")
    assert "Det ville blitt nektet: personen hadde ikke den rollen her." in shown.line
    document = erase(desk, disagreement, "per", "--dry-run", "--format", "json").document
    assert (document["outcome"], document["accepted"], document["places"]) == (
        "erasure_asked",
        True,
        [disagreement],
    )
    assert desk.facts() == before


def test_what_waits_is_listed_with_who_must_agree(desk: Desk, disagreement: int) -> None:
    assert "Ingenting venter" in desk("erase", "list").out
    erase(desk, disagreement, "hanne", "--yes")
    listed = desk("erase", "list")
    assert f"forsvarlig erase text {disagreement} --basis request --as" in listed.line
    [row] = desk("erase", "list", "--format", "json").document["waiting"]
    assert (row["actor"], row["agree"], row["places"]) == ("hanne", ["per"], [disagreement])
    erase(desk, disagreement, "per", "--yes")
    assert "Ingenting venter" in desk("erase", "list").out


@pytest.mark.parametrize(("place", "code"), [("9999", 3), ("0", 2), ("x", 2)])
def test_a_number_that_is_not_in_the_history_is_said(desk: Desk, place: str, code: int) -> None:
    said = desk("erase", "text", place, "--as", "hanne", "--basis", "mistake", "--yes")
    assert said.code == code
    assert said.err


def test_a_fact_without_a_text_is_nothing_to_erase(desk: Desk) -> None:
    said = erase(desk, 1, "hanne", "--yes")
    assert said.code == 4
    assert "ingenting å slette" in said.err


def test_the_same_word_again_with_the_same_nonce_changes_nothing(desk: Desk, disagreement: int) -> None:
    first = erase(desk, disagreement, "per", "--yes", "--nonce", "n1", "--format", "json").document
    again = erase(desk, disagreement, "per", "--yes", "--nonce", "n1", "--format", "json").document
    assert (first["accepted"], first["repeated"]) == (True, False)
    assert (again["accepted"], again["repeated"], again["seq"]) == (True, True, first["seq"])
    assert len(desk.facts("erasure_asked")) == 1


# --- documents ------------------------------------------------------------------------------------


def test_a_document_of_an_open_step_is_not_erased(desk: Desk) -> None:
    desk.file()
    place, _fact = desk.facts("evidence_submitted")[-1]
    said = desk("erase", "document", str(place), "--as", "hanne", "--basis", "mistake", "--yes")
    assert said.code == 4
    assert refused(desk) is Refusal.STILL_NEEDED


def test_only_a_filing_names_a_document(desk: Desk, disagreement: int) -> None:
    said = desk("erase", "document", str(disagreement), "--as", "hanne", "--basis", "mistake", "--yes")
    assert said.code == 3
    assert "la ikke fram noe dokument" in said.err


# --- people ---------------------------------------------------------------------------------------


def has_left(desk: Desk, who: str, on: date) -> None:
    mill = organisation()
    gone = tuple(e.model_copy(update={"until": on}) if e.person == who else e for e in mill.employments)
    put_organisation(desk, mill.model_copy(update={"employments": gone}))


def put_organisation(desk: Desk, made: Organisation) -> None:
    async def put(mill: object) -> None:
        async with mill.database.write(EMPLOYER) as tx:  # type: ignore[attr-defined]
            await tx.put_organisation(made, desk.now)

    desk._with(put)


def erase_person(desk: Desk, who: str, *more: str) -> Said:
    return desk("erase", "person", who, "--as", "hanne", "--basis", "request", "--yes", *more)


def test_a_leavers_name_goes_from_everything_that_is_shown(desk: Desk, disagreement: int) -> None:
    has_left(desk, "siri", date(2027, 3, 1))
    mail = desk.state / "mail"
    mail.mkdir(exist_ok=True)
    (mail / "2027-03-01_000001_Y10_kari.eml").write_text(
        "To: Kari <kari@x.example>\n\nSiri Steinvik har sluttet\n"
    )
    (mail / "2027-03-01_000002_Y10_per.eml").write_text("To: Per <per@x.example>\n\nIngenting om noen\n")
    said = erase_person(desk, "Siri Steinvik")
    assert said.code == 0, said.err
    assert "Én e-post i e-postmappen nevner personen" in said.line
    assert desk.facts("person_erased")[-1][1].body == PersonErased(person="siri", basis="request")
    assert [file.name for file in mail.iterdir()] == ["2027-03-01_000002_Y10_per.eml"]
    assert not in_database(desk, "Steinvik")
    for shown in (desk("history"), desk("access", "siri"), desk("org", "show")):
        assert shown.code == 0, shown.err
        assert "Steinvik" not in shown.out
    assert "slettet person (siri)" in desk("history", "--kind", "person_erased").line
    assert "slettet person (siri)" in desk("access", "siri").line


def test_an_erased_person_is_found_by_the_id_alone(desk: Desk) -> None:
    has_left(desk, "siri", date(2027, 3, 1))
    assert erase_person(desk, "siri").code == 0
    assert desk("access", "Siri Steinvik").code == 3
    assert desk("access", "", "--as", "hanne").code == 3, "nothing typed is nobody"
    assert erase_person(desk, "siri").code == 4


def test_who_works_here_keeps_the_name(desk: Desk) -> None:
    said = erase_person(desk, "siri")
    assert said.code == 4
    assert "i bruk ennå" in said.err
    assert in_database(desk, "Steinvik")


def test_texts_that_name_the_person_are_pointed_out(desk: Desk) -> None:
    has_left(desk, "siri", date(2027, 3, 1))
    desk.file()
    why = "Siri Steinvik ble ikke hørt"
    assert desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--comment", why).code == 0
    place = desk.facts("decision_recorded")[-1][0]
    said = erase_person(desk, "siri", "--format", "json")
    assert json.loads(said.out)["named_in"] == [place]
    assert in_database(desk, "Steinvik"), "the text is its author's and the employer's to agree about"


def test_a_second_import_does_not_know_the_erased_again(desk: Desk) -> None:
    has_left(desk, "siri", date(2027, 3, 1))
    erase_person(desk, "siri")
    desk.people(PersonRow.model_validate(person("siri").model_dump()))
    assert not in_database(desk, "Steinvik")


# --- access ---------------------------------------------------------------------------------------


def test_everybody_sees_what_is_kept_about_themselves(desk: Desk, disagreement: int) -> None:
    kept = desk("access", "per", "--format", "json").document
    assert kept["person"]["name"] == "Per Hansen"
    assert kept["texts"] == [{"seq": disagreement, "text": WHY, "hidden": None}]
    assert {a["role"] for a in kept["parts"]["assignments"]} == {"safety_rep", "senior_safety_rep"}
    assert disagreement in {fact["seq"] for fact in kept["facts"]}
    assert desk.facts("texts_read") == [], "one's own words are not read by another"


def test_what_hr_reads_of_anothers_words_is_noted_or_hidden(desk: Desk, disagreement: int) -> None:
    [text] = desk("access", "per", "--as", "hanne", "--format", "json").document["texts"]
    noted = [fact.body for _seq, fact in desk.facts("texts_read")]
    if text["text"] is None:
        assert noted == []
        assert text["hidden"] == "not_yours"
    else:
        assert noted == [TextsRead(purpose="search", facts=(disagreement,))]
        own = desk("access", "per", "--format", "json").document
        assert [(r["reader"], r["facts"]) for r in own["read"]] == [("hanne", [disagreement])]


def test_others_do_not_see_what_is_kept_about_somebody(desk: Desk) -> None:
    said = desk("access", "per", "--as", "kari")
    assert said.code == 4
    assert "kan ikke se alt om Per Hansen" in said.err


def test_a_wish_of_somebody_elses_is_told_by_mail(desk: Desk, disagreement: int) -> None:
    erase(desk, disagreement, "hanne", "--yes")
    assert isinstance(desk.facts("erasure_asked")[-1][1].body, ErasureAsked)
    seq = desk.facts("erasure_asked")[-1][0]

    async def receivers(mill: object) -> set[str]:
        async with mill.database.read() as reader:  # type: ignore[attr-defined]
            return {row.target for row in await reader.outbox_due(desk.now, 10_000) if row.fact_seq == seq}

    assert desk._with(receivers) == {"per", "toppen"}


def test_what_was_erased_can_be_checked_by_anybody(desk: Desk, disagreement: int) -> None:
    assert "0 slettinger er kontrollert." in desk("erase", "check").out
    erase(desk, disagreement, "per", "--yes")
    erase(desk, disagreement, "hanne", "--yes")
    assert "1 sletting er kontrollert." in desk("erase", "check").out

    body = TextsErased(facts=(desk.facts()[0][1].id,), basis="retention")
    fact = desk.facts("texts_erased")[0][1].model_copy(
        update={"id": "forged", "actor": "system", "body": body}
    )

    async def forge(mill: object) -> None:
        async with mill.database.write(EMPLOYER) as tx:  # type: ignore[attr-defined]
            await tx.append([fact.model_copy(update={"signed": None, "via": None})])

    desk._with(forge)
    said = desk("erase", "check")
    assert said.code == 4
    assert "slettet før lagringstiden var ute" in " ".join(said.err.split())


def test_inspection_files_that_have_it_are_listed_to_be_called_back(desk: Desk, disagreement: int) -> None:
    made = {"kind": "dossier_made", "year": 2027, "sha256": "ab" * 32, "texts": True, "names": True}

    async def make(mill: object) -> None:
        like = desk_facts[0][1]
        async with mill.database.write(EMPLOYER) as tx:  # type: ignore[attr-defined]
            for n, size in enumerate((disagreement - 1, disagreement)):
                body = DossierMade.model_validate({**made, "size": size})
                changed = {"id": f"dossier {n}", "body": body, "actor": "hanne", "recorded": desk.now}
                await tx.append([like.model_copy(update=changed)])

    desk_facts = desk.facts("key_enrolled")
    desk._with(make)
    [_before, (place, _with_it)] = desk.facts("dossier_made")
    erase(desk, disagreement, "per", "--yes")
    said = erase(desk, disagreement, "hanne", "--yes")
    assert "Én tilsynsmappe har det med seg" in said.line
    assert f"- nr. {place}," in said.line
    assert "Hanne Rød laget en tilsynsmappe for 2027" in said.line


def test_an_erasure_stands_while_somebody_reads_and_old_pages_are_spoken_of(
    desk: Desk, disagreement: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub, "PATIENCE", 0.2)
    erase(desk, disagreement, "per", "--yes")
    reader = sqlite3.connect(desk.state / "forsvarlig.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM payload").fetchone()
    said = erase(desk, disagreement, "hanne", "--yes")
    assert said.code == 0, said.err
    assert "databasens gamle sider" in said.line
    assert "databasens gamle sider" in " ".join(desk("retention", "run").out.split())
    reader.execute("COMMIT")
    reader.close()
    assert desk("retention", "run", "--format", "json").document["old_pages_gone"]
    assert not in_database(desk, "Turnusen")
