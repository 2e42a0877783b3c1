"""Projections that lack facts: it is told, they are built up again, and the same ones come of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from activities.ledger.log import commit
from activities.store import migrations, projections
from activities.store.catching_up import catch_up
from activities.store.database import Database
from activities.store.projections import PROJECTIONS
from activities.store.search import Wanted, search
from tests.store.made import DUE, EMPLOYER, UNIT, a_fact, add_employer, asked, raw
from workflows.rules.events import Body, DecisionRecorded, Fact, Reminded, StepOpened
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.record_facts import HistoryExported, TextsRead
from workflows.rules.terms import Outcome


async def record(database: Database) -> None:
    """Seven facts, two of them with a text, and something in every projection."""
    bodies: list[Body] = [
        StepOpened(due=DUE), asked("evidence", Role.MANAGER, "kari"), Reminded(days_before=3, people=("kari",)),
        asked("consult", Role.SAFETY_REP, "per", version=1),
    ]  # fmt: skip
    exported = HistoryExported(
        workflow=UNIT, run="0" * 8 + "-0000-4000-8000-" + "0" * 12, events=3, sha256="ab" * 32, size=9,
        closed=False, version="0.3.0",
    )  # fmt: skip
    facts = [a_fact(f"f{n}", body) for n, body in enumerate(bodies)]
    facts.append(a_fact("exported", exported, step=None).model_copy(update={"cycle": None}))
    async with database.write(EMPLOYER) as tx:
        await tx.append(facts)
        for said in ("For få folk om natta.", "Vi får ikke pauser."):
            kept, commitment = commit(said)
            body = DecisionRecorded(
                role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32,
                version=1, comment=commitment, fulfils=False,
            )  # fmt: skip
            fact = a_fact(f"said {len(said)}", body, actor="per")
            await tx.append([fact], {fact.id: kept})


def a_reading(id: str) -> Fact:
    body = TextsRead(purpose="history", facts=(6,))
    return a_fact(id, body, actor="kari", step=None).model_copy(update={"cycle": None})


async def lag(database: Database, employer: str = EMPLOYER) -> int:
    async with database.read() as reader:
        return await reader.lag(employer)


@pytest.mark.parametrize(
    ("lost", "missing"),
    [("seq <= 3", 3), ("seq > 5", 2), ("seq > 0", 7), ("seq < 0", 0)],
    ids=["the first ones", "the last ones", "all", "none"],
)
async def test_what_the_timeline_lacks_is_counted(
    database: Database, store_url: str, lost: str, missing: int
) -> None:
    await record(database)
    await add_employer(database, "fjellheimen")
    with raw(store_url).begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM timeline WHERE {lost}")
    assert await lag(database) == missing
    assert await lag(database, "fjellheimen") == await lag(database, "nobody") == 0


async def test_what_is_lacking_is_not_forgotten_when_something_new_happens(
    database: Database, store_url: str
) -> None:
    await record(database)
    with raw(store_url).begin() as connection:
        connection.exec_driver_sql("DELETE FROM timeline")
    async with database.write(EMPLOYER) as tx:
        await tx.append([a_reading("r1")])
    assert await lag(database) == 7
    assert await catch_up(database) == {EMPLOYER: 7}
    assert await lag(database) == 0
    assert await catch_up(database) == {}


async def test_projections_that_were_dropped_whole_come_back_the_same(
    database: Database, store_url: str
) -> None:
    await record(database)
    async with database.read() as reader:
        before = await reader.checksums(EMPLOYER)
    with raw(store_url).begin() as connection:
        for name in PROJECTIONS:
            assert connection.exec_driver_sql(f"DELETE FROM {name}").rowcount > 0
    async with database.read() as reader:
        assert not {*before.values()} & {*(await reader.checksums(EMPLOYER)).values()}
    async with database.write(EMPLOYER) as tx:
        assert await tx.rebuild() == before


async def test_a_rebuild_that_is_interrupted_leaves_the_projections_as_they_were(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(database)
    async with database.read() as reader:
        before = await reader.checksums(EMPLOYER)
    whole, pages = projections.apply, 0

    async def stop_at_the_second(*arguments: object) -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise KeyboardInterrupt
        await whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(projections, "_PAGE", 3)
    monkeypatch.setattr(projections, "apply", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        async with database.write(EMPLOYER) as tx:
            await tx.rebuild()
    monkeypatch.undo()
    async with database.read() as reader:
        assert await reader.checksums(EMPLOYER) == before
        assert await reader.lag(EMPLOYER) == 0


async def test_an_upgrade_empties_the_timeline_and_it_is_built_up_again_with_all_it_is_searched_by(
    database: Database, store_url: str
) -> None:
    await record(database)
    async with database.read() as reader:
        before = await reader.checksums(EMPLOYER)
    await database.close()
    for way, version in (("downgrade", "0003"), ("upgrade", "0004")):
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        with raw(store_url).begin() as connection:
            config.attributes["connection"] = connection
            getattr(command, way)(config, version)
    upgraded = Database(store_url)
    assert await lag(upgraded) == 7
    assert await catch_up(upgraded) == {EMPLOYER: 7}
    async with upgraded.read() as reader:
        assert await reader.checksums(EMPLOYER) == before
        for words, places in ((("folk",), [6]), (("får",), [7]), (("får", "folk"), [])):
            rows, _more = await search(reader, Wanted(employer=EMPLOYER, words=words), limit=9)
            assert [row.seq for row in rows] == places
    async with upgraded.write(EMPLOYER) as tx:
        await tx.connection.execute(sa.text("DELETE FROM payload WHERE fact_id = 'said 21'"))
    async with upgraded.read() as reader:
        assert await search(reader, Wanted(employer=EMPLOYER, words=("folk",)), limit=9) == ([], False)
    await upgraded.close()
