"""Bringing projections up to the ledger where a newer version of the program has emptied one."""

from __future__ import annotations

from activities.store.database import Database


async def catch_up(database: Database) -> dict[str, int]:
    """Rebuild the projections of every employer for whom facts are missing in them; each employer in a
    transaction of its own. Gives how many were missing, by employer; what lacks nothing is left alone."""
    caught_up = {}
    async with database.read() as reader:
        behind = {row.id: lag for row in await reader.employers() if (lag := await reader.lag(row.id))}
    for employer, lag in behind.items():
        async with database.write(employer) as transaction:
            await transaction.rebuild()
        caught_up[employer] = lag
    return caught_up
