"""A day of the year, as a programme writes it, and the window that two of them make."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workflows.rules.programme import MONTHS, WEEKDAYS, Misread, When, Window

LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
month_days = st.integers(1, 12).flatmap(lambda m: st.tuples(st.just(m), st.integers(1, LENGTHS[m - 1])))
bases = st.sampled_from(["opens", "due"]) | st.builds(
    "{}{:02}".format, st.sampled_from("ABCXYZ"), st.integers(0, 999)
)


@st.composite
def whens(draw: st.DrawFn) -> tuple[str, When]:
    """An expression and what it should be read as."""
    form = draw(st.sampled_from(["day", "nth", "offset"]))
    latest = draw(st.none() | month_days)
    tail = f", at latest {latest[0]:02}-{latest[1]:02}" if latest else ""
    if form == "day":
        month, day = draw(month_days)
        text = f"{month:02}-{day:02}{tail}"
        return text, When(text=text, month=month, day=day, latest=latest)
    if form == "nth":
        number, weekday, month = draw(st.integers(1, 4)), draw(st.integers(0, 6)), draw(st.integers(1, 12))
        ordinal = ("1st", "2nd", "3rd", "4th")[number - 1]
        text = f"{ordinal} {WEEKDAYS[weekday]} of {MONTHS[month - 1]}{tail}"
        return text, When(text=text, month=month, weekday=weekday, nth=number, latest=latest)
    base, days = draw(bases), draw(st.integers(-999, 999))
    text = f"{base} {'-' if days < 0 else '+'} {abs(days)} d{tail}"
    return text, When(text=text, base=base, days=days, latest=latest)


@given(whens())
def test_every_form_of_a_day_is_read_as_what_it_says(case: tuple[str, When]) -> None:
    text, expected = case
    assert When.parse(text) == expected


@given(whens(), whens())
def test_a_window_written_out_and_read_again_is_the_same(
    opens: tuple[str, When], due: tuple[str, When]
) -> None:
    window = Window(opens=opens[1], due=due[1])
    written = window.model_dump(mode="json")
    assert written == {"opens": opens[0], "due": due[0], "move": "next"}
    assert Window.model_validate(written) == window


@pytest.mark.parametrize(
    "text",
    [
        "", "5-20", "05-2", "05/20", "2026-05-20", "00-10", "13-01", "04-31", "02-29", "01-00",
        "5th monday of march", "2nd Monday of March", "2nd mandag of march", "monday of march",
        "1nd monday of march", "2th monday of march", "3st monday of march", "4rd monday of march",
        "opens + 21", "opens + 21 days", "opens+21d", "opens 21 d", "closes + 3 d", "y12 + 3 d", "Y1 + 3 d",
        "due - 1000 d", "05-20, at latest", "05-20, at latest ", "05-20, at latest 6-1",
        "05-20 at latest 06-01", "05-20, at latest 06-01, at latest 06-02", "05-20, at latest 06-01\n",
        " 05-20", "05-20 ", "05-20\n", "٠٥-٢٠", "Y٠١ + 3 d",
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused_with_the_text_and_what_to_write_instead(text: str) -> None:
    with pytest.raises(Misread) as caught:
        When.parse(text)
    assert f"«{text}»" in caught.value.fault
    remedies = ("Write 05-20", "Write one as MM-DD", "Choose a day that each year has")
    assert caught.value.remedy.startswith(remedies)


@pytest.mark.parametrize(
    "value",
    [
        15, 1.5, True, None, date(2026, 1, 15), datetime(2026, 1, 15, 8, tzinfo=UTC), time(8), ["01-15"],
        {"text": "01-15"},
    ],
)  # fmt: skip
def test_a_day_is_written_as_text_and_as_nothing_else(value: object) -> None:
    with pytest.raises(ValidationError, match="in quotes"):
        Window.model_validate({"opens": "01-02", "due": value})


@given(st.text("0123456789-+, abcdehilmnoprstuyYZ§ø", max_size=30))
def test_any_text_is_read_or_refused_with_the_text_itself(text: str) -> None:
    try:
        said = When.parse(text).text
    except ValueError as refusal:
        said = str(refusal)
    assert text in said
