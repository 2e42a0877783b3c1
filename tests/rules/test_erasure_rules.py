"""Who may have something erased before its time: two must agree, and none of them is the same side's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.employers import MEDIUM, SINCE, SMALL, employer
from tests.rules.statements import of_employer
from tests.rules.test_retention import COLLEAGUE, DAY, HR, MANAGER, REP, SHIPPED, TOP, leaver
from workflows.rules.erasure import Written, erase_document, erase_person, erase_texts, may_agree
from workflows.rules.events import AttemptRefused
from workflows.rules.organisation import EMPLOYEE_SIDE, Assignment, Organisation, Role
from workflows.rules.record_facts import DocumentErased, ErasureAsked, PersonErased, TextsErased
from workflows.rules.statement import (
    LARGEST,
    EraseDocument,
    ErasePerson,
    EraseText,
    payload,
    sealed,
)
from workflows.rules.terms import Refusal

TEXT = EraseText(facts=("f1",), basis="request")
DOCUMENT = EraseDocument(document="ab" * 32, basis="mistake")
OTHER = "p6"


def said_of(text: Written, actor: str, organisation: Organisation = MEDIUM) -> str:
    """What comes of it: `erased`, `asked`, or the reason for refusing."""
    match erase_texts(organisation, actor, TEXT, (text,), DAY):
        case AttemptRefused(reason=reason):
            return reason
        case TextsErased():
            return "erased"
        case ErasureAsked():
            return "asked"


OF_REP = Written(author=REP, role=Role.SAFETY_REP)
OF_MANAGER = Written(author=MANAGER, role=Role.MANAGER)
OF_TOP = Written(author=TOP, role=None)
OF_COLLEAGUE = Written(author=COLLEAGUE, role=Role.EMPLOYEES)


@pytest.mark.parametrize(
    ("text", "first", "second", "outcome"),
    [
        # What the safety representative wrote goes when the representative and the employer agree.
        (OF_REP, None, REP, "asked"),
        (OF_REP, REP, TOP, "erased"),
        (OF_REP, REP, HR, "erased"),
        (OF_REP, HR, REP, "erased"),
        # The employer alone has its wish recorded, however many of them there are.
        (OF_REP, None, TOP, "asked"),
        (OF_REP, TOP, HR, "asked"),
        # A manager of the line has no word in it at all.
        (OF_REP, None, MANAGER, Refusal.NOT_ELIGIBLE),
        (OF_REP, TOP, MANAGER, Refusal.NOT_ELIGIBLE),
        (OF_REP, None, COLLEAGUE, Refusal.NOT_ELIGIBLE),
        # Nobody says it twice, so that it would be two.
        (OF_REP, TOP, TOP, Refusal.ALREADY_DECIDED),
        (OF_REP, REP, REP, Refusal.ALREADY_DECIDED),
        # What was written for the employer is not the writer's to take back, nor the employer's alone.
        (OF_MANAGER, None, MANAGER, Refusal.NOT_ELIGIBLE),
        (OF_MANAGER, TOP, HR, "asked"),
        (OF_MANAGER, TOP, REP, "erased"),
        (OF_MANAGER, REP, HR, "erased"),
        (OF_TOP, TOP, HR, "asked"),
        (OF_TOP, TOP, REP, "erased"),
        # Anybody's own words are theirs and the employer's to agree about.
        (OF_COLLEAGUE, COLLEAGUE, HR, "erased"),
        (OF_COLLEAGUE, REP, HR, Refusal.NOT_ELIGIBLE),
        (OF_COLLEAGUE, None, OTHER, Refusal.NOT_ELIGIBLE),
    ],
)
def test_two_must_agree_before_a_text_is_erased(
    text: Written, first: str | None, second: str, outcome: str
) -> None:
    if first == REP and text is OF_COLLEAGUE:
        assert said_of(text, REP) == outcome
        return
    asked = () if first is None else (first,)
    assert said_of(text.model_copy(update={"asked": asked}), second) == outcome


def test_of_what_somebody_wrote_who_is_here_no_more_an_elected_representative_decides_too() -> None:
    gone = leaver(date(2027, 4, 1))
    text = Written(author=COLLEAGUE, role=Role.EMPLOYEES)
    assert said_of(text, COLLEAGUE, gone) == Refusal.NOT_ELIGIBLE
    assert said_of(text.model_copy(update={"asked": (HR,)}), REP, gone) == "erased"


def test_where_nobody_is_elected_the_employers_own_words_stay_until_their_time_is_up() -> None:
    text = Written(author="p1", role=Role.TOP_MANAGER, asked=("p2",))
    assert said_of(text, "p1", SMALL) == "asked"
    assert not any(may_agree(SMALL, person, text, DAY) for person in SMALL.people())


def test_what_is_gone_is_not_erased_again() -> None:
    assert said_of(OF_REP.model_copy(update={"kept": False}), TOP) == Refusal.NOTHING_TO_ERASE


def test_one_text_among_several_that_is_not_agreed_on_keeps_them_all() -> None:
    act = EraseText(facts=("f1", "f2"), basis="mistake")
    texts = (OF_REP.model_copy(update={"asked": (REP,)}), OF_REP)
    assert erase_texts(MEDIUM, TOP, act, texts, DAY) == ErasureAsked(facts=act.facts, basis="mistake")
    refused = erase_texts(MEDIUM, REP, act, (OF_REP, OF_MANAGER, OF_COLLEAGUE), DAY)
    assert isinstance(refused, AttemptRefused)
    assert (refused.attempt, refused.reason) == ("erasure", Refusal.NOT_ELIGIBLE)


people = st.sampled_from([f"p{n}" for n in range(1, 18)])
roles = st.none() | st.sampled_from(Role)


@given(people, roles, people, st.lists(people, max_size=4))
def test_a_text_is_never_erased_by_the_employers_people_alone(
    author: str, role: Role | None, actor: str, asked: list[str]
) -> None:
    """Whoever asked before: among those who agreed stands the author, or somebody elected."""
    organisation = employer(17)
    text = Written(author=author, role=role, asked=tuple(asked))
    if said_of(text, actor, organisation) == "erased":
        words = {actor, *asked}
        by_employer = {p for p in words if p in (TOP, HR)}
        others = {p for p in words if p == REP or (p == author and p not in (TOP, HR))}
        assert by_employer
        assert others


@given(people, roles, people, st.lists(people, max_size=4))
def test_no_word_of_a_manager_of_the_line_ever_counts(
    author: str, role: Role | None, actor: str, asked: list[str]
) -> None:
    """Unless it is about their own words, written in no role for the employer."""
    text = Written(author=author, role=role, asked=tuple(asked))
    without = text.model_copy(update={"asked": tuple(p for p in asked if p != MANAGER)})
    if author != MANAGER and actor != MANAGER:
        assert said_of(text, actor) == said_of(without, actor)


# --- documents ------------------------------------------------------------------------------------


def of_document(actor: str, *filed: Written) -> Any:
    return erase_document(MEDIUM, actor, DOCUMENT, filed, DAY)


def test_evidence_goes_when_the_employer_and_an_elected_representative_agree() -> None:
    filed = Written(author=MANAGER, role=Role.MANAGER)
    assert of_document(HR, filed) == ErasureAsked(document=DOCUMENT.document, basis="mistake")
    agreed = filed.model_copy(update={"asked": (HR,)})
    assert of_document(REP, agreed) == DocumentErased(document=DOCUMENT.document, basis="mistake")
    assert of_document(TOP, agreed) == ErasureAsked(document=DOCUMENT.document, basis="mistake")
    assert of_document(MANAGER, agreed).reason is Refusal.NOT_ELIGIBLE


def test_a_document_that_an_open_step_rests_on_stays() -> None:
    filed = Written(author=MANAGER, role=Role.MANAGER, asked=(HR,), needed=True)
    assert of_document(REP, filed).reason is Refusal.STILL_NEEDED


def test_a_document_that_nobody_filed_is_nothing_to_erase() -> None:
    assert of_document(HR).reason is Refusal.NOTHING_TO_ERASE


# --- people ---------------------------------------------------------------------------------------

LEFT = DAY - timedelta(days=100)
LATELY = DAY - timedelta(days=89)


@pytest.mark.parametrize(
    ("actor", "left", "basis", "known", "reason"),
    [
        (HR, LEFT, "left", True, None),
        (TOP, LEFT, "left", True, None),
        (HR, LATELY, "left", True, Refusal.KEPT_TOO_SHORT),
        (HR, LATELY, "request", True, None),
        (HR, LATELY, "mistake", True, None),
        (HR, None, "request", True, Refusal.STILL_NEEDED),
        (HR, DAY + timedelta(days=1), "request", True, Refusal.STILL_NEEDED),
        (HR, LEFT, "left", False, Refusal.NOTHING_TO_ERASE),
        (MANAGER, LEFT, "left", True, Refusal.NOT_ELIGIBLE),
        (REP, LEFT, "request", True, Refusal.NOT_ELIGIBLE),
        (COLLEAGUE, LEFT, "request", True, Refusal.NOT_ELIGIBLE),
    ],
)
def test_a_name_goes_when_its_person_is_gone(
    actor: str, left: date | None, basis: Any, known: bool, reason: Refusal | None
) -> None:
    act = ErasePerson(person=COLLEAGUE, basis=basis)
    said = erase_person(leaver(left), SHIPPED, actor, act, known, DAY)
    if reason is None:
        assert said == PersonErased(person=COLLEAGUE, basis=basis)
    else:
        assert isinstance(said, AttemptRefused)
        assert (said.attempt, said.reason) == ("erasure", reason)


def test_somebody_who_never_had_a_part_here_can_be_erased_as_a_mistake() -> None:
    act = ErasePerson(person="p99", basis="mistake")
    assert erase_person(MEDIUM, SHIPPED, HR, act, True, DAY) == PersonErased(person="p99", basis="mistake")
    left = act.model_copy(update={"basis": "left"})
    assert erase_person(MEDIUM, SHIPPED, HR, left, True, DAY) == AttemptRefused(
        attempt="erasure", reason=Refusal.KEPT_TOO_SHORT
    )


def test_the_elected_representatives_are_those_the_law_knows() -> None:
    """A seat in the committee or a union's post gives no word about others' texts."""
    seats = tuple(Assignment(role=r, person=OTHER, since=SINCE) for r in (Role.WEC, Role.UNION_REP, Role.DPO))
    made = MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, *seats)})
    assert not may_agree(made, OTHER, OF_MANAGER, DAY)
    for role in EMPLOYEE_SIDE:
        has = Assignment(role=role, person=OTHER, area="a-u1", since=SINCE)
        chosen = MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, has)})
        assert may_agree(chosen, OTHER, OF_MANAGER, DAY)


def test_the_longest_list_of_texts_fits_into_a_signed_statement() -> None:
    act = EraseText(facts=tuple(f"{n:0300d}" for n in range(30)), basis="request")
    body = payload(of_employer(act))
    assert len(sealed(body, "0123456789abcdef", bytes(64)).to_json()) <= LARGEST
    with pytest.raises(ValueError, match="facts"):
        EraseText(facts=(*act.facts, "one more"), basis="request")
    with pytest.raises(ValueError, match="facts"):
        EraseText(facts=(), basis="request")
