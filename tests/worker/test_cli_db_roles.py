"""`forsvarlig db roles`, and what `forsvarlig doctor` says of whatever keeps the ledgers as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from activities.store.database import Database
from tests.store.made import APP, EMPLOYER, a_fact, add_employer, as_app, fresh_postgres, raw
from tests.worker.command_line import clean_home, document, done, run


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clean_home(tmp_path, monkeypatch)


@pytest.fixture
def server(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An upgraded database on PostgreSQL; the command connects as its owner."""
    with fresh_postgres(postgres_url) as url:
        monkeypatch.setenv("FORSVARLIG_DATABASE_URL", url)
        done("db", "upgrade")
        yield url


def found(check: str) -> dict[str, Any]:
    """What `doctor` finds; it is not healthy without a mail server and so on, which is not asked here."""
    said: dict[str, Any] = document("doctor")
    return {finding["check"]: finding for finding in said["findings"]}.get(check, {})


def test_a_file_has_no_roles(state: Path) -> None:
    done("db", "upgrade")
    said = run("db", "roles", "--app", APP)
    assert said.exit_code == 1
    assert "er en fil, og den har ingen roller" in said.stderr


def test_the_sql_is_shown_and_can_be_run_as_it_stands(server: str) -> None:
    shown = done("db", "roles", "--app", APP)
    assert f"GRANT SELECT, INSERT ON ledger_leaf TO {APP};" in shown
    assert "-- Sikkerhetskopi som eieren: pg_dump --enable-row-security" in shown
    with raw(server).begin() as connection:
        connection.exec_driver_sql(shown)
    assert document("db", "roles", "--app", APP)["applied"] is False
    with raw(as_app(server)).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ledger_leaf").scalar() == 0


def test_a_role_that_is_let_in_is_what_doctor_asks_for(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = found("database_role")
    assert (before["status"], before["remedy"]) == (
        "warning", "forsvarlig db roles --app forsvarlig_app --apply",
    )  # fmt: skip
    assert "superbruker" in before["message"]
    assert f"Rollen {APP} kan nå brukes" in done("db", "roles", "--app", APP, "--apply")
    monkeypatch.setenv("FORSVARLIG_DATABASE_URL", as_app(server))
    assert found("database_role")["status"] == "ok"
    assert found("triggers")["status"] == "ok"
    with raw(server).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE payload NO FORCE ROW LEVEL SECURITY")
    assert found("database_role")["message"] == "Tabeller uten radvern: payload."
    refused = run("db", "roles", "--app", "another_role", "--apply")
    assert refused.exit_code != 0
    assert "permission denied" in refused.stderr


def test_a_trigger_that_is_gone_is_an_error(state: Path) -> None:
    done("db", "upgrade")
    assert found("triggers")["status"] == "ok"
    engine = sa.create_engine(f"sqlite:///{state / 'forsvarlig.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_leaf_no_update")
    said = found("triggers")
    assert (said["status"], "ledger_leaf_no_update" in said["message"]) == ("error", True)
    assert "forsvarlig db verify" in said["remedy"]


def test_a_record_that_is_ahead_of_the_clock_is_told(state: Path) -> None:
    done("db", "upgrade")
    ahead = a_fact("f1").model_copy(update={"recorded": datetime.now(UTC) + timedelta(days=400)})

    async def append() -> None:
        database = Database(f"sqlite:///{state / 'forsvarlig.db'}")
        await add_employer(database, EMPLOYER)
        await database.append(EMPLOYER, [ahead])
        await database.close()

    asyncio.run(append())
    said = found("clock")
    assert (said["status"], "Nordfjord Tre AS" in said["message"]) == ("warning", True)
