"""The parts that people play in the working-environment work, who holds them when, and who is away.

Everything is time-sliced: `since` is the first day, `until` the first day *after* (``None`` = still).
People are opaque ids; their names and addresses live in the directory, where they can be erased.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from workflows.rules.base import Frozen

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class Role(StrEnum):
    """The parts people play in the working-environment work."""

    TOP_MANAGER = "top_manager"
    MANAGER = "manager"
    HR = "hr"
    SAFETY_REP = "safety_rep"
    DEPUTY_SAFETY_REP = "deputy_safety_rep"
    SENIOR_SAFETY_REP = "senior_safety_rep"
    WEC_CHAIR = "wec_chair"
    WEC = "wec"
    OHS = "ohs"
    UNION_REP = "union_rep"
    DPO = "dpo"
    BOARD = "board"
    CONTACT_PERSON = "contact_person"
    EMPLOYEES = "employees"


EMPLOYER_SIDE = frozenset({Role.TOP_MANAGER, Role.MANAGER, Role.HR, Role.BOARD})
"""Roles that act for the employer; none of them may also be the safety representative (E24)."""

EMPLOYEE_SIDE = frozenset({Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP, Role.SENIOR_SAFETY_REP})
"""Elected roles; the employer can neither fill them nor name a substitute for them."""

OUTSIDE = frozenset({Role.OHS, Role.BOARD, Role.UNION_REP, Role.DPO})
"""Roles that people hold who need not work here: an employment that ends does not end them."""


class Slice(Frozen):
    """Something that is true from `since` up to, and not including, `until`."""

    since: date
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


def overlap(a: Slice, b: Slice) -> bool:
    """Whether some day is in both."""
    return (b.until is None or a.since < b.until) and (a.until is None or b.since < a.until)


class Assignment(Slice):
    """A person in a role, for a unit, for a safety area, or for the whole employer."""

    role: Role
    person: Id
    unit: Id | None = None
    area: Id | None = None


class Absence(Slice):
    """A person is away; `substitute` acts meanwhile, except in an elected role.

    One from a `file` is replaced by what the next file says; one set by a `command` stays.
    """

    person: Id
    substitute: Id | None = None
    origin: Literal["file", "command"] = "file"


class Delegation(Slice):
    """`person` has handed what is asked of them to `to`; the responsibility stays with the employer (aml. § 2-1).

    It covers one `role`, or all but the elected ones; the `unit` and those below it, or every place; the `step`
    with this id, or every step.
    """

    id: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    person: Id
    to: Id
    role: Role | None = None
    unit: Id | None = None
    step: str | None = Field(default=None, pattern=r"^[A-Z][0-9]{2,3}$")


class Holder(Frozen):
    """Who acts in a role on a day; `acting_for` is whose task it is when somebody else acts."""

    person: Id
    acting_for: Id | None = None
