"""The projections: whom a step waits for, how it stands, what happened; and they follow from the ledger."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.store.database import Database, Reader
from activities.store.rows import StepRow
from tests.store.made import DUE, EMPLOYER, NOW, UNIT, a_fact, add_employer, asked, raw
from workflows.rules.events import (
    Asked,
    Body,
    CycleStarted,
    DecisionRecorded,
    DueDateChanged,
    Escalated,
    EvidenceSubmitted,
    Informed,
    Reminded,
    ResponsibilityMoved,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepWithdrawn,
)
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome, unit_cycle

DOCUMENT = "ab" * 32
MANAGER, REP = Role.MANAGER, Role.SAFETY_REP

_IDS = count(1)


def decided(
    role: Role, kind: Kind, *, fulfils: bool = True, on_behalf_of: str | None = None
) -> DecisionRecorded:
    return DecisionRecorded(
        role=role, asked=kind, outcome=Outcome.AGREED, document=DOCUMENT, version=1, fulfils=fulfils,
        on_behalf_of=on_behalf_of,
    )  # fmt: skip


async def happen(database: Database, *bodies: Body, actor: str = "system", step: str = "Y07") -> None:
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact(f"f{next(_IDS)}", body, actor=actor, step=step) for body in bodies])


async def waited_for(database: Database) -> list[tuple[str, str, str]]:
    async with database.read() as reader:
        return [(row.what, row.role.value, row.person) for row in await reader.inbox(cycle=UNIT)]


async def the_step(database: Database, step: str = "Y07") -> StepRow:
    async with database.read() as reader:
        [row] = [row for row in await reader.steps(cycle=UNIT) if row.step == step]
    return row


async def test_an_opened_step_waits_for_those_who_are_asked(database: Database) -> None:
    await happen(database, StepOpened(due=DUE), asked("evidence", MANAGER, "kari", "ola"))
    async with database.read() as reader:
        [ola] = await reader.inbox(employer=EMPLOYER, person="ola")
        assert len(await reader.inbox(employer=EMPLOYER)) == 2
        assert await reader.inbox(employer="fjellheimen") == []
    assert (ola.unit, ola.year, ola.step, ola.due, ola.asked_at) == ("sagbruk", 2027, "Y07", DUE, NOW)
    step = await the_step(database)
    assert (step.status, step.due, step.original_due, step.opened_at) == ("open", DUE, DUE, NOW)
    assert (step.waiting_for, step.version, step.document, step.closed_at) == (
        "evidence:manager",
        0,
        None,
        None,
    )


async def test_asking_a_role_again_replaces_those_who_were_asked_in_it(database: Database) -> None:
    await happen(
        database, StepOpened(due=DUE), asked("evidence", MANAGER, "kari"), asked("consult", REP, "per")
    )
    await happen(database, asked("evidence", MANAGER, "ola"))
    assert await waited_for(database) == [("consult", "safety_rep", "per"), ("evidence", "manager", "ola")]
    assert (await the_step(database)).waiting_for == "consult:safety_rep,evidence:manager"


async def test_whoever_acts_for_two_people_is_waited_for_once(database: Database) -> None:
    twice = (Holder(person="per", acting_for="kari"), Holder(person="per", acting_for="ola"))
    await happen(database, Asked(what="approve", role=MANAGER, people=twice))
    async with database.read() as reader:
        [row] = await reader.inbox(cycle=UNIT)
    assert (row.person, row.acting_for) == ("per", "kari")


async def test_people_asked_before_the_step_opens_get_its_due_date_when_it_does(database: Database) -> None:
    await happen(database, asked("evidence", MANAGER, "kari"))
    async with database.read() as reader:
        assert [row.due for row in await reader.inbox(cycle=UNIT)] == [None]
    await happen(database, StepOpened(due=DUE))
    async with database.read() as reader:
        assert [row.due for row in await reader.inbox(cycle=UNIT)] == [DUE]
    assert (await the_step(database)).waiting_for == "evidence:manager"


async def test_filed_evidence_ends_the_wait_for_it_and_for_answers_about_older_versions(
    database: Database,
) -> None:
    await happen(
        database, StepOpened(due=DUE), asked("evidence", MANAGER, "kari"),
        asked("consult", REP, "per", version=1), asked("approve", Role.TOP_MANAGER, "eva", version=2),
        EvidenceSubmitted(document=DOCUMENT, version=2),
    )  # fmt: skip
    assert await waited_for(database) == [("approve", "top_manager", "eva")]
    step = await the_step(database)
    assert (step.document, step.version) == (DOCUMENT, 2)


async def test_an_answer_ends_the_wait_for_the_one_who_gave_it(database: Database) -> None:
    await happen(database, asked("consult", REP, "per", "eva", "ola"), asked("approve", MANAGER, "per"))
    await happen(database, decided(REP, Kind.CONSULT, fulfils=False), actor="per")
    assert await waited_for(database) == [
        ("approve", "manager", "per"), ("consult", "safety_rep", "eva"), ("consult", "safety_rep", "ola"),
    ]  # fmt: skip
    await happen(database, decided(REP, Kind.CONSULT, fulfils=False, on_behalf_of="eva"), actor="stand-in")
    assert ("consult", "safety_rep", "eva") not in await waited_for(database)
    assert ("consult", "safety_rep", "ola") in await waited_for(database)


async def test_the_answer_that_fulfils_a_slot_ends_the_wait_for_everyone_in_it(database: Database) -> None:
    await happen(database, asked("consult", REP, "per", "eva"), asked("treat", Role.WEC, "ola"))
    await happen(database, decided(REP, Kind.CONSULT), actor="per")
    assert await waited_for(database) == [("treat", "wec", "ola")]


async def test_a_step_that_is_sent_back_waits_for_nobody_until_somebody_is_asked(database: Database) -> None:
    await happen(database, StepOpened(due=DUE), asked("consult", REP, "per", version=1))
    await happen(database, SentBack(version=1, outcome=Outcome.CHANGES_REQUESTED))
    assert await waited_for(database) == []
    assert ((await the_step(database)).status, (await the_step(database)).waiting_for) == ("open", "")


async def test_a_moved_due_date_reaches_the_inbox_and_the_original_stays_visible(database: Database) -> None:
    later = DUE + timedelta(days=7)
    await happen(database, StepOpened(due=DUE), asked("evidence", MANAGER, "kari"))
    await happen(database, DueDateChanged(before=DUE, after=later, reason="decided"))
    step = await the_step(database)
    assert (step.due, step.original_due) == (later, DUE)
    async with database.read() as reader:
        assert [row.due for row in await reader.inbox(cycle=UNIT)] == [later]


async def test_a_closed_step_waits_for_nobody_and_says_whether_it_was_late(database: Database) -> None:
    await happen(database, StepOpened(due=DUE), asked("evidence", MANAGER, "kari"))
    await happen(database, StepClosed(document=DOCUMENT, version=3, late=True))
    step = await the_step(database)
    assert (step.status, step.late, step.version, step.closed_at) == ("closed", True, 3, NOW)
    assert (step.waiting_for, await waited_for(database)) == ("", [])


async def test_steps_that_end_otherwise_are_named_so(database: Database) -> None:
    await happen(
        database, StepOpened(due=DUE), asked("evidence", MANAGER, "kari"), StepLeftOpen(missing=("evidence",))
    )
    await happen(database, StepWithdrawn(reason="unit_closed"), step="Y08")
    assert await waited_for(database) == []
    assert (await the_step(database)).status == "left_open"
    never_opened = await the_step(database, "Y08")
    assert (never_opened.status, never_opened.opened_at, never_opened.due) == ("withdrawn", None, None)


async def test_the_steps_of_a_year_are_told_apart_from_those_of_the_next(database: Database) -> None:
    later = a_fact("later").model_copy(update={"cycle": unit_cycle(EMPLOYER, "sagbruk", 2028)})
    async with database.write(EMPLOYER) as transaction:
        await transaction.append([a_fact("now"), later])
        assert [row.year for row in await transaction.steps(employer=EMPLOYER)] == [2027, 2028]
        assert [row.cycle for row in await transaction.steps(year=2028)] == [later.cycle]


async def test_the_timeline_answers_who_was_told_what_and_when(database: Database) -> None:
    hashes = {"programme": DOCUMENT, "law": DOCUMENT, "organisation": DOCUMENT}
    started = CycleStarted.model_validate({**hashes, "profile": Profile.LARGE})
    await happen(database, started, step="Y01")
    await happen(database, asked("evidence", MANAGER, "per"), Reminded(days_before=3, people=("kari", "per")))
    await happen(
        database, Escalated(days_after=5, people=("eva",), deviation=True, wec_item=False),
        ResponsibilityMoved(role=MANAGER, before=("per",), after=("kari-anne",)),
        Informed(roles=(), people=("kari",)),
    )  # fmt: skip
    await happen(database, EvidenceSubmitted(document=DOCUMENT, version=1, on_behalf_of="per"), actor="kari")

    async def kinds(reader: Reader, person: str) -> list[str]:
        return [row.kind for row in await reader.timeline(employer=EMPLOYER, person=person)]

    async with database.read() as reader:
        assert await kinds(reader, "per") == [
            "asked",
            "reminded",
            "responsibility_moved",
            "evidence_submitted",
        ]
        assert await kinds(reader, "kari") == ["reminded", "informed", "evidence_submitted"]
        assert (
            await kinds(reader, "kar%")
            == await kinds(reader, "manager")
            == await kinds(reader, "system")
            == []
        )
        whole = await reader.timeline(employer=EMPLOYER)
        assert [row.seq for row in whole] == list(range(1, 8))
        assert whole[2].people == ("kari", "per")
        assert whole[2].body == {"kind": "reminded", "days_before": 3, "people": ["kari", "per"]}
        assert await reader.timeline(employer=EMPLOYER, kind="informed", step="Y07", unit="sagbruk") == [
            whole[5]
        ]
        assert await reader.timeline(employer=EMPLOYER, cycle=UNIT, after=1, limit=2) == whole[1:3]
        assert await reader.timeline(employer=EMPLOYER, since=NOW, until=NOW + timedelta(seconds=1)) == whole
        assert await reader.timeline(employer=EMPLOYER, until=NOW) == []


PEOPLE = st.sampled_from(["kari", "ola", "per", "eva"])
ROLES = st.sampled_from([MANAGER, REP, Role.WEC])
DAYS = st.dates(date(2027, 1, 1), date(2027, 12, 31))
BODIES: st.SearchStrategy[Body] = st.one_of(
    st.builds(StepOpened, due=DAYS),
    st.builds(
        Asked, what=st.sampled_from(["evidence", "approve", "consult", "treat"]), role=ROLES,
        people=st.lists(st.builds(Holder, person=PEOPLE), max_size=3).map(tuple), version=st.integers(0, 3),
    ),
    st.builds(EvidenceSubmitted, document=st.just(DOCUMENT), version=st.integers(1, 3)),
    st.builds(
        DecisionRecorded, role=ROLES, asked=st.sampled_from(Kind), outcome=st.sampled_from(Outcome),
        document=st.just(DOCUMENT), version=st.integers(1, 3), fulfils=st.booleans(), comment=st.none(),
        on_behalf_of=st.none() | PEOPLE,
    ),
    st.builds(SentBack, version=st.integers(1, 3), outcome=st.sampled_from(Outcome)),
    st.builds(DueDateChanged, before=DAYS, after=DAYS, reason=st.just("decided")),
    st.builds(StepClosed, document=st.just(DOCUMENT), version=st.integers(1, 3), late=st.booleans()),
    st.just(StepWithdrawn(reason="duty_ended")),
    st.just(StepLeftOpen(missing=())),
)  # fmt: skip
HAPPENINGS = st.lists(st.tuples(BODIES, st.sampled_from(["Y07", "Y08"]), PEOPLE, st.booleans()), max_size=15)


@given(HAPPENINGS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_whatever_happens_the_projections_rebuilt_from_the_ledger_are_the_same(
    database: Database, happenings: list[tuple[Body, str, str, bool]]
) -> None:
    employer = f"employer-{next(_IDS)}"
    await add_employer(database, employer)
    batch = []
    for body, step, actor, commit in happenings:
        fact = a_fact(f"f{next(_IDS)}", body, actor=actor, step=step)
        batch.append(
            fact.model_copy(update={"employer": employer, "cycle": unit_cycle(employer, "sagbruk", 2027)})
        )
        if commit:
            async with database.write(employer) as transaction:
                await transaction.append(batch)
            batch = []
    async with database.write(employer) as transaction:
        await transaction.append(batch)
        before = await transaction.checksums(employer)
        assert await transaction.rebuild() == before
        for step_row in await transaction.steps(employer=employer):
            waiting = {
                (r.what, r.role.value)
                for r in await transaction.inbox(employer=employer)
                if r.step == step_row.step
            }
            assert step_row.waiting_for == ",".join(sorted(f"{what}:{role}" for what, role in waiting))
            assert step_row.status == "open" or step_row.closed_at is not None


async def test_a_rebuild_mends_what_was_changed_by_hand_and_leaves_other_employers_alone(
    database: Database, store_url: str
) -> None:
    await add_employer(database, "fjellheimen")
    theirs = a_fact("f1").model_copy(update={"employer": "fjellheimen", "cycle": "year/fjellheimen/2027"})
    async with database.write("fjellheimen") as transaction:
        await transaction.append([theirs])
    await happen(database, StepOpened(due=DUE), *(asked("evidence", MANAGER, f"p-{n}") for n in range(600)))
    async with database.read() as reader:
        right, others = await reader.checksums(EMPLOYER), await reader.checksums("fjellheimen")
    with raw(store_url).begin() as connection:
        connection.exec_driver_sql("DELETE FROM inbox")
        connection.exec_driver_sql(
            f"UPDATE step_status SET waiting_for = 'nobody' WHERE employer = '{EMPLOYER}'"
        )
        connection.exec_driver_sql("UPDATE timeline SET actor = 'kari' WHERE seq = 1")
        connection.exec_driver_sql("DELETE FROM timeline_person")
    async with database.read() as reader:
        wrong = await reader.checksums(EMPLOYER)
    changed = {name for name in right if wrong[name] != right[name]}
    assert changed == {"inbox", "step_status", "timeline", "timeline_person"}
    async with database.write(EMPLOYER) as transaction:
        assert await transaction.rebuild() == right
        assert (await transaction.checksums("fjellheimen"))["step_status"] == others["step_status"]
