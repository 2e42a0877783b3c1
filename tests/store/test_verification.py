"""`verify` finds what somebody with the run of the database has changed."""

from __future__ import annotations

import pytest

from activities.ledger.log import commit
from activities.ledger.verification import MOST_FAULTS
from activities.store.database import Database, StoreError
from tests.store.made import EMPLOYER, a_fact, without_triggers
from workflows.rules.events import DecisionRecorded
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome

OTHER_HASH = "00" * 32


@pytest.fixture
async def ledger(database: Database) -> Database:
    """Four leaves; f3 is a disagreement with its comment beside the ledger."""
    payload, commitment = commit("Uenig: støyen er ikke målt.")
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment=commitment,
    )  # fmt: skip
    facts = [a_fact("f1"), a_fact("f2"), a_fact("f3", body, actor="ola"), a_fact("f4")]
    async with database.write(EMPLOYER) as transaction:
        await transaction.append(facts, {"f3": payload})
    return database


async def faults(database: Database) -> tuple[str, ...]:
    async with database.read() as reader:
        found = await reader.verify(EMPLOYER)
    assert found.ok == (not found.faults)
    return found.faults


async def test_an_untouched_ledger_verifies_with_the_root_of_its_head(ledger: Database) -> None:
    async with ledger.read() as reader:
        found, head = await reader.verify(EMPLOYER), await reader.head(EMPLOYER)
    assert (found.ok, found.size, found.root) == (True, 4, head.root)


async def test_an_employer_that_is_not_there_has_an_empty_ledger(database: Database) -> None:
    async with database.read() as reader:
        found = await reader.verify("ukjent")
    assert (found.ok, found.size) == (True, 0)


async def test_an_erased_payload_is_no_fault(ledger: Database, store_url: str) -> None:
    without_triggers(store_url, "DELETE FROM payload")
    assert await faults(ledger) == ()


BLOB = {"sqlite": "CAST({} AS BLOB)", "postgresql": "convert_to({}, 'UTF8')"}
TEXT = {"sqlite": "CAST(body AS TEXT)", "postgresql": "convert_from(body, 'UTF8')"}


def bytes_of(url: str, old: str, new: str) -> str:
    kind = url.partition(":")[0].partition("+")[0]
    return BLOB[kind].format(f"replace({TEXT[kind]}, '{old}', '{new}')")


async def test_a_changed_answer_is_found(ledger: Database, store_url: str) -> None:
    changed = bytes_of(store_url, "disagrees", "agreed")
    without_triggers(store_url, f"UPDATE ledger_leaf SET body = {changed} WHERE seq = 3")
    found = await faults(ledger)
    assert found[0] == "leaf 3: the hash beside it is not the hash of its bytes"
    assert found[1].startswith("node 1 of 2 leaves: is not the hash")
    assert any(fault.startswith("head: says root") for fault in found)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE ledger_leaf SET kind = 'step_closed' WHERE seq = 2", "leaf 2: the columns beside it"),
        ("UPDATE ledger_leaf SET step = 'Y08' WHERE seq = 2", "leaf 2: the columns beside it"),
        ("UPDATE ledger_leaf SET hash = body WHERE seq = 4", "leaf 4: the hash beside it"),
        ("DELETE FROM ledger_leaf WHERE seq = 2", "leaf 3: stands where 2 was expected"),
        ("DELETE FROM ledger_leaf WHERE seq = 4", "head: says 4 leaves; there are 3"),
        ("DELETE FROM ledger_leaf", "head: says 4 leaves; there are 0"),
        ("UPDATE ledger_head SET size = 5", "head: says 5 leaves"),
        ("UPDATE ledger_head SET root = frontier", "head: says root"),
        ("UPDATE ledger_head SET frontier = root", "head: the frontier"),
        ("DELETE FROM ledger_head", "head: missing"),
        ("UPDATE payload SET text = 'Enig.'", "leaf 3: the payload of f3"),
        ("UPDATE payload SET fact_id = 'f1'", "leaf 1: the payload of f1"),
        ("UPDATE payload SET fact_id = 'f9'", "payload of f9: no leaf commits to it"),
    ],
)
async def test_a_change_behind_the_ledgers_back_is_found(
    ledger: Database, store_url: str, statement: str, said: str
) -> None:
    without_triggers(store_url, statement)
    assert any(fault.startswith(said) for fault in await faults(ledger)), await faults(ledger)


async def test_a_leaf_that_is_no_fact_any_more_is_found(ledger: Database, store_url: str) -> None:
    changed = bytes_of(store_url, '"v":1', '"v":99')
    without_triggers(store_url, f"UPDATE ledger_leaf SET body = {changed} WHERE seq = 1")
    assert any("has version 99" in fault for fault in await faults(ledger))
    broken = bytes_of(store_url, "{", "[")
    without_triggers(store_url, f"UPDATE ledger_leaf SET body = {broken} WHERE seq = 1")
    assert (await faults(ledger))[1].startswith("leaf 1: these bytes are no leaf")


async def test_very_many_faults_are_counted_rather_than_listed(database: Database, store_url: str) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact(f"f{n}") for n in range(150)])
    without_triggers(store_url, "UPDATE ledger_leaf SET step = 'Y99'")
    found = await faults(database)
    assert len(found) == MOST_FAULTS + 1
    assert found[-1] == "and 50 faults more"


@pytest.mark.parametrize("change", ["size = 5", "root = frontier", "frontier = root"])
async def test_nothing_is_added_to_a_ledger_whose_head_was_changed(
    ledger: Database, store_url: str, change: str
) -> None:
    without_triggers(store_url, f"UPDATE ledger_head SET {change}")
    with pytest.raises(
        StoreError, match=r"head of the ledger of 'nordfjord-tre' was changed.*forsvarlig doctor"
    ):
        async with ledger.write(EMPLOYER) as transaction:
            await transaction.append([a_fact("f5")])
