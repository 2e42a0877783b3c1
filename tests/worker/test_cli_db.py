"""`forsvarlig db`: the schema, the projections, and a ledger that shows when somebody was at it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.worker.command_line import SMALL, clean_home, document, done, run, words
from worker.cli.clock import today


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clean_home(tmp_path, monkeypatch)


def change(state: Path, statement: str) -> None:
    engine = create_engine(f"sqlite:///{state / 'forsvarlig.db'}")
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def year(state: Path) -> str:
    """A started year; its cycle."""
    done("org", "import", SMALL, "--yes")
    cycle: str = document("year", "start", today().year)["cycle"]
    return cycle


def test_looking_at_a_database_that_is_not_there_makes_none(state: Path) -> None:
    assert "finnes ikke ennå" in done("db", "show")
    assert run("db", "verify").exit_code == 3
    assert run("db", "rebuild").exit_code == 3
    assert not state.exists()


def test_upgrade_makes_the_database_for_its_owner_only_and_the_second_time_changes_nothing(
    state: Path,
) -> None:
    assert "er laget, med skjemaversjon" in done("db", "upgrade")
    assert (state / "forsvarlig.db").stat().st_mode & 0o077 == 0
    assert "fra før" in done("db", "upgrade")
    assert document("db", "show")["employers"] == []


def test_a_database_of_a_newer_program_is_left_alone_by_every_command(state: Path, year: str) -> None:
    change(state, "UPDATE alembic_version SET version_num = 'from_the_future'")
    for command in (
        ("db", "upgrade"), ("db", "verify"), ("org", "show"), ("org", "import", SMALL, "--yes"),
        ("year", "show"), ("year", "start", today().year + 1), ("worker",), ("plan", today().year),
    ):  # fmt: skip
        said = run(*map(str, command))
        assert said.exit_code == 6, (command, said.output)
        assert "from_the_future" in said.stderr
        assert "Gjør dette:" in said.stderr
    assert document("db", "show")["version"] == "from_the_future"


@pytest.mark.usefixtures("year")
def test_an_untouched_ledger_is_ok_with_its_size_and_root() -> None:
    said = done("db", "verify")
    assert said.startswith("verify: ok  Bakeriet på hjørnet AS, 1 fakta\n  rot ")
    [ledger] = document("db", "verify")["ledgers"]
    assert (ledger["ok"], ledger["size"]) == (True, 1)
    assert ledger["root"] in said
    assert ledger["root"].startswith(document("db", "show")["employers"][0]["root"])


@pytest.mark.usefixtures("year")
def test_a_ledger_changed_from_outside_fails_and_says_where(state: Path) -> None:
    change(state, "UPDATE ledger_head SET root = zeroblob(32)")
    said = run("db", "verify")
    assert said.exit_code == 1
    assert "verify: FEIL" in said.stdout
    assert "head: says root" in said.stdout
    assert "Hovedboken er endret utenfra: 802314507." in said.stderr
    assert document("db", "verify")["ok"] is False


@pytest.mark.usefixtures("year")
def test_rebuilding_sound_projections_changes_nothing() -> None:
    assert "uten forskjell" in done("db", "rebuild")
    [told] = document("db", "rebuild")["employers"]
    assert told["changed"] is False
    assert told["before"] == told["after"]


@pytest.mark.usefixtures("year")
def test_rebuilding_mends_projections_that_say_something_else_than_the_ledger(state: Path) -> None:
    change(state, "DELETE FROM timeline")
    assert "visningene er rettet (timeline)" in done("db", "rebuild")
    assert "uten forskjell" in done("db", "rebuild")


@pytest.mark.usefixtures("year")
def test_one_employer_may_be_named_and_a_mistyped_one_is_not_found() -> None:
    assert done("db", "verify", "--employer", "802314507").startswith("verify: ok")
    assert run("db", "verify", "--employer", "ingen").exit_code == 3
    assert run("db", "rebuild", "--employer", "ingen").exit_code == 3


def test_a_file_that_is_no_database_is_named(state: Path) -> None:
    state.mkdir(parents=True)
    (state / "forsvarlig.db").write_bytes(b"not a database at all" * 100)
    for command in ("verify", "show", "upgrade"):
        said = run("db", command)
        assert said.exit_code == 6
        assert str(state / "forsvarlig.db") in said.stderr


@pytest.mark.parametrize(
    ("spoken", "told"),
    [
        ("nb", "kan ikke brukes: filen er ikke en database. Gjør dette: Kontroller at mappen finnes"),
        ("nn", "kan ikkje brukast: fila er ikkje ein database. Gjer dette: Kontroller at mappa finst"),
        ("en", ": file is not a database. Do this: Check that its folder exists"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_of_in_the_language_spoken(
    state: Path, spoken: str, told: str
) -> None:
    state.mkdir(parents=True)
    (state / "forsvarlig.db").write_bytes(b"not a database at all" * 100)
    assert told in words(run("--lang", spoken, "year", "list").stderr)
    assert told.partition(".")[0] in words(run("--lang", spoken, "doctor").stdout)
