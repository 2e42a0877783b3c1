"""`forsvarlig doctor` on the archive: what Temporal will forget too soon, and what it has forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.activities.chores import DAY, Shed, shed
from tests.worker.command_line import clean_home, document
from tests.worker.namespaces import bare_namespace
from worker.installation import wall_clock


@pytest.fixture
async def here(
    virtual: WorkflowEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shed]:
    clean_home(tmp_path / "home", monkeypatch)
    address = virtual.client.service_client.config.target_host
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    async with shed(f"lege-{tmp_path.name.replace('_', '-')}"[:60], address, tmp_path) as made:
        made.now = wall_clock() - timedelta(days=30)
        yield made


async def found(here: Shed) -> dict[str, dict[str, Any]]:
    told = await asyncio.to_thread(document, "--state", here.folder.parent, "doctor")
    return {finding["check"]: finding for finding in told["findings"]}


async def test_an_archive_that_is_kept_up_is_in_order_and_says_how_much_is_in_it(here: Shed) -> None:
    await here.begins("sag")
    here.now = wall_clock() - DAY
    await here.archive.sweep()
    findings = await found(here)
    assert findings["histories"]["status"] == "ok"
    assert "har 1 historikk" in findings["histories"]["message"]
    assert "retention" not in findings
    assert "histories_gone" not in findings


async def test_a_year_that_nobody_has_exported_for_weeks_is_a_warning(here: Shed) -> None:
    handle = await here.begins("sag")
    finding = (await found(here))["histories"]
    assert finding["status"] == "warning"
    assert handle.id in finding["message"]
    assert finding["remedy"] == "forsvarlig archive sweep"


async def test_a_closed_year_that_temporal_no_longer_has_is_a_warning(here: Shed) -> None:
    cycle = await here.is_planned("sag")
    await here.closes(cycle)
    finding = (await found(here))["histories_gone"]
    assert finding["status"] == "warning"
    assert cycle in finding["message"]
    assert "hovedboken" in finding["remedy"]


async def test_a_namespace_that_forgets_after_a_day_is_a_warning(
    here: Shed, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = await bare_namespace(here.client.service_client.config.target_host)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", namespace)
    finding = (await found(here))["retention"]
    assert finding["status"] == "warning"
    assert "etter 1 døgn" in finding["message"]
    assert f"--namespace {namespace} --retention 90d" in finding["remedy"]
