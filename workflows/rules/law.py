"""The law as data with dates: provisions, what they require of an employer, and thresholds.

A rule that changes gets a new row; the old row gets a `valid_to` and stays. So the register answers for any
day what applied then, and a cycle pins the register it was started on by `LegalRegister.content_hash`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import reduce
from itertools import groupby, pairwise
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from workflows.rules.base import Frozen
from workflows.rules.phrase import NOTHING, Phrase


class LawError(ValueError):
    """A register that cannot be used, or a question it cannot answer: where, what, and what to do.

    What is wrong with a register is for its author, and in English.
    """

    def __init__(self, fault: Phrase, remedy: Phrase = NOTHING) -> None:
        super().__init__(f"{fault} {remedy}".rstrip())
        self.fault, self.remedy = fault, remedy


# Strict, because a lax date takes a bare number for seconds since 1970.
Day = Annotated[date, Field(strict=True)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ProvisionId = Annotated[str, StringConstraints(pattern=r"^[A-Z]+(-[0-9A-Za-z]+)+$")]
Stage = Literal["S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "P"]
"""S0 set-up, S1 plan the year, S2 map, S3 assess, S4 action plan, S5 implement, S6 follow up, S7 review,
P in parallel all year."""


class Bilingual(Frozen):
    """A short text in bokmål and English."""

    nb: Text
    en: Text


class _Dated(Frozen):
    valid_from: Day
    valid_to: Day | None = None
    """The first day the row no longer holds; `None` while no end is known."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(
                f"valid_to {self.valid_to} is not after valid_from {self.valid_from}. It is the first day "
                "the row no longer holds: set a later day, or leave it out while the row still holds."
            )
        return self

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def period(self) -> Phrase:
        if self.valid_to is None:
            return Phrase("from {since}", since=self.valid_from)
        return Phrase("from {since} to {until}", since=self.valid_from, until=self.valid_to)


class Provision(_Dated):
    """A paragraph or a letter of it in one version. `nb` and `en` condense it in our own words."""

    id: ProvisionId
    kind: Literal["act", "regulation", "guidance"] = "act"
    """Guidance binds nobody; it is cited where practice rests on it alone."""
    act: Text
    section: Text
    """The citation as people write it: «arbeidsmiljøloven § 4-3 første ledd»."""
    nb: Text
    en: Text
    source: Text
    confidence: Literal["verified", "unverified"]
    """Unverified: the content or the numbering has not been read in the source."""


class Requirement(Frozen):
    """One duty of the employer, who takes part, when, and what must be on paper."""

    id: str = Field(pattern=r"^R-\d{2}$")
    nb: Text
    en: Text
    participants: Bilingual
    cadence: Bilingual
    documented: Bilingual
    stages: tuple[Stage, ...] = Field(min_length=1)
    gate: Literal["hard", "soft"]
    """Hard: a step cannot close without it. Soft: it may, with a warning and a recorded reason."""
    condition: Bilingual | None = None
    provisions: tuple[str, ...] = Field(min_length=1)


class Threshold(_Dated):
    """A number of people at which a duty begins; `counting` says who counts and over what time."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    value: int = Field(strict=True, ge=1)
    counting: Literal["everyone", "year_average_20h"]
    """`everyone`: all who work there, part-time, temporary and hired-in included (aml. § 6-1).
    `year_average_20h`: last calendar year's average of those with 20 hours a week or more (OLM § 3-7)."""
    comparison: Literal["at_least", "more_than"]
    provision: str
    source: Text


Row = TypeVar("Row", Provision, Threshold)


class LegalRegister(Frozen):
    """All rows, ordered by id and start date whatever their order in the file."""

    version: Text
    provisions: tuple[Provision, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    thresholds: tuple[Threshold, ...] = ()

    @field_validator("provisions", "thresholds")
    @classmethod
    def _in_order(cls, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(sorted(rows, key=lambda row: (_order(row.id), row.valid_from)))

    @field_validator("requirements")
    @classmethod
    def _requirements_in_order(cls, rows: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
        return tuple(sorted(rows, key=lambda row: row.id))

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        faults = [
            *_overlaps(self.provisions),
            *_overlaps(self.thresholds),
            *self._repeated(),
            *self._uncited(),
        ]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _repeated(self) -> Iterator[str]:
        for earlier, later in pairwise(self.requirements):
            if earlier.id == later.id:
                yield f"requirement {later.id} stands there twice. Give one of them another id, or remove it."

    def _uncited(self) -> Iterator[str]:
        known = {p.id for p in self.provisions}
        cited = [(f"requirement {r.id}", id) for r in self.requirements for id in r.provisions]
        cited += [(f"threshold {t.id}", t.provision) for t in self.thresholds]
        for row, id in cited:
            if id not in known:
                remedy = f"{_near(id, known)}Correct the id, or add the provision."
                yield f"{row} cites the unknown provision {id}. {remedy}"

    def provision(self, id: str, on: date) -> Provision:
        """The version of a provision in force on a day.

        `LawError` when the id is unknown (with ids like it) or not in force that day (with its periods).
        """
        return _find("provision", self.provisions, id, on)

    def threshold(self, id: str, on: date) -> Threshold:
        """The threshold as it stood on a day; `LawError` as for `provision`."""
        return _find("threshold", self.thresholds, id, on)

    def requirement(self, id: str) -> Requirement:
        """The requirement; `LawError` with ids like it when it is unknown."""
        for row in self.requirements:
            if row.id == id:
                return row
        raise _unknown("requirement", id, [row.id for row in self.requirements])

    def in_force(self, on: date) -> tuple[Provision, ...]:
        """Every provision that applies on a day, in order of id."""
        return tuple(row for row in self.provisions if row.holds_on(on))

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the register's canonical JSON: sorted keys and rows, UTF-8, no spaces."""
        body = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        return hashlib.sha256(body.encode()).hexdigest()


def parse_law(text: str, where: str = "law.toml") -> LegalRegister:
    """Read a register from TOML; `LawError` lists each fault by file, row and key, with what to do."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LawError(
            Phrase("{file} is not valid TOML: {said}.", file=where, said=error),
            Phrase("Correct that line and read it again."),
        ) from error
    try:
        return LegalRegister.model_validate(raw)
    except ValidationError as error:
        faults = [line for fault in error.errors() for line in _explain(fault, raw)]
        raise LawError(Phrase("{faults}", faults="\n".join(f"{where}: {line}" for line in faults))) from error


def _find(kind: str, rows: Sequence[Row], id: str, on: date) -> Row:
    versions = [row for row in rows if row.id == id]
    if not versions:
        raise _unknown(kind, id, [row.id for row in rows])
    for row in versions:
        if row.holds_on(on):
            return row
    first, *later = (row.period() for row in versions)
    periods = reduce(lambda one, other: Phrase("{one}; {other}", one=one, other=other), later, first)
    raise LawError(
        Phrase(
            "The {kind} {id} is not in force on {day}; the register has it {periods}.",
            kind=_KINDS[kind], id=id, day=on, periods=periods,
        ),
        Phrase(
            "Ask for a day in that time, cite what applies on that day, or add its row to the register."
        ),
    )  # fmt: skip


def _unknown(kind: str, id: str, known: Iterable[str]) -> LawError:
    fault = Phrase("The legal register has no {kind} {id!r}.", kind=_KINDS[kind], id=id)
    remedy = Phrase("Correct the id where it is cited, or add it to the register.")
    return LawError(fault, _meant(id, known).then(remedy))


_KINDS = {
    "provision": Phrase("provision"),
    "threshold": Phrase("threshold"),
    "requirement": Phrase("requirement"),
}


def _meant(id: str, known: Iterable[str]) -> Phrase:
    by_fold = {k.casefold(): k for k in known}
    matches = difflib.get_close_matches(id.casefold(), list(by_fold), n=3)
    return Phrase("Did you mean {ids}?", ids=", ".join(by_fold[m] for m in matches)) if matches else NOTHING


def _near(id: str, known: Iterable[str]) -> str:
    meant = _meant(id, known)
    return f"{meant} " if meant else ""


def _overlaps(rows: Sequence[Row]) -> Iterator[str]:
    for id, versions in groupby(rows, key=lambda row: row.id):
        for earlier, later in pairwise(versions):
            if earlier.holds_on(later.valid_from):
                yield (
                    f"{id} holds twice at once: {earlier.period()} and {later.period()}. Set valid_to of the "
                    f"earlier row to {later.valid_from} or before, or give one of them another id."
                )


def _order(id: str) -> tuple[tuple[int, str], ...]:
    # § 2 comes before § 18, and § 2 A after § 2.
    parts = (re.match(r"(\d*)(.*)", part) for part in id.split("-"))
    return tuple((int(m[1] or 0), m[2]) for m in parts if m)


_ROWS: dict[str, type[Frozen]] = {
    "provisions": Provision,
    "requirements": Requirement,
    "thresholds": Threshold,
}


def _explain(fault: Any, raw: dict[str, Any]) -> Iterator[str]:
    loc: tuple[int | str, ...] = fault["loc"]
    if fault["type"] == "value_error":
        place = f"{_place(loc, raw)}: " if loc else ""
        yield from (place + line for line in str(fault["ctx"]["error"]).splitlines())
        return
    key = str(loc[-1])
    match fault["type"]:
        case "extra_forbidden":
            allowed = sorted(_keys(loc))
            remedy = f"is an unknown key. {_near(key, allowed)}The keys here are {', '.join(allowed)}."
        case "missing":
            remedy = "is missing. Add it."
        case "date_type" | "date_from_datetime_inexact":
            remedy = f"is not a date: {fault['input']!r}. Write it without quotes or time, as 2026-01-01."
        case "string_too_short":
            remedy = "is empty. Write the text."
        case _:
            remedy = f"is {fault['input']!r}: {fault['msg']}. Correct the value."
    yield f"{_place(loc, raw)} {remedy}"


def _keys(loc: tuple[int | str, ...]) -> Iterable[str]:
    if len(loc) == 1:
        return LegalRegister.model_fields
    if len(loc) == 3:
        return _ROWS[str(loc[0])].model_fields
    return Bilingual.model_fields


def _place(loc: tuple[int | str, ...], raw: dict[str, Any]) -> str:
    if len(loc) < 2:
        return str(loc[0])
    row = raw[str(loc[0])][loc[1]]
    id = row.get("id") if isinstance(row, dict) else None
    name = f"{loc[0]}[{loc[1]}]" + (f" ({id})" if id else "")
    return ".".join([name, *(str(part) for part in loc[2:])])
