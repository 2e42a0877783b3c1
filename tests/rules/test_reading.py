"""Who may read what a person wrote: every role with every kind of text, and nobody without a part in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.made_up_organisations import PEOPLE, organisations
from tests.rules.parts import DAY
from workflows.rules.calendar import OSLO
from workflows.rules.events import SYSTEM, UNKNOWN, Body, DecisionRecorded, Fact
from workflows.rules.organisation import Absence, Assignment, Employment, Organisation, Role, SafetyArea, Unit
from workflows.rules.programme import Kind
from workflows.rules.reading import may_read, roles_that_read
from workflows.rules.record_facts import RetentionSet
from workflows.rules.terms import Outcome

SINCE, WRITTEN, READ = date(2020, 1, 1), date(2027, 3, 10), date(2027, 9, 1)
HASH = "ab" * 32

PARTS: dict[str, tuple[Role, dict[str, Any]]] = {
    "top": (Role.TOP_MANAGER, {}),
    "hr": (Role.HR, {}),
    "senior": (Role.SENIOR_SAFETY_REP, {}),
    "chair": (Role.WEC_CHAIR, {}),
    "member": (Role.WEC, {}),
    "board": (Role.BOARD, {}),
    "ohs": (Role.OHS, {}),
    "union": (Role.UNION_REP, {}),
    "dpo": (Role.DPO, {}),
    "contact": (Role.CONTACT_PERSON, {"unit": "saw"}),
    "leader": (Role.MANAGER, {"unit": "saw"}),
    "above": (Role.MANAGER, {"unit": "works"}),
    "rep": (Role.SAFETY_REP, {"area": "a-saw"}),
    "deputy": (Role.DEPUTY_SAFETY_REP, {"area": "a-saw"}),
    "beside": (Role.MANAGER, {"unit": "planer"}),
    "rep-beside": (Role.SAFETY_REP, {"area": "a-planer"}),
}
EVERYBODY = (*PARTS, "worker", "stranger")


def organisation(**changes: Any) -> Organisation:
    """The saw and the planer are units of the works; each is a safety area of its own."""
    return Organisation.model_validate(
        {
            "employer": "fjell", "org_number": "923609016", "name": "Fjell AS",
            "units": [
                Unit(id="works", name="Verket", since=SINCE),
                Unit(id="saw", name="Saga", parent="works", area="a-saw", since=SINCE),
                Unit(id="planer", name="Høvelen", parent="works", area="a-planer", since=SINCE),
            ],
            "areas": [SafetyArea(id="a-saw", name="Saga"), SafetyArea(id="a-planer", name="Høvelen")],
            "employments": [Employment(person=p, unit="saw", since=SINCE) for p in (*PARTS, "worker")],
            "assignments": [
                Assignment(role=role, person=person, since=SINCE, **place) for person, (role, place) in PARTS.items()
            ],
            **changes,
        }
    )  # fmt: skip


def decision(role: Role, kind: Kind, outcome: Outcome, **more: Any) -> DecisionRecorded:
    return DecisionRecorded(
        role=role, asked=kind, outcome=outcome, document=HASH, version=1, comment=HASH, **more
    )


def written(body: Body, by: str, unit: str | None = "saw", step: str | None = "Y15") -> Fact:
    moment = datetime.combine(WRITTEN, time(12), OSLO).astimezone(UTC)
    cycle = "year/fjell/2027" if unit is None else f"unit/fjell/{unit}/2027"
    return Fact(
        id="f",
        employer="fjell",
        cycle=cycle,
        step=step,
        concerns=moment,
        recorded=moment,
        actor=by,
        body=body,
    )


def answer(by: str = "leader", disagree: tuple[str, ...] = ("worker",), **more: Any) -> Fact:
    body = {
        "kind": "disagreement_answered",
        "version": 1,
        "disagree": disagree,
        "comment": HASH,
        "late": False,
    }
    return written(_body({**body, **more}), by)


def due_date() -> Fact:
    body = {"kind": "due_date_changed", "before": "2027-05-01", "after": "2027-06-01", "reason": "decided"}
    return written(_body({**body, "comment": HASH}), "leader")


def _body(raw: dict[str, Any]) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Body).validate_python(raw)


THE_PLACE = {"top", "hr", "senior", "leader", "above", "rep", "contact"}
COMMITTEE = {"chair", "member"}
CASES: dict[str, tuple[Fact, set[str]]] = {
    "an answer in the unit": (
        written(decision(Role.MANAGER, Kind.APPROVE, Outcome.REJECTED), "leader"), THE_PLACE,
    ),
    "a disagreement in the unit": (
        written(decision(Role.SAFETY_REP, Kind.CONSULT, Outcome.DISAGREES), "rep"), THE_PLACE | COMMITTEE,
    ),
    "an answer of the health service": (
        written(decision(Role.OHS, Kind.CONSULT, Outcome.AGREED_WITH_REMARKS), "ohs"), THE_PLACE | {"ohs"},
    ),
    "what the committee treated": (
        written(decision(Role.WEC_CHAIR, Kind.TREAT, Outcome.TREATED), "chair"), THE_PLACE | COMMITTEE,
    ),
    "the employer's answer to who disagrees": (answer(), THE_PLACE | COMMITTEE | {"worker"}),
    "a new due date": (due_date(), THE_PLACE),
    "the board's answer in the employer's year": (
        written(decision(Role.BOARD, Kind.APPROVE, Outcome.APPROVED), "board", unit=None),
        {"top", "hr", "senior", "board"},
    ),
    "how long texts are kept": (
        written(RetentionSet(records="text", days=730, comment=HASH), "hr", unit=None, step=None),
        {"top", "hr", "senior"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("person", EVERYBODY)
@pytest.mark.parametrize("case", CASES)
def test_each_role_reads_what_is_of_its_matter_and_nothing_else(case: str, person: str) -> None:
    fact, readers = CASES[case]
    assert may_read(organisation(), person, fact, READ) is (person in readers)


@pytest.mark.parametrize("person", [SYSTEM, UNKNOWN, "", "Kari Nordmann"])
@pytest.mark.parametrize("case", CASES)
def test_whoever_is_nobody_reads_nothing(case: str, person: str) -> None:
    assert not may_read(organisation(), person, CASES[case][0], READ)


@pytest.mark.parametrize(("role", "who"), [(Role.UNION_REP, "union"), (Role.DPO, "dpo"), (Role.OHS, "ohs")])
def test_those_who_own_or_decide_in_the_step_read_what_the_others_in_it_wrote(role: Role, who: str) -> None:
    fact = CASES["an answer in the unit"][0]
    assert not may_read(organisation(), who, fact, READ)
    assert may_read(organisation(), who, fact, READ, gate=(role,))


def test_that_the_employees_have_a_part_in_a_step_opens_nothing_to_them() -> None:
    fact = CASES["an answer in the unit"][0]
    assert not may_read(organisation(), "worker", fact, READ, gate=(Role.EMPLOYEES,))
    assert Role.EMPLOYEES not in roles_that_read(fact, (Role.EMPLOYEES,))


def changed(role: Role, old: str, new: str, on: date) -> Organisation:
    kept = [a for a in organisation().assignments if a.person != old]
    _role, place = PARTS[old]
    kept += [
        Assignment(role=role, person=old, since=SINCE, until=on, **place),
        Assignment(role=role, person=new, since=on, **place),
    ]
    return organisation(assignments=kept)


def test_the_leader_who_had_the_matter_and_the_one_who_has_it_now_both_read_it() -> None:
    fact = CASES["a disagreement in the unit"][0]
    after = changed(Role.MANAGER, "leader", "worker", date(2027, 6, 1))
    assert may_read(after, "leader", fact, READ)
    assert may_read(after, "worker", fact, READ)
    before = changed(Role.MANAGER, "leader", "worker", date(2027, 1, 1))
    assert not may_read(before, "leader", fact, READ)
    assert may_read(before, "worker", fact, READ)


def test_whoever_has_left_reads_only_their_own_words() -> None:
    work = [
        e.model_copy(update={"until": date(2027, 7, 1)}) if e.person in ("leader", "rep", "worker") else e
        for e in organisation().employments
    ]
    after = organisation(employments=work)
    disagreement = CASES["a disagreement in the unit"][0]
    assert not may_read(after, "leader", disagreement, READ)
    assert may_read(after, "leader", disagreement, date(2027, 6, 30))
    assert may_read(after, "rep", disagreement, READ)
    assert not may_read(after, "worker", answer(), READ)


def test_a_substitute_reads_as_the_one_who_is_away_and_both_do() -> None:
    absence = Absence(person="leader", substitute="worker", since=READ, until=date(2027, 10, 1))
    here = organisation(absences=[absence])
    fact = CASES["a disagreement in the unit"][0]
    assert may_read(here, "worker", fact, READ)
    assert may_read(here, "leader", fact, READ)
    assert not may_read(here, "worker", fact, date(2027, 8, 31))


def test_a_deputy_safety_representative_reads_while_standing_in() -> None:
    fact = CASES["an answer in the unit"][0]
    absence = Absence(person="rep", since=READ, until=date(2027, 10, 1))
    assert not may_read(organisation(), "deputy", fact, READ)
    assert may_read(organisation(absences=[absence]), "deputy", fact, READ)


def test_whoever_was_acted_for_reads_what_was_written_in_their_name() -> None:
    fact = answer(by="worker", disagree=(), on_behalf_of="stranger")
    assert may_read(organisation(), "worker", fact, READ)
    assert may_read(organisation(), "stranger", fact, READ)


def test_of_a_unit_that_is_no_more_those_read_who_had_the_matter_then() -> None:
    units = [
        u.model_copy(update={"until": date(2027, 6, 1)}) if u.id == "saw" else u for u in organisation().units
    ]
    gone = organisation(units=units)
    fact = CASES["an answer in the unit"][0]
    assert {p for p in EVERYBODY if may_read(gone, p, fact, READ)} == THE_PLACE


# --- laws -----------------------------------------------------------------------------------------------

OUTCOMES = st.sampled_from(
    [
        decision(Role.MANAGER, Kind.APPROVE, Outcome.REJECTED),
        decision(Role.SAFETY_REP, Kind.CONSULT, Outcome.DISAGREES),
        decision(Role.WEC, Kind.TREAT, Outcome.TREATED),
    ]
)
WRITTEN_BY = st.builds(
    lambda body, by, unit: written(body, by, unit=unit).model_copy(
        update={"concerns": datetime.combine(DAY, time(12), OSLO)}
    ),
    OUTCOMES, st.sampled_from(["z", *PEOPLE]), st.sampled_from([None, "root", "u1", "u2"]),
)  # fmt: skip
GATES = st.lists(st.sampled_from(Role), max_size=4).map(tuple)


@given(organisations, WRITTEN_BY, GATES)
def test_nobody_without_a_role_ever_reads_what_another_wrote(
    where: Organisation, fact: Fact, gate: tuple[Role, ...]
) -> None:
    named = {a.person for a in where.assignments} | {a.substitute for a in where.absences}
    named |= {d.to for d in where.delegations}
    for person in {"y", *PEOPLE} - named - {fact.actor}:
        assert not may_read(where, person, fact, DAY, gate)


@given(organisations, WRITTEN_BY, GATES)
def test_the_author_always_reads_it(where: Organisation, fact: Fact, gate: tuple[Role, ...]) -> None:
    assert may_read(where, fact.actor, fact, DAY, gate)


@given(organisations, WRITTEN_BY, GATES, st.sampled_from(PEOPLE))
def test_more_roles_in_a_gate_never_take_the_right_from_anybody(
    where: Organisation, fact: Fact, gate: tuple[Role, ...], person: str
) -> None:
    assert may_read(where, person, fact, DAY, gate) or not may_read(where, person, fact, DAY)
