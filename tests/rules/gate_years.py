"""Years with gates of every shape, for people who act in them at random."""

from __future__ import annotations

from functools import cache

from tests.rules.employers import SINCE, employer, law
from tests.rules.gate_model import Slot
from workflows.rules.organisation import Assignment, Organisation, Role
from workflows.rules.plan import YearPlan, plan
from workflows.rules.programme import Kind, Programme
from workflows.rules.programme_file import parse_programme
from workflows.rules.situation import Situation
from workflows.rules.terms import CycleRef

UNIT = CycleRef(employer="fjell", year=2027, unit="u1")
TOP, HR, MANAGER, REP, OTHER, DEPUTY, STAND_IN, DELEGATE = "p1", "p2", "p3", "p4", "p6", "p8", "p31", "p32"
UNIONS, CHAIR, BOARD = ("p9", "p10", "p11"), "p20", "b1"

R, M, U, W, T = Role.SAFETY_REP, Role.MANAGER, Role.UNION_REP, Role.WEC_CHAIR, Role.TOP_MANAGER
REP_IS_HEARD = Slot(Kind.CONSULT, R, 1)
GATES: tuple[tuple[Slot, ...], ...] = (
    (REP_IS_HEARD, Slot(Kind.APPROVE, M, 2)),
    (REP_IS_HEARD, Slot(Kind.CONSULT, U, 1, quorum=2), Slot(Kind.APPROVE, M, 2, four_eyes=True)),
    (Slot(Kind.CONSULT, U, 1, quorum=2), Slot(Kind.APPROVE, M, 2), Slot(Kind.TREAT, W, 3)),
    (Slot(Kind.APPROVE, M, 1, four_eyes=True), Slot(Kind.CONSULT, R, 2)),
    (REP_IS_HEARD, Slot(Kind.APPROVE, M, 2), Slot(Kind.APPROVE, T, 3, four_eyes=True)),
)

_STEP = """
[[steps]]
id = "{id}"
name = {{ nb = "x", en = "x" }}
stage = "{stage}"
level = "unit"
windows = [{{ opens = "{opens}", due = "{due}" }}]
owner = "manager"
gate = [{gate}]
evidence = {{ nb = "x", en = "x" }}
builds_on = [{on}]
"""


@cache
def programme(gate: int) -> Programme:
    """Mapping, an assessment with the gate of that number that builds on it, and a step late in the year."""
    text = """
[programme]
id = "machine"
version = 1
name = { nb = "x", en = "x" }
closes = "01-31"
[ladder]
reminders = [3]
rungs = [{ days = 3, to = ["leader_of_owner"] }]
"""
    for id, stage, opens, due, slots, on in (
        ("T01", "map", "01-05", "01-20", (REP_IS_HEARD,), ""),
        ("T02", "assess", "01-12", "02-10", GATES[gate], '"T01"'),
        ("T03", "review", "11-01", "11-30", (REP_IS_HEARD,), ""),
    ):
        gates = ", ".join(
            f'{{ kind = "{s.kind}", role = "{s.role}", order = {s.order}, quorum = {s.quorum}, '
            f"four_eyes = {str(s.four_eyes).lower()} }}"
            for s in slots
        )
        text += _STEP.format(id=id, stage=stage, opens=opens, due=due, gate=gates, on=on)
    return parse_programme(text)


@cache
def organisation(manager_is_union: bool) -> Organisation:
    base = employer(40, units=2)
    more = [Assignment(role=Role.DEPUTY_SAFETY_REP, person=DEPUTY, area="a-u1", since=SINCE)]
    more += [Assignment(role=U, person=p, since=SINCE) for p in ((MANAGER,) if manager_is_union else UNIONS)]
    return base.model_copy(update={"assignments": (*base.assignments, *more)})


@cache
def year(gate: int, manager_is_union: bool) -> YearPlan:
    return plan(programme(gate), organisation(manager_is_union), law(), 2027).only(UNIT)


@cache
def beginning(gate: int, manager_is_union: bool) -> Situation:
    return Situation(
        cycle=UNIT, programme=programme(gate), law=law(), organisation=organisation(manager_is_union),
        organisation_hash="0" * 64, plan=year(gate, manager_is_union),
    )  # fmt: skip
