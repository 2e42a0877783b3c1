"""The employers that ship as examples import without faults and are what their descriptions say."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from activities.directory.importer import ImportResult
from activities.directory.national_ids import contains_national_id
from activities.directory.preview import preview
from tests.directory.made_files import LAW, import_from, imported
from workflows.rules.organisation import Organisation, Profile, Role

EXAMPLES = Path(__file__).parents[2] / "examples"
YEARS = (date(2026, 1, 1), date(2027, 1, 1), date(2028, 1, 1))


@pytest.mark.parametrize("today", YEARS)
@pytest.mark.parametrize(
    ("name", "everyone", "profile"),
    [("small", 4, Profile.SMALL), ("medium", 17, Profile.MEDIUM), ("nordfjord", 114, Profile.LARGE)],
)
def test_an_example_imports_without_faults_or_warnings(
    name: str, everyone: int, profile: Profile, today: date
) -> None:
    result = import_from(EXAMPLES / name, today=today)
    assert (result.faults, result.warnings, result.ignored_columns) == ((), (), ())
    duties = imported(result).duties(LAW, today)
    assert (duties.everyone, duties.profile) == (everyone, profile)


def nordfjord() -> tuple[ImportResult, Organisation]:
    result = import_from(EXAMPLES / "nordfjord", today=date(2026, 1, 1))
    return result, imported(result)


def test_nordfjord_tre_has_112_employees_in_four_units_and_two_hired_in() -> None:
    _, organisation = nordfjord()
    assert Counter((e.unit, e.kind) for e in organisation.employments) == {
        ("produksjon", "employee"): 58,
        ("produksjon", "hired_in"): 2,
        ("sagbruk", "employee"): 24,
        ("administrasjon", "employee"): 12,
        ("salg", "employee"): 18,
    }


def test_every_unit_of_nordfjord_tre_has_its_own_manager_and_safety_representative_with_a_deputy() -> None:
    _, organisation = nordfjord()
    day = date(2027, 1, 4)
    assert organisation.cycle_units(day, day) == ("produksjon", "sagbruk", "administrasjon", "salg")
    for unit in organisation.cycle_units(day, day):
        for role in (Role.MANAGER, Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP):
            assert len(organisation.assigned(role, unit, day)) == 1
    for role, count in {
        Role.TOP_MANAGER: 1, Role.HR: 1, Role.SENIOR_SAFETY_REP: 1, Role.WEC_CHAIR: 1, Role.WEC: 6,
        Role.OHS: 1, Role.DPO: 1, Role.BOARD: 3,
    }.items():  # fmt: skip
        assert len(organisation.assigned(role, None, day)) == count, role


def test_the_changes_of_2027_are_a_new_manager_and_a_closed_unit() -> None:
    before, known = nordfjord()
    result = import_from(
        EXAMPLES / "nordfjord" / "endringer", existing=known, people=before.people, today=date(2027, 6, 1)
    )
    assert (result.faults, result.warnings) == ((), ())
    after = imported(result)
    change = preview(known, after, before.people, result.people)
    assert change.counts == {
        "people_added": 1, "people_changed": 18, "people_left": 1, "units_added": 0, "units_changed": 0,
        "units_closed": 1, "roles_gained": 2, "roles_lost": 4,
    }  # fmt: skip
    assert [(line.external_key, line.day) for line in change.people_left] == [("1013", date(2027, 5, 1))]
    assert [(line.unit, line.day) for line in change.units_closed] == [("salg", date(2027, 10, 1))]
    old, new = before.people[11].id, result.people[-5].id
    assert after.assigned(Role.MANAGER, "produksjon", date(2027, 4, 30)) == (old,)
    assert after.assigned(Role.MANAGER, "produksjon", date(2027, 5, 2)) == ()
    assert after.assigned(Role.MANAGER, "produksjon", date(2027, 5, 3)) == (new,)
    assert after.headcount(date(2027, 9, 30)) == after.headcount(date(2027, 10, 1)) == 114
    october = date(2027, 10, 1)
    assert after.cycle_units(october, october) == ("produksjon", "sagbruk", "administrasjon")


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.csv")), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_no_example_holds_a_national_identity_number_or_a_real_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not any(contains_national_id(cell) for line in text.splitlines() for cell in line.split(";"))
    assert all(
        word.endswith(".example") for line in text.splitlines() for word in line.split(";") if "@" in word
    )
