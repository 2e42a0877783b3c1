"""Short stories about a gate in a small year of one real employer, told so that they can be played anywhere.

`play` plays one on the rules alone; the doors are tried with the same stories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from activities.ledger.log import Payload, commitment
from tests.rules.employers import SINCE, employer, law, unit_closed
from workflows.rules.acts import judge, judge_for_employer
from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded
from workflows.rules.base import Frozen
from workflows.rules.calendar import OSLO
from workflows.rules.cycle import advance, next_moment
from workflows.rules.delegation import with_act
from workflows.rules.events import AttemptRefused, Body, CycleStarted, Fact
from workflows.rules.keys import KeyRing
from workflows.rules.organisation import Assignment, Organisation, Profile, Role
from workflows.rules.plan import YearPlan, plan
from workflows.rules.programme import Programme
from workflows.rules.programme_file import parse_programme
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, fold
from workflows.rules.statement import (
    Act,
    Answer,
    Decide,
    Delegate,
    EndDelegation,
    File,
    MoveDueDate,
    SetAbsence,
)
from workflows.rules.terms import CycleRef, Outcome

UNIT, YEAR = "unit/fjell/u1/2027", "year/fjell/2027"
TOP, HR, MANAGER, REP, DEPUTY, WORKER = "p1", "p2", "p3", "p4", "p8", "p30"
UNION_A, UNION_B, UNION_C = "p9", "p10", "p11"
OTHER_MANAGER, OTHER_REP = "p5", "p6"
CHAIR, MEMBER, OTHER_MEMBER, BOARD, STAND_IN = "p20", "p21", "p22", "b1", "p31"

ACCEPTED = "accepted"
R, M, T, H, U, W, S = (
    Role.SAFETY_REP, Role.MANAGER, Role.TOP_MANAGER, Role.HR, Role.UNION_REP, Role.WEC_CHAIR,
    Role.SENIOR_SAFETY_REP,
)  # fmt: skip

COMMENT_TEXT = Payload(salt=b"s" * 32, text="Slik er det.")
COMMENT = commitment(COMMENT_TEXT.salt, COMMENT_TEXT.text)


def document(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


V1, V2, V3 = (document(name) for name in ("first", "second", "third"))
NEVER_STORED = document("nobody has it")

_STEP = """
[[steps]]
id = "{id}"
name = {{ nb = "{id}", en = "{id}" }}
stage = "{stage}"
level = "{level}"
windows = [{{ opens = "{opens}", due = "{due}" }}]
owner = "{owner}"
gate = [{gate}]
evidence = {{ nb = "x", en = "x" }}
builds_on = [{on}]
"""


def _step(id: str, stage: str, level: str, owner: str, *gate: str, opens: str = "02-01", on: str = "") -> str:
    slots = []
    for slot in gate:
        kind, role, order, *more = slot.split()
        slots.append(
            f'{{ kind = "{kind}", role = "{role}", order = {order}{"".join(f", {m}" for m in more)} }}'
        )
    due = f"{int(opens[:2]):02}-26"
    return _STEP.format(
        id=id, stage=stage, level=level, owner=owner, gate=", ".join(slots), opens=opens, due=due, on=on
    )


_HEAD = """
[programme]
id = "table"
version = 1
name = { nb = "Tabellen", en = "The table" }
closes = "01-31"
[ladder]
reminders = [3]
rungs = [{ days = 3, to = ["leader_of_owner"] }]
"""

MAPPED, ASSESSED, PLANNED, MET, OWN, LATER, ELECTED, BY_TWO = (
    "T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08"
)  # fmt: skip


@cache
def programme() -> Programme:
    """Eight steps with every kind of gate; unless said otherwise they open on 1 February and are due on the 26th."""
    return parse_programme(
        _HEAD
        + _step(MAPPED, "map", "unit", "manager", "consult safety_rep 1", opens="01-05")
        + _step(
            ASSESSED, "assess", "unit", "manager", "consult safety_rep 1", "approve manager 2", on=f'"{MAPPED}"'
        )
        + _step(
            PLANNED, "plan", "employer", "hr", "consult senior_safety_rep 1",
            "approve top_manager 2 four_eyes=true", "treat wec_chair 3",
        )
        + _step(MET, "act", "unit", "manager", "consult union_rep 1 quorum=2", "approve manager 2")
        + _step(OWN, "review", "employer", "top_manager", "approve top_manager 1 four_eyes=true")
        + _step(LATER, "review", "unit", "manager", "consult safety_rep 1", opens="06-01")
        + _step(ELECTED, "inform", "unit", "safety_rep", "consult safety_rep 1", "approve manager 2")
        + _step(BY_TWO, "act", "employer", "top_manager", "approve hr 1 four_eyes=true", "approve top_manager 1")
    )  # fmt: skip


def _usual() -> Organisation:
    more = [
        Assignment(role=Role.DEPUTY_SAFETY_REP, person=DEPUTY, area="a-u1", since=SINCE),
        Assignment(role=Role.WEC, person=OTHER_MEMBER, since=SINCE),
        *(Assignment(role=U, person=p, since=SINCE) for p in (UNION_A, UNION_B, UNION_C)),
    ]
    base = employer(40, units=2)
    return base.model_copy(update={"assignments": (*base.assignments, *more)})


def _without(organisation: Organisation, *roles: Role) -> Organisation:
    kept = tuple(a for a in organisation.assignments if a.role not in roles)
    return organisation.model_copy(update={"assignments": kept})


def _also(organisation: Organisation, role: Role, person: str) -> Organisation:
    more = Assignment(role=role, person=person, since=SINCE)
    return organisation.model_copy(update={"assignments": (*organisation.assignments, more)})


EMPLOYERS: Mapping[str, Organisation] = {
    "usual": _usual(),
    "the unit ends in April": unit_closed(_usual(), "u1", date(2027, 4, 1)),
    "nobody is elected": _without(_usual(), R, S, Role.DEPUTY_SAFETY_REP),
    "no board": _without(_usual(), Role.BOARD),
    "no manager": _without(_usual(), M),
    "the manager speaks for a union": _also(_without(_usual(), U), U, MANAGER),
    "the top manager is HR": _also(_without(_usual(), H), H, TOP),
}


def moment(text: str) -> datetime:
    """`02-03 12:00` in Oslo in 2027, or with a year before it."""
    full = text if len(text) > len("02-03 12:00:00") else f"2027-{text}"
    return datetime.fromisoformat(full).replace(tzinfo=OSLO)


class Do(Frozen):
    """At `at`, `who` does `act` in the step; in no step, for the employer as a whole."""

    at: datetime
    who: str
    act: Act
    step: str | None = None

    @property
    def cycle(self) -> str | None:
        if self.step is None:
            return None
        return YEAR if self.step in (PLANNED, OWN, BY_TWO) else UNIT


class Row(Frozen):
    """In the story so far (`before`, all of it accepted), `tried` ends as `expected`."""

    name: str
    before: tuple[Do, ...]
    tried: Do
    expected: str
    employer: str = "usual"

    @property
    def cycles(self) -> tuple[str, ...]:
        """The cycles that the story is about."""
        return tuple(dict.fromkeys(do.cycle for do in (*self.before, self.tried) if do.cycle is not None))


# --- what people do ---------------------------------------------------------------------------------


def filed(step: str, who: str = MANAGER, content: str = V1, at: str = "02-02 10:00", **more: Any) -> Do:
    return Do(at=moment(at), who=who, act=File(document=content, **more), step=step)


def says(
    step: str, who: str, role: Role, outcome: Outcome, at: str = "02-03 10:00", version: int = 1,
    content: str | None = None, comment: str | None = COMMENT, **more: Any,
) -> Do:  # fmt: skip
    seen = content or {1: V1, 2: V2, 3: V3}.get(version, V1)
    said = Decide(role=role, outcome=outcome, document=seen, version=version, comment=comment, **more)
    return Do(at=moment(at), who=who, act=said, step=step)


def answers(step: str, who: str, version: int = 1, at: str = "02-04 10:00", **more: Any) -> Do:
    return Do(
        at=moment(at), who=who, act=Answer(**{"version": version, "comment": COMMENT, **more}), step=step
    )


def moves(step: str, who: str, due: str, at: str = "02-04 10:00", comment: str | None = COMMENT) -> Do:
    return Do(
        at=moment(at), who=who, act=MoveDueDate(due=date.fromisoformat(due), comment=comment), step=step
    )


def hands_on(who: str, to: str, since: str, until: str, at: str = "01-11 10:00", **more: Any) -> Do:
    span = {"since": date.fromisoformat(since), "until": date.fromisoformat(until)}
    return Do(at=moment(at), who=who, act=Delegate(**{"person": who, "to": to, **span, **more}))


LATEST = "latest"
"""The delegation that was made last in the story, whatever it is called where it is played."""


def ends_delegation(who: str, until: str, at: str) -> Do:
    return Do(at=moment(at), who=who, act=EndDelegation(delegation=LATEST, until=date.fromisoformat(until)))


def is_away(
    person: str, since: str, until: str, substitute: str | None = None, who: str = "", at: str = "01-11 10:00"
) -> Do:
    act = SetAbsence(
        person=person, since=date.fromisoformat(since), until=date.fromisoformat(until), substitute=substitute
    )
    return Do(at=moment(at), who=who or person, act=act)


# --- played on the rules alone ----------------------------------------------------------------------


def named(act: Act, latest: str) -> Act:
    """The act with the name that the latest delegation has here."""
    return act.model_copy(update={"delegation": latest}) if isinstance(act, EndDelegation) else act


_KEPT: dict[int, tuple[Organisation, str, YearPlan]] = {}


def _kept(organisation: Organisation) -> tuple[Organisation, str, YearPlan]:
    """The organisation with its hash and its year, worked out once for each that is put in force."""
    if id(organisation) not in _KEPT:
        year = plan(programme(), organisation, law(), 2027)
        _KEPT[id(organisation)] = organisation, document(organisation.model_dump_json()), year
    return _KEPT[id(organisation)]


def _hash(organisation: Organisation) -> str:
    return _kept(organisation)[1]


def _plan(organisation: Organisation) -> YearPlan:
    return _kept(organisation)[2]


@cache
def _beginning(cycle: str) -> Situation:
    ref, whole = CycleRef.parse(cycle), EMPLOYERS["usual"]
    return Situation(
        cycle=ref, programme=programme(), law=law(), organisation=whole, organisation_hash=_hash(whole),
        plan=_plan(whole).only(ref), units_open=ref.unit is None,
    )  # fmt: skip


class Play:
    """The rules, two cycles and a list of facts: what a door and a workflow do, without either."""

    def __init__(self, organisation: Organisation, cycles: Sequence[str]) -> None:
        self.organisation = organisation
        self.facts: list[Fact] = []
        self.standings: dict[str, Standing] = {}
        self.now = moment("01-04 08:00")
        self.acts = 0
        self.looked: dict[str, datetime] = {}
        for cycle in cycles:
            self.standings[cycle] = Standing()
            body = CycleStarted(
                programme="0" * 64, law="0" * 64, organisation=_hash(self.organisation), profile=Profile.LARGE
            )
            self.add(cycle, self.fact(cycle, None, "system", body))
            self.look(cycle)

    def situation(self, cycle: str) -> Situation:
        return _beginning(cycle).model_copy(
            update={
                "organisation": self.organisation,
                "organisation_hash": _hash(self.organisation),
                "plan": _plan(self.organisation).only(CycleRef.parse(cycle)),
            }
        )

    def fact(self, cycle: str, step: str | None, who: str, body: Body) -> Fact:
        self.acts += 1
        return Fact(
            id=f"{cycle}#{self.acts}", employer="fjell", cycle=cycle, step=step, concerns=self.now,
            recorded=self.now, actor=who, body=body,
        )  # fmt: skip

    def add(self, cycle: str, *facts: Fact) -> None:
        self.facts += facts
        self.standings[cycle] = fold(facts, self.standings[cycle])

    def look(self, cycle: str) -> None:
        self.add(cycle, *advance(self.situation(cycle), self.standings[cycle], self.now))
        self.looked[cycle] = self.now

    def until(self, at: datetime) -> None:
        """All that the calendar brings about before `at`."""
        for cycle in self.standings:
            where = self.situation(cycle)
            while True:
                upcoming = next_moment(where, self.standings[cycle], self.looked[cycle])
                if upcoming is None or upcoming >= at:
                    break
                self.now = upcoming
                self.look(cycle)
        self.now = at

    def live(self, story: Sequence[Do], until: datetime | None = None) -> Play:
        """All of the story, which is accepted, and what comes by itself up to `until`."""
        for do in story:
            self.until(do.at)
            body = self.does(do)
            if isinstance(body, AttemptRefused):
                raise AssertionError(f"{do.who} could not {do.act.act} {do.step} at {do.at}: {body.reason}")
        if until is not None:
            self.until(until)
        return self

    def does(self, do: Do) -> Body:
        """What the gate makes of it, and what follows from that."""
        self.now = do.at
        if do.cycle is None or do.step is None:
            self.acts += 1
            act = named(do.act, self.organisation.delegations[-1].id if self.organisation.delegations else "")
            body = judge_for_employer(self.organisation, KeyRing(), do.who, act, f"d-{self.acts}", self.now)
            if isinstance(body, Delegated | DelegationEnded | AbsenceSet):
                self.organisation = with_act(self.organisation, body)
                for cycle in self.standings:
                    self.look(cycle)
            return body
        standing = self.standings[do.cycle]
        body = judge(self.situation(do.cycle), standing, do.step, do.who, do.act, self.now)
        self.add(do.cycle, self.fact(do.cycle, do.step, do.who, body))
        self.look(do.cycle)
        return body


def play(row: Row) -> Body:
    """What the rules record of the row's act, after all that came before."""
    years = Play(EMPLOYERS[row.employer], row.cycles)
    years.live(row.before)
    years.until(row.tried.at)
    return years.does(row.tried)


def outcome(body: Body) -> str:
    return body.reason if isinstance(body, AttemptRefused) else ACCEPTED
