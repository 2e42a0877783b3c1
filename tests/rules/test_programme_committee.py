"""`amu_or_vo`: the committee treats where there is one, and otherwise its part is somebody's to be heard (D6)."""

from __future__ import annotations

import pytest

from tests.rules.small_year import YEAR, changed, fault_in
from tests.rules.standard_year import PROGRAMME
from workflows.rules.organisation import Profile, Role
from workflows.rules.programme import Kind, Programme, SlotRule
from workflows.rules.programme_file import parse_programme

SECOND_SLOT = '  { kind = "approve", role = "top_manager", order = 2 },\n'
TREATED = '  { kind = "treat", role = "amu_or_vo", order = 3 },\n'
ALONE = '{ kind = "treat", role = "amu_or_vo" }'
FIRST_SLOT = '  { kind = "consult", role = "senior_safety_rep", order = 1 },\n'
EVIDENCE = 'evidence = { nb = "Mål", en = "Goals" }\n'
APPROVED = SlotRule(kind=Kind.APPROVE, role=Role.TOP_MANAGER, order=2)


def gate(programme: Programme, profile: Profile) -> tuple[SlotRule, ...]:
    return programme.step("Y01").for_profile(profile).gate


def treated_last(slot: str = TREATED, **also: str) -> str:
    """Goals that the top manager approves, and that the committee or its stand-in sees last."""
    text = changed(FIRST_SLOT + SECOND_SLOT, SECOND_SLOT + slot)
    for old, new in also.items():
        text = text.replace({"evidence": EVIDENCE}[old], new, 1)
    return text


def test_the_committee_treats_and_the_smaller_hear_their_representative_in_the_same_turn() -> None:
    programme = parse_programme(treated_last())
    assert gate(programme, Profile.LARGE) == (
        APPROVED,
        SlotRule(kind=Kind.TREAT, role=Role.WEC_CHAIR, order=3),
    )
    assert gate(programme, Profile.MEDIUM) == (
        APPROVED,
        SlotRule(kind=Kind.CONSULT, role=Role.SENIOR_SAFETY_REP, order=3),
    )
    assert gate(programme, Profile.SMALL) == (
        APPROVED,
        SlotRule(kind=Kind.CONSULT, role=Role.CONTACT_PERSON, order=3),
    )


def test_it_is_short_for_the_same_programme_written_out() -> None:
    out = treated_last(
        '  { kind = "treat", role = "wec_chair", order = 3 },\n',
        evidence=EVIDENCE
        + "medium.gate = [\n"
        + SECOND_SLOT
        + '  { kind = "consult", role = "senior_safety_rep", order = 3 },\n]\nsmall.gate = [\n'
        + SECOND_SLOT
        + '  { kind = "consult", role = "contact_person", order = 3 },\n]\n',
    )
    assert parse_programme(treated_last()).content_hash == parse_programme(out).content_hash


def test_who_is_heard_already_is_not_heard_twice() -> None:
    programme = parse_programme(changed(SECOND_SLOT, SECOND_SLOT + TREATED))
    assert [(s.kind, s.role) for s in gate(programme, Profile.MEDIUM)] == [
        (Kind.CONSULT, Role.SENIOR_SAFETY_REP),
        (Kind.APPROVE, Role.TOP_MANAGER),
    ]
    assert len(gate(programme, Profile.SMALL)) == 3


def test_a_variant_with_a_gate_of_its_own_keeps_it_and_its_other_changes_stand() -> None:
    own = f'{EVIDENCE}small.gate = []\nmedium.owner = "hr"\n'
    programme = parse_programme(treated_last(evidence=own))
    assert gate(programme, Profile.SMALL) == ()
    medium = programme.step("Y01").for_profile(Profile.MEDIUM)
    assert (medium.owner, medium.gate[1].role) == (Role.HR, Role.SENIOR_SAFETY_REP)


def test_a_step_of_the_largest_alone_gets_no_variants() -> None:
    programme = parse_programme(treated_last(evidence=f'{EVIDENCE}profiles = ["large"]\n'))
    assert (programme.step("Y01").medium, programme.step("Y01").small) == (None, None)


@pytest.mark.parametrize(
    ("text", "where", "fault", "remedy"),
    [
        (
            treated_last(TREATED.replace("treat", "approve")), "Y01.gate[2].kind",
            "«amu_or_vo» stands under «approve», and a committee treats.", 'Write kind = "treat".',
        ),
        (
            treated_last(TREATED.replace('kind = "treat", ', "")), "Y01.gate[2].kind",
            "«amu_or_vo» stands under nothing, and a committee treats.", 'Write kind = "treat".',
        ),
        (
            treated_last(evidence=f"{EVIDENCE}medium.gate = [{ALONE}]\n"), "Y01.medium.gate[1].role",
            "«amu_or_vo» stands for every size, and this is the gate of one.",
            'Write kind = "consult", role = "senior_safety_rep".',
        ),
        (
            treated_last(evidence=f"{EVIDENCE}small.gate = [{ALONE}]\n"), "Y01.small.gate[1].role",
            "«amu_or_vo» stands for every size, and this is the gate of one.",
            'Write kind = "consult", role = "contact_person".',
        ),
        (
            treated_last(TREATED + TREATED), "Y01.gate[3].role", "wec_chair stands twice under treat.",
            "Remove one; use `quorum` to ask for more than one of them.",
        ),
        (
            treated_last(TREATED.replace("3", "0")), "Y01.gate[2].order", "0 is too small.",
            "Write a whole number of 1 or more.",
        ),
    ],
    ids=["approve", "no kind", "in medium", "in small", "twice", "a fault beside it"],
)  # fmt: skip
def test_a_slot_that_cannot_be_read_so_is_named(text: str, where: str, fault: str, remedy: str) -> None:
    error = fault_in(text)
    assert (error.where, error.fault, error.remedy) == (f"year.toml: {where}", fault, remedy)


def test_the_standard_year_has_its_four_meetings_so() -> None:
    for id in ("Y07", "Y17", "Y24", "Y31"):
        step = PROGRAMME.step(id)
        assert [s.role for s in step.gate] == [Role.WEC_CHAIR]
        assert step.medium is not None
        assert step.small is not None
        assert step.medium.gate == (SlotRule(kind=Kind.CONSULT, role=Role.SENIOR_SAFETY_REP),)
        assert step.small.gate == (SlotRule(kind=Kind.CONSULT, role=Role.CONTACT_PERSON),)


# --- answer_days --------------------------------------------------------------------------------------


def test_the_days_for_an_answer_are_fourteen_unless_the_ladder_says_otherwise() -> None:
    assert parse_programme(YEAR).ladder.answer_days == 14
    assert parse_programme(changed("[ladder]", "[ladder]\nanswer_days = 7")).ladder.answer_days == 7


@pytest.mark.parametrize(
    ("written", "fault", "remedy"),
    [
        ("0", "0 is too small.", "Write a whole number of 1 or more."),
        ("91", "91 is too large.", "Write a whole number of 90 or less."),
        ('"14"', "«14» stands where a whole number is expected.", "Write digits, without quotes."),
        ("7.5", "7.5 stands where a whole number is expected.", "Write digits, without quotes."),
    ],
)
def test_days_for_an_answer_that_make_no_sense_are_refused(written: str, fault: str, remedy: str) -> None:
    error = fault_in(changed("[ladder]", f"[ladder]\nanswer_days = {written}"))
    assert (error.where, error.fault, error.remedy) == ("year.toml: ladder.answer_days", fault, remedy)


def test_a_misspelt_name_of_it_is_found() -> None:
    error = fault_in(changed("[ladder]", "[ladder]\nanswerdays = 7"))
    assert error.where == "year.toml: ladder.answerdays"
    assert "answer_days" in error.remedy
