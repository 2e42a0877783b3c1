"""Who gets a mail about which fact."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.activities.sawmill import organisation
from workflows.rules.addressees import at_once, key_watchers, told
from workflows.rules.authority_facts import AbsenceSet, KeyEnrolled, KeyRevoked
from workflows.rules.events import (
    AnswerDemanded,
    Asked,
    Body,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    Fact,
    RunStartedAgain,
)
from workflows.rules.organisation import Holder, Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome


def fact(body: Any, actor: str = "kari") -> Fact:
    now = "2027-05-10T10:00:00Z"
    return Fact.model_validate(
        {
            "id": "f", "employer": "fjell", "cycle": "unit/fjell/u1/2027", "step": "Y15", "concerns": now,
            "recorded": now, "actor": actor, "body": body,
        }
    )  # fmt: skip


def test_those_who_were_asked_before_are_not_asked_again_when_others_change() -> None:
    asked = Asked(what="consult", role=Role.SAFETY_REP, people=(Holder(person="per"), Holder(person="vera")))
    assert told(fact(asked)) == ("per", "vera")
    assert told(fact(asked), {("Y15", Role.SAFETY_REP): ("per",)}) == ("vera",)


@pytest.mark.parametrize(("actor", "people"), [("siri", ("kari",)), ("kari", ())])
def test_only_what_another_did_in_ones_name_is_told(actor: str, people: tuple[str, ...]) -> None:
    decided = DecisionRecorded(
        role=Role.MANAGER, asked=Kind.APPROVE, outcome=Outcome.APPROVED, document="ab" * 32, version=1,
        on_behalf_of="kari",
    )  # fmt: skip
    assert told(fact(decided, actor)) == people
    assert told(fact(decided.model_copy(update={"on_behalf_of": None}), actor)) == ()


def test_an_answer_is_told_those_who_disagree_and_the_one_it_was_given_for() -> None:
    answered = DisagreementAnswered(
        version=1, disagree=("per",), comment="ab" * 32, late=False, on_behalf_of="kari"
    )
    assert told(fact(answered, "siri")) == ("per", "kari")


@pytest.mark.parametrize(
    "body",
    [
        RunStartedAgain(),
        AnswerDemanded(version=1, disagree=("per",), due=date(2027, 5, 26)),
        DueDateChanged(before=date(2027, 5, 20), after=date(2027, 5, 21), reason="organisation_changed"),
    ],
)
def test_what_follows_by_itself_or_is_asked_in_another_way_is_told_nobody(body: Body) -> None:
    assert told(fact(body), concerned=("kari",)) == ()


KEY = {"key": "0" * 16, "public_key": "A" * 43 + "="}


def test_a_key_is_told_whose_it_is_and_whoever_looks_after_it() -> None:
    enrolled, revoked = KeyEnrolled(**KEY, person="kari"), KeyRevoked(key="0" * 16, reason="lost")
    assert told(fact(enrolled), concerned=("per",)) == ("kari", "per")
    assert told(fact(revoked, "hanne"), concerned=("kari", "per")) == ("kari", "per")
    assert told(fact(KeyEnrolled(**KEY)), concerned=("per",)) == ()


def test_that_a_key_counts_no_longer_is_told_at_once_and_a_new_one_to_whose_it_is() -> None:
    enrolled = fact(KeyEnrolled(**KEY, person="kari"))
    revoked = fact(KeyRevoked(key="0" * 16, reason="lost"), "hanne")
    assert [at_once(enrolled, who) for who in ("kari", "per")] == [True, False]
    assert [at_once(revoked, who) for who in ("kari", "per")] == [True, True]
    assert not at_once(fact(RunStartedAgain()), "kari")


def test_a_key_is_looked_after_by_the_senior_safety_representative_or_else_by_the_one_of_the_unit() -> None:
    day = date(2027, 5, 10)
    mill = organisation()
    near = tuple(a for a in mill.assignments if a.role is not Role.SENIOR_SAFETY_REP)
    senior = near[0].model_copy(update={"role": Role.SENIOR_SAFETY_REP, "person": "siri"})
    of_the_unit = mill.model_copy(update={"assignments": near})
    assert key_watchers(mill.model_copy(update={"assignments": (*near, senior)}), "kari", day) == ("siri",)
    assert key_watchers(of_the_unit, "kari", day) == ("per",)
    assert key_watchers(mill.model_copy(update={"assignments": ()}), "kari", day) == ()


def test_nobody_looks_after_their_own_key() -> None:
    assert key_watchers(organisation(), "per", date(2027, 5, 10)) == ()


def test_nobody_is_told_twice() -> None:
    away = AbsenceSet(
        person="kari", substitute="kari", since=date(2027, 5, 1), until=date(2027, 5, 1) + timedelta(1)
    )
    assert told(fact(away)) == ("kari",)
