"""What lies in Temporal's own database says nothing of people or of what they did: ids of years, and no more."""

from __future__ import annotations

from pathlib import Path

from tests.year.live import february, running, until
from worker.engine import EmbeddedEngine
from worker.engine_program import temporal_binary
from workflows.rules.events import SYSTEM
from workflows.rules.terms import Outcome

COMMENT = "Kanarifuglen i Karis kontor er syk"
TELLING = 6
"""Letters. Anything shorter is found now and then among encrypted bytes, where nobody wrote it."""


async def test_temporals_database_and_histories_hold_no_fact_in_the_clear(tmp_path: Path) -> None:
    database = tmp_path / "temporal.db"
    engine = EmbeddedEngine(temporal_binary(), database=database, log_file=tmp_path / "engine.log")
    async with engine, running(engine.address, tmp_path) as live:
        store = live.installation.database
        async with store.read() as reader:
            tasks = await reader.inbox(employer=live.employer)
        task = next(row for row in tasks if row.what == "evidence" and len(row.role.value) >= TELLING)
        receipt = await live.installation.doors.decide(
            task.cycle, task.step, task.person, task.role, Outcome.REJECTED, document="0" * 64, version=1,
            comment=COMMENT, now=february(), nonce="kanarifugl",
        )  # fmt: skip
        await live.ring(task.cycle)

        async def heard() -> bool:
            return await live.position(task.cycle) >= receipt.seq

        await until(heard)
        histories = b"".join(
            [
                event.SerializeToString()
                for cycle in (live.unit, live.year)
                for event in await live.events(cycle)
            ]
        )
        facts = [fact for cycle in (live.unit, live.year) for _, fact in await live.facts(cycle)]
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("temporal.db*"))
    assert live.unit.encode() in stored
    assert live.unit.encode() in histories
    told = {fact.kind for fact in facts} | {fact.actor for fact in facts} - {SYSTEM}
    said = {*told, COMMENT, "Kanarifugl", "kanarifugl", task.role.value, "rejected", "organisation"}
    words = {word for word in said if len(word) >= TELLING}
    assert len(words) > 8
    assert task.role.value in words
    assert [word for word in words if word.encode() in histories] == []
    # The server's own tables have columns of their own; ours are told from them by the kinds of facts.
    assert [word for word in words - {"organisation"} if word.encode() in stored] == []
