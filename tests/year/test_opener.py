"""The Opener starts the employer's next year, once, on what the newest year runs on."""

from __future__ import annotations

from itertools import count

from tests.rules.employers import employer
from tests.year.conftest import OnStage, Staged
from workflows.messages import OpenerInput
from workflows.opener import Opener

_runs = count(1)


async def opened(staged: Staged, year: int | None, run: str = "") -> str:
    client = staged.environment.client
    with staged.environment.with_time_skipping_disabled():
        return await client.execute_workflow(
            Opener.run,
            OpenerInput(employer=staged.employer, year=year),
            id=f"opener/{staged.employer}-{run or next(_runs)}",
            task_queue=staged.installation.settings.task_queue,
        )


async def test_the_next_year_follows_with_the_same_programme_and_law(on_stage: OnStage) -> None:
    staged = await on_stage(employer(17), 2027)
    assert await opened(staged, 2028) == f"year/{staged.employer}/2028"
    async with staged.installation.database.read() as reader:
        this, following = await reader.cycles(employer=staged.employer)
    assert (this.year, following.year) == (2027, 2028)
    assert (this.programme, this.law) == (following.programme, following.law)


async def test_opening_a_year_that_runs_leaves_it_as_it_is(on_stage: OnStage) -> None:
    staged = await on_stage(employer(17), 2027)
    first = await opened(staged, 2028)
    before = await staged.facts()
    assert await opened(staged, 2028) == first
    assert await staged.facts() == before


async def test_a_run_that_the_schedule_catches_up_with_opens_the_year_it_was_meant_for(
    on_stage: OnStage,
) -> None:
    """By the clock of a server that was down that day, the next year is another one when it is back."""
    staged = await on_stage(employer(17), 2027)
    assert await opened(staged, None, run="2033-12-01T06:00:00Z") == f"year/{staged.employer}/2034"
