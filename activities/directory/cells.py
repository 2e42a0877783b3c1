"""What the text of one cell means. Every function raises `BadCell` with the code of the fault."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeVar

from stdnum.exceptions import ValidationError
from stdnum.no import orgnr

from activities.directory.columns import folded
from activities.directory.faults import Code
from activities.language import Language
from workflows.rules.organisation import Role

FULL_TIME = Decimal("37.5")
"""Hours a week that 100 per cent stands for."""
MAX_TEXT = 200
FIRST_YEAR, LAST_YEAR = 1950, 2100

T = TypeVar("T")


class BadCell(Exception):
    """A cell that does not hold what its column asks for."""

    def __init__(self, code: Code, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


ROLES: Mapping[str, Role] = {
    folded(name): role
    for role, names in {
        Role.TOP_MANAGER: (
            "toppleder", "øverste leder", "øvste leiar", "toppleiar", "daglig leder", "dagleg leiar",
            "administrerende direktør", "top manager", "general manager", "ceo",
        ),
        Role.MANAGER: ("leder", "leiar", "avdelingsleder", "avdelingsleiar", "nærmeste leder", "manager",
            "line manager"),
        Role.HR: ("hr", "hms-koordinator", "personalansvarlig", "personalansvarleg", "hse coordinator"),
        Role.SAFETY_REP: ("verneombud", "vo", "verneombod", "safety representative", "safety rep"),
        Role.DEPUTY_SAFETY_REP: (
            "vara verneombud", "vara for verneombud", "varaverneombod", "vara for verneombod",
            "deputy safety representative", "deputy safety rep",
        ),
        Role.SENIOR_SAFETY_REP: (
            "hovedverneombud", "hvo", "hovudverneombod", "senior safety representative", "senior safety rep",
        ),
        Role.WEC_CHAIR: ("amu-leder", "leder av amu", "amu-leiar", "leiar av amu", "wec chair"),
        Role.WEC: ("amu-medlem", "amu", "medlem av amu", "wec member", "wec"),
        Role.OHS: ("bht", "bedriftshelsetjeneste", "bedriftshelseteneste", "occupational health service",
            "ohs"),
        Role.UNION_REP: ("tillitsvalgt", "tillitsvald", "union representative", "union rep"),
        Role.DPO: ("personvernombud", "personvernombod", "data protection officer", "dpo"),
        Role.BOARD: ("styret", "styre", "styremedlem", "styreleder", "styreleiar", "board", "board member"),
        Role.CONTACT_PERSON: ("kontaktperson", "contact person"),
    }.items()
    for name in names
}  # fmt: skip
SHOWN_ROLES = (
    "toppleder, leder, HR, verneombud, vara verneombud, hovedverneombud, AMU-leder, AMU-medlem, BHT, "
    "tillitsvalgt, personvernombud, styret, kontaktperson"
)

EmploymentType = Literal["employee", "hired_in", "external"]
_EMPLOYMENT_TYPES: Mapping[EmploymentType, tuple[str, ...]] = {
    "employee": (
        "ansatt", "tilsett", "fast", "fast ansatt", "fast tilsett", "midlertidig", "mellombels", "vikar",
        "lærling", "deltid", "employee", "permanent", "temporary", "apprentice",
    ),
    "hired_in": ("innleid", "innleigd", "hired-in", "hired_in", "agency"),
    "external": ("ekstern", "external"),
}  # fmt: skip
EMPLOYMENT_TYPES = {folded(name): kind for kind, names in _EMPLOYMENT_TYPES.items() for name in names}
LANGUAGES: Mapping[str, Language] = {
    "nb": "nb", "no": "nb", "bokmål": "nb", "norsk": "nb", "nbno": "nb", "norwegian": "nb",
    "nn": "nn", "nynorsk": "nn", "nnno": "nn",
    "en": "en", "engelsk": "en", "english": "en", "engb": "en", "enus": "en",
}  # fmt: skip
SECTORS: Mapping[str, Literal["private", "public"]] = {
    "privat": "private", "private": "private", "offentlig": "public", "offentleg": "public",
        "public": "public",
}  # fmt: skip
YES_NO: Mapping[str, bool] = {
    "ja": True, "yes": True, "true": True, "sann": True, "x": True, "1": True,
    "nei": False, "no": False, "false": False, "usann": False, "0": False,
}  # fmt: skip

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_NORWEGIAN = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?: 00:00(?::00)?)?", re.ASCII)
_EMAIL = re.compile(r"[^\s@,;<>()\[\]\"\\]+@[^\s@,;<>()\[\]\"\\.]+(\.[^\s@,;<>()\[\]\"\\.]+)+")
_PLAIN_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "đ": "d", "ŋ": "n", "ŧ": "t", "ß": "ss", "ł": "l"}
)


def text_of(cell: str) -> str:
    """A name, its spaces made single. Invisible characters can forge a mail heading and are refused."""
    text = " ".join(cell.split())
    if any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") for c in text):
        raise BadCell("bad_characters", value=text)
    if len(text) > MAX_TEXT:
        raise BadCell("too_long", length=len(text), limit=MAX_TEXT)
    return text


def day_of(cell: str) -> date:
    """2026-01-31 or 31.01.2026. Slashes and two-digit years are refused, for they can be read in two ways."""
    if match := _ISO.fullmatch(cell):
        year, month, day = (int(g) for g in match.groups())
    elif match := _NORWEGIAN.fullmatch(cell):
        day, month, year = (int(g) for g in match.groups())
    else:
        raise BadCell("bad_date", value=cell)
    try:
        found = date(year, month, day)
    except ValueError as error:
        raise BadCell("bad_date", value=cell) from error
    if not (FIRST_YEAR <= year <= LAST_YEAR or found == date(9999, 12, 31)):
        raise BadCell("bad_date", value=cell)
    return found


def end_of(cell: str) -> date | None:
    """The first day after the last day that the cell names; 31.12.9999 is how some systems write no end."""
    last = day_of(cell)
    return None if last.year > LAST_YEAR else last + timedelta(days=1)


def hours_of(cell: str) -> Decimal:
    """Hours a week, more than 0 and at most 60."""
    hours = _number(cell)
    if hours is None or not 0 < hours <= 60:
        raise BadCell("bad_hours", value=cell)
    return hours


def hours_of_percentage(cell: str) -> Decimal:
    """Hours a week for a part of full time, 37.5 hours, to the nearest hundredth.

    A spreadsheet that shows 80 % holds 0.8; so a bare number of at most 1 is a part of one, not per cent.
    """
    number = _number(cell.removesuffix("%").strip())
    if number is None:
        raise BadCell("bad_percentage", value=cell)
    if number <= 1 and not cell.endswith("%"):
        number *= 100
    hours = (FULL_TIME * number / 100).quantize(Decimal("0.01"))
    if not 0 < hours <= 60:
        raise BadCell("bad_percentage", value=cell)
    return hours.normalize() + Decimal(0)


def _number(cell: str) -> Decimal | None:
    if not re.fullmatch(r"\d{1,6}([.,]\d{1,6})?", cell, re.ASCII):
        return None
    try:
        return Decimal(cell.replace(",", "."))
    except InvalidOperation:
        return None


def email_of(cell: str) -> str:
    text = text_of(cell)
    if not _EMAIL.fullmatch(text) or len(text) > 254:
        raise BadCell("bad_email", value=text)
    return text


def org_number_of(cell: str) -> str:
    """Nine digits whose last one checks the others (modulus 11, Brønnøysundregistrene)."""
    try:
        return str(orgnr.validate(cell.replace("\u00a0", " ")))
    except ValidationError as error:
        raise BadCell("bad_org_number", value=cell) from error


def id_of(cell: str) -> str:
    """An id made of the employer's own: small letters a–z, digits and hyphens, at most 63."""
    letters = unicodedata.normalize("NFKD", cell.casefold().translate(_PLAIN_LETTERS))
    ascii_only = "".join(c for c in letters if not unicodedata.combining(c))
    found = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:63].strip("-")
    if not found:
        raise BadCell("bad_id", value=cell)
    return found


def choice_of(cell: str, choices: Mapping[str, T], known: str) -> T:
    found = choices.get(folded(cell))
    if found is None:
        raise BadCell("unknown_choice", value=cell, known=known)
    return found


def role_of(cell: str) -> Role:
    found = ROLES.get(folded(cell))
    if found is None:
        raise BadCell("unknown_role", value=cell, known=SHOWN_ROLES)
    return found
