"""`forsvarlig decide`: answers in a gate, and why some are refused."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from activities.signatures import SigningKey
from tests.activities.sawmill import UNIT, person
from tests.worker.desk import Desk, played, resumed
from worker.cli.decide import outcome_of
from worker.cli.deciding import NOTHING
from worker.cli.fact_words import REASONS
from worker.cli.naming import ALIASES
from worker.cli.refusals import _TELLERS
from workflows.rules.events import AttemptRefused, DecisionRecorded
from workflows.rules.organisation import Absence
from workflows.rules.statement import read_envelope, read_statement
from workflows.rules.terms import Outcome, Refusal


def assess(desk: Desk) -> None:
    desk.go(date(2027, 5, 10))
    desk.file("Risikovurdering", "Y15")


@pytest.fixture(scope="module")
def after_filing(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return played(opened, tmp_path_factory.mktemp("mill") / "state", Desk.file)


@pytest.fixture(scope="module")
def after_assessing(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return played(opened, tmp_path_factory.mktemp("mill") / "state", assess)


@pytest.fixture
def filed(after_filing: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The minutes of the meeting are filed, and the safety representative is asked."""
    return resumed(after_filing, tmp_path / "state", monkeypatch)


@pytest.fixture
def assessed(after_assessing: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The risk assessment is filed; Per is asked first, then Kari."""
    return resumed(after_assessing, tmp_path / "state", monkeypatch)


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
    assert "Derfor." in filed("step", "show", "sagbruk", "Y10", "--as", "per").out


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


def test_the_safety_rep_who_is_named_as_substitute_does_not_decide_for_the_employer(assessed: Desk) -> None:
    answer(assessed, "Y15", "per", "enig")
    assessed.absent(Absence(person="kari", substitute="per", since=date(2027, 5, 10)))
    code, text = answer(assessed, "Y15", "per", "godkjenn", "--role", "manager")
    assert (code, reason(assessed)[1]) == (4, Refusal.NOT_ELIGIBLE)
    assert "Dette kan Tor Opp (toppen)" in text


def test_where_nothing_was_filed_the_answer_is_about_nothing(desk: Desk) -> None:
    answer(desk, "Y10", "per", "enig")
    [(_seq, fact)] = desk.facts("attempt_refused")
    assert isinstance(fact.body, AttemptRefused)
    assert (fact.body.document, fact.body.version) == (NOTHING, 0)


def test_every_refusal_has_a_sentence_and_a_remedy() -> None:
    of_the_record = {
        Refusal.NOTHING_TO_ERASE, Refusal.STILL_NEEDED, Refusal.KEPT_TOO_SHORT, Refusal.KEPT_TOO_LONG,
    }  # fmt: skip
    assert set(_TELLERS) == set(Refusal) - of_the_record
    assert set(REASONS) == set(Refusal)  # those of the record are told by `erase` and `retention`


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


@pytest.mark.parametrize("way", [(), ("--statement-out", "svar.json")])
def test_a_comment_longer_than_anybody_reads_is_refused_before_anything_is_recorded(
    filed: Desk, way: tuple[str, ...]
) -> None:
    before = filed.facts()
    said = filed(
        "decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--comment", "a" * 12_001, *way
    )
    assert said.code == 7, said.err
    assert "12001 tegn" in said.err
    assert "forsvarlig step submit" in said.err
    assert filed.facts() == before


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
        (
            f"cycle;step;as;outcome;comment\nsagbruk;Y10;per;enig;\nsagbruk;Y10;per;uenig;{'a' * 12_001}",
            "svar.csv:3: Teksten er på 12001 tegn",
        ),
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


# --- handed over and handed in --------------------------------------------------------------------


def signalled(desk: Desk, monkeypatch: pytest.MonkeyPatch, *more: str) -> list[str]:
    """The words of the command that sends Per's answer through Temporal."""
    monkeypatch.setattr("worker.connection.engine_address", lambda state: "127.0.0.1:7233")
    said = desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--as-signal", *more)
    assert said.code == 0, said.err
    assert said.out.count("\n") == 1
    return shlex.split(said.out)


def test_an_answer_as_a_signal_is_one_line_to_run_and_nothing_is_recorded(
    filed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = signalled(filed, monkeypatch, "--comment", "Det er 'kaldt' der.")
    assert command[:-1] == [
        "temporal", "workflow", "signal", "--address", "127.0.0.1:7233", "--namespace", "default",
        "--workflow-id", UNIT, "--name", "decide", "--input",
    ]  # fmt: skip
    assert "kaldt" not in command[-1]
    assert not filed.facts("decision_recorded")
    said = read_statement(read_envelope(command[-1].encode()))
    assert (said.actor, said.expires - said.issued) == ("per", timedelta(days=7))


def test_a_statement_that_was_handed_over_is_handed_in_with_its_reason(
    filed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = signalled(filed, monkeypatch, "--comment", "Det er kaldt der.")[-1]
    said = filed("decide", "--statement", "-", input=statement)
    assert said.code == 0, said.err
    assert "Per Hansen (verneombud) er uenig i versjon 1." in said.line
    assert "«Det er kaldt der.»" in filed("step", "show", "sagbruk", "Y10", "--as", "per").line
    again = filed("decide", "--statement", "-", input=statement)
    assert (again.code, len(filed.facts("decision_recorded"))) == (0, 1)
    assert "ført fra før" in again.line


def test_a_statement_is_written_to_a_file_for_its_owner_and_needs_no_engine(
    filed: Desk, tmp_path: Path
) -> None:
    out = tmp_path / "svar.json"
    said = filed("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--statement-out", str(out))
    assert said.code == 0, said.err
    assert said.out == ""
    assert "Signert, men ikke ført" in said.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert not filed.facts("decision_recorded")
    assert filed("decide", "--statement", str(out), "--format", "json").document["accepted"] is True


def test_without_an_engine_there_is_nowhere_to_send_a_signal(filed: Desk) -> None:
    said = filed("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--as-signal")
    assert said.code == 5
    assert "forsvarlig up" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda raw: "ikke noe", Refusal.UNREADABLE),
        (lambda raw: raw.replace('"signatures":[', '"signatures":[],"was":['), Refusal.UNSIGNED),
        (lambda raw: json.dumps({**json.loads(raw), "payload": "e30="}), Refusal.UNREADABLE),
        (lambda raw: resigned(raw), Refusal.BAD_SIGNATURE),
    ],
)
def test_a_statement_that_was_changed_is_refused_and_that_is_recorded(
    filed: Desk, tmp_path: Path, change: Callable[[str], str], expected: Refusal
) -> None:
    out = tmp_path / "svar.json"
    filed("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--statement-out", str(out))
    said = filed("decide", "--statement", "-", input=change(out.read_text()))
    seq, refused = reason(filed)
    assert (said.code, refused) == (4, expected)
    assert f"nr. {seq} i historikken" in " ".join(said.err.split())


def resigned(raw: str) -> str:
    envelope = json.loads(raw)
    signature = envelope["signatures"][0]["sig"]
    envelope["signatures"][0]["sig"] = ("B" if signature[0] == "A" else "A") + signature[1:]
    return json.dumps(envelope)


def test_a_statement_that_is_too_old_is_refused(filed: Desk, tmp_path: Path) -> None:
    out = tmp_path / "svar.json"
    filed("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--statement-out", str(out))
    filed.now += timedelta(days=7)
    assert filed("decide", "--statement", str(out)).code == 4
    assert reason(filed)[1] is Refusal.EXPIRED


def test_a_refused_statement_stands_in_the_story_of_its_step(filed: Desk, tmp_path: Path) -> None:
    out = tmp_path / "svar.json"
    filed("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--statement-out", str(out))
    filed.now += timedelta(days=7)
    filed("decide", "--statement", str(out))
    refused = filed("step", "show", "sagbruk", "Y10", "--format", "json").document["refused"]
    assert [line["kind"] for line in refused] == ["attempt_refused"]


# --- for others, back, and the committee ----------------------------------------------------------


def test_a_substitute_says_for_whom(assessed: Desk) -> None:
    answer(assessed, "Y15", "per", "enig")
    assessed.absent(Absence(person="kari", substitute="siri", since=date(2027, 5, 10)))
    code, text = answer(assessed, "Y15", "siri", "godkjenn", "--on-behalf-of", "kari")
    assert code == 0, text
    assert "Siri Steinvik for Kari Nordmann" in text
    code, _text = answer(assessed, "Y15", "siri", "godkjenn", "--on-behalf-of", "per")
    assert code == 4


def test_changes_are_asked_for_in_an_earlier_stage_that_the_step_builds_on(assessed: Desk) -> None:
    answer(assessed, "Y15", "per", "enig")
    assessed.go()
    more = ("--comment", "Kartlegg kveldsskiftet.", "--back-to", "assess")
    assert answer(assessed, "Y15", "kari", "be-om-endring", *more)[0] == 0
    bodies = [f.body for _s, f in assessed.facts("decision_recorded")]
    assert [b.back_to for b in bodies if isinstance(b, DecisionRecorded)] == [None, "assess"]


def test_an_answer_cannot_be_sent_back_to_a_stage_without_finished_steps(assessed: Desk) -> None:
    answer(assessed, "Y15", "per", "enig")
    assessed.go()
    more = ("--comment", "Kartlegg kveldsskiftet.", "--back-to", "review")
    assert answer(assessed, "Y15", "kari", "be-om-endring", *more)[0] == 4
    assert reason(assessed)[1] is Refusal.WRONG_STAGE


@pytest.fixture
def treated(desk: Desk) -> Desk:
    """The committee is asked to treat Y07, the employer's own."""
    path = desk.state / "plan.txt"
    path.write_text("Møteplan", encoding="utf-8")
    case = desk("step", "show", "2027", "Y07", "--format", "json").document
    [owner] = {w["person"] for w in case["waiting"]}
    said = desk("step", "submit", "2027", "Y07", str(path), "--as", owner)
    assert said.code == 0, said.err
    desk.go()
    return desk


def test_a_committee_that_is_not_of_one_mind_keeps_both_positions(treated: Desk, tmp_path: Path) -> None:
    position = tmp_path / "mindretallet.txt"
    position.write_text("Vi vil ha flere møter.", encoding="utf-8")
    said = treated(
        "decide", "2027", "Y07", "--as", "amund", "--outcome", "behandlet", "--votes-for", "amund",
        "--votes-against", "Tor Opp", "--minority", str(position),
    )  # fmt: skip
    assert said.code == 0, said.err
    [(_seq, fact)] = treated.facts("decision_recorded")
    assert isinstance(fact.body, DecisionRecorded)
    assert fact.body.votes is not None
    assert (fact.body.votes.majority, fact.body.votes.minority) == (("amund",), ("toppen",))
    assert fact.body.votes.position == hashlib.sha256(position.read_bytes()).hexdigest()
    assert list((treated.state / "documents").rglob(fact.body.votes.position[2:]))


def test_a_minority_without_its_position_is_refused(treated: Desk) -> None:
    said = treated(
        "decide", "2027", "Y07", "--as", "amund", "--outcome", "behandlet", "--votes-for", "amund",
        "--votes-against", "toppen",
    )  # fmt: skip
    assert (said.code, reason(treated)[1]) == (4, Refusal.WRONG_VOTES)


def test_a_minority_needs_a_majority(treated: Desk) -> None:
    said = treated(
        "decide", "2027", "Y07", "--as", "amund", "--outcome", "behandlet", "--votes-against", "toppen"
    )
    assert said.code == 2
    assert "--votes-for" in said.err


# --- many answers ---------------------------------------------------------------------------------


def test_of_many_answers_each_has_its_result_and_one_that_is_refused_shows_in_the_exit_code(
    filed: Desk, tmp_path: Path
) -> None:
    rows = tmp_path / "svar.csv"
    rows.write_text(
        "cycle;step;as;outcome;comment\nsagbruk;Y10;per;enig;\nsagbruk;Y10;per;uenig;Nei\n", encoding="utf-8"
    )
    filed("key", "new", "--as", "per")
    said = filed("decide", "--from", str(rows), "--format", "json")
    assert said.code == 4
    assert (said.document["accepted"], said.document["refused"]) == (1, 1)
    assert [(i["accepted"], i["reason"]) for i in said.document["items"]] == [
        (True, None), (False, "already_decided"),
    ]  # fmt: skip
    [own] = {i["key"] for i in said.document["items"]}
    assert own != SigningKey.load(filed.state / "keys" / "installation.pem").id
