"""`forsvarlig answer` and `forsvarlig step move`: what the employer must give reasons for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.worker.desk import Desk, copied
from workflows.rules.events import AttemptRefused, DisagreementAnswered, DueDateChanged
from workflows.rules.terms import Refusal


@pytest.fixture(scope="module")
def template(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The risk assessment is filed, Per disagrees with it and Kari has approved it all the same."""
    folder = copied(opened, tmp_path_factory.mktemp("mill") / "state")
    with pytest.MonkeyPatch.context() as patch:
        desk = Desk(folder, patch)
        desk.go(date(2027, 5, 10))
        desk.file("Risikovurdering", "Y15")
        said = desk("decide", "sagbruk", "Y15", "--as", "per", "--outcome", "uenig", "--comment", "For lite.")
        assert said.code == 0, said.err
        desk.go()
    return folder


@pytest.fixture
def desk(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(copied(template, tmp_path / "state"), monkeypatch)
    desk.go(date(2027, 5, 11))
    return desk


def refused(desk: Desk) -> Refusal:
    _seq, fact = desk.facts("attempt_refused")[-1]
    assert isinstance(fact.body, AttemptRefused)
    return fact.body.reason


def test_an_owed_answer_is_in_the_inbox_with_its_due_date_and_the_command(desk: Desk) -> None:
    said = desk("inbox", "--as", "kari")
    assert "Svar den som er uenig i versjon 1, med begrunnelse" in said.line
    assert (
        'forsvarlig answer sagbruk/2027 Y15 --as kari --comment "arbeidsgivers begrunnede svar"' in said.line
    )


@pytest.mark.parametrize(
    "command",
    [
        ("answer", "sagbruk", "Y15", "--as", "kari"),
        ("step", "move", "sagbruk", "Y15", "--as", "kari", "--to", "2027-06-30"),
        ("retention", "set", "text", "4000", "--as", "toppen"),
    ],
)
def test_reasons_longer_than_anybody_reads_are_refused_before_anything_is_recorded(
    desk: Desk, command: tuple[str, ...]
) -> None:
    before = desk.facts()
    said = desk(*command, "--comment", "a" * 12_001)
    assert said.code == 7, said.err
    assert "12001 tegn" in said.err
    assert "høyst 12000" in said.err
    assert "forsvarlig step submit" in said.err
    assert desk.facts() == before


def test_the_employer_answers_with_reasons_and_the_disagreement_stays(desk: Desk) -> None:
    said = desk("answer", "sagbruk", "Y15", "--as", "kari", "--comment", "Vi setter inn to til.")
    assert said.code == 0, said.err
    [(_seq, fact)] = desk.facts("disagreement_answered")
    assert isinstance(fact.body, DisagreementAnswered)
    assert (fact.actor, fact.body.disagree, fact.body.late) == ("kari", ("per",), False)
    desk.go()
    told = desk("step", "show", "sagbruk", "Y15", "--as", "per")
    assert "«Vi setter inn to til.»" in told.line
    assert "Per Hansen er uenig" in told.line
    assert "Svar den som er uenig" not in desk("inbox", "--as", "kari").line


def test_the_answer_stays_owed_when_the_step_is_finished(desk: Desk) -> None:
    desk("decide", "sagbruk", "Y15", "--as", "kari", "--outcome", "godkjenn")
    desk.go()
    story = desk("step", "show", "sagbruk", "Y15", "--as", "per", "--format", "json").document
    assert story["state"] == "closed"
    assert [(w["what"], w["person"]) for w in story["waiting"]] == [("answer", "kari")]
    assert desk("answer", "sagbruk", "Y15", "--as", "kari", "--comment", "Fordi.").code == 0


@pytest.mark.parametrize(
    ("who", "more", "expected", "words"),
    [
        ("kari", (), Refusal.COMMENT_REQUIRED, "--comment"),
        ("kari", ("--comment", "  "), Refusal.COMMENT_REQUIRED, "begrunnet"),
        ("per", ("--comment", "Selv."), Refusal.NOT_ELIGIBLE, "Kari Nordmann (kari)"),
        ("kari", ("--comment", "x", "--version", "2"), Refusal.NOTHING_TO_ANSWER, "uenig"),
    ],
)
def test_an_answer_that_does_not_count_is_recorded_as_refused_with_what_to_do(
    desk: Desk, who: str, more: tuple[str, ...], expected: Refusal, words: str
) -> None:
    said = desk("answer", "sagbruk", "Y15", "--as", who, *more)
    assert (said.code, refused(desk)) == (4, expected)
    assert words in " ".join(said.err.split())
    assert not desk.facts("disagreement_answered")


def test_a_disagreement_is_answered_once(desk: Desk) -> None:
    desk("answer", "sagbruk", "Y15", "--as", "kari", "--comment", "Fordi.", "--nonce", "a")
    again = desk("answer", "sagbruk", "Y15", "--as", "kari", "--comment", "Fordi.", "--nonce", "a")
    assert again.code == 0
    assert "ført fra før" in again.line
    assert desk("answer", "sagbruk", "Y15", "--as", "kari", "--comment", "Og mer.").code == 4
    assert refused(desk) is Refusal.ALREADY_DECIDED


def test_an_answer_where_nobody_disagrees_is_about_nothing(desk: Desk) -> None:
    assert desk("answer", "sagbruk", "Y10", "--as", "kari", "--comment", "Fordi.").code == 4
    assert refused(desk) is Refusal.NOTHING_TO_ANSWER


# --- a new due date -------------------------------------------------------------------------------


def move(desk: Desk, to: str, *more: str, who: str = "kari") -> tuple[int, str]:
    said = desk("step", "move", "sagbruk", "Y15", "--to", to, "--as", who, *more)
    return said.code, " ".join((said.out + said.err).split())


def test_a_due_date_is_moved_with_a_reason_and_the_first_one_stays_to_be_seen(desk: Desk) -> None:
    code, text = move(desk, "2027-05-28", "--comment", "Møtet er utsatt.")
    assert code == 0, text
    [(_seq, fact)] = desk.facts("due_date_changed")
    assert isinstance(fact.body, DueDateChanged)
    assert (fact.body.before, fact.body.after) == (date(2027, 5, 20), date(2027, 5, 28))
    told = desk("step", "show", "sagbruk", "Y15", "--format", "json").document
    assert (told["due"], told["original_due"]) == ("2027-05-28", "2027-05-20")
    assert "«Møtet er utsatt.»" in desk("step", "show", "sagbruk", "Y15", "--as", "kari").line


@pytest.mark.parametrize("who", ["toppen", "hanne"])
def test_the_leader_over_and_hr_may_move_it_too(desk: Desk, who: str) -> None:
    assert move(desk, "28.05.2027", "--comment", "Utsatt.", who=who)[0] == 0


@pytest.mark.parametrize(
    ("to", "who", "more", "expected", "words"),
    [
        ("2027-05-28", "kari", (), Refusal.COMMENT_REQUIRED, "--comment"),
        ("2027-05-28", "per", ("--comment", "x"), Refusal.NOT_ELIGIBLE, "HR"),
        ("2027-05-10", "kari", ("--comment", "x"), Refusal.WRONG_DATES, "10. mai 2027"),
        ("2027-05-20", "kari", ("--comment", "x"), Refusal.WRONG_DATES, "--to"),
        ("2029-01-01", "kari", ("--comment", "x"), Refusal.WRONG_DATES, "året lukkes"),
    ],
)
def test_a_due_date_that_may_not_be_moved_so_is_refused(
    desk: Desk, to: str, who: str, more: tuple[str, ...], expected: Refusal, words: str
) -> None:
    code, text = move(desk, to, *more, who=who)
    assert (code, refused(desk)) == (4, expected)
    assert words in text
    assert not desk.facts("due_date_changed")


def test_what_is_no_day_is_a_usage_error(desk: Desk) -> None:
    assert move(desk, "snart", "--comment", "x")[0] == 2
    assert not desk.facts("attempt_refused")
