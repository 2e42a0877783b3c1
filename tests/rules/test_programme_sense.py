"""A programme of the right shape must make sense too: ids, days, gates and the order of its steps."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from small_year import SECOND, YEAR, changed, fault_in

from workflows.rules.organisation import EMPLOYER_SIDE, Role
from workflows.rules.programme import Kind, ProgrammeError
from workflows.rules.programme_file import parse_programme

OWNER = 'owner = "top_manager"'
DUE = 'due = "01-15"'
OPENS = 'opens = "01-02"'
CLOSES = 'closes = "01-31"'
FIRST_SLOT = '{ kind = "consult", role = "senior_safety_rep", order = 1 }'
TABLE = {
    "methods": '[[methods]]\nid = "M1"\nname = { nb = "x", en = "x" }\nnature = "dialogic"\n',
    "factors": '[[factors]]\nid = "workload"\nname = { nb = "x", en = "x" }\nlaw = "AML-4-3-1"\n',
    "later": '[[later]]\nrequirement = "R-28"\nby = { nb = "x", en = "x" }\n',
}


def gated(kind: str, role: str) -> str:
    return changed(FIRST_SLOT, f'{{ kind = "{kind}", role = "{role}" }}')


# --- ids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(
            YEAR + SECOND,
            "Y02",
            "the step is written twice. Give one of them another id, or remove it.",
            id="a step",
        ),
        pytest.param(YEAR + TABLE["methods"], "methods.M1", "the method is written twice.", id="a method"),
        pytest.param(
            YEAR + TABLE["factors"], "factors.workload", "the factor is written twice.", id="a factor"
        ),
        pytest.param(
            YEAR + TABLE["later"], "later.R-28", "the requirement is written twice.", id="a later one"
        ),
        pytest.param(
            changed('participants = ["senior_safety_rep"]', 'participants = ["hr", "hr"]'),
            "Y01.participants[2]",
            "«hr» is listed twice. Remove it, or write the one that was meant.",
            id="a participant",
        ),
        pytest.param(
            changed(OWNER, f'{OWNER}\nprofiles = ["small", "small"]'),
            "Y01.profiles[2]",
            "«small» is listed twice.",
            id="a size",
        ),
        pytest.param(
            changed(OWNER, f'{OWNER}\nmedium.inform = ["hr", "wec", "hr"]'),
            "Y01.medium.inform[3]",
            "«hr» is listed twice.",
            id="one who is informed in a variant",
        ),
        pytest.param(
            changed('methods = ["M1"]', 'methods = ["M1", "M1"]'),
            "Y02.methods[2]",
            "«M1» is listed twice.",
            id="a method of a step",
        ),
        pytest.param(
            changed('to = ["hr"]', 'to = ["leader_of_owner", "leader_of_owner"]'),
            "ladder.rungs[2].to[2]",
            "«leader_of_owner» is listed twice.",
            id="one who is told on a rung",
        ),
    ],
)
def test_nothing_is_written_twice(text: str, place: str, words: str) -> None:
    error = fault_in(text)
    assert error.where == f"year.toml: {place}"
    assert words in str(error)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(
            changed('methods = ["M1"]', 'methods = ["M9"]'),
            "Y02.methods",
            "no method «M9». Known: M1.",
            id="a method",
        ),
        pytest.param(
            changed(OWNER, f'{OWNER}\nsmall.methods = ["M2"]'),
            "Y01.small.methods",
            "no method «M2». Known: M1.",
            id="a method of a variant",
        ),
        pytest.param(
            changed(YEAR[YEAR.index("[[methods]]") : YEAR.index("[[later]]")], ""),
            "Y02.methods",
            "no method «M1». The file has none: add it, or remove this.",
            id="a method of none",
        ),
        pytest.param(
            changed(DUE, 'due = "Y09 + 14 d"'),
            "Y01.windows[1].due",
            "no step «Y09». Did you mean Y0",
            id="a step that a date counts from",
        ),
        pytest.param(
            changed(OWNER, f'{OWNER}\nbuilds_on = ["Y20"]'),
            "Y01.builds_on",
            "no step «Y20». Did you mean Y02 or Y01? Known: Y01, Y02.",
            id="a step that is built on",
        ),
    ],
)
def test_what_is_named_exists(text: str, place: str, words: str) -> None:
    error = fault_in(text)
    assert error.where == f"year.toml: {place}"
    assert words in str(error)


# --- days ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(
            changed(DUE, 'due = "02-30"'),
            "Y01.windows[1].due",
            "Choose a day that each year has.",
            id="30 February",
        ),
        pytest.param(
            changed(DUE, 'due = "02-29"'),
            "Y01.windows[1].due",
            "Choose a day that each year has.",
            id="a leap day",
        ),
        pytest.param(
            changed("at latest 06-01", "at latest 06-31"),
            "Y02.windows[1].due",
            "Choose a day that each year has.",
            id="31 June as the limit",
        ),
        pytest.param(
            changed("at latest 06-01", "at latest june"),
            "Y02.windows[1].due",
            "has no day after «at latest». Write one as MM-DD, e.g. 06-01.",
            id="a limit in words",
        ),
        pytest.param(
            changed(DUE, 'due = "05-20, at latest "'),
            "Y01.windows[1].due",
            "«05-20, at latest » has no day after «at latest».",
            id="a limit that is none",
        ),
        pytest.param(
            changed("2nd monday", "2th monday"),
            "Y02.windows[1].opens",
            "«2th monday of march» is not a day. Write 05-20, «2nd monday of march»",
            id="the 2th Monday",
        ),
        pytest.param(
            changed(DUE, 'due = "15 January"'),
            "Y01.windows[1].due",
            "«15 January» is not a day. Write 05-20",
            id="a day in words",
        ),
        pytest.param(
            changed(DUE, "due = 2026-01-15"),
            "Y01.windows[1].due",
            "2026-01-15 is a date of one year, and the programme is for every year. "
            'Write the day alone, in quotes: "01-15".',
            id="a date without quotes",
        ),
        pytest.param(
            changed(CLOSES, "closes = 2027-01-31T08:00:00Z"),
            "programme.closes",
            'in quotes: "01-31".',
            id="a moment without quotes",
        ),
        pytest.param(
            changed(DUE, "due = 15"),
            "Y01.windows[1].due",
            'this is not a day. Write it in quotes, like "05-20"',
            id="a number of days",
        ),
        pytest.param(
            changed(DUE, 'due = { text = "whenever", month = 13 }'),
            "Y01.windows[1].due",
            "this is not a day.",
            id="a day taken apart",
        ),
        pytest.param(
            changed(DUE, 'due = "due + 3 d"'),
            "Y01.windows[1].due",
            "«due + 3 d» counts from itself. Count from another day.",
            id="due from due",
        ),
        pytest.param(
            changed(OPENS, 'opens = "opens - 3 d"'),
            "Y01.windows[1].opens",
            "Count from another day.",
            id="opening from opening",
        ),
        pytest.param(
            changed(f"{OPENS}, {DUE}", 'opens = "due - 3 d", due = "opens + 3 d"'),
            "Y01.windows[1]",
            "from each other. Give one of them a day.",
            id="a window in the air",
        ),
        pytest.param(
            changed(OPENS, 'opens = "01-02, at latest 01-05"'),
            "Y01.windows[1].opens",
            "only a due date has an «at latest». Write the day it opens, without a limit.",
            id="an opening with a limit",
        ),
        *(
            pytest.param(
                changed(CLOSES, f'closes = "{day}"'),
                "programme.closes",
                f"«{day}» is not one day of the following year. Write it as MM-DD, e.g. 01-31.",
                id=f"closing {day}",
            )
            for day in ("Y02 + 14 d", "opens + 14 d", "due + 14 d", "01-31, at latest 02-05")
        ),
    ],
)
def test_a_day_that_is_none_is_told_with_what_to_write(text: str, place: str, words: str) -> None:
    error = fault_in(text)
    assert error.where == f"year.toml: {place}"
    assert words in str(error)


def test_the_second_window_of_a_step_is_named_by_its_number() -> None:
    text = changed(f"[{{ {OPENS}, {DUE} }}]", f'[{{ {OPENS}, {DUE} }}, {{ {OPENS}, due = "due + 1 d" }}]')
    assert fault_in(text).where == "year.toml: Y01.windows[2].due"
    assert fault_in(text.replace("due + 1 d", "13-01")).where == "year.toml: Y01.windows[2].due"


def test_the_year_may_close_on_a_weekday_of_a_month() -> None:
    assert parse_programme(changed(CLOSES, 'closes = "1st friday of february"')).closes.nth == 1


# --- gates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(set(Role) - EMPLOYER_SIDE))
def test_who_does_not_act_for_the_employer_cannot_approve(role: Role) -> None:
    error = fault_in(gated("approve", role))
    assert error.where == "year.toml: Y01.gate[1].role"
    assert error.fault == f"{role} cannot approve: the employer's side decides (aml. § 2-1)."
    assert error.remedy == 'Write kind = "consult", or let one of board, hr, manager, top_manager approve.'


@pytest.mark.parametrize("role", sorted(EMPLOYER_SIDE - {Role.TOP_MANAGER}))
def test_who_acts_for_the_employer_may_approve(role: Role) -> None:
    slot = parse_programme(gated("approve", role)).step("Y01").gate[0]
    assert (slot.kind, slot.role) == (Kind.APPROVE, role)


@pytest.mark.parametrize("size", ["small", "medium"])
def test_a_variants_gate_is_held_to_the_same(size: str) -> None:
    gate = '[{ kind = "consult", role = "wec" }, { kind = "approve", role = "employees" }]'
    error = fault_in(changed(OWNER, f"{OWNER}\n{size}.gate = {gate}"))
    assert error.where == f"year.toml: Y01.{size}.gate[2].role"
    assert "employees cannot approve" in error.fault


def test_a_role_is_not_asked_the_same_twice_in_a_gate() -> None:
    error = fault_in(gated("approve", "top_manager"))
    assert error.where == "year.toml: Y01.gate[2].role"
    assert error.fault == "top_manager stands twice under approve."
    assert error.remedy == "Remove one; use `quorum` to ask for more than one of them."


def test_a_role_has_one_part_in_a_gate() -> None:
    error = fault_in(gated("consult", "top_manager"))
    assert error.where == "year.toml: Y01.gate[2].role"
    assert error.fault == "top_manager stands both under consult and under approve."
    assert error.remedy == "A role has one part in a gate: keep one, or name another role."


def test_more_than_one_holder_of_a_role_may_be_asked_for() -> None:
    programme = parse_programme(changed("order = 2 }", "order = 2, quorum = 2 }"))
    assert programme.step("Y01").gate[1].quorum == 2


# --- the order of the steps ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ("Y01 + 1 d", "Y02 + 1 d", "Y01 → Y01"),
        ("Y02 + 1 d", "Y01 + 1 d", "Y01 → Y02 → Y01"),
    ],
)
def test_steps_that_wait_for_each_other_are_named_as_the_way_round(
    first: str, second: str, path: str
) -> None:
    text = changed(DUE, f'due = "{first}"').replace("opens + 21 d, at latest 06-01", second)
    error = fault_in(text)
    assert error.where == "year.toml: Y01"
    assert error.fault == f"the steps wait for each other: {path}."
    assert error.remedy == "Give one of them a day of its own, or take it out of `builds_on`."


def test_a_step_cannot_build_on_itself() -> None:
    error = fault_in(changed(OWNER, f'{OWNER}\nbuilds_on = ["Y01"]'))
    assert (error.where, error.fault) == ("year.toml: Y01", "the steps wait for each other: Y01 → Y01.")


def test_a_step_cannot_build_on_one_whose_dates_count_from_it() -> None:
    text = changed(OWNER, f'{OWNER}\nbuilds_on = ["Y02"]')
    text = text.replace("opens + 21 d, at latest 06-01", "Y01 + 90 d")
    assert "wait for each other: Y01 → Y02 → Y01." in str(fault_in(text))


def test_a_way_round_that_starts_further_on_is_named_without_the_steps_that_lead_to_it() -> None:
    third = SECOND.replace("Y02", "Y03").replace("opens + 21 d, at latest 06-01", "Y02 + 2 d")
    text = changed(DUE, 'due = "Y02 + 1 d"').replace("opens + 21 d, at latest 06-01", "Y03 + 1 d")
    assert "wait for each other: Y02 → Y03 → Y02." in str(fault_in(text + third))


def test_steps_that_share_a_predecessor_are_no_way_round() -> None:
    third = SECOND.replace("Y02", "Y03").replace("opens + 21 d, at latest 06-01", "Y01 + 90 d")
    text = changed("opens + 21 d, at latest 06-01", "Y01 + 80 d") + third + 'builds_on = ["Y01", "Y02"]\n'
    assert [s.id for s in parse_programme(text).steps] == ["Y01", "Y02", "Y03"]


IDS = ("Y01", "Y02", "Y03", "Y04", "Y05")


@given(st.sets(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS))))
def test_steps_may_build_on_each_other_in_every_way_that_has_a_beginning(edges: set[tuple[str, str]]) -> None:
    """In order just when some order of the steps has each after all that it builds on."""
    wanted = {id: sorted(other for here, other in edges if here == id) for id in IDS}
    steps = [SECOND.replace("Y02", id) + f"builds_on = {wanted[id]}\n" for id in IDS]
    text = YEAR[: YEAR.index("[[steps]]")] + "".join(steps)
    in_order = any(
        all(order.index(other) < order.index(id) for id, other in edges)
        for order in itertools.permutations(IDS)
    )
    try:
        parse_programme(text)
    except ProgrammeError as error:
        assert not in_order
        way = error.fault.removeprefix("the steps wait for each other: ").removesuffix(".").split(" → ")
        assert all(pair in edges for pair in itertools.pairwise(way))
        assert way[0] == way[-1] == min(way)
    else:
        assert in_order


def test_the_first_fault_of_many_is_told_and_nothing_is_read() -> None:
    text = changed(OWNER, 'owner = "top_manger"').replace('"M1"]', '"M9"]')
    assert "top_manger" in str(fault_in(text))
