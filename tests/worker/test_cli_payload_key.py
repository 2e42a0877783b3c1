"""`forsvarlig payload-key`, and what `doctor` says of the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.worker.command_line import clean_home, document, done, run, words
from worker.keyring import Keyring


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clean_home(tmp_path, monkeypatch) / "keys" / "payload"


def finding() -> dict[str, Any]:
    [found] = [f for f in document("doctor")["findings"] if f["check"] == "payload_keys"]
    return dict(found)


def test_there_are_no_keys_before_anything_was_sealed(folder: Path) -> None:
    assert document("payload-key", "list")["keys"] == []
    assert str(folder) in words(done("payload-key", "list"))
    assert finding()["status"] == "ok"
    assert not folder.exists()


def test_the_keys_are_listed_and_never_shown(folder: Path) -> None:
    ring = Keyring(folder)
    old, new, other = ring.current("fjell"), ring.rotate("fjell"), ring.current("nordfjord")
    listed = document("payload-key", "list")["keys"]
    assert [(k["employer"], k["key"], k["current"]) for k in listed] == [
        ("fjell", old.id, False),
        ("fjell", new.id, True),
        ("nordfjord", other.id, True),
    ]
    assert [k["key"] for k in document("payload-key", "list", "--employer", "nordfjord")["keys"]] == [
        other.id
    ]
    said = done("payload-key", "list")
    assert [key.id in said for key in (old, new, other)] == [True] * 3
    assert [key.secret.hex() in said for key in (old, new, other)] == [False] * 3


def test_a_rotated_key_is_written_with_and_the_old_one_stays(folder: Path) -> None:
    old = Keyring(folder).current("fjell")
    made = document("payload-key", "rotate", "fjell")
    ring = Keyring(folder)
    assert ring.current("fjell").id == made["key"] != old.id
    assert ring.find("fjell", old.id) == old


@pytest.mark.parametrize("command", [("rotate", "fjel"), ("list", "--employer", "../fjell")])
def test_an_employer_without_keys_is_not_found_and_gets_none(folder: Path, command: tuple[str, ...]) -> None:
    Keyring(folder).current("fjell")
    refused = run("payload-key", *command)
    assert refused.exit_code == 3
    assert "fjell" in words(refused.stderr)
    assert "Skriv en av disse: fjell." in words(refused.stderr)
    assert Keyring(folder).employers() == ["fjell"]


def test_where_there_are_no_keys_at_all_it_is_said_how_they_are_made(folder: Path) -> None:
    refused = run("payload-key", "rotate", "fjell")
    assert refused.exit_code == 3
    assert "forsvarlig year start" in words(refused.stderr)
    assert not folder.exists()


def test_the_doctor_finds_a_damaged_key_and_one_that_others_can_read(folder: Path) -> None:
    Keyring(folder).current("fjell")
    file = folder / "fjell" / "0001.key"
    file.chmod(0o644)
    assert (finding()["status"], finding()["remedy"]) == ("warning", f"chmod 600 {file}")
    file.write_text("damaged")
    assert finding()["status"] == "error"
    assert str(file) in finding()["message"]
    assert run("doctor").exit_code == 1


def test_the_folder_of_the_keys_can_be_set(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setenv("FORSVARLIG_PAYLOAD_KEYS", str(shared))
    Keyring(shared).current("fjell")
    assert document("payload-key", "list")["folder"] == str(shared)
    assert len(document("payload-key", "list")["keys"]) == 1
