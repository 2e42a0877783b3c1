"""Years that have missed their moment: a run that is gone wakes nobody, so somebody has to look."""

from __future__ import annotations

from datetime import datetime, timedelta

from activities.store.database import Database
from workflows.rules.terms import at

GRACE = timedelta(minutes=2)
"""How late a year may be before it is rung; a worker that was restarted or is busy catches up meanwhile."""


async def ring_overdue(database: Database, now: datetime) -> list[str]:
    """Ring each running cycle whose next moment is past by more than `GRACE`, once a moment; answers with them.

    One that has recorded nothing yet is rung when it was to start that long ago. The bell finds out whether the
    run is gone, and has it started again. `StoreError` when the database cannot be used.
    """
    async with database.read() as reader:
        running = await reader.cycles(state="running")
    rung = []
    for cycle in running:
        moment = cycle.next_moment or cycle.started
        if moment + GRACE < now:
            async with database.write(cycle.employer) as tx:
                if await tx.ring(cycle.id, f"{cycle.id}#overdue {at(moment)}", now):
                    rung.append(cycle.id)
    return rung
