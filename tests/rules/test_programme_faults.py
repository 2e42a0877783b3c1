"""A file of the wrong shape is not read, and what is wrong is said in plain words with place and remedy."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from small_year import YEAR, changed, fault_in

from workflows.rules.programme import ProgrammeError
from workflows.rules.programme_file import parse_programme

OWNER = 'owner = "top_manager"'
ROLES = (
    "board, contact_person, deputy_safety_rep, dpo, employees, hr, manager, ohs, "
    "safety_rep, senior_safety_rep, top_manager, union_rep, wec, wec_chair"
)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(
            changed(f"{OWNER}\n", ""),
            "Y01.owner",
            "this key is missing. Add it.",
            id="a missing key",
        ),
        pytest.param(
            changed('name = { nb = "Mål", en = "Goals" }', 'name = { nb = "Mål" }'),
            "Y01.name.en",
            "this key is missing. Add it.",
            id="a name without English",
        ),
        pytest.param(
            changed("version = 1\n", ""),
            "programme.version",
            "this key is missing. Add it.",
            id="no version",
        ),
        pytest.param(
            "",
            "programme.id",
            "this key is missing. Add it.",
            id="an empty file",
        ),
        pytest.param(
            changed('id = "Y01"\n', ""),
            "steps[1].id",
            "this key is missing. Add it.",
            id="a step without an id is named by its number",
        ),
        pytest.param(
            changed("[ladder]", "[lader]"),
            "lader",
            "this key is not known here. Remove it, or mend its spelling. Did you mean ladder",
            id="a misspelt key is told before the key that is missing because of it",
        ),
        pytest.param(
            changed(OWNER, f'{OWNER}\nownr = "hr"'),
            "Y01.ownr",
            "mend its spelling. Did you mean owner",
            id="an unknown key of a step",
        ),
        pytest.param(
            changed("order = 2 }", "order = 2, four_eye = true }"),
            "Y01.gate[2].four_eye",
            "Did you mean four_eyes? Known: four_eyes, kind, order, quorum, role.",
            id="an unknown key deep inside",
        ),
        pytest.param(
            changed(OWNER, f"{OWNER}\nsmall.four = 1"),
            "Y01.small.four",
            "Known: evidence, gate, inform, methods, name, owner, participants.",
            id="an unknown key of a variant",
        ),
        pytest.param(
            changed("version = 1", 'version = 1\n"a key" = 1'),
            'programme."a key"',
            "this key is not known here",
            id="a key with a space",
        ),
    ],
)
def test_a_missing_or_unknown_key_is_named(text: str, place: str, words: str) -> None:
    error = fault_in(text)
    assert error.where == f"year.toml: {place}"
    assert words in str(error)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(
            changed(OWNER, 'owner = "top_manger"'),
            "Y01.owner",
            f"«top_manger» is not known. Did you mean top_manager or manager? Known: {ROLES}.",
            id="a role",
        ),
        pytest.param(
            changed(OWNER, 'owner = "xyz"'),
            "Y01.owner",
            f"«xyz» is not known. Known: {ROLES}.",
            id="a role that resembles none",
        ),
        pytest.param(
            changed(OWNER, f'{OWNER}\nsmall.owner = "contactperson"'),
            "Y01.small.owner",
            "Did you mean contact_person",
            id="a role in a variant",
        ),
        pytest.param(
            changed('to = ["hr"]', 'to = ["safty_rep"]'),
            "ladder.rungs[2].to[1]",
            "Did you mean safety_rep",
            id="a role in the ladder",
        ),
        pytest.param(
            changed("leader_of_owner", "leder_of_owner"),
            "ladder.rungs[1].to[1]",
            "«leder_of_owner» is not known. Did you mean leader_of_owner",
            id="the leader of the owner",
        ),
        pytest.param(
            changed('kind = "approve"', 'kind = "aprove"'),
            "Y01.gate[2].kind",
            "Did you mean approve? Known: approve, consult, treat.",
            id="a kind of question",
        ),
        pytest.param(
            changed('stage = "plan"', 'stage = "planing"'),
            "Y01.stage",
            "«planing» is not known. Did you mean plan? Known: act, assess, follow_up,",
            id="a stage",
        ),
        pytest.param(
            changed(OWNER, f'{OWNER}\nonly_if = "bht"'),
            "Y01.only_if",
            "«bht» is not known. Known: ldl_26, ohs, section_8_1, whistleblowing_routine.",
            id="a condition",
        ),
        pytest.param(
            changed('due = "01-15"', 'due = "01-15", move = "back"'),
            "Y01.windows[1].move",
            "«back» is not known. Known: next, previous.",
            id="a way to move",
        ),
        pytest.param(
            changed('"quantitative"', '"quantative"'),
            "methods.M1.nature",
            "Did you mean quantitative? Known: dialogic, observation, quantitative.",
            id="the nature of a method",
        ),
        pytest.param(
            changed("[ladder]", '[calendar]\nblackouts = ["summer"]\n[ladder]'),
            "calendar.blackouts[1]",
            "«summer» is not known. Known: christmas, easter, fellesferie.",
            id="a blackout",
        ),
        pytest.param(
            changed(OWNER, "owner = 3"),
            "Y01.owner",
            "3 stands where a word in quotes is expected. Known: top_manager",
            id="a role as a number",
        ),
        pytest.param(
            changed(OWNER, 'owner = ["hr"]'),
            "Y01.owner",
            "a list stands where a word in quotes is expected. Known: ",
            id="two owners",
        ),
        pytest.param(
            changed('to = ["hr"]', "to = [3]"),
            "ladder.rungs[2].to[1]",
            "3 stands where a word in quotes is expected. Known: ",
            id="a number in the ladder",
        ),
    ],
)
def test_a_word_that_is_not_known_is_told_with_the_words_that_are(text: str, place: str, words: str) -> None:
    error = fault_in(text)
    assert error.where == f"year.toml: {place}"
    assert words in str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (changed('id = "small"', "id = small"), "line 3"),
        (changed("version = 1", "version = " + "9" * 5000), "not valid TOML"),
        ("x = " + "[" * 100_000, "nested too deep"),
        ("[programme]\nclosed = 2027-02-30", "not valid TOML"),
    ],
    ids=["a word without quotes", "a number without end", "lists in lists in lists", "30 February"],
)
def test_a_file_that_is_no_toml_is_named(text: str, words: str) -> None:
    error = fault_in(text)
    assert error.where == "year.toml"
    assert words in str(error)
    assert error.remedy


def test_a_file_saved_with_a_byte_order_mark_is_read() -> None:
    assert parse_programme("\ufeff" + YEAR) == parse_programme(YEAR)


# --- whatever is written, the answer is a programme or a fault that a person can mend ---------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 400) | st.floats(0, 9) | st.text(max_size=8)
    | st.sampled_from(["", "hr", "Y01", "01-02"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "nb", "steps"]), inner),
    max_leaves=4,
)  # fmt: skip


def paths(node: Any) -> list[tuple[str | int, ...]]:
    keys = range(len(node)) if isinstance(node, list) else node if isinstance(node, dict) else ()
    return [(), *((key, *rest) for key in keys for rest in paths(node[key]))]


def replaced(node: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    inner = replaced(node[path[0]], path[1:], value)
    if isinstance(node, list):
        return [inner if position == path[0] else other for position, other in enumerate(node)]
    return {**node, path[0]: inner}


def toml(value: Any) -> str:
    """The value as TOML on one line; `None` becomes a date."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return "2027-01-15" if value is None else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def told(text: str) -> ProgrammeError | None:
    try:
        parse_programme(text, "year.toml")
    except ProgrammeError as error:
        return error
    return None


@given(st.sampled_from([path for path in paths(tomllib.loads(YEAR)) if path]), values)
def test_whatever_stands_in_a_place_the_programme_is_read_or_the_fault_can_be_mended(
    path: tuple[str | int, ...], value: Any
) -> None:
    spoilt = replaced(tomllib.loads(YEAR), path, value)
    error = told("\n".join(f"{toml(key)} = {toml(inner)}" for key, inner in spoilt.items()))
    if error is not None:
        assert error.where.startswith("year.toml: ")
        assert error.where.removeprefix("year.toml: ").strip(".")
        assert error.fault.endswith(".")
        assert error.remedy.endswith((".", "?"))
        assert not any(words in str(error) for words in ("nput should", "does not fit here"))
