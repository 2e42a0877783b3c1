"""The standard year, held against hms-domain.md: requirements (§ 1.3) and methods (§ 3)."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from standard_year import EMPLOYEES_OWN, PROGRAMME, YEARS, due_days, in_profile

from workflows.rules.law import LegalRegister, parse_law
from workflows.rules.organisation import Profile
from workflows.rules.programme import Kind, Level
from workflows.rules.programme_file import check_law
from workflows.standard import law_text


@pytest.fixture(scope="module")
def law() -> LegalRegister:
    return parse_law(law_text())


# --- requirements and law ---------------------------------------------------------------------------


def test_each_of_the_48_requirements_is_carried_by_a_step_or_left_to_what_follows_an_event() -> None:
    carried = {r for s in PROGRAMME.steps for r in s.requirements}
    later = [x.requirement for x in PROGRAMME.later]
    assert len(later) == len(set(later))
    assert not carried & set(later), "either a step carries it or something else does"
    assert carried | set(later) == {f"R-{n:02}" for n in range(1, 49)}


@pytest.mark.parametrize("profile", Profile)
def test_what_is_required_of_every_employer_is_carried_at_every_size(profile: Profile) -> None:
    carried = {r for s in in_profile(profile) if s.only_if is None for r in s.requirements}
    everyone = {r for s in PROGRAMME.steps for r in s.requirements}
    assert everyone - carried == {
        Profile.LARGE: {"R-08", "R-44"},
        Profile.MEDIUM: {"R-08", "R-38", "R-44"},
        Profile.SMALL: {"R-08", "R-38", "R-44"},
    }[profile]  # fmt: skip


def test_wherever_the_safety_representative_is_consulted_the_duty_to_consult_is_cited() -> None:
    for step in PROGRAMME.steps:
        heard = any(s.kind is Kind.CONSULT and s.role in EMPLOYEES_OWN for s in step.gate)
        assert ("R-33" in step.requirements) == heard, step.id
        assert ("AML-6-2-4" in step.law) == heard, step.id


@pytest.mark.parametrize("year", YEARS)
def test_every_provision_that_is_cited_is_in_force_in(year: int, law: LegalRegister) -> None:
    check_law(PROGRAMME, law, year)
    in_force = {p.id for p in law.in_force(date(year, 1, 1))}
    assert {f.law for f in PROGRAMME.factors} <= in_force
    assert {id for s in PROGRAMME.steps for id in s.law} <= in_force


def test_a_step_cites_a_provision_of_each_requirement_that_it_serves(law: LegalRegister) -> None:
    for step in PROGRAMME.steps:
        for id in step.requirements:
            provisions = law.requirement(id).provisions
            assert set(provisions) & set(step.law), f"{step.id} serves {id} but cites none of {provisions}"


def test_what_is_left_to_later_is_a_requirement_of_the_register(law: LegalRegister) -> None:
    for later in PROGRAMME.later:
        assert law.requirement(later.requirement).id == later.requirement


# --- factors and methods ----------------------------------------------------------------------------


def test_the_four_factors_of_the_act_come_first_and_each_cites_its_own_letter() -> None:
    assert [(f.id, f.law) for f in PROGRAMME.factors[:4]] == [
        ("unclear_demands", "AML-4-3-2-a"),
        ("emotional_demands", "AML-4-3-2-b"),
        ("workload", "AML-4-3-2-c"),
        ("support", "AML-4-3-2-d"),
    ]


def test_the_other_factors_are_those_of_the_act_and_of_the_item_bank() -> None:
    assert [f.id for f in PROGRAMME.factors[4:]] == [
        "integrity", "contact", "harassment", "violence_threats",
        "influence", "change", "speaking_climate", "follow_up",
    ]  # fmt: skip


def test_each_of_the_eight_methods_is_used_and_has_its_nature() -> None:
    natures = {m.id: m.nature for m in PROGRAMME.methods}
    assert natures == {
        "M1": "quantitative", "M2": "dialogic", "M3": "dialogic", "M4": "quantitative",
        "M5": "quantitative", "M6": "observation", "M7": "quantitative", "M8": "dialogic",
    }  # fmt: skip
    assert {m for s in PROGRAMME.steps for m in s.methods} == set(natures)


def test_each_way_of_mapping_is_used_in_the_steps_that_are_that_way() -> None:
    used = {s.id: set(s.methods) for s in PROGRAMME.steps if s.methods}
    assert used == {
        "Y04": {"M4", "M7"}, "Y18": {"M4", "M7"}, "Y22": {"M4", "M7"}, "Y27": {"M4", "M7"},
        "Y10": {"M3"}, "Y19": {"M3"}, "Y28": {"M3"},
        "Y12": {"M1"}, "Y23": {"M1"}, "Y13": {"M2"}, "Y14": {"M5"}, "Y20": {"M6"}, "Y21": {"M8"},
    }  # fmt: skip


@pytest.mark.parametrize("year", YEARS)
def test_a_unit_is_mapped_by_figures_and_by_talk_before_its_risk_is_assessed(year: int) -> None:
    natures = {m.id: m.nature for m in PROGRAMME.methods}
    due = due_days(year)
    before = {
        natures[m]
        for s in PROGRAMME.steps if s.level is Level.UNIT and due[s.id][0] <= due["Y15"][0]
        for m in s.methods
    }  # fmt: skip
    assert {"quantitative", "dialogic"} <= before
