"""`forsvarlig step`: one step's whole story, and filing what it asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from activities.language import speaking
from tests.activities.sawmill import EMPLOYER, UNIT, person
from tests.worker.desk import Desk
from worker.cli.fact_sentences import describe
from worker.cli.fact_words import KINDS, PROFILES, REASONS
from worker.cli.naming import visible
from workflows.rules.events import AttemptRefused, Body, DecisionRecorded, Escalated, Fact, StepClosed
from workflows.rules.organisation import Profile, Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome, Refusal

HASH = "ab" * 32


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    file = tmp_path / "referat.txt"
    file.write_text("Verneombudet tok opp bemanningen.", encoding="utf-8")
    return file


def test_a_step_tells_what_the_law_asks_when_it_is_due_and_who_is_waited_for(desk: Desk) -> None:
    said = desk("step", "show", "sagbruk", "y10")
    assert said.code == 0
    assert "R-34" in said.out
    assert "arbeidsmiljøloven § 6-2" in said.line
    assert "onsdag 31. mars 2027 – om 21 dager" in said.out
    assert "Kari Nordmann (leder) skal legge fram" in said.line
    assert "forsvarlig step submit sagbruk/2027 Y10 FIL --as kari" in said.out


def test_a_step_that_is_late_says_so_in_words(desk: Desk) -> None:
    desk.go(date(2027, 4, 7))
    assert "onsdag 31. mars 2027 – 7 dager over fristen" in desk("step", "show", "sagbruk", "Y10").out


@pytest.mark.parametrize("cycle", ["sagbruk", "Sagbruk", "SAGBRUK/2027", "sagbruk/2027", UNIT])
def test_a_units_year_can_be_named_in_several_ways(desk: Desk, cycle: str) -> None:
    assert desk("--format", "json", "step", "show", cycle, "y10").document["cycle"] == UNIT


@pytest.mark.parametrize(
    "cycle", ["2027", "virksomhet", "employer", "virksomhet/2027", EMPLOYER, f"year/{EMPLOYER}/2027"]
)
def test_the_employers_own_year_can_be_named_in_several_ways(desk: Desk, cycle: str) -> None:
    assert desk("--format", "json", "step", "show", cycle, "Y05").document["unit"] is None


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("sagbrukk", "Y10"), "Mente du sagbruk?"),
        (("sagbruk/2031", "Y10"), "forsvarlig year start 2031"),
        (("sagbruk/neste", "Y10"), "sagbruk/2027"),
        (("unit/nordfjord/sagbruk/2026", "Y10"), UNIT),
        (("sagbruk", "Y99"), "Y"),
        (("sagbruk", "Y05"), "skriv 2027 i stedet for enheten"),
        (("2027", "Y10"), "sagbruk/2027"),
        (("topp", "Y10"), "forsvarlig year show 2027"),
    ],
)
def test_a_place_that_is_not_there_gets_a_way_to_the_right_one(
    desk: Desk, arguments: tuple[str, str], remedy: str
) -> None:
    said = desk("step", "show", *arguments)
    assert said.code == 3
    assert remedy in said.err.partition("Gjør dette:")[2]


def test_a_step_that_comes_twice_asks_which_one(desk: Desk) -> None:
    said = desk("step", "show", "sagbruk", "Y28")
    assert said.code == 2
    assert "Y28.1 og Y28.2" in said.err


def test_filing_answers_with_version_fingerprint_ledger_number_and_who_is_next(
    desk: Desk, minutes: Path
) -> None:
    said = desk("step", "submit", "sagbruk", "Y10", str(minutes), "--as", "kari")
    [(seq, fact)] = desk.facts("evidence_submitted")
    assert said.code == 0
    assert "referat.txt er versjon 1" in said.line
    assert f"nr. {seq}" in said.out
    assert fact.body.document[:12] in said.out  # type: ignore[union-attr]
    assert "Verneombudet, Per Hansen: er rådspurt" in said.out


def test_without_an_engine_the_receipt_says_that_the_rest_is_followed_up_later(
    desk: Desk, minutes: Path
) -> None:
    said = desk("step", "submit", "sagbruk", "Y10", str(minutes), "--as", "kari")
    assert "Det er ført" in said.err
    assert "forsvarlig up" in said.err


def test_the_same_filing_with_the_same_nonce_is_recorded_once(desk: Desk, minutes: Path) -> None:
    again = (
        "step",
        "submit",
        "sagbruk",
        "Y10",
        str(minutes),
        "--as",
        "kari",
        "--nonce",
        "first-try",
    )
    assert desk(*again).code == desk(*again).code == 0
    assert "lagt fram fra før" in desk(*again).out
    assert len(desk.facts("evidence_submitted")) == 1


@pytest.mark.parametrize("nonce", ["", "to ord", "x" * 41, "a/b"])
def test_a_nonce_that_could_not_be_told_apart_is_a_usage_error(desk: Desk, minutes: Path, nonce: str) -> None:
    assert desk("step", "submit", "sagbruk", "Y10", str(minutes), "--as", "kari", "--nonce", nonce).code == 2


def test_a_file_from_somebody_else_is_refused_and_the_refusal_is_recorded(desk: Desk, minutes: Path) -> None:
    said = desk("step", "submit", "sagbruk", "Y10", str(minutes), "--as", "Per Hansen")
    [(seq, _fact)] = desk.facts("attempt_refused")
    assert said.code == 4
    assert f"ført som nr. {seq}" in said.err
    assert "Kari Nordmann (kari)" in said.err


def test_the_same_content_again_is_no_new_version(desk: Desk, minutes: Path) -> None:
    desk.file(minutes.read_text("utf-8"))
    said = desk("step", "submit", "sagbruk", "Y10", str(minutes), "--as", "kari")
    assert said.code == 4
    assert "alt lagt fram som versjon 1" in said.err


@pytest.mark.parametrize(("name", "content"), [("borte.txt", None), ("tom.txt", b"")])
def test_a_file_that_is_missing_or_empty_is_bad_input(
    desk: Desk, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    said = desk("step", "submit", "sagbruk", "Y10", str(tmp_path / name), "--as", "kari")
    assert said.code == 7
    assert name in said.err
    assert desk.facts("evidence_submitted") == desk.facts("attempt_refused") == []


def test_a_refused_filing_is_one_document_for_a_program_too(desk: Desk, minutes: Path) -> None:
    said = desk("--format", "json", "step", "submit", "sagbruk", "Y10", str(minutes), "--as", "per")
    assert (said.code, said.document["accepted"], said.document["reason"]) == (4, False, "not_eligible")


def test_the_story_keeps_versions_answers_remarks_and_refused_attempts(desk: Desk) -> None:
    desk.file()
    desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "godkjenn")
    desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--comment", "Bemanningen mangler.")
    desk.go()
    said = desk("step", "show", "sagbruk", "Y10", "--as", "kari")
    assert "lagt fram av Kari Nordmann" in said.line
    assert "Per Hansen (verneombud): uenig" in said.line
    assert "«Bemanningen mangler.»" in said.out
    assert "Per Hansen er uenig. Det blir stående" in said.line
    assert "Nektet: Per Hansen prøvde å svare «godkjent»" in said.line
    assert "Ferdig" in said.out


def test_names_and_remarks_cannot_steer_the_terminal(desk: Desk) -> None:
    desk.people(person("kari", name="\x1b[31mKari\x07 [red]Nord\u202emann"))
    desk.file()
    desk(
        "decide",
        "sagbruk",
        "Y10",
        "--as",
        "per",
        "--outcome",
        "uenig",
        "--comment",
        "\x1b]0;eid\x07\n[bold]Nei",
    )
    said = desk("step", "show", "sagbruk", "Y10", "--no-color", "--as", "per")
    assert not {"\x1b", "\x07", "\u202e"} & set(said.out)
    assert "[red]Nord\\u202emann" in said.out
    assert "[bold]Nei" in said.out


def test_without_any_employer_the_way_in_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Desk(tmp_path, monkeypatch)("step", "show", "sagbruk", "Y10")
    assert said.code == 3
    assert "forsvarlig org import" in said.err


# --- facts in words -------------------------------------------------------------------------------


def fact(body: object, actor: str = "system") -> Fact:
    return Fact.model_validate(
        {
            "id": "x", "employer": EMPLOYER, "cycle": UNIT, "step": "Y10", "concerns": "2027-01-04T07:00:00Z",
            "recorded": "2027-01-04T07:00:00Z", "actor": actor, "body": body,
        }
    )  # fmt: skip


def test_a_fact_is_one_sentence_with_names() -> None:
    decision = DecisionRecorded(
        role=Role.SAFETY_REP,
        asked=Kind.CONSULT,
        outcome=Outcome.DISAGREES,
        document=HASH,
        version=2,
        on_behalf_of="per",
    )
    with speaking("nb"):
        assert describe(fact(decision, "vera"), {"per": "Per", "vera": "Vera"}) == (
            "Vera for Per (verneombud) er uenig i versjon 2."
        )


def test_whoever_is_erased_is_called_by_the_id() -> None:
    refused = AttemptRefused(attempt="evidence", reason=Refusal.CLOSED)
    with speaking("nb"):
        assert describe(fact(refused, "p0009"), {}).startswith("Nektet: p0009 prøvde")


def test_many_people_are_counted_and_not_all_named() -> None:
    told = tuple(f"p{n}" for n in range(112))
    body = Escalated(days_after=1, people=told, deviation=True, wec_item=False)
    with speaking("nb"):
        assert "p0, p1, p2, p3, p4 og 107 til har fått beskjed; avviket" in describe(fact(body), {})


def test_disagreement_and_vacancies_are_never_smoothed_over() -> None:
    body = StepClosed(document=HASH, version=1, late=True, disagreements=("per",), vacant=(Role.UNION_REP,))
    with speaking("nb"):
        text = describe(fact(body), {"per": "Per"})
    assert "etter fristen" in text
    assert "uenig: Per" in text
    assert "tillitsvalgt" in text


def test_every_kind_reason_and_profile_has_its_words() -> None:
    union = get_args(Body)[0]
    kinds = {body.model_fields["kind"].default for body in get_args(union)}
    assert set(KINDS) == kinds
    assert set(REASONS) == set(Refusal)
    assert set(PROFILES) == set(Profile)


@pytest.mark.parametrize(
    "char", ["\x00", "\x1b", "\x7f", "\x9b", "\u200f", "\u202e", "\u2066", "\ud800", "\n"]
)
def test_no_character_that_steers_a_terminal_is_shown_as_itself(char: str) -> None:
    assert char not in visible(f"a{char}b")
    assert visible("Åse Ærø-Ødegård’s 日本 [red]") == "Åse Ærø-Ødegård’s 日本 [red]"
