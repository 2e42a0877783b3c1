"""National identity numbers are found however they are written, and other numbers are left alone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.no import fodselsnummer

from activities.directory.national_ids import contains_national_id, mask


def number(day: int, month: int, year: int, serial: int) -> str:
    """A number with check digits that fit; `assume` fails where there is none."""
    body = f"{day:02d}{month:02d}{year:02d}{serial:03d}"
    first = fodselsnummer.calc_check_digit1(body)
    assume(len(first) == 1)
    second = fodselsnummer.calc_check_digit2(body + first)
    assume(len(second) == 1)
    return body + first + second


births = st.dates(date(1940, 1, 1), date(2026, 12, 31))
serials = st.integers(0, 999)
shifts = st.sampled_from([(0, 0), (40, 0), (0, 40), (0, 80), (40, 40), (40, 80)])


@given(births, serials, shifts, st.sampled_from(["", " ", "-", ".", "\u00a0", "\u202f", "  ", " - "[:2]]))
def test_birth_numbers_d_numbers_and_synthetic_numbers_are_found(
    birth: date, serial: int, shift: tuple[int, int], separator: str
) -> None:
    found = number(birth.day + shift[0], birth.month + shift[1], birth.year % 100, serial)
    written = f"Født {found[:6]}{separator}{found[6:]}, fast"
    assert contains_national_id(found)
    assert contains_national_id(written)
    assert found[6:] not in mask(written)


@given(births, serials)
def test_a_number_that_a_spreadsheet_has_taken_the_first_zero_from_is_found(birth: date, serial: int) -> None:
    assume(birth.day < 10)
    found = number(birth.day, birth.month, birth.year % 100, serial)
    assert contains_national_id(found[1:])


@pytest.mark.parametrize(
    "text",
    [
        "０１８１７０１２０６６",
        "0181\u200b7012066",
        "٠١٨١٧٠١٢٠٦٦",
        "01.81.70 12066",
        "x01817012066y",
        "12 01817012066",
        "40000000 01817012066",
    ],
)
def test_disguises_are_seen_through(text: str) -> None:
    assert contains_national_id(text)
    assert "12066" not in mask(text)


@pytest.mark.parametrize(
    "text",
    ["", "802314507", "802 314 507", "+47 400 00 000", "4740000000", "2026-01-31", "01817012067",
     "001817012066",
     "018170120661", "00000000000", "1234567890", "kari@bakeri.example", "31.12.2026 - 01.02.2027"],
)  # fmt: skip
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not contains_national_id(text)


def test_short_numbers_are_not_masked() -> None:
    assert mask("802 314 507, tlf. 400 00 000, 2026-01-31") == "802 314 507, tlf. 400 00 000, 2026-01-31"
