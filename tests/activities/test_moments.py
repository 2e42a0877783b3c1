"""A second before, at and after each moment at which something begins or ends; at the same time; and twice."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from activities.receipts import Receipt
from activities.signatures import SigningKey
from activities.store.database import Database
from tests.activities.house import COLLEAGUE, MANAGER, OTHER_MANAGER, REP, STEPS, House
from tests.rules.employers import employer, unit_closed
from tests.store.made import fresh_postgres
from workflows.rules.events import AttemptRefused
from workflows.rules.keys import SKEW
from workflows.rules.organisation import Role
from workflows.rules.statement import (
    LONGEST_LIFE,
    Authentication,
    Delegate,
    EnrolKey,
    RevokeKey,
    SetAbsence,
    Statement,
)
from workflows.rules.terms import Outcome, Refusal

ROOT = Path(__file__).parents[2]
SECOND = timedelta(seconds=1)

Url = str


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def placed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Url, Database]]:
    """A database for all the houses of this module, and its URL."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('moments') / 'forsvarlig.db'}"
        else:
            url = stack.enter_context(fresh_postgres(request.getfixturevalue("postgres_url")))
        database = Database(url)
        await database.upgrade()
        yield url, database
        await database.close()


@pytest.fixture
async def house(placed: tuple[Url, Database]) -> House:
    return await House.built(placed[1])


def why(receipt: Receipt) -> Refusal | None:
    assert isinstance(receipt.fact.body, AttemptRefused) is not receipt.accepted
    return receipt.reason


def around(moment: str) -> tuple[datetime, datetime, datetime]:
    there = datetime.fromisoformat(moment)
    return there - SECOND, there, there + SECOND


# --- before and after -------------------------------------------------------------------------------


async def test_before_the_step_opens_an_answer_is_refused_and_afterwards_it_waits_for_the_evidence(
    house: House,
) -> None:
    before, at, after = around("2027-01-04T07:00:00Z")
    await house.at(before)
    assert why(await house.act(REP, house.agrees())) is Refusal.NOT_YET
    assert why(await house.file()) is Refusal.NOT_YET
    house.clock(at)  # the opening is not recorded yet
    assert why(await house.act(REP, house.agrees())) is Refusal.NOT_YET
    await house.at(at)
    assert why(await house.act(REP, house.agrees())) is Refusal.NO_EVIDENCE
    assert why(await house.file()) is None
    await house.at(after)
    assert why(await house.act(REP, house.agrees())) is None
    assert len(await house.facts("attempt_refused")) == 4


@pytest.mark.parametrize("looked_at", [True, False])
async def test_the_year_closes_on_the_second_whether_or_not_anybody_has_looked(
    house: House, looked_at: bool
) -> None:
    await house.filed("2028-01-03T09:00:00Z")
    answers = []
    for moment, step in zip(around("2028-01-31T07:00:00Z"), STEPS, strict=True):
        await house.at(moment) if looked_at else house.clock(moment)
        answers.append(why(await house.act(REP, house.agrees(step), step)))
    assert answers == [None, Refusal.TOO_LATE, Refusal.TOO_LATE]


async def test_what_was_said_a_second_before_the_end_is_still_said_when_it_is_repeated_afterwards(
    house: House,
) -> None:
    before, _, after = around("2028-01-31T07:00:00Z")
    await house.filed("2028-01-03T09:00:00Z")
    house.clock(before)
    first = await house.act(REP, house.agrees(), nonce="once")
    await house.at(after)
    again = await house.act(REP, house.agrees(), nonce="once")
    assert (again.seq, again.accepted, again.repeated) == (first.seq, True, True)


async def test_the_gate_of_a_unit_ends_with_the_unit(placed: tuple[Url, Database]) -> None:
    units = unit_closed(employer(17), "u1", date(2027, 6, 1)).units
    house = await House.built(placed[1], units=units)
    await house.filed("2027-05-03T09:00:00Z")
    answers = []
    for moment, step in zip(around("2027-06-01T06:00:00Z"), STEPS, strict=True):
        house.clock(moment)
        answers.append(why(await house.act(REP, house.agrees(step), step)))
    assert answers == [None, Refusal.TOO_LATE, Refusal.TOO_LATE]


# --- a statement's own time -------------------------------------------------------------------------


def statement(house: House, step: str, issued: datetime, expires: datetime) -> Statement:
    return Statement(
        employer=house.name, cycle=house.unit, step=step, actor=REP, act=house.agrees(step), nonce=step,
        issued=issued, expires=expires, authentication=Authentication(method="desk"),
    )  # fmt: skip


async def arrives(house: House, said: Statement, moment: datetime) -> Refusal | None:
    raw = house.doors._signer.sign(said).to_json().encode()
    return why(await house.doors.receive(raw, place=house.unit, now=moment, via="portal"))


async def test_a_statement_counts_until_the_second_at_which_it_expires(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    issued, expires = house.now, house.now + timedelta(minutes=10)
    answers = [
        await arrives(house, statement(house, step, issued, expires), expires + late)
        for step, late in zip(STEPS, (-SECOND, timedelta(0), SECOND), strict=True)
    ]
    assert answers == [None, Refusal.EXPIRED, Refusal.EXPIRED]


async def test_a_statement_may_be_as_far_ahead_as_two_clocks_are_apart(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    answers = [
        await arrives(
            house, statement(house, step, house.now + SKEW + ahead, house.now + timedelta(hours=1)), house.now
        )
        for step, ahead in zip(STEPS, (-SECOND, timedelta(0), SECOND), strict=True)
    ]
    assert answers == [None, None, Refusal.FUTURE_DATED]


async def test_a_statement_lives_seven_days_and_not_a_second_more(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    answers = [
        await arrives(house, statement(house, step, house.now, house.now + LONGEST_LIFE + more), house.now)
        for step, more in zip(STEPS, (-SECOND, timedelta(0), SECOND), strict=True)
    ]
    assert answers == [None, None, Refusal.EXPIRED]


# --- silence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "midnight"),
    [
        # Fourteen days from Monday 1 February; in winter the day ends at 23:00 UTC.
        ("2027-02-01T09:00:00Z", "2027-02-15T23:00:00Z"),
        # From Monday 15 March, Easter not counted, over the night in which the clocks go forward.
        ("2027-03-15T09:00:00Z", "2027-04-06T22:00:00Z"),
        # From Monday 3 May: 17 May is a holiday, so the day after; in summer the day ends at 22:00 UTC.
        ("2027-05-03T09:00:00Z", "2027-05-18T22:00:00Z"),
        # From Monday 18 October, over the night in which they go back.
        ("2027-10-18T09:00:00Z", "2027-11-01T23:00:00Z"),
    ],
)
async def test_silence_can_be_stated_from_the_midnight_after_the_last_day_to_answer(
    house: House, asked: str, midnight: str
) -> None:
    await house.filed(asked)
    answers = []
    for moment, step in zip(around(midnight), STEPS, strict=True):
        house.clock(moment)
        comment = await house.doors.deposit(house.name, "Ingen svarte.", house.now)
        silence = house.agrees(step, outcome=Outcome.NO_RESPONSE, comment=comment)
        answers.append(why(await house.act(MANAGER, silence, step)))
    assert answers == [Refusal.OPPORTUNITY_NOT_GIVEN, None, None]


@pytest.mark.parametrize("late", [-SECOND, timedelta(0), SECOND])
async def test_an_answer_after_the_last_day_is_an_answer_as_long_as_nobody_has_stated_silence(
    house: House, late: timedelta
) -> None:
    await house.filed("2027-02-01T09:00:00Z")
    house.clock(datetime.fromisoformat("2027-02-15T23:00:00Z") + late)
    assert why(await house.act(REP, house.agrees())) is None


# --- whoever stands in ------------------------------------------------------------------------------

DAYS = [
    # first day, the day after the last, and the Oslo midnights at which they begin
    ("2027-02-10", "2027-02-20", "2027-02-09T23:00:00Z", "2027-02-19T23:00:00Z"),
    ("2027-06-10", "2027-06-20", "2027-06-09T22:00:00Z", "2027-06-19T22:00:00Z"),
    # over the nights in which the clocks change
    ("2027-03-28", "2027-03-29", "2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"),
    ("2027-10-31", "2027-11-01", "2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"),
]


@pytest.mark.parametrize("how", ["delegation", "absence"])
@pytest.mark.parametrize(("since", "until", "first", "last"), DAYS)
async def test_a_substitute_acts_from_the_first_midnight_to_the_last(
    placed: tuple[Url, Database], how: str, since: str, until: str, first: str, last: str
) -> None:
    house = await House.built(placed[1], assignments=employer(17).assignments)
    await house.filed("2027-01-18T09:00:00Z")
    await house.agreed()
    days = {"person": MANAGER, "since": date.fromisoformat(since), "until": date.fromisoformat(until)}
    handed = (
        Delegate(**days, to=COLLEAGUE) if how == "delegation" else SetAbsence(**days, substitute=COLLEAGUE)
    )  # type: ignore[arg-type]
    assert why(await house.act(MANAGER, handed)) is None
    before, at, _ = around(first)
    answers = []
    for moment, step in ((before, "Y11"), (at, "Y11")):
        house.clock(moment)
        answers.append(why(await house.act(COLLEAGUE, house.approves(step), step)))
    before, at, after = around(last)
    for moment, step in ((before, "Y12"), (at, "Y13"), (after, "Y13")):
        house.clock(moment)
        answers.append(why(await house.act(COLLEAGUE, house.approves(step), step)))
    assert answers == [Refusal.NOT_ELIGIBLE, None, None, Refusal.NOT_ELIGIBLE, Refusal.NOT_ELIGIBLE]
    assert [f.body.on_behalf_of for f in await house.facts("decision_recorded")][3:] == [MANAGER, MANAGER]  # type: ignore[union-attr]


# --- a key's revocation -----------------------------------------------------------------------------


async def test_a_key_counts_until_its_revocation_is_recorded_whatever_the_clocks_say(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    lost, own = SigningKey.new(), SigningKey.new()
    first = EnrolKey(person=REP, public_key=lost.public_key)
    further = EnrolKey(person=REP, public_key=own.public_key)
    assert why(await house.act(REP, first)) is None
    second = await house.doors.act(house.name, REP, further, now=house.now, nonce="second", own=lost)
    assert why(second) is None
    assert why(await house.act(REP, house.agrees())) is Refusal.OWN_KEY_REQUIRED
    before, at, after = around("2027-03-01T10:00:00Z")

    async def with_the_lost_key(step: str, moment: datetime, issued: datetime) -> Refusal | None:
        said = statement(house, step, issued, issued + timedelta(hours=1))
        said = said.model_copy(
            update={"authentication": Authentication(method="key_file"), "nonce": f"{step}{moment:%H%M%S}"}
        )
        raw = lost.sign(said).to_json().encode()
        return why(await house.doors.receive(raw, place=house.unit, now=moment, via="portal"))

    assert await with_the_lost_key("Y11", before, before) is None
    revoked = RevokeKey(key=lost.id, reason="stolen")
    assert why(await house.doors.act(house.name, REP, revoked, now=at, nonce="r", own=own)) is None
    answers = [
        await with_the_lost_key("Y12", before, before - timedelta(minutes=30)),
        await with_the_lost_key("Y12", at, before),
        await with_the_lost_key("Y12", after, after),
    ]
    assert answers == [Refusal.REVOKED_KEY] * 3
    await house.at(after)
    kinds = [f.kind for f in await house.facts() if f.step == "Y11"]
    assert "decision_disregarded" not in kinds, "what the key signed before stays true"


# --- at the same time -------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [(MANAGER, OTHER_MANAGER), (MANAGER, MANAGER)])
async def test_of_two_who_answer_for_one_role_at_once_one_has_answered(
    house: House, people: tuple[str, str]
) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    await house.agreed()
    receipts = await asyncio.gather(*(house.act(who, house.approves()) for who in people))
    assert sorted(str(why(r)) for r in receipts) == ["None", Refusal.ALREADY_DECIDED]
    decided = [f for f in await house.facts("decision_recorded") if f.step == "Y11"]
    assert len(decided) == 2  # the safety representative's, and one manager's
    await house.at(house.now)
    assert len([f for f in await house.facts("step_closed") if f.step == "Y11"]) == 1


async def test_of_two_processes_that_answer_for_one_role_at_once_one_has_answered(
    house: House, placed: tuple[Url, Database], tmp_path: Path
) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    await house.agreed()
    house.doors._signer.save(tmp_path / "key.pem")
    moment = house.now.isoformat()
    deciders = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.activities.house"),
            *(placed[0], house.name, who, moment, str(tmp_path / "key.pem")),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for who in (MANAGER, OTHER_MANAGER)
    ]
    for process in deciders:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    said = await asyncio.gather(*(process.communicate(b"now\n") for process in deciders))
    assert sorted(out.decode().strip() for out, _ in said) == ["accepted", "already_decided"]
    decided = [f for f in await house.facts("decision_recorded") if f.step == "Y11"]
    assert len(decided) == 2


async def test_ten_at_once_with_the_same_nonce_are_one_answer(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    receipts = await asyncio.gather(*(house.act(REP, house.agrees(), nonce="same") for _ in range(10)))
    assert {(r.seq, r.accepted) for r in receipts} == {(receipts[0].seq, True)}
    assert sorted(r.repeated for r in receipts) == [False] + [True] * 9
    assert len([f for f in await house.facts("decision_recorded") if f.step == "Y11"]) == 1


# --- twice ------------------------------------------------------------------------------------------


async def test_a_retry_gets_the_first_receipt_also_when_it_was_a_refusal(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    first = await house.act(MANAGER, house.approves(), nonce="early")
    await house.agreed()
    again = await house.act(MANAGER, house.approves(), nonce="early")
    assert (why(first), why(again)) == (Refusal.NOT_YOUR_TURN, Refusal.NOT_YOUR_TURN)
    assert (again.seq, again.repeated) == (first.seq, True)
    assert why(await house.act(MANAGER, house.approves(), nonce="new")) is None


async def test_the_same_answer_with_a_new_nonce_is_no_second_answer(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    assert why(await house.act(REP, house.agrees())) is None
    assert why(await house.act(REP, house.agrees())) is Refusal.ALREADY_DECIDED


async def test_the_same_bytes_at_another_door_are_a_retry_there_and_a_replay_by_signal(house: House) -> None:
    await house.filed("2027-03-01T09:00:00Z")
    said = statement(house, "Y11", house.now, house.now + timedelta(hours=1))
    raw = house.doors._signer.sign(said).to_json().encode()
    first, again, replayed = [
        await house.doors.receive(raw, place=house.unit, now=house.now, via=via)
        for via in ("portal", "desk", "signal 01a2072d-3464-7adb-b5ea-64bb33009f4b:1")
    ]
    assert (first.seq, first.accepted) == (again.seq, again.accepted)
    assert again.repeated
    assert why(replayed) is Refusal.REPLAYED
    assert [
        f.body.role
        for f in await house.facts("decision_recorded")
        if f.step == "Y11"  # type: ignore[union-attr]
    ] == [Role.SAFETY_REP]
