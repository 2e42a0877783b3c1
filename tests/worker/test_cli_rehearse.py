"""`forsvarlig rehearse`: a year on the real engine from the command line, and what it refuses to do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.worker.command_line import NORDFJORD, PROGRAM, SMALL

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
    silent_year: tuple[Path, str],
) -> None:
    folder, _printed = silent_year
    command = [*PROGRAM, "--state", str(folder), "year", "show", "2027", "--format", "json"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["rehearsal"] is True


def test_a_folder_with_anything_but_a_rehearsal_is_never_replaced(tmp_path: Path) -> None:
    keep = tmp_path / "important"
    keep.mkdir()
    (keep / "minutes.txt").write_text("AMU 4. mars")
    done = rehearse(tmp_path, "2027", "--files", SMALL, "--folder", keep)
    assert done.returncode == 4
    assert "--folder" in done.stderr
    assert [f.name for f in keep.iterdir()] == ["minutes.txt"]


def test_files_with_faults_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    bad = tmp_path / "files"
    bad.mkdir()
    for source in SMALL.iterdir():
        text = source.read_text("utf-8")
        if source.stem == "roller":
            text += "999;leder;;;2020-01-01;\n"
        (bad / source.name).write_text(text, "utf-8")
    folder = tmp_path / "trial"
    done = rehearse(tmp_path, "2027", "--files", bad, "--folder", folder)
    assert done.returncode == 7
    assert "roller.csv" in done.stderr
    assert not folder.exists()


@pytest.mark.parametrize(
    ("story", "named"),
    [
        ("[default]\nevidence_before_due = -1\n", "default.evidence_before_due"),
        ("[[deviations]]\nrole = 'king'\n", "deviations.0.role"),
        ("[default\n", "story.toml"),
    ],
)
def test_a_story_that_cannot_be_read_is_named_by_file_and_key(tmp_path: Path, story: str, named: str) -> None:
    file = tmp_path / "story.toml"
    file.write_text(story)
    done = rehearse(tmp_path, "2027", "--files", NORDFJORD, "--story", file)
    assert done.returncode == 7
    assert named in done.stderr


def test_a_story_and_silence_are_not_both_possible(tmp_path: Path) -> None:
    file = tmp_path / "story.toml"
    file.write_text("")
    assert rehearse(tmp_path, "2027", "--files", SMALL, "--story", file, "--silent").returncode == 2
