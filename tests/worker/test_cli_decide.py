"""`forsvarlig decide`: answers in a gate, and why some are refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.activities.sawmill import person
from tests.worker.desk import Desk, copied, stage
from worker.cli.acts import ALIASES
from worker.cli.decide import NOTHING, outcome_of
from worker.cli.refusals import _TELLERS
from workflows.rules.events import AttemptRefused, DecisionRecorded, Outcome, Refusal
from workflows.rules.organisation import Absence


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("mill"))


@pytest.fixture
def desk(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(copied(template, tmp_path / "state"), monkeypatch)


@pytest.fixture
def filed(desk: Desk) -> Desk:
    """The minutes of the meeting are filed, and the safety representative is asked."""
    desk.file()
    return desk


@pytest.fixture
def assessed(desk: Desk) -> Desk:
    """The risk assessment is filed; Per is asked first, then Kari."""
    desk.go(date(2027, 5, 10))
    desk.file("Risikovurdering", "Y15")
    return desk


def reason(desk: Desk) -> tuple[int, Refusal]:
    """Of the last refusal, with its place."""
    seq, fact = desk.facts("attempt_refused")[-1]
    assert isinstance(fact.body, AttemptRefused)
    return seq, fact.body.reason


def answer(desk: Desk, step: str, who: str, outcome: str, *more: str) -> tuple[int, str]:
    said = desk("decide", "sagbruk", step, "--as", who, "--outcome", outcome, *more)
    return said.code, " ".join((said.out + said.err).split())


@pytest.mark.parametrize("who", ["per", "PER@nordfjord.example", "  per   hansen "])
def test_the_safety_rep_agrees_without_naming_the_role(filed: Desk, who: str) -> None:
    code, text = answer(filed, "Y10", who, "enig")
    [(seq, fact)] = filed.facts("decision_recorded")
    assert code == 0
    assert f"Per Hansen (verneombud) er enig i versjon 1. (nr. {seq} i historikken)" in text
    assert "Steget er ferdig." in text
    assert isinstance(fact.body, DecisionRecorded)
    assert (fact.actor, fact.body.role) == ("per", "safety_rep")


def test_a_disagreement_is_recorded_with_its_reason_and_said_to_stay(filed: Desk) -> None:
    code, text = answer(filed, "Y10", "per", "uenig", "--comment", "Bemanningen mangler.")
    assert code == 0
    assert "ingen kan fjerne den" in text


def test_a_reason_may_come_from_standard_input(filed: Desk) -> None:
    said = filed(
        "decide",
        "sagbruk",
        "Y10",
        "--as",
        "per",
        "--outcome",
        "uenig",
        "--comment-file",
        "-",
        input="Nei.\nDerfor.",
    )
    assert said.code == 0
    assert "Derfor." in filed("step", "show", "sagbruk", "Y10").out


def test_after_the_safety_rep_the_manager_is_waited_for(assessed: Desk) -> None:
    assert "Lederen, Kari Nordmann: skal ta stilling nå" in answer(assessed, "Y15", "per", "enig")[1]


def test_an_answer_that_sends_back_asks_for_a_new_version(assessed: Desk) -> None:
    answer(assessed, "Y15", "per", "enig")
    assessed.go()
    code, text = answer(assessed, "Y15", "kari", "be-om-endring", "--comment", "Ta med kveldsskiftet.")
    assert code == 0
    assert "Kari Nordmann (leder) ba om endringer i versjon 1." in text
    assert "Lederen, Kari Nordmann: skal legge fram det som trengs" in text


def test_the_same_answer_with_the_same_nonce_is_recorded_once(filed: Desk) -> None:
    assert answer(filed, "Y10", "per", "enig", "--nonce", "a1")[0] == 0
    code, text = answer(filed, "Y10", "per", "enig", "--nonce", "a1")
    assert code == 0
    assert "ført fra før" in text
    assert len(filed.facts("decision_recorded")) == 1


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "who", "outcome", "more", "expected", "words"),
    [
        ("Y10", "per", "godkjenn", (), Refusal.WRONG_OUTCOME, "har ikke veto"),
        ("Y10", "per", "uenig", (), Refusal.COMMENT_REQUIRED, '--comment "din begrunnelse"'),
        ("Y10", "per", "uenig", ("--comment", "  "), Refusal.COMMENT_REQUIRED, "trenger en begrunnelse"),
        ("Y10", "hanne", "enig", (), Refusal.NOT_ELIGIBLE, "Dette kan Per Hansen (per)"),
        ("Y10", "kari", "ikke-svart", ("--comment", "x"), Refusal.OPPORTUNITY_NOT_GIVEN, "Vent til"),
        ("Y10", "per", "ikke-svart", ("--comment", "x"), Refusal.NOT_ELIGIBLE, "Dette kan Kari Nordmann (kari)"),
        ("Y14", "per", "enig", ("--role", "safety_rep"), Refusal.NO_EVIDENCE, "step submit sagbruk/2027 Y14"),
        ("Y15", "per", "enig", (), Refusal.NOT_YET, "onsdag 5. mai 2027"),
        ("Y10", "per", "enig", ("--role", "dpo"), Refusal.NOT_ELIGIBLE, "blir ikke spurt i Y10"),
    ],
)  # fmt: skip
def test_a_refused_answer_is_recorded_and_says_why_and_what_to_do(
    filed: Desk, step: str, who: str, outcome: str, more: tuple[str, ...], expected: Refusal, words: str
) -> None:
    code, text = answer(filed, step, who, outcome, *more)
    seq, refused = reason(filed)
    assert (code, refused) == (4, expected)
    assert f"ført som nr. {seq} i historikken" in text
    assert words in text
    assert not filed.facts("decision_recorded")


def test_the_manager_waits_for_the_safety_rep(assessed: Desk) -> None:
    code, text = answer(assessed, "Y15", "kari", "godkjenn")
    assert (code, reason(assessed)[1]) == (4, Refusal.NOT_YOUR_TURN)
    assert "Vent på Per Hansen (per)" in text


def test_an_answer_stands_and_is_not_given_twice(assessed: Desk) -> None:
    answer(assessed, "Y15", "per", "enig")
    code, text = answer(assessed, "Y15", "per", "uenig", "--comment", "Ombestemt")
    assert (code, reason(assessed)[1]) == (4, Refusal.ALREADY_DECIDED)
    assert "Per Hansen har alt svart som verneombud på versjon 1" in text


def test_an_answer_about_an_old_version_is_refused_with_the_new_one_named(assessed: Desk) -> None:
    assessed.file("Risikovurdering 2", "Y15")
    code, text = answer(assessed, "Y15", "per", "enig", "--version", "1")
    assert (code, reason(assessed)[1]) == (4, Refusal.STALE_VERSION)
    assert "versjon 1, men nå er det versjon 2" in text


def test_nothing_more_is_taken_after_the_end(filed: Desk) -> None:
    answer(filed, "Y10", "per", "enig")
    filed.go()
    code, text = answer(filed, "Y10", "per", "enig", "--role", "safety_rep")
    assert (code, reason(filed)[1]) == (4, Refusal.CLOSED)
    assert "ferdig, onsdag 10. mars 2027" in text


def test_the_substitute_who_was_consulted_does_not_decide_too(assessed: Desk) -> None:
    answer(assessed, "Y15", "per", "enig")
    assessed.absent(Absence(person="kari", substitute="per", since=date(2027, 5, 10)))
    code, text = answer(assessed, "Y15", "per", "godkjenn")
    assert (code, reason(assessed)[1]) == (4, Refusal.TWO_ROLES)
    assert "kan ikke også bestemme" in text


def test_where_nothing_was_filed_the_answer_is_about_nothing(desk: Desk) -> None:
    answer(desk, "Y10", "per", "enig")
    [(_seq, fact)] = desk.facts("attempt_refused")
    assert isinstance(fact.body, AttemptRefused)
    assert (fact.body.document, fact.body.version) == (NOTHING, 0)


def test_every_refusal_has_a_sentence_and_a_remedy() -> None:
    assert set(_TELLERS) == set(Refusal)


# --- what was typed -------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", Outcome)
def test_every_answer_can_be_typed_in_norwegian_and_by_its_name(outcome: Outcome) -> None:
    assert outcome in ALIASES.values()
    assert outcome_of(outcome.value) is outcome_of(outcome.value.upper().replace("_", "-")) is outcome


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sagbruk", "Y10", "--as", "per", "--outcome", "bra"), "enig-med-merknad"),
        (("sagbruk", "Y10", "--as", "per"), "--outcome"),
        (("sagbruk",), "STEG, --as og --outcome"),
        (("sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--role", "sjef"), "--role"),
        (("sagbruk", "Y10", "--from", "svar.csv"), "--from"),
        (("sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--version", "0"), "--version"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error_and_nothing_is_recorded(
    filed: Desk, arguments: tuple[str, ...], words: str
) -> None:
    said = filed("decide", *arguments)
    assert said.code == 2
    assert words in said.err
    assert not filed.facts("attempt_refused")


@pytest.mark.parametrize(
    ("who", "remedy"),
    [
        ("per hanssen", "per"),
        ("Nordmann", "kari"),
        ("ukjent", "forsvarlig org show"),
        ("\x1b[31m", "forsvarlig org show"),
    ],
)
def test_a_person_who_is_not_there_gets_those_who_are_near(filed: Desk, who: str, remedy: str) -> None:
    said = filed("decide", "sagbruk", "Y10", "--as", who, "--outcome", "enig")
    assert said.code == 3
    assert remedy in said.err.partition("Gjør dette:")[2]
    assert "\x1b[31m»" not in said.err


def test_two_people_of_one_name_are_told_apart_by_id(filed: Desk) -> None:
    filed.people(person("w1", name="Per Hansen", external_key="1017"))
    said = filed("decide", "sagbruk", "Y10", "--as", "Per Hansen", "--outcome", "enig")
    assert said.code == 2
    assert "w1, ansattnr 1017" in said.err
    assert "--as per" in said.err
    assert filed("decide", "sagbruk", "Y10", "--as", "1017", "--outcome", "enig").code == 4


def test_a_version_that_was_never_filed_is_not_found(filed: Desk) -> None:
    said = filed("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--version", "7")
    assert said.code == 3
    assert "Versjonene er: 1" in said.err


def test_a_program_gets_one_document_also_when_refused(filed: Desk) -> None:
    said = filed("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "approved", "--format", "json")
    assert (said.code, said.document["schema"], said.document["reason"]) == (
        4,
        "forsvarlig/decision/1",
        "wrong_outcome",
    )


@pytest.mark.parametrize(("said", "recorded"), [("ja", 1), ("J", 1), ("yes", 1), ("nei", 0), ("x", 0)])
def test_on_a_terminal_the_version_is_shown_and_the_answer_confirmed(
    filed: Desk, monkeypatch: pytest.MonkeyPatch, said: str, recorded: int
) -> None:
    monkeypatch.setattr("worker.cli.decide._on_a_terminal", lambda: True)
    answered = filed(
        "decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", input=f"Nei, nei\n{said}\n"
    )
    assert "Versjon 1, lagt fram av Kari Nordmann" in answered.out
    assert len(filed.facts("decision_recorded")) == recorded
    assert answered.code == (0 if recorded else 1)


def test_with_yes_a_terminal_is_not_asked(filed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.cli.decide._on_a_terminal", lambda: True)
    assert answer(filed, "Y10", "per", "enig", "--yes")[0] == 0


# --- many -----------------------------------------------------------------------------------------


def test_many_answers_are_given_one_by_one_each_with_its_result(filed: Desk, tmp_path: Path) -> None:
    rows = (
        "cycle;step;as;role;outcome;comment\r\nsagbruk;Y10;per;;enig;\r\nsagbruk;Y14;per;safety_rep;enig;\r\n"
    )
    file = tmp_path / "svar.csv"
    file.write_bytes(b"\xef\xbb\xbf" + rows.encode())
    said = filed("decide", "--from", str(file), "--format", "json")
    assert said.code == 4
    assert (said.document["accepted"], said.document["refused"]) == (1, 1)
    assert [item["reason"] for item in said.document["items"]] == [None, "no_evidence"]
    assert len(filed.facts("decision_recorded")) == 1


def test_the_same_file_with_the_same_nonce_doubles_nothing(filed: Desk, tmp_path: Path) -> None:
    file = tmp_path / "svar.csv"
    file.write_text(
        "steg,årshjul,person,svar,begrunnelse\nY10,sagbruk,per,uenig,Nei: ærlig\n", encoding="cp1252"
    )
    assert filed("decide", "--from", str(file), "--nonce", "mars").code == 0
    assert "ført fra før" in filed("decide", "--from", str(file), "--nonce", "mars").line
    assert len(filed.facts("decision_recorded")) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("cycle;step;as;outcome\nsagbruk;Y10;per;bra\nsagbruk;Y10;per;enig", "svar.csv:2: «bra»"),
        ("cycle;step;as;outcome\nsagbruk;Y10;per;enig\nsagbruk;Y99;per;enig", "svar.csv:3: Y99 finnes ikke"),
        (
            "cycle;step;as;outcome\nsagbruk;Y10;per;enig\nsagbruk;Y10;;enig",
            "svar.csv:3: kolonnen «as» er tom",
        ),
        ("cycle;step;outcome\nsagbruk;Y10;enig", "kolonnen «as» mangler"),
        ("cycle;step;as;outcome;lønn\n", "ukjent kolonne «lønn»"),
        ("cycle;step;as;outcome\n", "har ingen rader"),
        ("", "har ingen rader"),
        ('cycle;step;as;outcome\n"sagbruk;Y10;per;enig', "anførselstegnene"),
    ],
)
def test_a_file_with_a_fault_gives_no_answer_at_all(
    filed: Desk, tmp_path: Path, content: str, words: str
) -> None:
    file = tmp_path / "svar.csv"
    file.write_text(content, encoding="utf-8")
    said = filed("decide", "--from", str(file))
    assert said.code == 7
    assert words in said.err
    assert not filed.facts("decision_recorded")
