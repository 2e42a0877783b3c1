"""A ledger that an earlier version kept is proved and guarded after an upgrade, and is the same ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from activities.ledger.log import commitment, leaf_bytes
from activities.ledger.merkle import Frontier, leaf_hash, verify_inclusion
from activities.store import migrations
from activities.store.database import SCHEMA, Database
from activities.store.enforcement import examine
from tests.store.made import EMPLOYER, NOW, a_fact, fresh_postgres, raw
from workflows.rules.events import DecisionRecorded, Fact
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome

EMPTY = "fjellheimen"
SALT, TEXT = bytes(range(32)), "Uenig."
SIZES = {EMPLOYER: 11, "naust": 1, EMPTY: 0}
"""How many facts each employer has before the upgrade."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/forsvarlig.db"
    else:
        with fresh_postgres(request.getfixturevalue("postgres_url")) as url:
            yield url


def migrated(url: str, way: str, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with raw(url).begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, way)(config, version)


def facts(employer: str) -> list[Fact]:
    """As earlier versions recorded them: the clock ran back an hour before the third."""
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment=commitment(SALT, TEXT),
    )  # fmt: skip
    hours = [0, 1, 0, *range(2, 20)]
    return [
        a_fact(f"f{n}", body if n == 2 else None).model_copy(
            update={
                "employer": employer, "cycle": None, "step": None, "recorded": NOW + timedelta(hours=hours[n]),
            }
        )
        for n in range(SIZES[employer])
    ]  # fmt: skip


def recorded_by_an_earlier_version(url: str) -> dict[str, Frontier]:
    """Write the ledgers as version 0.1.0 did, statement by statement; their trees."""
    trees = {}
    with raw(url).begin() as connection:
        for employer in SIZES:
            given = {"id": employer, "now": NOW.replace(tzinfo=None)}
            connection.execute(
                sa.text("INSERT INTO employer VALUES (:id, '923609016', 'Navn AS', 'real', :now)"), given
            )
            tree = Frontier()
            for fact in facts(employer):
                leaf = leaf_bytes(tree.size + 1, fact)
                tree = tree.append(leaf_hash(leaf))
                row = {
                    "employer": employer, "seq": tree.size, "id": fact.id, "kind": fact.kind, "body": leaf,
                    "hash": leaf_hash(leaf),
                }  # fmt: skip
                connection.execute(
                    sa.text(
                        "INSERT INTO ledger_leaf (employer, seq, fact_id, kind, body, hash) "
                        "VALUES (:employer, :seq, :id, :kind, :body, :hash)"
                    ),
                    row,
                )
            connection.execute(
                sa.text("INSERT INTO ledger_head VALUES (:employer, :size, :root, :frontier)"),
                {"employer": employer, "size": tree.size, "root": tree.root, "frontier": tree.to_bytes()},
            )
            trees[employer] = tree
        connection.execute(
            sa.text("INSERT INTO payload VALUES (:employer, 'f2', :salt, :text)"),
            {"employer": EMPLOYER, "salt": SALT, "text": TEXT},
        )
    return trees


@pytest.mark.parametrize("version", ["0001", "0002"])
async def test_an_upgrade_fills_in_the_tree_and_keeps_every_leaf(empty_url: str, version: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).touch()
    migrated(empty_url, "upgrade", version)
    trees = recorded_by_an_earlier_version(empty_url)
    database = Database(empty_url)
    await database.upgrade()
    assert await database.version() == SCHEMA
    async with database.read() as reader:
        assert (await examine(reader.connection)).missing == ()
        assert await reader.payload(EMPLOYER, "f2") == TEXT
        for employer, tree in trees.items():
            found = await reader.verify(employer)
            assert (found.faults, found.size, found.root) == ((), tree.size, tree.root.hex())
            assert [fact for _, fact in await reader.facts(employer)] == facts(employer)
            for seq in range(1, tree.size + 1):
                body = leaf_bytes(seq, facts(employer)[seq - 1])
                proof = await reader.inclusion(employer, seq, tree.size)
                assert verify_inclusion(leaf_hash(body), seq - 1, tree.size, proof, tree.root)
    early = a_fact("late").model_copy(update={"cycle": None, "step": None})
    [(seq, fact)] = await database.append(EMPLOYER, [early])
    assert (seq, fact.recorded, fact.clock) == (12, facts(EMPLOYER)[-1].recorded, "ran_back")
    async with database.read() as reader:
        assert (await reader.verify(EMPLOYER)).ok
    await database.close()


async def test_a_downgrade_leaves_what_was_recorded_and_can_be_upgraded_again(empty_url: str) -> None:
    database = Database(empty_url)
    await database.upgrade()
    await database.close()
    migrated(empty_url, "downgrade", "0002")
    trees = recorded_by_an_earlier_version(empty_url)
    await database.upgrade()
    async with database.read() as reader:
        assert (await examine(reader.connection)).missing == ()
        assert (await reader.verify(EMPLOYER)).root == trees[EMPLOYER].root.hex()
    await database.close()
