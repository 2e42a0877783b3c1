"""One step and its gate, and the people who may answer in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.rules.employers import MEDIUM, SINCE
from workflows.rules.calendar import WorkCalendar
from workflows.rules.events import DecisionRecorded
from workflows.rules.gate import Gate, decide
from workflows.rules.organisation import Absence, Assignment, Holder, Organisation, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.programme import Kind, SlotRule, Stage, Text
from workflows.rules.standing import Decision, Question, StepStanding
from workflows.rules.statement import Decide
from workflows.rules.terms import CycleRef, Outcome

CALENDAR = WorkCalendar()
NOON = datetime(2027, 5, 12, 10, tzinfo=UTC)
CLOSES = datetime(2028, 1, 31, 7, tzinfo=UTC)
ASKED = datetime(2027, 5, 10, 6, tzinfo=UTC)
V1, V2, COMMENT = "1" * 64, "2" * 64, "c" * 64

# In MEDIUM p1 leads everything, p2 is HR, p3 manages u1, p4 is its safety representative and the senior one.
TOP, HR, MANAGER, REP, ANYBODY = "p1", "p2", "p3", "p4", "p9"


def slot(kind: Kind, role: Role, order: int = 1, **more: Any) -> SlotRule:
    return SlotRule(kind=kind, role=role, order=order, **more)


CONSULT_REP = slot(Kind.CONSULT, Role.SAFETY_REP)
APPROVE_MANAGER = slot(Kind.APPROVE, Role.MANAGER, 2)
APPROVE_TOP = slot(Kind.APPROVE, Role.TOP_MANAGER, 2, four_eyes=True)


def step(*slots: SlotRule, owner: Role = Role.MANAGER) -> PlannedStep:
    """A step of unit u1 with this gate, as the risk assessment has it unless told otherwise."""
    return PlannedStep(
        key="Y15", step="Y15", cycle=CycleRef(employer="fjell", year=2027, unit="u1"), name=Text(nb="x", en="x"),
        stage=Stage.ASSESS, opens=date(2027, 5, 5), due=date(2027, 5, 20), owner=owner, participants=(),
        slots=slots or (CONSULT_REP, APPROVE_MANAGER), inform=(), evidence=Text(nb="x", en="x"), requirements=(),
        law=(), methods=(), builds_on=(),
    )  # fmt: skip


def gate(here: StepStanding, planned: PlannedStep | None = None, organisation: Organisation = MEDIUM) -> Gate:
    """The gate of the step in a year that closes at eight o'clock on 31 January 2028."""
    return Gate(
        step=planned or step(), standing=here, organisation=organisation, calendar=CALENDAR, closes=CLOSES
    )


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


def said(role: Role, outcome: Outcome, person: str, **more: Any) -> Decision:
    kinds = {
        Outcome.APPROVED: Kind.APPROVE, Outcome.REJECTED: Kind.APPROVE, Outcome.CHANGES_REQUESTED: Kind.APPROVE,
        Outcome.TREATED: Kind.TREAT,
    }  # fmt: skip
    return Decision(
        role=role, asked=kinds.get(outcome, Kind.CONSULT), outcome=outcome, person=person,
        **{"on_behalf_of": None, "version": 1, **more},
    )  # fmt: skip


def standing(**changes: Any) -> StepStanding:
    """The step is open and its first document is filed by the manager."""
    question = Question(
        what="consult", role=Role.SAFETY_REP, version=1, people=(Holder(person=REP),), asked_at=ASKED
    )
    whole = {
        "key": "Y15", "opened_at": ASKED, "due": date(2027, 5, 20), "document": V1, "version": 1,
        "author": MANAGER, "questions": (question,), **changes,
    }  # fmt: skip
    return StepStanding.model_validate(whole)


EMPTY = standing(document=None, version=0, author=None, questions=())
HEARD = standing(decisions=(said(Role.SAFETY_REP, Outcome.AGREED, REP),))
SENT_BACK = standing(decisions=(said(Role.MANAGER, Outcome.REJECTED, MANAGER),), sent_back=1)


def away(organisation: Organisation, person: str, substitute: str | None = None) -> Organisation:
    absence = Absence(person=person, substitute=substitute, since=SINCE)
    return organisation.model_copy(update={"absences": (*organisation.absences, absence)})


def without(role: Role, organisation: Organisation = MEDIUM) -> Organisation:
    kept = tuple(a for a in organisation.assignments if a.role is not role)
    return organisation.model_copy(update={"assignments": kept})


def with_role(role: Role, *people: str, organisation: Organisation = MEDIUM) -> Organisation:
    more = tuple(Assignment(role=role, person=p, since=SINCE) for p in people)
    return organisation.model_copy(update={"assignments": (*organisation.assignments, *more)})


NO_REP = without(Role.SENIOR_SAFETY_REP, without(Role.SAFETY_REP))
TWO_UNIONS = with_role(Role.UNION_REP, "p6", "p7")
OK = "accepted"
APPROVED, REJECTED, CHANGES = Outcome.APPROVED, Outcome.REJECTED, Outcome.CHANGES_REQUESTED
TREATED, SILENT = Outcome.TREATED, Outcome.NO_RESPONSE

Answer = tuple[str, Role, Outcome]

R, M, T, H, U, W = (
    Role.SAFETY_REP, Role.MANAGER, Role.TOP_MANAGER, Role.HR, Role.UNION_REP, Role.WEC_CHAIR,
)  # fmt: skip


def accepted(answer: Answer, **where: Any) -> DecisionRecorded:
    actor, role, outcome = answer
    here = where.get("here", standing())
    statement = Decide(
        role=role, outcome=outcome, document=here.document, version=here.version, comment=COMMENT
    )
    asked = gate(here, where.get("step"), where.get("organisation", MEDIUM))
    got = decide(asked, actor, statement, noon(where["day"]) if "day" in where else NOON)
    assert isinstance(got, DecisionRecorded), got
    return got


people = st.sampled_from(["p1", "p2", "p3", "p4", "p5", "p6", "p7", "nobody", "Kari Nordmann", ""])

slots = st.lists(
    st.builds(
        SlotRule, kind=st.sampled_from(Kind), role=st.sampled_from([R, M, T, U, W]), order=st.integers(1, 3),
        quorum=st.integers(1, 2), four_eyes=st.booleans(),
    ),
    max_size=4,
)  # fmt: skip

questions = st.builds(
    Question, what=st.sampled_from(["evidence", "approve", "consult", "treat"]), role=st.sampled_from([R, U]),
    version=st.integers(0, 2), people=st.just(()),
    asked_at=st.integers(-300, 300).map(lambda days: ASKED + timedelta(days=days)),
)  # fmt: skip
