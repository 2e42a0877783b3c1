"""A rehearsal whose runs are replaced by fresh ones comes to the same facts: nothing hangs on a run."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

import workflows.cycle
from tests.rules.employers import employer
from tests.year.conftest import OnStage, Staged
from worker.story import Story
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Fact

YEAR = 2027
IN_MARCH = datetime(YEAR, 3, 20, tzinfo=UTC)


async def facts_until_march(staged: Staged) -> list[Fact]:
    await staged.rehearsal(Story()).run(IN_MARCH)
    return await staged.facts()


async def test_a_year_of_many_short_runs_has_the_facts_of_one_in_a_single_run(
    on_stage: OnStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await facts_until_march(alone := await on_stage(employer(17), YEAR))
    monkeypatch.setattr(workflows.cycle, "MOST_SIGNALS", 3)
    parts = await facts_until_march(staged := await on_stage(employer(17), YEAR))
    client = staged.environment.client
    runs = [run async for run in client.list_workflows(f"WorkflowId = 'year/{staged.employer}/{YEAR}'")]
    assert len(runs) > 2

    def told(facts: list[Fact], name: str) -> list[tuple[str, str, date]]:
        return sorted((f.id.replace(name, ""), f.kind, oslo_day(f.concerns)) for f in facts if f.cycle)

    assert told(parts, staged.employer) == told(whole, alone.employer)
