"""What people signed: the verifier holds what a ledger says of an act against the statement that it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from activities.ledger import verify
from tests.ledger.bundles import DOCUMENT, EMPLOYER, Ledger, beginning, checked
from workflows.rules.authority_facts import AbsenceSet, Delegated
from workflows.rules.events import (
    DueDateChanged,
)
from workflows.rules.record_facts import ErasureAsked, RetentionSet
from workflows.rules.statement import (
    Delegate,
    EraseDocument,
    EraseText,
    MoveDueDate,
    SetAbsence,
    SetRetention,
    Votes,
)
from workflows.rules.terms import Outcome

OTHERWISE = "says something else"
OTHER = hashlib.sha256(b"Noe annet").hexdigest()
MOVED: dict[str, Any] = {"before": date(2027, 2, 12), "after": date(2027, 3, 12)}
AWAY: dict[str, Any] = {"person": "per", "since": date(2027, 7, 1), "until": date(2027, 8, 1)}
HANDED: dict[str, Any] = {**AWAY, "to": "vera"}

Writing = Callable[[Ledger], object]


def named(value: object) -> str:
    return getattr(value, "__name__", "")


def body(ledger: Ledger, **parts: object) -> int:
    """Change what the newest fact says, and nothing of what was signed."""
    return ledger.rewrite(lambda fact: fact["body"].update(parts))


def stated(ledger: Ledger, **parts: object) -> int:
    """Change what the newest fact's person signed, and nothing of the fact."""
    return ledger.resign(lambda said: said.update(parts))


def moved(ledger: Ledger, actor: str, reason: str = "decided") -> int:
    fact = DueDateChanged.model_validate({**MOVED, "reason": reason})
    return ledger.act(actor, MoveDueDate(due=MOVED["after"]), fact)


def asks_to_erase_a_document(ledger: Ledger) -> int:
    said = ErasureAsked(document=DOCUMENT, basis="request")
    return ledger.act("per", EraseDocument(document=DOCUMENT, basis="request"), said)


def asks_to_erase_a_text(ledger: Ledger) -> int:
    return ledger.act(
        "per", EraseText(facts=("f1",), basis="request"), ErasureAsked(facts=("f1",), basis="request")
    )


def hands_over(ledger: Ledger) -> int:
    return ledger.act("per", Delegate(**HANDED), Delegated(delegation="d1", **HANDED))


def goes_away(ledger: Ledger) -> int:
    return ledger.act("per", SetAbsence(**AWAY), AbsenceSet(**AWAY))


# --- what they signed -----------------------------------------------------------------------------


def another_outcome(ledger: Ledger) -> None:
    ledger.decide("per", outcome=Outcome.DISAGREES)


def more_than_was_said(ledger: Ledger) -> None:
    ledger.decide("per", back_to="plan")


def another_text(ledger: Ledger) -> None:
    ledger.decide("per", comment=OTHER)


def votes_that_were_not_cast(ledger: Ledger) -> None:
    ledger.decide("per", votes=Votes(majority=("per", "vera"), minority=("kari",)))


def other_votes(ledger: Ledger) -> None:
    voted(ledger, Votes(majority=("per", "vera")))
    body(ledger, votes={"majority": ["per"], "minority": ["vera"], "position": None})


def a_position_that_the_minority_did_not_take(ledger: Ledger) -> None:
    voted(ledger, Votes(majority=("per",), minority=("vera",)))
    body(ledger, votes={"majority": ["per"], "minority": ["vera"], "position": OTHER})


def a_position_that_was_taken_out(ledger: Ledger) -> None:
    voted(ledger, Votes(majority=("per",), minority=("vera",), position=OTHER))
    body(ledger, votes={"majority": ["per"], "minority": ["vera"], "position": None})


def handed_over_in_a_role_only(ledger: Ledger) -> None:
    hands_over(ledger)
    body(ledger, role="manager")


def handed_over_in_a_unit_only(ledger: Ledger) -> None:
    hands_over(ledger)
    body(ledger, unit="sagbruk")


def handed_over_in_a_step_only(ledger: Ledger) -> None:
    hands_over(ledger)
    body(ledger, step="Y07")


def handed_to_another(ledger: Ledger) -> None:
    hands_over(ledger)
    body(ledger, to="kari")


def away_with_a_substitute(ledger: Ledger) -> None:
    goes_away(ledger)
    body(ledger, substitute="kari")


def asks_to_erase_texts_too(ledger: Ledger) -> None:
    asks_to_erase_a_document(ledger)
    body(ledger, facts=["f1"])


def asks_to_erase_a_document_too(ledger: Ledger) -> None:
    asks_to_erase_a_text(ledger)
    body(ledger, document=DOCUMENT)


def asks_to_erase_more_texts(ledger: Ledger) -> None:
    asks_to_erase_a_text(ledger)
    body(ledger, facts=["f1", "f3"])


def another_date(ledger: Ledger) -> None:
    moved(ledger, "per")
    body(ledger, after="2027-04-12")


def another_reason_to_erase(ledger: Ledger) -> None:
    asks_to_erase_a_text(ledger)
    body(ledger, basis="mistake")


def another_document(ledger: Ledger) -> None:
    ledger.file("per")
    body(ledger, document=OTHER)


def an_act_of_another_kind(ledger: Ledger) -> None:
    """The evidence that per filed is passed off as per's answer: it is about the same document."""
    ledger.file("per")
    body(ledger, kind="decision_recorded")


def a_fact_that_is_no_act(ledger: Ledger) -> None:
    ledger.file("per")
    body(ledger, kind="step_closed")


def an_act_in_the_name_of_the_rules_reason(ledger: Ledger) -> None:
    """Whoever has a name may not do as the rules do, though the reason is theirs."""
    moved(ledger, "per", "organisation_changed")
    body(ledger, after="2027-04-12")


def another_employers(ledger: Ledger) -> None:
    ledger.file("per")
    stated(ledger, employer="annen")


def another_steps(ledger: Ledger) -> None:
    ledger.file("per")
    ledger.rewrite(lambda fact: fact.update(step="Y08"))


def another_years(ledger: Ledger) -> None:
    ledger.file("per")
    ledger.rewrite(lambda fact: fact.update(cycle="unit/nordfjord-tre/sagbruk/2028"))


def of_a_step_though_it_was_the_employers(ledger: Ledger) -> None:
    goes_away(ledger)
    ledger.rewrite(lambda fact: fact.update(cycle="unit/nordfjord-tre/sagbruk/2027", step="Y07"))


def of_the_employer_though_it_was_a_steps(ledger: Ledger) -> None:
    ledger.file("per")
    ledger.rewrite(lambda fact: fact.update(cycle=None, step=None))


def once_more(ledger: Ledger) -> None:
    """Per's own words, and another id."""
    ledger.decide("per")
    ledger.rewrite(lambda fact: fact.update(id=f"{fact['id']} again"))


def once_more_as_anothers(ledger: Ledger) -> None:
    ledger.decide("per")
    ledger.rewrite(lambda fact: fact.update(id=fact["id"].replace("act per", "act vera")))


def once_more_in_another_step(ledger: Ledger) -> None:
    ledger.decide("per")
    ledger.rewrite(lambda fact: fact.update(id=fact["id"].replace("Y07", "Y08")))


@pytest.mark.parametrize(
    "writing",
    [
        another_outcome, more_than_was_said, another_text, votes_that_were_not_cast, other_votes,
        a_position_that_the_minority_did_not_take, a_position_that_was_taken_out,
        handed_over_in_a_role_only, handed_over_in_a_unit_only, handed_over_in_a_step_only,
        handed_to_another, away_with_a_substitute, asks_to_erase_texts_too,
        asks_to_erase_a_document_too, asks_to_erase_more_texts, another_date, another_reason_to_erase,
        another_document, an_act_of_another_kind, a_fact_that_is_no_act,
        an_act_in_the_name_of_the_rules_reason, another_employers, another_steps, another_years,
        of_a_step_though_it_was_the_employers, of_the_employer_though_it_was_a_steps, once_more,
        once_more_as_anothers, once_more_in_another_step,
    ],
    ids=named,
)  # fmt: skip
def test_an_act_other_than_what_was_signed_is_named(writing: Writing) -> None:
    ledger = beginning()
    writing(ledger)
    found = checked(ledger)
    assert found.code == 1
    assert f"leaf 5 {OTHERWISE} than what was signed\n  -> {verify.PERSON}" in found.faults


def voted(ledger: Ledger, votes: Votes) -> int:
    place = ledger.decide("per", votes=votes)
    return ledger.resign(lambda said: said["act"].update(votes=votes.model_dump(exclude_none=True))) and place


def voted_with_a_position(ledger: Ledger) -> None:
    voted(ledger, Votes(majority=("per",), minority=("vera",), position=OTHER))


def voted_with_one_voice(ledger: Ledger) -> None:
    voted(ledger, Votes(majority=("per", "vera")))


def keeps_the_mails_for_no_day(ledger: Ledger) -> None:
    said: dict[str, Any] = {"records": "mail", "days": 0, "comment": OTHER}
    place = ledger.act("per", SetRetention(**said), RetentionSet(**said))
    ledger.under[place] = b'{"withheld":true}'


def moved_a_date(ledger: Ledger) -> None:
    moved(ledger, "per")


@pytest.mark.parametrize(
    "writing",
    [
        voted_with_a_position, voted_with_one_voice, moved_a_date, keeps_the_mails_for_no_day, hands_over, goes_away,
        asks_to_erase_a_document, asks_to_erase_a_text,
    ],
    ids=named,
)  # fmt: skip
def test_an_act_as_it_was_signed_is_proved(writing: Writing) -> None:
    ledger = beginning()
    writing(ledger)
    found = checked(ledger)
    assert found.code == 0, found.out
    assert "1 acts signed with own keys by 1 people" in found.out


# --- when they signed it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issued", "expires", "code"),
    [
        (timedelta(minutes=2), timedelta(minutes=10), 0),
        (timedelta(minutes=2, seconds=1), timedelta(minutes=10), 1),
        (timedelta(minutes=-10), timedelta(minutes=-2, seconds=1), 0),
        (timedelta(minutes=-10), timedelta(minutes=-2), 1),
        (timedelta(0), timedelta(0), 0),
    ],
    ids=["just not too early", "too early", "just not too late", "too late", "at the very time"],
)
def test_a_statement_counts_for_its_time_and_two_minutes_on_each_side(
    issued: timedelta, expires: timedelta, code: int
) -> None:
    """The minutes are for clocks that do not quite agree."""
    ledger = beginning()
    ledger.decide("per")
    times = {"issued": ledger.now + issued, "expires": ledger.now + expires}
    stated(ledger, **times)
    found = checked(ledger)
    assert found.code == code, found.out
    assert (OTHERWISE in found.faults) == bool(code)


def test_while_the_clock_had_run_back_a_statement_has_its_own_time() -> None:
    ledger = beginning()
    ledger.decide("per")
    times = {"issued": ledger.now - timedelta(hours=3), "expires": ledger.now - timedelta(hours=2)}
    stated(ledger, **times)
    ledger.rewrite(lambda fact: fact.update(clock="ran_back"))
    found = checked(ledger)
    assert (found.code, "(ran back: 1)" in found.out) == (0, True), found.out


def test_the_employer_of_an_act_of_no_step_is_part_of_its_id() -> None:
    ledger = beginning()
    goes_away(ledger)
    assert f'"id":"{EMPLOYER}#act per n4"'.encode() in ledger.leaves[-1]
    ledger.rewrite(lambda fact: fact.update(id=fact["id"].replace(EMPLOYER, "annen")))
    assert OTHERWISE in checked(ledger).faults
