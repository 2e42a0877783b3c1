"""The tables of an import and the headings they are known by, in bokmål, nynorsk and English."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Set
from typing import Literal, NamedTuple

Kind = Literal["employer", "units", "people", "roles", "absences"]


class Column(NamedTuple):
    """One column: the headings that mean it, the first as shown, and whether it must be there."""

    headings: tuple[str, ...]
    required: bool = False


_SINCE = Column((
    "fra", "frå", "fra dato", "fra og med", "fom", "startdato", "start", "gyldig fra", "ansatt fra",
    "ansattdato",
    "tilsett frå", "from", "since", "start date", "valid from", "hire date",
))  # fmt: skip
_UNTIL = Column((
    "til", "til dato", "til og med", "tom", "sluttdato", "slutt", "gyldig til", "ansatt til", "tilsett til",
    "to", "until", "end date", "valid to", "last day",
))  # fmt: skip
_KEY = Column(
    (
        "ansattnr", "ansattnummer", "ansatt nr.", "ansatt-id", "personalnr", "tilsettnr", "tilsettnummer",
        "employee number", "employee no", "employee id", "personnel number",
    ),
    required=True,
)  # fmt: skip
_UNIT = Column((
    "enhet", "avdeling", "eining", "enhetsid", "avdelingsnr", "einingsid", "unit", "unit id", "department",
))  # fmt: skip
_AREA = Column(("verneområde", "verneomraade", "verneomrade", "safety area"))
_NAME = Column(("navn", "namn", "fullt navn", "fullt namn", "name", "full name"), required=True)

TABLES: Mapping[Kind, Mapping[str, Column]] = {
    "employer": {
        "id": Column(("id", "kortnavn", "kortnamn", "short name")),
        "org_number": Column(
            ("orgnr", "org_number", "organisasjonsnummer", "orgnummer", "organisation number",
                "organization number"),
            required=True,
        ),
        "name": Column(("navn", "namn", "name", "virksomhet", "verksemd", "employer"), required=True),
        "sector": Column(("sektor", "sector")),
        "ohs_required": Column(("bht", "bht-plikt", "bht påkrevd", "bht påkravd", "ohs_required")),
        "wec_demanded": Column(("amu krevd", "amu kravd", "wec_demanded")),
        "ldl_26_demanded": Column(("ldl 26 krevd", "ldl § 26 krevd", "ldl 26 kravd", "ldl_26_demanded")),
    },
    "units": {
        "id": Column(
            (
                "id", "enhetsid", "enhetsnr", "enhetskode", "avdelingsnr", "avdelingskode", "einingsid",
                "einingsnr",
                "unit id", "unit number", "department id", "kode", "code",
            ),
            required=True,
        ),
        "name": Column((*_NAME.headings, "enhetsnavn", "avdelingsnavn", "einingsnamn",
            "unit name"), required=True),
        "parent": Column(
            ("overordnet", "overordna", "overordnet enhet", "overordna eining", "parent", "parent unit",
                "reports to")
        ),
        "area": _AREA,
        "since": _SINCE,
        "until": _UNTIL,
    },
    "people": {
        "key": _KEY,
        "name": _NAME,
        "given": Column(("fornavn", "førenamn", "fornamn", "first name", "given name")),
        "family": Column(("etternavn", "etternamn", "last name", "surname", "family name")),
        "email": Column(("e-post", "e-postadresse", "epost", "e-mail", "mail",
            "email address"), required=True),
        "unit": _UNIT._replace(required=True),
        "percentage": Column(
            ("stillingsprosent", "stillingspst", "prosent", "stilling %", "position percentage", "fte %",
                "percentage")
        ),
        "hours": Column(
            ("timer per uke", "timer pr uke", "ukestimer", "timar per veke", "timar i veka", "hours per week",
             "weekly hours")
        ),
        "kind": Column(
            ("ansettelsestype", "ansettelsesforhold", "tilsetjingstype", "tilsetjing", "employment type",
                "type")
        ),
        "since": _SINCE._replace(required=True),
        "until": _UNTIL,
        "language": Column(("språk", "spraak", "sprak", "målform", "language")),
    },
    "roles": {
        "key": _KEY,
        "role": Column(("rolle", "verv", "funksjon", "role", "position"), required=True),
        "unit": _UNIT,
        "area": _AREA,
        "since": _SINCE,
        "until": _UNTIL,
    },
    "absences": {
        "key": _KEY,
        "substitute": Column(
            ("vikar", "stedfortreder", "stadfortredar", "vikar ansattnr", "substitute", "deputy", "stand-in")
        ),
        "since": _SINCE._replace(required=True),
        "until": _UNTIL,
    },
}  # fmt: skip

FILE_NAMES: Mapping[Kind, tuple[str, ...]] = {
    "employer": ("virksomhet", "verksemd", "employer", "undertaking"),
    "units": ("enheter", "einingar", "avdelinger", "avdelingar", "units", "departments"),
    "people": ("personer", "personar", "ansatte", "tilsette", "people", "employees", "persons"),
    "roles": ("roller", "verv", "roles"),
    "absences": ("fravær", "fravaer", "fråvær", "fraavaer", "absences", "absence"),
}

NATIONAL_ID_HEADINGS = frozenset({
    "fødselsnummer", "fødselsnr", "fodselsnummer", "fodselsnr", "fødselsogpersonnummer", "fnr",
    "personnummer",
    "personnr", "dnummer", "dnr", "nationalid", "nationalidentitynumber", "nationalidnumber", "ssn",
})  # fmt: skip


def folded(heading: str) -> str:
    """A heading as it is compared: letters and digits only, small ones."""
    return "".join(c for c in unicodedata.normalize("NFC", heading).casefold() if c.isalnum())


_FIELDS: Mapping[Kind, Mapping[str, str]] = {
    kind: {folded(h): field for field, column in columns.items() for h in column.headings}
    for kind, columns in TABLES.items()
}


def field_of(kind: Kind, heading: str) -> str | None:
    """The field that `heading` means in a table of this kind; ``None`` when it means nothing there."""
    return _FIELDS[kind].get(folded(heading))


def kind_by_name(name: str) -> Kind | None:
    """The kind of a file or sheet called `name`, as «Personer 2027-06»; ``None`` when it says nothing."""
    here = folded(name)
    found = [
        (len(folded(n)), kind)
        for kind, names in FILE_NAMES.items()
        for n in names
        if here.startswith(folded(n))
    ]
    return max(found)[1] if found else None


def kind_by_headings(headings: tuple[str, ...]) -> Kind | None:
    """The kind whose required columns are all there; ``None`` when none or more than one fits."""
    scores: list[tuple[int, Kind]] = []
    for kind in TABLES:
        fields = {field for h in headings if (field := field_of(kind, h))}
        if fields and not missing_fields(kind, fields):
            scores.append((len(fields), kind))
    best = [kind for count, kind in scores if count == max(scores)[0]]
    return best[0] if len(best) == 1 else None


def missing_fields(kind: Kind, fields: Set[str]) -> tuple[str, ...]:
    """The required fields that `fields` lacks; a given and a family name together stand for the name."""
    missing = (name for name, column in TABLES[kind].items() if column.required and name not in fields)
    whole = kind == "people" and {"given", "family"} <= fields
    return tuple(name for name in missing if not (whole and name == "name"))
