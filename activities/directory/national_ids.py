"""Norwegian national identity numbers: found wherever they stand, so that they can be refused.

Covers birth numbers (fødselsnummer), D-numbers (day + 40) and the synthetic numbers of test data (month + 40
and month + 80), written with or without separators. Source: Skatteetaten, Folkeregisterets identifikatorer;
check digits by python-stdnum.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange

from stdnum.no import fodselsnummer

_SEPARATORS = r"[ .:/\-\u2010-\u2015_']{0,2}"
# A lookahead, so that candidates may overlap: the number may follow straight after another one.
_ELEVEN = re.compile(rf"(?<!\d)(?=((?:\d{_SEPARATORS}){{10}}\d)(?!\d))")
_TEN = re.compile(r"\d{10}")
_LONG = re.compile(rf"(?<!\d)(?:\d{_SEPARATORS}){{9,}}\d")


def contains_national_id(text: str) -> bool:
    """Whether a national identity number stands anywhere in `text`.

    A text that is ten digits and nothing else is tried with a zero in front, because spreadsheets drop it.
    """
    if sum(c.isdecimal() for c in text) < 10:
        return False
    plain = _plain(text)
    candidates = [re.sub(r"\D", "", m.group(1)) for m in _ELEVEN.finditer(plain)]
    if _TEN.fullmatch(plain.strip()):
        candidates.append("0" + plain.strip())
    return any(_is_national_id(c) for c in candidates)


def mask(text: str) -> str:
    """`text` with every number of ten digits or more taken out, whether its check digits fit or not."""
    if sum(c.isdecimal() for c in text) < 10:
        return text
    return _LONG.sub("***", _plain(text))


def _plain(text: str) -> str:
    """The same text with ordinary digits and spaces and without invisible characters."""
    kept = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else " " if c.isspace() else c for c in kept)


def _is_national_id(digits: str) -> bool:
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    if day > 40:
        day -= 40
    if month > 80:
        month -= 80
    elif month > 40:
        month -= 40
    # The century is left open; in this one every fourth year is a leap year, as in most birth dates.
    if not (1 <= month <= 12 and 1 <= day <= monthrange(2000 + year, month)[1]):
        return False
    return digits[9] == fodselsnummer.calc_check_digit1(digits) and digits[
        10
    ] == fodselsnummer.calc_check_digit2(digits)
