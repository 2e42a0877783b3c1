"""The standard year of a small employer and of one without a committee."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from standard_year import (
    COMMITTEE,
    COMMITTEE_MEETINGS,
    EMPLOYEES_OWN,
    PROGRAMME,
    STEPS,
    everyone_in,
    in_profile,
)

from workflows.rules.organisation import Profile, Role
from workflows.rules.programme import Kind, StepRule


def test_an_employer_without_a_committee_asks_nobody_in_it() -> None:
    for profile in (Profile.SMALL, Profile.MEDIUM):
        for step in in_profile(profile):
            assert not everyone_in(step) & COMMITTEE, f"{step.id} for {profile}"
            assert not any(s.kind is Kind.TREAT for s in step.gate), f"{step.id} for {profile}"


def test_an_employer_under_five_asks_no_safety_representative() -> None:
    for step in in_profile(Profile.SMALL):
        assert not everyone_in(step) & EMPLOYEES_OWN, step.id


def test_names_of_steps_speak_of_no_body_that_an_employer_of_the_size_lacks() -> None:
    for profile, lacking in ((Profile.SMALL, r"\b(AMU|VO)\b"), (Profile.MEDIUM, r"\bAMU\b")):
        for step in in_profile(profile):
            if step.id != "Y01":  # the threshold check asks whether there must be any
                assert not re.search(lacking, step.name.nb), f"{step.id} for {profile}: {step.name.nb}"


def test_everybody_else_takes_part_at_every_size() -> None:
    for step in PROGRAMME.steps:
        others = {*step.participants} - COMMITTEE
        assert others <= {*step.for_profile(Profile.MEDIUM).participants}, step.id
        assert others - EMPLOYEES_OWN <= {*step.for_profile(Profile.SMALL).participants}, step.id


def test_the_contact_person_is_for_employers_under_five_only() -> None:
    for profile in (Profile.MEDIUM, Profile.LARGE):
        for step in in_profile(profile):
            assert Role.CONTACT_PERSON not in everyone_in(step), f"{step.id} for {profile}"


def test_wherever_the_safety_representative_is_heard_a_small_employer_hears_the_contact_person() -> None:
    for step in in_profile(Profile.LARGE):
        small = STEPS[step.id].for_profile(Profile.SMALL)
        for slot in step.gate:
            if slot.role in EMPLOYEES_OWN:
                contact = [s for s in small.gate if s.role is Role.CONTACT_PERSON]
                assert [(s.kind, s.order) for s in contact] == [(slot.kind, slot.order)], step.id
        if EMPLOYEES_OWN & {*step.participants}:
            assert Role.CONTACT_PERSON in small.participants, step.id
        if EMPLOYEES_OWN & {*step.inform}:
            assert Role.CONTACT_PERSON in small.inform, step.id


@pytest.mark.parametrize("id", sorted(COMMITTEE_MEETINGS))
def test_without_a_committee_its_meeting_becomes_a_statement_by_the_safety_representative(id: str) -> None:
    medium = STEPS[id].for_profile(Profile.MEDIUM)
    assert medium.name.nb.startswith("VO-uttalelse ")
    assert medium.owner is Role.TOP_MANAGER
    assert medium.participants == (Role.SENIOR_SAFETY_REP,)
    assert [(s.kind, s.role) for s in medium.gate] == [(Kind.CONSULT, Role.SENIOR_SAFETY_REP)]
    assert "R-39" in medium.requirements
    assert "OLM-2-2" in medium.law


@pytest.mark.parametrize("id", sorted(COMMITTEE_MEETINGS))
def test_under_five_the_meeting_of_the_committee_becomes_a_meeting_of_the_staff(id: str) -> None:
    small = STEPS[id].for_profile(Profile.SMALL)
    assert small.name.nb.startswith("Ansattmøte ")
    assert small.owner is Role.TOP_MANAGER
    assert [(s.kind, s.role) for s in small.gate] == [(Kind.CONSULT, Role.CONTACT_PERSON)]


def test_the_same_role_approves_at_every_size() -> None:
    def approvers(step: StepRule) -> list[Role]:
        return [s.role for s in step.gate if s.kind is Kind.APPROVE]

    for step in PROGRAMME.steps:
        for profile in Profile:
            assert approvers(step.for_profile(profile)) == approvers(step), f"{step.id} for {profile}"


def test_what_the_committee_would_treat_last_the_safety_representative_is_asked_about_first() -> None:
    for id in ("Y05", "Y09"):
        gate = STEPS[id].for_profile(Profile.MEDIUM).gate
        assert [s.kind for s in sorted(gate, key=lambda s: s.order)] == [Kind.CONSULT, Kind.APPROVE], id


def test_only_the_report_of_the_committee_itself_falls_away_with_the_committee() -> None:
    assert {s.id for s in PROGRAMME.steps if s.profiles != tuple(Profile)} == {"Y08"}
    assert STEPS["Y08"].profiles == (Profile.LARGE,)


def test_an_employer_under_five_is_mapped_by_talks_because_no_answer_would_be_anonymous() -> None:
    for id in ("Y11", "Y12"):
        assert "samtaler" in STEPS[id].for_profile(Profile.SMALL).name.nb


@pytest.mark.parametrize("profile", [Profile.SMALL, Profile.MEDIUM])
def test_a_top_manager_who_is_hr_as_well_can_still_pass_every_gate(profile: Profile) -> None:
    for step in in_profile(profile):
        for slot in step.gate:
            assert not slot.four_eyes or slot.role is Role.BOARD, f"{step.id} for {profile}"


def test_an_employer_under_five_is_mapped_and_measured_by_dialogue_instead_of_a_survey() -> None:
    small = {s.id: s.methods for s in in_profile(Profile.SMALL)}
    assert not [id for id, methods in small.items() if "M1" in methods]
    assert (small["Y12"], small["Y23"]) == (("M2",), ("M3",))


def test_steps_that_hang_on_a_condition_name_it() -> None:
    conditions = {s.id: s.only_if for s in PROGRAMME.steps if s.only_if}
    assert conditions == {"Y03": "ohs", "Y09": "ohs", "Y33": "ldl_26"}
