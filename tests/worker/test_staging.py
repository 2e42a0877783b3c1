"""A rehearsal's change of organisation is laid on what is in force, not on what was staged."""

from __future__ import annotations

from pathlib import Path

from tests.rules.employers import law
from tests.worker.command_line import EXAMPLES, NORDFJORD
from worker.settings import Settings
from worker.staging import cast_from_files, changes_from_files, first_moment, stage
from workflows.rules.organisation import Organisation, Role
from workflows.rules.statement import Delegate


async def test_what_people_have_handed_on_outlives_the_import_of_a_story(tmp_path: Path) -> None:
    begin = first_moment(2027)
    cast = cast_from_files(NORDFJORD, law(), begin.date())
    employer = cast.organisation.employer
    staged = await stage(Settings(state=tmp_path), cast, 2027)
    try:
        [leader] = cast.organisation.assigned(Role.MANAGER, "salg", begin.date())
        [other] = cast.organisation.assigned(Role.MANAGER, "administrasjon", begin.date())
        until = begin.date().replace(month=12)
        act = Delegate(person=leader, to=other, since=begin.date(), until=until)
        receipt = await staged.doors.act(employer, leader, act, now=begin, nonce="1")
        assert receipt.accepted

        async def in_force() -> Organisation:
            async with staged.database.read() as reader:
                return (await reader.organisation(employer))[1]

        handed = (await in_force()).delegations
        change = changes_from_files(staged, cast, law(), EXAMPLES / "nordfjord")
        for day in (28, 29):
            await change("endringer", begin.replace(month=4, day=day))
            after = await in_force()
            assert [(d.person, d.to) for d in after.delegations] == [(leader, other)]
            assert after.delegations == handed
            assert after.assignments != cast.organisation.assignments
    finally:
        await staged.database.close()
