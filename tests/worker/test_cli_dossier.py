"""`forsvarlig dossier`: one file, on record, and nothing half done."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shlex
import zipfile
from pathlib import Path
from typing import Any

import pytest

from portal.dossier.checking import ASK
from tests.activities.sawmill import Sawmill
from tests.portal.inspected import checkpoint
from tests.worker.desk import Desk, Said, copied
from workflows.rules.record_facts import DossierMade, TextsRead


@pytest.fixture(scope="module")
def template(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The due date of a step is moved with a reason, and a checkpoint is made."""
    folder = copied(opened, tmp_path_factory.mktemp("mill") / "state")
    with pytest.MonkeyPatch.context() as patch:
        desk = Desk(folder, patch)
        desk.file()
        reason = "Vi venter på bedriftshelsetjenesten."
        said = desk(
            "step", "move", "sagbruk", "Y10", "--as", "kari", "--to", "2027-04-20", "--comment", reason
        )
        assert said.code == 0, said.err
    covered(folder)
    return folder


def covered(folder: Path) -> None:
    """Make a checkpoint over all that is recorded."""

    async def make() -> None:
        mill = Sawmill(folder)
        await checkpoint(mill, folder)
        await mill.database.close()

    asyncio.run(make())


@pytest.fixture
def desk(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(copied(template, tmp_path / "state"), monkeypatch)


def test_the_command_that_it_tells_inspectors_to_ask_for_shows_the_hash_of_the_whole_file(desk: Desk) -> None:
    sha256 = made(desk)["sha256"]
    said = desk(*shlex.split(ASK)[1:])
    assert said.code == 0, said.err
    assert f'"sha256": "{sha256}"' in said.out


LITTLE = ("--law", "R-34")
"""One requirement is typeset sooner than all of them."""


def make(desk: Desk, *more: str) -> Said:
    return desk("dossier", "--year", "2027", *LITTLE, *more)


def made(desk: Desk, *more: str) -> dict[str, Any]:
    said = desk("--format", "json", "dossier", "--year", "2027", *LITTLE, *more)
    assert said.code == 0, said.err
    document: dict[str, Any] = said.document
    return document


def test_it_says_where_the_file_is_its_fingerprint_and_how_to_check_it(desk: Desk, tmp_path: Path) -> None:
    said = make(desk)
    assert said.code == 0, said.err
    assert "Tilsynsmappen ligger i dossier-nordfjord-sag-2027-nb.zip" in said.line
    assert "python3 -I -S verify.py facts.jsonl" in said.line
    content = (tmp_path / "dossier-nordfjord-sag-2027-nb.zip").read_bytes()
    assert hashlib.sha256(content).hexdigest() in said.out


def test_that_it_was_made_goes_on_record_with_its_hash_and_its_maker(desk: Desk, tmp_path: Path) -> None:
    document = made(desk, "--as", "kari", "--out", "a.zip")
    [(_seq, fact)] = desk.facts("dossier_made")
    assert isinstance(fact.body, DossierMade)
    assert fact.actor == "kari"
    assert fact.body == DossierMade(
        year=2027, size=document["checkpoint"], sha256=hashlib.sha256(Path("a.zip").read_bytes()).hexdigest(),
        texts=False, names=True,
    )  # fmt: skip
    assert desk.facts("texts_read") == []


def test_at_the_same_checkpoint_the_next_one_is_the_same(desk: Desk) -> None:
    first = made(desk, "--out", "a.zip")
    second = made(desk, "--out", "b.zip")
    assert second["sha256"] == first["sha256"]
    assert (first["later_facts"], second["later_facts"]) == (0, 1)
    covered(desk.state)
    later = made(desk, "--out", "c.zip")
    assert later["checkpoint"] > first["checkpoint"]
    again = made(desk, "--out", "d.zip", "--checkpoint", str(first["checkpoint"]))
    assert again["sha256"] == first["sha256"]


def test_a_later_one_names_the_earlier_ones(desk: Desk) -> None:
    first = made(desk, "--out", "a.zip")
    covered(desk.state)
    made(desk, "--out", "b.zip")
    with zipfile.ZipFile("a.zip") as one, zipfile.ZipFile("b.zip") as two:
        assert first["sha256"][:32] not in one.read("dossier.html").decode()
        assert first["sha256"][:32] in two.read("dossier.html").decode()


def test_whoever_takes_the_texts_along_is_on_record_as_their_reader(desk: Desk) -> None:
    made(desk, "--as", "per", "--texts")
    [(_seq, fact)] = desk.facts("texts_read")
    [(moved, _fact)] = desk.facts("due_date_changed")
    assert isinstance(fact.body, TextsRead)
    assert (fact.actor, fact.body.purpose, fact.body.facts) == ("per", "dossier", (moved,))


def test_ones_own_words_are_not_read_by_taking_them_along(desk: Desk) -> None:
    made(desk, "--as", "kari", "--texts", "--out", "a.zip")
    assert desk.facts("texts_read") == []
    with zipfile.ZipFile("a.zip") as archive:
        assert "Vi venter på bedriftshelsetjenesten." in archive.read("facts.jsonl").decode()


def test_without_texts_no_file_in_it_has_any(desk: Desk) -> None:
    made(desk, "--as", "per", "--out", "a.zip")
    with zipfile.ZipFile("a.zip") as archive:
        for name in ("facts.jsonl", "dossier.html", "manifest.json"):
            assert "Vi venter" not in archive.read(name).decode()


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_the_language_is_that_of_the_command(desk: Desk, language: str) -> None:
    document = desk("--lang", language, "--format", "json", "dossier", "--year", "2027", *LITTLE).document
    assert document["file"].endswith(f"-{language}.zip")


# --- what cannot be done ------------------------------------------------------------------------------


def nothing_was_made(desk: Desk, folder: Path) -> None:
    assert desk.facts("dossier_made") == []
    assert [p.name for p in folder.iterdir() if p.name != "state"] == []


def test_texts_without_saying_who_reads_are_refused(desk: Desk, tmp_path: Path) -> None:
    said = make(desk, "--texts")
    assert said.code == 2
    assert "--as" in said.err
    nothing_was_made(desk, tmp_path)


def test_an_unknown_year_names_those_that_there_are(desk: Desk, tmp_path: Path) -> None:
    said = desk("dossier", "--year", "2031")
    assert said.code == 3
    assert "kjenner ikke noe årshjul for 2031" in said.err
    assert "2027" in said.err
    nothing_was_made(desk, tmp_path)


def test_an_unknown_checkpoint_names_those_that_there_are(desk: Desk, tmp_path: Path) -> None:
    size = made(desk, "--out", str(desk.state / "a.zip"))["checkpoint"]
    said = make(desk, "--checkpoint", str(size - 1))
    assert said.code == 3
    assert f"Velg et av disse: {size}." in said.err


def test_without_a_checkpoint_it_says_how_to_make_one(
    opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = make(Desk(copied(opened, tmp_path / "state"), monkeypatch))
    assert said.code == 3
    assert "forsvarlig ledger checkpoint" in said.err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--unit", "sagbruket"), ("--as", "kåre"), ("--law", "R-99"), ("--employer", "fjell")],
)
def test_what_is_not_there_is_said_by_name(desk: Desk, tmp_path: Path, option: str, value: str) -> None:
    said = make(desk, option, value)
    assert said.code == 3
    assert value in said.err
    nothing_was_made(desk, tmp_path)


def test_a_file_that_is_there_stays_unless_forced(desk: Desk, tmp_path: Path) -> None:
    there = tmp_path / "a.zip"
    there.write_text("noe annet")
    said = make(desk, "--out", str(there))
    assert said.code == 4
    assert "--force" in said.err
    assert there.read_text() == "noe annet"
    assert desk.facts("dossier_made") == []
    assert make(desk, "--out", str(there), "--force").code == 0
    assert zipfile.is_zipfile(there)


def test_a_folder_that_is_not_there_is_said_and_nothing_is_recorded(desk: Desk, tmp_path: Path) -> None:
    said = make(desk, "--out", str(tmp_path / "borte" / "a.zip"))
    assert said.code == 1
    assert "kan ikke skrives: filen eller mappen finnes ikke" in " ".join(said.err.split())
    nothing_was_made(desk, tmp_path)


def test_a_full_disk_leaves_nothing_behind_and_nothing_on_record(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = make(desk)
    assert said.code == 1
    assert "disken er full" in said.err
    nothing_was_made(desk, tmp_path)
