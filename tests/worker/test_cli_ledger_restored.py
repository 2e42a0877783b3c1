"""A ledger that does not begin with what was signed is not signed further until somebody says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from activities.ledger import verify
from tests.worker.desk import Desk
from workflows.rules.record_facts import LedgerRestored

WHY = ("ledger", "checkpoint", "--after-restore", "--reason", "backup")


@pytest.fixture
def taken_back(desk: Desk, tmp_path: Path) -> Desk:
    """An old copy of the database lies where the new one was, and has been written in since."""
    kept = tmp_path / "copy.db"
    assert desk("ledger", "checkpoint").code == 0
    for file in desk.state.glob("forsvarlig.db-*"):
        file.unlink()
    shutil.copy(desk.state / "forsvarlig.db", kept)
    desk.file()
    assert desk("ledger", "checkpoint").code == 0
    for file in desk.state.glob("forsvarlig.db-*"):
        file.unlink()
    shutil.copy(kept, desk.state / "forsvarlig.db")
    desk.file("Et annet referat")
    return desk


@pytest.mark.parametrize(
    "command",
    [("ledger", "checkpoint"), ("ledger", "pin"), ("ledger", "rotate-key"), ("ledger", "request", "f.txt")],
    ids=lambda command: command[1],
)
def test_nothing_is_signed_and_it_is_said_what_to_do(taken_back: Desk, command: tuple[str, ...]) -> None:
    before = taken_back.facts()
    said = taken_back(*command)
    assert said.code == 4
    assert "begynner ikke med de" in said.err
    assert "forsvarlig ledger checkpoint --after-restore --reason backup" in said.err
    assert "verneombudet" in said.err
    assert taken_back.facts() == before


def test_status_and_doctor_say_it_and_end_with_1(taken_back: Desk) -> None:
    for command in (("ledger", "status"), ("doctor",)):
        said = taken_back(*command)
        assert said.code == 1
        assert "begynner ikke med de" in said.line
    [employer] = taken_back("ledger", "status", "--format", "json").document["employers"]
    assert employer["taken_back"] is True
    findings = taken_back("doctor", "--format", "json").document["findings"]
    assert [f["status"] for f in findings if f["check"] == "signed_heads"] == ["error"]


def test_the_year_goes_on_and_every_receipt_says_that_nothing_is_signed(taken_back: Desk) -> None:
    assert taken_back("ledger", "checkpoint").code == 4
    said = taken_back("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig")
    assert said.code == 0, said.err
    assert "signeres ikke lenger" in said.line
    assert taken_back(*WHY).code == 0
    moved = taken_back(
        "step", "move", "sagbruk", "Y15", "--as", "kari", "--to", "2027-06-15", "--comment", "x"
    )
    assert "signeres ikke lenger" not in moved.line


def test_after_a_restore_it_goes_on_and_the_history_says_so(taken_back: Desk) -> None:
    said = taken_back(*WHY)
    assert said.code == 0, said.err
    assert "går videre" in said.line
    assert "Avtrykk: " in said.line
    [(_, fact)] = taken_back.facts("ledger_restored")
    assert isinstance(fact.body, LedgerRestored)
    assert fact.body.reason == "backup"
    assert (
        "fordi en sikkerhetskopi er lagt tilbake" in taken_back("history", "--kind", "ledger_restored").line
    )
    assert taken_back("ledger", "checkpoint").code == 0
    assert "begynner ikke" not in taken_back("ledger", "status").line
    assert taken_back("db", "verify").code == 0


def test_the_ledger_that_went_on_is_proved_without_this_program(taken_back: Desk, tmp_path: Path) -> None:
    assert taken_back(*WHY).code == 0
    anchor, bundle = tmp_path / "a.anchor", tmp_path / "bundle"
    assert taken_back("ledger", "pin", "--to", str(anchor)).code == 0
    assert taken_back("ledger", "export", str(bundle)).code == 0
    assert verify.main([str(bundle), str(anchor)]) == 0


def test_where_nothing_is_in_the_way_nothing_is_recorded(desk: Desk) -> None:
    assert desk("ledger", "checkpoint").code == 0
    assert desk(*WHY).code == 4
    assert desk.facts("ledger_restored") == []


@pytest.mark.parametrize(
    "options", [("--after-restore",), ("--reason", "backup"), ("--after-restore", "--reason", "x")]
)
def test_a_reason_and_a_restore_belong_together(desk: Desk, options: tuple[str, ...]) -> None:
    assert desk("ledger", "checkpoint", *options).code == 2


def test_a_damaged_memory_is_named_and_can_be_gone_on_from(desk: Desk) -> None:
    assert desk("ledger", "checkpoint").code == 0
    [place] = (desk.state / "signed-heads").glob("*.head")
    place.write_text("ødelagt", encoding="utf-8")
    said = desk("ledger", "status")
    assert (said.code, "er ødelagt eller kan ikke leses" in said.line) == (1, True)
    desk.file()
    assert place.name in desk("ledger", "checkpoint").err
    assert desk(*WHY).code == 0
    assert desk("ledger", "checkpoint").code == 0
