"""Employers, organisations, the directory, cycles, documents, rulebooks."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta, timezone
from typing import Any

import pytest

from activities.store.database import Database, NotThere, StoreError
from activities.store.rows import CycleRow, DocumentRow, EmployerRow, PersonRow
from activities.store.transaction import Transaction
from tests.store.made import EMPLOYER, NOW, UNIT, add_employer, raw
from workflows.rules.organisation import Employment, Organisation, Profile, Unit

HASH, OTHER_HASH = "ab" * 32, "cd" * 32


def organisation(name: str = "Nordfjord Tre AS") -> Organisation:
    return Organisation(
        employer=EMPLOYER, org_number="923609016", name=name,
        units=(Unit(id="sagbruk", name="Sagbruket", since=date(2020, 1, 1)),),
        employments=(Employment(person="kari", unit="sagbruk", since=date(2020, 1, 1)),),
    )  # fmt: skip


def person(id: str, **changes: Any) -> PersonRow:
    row = {"employer": EMPLOYER, "id": id, "name": id.title(), "email": f"{id}@example.no", **changes}
    return PersonRow.model_validate(row)


def cycle(**changes: Any) -> CycleRow:
    row = {
        "id": UNIT, "employer": EMPLOYER, "unit": "sagbruk", "year": 2027, "programme": HASH, "law": HASH,
        "organisation": HASH, "profile": Profile.MEDIUM, "started": NOW,
    }  # fmt: skip
    return CycleRow.model_validate({**row, **changes})


async def test_an_employer_may_change_its_name_and_never_its_mode(database: Database) -> None:
    renamed = EmployerRow(id=EMPLOYER, org_number="923609016", name="Nytt navn AS", mode="real", created=NOW)
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_employer(renamed.model_copy(update={"created": NOW + timedelta(days=9)}))
        assert await transaction.employer(EMPLOYER) == renamed
        assert await transaction.employers() == [renamed]
        with pytest.raises(StoreError, match="is real and stays so"):
            await transaction.put_employer(renamed.model_copy(update={"mode": "rehearsal"}))
        with pytest.raises(StoreError, match="not for 'fjellheimen'"):
            await transaction.put_employer(renamed.model_copy(update={"id": "fjellheimen"}))
        with pytest.raises(NotThere, match=r"no employer 'ukjent'.*org import"):
            await transaction.employer("ukjent")


async def test_the_newest_organisation_is_given_and_older_ones_by_their_hash(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        first = await transaction.put_organisation(organisation(), NOW)
        second = await transaction.put_organisation(organisation("Nordfjord Bruk AS"), NOW)
        assert await transaction.organisation(EMPLOYER) == (second, organisation("Nordfjord Bruk AS"))
        assert await transaction.organisation(EMPLOYER, first) == (first, organisation())
        assert await transaction.put_organisation(organisation(), NOW) == first
        assert (await transaction.organisation(EMPLOYER))[0] == first
        with pytest.raises(NotThere, match=f"no organisation with hash {OTHER_HASH}"):
            await transaction.organisation(EMPLOYER, OTHER_HASH)


async def test_the_hash_of_an_organisation_is_that_of_its_canonical_json(
    database: Database, store_url: str
) -> None:
    async with database.write(EMPLOYER) as transaction:
        hash = await transaction.put_organisation(organisation(), NOW)
    with raw(store_url).connect() as connection:
        body: str = connection.exec_driver_sql("SELECT body FROM organisation_version").scalar_one()
    assert hashlib.sha256(body.encode()).hexdigest() == hash
    assert json.dumps(json.loads(body), sort_keys=True, ensure_ascii=False, separators=(",", ":")) == body


async def test_without_an_organisation_the_message_says_how_to_get_one(database: Database) -> None:
    async with database.read() as reader:
        with pytest.raises(NotThere, match="forsvarlig org import"):
            await reader.organisation(EMPLOYER)


async def test_people_are_added_and_changed_by_id(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_people([person("kari"), person("ola", email=None, language="nn")])
        await transaction.put_people([person("kari", name="Kari Nordmann")])
        assert await transaction.people(EMPLOYER) == {
            "kari": person("kari", name="Kari Nordmann"), "ola": person("ola", email=None, language="nn"),
        }  # fmt: skip
        assert await transaction.person(EMPLOYER, "ukjent") is None
        await transaction.put_people([])


async def test_keys_from_the_import_may_change_hands_within_one_import(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_people([person("kari", external_key="1"), person("ola", external_key="2")])
        await transaction.put_people([person("kari", external_key="2"), person("ola", external_key="1")])
        assert {p.id: p.external_key for p in (await transaction.people(EMPLOYER)).values()} == {
            "kari": "2", "ola": "1",
        }  # fmt: skip


async def test_a_key_that_belongs_to_somebody_else_is_refused_by_name(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_people([person("kari", external_key="1")])
        with pytest.raises(StoreError, match="'1' of 'ola' belongs to 'kari'"):
            await transaction.put_people([person("ola", external_key="1")])
        with pytest.raises(StoreError, match="'per' and 'eva' have the same key '7'"):
            await transaction.put_people([person("per", external_key="7"), person("eva", external_key="7")])
        with pytest.raises(StoreError, match="not for 'fjellheimen'"):
            await transaction.put_people([person("per", employer="fjellheimen")])


async def test_two_employers_may_have_people_with_the_same_id_and_key(database: Database) -> None:
    await add_employer(database, "fjellheimen")
    for employer in (EMPLOYER, "fjellheimen"):
        async with database.write(employer) as transaction:
            await transaction.put_people([person("kari", employer=employer, external_key="1")])
    async with database.read() as reader:
        assert (await reader.person("fjellheimen", "kari")) == person(
            "kari", employer="fjellheimen", external_key="1"
        )


async def test_a_cycle_is_found_and_changed(database: Database) -> None:
    in_oslo = (NOW + timedelta(days=1)).astimezone(timezone(timedelta(hours=1)))
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_cycle(cycle(next_moment=in_oslo))
        assert await transaction.cycle(UNIT) == cycle(next_moment=in_oslo)
        await transaction.update_cycle(UNIT, organisation=OTHER_HASH, profile=Profile.LARGE)
        changed = cycle(next_moment=in_oslo, organisation=OTHER_HASH, profile=Profile.LARGE)
        assert await transaction.cycle(UNIT) == changed
        await transaction.update_cycle(UNIT, state="closed", closed=NOW, next_moment=None)
        closed = {"state": "closed", "closed": NOW, "next_moment": None}
        assert await transaction.cycle(UNIT) == changed.model_copy(update=closed)
        await transaction.update_cycle(UNIT)


async def test_cycles_are_listed_by_year_with_the_employers_own_first(database: Database) -> None:
    own = cycle(id=f"year/{EMPLOYER}/2027", unit=None)
    later = cycle(id=f"unit/{EMPLOYER}/sagbruk/2028", year=2028, state="closed")
    async with database.write(EMPLOYER) as transaction:
        for row in (later, cycle(), own):
            await transaction.put_cycle(row)
        assert await transaction.cycles() == [own, cycle(), later]
        assert await transaction.cycles(employer=EMPLOYER, year=2027) == [own, cycle()]
        assert await transaction.cycles(state="closed") == [later]


async def test_a_year_that_runs_keeps_the_programme_and_the_law_it_started_with(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_cycle(cycle())
        await transaction.put_cycle(cycle(started=NOW + timedelta(days=1)))
        assert await transaction.cycle(UNIT) == cycle()
        with pytest.raises(StoreError, match=r"runs already.*forsvarlig year show"):
            await transaction.put_cycle(cycle(law=OTHER_HASH))


async def test_a_cycle_that_is_not_there_cannot_be_changed(database: Database) -> None:
    async def change(transaction: Transaction, **values: Any) -> None:
        with pytest.raises(NotThere, match=r"no cycle unit/.*forsvarlig year list"):
            await transaction.update_cycle(UNIT, **values)

    async with database.write(EMPLOYER) as transaction:
        await change(transaction, state="closed")
        await change(transaction)
        await transaction.put_cycle(cycle())
    await add_employer(database, "fjellheimen")
    async with database.write("fjellheimen") as transaction:
        await change(transaction, state="closed")


async def test_a_document_is_remembered_once(database: Database) -> None:
    row = DocumentRow(
        hash=HASH, media_type="application/pdf", size=2**40, stored_at=NOW, name="Kartlegging.pdf"
    )
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_document(row)
        await transaction.put_document(row.model_copy(update={"name": "Noe annet.pdf"}))
        assert await transaction.document(HASH) == row
        assert await transaction.document(OTHER_HASH) is None


async def test_a_rulebook_is_kept_under_its_hash(database: Database) -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_rulebook(HASH, "programme", '{"id": "standard"}')
        await transaction.put_rulebook(HASH, "programme", '{"id": "standard"}')
        assert await transaction.rulebook(HASH) == '{"id": "standard"}'
        with pytest.raises(StoreError, match=OTHER_HASH):
            await transaction.rulebook(OTHER_HASH)
