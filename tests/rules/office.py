"""A small office in which people hand on tasks and are away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.rules.parts import DAY, of, role, work
from workflows.rules.authority_facts import AbsenceSet, Delegated
from workflows.rules.delegation import delegate, set_absence, with_act
from workflows.rules.events import AttemptRefused
from workflows.rules.organisation import Organisation, Role
from workflows.rules.statement import Delegate, SetAbsence
from workflows.rules.terms import Refusal

WEEK = timedelta(days=7)
SINCE, UNTIL = DAY, DAY + 4 * WEEK

TOP = role(Role.TOP_MANAGER, "top")
OFFICE = of(
    employments=[work(p) for p in ("m1", "w1", "w2", "vo1", "a", "b", "c", "d", "e")]
    + [work(p, unit="root") for p in ("top", "boss", "hr")]
    + [work("m2", unit="u2"), work("gone", until=DAY)],
    assignments=[
        TOP, role(Role.MANAGER, "boss", unit="root"), role(Role.MANAGER, "m1", unit="u1"),
        role(Role.MANAGER, "m2", unit="u2"), role(Role.HR, "hr"), role(Role.UNION_REP, "rep"),
        role(Role.WEC_CHAIR, "chair"), role(Role.SAFETY_REP, "vo1", area="a-u1"),
        role(Role.DEPUTY_SAFETY_REP, "deputy1", area="a-u1"), role(Role.SENIOR_SAFETY_REP, "vo1"),
    ],
)  # fmt: skip


def leave(person: str, substitute: str | None = None, **more: Any) -> SetAbsence:
    return SetAbsence(**{"person": person, "substitute": substitute, "since": SINCE, "until": UNTIL, **more})


def is_away(act: SetAbsence, actor: str | None = None, organisation: Organisation = OFFICE) -> Refusal | str:
    body = set_absence(organisation, act.person if actor is None else actor, act, DAY)
    return body.reason if isinstance(body, AttemptRefused) else "accepted"


def after(organisation: Organisation, *acts: Delegate | SetAbsence) -> Organisation:
    """The organisation after acts that the people in it do themselves."""
    for n, act in enumerate(acts):
        if isinstance(act, Delegate):
            body = delegate(organisation, act.person, act, f"d-{n}", DAY)
            assert isinstance(body, Delegated), body
            organisation = with_act(organisation, body)
        else:
            absence = set_absence(organisation, act.person, act, DAY)
            assert isinstance(absence, AbsenceSet), absence
            organisation = with_act(organisation, absence)
    return organisation
