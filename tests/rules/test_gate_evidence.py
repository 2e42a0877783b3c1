"""What may be filed for a step, what a gate waits for, and that it answers whatever comes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.employers import MEDIUM
from tests.rules.one_gate import (
    ANYBODY,
    APPROVE_TOP,
    APPROVED,
    CLOSES,
    COMMENT,
    CONSULT_REP,
    EMPTY,
    HEARD,
    HR,
    MANAGER,
    NO_REP,
    NOON,
    OK,
    REP,
    SENT_BACK,
    SILENT,
    TOP,
    TWO_UNIONS,
    V1,
    V2,
    H,
    M,
    R,
    T,
    U,
    W,
    away,
    gate,
    people,
    questions,
    said,
    slot,
    slots,
    standing,
    step,
    without,
)
from workflows.rules.events import AttemptRefused, DecisionRecorded, EvidenceSubmitted
from workflows.rules.gate import decide, fulfilled, pending, responsible, submit
from workflows.rules.organisation import Holder, Organisation, Role
from workflows.rules.programme import Kind, SlotRule, Stage
from workflows.rules.standing import Decision, StepStanding
from workflows.rules.statement import Decide, File
from workflows.rules.terms import Outcome, Refusal

# --- evidence --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "document", "expected", "where"),
    [
        pytest.param(MANAGER, V1, OK, {"here": EMPTY}, id="the owner files"),
        pytest.param(HR, V1, OK, {"here": EMPTY}, id="HR may file for any owner"),
        pytest.param(MANAGER, V2, OK, {}, id="a new version, while the first is being decided"),
        pytest.param(MANAGER, V2, OK, {"here": HEARD}, id="a new version, after an answer"),
        pytest.param(MANAGER, V2, OK, {"here": SENT_BACK}, id="a new version, after it was sent back"),
        pytest.param(
            TOP, V1, OK, {"here": EMPTY, "organisation": without(M)}, id="a vacant owner: the top manager files"
        ),
        pytest.param(
            "p7", V1, OK, {"here": EMPTY, "organisation": away(MEDIUM, MANAGER, "p7")}, id="the substitute files"
        ),
        pytest.param(
            MANAGER, V1, OK, {"here": EMPTY, "organisation": away(MEDIUM, MANAGER, "p7")},
            id="the one who is away may still file",
        ),
        pytest.param(MANAGER, V2, OK, {"here": standing(settled="closed")}, id="a closed step: it is opened anew"),
        pytest.param(
            MANAGER, V1, Refusal.ALREADY_DECIDED, {"here": standing(settled="closed")}, id="a closed step, unchanged"
        ),
        pytest.param(
            MANAGER, V1, OK, {"here": standing(sent_back=1, void="basis_changed")},
            id="the same document, when its basis changed: it still holds",
        ),
        pytest.param(MANAGER, V2, Refusal.TOO_LATE, {"here": standing(settled="left_open")}, id="a step left open"),
        pytest.param(MANAGER, V2, Refusal.TOO_LATE, {"here": standing(settled="withdrawn")}, id="a withdrawn step"),
        pytest.param(
            REP, V1, Refusal.NOT_ELIGIBLE, {"here": EMPTY}, id="the safety rep does not do the employer's work"
        ),
        pytest.param(TOP, V1, Refusal.NOT_ELIGIBLE, {"here": EMPTY}, id="the top manager, while there is an owner"),
        pytest.param(ANYBODY, V1, Refusal.NOT_ELIGIBLE, {"here": EMPTY}, id="somebody else"),
        pytest.param(MANAGER, V1, Refusal.ALREADY_DECIDED, {}, id="the same document again"),
        pytest.param(MANAGER, V1, Refusal.ALREADY_DECIDED, {"here": SENT_BACK}, id="what was sent back, unchanged"),
    ],
)  # fmt: skip
def test_evidence_is_filed_or_refused_because(
    actor: str, document: str, expected: str, where: dict[str, Any]
) -> None:
    here = gate(where.get("here", standing()), None, where.get("organisation", MEDIUM))
    got = submit(here, actor, File(document=document), NOON)
    assert (got.reason if isinstance(got, AttemptRefused) else OK) == expected


def test_versions_count_up_from_one() -> None:
    first = submit(gate(EMPTY), MANAGER, File(document=V1), NOON)
    second = submit(gate(standing()), MANAGER, File(document=V2), NOON)
    assert [b.version for b in (first, second) if isinstance(b, EvidenceSubmitted)] == [1, 2]


def test_a_substitute_files_on_behalf_of_the_one_who_is_away() -> None:
    some = away(MEDIUM, MANAGER, "p7")
    filed = submit(gate(EMPTY, None, some), "p7", File(document=V1), NOON)
    assert filed == EvidenceSubmitted(document=V1, version=1, on_behalf_of=MANAGER)


# --- what is waited for ----------------------------------------------------------------------------


def waits(here: StepStanding, *slots: SlotRule, organisation: Organisation = MEDIUM) -> list[str]:
    return [f"{p.what} {p.role.value}" for p in pending(step(*slots), here, organisation, NOON.date())]


def test_a_step_waits_for_its_document_then_for_each_order_in_turn() -> None:
    assert waits(EMPTY) == ["evidence manager"]
    assert waits(standing()) == ["consult safety_rep"]
    assert waits(HEARD) == ["approve manager"]
    done = (*HEARD.decisions, said(M, APPROVED, MANAGER))
    assert waits(standing(decisions=done)) == []


def test_slots_of_one_order_are_waited_for_side_by_side() -> None:
    slots = (CONSULT_REP, slot(Kind.CONSULT, U))
    assert waits(standing(), *slots, organisation=TWO_UNIONS) == ["consult safety_rep", "consult union_rep"]


def test_what_was_sent_back_waits_for_a_new_document_and_then_for_everybody_anew() -> None:
    assert waits(SENT_BACK) == ["evidence manager"]
    again = SENT_BACK.model_copy(update={"document": V2, "version": 2})
    assert waits(again) == ["consult safety_rep"]


def test_a_vacancy_passes_a_consultation_once_it_is_on_record_but_never_an_approval() -> None:
    vacant = (("consult", R, 1), ("approve", T, 1))
    here = standing(vacant=vacant)
    nobody = without(T, NO_REP)
    assert waits(here, CONSULT_REP, APPROVE_TOP, organisation=nobody) == ["approve top_manager"]


def test_the_owner_s_part_falls_to_the_top_manager_but_nobody_is_heard_for_the_employees() -> None:
    none = without(Role.HR, NO_REP)
    assert responsible(step(), none, "evidence", H, NOON.date()) == (Holder(person=TOP),)
    assert responsible(step(), none, "approve", H, NOON.date()) == (Holder(person=TOP),)
    assert responsible(step(), none, "consult", R, NOON.date()) == ()


# --- totality --------------------------------------------------------------------------------------


documents = st.sampled_from([V1, V2])

ids = st.sampled_from(["p1", "p2", "p3", "p4", "p6"])

decisions = st.builds(
    Decision, role=st.sampled_from([R, M, T, U, W]), asked=st.sampled_from(Kind), outcome=st.sampled_from(Outcome),
    person=ids, on_behalf_of=st.none() | ids, version=st.integers(0, 3),
)  # fmt: skip

standings = st.builds(
    lambda **k: standing(**k), document=st.sampled_from([None, V1, V2]), version=st.integers(0, 2),
    author=st.none() | ids, author_for=st.none() | ids, decisions=st.lists(decisions, max_size=4).map(tuple),
    sent_back=st.integers(0, 2), questions=st.lists(questions, max_size=2).map(tuple),
    settled=st.sampled_from([None, None, None, "closed", "left_open", "withdrawn"]),
)  # fmt: skip

employers = st.sampled_from([MEDIUM, NO_REP, TWO_UNIONS, without(T), away(MEDIUM, MANAGER, "p7")])


@settings(max_examples=200, deadline=None)
@given(
    asked=slots, here=standings, organisation=employers, actor=people,
    now=st.integers(-10_000, 10_000).map(lambda hours: CLOSES + timedelta(hours=hours)),
    statement=st.builds(
        Decide, role=st.sampled_from(Role), outcome=st.sampled_from(Outcome), document=documents,
        version=st.integers(0, 3), comment=st.sampled_from([None, COMMENT]), on_behalf_of=st.none() | ids,
        back_to=st.none() | st.sampled_from(Stage),
    ),
)  # fmt: skip
def test_every_statement_gets_exactly_one_answer_and_none_is_lost(
    asked: list[SlotRule], here: StepStanding, organisation: Organisation, actor: str, now: datetime,
    statement: Decide,
) -> None:  # fmt: skip
    planned = step().model_copy(update={"slots": tuple(asked)})
    got = decide(gate(here, planned, organisation), actor, statement, now)
    assert isinstance(got, DecisionRecorded | AttemptRefused)
    if isinstance(got, DecisionRecorded):
        assert here.settled is None
        assert now < CLOSES
        assert (got.document, got.version) == (here.document, here.version)
        in_slot = [d for d in here.now_decided() if (d.role, d.asked) == (got.role, got.asked)]
        slot = next(s for s in asked if (s.role, s.kind) == (got.role, got.asked))
        assert not fulfilled(slot, here)
        assert got.outcome is SILENT or actor not in {d.person for d in in_slot}


@settings(max_examples=150, deadline=None)
@given(here=standings, organisation=employers, actor=people, document=documents)
def test_every_filing_gets_exactly_one_answer(
    here: StepStanding, organisation: Organisation, actor: str, document: str
) -> None:
    got = submit(gate(here, None, organisation), actor, File(document=document), NOON)
    assert isinstance(got, EvidenceSubmitted | AttemptRefused)
    if isinstance(got, EvidenceSubmitted):
        assert got.version == here.version + 1
