"""The frame of the command line: languages, global options, output, errors and exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from activities.language import CLICK_DOMAIN, Language, read_catalogue
from worker.cli import frame
from worker.cli.failures import BadInput, Conflict, DatabaseUnusable, Failure, NotFound, TemporalUnreachable
from worker.cli.frame import COMMANDS, Entry, Root

PROGRAM = [sys.executable, "-c", "from worker.cli import main; main()"]
PROBE = Path(__file__).with_name("frame_probe.py")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the module `frame_probe`, whose commands do what a command may do."""
    shutil.copy(PROBE, tmp_path)
    return tmp_path


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """An environment in which nothing is configured."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("FORSVARLIG_", "TEMPORAL_", "LC_", "LANG", "XDG_", "NO_COLOR"))
    }
    return {**kept, "HOME": str(home), "PYTHONPATH": os.pathsep.join([str(home), *sys.path])}


@pytest.fixture
def probe(home: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs commands in this process, `forsvarlig probe` among them."""
    monkeypatch.syspath_prepend(str(home))
    monkeypatch.setitem(COMMANDS, "probe", Entry("frame_probe:probe", "Avbrutt."))
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    return CliRunner(env={"HOME": str(home)})


def run(runner: CliRunner, *arguments: str, **more: Any) -> Result:
    return runner.invoke(Root(), arguments, prog_name="forsvarlig", **more)


def english() -> set[str]:
    """Words that Click says in English and that are no Norwegian words in its translation."""
    words, norwegian = set[str](), set[str]()
    for message in read_catalogue(CLICK_DOMAIN, "nb"):
        if message.id:
            words |= set(re.findall(r"[a-z]{3,}", str(message.id).lower()))
            norwegian |= set(re.findall(r"[a-zæøå]{3,}", str(message.string).lower()))
    return words - norwegian - {"start"}


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "",
        "config --help",
        "config show --help",
        "completion --help",
        "doctor --help",
        "probe --help",
        "probe show --help",
        "yaer list",
        "config shwo",
        "--fromat json",
        "--format xml",
        "--format",
        "--lang sv",
        "completion",
        "completion csh",
        "completion bash extra",
        "probe show",
        "probe show --count many",
        "probe show --count",
        "probe read nowhere",
        "probe missing",
    ],
)
def test_bokmal_has_no_english_words(probe: CliRunner, arguments: str) -> None:
    said = run(probe, *arguments.split())
    # Without names that are the same in every language: options, commands, variables and what was typed.
    prose = re.sub(r"(?m)--[\w-]+|'.*?'|\[.*?\]|^  [a-z]+(?= |$)|[A-Z]+_[A-Z]+|own meaning", " ", said.output)
    names = {*COMMANDS, *re.findall(r"\w+", arguments)}
    assert set(re.findall(r"[a-zæøå]+", prose.lower())) & english() - names == set()


@pytest.mark.parametrize(
    ("language", "usage", "options", "summary"),
    [
        ("nb", "Bruk:", "Valg:", "Vis hva som venter på en person."),
        ("nn", "Bruk:", "Val:", "Vis kva som ventar på ein person."),
        ("en", "Usage:", "Options:", "Show what awaits a person."),
    ],
)
def test_help_is_in_the_language_asked_for(
    probe: CliRunner, language: Language, usage: str, options: str, summary: str
) -> None:
    for arguments in (["--lang", language, "--help"], ["--help", f"--lang={language}"]):
        said = run(probe, *arguments).output
        assert usage in said
        assert options in said
        assert summary in said


def test_the_settings_file_may_choose_the_language(probe: CliRunner, home: Path) -> None:
    (home / ".config/forsvarlig").mkdir(parents=True)
    (home / ".config/forsvarlig/forsvarlig.toml").write_text('lang = "en"')
    assert "Usage:" in run(probe, "--help").output


def test_two_calls_in_one_process_may_speak_different_languages(probe: CliRunner) -> None:
    assert "Stopped." in run(probe, "probe", "fail", "--help", "--lang", "en").output
    assert "Avbrutt." in run(probe, "probe", "fail", "--help").output


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["yaer"]])
def test_help_and_version_import_no_heavy_library(environment: dict[str, str], arguments: list[str]) -> None:
    call = [sys.executable, "-X", "importtime", *PROGRAM[1:], *arguments]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    imported = set(re.findall(r"\| +([a-z_]+)", done.stderr))
    assert "click" in imported
    assert imported.isdisjoint({"temporalio", "sqlalchemy", "pydantic", "rich", "babel", "structlog"})


def test_the_version_is_printed(probe: CliRunner) -> None:
    assert re.fullmatch(r"forsvarlig \d+\.\d+\.\d+\n", run(probe, "--version").stdout)


def test_every_call_waits_for_native_threads_at_exit(environment: dict[str, str]) -> None:
    call = [sys.executable, "-c", "import sys, worker.cli; print('worker.exit_guard' in sys.modules)"]
    assert (
        subprocess.run(call, env=environment, capture_output=True, text=True, check=True).stdout == "True\n"
    )


@pytest.mark.parametrize(
    ("failure", "name", "code"),
    [
        (Failure, "failure", 1),
        (NotFound, "not_found", 3),
        (Conflict, "conflict", 4),
        (TemporalUnreachable, "temporal_unreachable", 5),
        (DatabaseUnusable, "database", 6),
        (BadInput, "bad_input", 7),
    ],
)
def test_a_failure_says_what_to_do_next(
    probe: CliRunner, failure: type[Failure], name: str, code: int
) -> None:
    said = run(probe, "probe", "fail", failure.__name__)
    assert said.exit_code == code
    assert said.stdout == ""
    assert said.stderr == "Feil: Året 2027 finnes ikke.\nGjør dette: forsvarlig year list\n"
    said = run(probe, "probe", "fail", failure.__name__, "--format", "json")
    assert said.exit_code == code
    assert json.loads(said.stderr) == {
        "error": name,
        "message": "Året 2027 finnes ikke.",
        "remedy": "forsvarlig year list",
    }


def test_a_misspelt_command_is_suggested(probe: CliRunner) -> None:
    said = run(probe, "yearr")
    assert said.exit_code == 2
    assert (
        said.stderr
        == "Feil: Kommandoen 'yearr' finnes ikke. Mente du 'year'?\nGjør dette: forsvarlig --help\n"
    )


@pytest.mark.parametrize("arguments", [["probe", "show"], ["probe", "show", "--fromat", "x"], ["probe"], []])
def test_a_usage_error_is_an_object_for_programs(probe: CliRunner, arguments: list[str]) -> None:
    said = run(probe, *arguments, "--format", "json")
    assert said.exit_code == 2
    assert json.loads(said.stderr)["error"] == "usage"


def test_a_file_that_is_not_there_is_a_bad_input(probe: CliRunner) -> None:
    said = run(probe, "probe", "read", "nowhere.csv")
    assert said.exit_code == 2
    assert "nowhere.csv" in said.stderr


def test_an_error_with_a_remedy_keeps_it(probe: CliRunner) -> None:
    said = run(probe, "probe", "remedied")
    assert (said.exit_code, said.stderr) == (5, "Feil: No server.\nGjør dette: Start it.\n")


@pytest.mark.parametrize(
    ("kind", "code", "problem", "remedy"),
    [
        ("employer", 3, "Virksomheten «nordfjord» finnes ikke.", "forsvarlig org import MAPPE"),
        (
            "organisation",
            3,
            "Virksomheten «nordfjord» har ingen organisasjon.",
            "forsvarlig org import MAPPE",
        ),
        ("cycle", 3, "Årshjulet «nordfjord» finnes ikke.", "forsvarlig year list"),
        ("document", 3, "Dokumentet «nordfjord» er ikke lagret.", "forsvarlig step submit"),
        ("unknown_cycle", 3, "Årshjulet «nordfjord» finnes ikke.", "forsvarlig year list"),
        ("no_year_to_follow", 3, "nordfjord har ikke startet noe år.", "forsvarlig year start"),
        ("already_started", 4, "Årshjulet «nordfjord» er startet fra før.", "forsvarlig year list"),
        (
            "organisation_has_errors",
            4,
            "Organisasjonen til «nordfjord» har feil, så året kan ikke startes.",
            "Se feilene: forsvarlig org show",
        ),
    ],
)
def test_what_is_not_in_the_store_is_named_with_what_to_do(
    probe: CliRunner, kind: str, code: int, problem: str, remedy: str
) -> None:
    said = run(probe, "probe", "absent", kind)
    assert (said.exit_code, said.stderr) == (code, f"Feil: {problem}\nGjør dette: {remedy}\n")


def test_what_the_system_refuses_is_said_in_our_words(probe: CliRunner) -> None:
    said = run(probe, "probe", "missing")
    assert said.exit_code == 1
    assert said.stderr.startswith("Feil: /nowhere/at/all: filen eller mappen finnes ikke.\n")


def test_an_unforeseen_error_is_one_line_and_its_traceback_is_in_the_log(
    probe: CliRunner, home: Path
) -> None:
    said = run(probe, "probe", "crash", "--state", str(home / "state"))
    assert said.exit_code == 1
    assert said.stderr == (
        "Feil: Noe uventet gikk galt: KeyError: 'x'.\n"
        f"Gjør dette: Hele feilen står i {home}/state/forsvarlig.log; med -v vises den her.\n"
    )
    log = home / "state/forsvarlig.log"
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert "Traceback" in run(probe, "probe", "crash", "-v", "--state", str(home / "state")).stderr


def test_an_unforeseen_error_is_told_even_if_no_log_can_be_written(probe: CliRunner, home: Path) -> None:
    (home / "file").write_text("")
    said = run(probe, "probe", "crash", "--state", str(home / "file"))
    assert said.stderr.endswith("Gjør dette: Kjør igjen med -v for å se hele feilen.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "json", "probe", "show", "--count", "3"],
        ["probe", "--format", "json", "show", "--count", "3"],
        ["probe", "show", "--count", "3", "--format=json"],
    ],
)
def test_a_global_option_may_stand_anywhere(probe: CliRunner, arguments: list[str]) -> None:
    said = run(probe, *arguments)
    document = {"schema": "forsvarlig/probe/1", "day": "2027-01-04", "count": 3, "state": None}
    assert json.loads(said.stdout) == document
    assert said.stderr == ""


def test_data_and_progress_go_different_ways(probe: CliRunner) -> None:
    said = run(probe, "probe", "show", "--count", "3")
    assert (said.stdout, said.stderr) == ("én\nto\n", "busy\n")
    assert run(probe, "probe", "show", "--count", "3", "-q").stderr == ""


def test_nothing_moves_when_nobody_watches(probe: CliRunner) -> None:
    said = run(probe, "probe", "slow")
    assert (said.stdout, said.stderr) == ("done\n", "busy\n")


def test_a_commands_own_option_wins_over_the_global_one(probe: CliRunner) -> None:
    said = run(probe, "probe", "show", "--count", "3", "--state", "open", "--format", "json")
    assert json.loads(said.stdout)["state"] == "open"


def test_colours_are_for_those_who_want_them(probe: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in run(probe, "yaer", color=True).stderr
    assert "\x1b[" not in run(probe, "yaer", "--no-color", color=True).stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(probe, "yaer", color=True).stderr


def test_an_answer_that_never_comes_stops_the_command(probe: CliRunner) -> None:
    said = run(probe, "probe", "ask", input="")
    assert said.exit_code == 1
    assert said.stderr.endswith("Avbrutt.\n")


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    listed = "frame.COMMANDS['probe'] = frame.Entry('frame_probe:probe', '')"
    return subprocess.Popen(
        [sys.executable, "-c", f"from worker.cli import frame, main; {listed}; main()", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell ignores Ctrl-C, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_ctrl_c_ends_with_a_clean_line(environment: dict[str, str]) -> None:
    with start(environment, "probe", "wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _said, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "\nAvbrutt.\n")


def test_a_reader_that_stops_reading_is_no_error(environment: dict[str, str]) -> None:
    with start(environment, "probe", "much") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        error = process.stderr.read()
    assert (process.returncode, error) == (141, "")


def test_a_terminal_without_norwegian_letters_is_no_obstacle(environment: dict[str, str]) -> None:
    call = [*PROGRAM, "probe"]
    done = subprocess.run(
        [*call, "--format", "json"],
        env={**environment, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"] == "usage"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(probe: CliRunner, shell: str) -> None:
    said = run(probe, "completion", shell)
    assert said.exit_code == 0
    assert "_FORSVARLIG_COMPLETE" in said.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [("forsvarlig ", set(COMMANDS)), ("forsvarlig con", {"config"}), ("forsvarlig config ", {"show"})],
)
def test_the_shell_completes_commands(environment: dict[str, str], words: str, expected: set[str]) -> None:
    completing = {
        **environment,
        "_FORSVARLIG_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run(PROGRAM, env=completing, capture_output=True, text=True, check=False)
    assert {line.removeprefix("plain,") for line in done.stdout.split()} == expected


def test_a_command_says_where_its_settings_come_from(
    probe: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORSVARLIG_TASK_QUEUE", "nord[tre]")
    assert re.search(r"task_queue +nord\[tre\] +FORSVARLIG_TASK_QUEUE", run(probe, "config", "show").stdout)
    said = json.loads(run(probe, "config", "show", "--format", "json").stdout)
    assert said["schema"] == "forsvarlig/config/1"
    assert {"name": "task_queue", "value": "nord[tre]", "origin": "FORSVARLIG_TASK_QUEUE"} in said["settings"]


def test_bad_settings_are_a_failure_with_a_remedy(probe: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORSVARLIG_ENGINE_PORT", "abc")
    said = run(probe, "config", "show")
    assert said.exit_code == 1
    assert said.stderr == (
        "Feil: FORSVARLIG_ENGINE_PORT «abc» må være et heltall.\n"
        "Gjør dette: Rett FORSVARLIG_ENGINE_PORT, og prøv igjen.\n"
    )


def test_adopting_a_command_leaves_the_command_itself_alone() -> None:
    command = click.Command("x", help="Avbrutt.", params=[click.Option(["--day"], help="Avbrutt.")])
    adopted = frame.adopt(command)
    assert len(command.params) == 1
    assert len(adopted.params) > 1
