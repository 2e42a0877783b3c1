"""How many work for an employer, counted as the law counts, and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from pydantic import Field

from workflows.rules.base import Frozen
from workflows.rules.roles import Id, Slice


class Employment(Slice):
    """A person who works in a unit. Hired-in people work here and count for the safety representative."""

    person: Id
    unit: Id
    kind: Literal["employee", "hired_in"] = "employee"
    hours_per_week: Decimal = Field(default=Decimal("37.5"), gt=0, le=60)


class Profile(StrEnum):
    """Which arrangement of the working-environment work the size of the employer gives."""

    SMALL = "small"
    """Under 5: the parties may agree in writing on another arrangement than a safety representative."""
    MEDIUM = "medium"
    """5 and more, no committee: the safety representative gives the statements (OLM § 2-2)."""
    LARGE = "large"
    """With a working environment committee (AMU)."""


class Duties(Frozen):
    """What the size and kind of the employer bring about on a day, with the counts they follow from."""

    on: date
    everyone: int
    most_this_year: int
    year_average_20h: Fraction
    safety_rep: bool
    wec: bool
    wec_by: Literal["size", "demand"] | None
    whistleblowing_routine: bool
    section_8_1: bool
    ldl_26: bool
    ohs: bool

    @property
    def profile(self) -> Profile:
        if self.wec:
            return Profile.LARGE
        return Profile.MEDIUM if self.safety_rep else Profile.SMALL


def headcount(employments: Sequence[Employment], day: date) -> int:
    """Everyone who works here that day: part-time, temporary and hired-in people too (aml. § 6-1)."""
    return len({e.person for e in employments if e.holds_on(day)})


def most_in_year(employments: Sequence[Employment], day: date) -> int:
    """The largest headcount from 1 January up to `day`: a duty once reached lasts the year."""
    start = date(day.year, 1, 1)
    here = Counter(e.person for e in employments if e.holds_on(start))
    changes: dict[date, Counter[str]] = {}
    for e in employments:
        if e.until is not None and e.until <= max(e.since, start):
            continue
        if start < e.since <= day:
            changes.setdefault(e.since, Counter())[e.person] += 1
        if e.until is not None and e.until <= day:
            changes.setdefault(e.until, Counter())[e.person] -= 1
    most = len(here)
    for _, moved in sorted(changes.items()):
        for person, by in moved.items():
            here[person] += by
            if not here[person]:
                del here[person]
        most = max(most, len(here))
    return most


def year_average_20h(employments: Sequence[Employment], year: int) -> Fraction:
    """Average over the twelve months of those employed 20 hours a week or more (OLM § 3-7).

    Each month is counted on its first day; the hours of one person in several units are added up.
    """
    months = [date(year, m, 1) for m in range(1, 13)]
    work: dict[str, list[Employment]] = {}
    for e in employments:
        if e.kind == "employee" and e.since <= months[-1] and (e.until is None or months[0] < e.until):
            work.setdefault(e.person, []).append(e)
    counted = 0
    for own in work.values():
        # Most people stay the whole year in the same employment.
        if all(e.since <= months[0] and (e.until is None or months[-1] < e.until) for e in own):
            counted += 12 * (sum(e.hours_per_week for e in own) >= 20)
        else:
            counted += sum(sum(e.hours_per_week for e in own if e.holds_on(m)) >= 20 for m in months)
    return Fraction(counted, 12)
