"""What a programme cites exists, and is in force on the day it is needed."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_year import YEAR, changed

from workflows.rules.law import LegalRegister, parse_law
from workflows.rules.programme import ProgrammeError
from workflows.rules.programme_file import check_law, parse_programme
from workflows.standard import law_text


@pytest.fixture(scope="module")
def law() -> LegalRegister:
    return parse_law(law_text())


def test_an_unknown_provision_is_named_with_the_step_and_a_near_one(law: LegalRegister) -> None:
    programme = parse_programme(changed('["AML-3-1-2-a"]', '["AML-3-1-2-q"]'))
    with pytest.raises(ProgrammeError) as caught:
        check_law(programme, law, 2027, "year.toml")
    assert caught.value.where == "year.toml: Y01.law"
    assert "'AML-3-1-2-q'" in str(caught.value)
    assert "Did you mean AML-3-1-2-" in str(caught.value)


def test_a_provision_that_is_no_longer_in_force_is_refused_with_its_dates(law: LegalRegister) -> None:
    text = changed('["AML-3-1-2-a"]', '["FUA-23A-1"]').replace("AML-4-3-2-c", "AML-4-1-2")
    programme = parse_programme(text)
    check_law(programme, law, 2025)
    with pytest.raises(ProgrammeError) as caught:
        check_law(programme, law, 2026)
    assert caught.value.where == "programme.toml: Y01.law"
    assert "FUA-23A-1 is not in force on 2026-01-05" in caught.value.fault
    assert "to 2026-01-01" in caught.value.fault
    assert "cite what applies on that day" in caught.value.remedy


def amended(law: LegalRegister, day: date) -> LegalRegister:
    """The register after an amendment on `day`: OLM-7-1 ends, and OLM-7-1-new begins."""
    old = law.provision("OLM-7-1", date(2027, 1, 1))
    others = [p for p in law.provisions if p.id != "OLM-7-1"]
    return law.model_copy(
        update={
            "provisions": (
                *others,
                old.model_copy(update={"valid_to": day}),
                old.model_copy(update={"id": "OLM-7-1-new", "valid_from": day}),
            )
        }
    )


def test_a_provision_is_needed_on_the_day_the_step_opens_whatever_the_year_brings_later(
    law: LegalRegister,
) -> None:
    opens = date(2027, 3, 8)
    old, new = parse_programme(YEAR), parse_programme(changed('"OLM-7-1"', '"OLM-7-1-new"'))
    check_law(old, amended(law, opens + timedelta(days=1)), 2027)
    check_law(new, amended(law, opens), 2027)
    with pytest.raises(ProgrammeError, match=r"Y02\.law: .*OLM-7-1 is not in force on 2027-03-08"):
        check_law(old, amended(law, opens), 2027)
    with pytest.raises(ProgrammeError, match=r"Y02\.law: .*OLM-7-1-new is not in force on 2027-03-08"):
        check_law(new, amended(law, opens + timedelta(days=1)), 2027)


def test_a_step_with_two_windows_needs_its_provisions_at_both_openings(law: LegalRegister) -> None:
    two = '[{ opens = "2nd monday of march", due = "04-20" }, { opens = "09-01", due = "09-30" }]'
    text = changed('[{ opens = "2nd monday of march", due = "opens + 21 d, at latest 06-01" }]', two)
    with pytest.raises(ProgrammeError, match=r"Y02\.law: .* not in force on 2027-09-01"):
        check_law(parse_programme(text), amended(law, date(2027, 7, 1)), 2027)


@pytest.mark.parametrize(("amendment", "fails"), [("2027-01-02", "2027-12-31"), ("2027-12-31", "2027-12-31")])
def test_a_factors_provision_is_needed_the_whole_year(law: LegalRegister, amendment: str, fails: str) -> None:
    text = changed('"AML-4-3-2-c"', '"OLM-7-1"').replace('law = ["OLM-7-1"]', 'law = ["AML-3-1-1"]')
    with pytest.raises(ProgrammeError) as caught:
        check_law(parse_programme(text), amended(law, date.fromisoformat(amendment)), 2027, "year.toml")
    assert caught.value.where == "year.toml: factors.workload.law"
    assert f"not in force on {fails}" in caught.value.fault


def test_a_factors_provision_is_in_force_from_the_first_day(law: LegalRegister) -> None:
    text = changed('"AML-4-3-2-c"', '"OLM-7-1-new"').replace('law = ["OLM-7-1"]', 'law = ["AML-3-1-1"]')
    check_law(parse_programme(text), amended(law, date(2027, 1, 1)), 2027)
    with pytest.raises(ProgrammeError, match=r"factors\.workload\.law: .* not in force on 2027-01-01"):
        check_law(parse_programme(text), amended(law, date(2027, 1, 2)), 2027)


def test_an_unknown_provision_of_a_factor_is_named_with_a_near_one(law: LegalRegister) -> None:
    with pytest.raises(ProgrammeError, match=r"factors\.workload\.law: .*Did you mean AML-4-3-2-"):
        check_law(parse_programme(changed('"AML-4-3-2-c"', '"AML-4-3-2-x"')), law, 2027)


def test_a_requirement_that_is_left_to_later_exists_too(law: LegalRegister) -> None:
    with pytest.raises(ProgrammeError) as caught:
        check_law(parse_programme(changed('"R-28"', '"R-82"')), law, 2027, "year.toml")
    assert caught.value.where == "year.toml: later[1].requirement"
    assert "'R-82'" in caught.value.fault
    assert caught.value.remedy


def test_a_year_in_which_a_step_would_be_due_before_it_opens_is_refused_with_the_file(
    law: LegalRegister,
) -> None:
    programme = parse_programme(changed('due = "01-15"', 'due = "01-03"').replace("01-02", "01-08"))
    with pytest.raises(ProgrammeError) as caught:
        check_law(programme, law, 2027, "year.toml")
    assert caught.value.where == "year.toml: Y01.windows[1]"
    assert "in 2027 it would be due" in caught.value.fault
    assert caught.value.remedy


def test_an_unknown_requirement_is_named_with_the_step_that_cites_it(law: LegalRegister) -> None:
    programme = parse_programme(changed('["R-18"]', '["R-81"]'))
    with pytest.raises(ProgrammeError) as caught:
        check_law(programme, law, 2027, "year.toml")
    assert caught.value.where == "year.toml: Y02.requirements"
    assert "'R-81'" in str(caught.value)
