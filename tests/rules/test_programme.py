"""A programme says what it says: it is read as it is written, and pinned by what it means."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

sys.path.insert(0, str(Path(__file__).parent))

from small_year import YEAR, changed

from workflows.rules.organisation import Profile, Role
from workflows.rules.programme import Kind, Programme, StepRule, Text
from workflows.rules.programme_file import parse_programme
from workflows.standard import programme_text


def test_a_programme_is_read_as_it_is_written() -> None:
    programme = parse_programme(YEAR)
    goals, mapping = programme.steps
    assert (programme.id, programme.version, programme.closes.text) == ("small", 1, "01-31")
    assert [(s.kind, s.role, s.order) for s in goals.gate] == [
        (Kind.CONSULT, Role.SENIOR_SAFETY_REP, 1),
        (Kind.APPROVE, Role.TOP_MANAGER, 2),
    ]
    assert mapping.windows[0].due.latest == (6, 1)
    assert mapping.profiles == tuple(Profile)
    assert programme.step("Y02") is mapping


def test_a_step_of_another_size_changes_what_its_variant_names_and_keeps_the_rest() -> None:
    text = changed('owner = "top_manager"', 'owner = "top_manager"\nsmall.participants = ["contact_person"]')
    step = parse_programme(text).step("Y01")
    small = step.for_profile(Profile.SMALL)
    assert small.participants == (Role.CONTACT_PERSON,)
    assert (small.owner, small.gate, small.name) == (step.owner, step.gate, step.name)
    assert step.for_profile(Profile.MEDIUM) == step
    assert step.for_profile(Profile.LARGE) == step


def test_a_variant_may_empty_a_gate() -> None:
    text = changed('owner = "top_manager"', 'owner = "top_manager"\nsmall.gate = []')
    assert parse_programme(text).step("Y01").for_profile(Profile.SMALL).gate == ()


def test_a_variant_may_map_in_another_way() -> None:
    text = changed('methods = ["M1"]', 'methods = ["M1"]\nsmall.methods = []')
    step = parse_programme(text).step("Y02")
    assert [step.for_profile(profile).methods for profile in Profile] == [(), ("M1",), ("M1",)]


def test_a_step_knows_the_steps_that_its_dates_count_from() -> None:
    text = changed('due = "opens + 21 d, at latest 06-01"', 'due = "Y01 + 90 d"')
    assert [s.anchors() for s in parse_programme(text).steps] == [(), ("Y01",)]


def test_text_is_given_in_the_readers_language_and_nynorsk_falls_back_to_bokmal() -> None:
    text = Text(nb="mål", en="goals")
    assert [text.in_(language) for language in ("nb", "nn", "en")] == ["mål", "mål", "goals"]
    assert Text(nb="mål", en="goals", nn="mål på nynorsk").in_("nn") == "mål på nynorsk"


# --- what a running year pins -------------------------------------------------------------------------------


def test_the_content_hash_does_not_see_how_the_file_is_laid_out() -> None:
    laid_out = (
        YEAR.replace(" = ", "   =   ").replace("\n", "\n\n").replace("[ladder]", "# how we remind\n[ladder]")
    )
    turned = changed(
        'id = "small"\nversion = 1\n', 'version = 1\nid = "small"\n'
    )  # fmt: skip
    spelt_out = changed('due = "01-15" }', 'due = "01-15", move = "next" }')
    plain = parse_programme(YEAR)
    for text in (laid_out, turned, spelt_out):
        assert tomllib.loads(text)
        assert text != YEAR
        assert parse_programme(text).content_hash == plain.content_hash


def test_the_content_hash_does_not_see_where_the_file_lies() -> None:
    assert parse_programme(YEAR, "a.toml").content_hash == parse_programme(YEAR, "b.toml").content_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('due = "01-15"', 'due = "01-16"'),
        ('due = "01-15" }', 'due = "01-15", move = "previous" }'),
        ("order = 2 }", "order = 2, four_eyes = true }"),
        ('en = "Goals" }\nstage', 'en = "Aims" }\nstage'),
        ('["R-01"]', '["R-01", "R-21"]'),
        ('["AML-3-1-2-a"]', '["IKF-5-4"]'),
        ("version = 1", "version = 2"),
        ("days = 10", "days = 11"),
        ('methods = ["M1"]', 'methods = ["M1"]\nbuilds_on = ["Y01"]'),
        ('methods = ["M1"]', 'methods = ["M1"]\nsmall.methods = []'),
        ('closes = "01-31"', 'closes = "02-15"'),
        ("[ladder]", "[calendar]\nfellesferie_weeks = [29, 30]\n[ladder]"),
    ],
)
def test_the_content_hash_sees_every_change_of_content(old: str, new: str) -> None:
    assert parse_programme(changed(old, new)).content_hash != parse_programme(YEAR).content_hash


def test_the_content_hash_is_64_hexadecimal_digits_and_survives_a_round_through_json() -> None:
    programme = parse_programme(programme_text())
    again = Programme.model_validate_json(programme.model_dump_json())
    assert again == programme
    assert again.content_hash == programme.content_hash
    assert len(bytes.fromhex(programme.content_hash)) == 32


def test_a_programme_that_has_been_read_cannot_be_changed() -> None:
    step: StepRule = parse_programme(YEAR).step("Y01")
    with pytest.raises(ValidationError, match="frozen"):
        step.owner = Role.HR  # type: ignore[misc]
