"""A new picture of an organisation in force, beside what people set meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.organisations import Overtaken, put_in_force
from tests.activities.sawmill import EMPLOYER, Sawmill, organisation
from workflows.rules.organisation import Organisation
from workflows.rules.statement import Delegate


async def known(mill: Sawmill) -> tuple[str, Organisation]:
    async with mill.database.read() as reader:
        return await reader.organisation(EMPLOYER)


async def hand_on(mill: Sawmill) -> None:
    today = mill.now.date()
    act = Delegate(person="kari", to="siri", since=today, until=today.replace(month=today.month + 1))
    receipt = await mill.doors.act(EMPLOYER, "kari", act, now=mill.now, nonce="1")
    assert receipt.accepted


async def test_what_somebody_sets_while_an_import_is_looked_at_is_not_lost(tmp_path: Path) -> None:
    async with Sawmill.started(tmp_path) as mill:
        read, before = await known(mill)
        await hand_on(mill)
        renamed = before.model_copy(update={"name": "Nordfjord Sag AS"})
        with pytest.raises(Overtaken):
            await put_in_force(mill.database, renamed, (), mill.now, after=read)
        now, after = await known(mill)
        assert [d.to for d in after.delegations] == ["siri"]
        assert after.name == before.name
        whole = after.model_copy(update={"name": "Nordfjord Sag AS"})
        await put_in_force(mill.database, whole, (), mill.now, after=now)
        assert (await known(mill))[1] == whole


async def test_a_delegation_is_a_new_organisation_which_every_running_year_hears_of(tmp_path: Path) -> None:
    async with Sawmill.started(tmp_path) as mill:
        before, _ = await known(mill)
        await hand_on(mill)
        after, with_it = await known(mill)
        assert after != before
        assert with_it.model_copy(update={"delegations": ()}) == organisation()
        await mill.advance()
        async with mill.database.read() as reader:
            cycles = await reader.cycles(employer=EMPLOYER)
            assert {c.organisation for c in cycles} == {after}
            facts = [f for _, f in await reader.facts(EMPLOYER) if f.kind == "organisation_changed"]
        assert {f.cycle for f in facts} == {c.id for c in cycles}
