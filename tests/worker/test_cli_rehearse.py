"""`forsvarlig rehearse`: a year on the real engine from the command line, and what it refuses to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.worker.command_line import NORDFJORD, PROGRAM, SMALL, clean_home, document, run

pytestmark = pytest.mark.xdist_group("rehearsal")
"""What is made once for all of them is made by one process."""


def rehearse(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "100"}
    command = [*PROGRAM, "rehearse", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def silent_year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The smallest example's year, in which nobody answers: its folder, and what was printed."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "trial"
    done = rehearse(home, "2027", "--files", SMALL, "--silent", "--folder", folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    clean_home(tmp_path, monkeypatch)
    return tmp_path


def test_the_summary_tells_what_was_never_done_and_where_everything_lies(
    silent_year: tuple[Path, str],
) -> None:
    folder, printed = silent_year
    for told in ("Tidslinjen", "Verdt å merke seg", "ikke gjort", "verify: ok", str(folder)):
        assert told in printed
    assert "i samsvar" not in printed


def test_the_rehearsal_leaves_mails_timeline_people_wheel_and_histories(
    silent_year: tuple[Path, str],
) -> None:
    folder, _printed = silent_year
    assert (folder / "timeline.csv").read_text("utf-8-sig").count("Y01") == 1
    assert "Fristen er brutt" in (folder / "people.txt").read_text("utf-8")
    assert (folder / "year-wheel.svg").read_text("utf-8").startswith("<svg")
    assert list((folder / "mail").glob("*.eml"))
    assert len(list((folder / "histories").rglob("*.pb.gz"))) == 2


def test_the_rehearsal_is_an_installation_of_its_own_that_other_commands_can_read(
    silent_year: tuple[Path, str], home: Path
) -> None:
    folder, _printed = silent_year
    assert document("--state", folder, "year", "show", "2027")["rehearsal"] is True


def test_a_folder_with_anything_but_a_rehearsal_is_never_replaced(home: Path) -> None:
    keep = home / "important"
    keep.mkdir()
    (keep / "minutes.txt").write_text("AMU 4. mars")
    said = run("rehearse", "2027", "--files", SMALL, "--folder", keep)
    assert said.exit_code == 4
    assert "--folder" in said.stderr
    assert [f.name for f in keep.iterdir()] == ["minutes.txt"]


def test_files_with_faults_are_refused_before_anything_is_written(home: Path) -> None:
    bad = home / "files"
    bad.mkdir()
    for source in SMALL.iterdir():
        text = source.read_text("utf-8")
        if source.stem == "roller":
            text += "999;leder;;;2020-01-01;\n"
        (bad / source.name).write_text(text, "utf-8")
    folder = home / "trial"
    said = run("rehearse", "2027", "--files", bad, "--folder", folder)
    assert said.exit_code == 7
    assert "roller.csv" in said.stderr
    assert not folder.exists()


@pytest.mark.parametrize(
    ("story", "named"),
    [
        ("[default]\nevidence_before_due = -1\n", "default.evidence_before_due må være minst 0."),
        ("[[deviations]]\nrole = 'king'\n", "deviations.0.role må være en av"),
        ("[[deviations]]\nrolle = 'manager'\n", "deviations.0.rolle er ikke kjent her."),
        ("[default\n", "story.toml: det mangler «]» etter navnet på tabellen (linje 1, kolonne 9)."),
    ],
)
def test_a_story_that_cannot_be_read_is_named_by_file_and_key(home: Path, story: str, named: str) -> None:
    file = home / "story.toml"
    file.write_text(story)
    said = run("rehearse", "2027", "--files", NORDFJORD, "--story", file)
    assert said.exit_code == 7
    assert named in said.stderr


def test_a_story_and_silence_are_not_both_possible(home: Path) -> None:
    file = home / "story.toml"
    file.write_text("")
    assert run("rehearse", "2027", "--files", SMALL, "--story", file, "--silent").exit_code == 2
