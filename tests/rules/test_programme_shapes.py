"""A number, a list, a table or a text that does not fit is told with what does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_year import YEAR, changed, fault_in

OWNER = 'owner = "top_manager"'


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(
            changed("days = 3", "days = 0"),
            "ladder.rungs[1].days",
            "0 is too small. Write a whole number of 1 or more.",
            id="a rung on the day",
        ),
        pytest.param(
            changed("days = 10", "days = 121"),
            "ladder.rungs[2].days",
            "121 is too large. Write a whole number of 120 or less.",
            id="a rung too late",
        ),
        pytest.param(
            changed("days = 3", 'days = "3"'),
            "ladder.rungs[1].days",
            "«3» stands where a whole number is expected. Write digits, without quotes.",
            id="a number in quotes",
        ),
        pytest.param(
            changed("order = 1 }", "order = 0 }"),
            "Y01.gate[1].order",
            "0 is too small. Write a whole number of 1 or more.",
            id="an order of nought",
        ),
        pytest.param(
            changed("order = 1 }", "order = true }"),
            "Y01.gate[1].order",
            "true stands where a whole number is expected.",
            id="an order of true",
        ),
        pytest.param(
            changed("version = 1", "version = 1.5"),
            "programme.version",
            "1.5 stands where a whole number is expected.",
            id="half a version",
        ),
        pytest.param(
            changed("order = 2 }", 'order = 2, four_eyes = "yes" }'),
            "Y01.gate[2].four_eyes",
            "«yes» stands where yes or no is expected. Write true or false, without quotes.",
            id="yes in quotes",
        ),
        pytest.param(
            changed("[14, 3, 0]", "[14, 3, -1]"),
            "ladder.reminders[3]",
            "-1 is too small. Write a whole number of 0 or more.",
            id="a reminder after the due date",
        ),
        pytest.param(
            changed("[14, 3, 0]", "[3, 14, 0]"),
            "ladder.reminders",
            "3, 14, 0 are not nearer and nearer to the due date. "
            "Write the days before it, each smaller than the one before: 14, 3, 0.",
            id="reminders that climb",
        ),
        pytest.param(
            changed("[14, 3, 0]", "[14, 14, 0]"),
            "ladder.reminders",
            "each smaller than the one before",
            id="a reminder twice",
        ),
        pytest.param(
            changed("days = 3", "days = 12"),
            "ladder.rungs",
            "the rungs stand at 12, 10 days. Let each rung come later than the one before: "
            "order them by days.",
            id="rungs out of order",
        ),
        pytest.param(
            changed("days = 3", "days = 10"),
            "ladder.rungs",
            "order them by days",
            id="two rungs on one day",
        ),
        pytest.param(
            changed("[ladder]", "[calendar]\nhour = 24\n[ladder]"),
            "calendar.hour",
            "24 is not an hour of the day. Write the local hour in Oslo, from 0 to 23.",
            id="an hour that the day has not",
        ),
        pytest.param(
            changed("[ladder]", "[calendar]\nfellesferie_weeks = [54]\n[ladder]"),
            "calendar.fellesferie_weeks",
            "54 is not an ISO week. List weeks from 1 to 53",
            id="a week too many",
        ),
    ],
)
def test_a_number_that_does_not_fit_is_told_with_those_that_do(text: str, place: str, words: str) -> None:
    error = fault_in(text)
    assert error.where == f"year.toml: {place}"
    assert words in str(error)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(
            "programme = 3",
            "programme",
            "3 stands where a table is expected. Write [programme], and under it id, version, name, closes.",
            id="the programme is a number",
        ),
        pytest.param(
            changed("[programme]", "[[programme]]"),
            "programme",
            "a list stands where a table is expected. Write [programme]",
            id="many programmes",
        ),
        pytest.param(
            "version = 2\n" + YEAR,
            "version",
            "«version» stands here and under [programme]. Keep one of the two.",
            id="a key in two places",
        ),
        pytest.param(
            YEAR[: YEAR.index("[[steps]]")] + '[steps]\nid = "Y01"\n',
            "steps",
            "[steps] is one table, and there may be many. Write [[steps]], in double brackets.",
            id="steps in single brackets",
        ),
        pytest.param(
            changed("[[methods]]", "[methods]"),
            "methods",
            "Write [[methods]], in double brackets.",
            id="methods in single brackets",
        ),
        pytest.param(
            changed('participants = ["senior_safety_rep"]', 'participants = "senior_safety_rep"'),
            "Y01.participants",
            '«senior_safety_rep» stands where a list is expected. Put it in brackets, as ["…"].',
            id="one who is no list",
        ),
        pytest.param(
            changed('[{ opens = "01-02", due = "01-15" }]', '{ opens = "01-02", due = "01-15" }'),
            "Y01.windows",
            "a table stands where a list is expected. Put it in brackets: [{ … }].",
            id="one window that is no list",
        ),
        pytest.param(
            changed('[{ opens = "01-02", due = "01-15" }]', '["01-02"]'),
            "Y01.windows[1]",
            "«01-02» stands where a table is expected. Write a table with opens, due, move.",
            id="a window of one day",
        ),
        pytest.param(
            changed('[{ opens = "01-02", due = "01-15" }]', "[]"),
            "Y01.windows",
            "the list is empty. List at least one",
            id="no window",
        ),
        pytest.param(
            changed(OWNER, f"{OWNER}\nprofiles = []"),
            "Y01.profiles",
            "the list is empty. List at least one, or remove the key",
            id="a step for nobody",
        ),
        pytest.param(
            changed('to = ["hr"]', "to = []"),
            "ladder.rungs[2].to",
            "the list is empty. List at least one",
            id="a rung that tells nobody",
        ),
        pytest.param(
            changed('name = { nb = "Mål", en = "Goals" }', 'name = "Goals"'),
            "Y01.name",
            "«Goals» stands where a table is expected. Write a table with nb, en, nn.",
            id="a name in one language",
        ),
        pytest.param(
            changed('nb = "Mål"', 'nb = " "'),
            "Y01.name.nb",
            "« » is not a text. Write the text.",
            id="a name that is blank",
        ),
        pytest.param(
            changed('nb = "Mål"', "nb = 2027-01-15"),
            "Y01.name.nb",
            "2027-01-15 stands where a text is expected. Write a text in quotes.",
            id="a date as a name",
        ),
        pytest.param(
            changed('id = "Y01"', 'id = "Y1"'),
            "Y1.id",
            "«Y1» is not the id of a step. Write a capital letter and two or three digits, like Y07.",
            id="a step's id",
        ),
        pytest.param(
            changed('id = "M1"', 'id = "pulse"'),
            "methods.pulse.id",
            "«pulse» is not the id of a method. Write M and one digit, like M2.",
            id="a method's id",
        ),
        pytest.param(
            changed('id = "workload"', 'id = "Work load"'),
            "factors[1].id",
            "«Work load» is not the id of a factor. Write small letters, digits and _,",
            id="a factor's id",
        ),
    ],
)
def test_a_value_of_the_wrong_shape_is_told_with_the_shape_that_fits(
    text: str, place: str, words: str
) -> None:
    error = fault_in(text)
    assert error.where == f"year.toml: {place}"
    assert words in str(error)
