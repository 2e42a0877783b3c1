"""The employer, its units, its safety areas, its people, and what follows from how many they are.

Everything is time-sliced: `since` is the first day, `until` the first day *after* (``None`` = still).
Who acts in a role, and in whose place, is `workflows.rules.succession`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, Self, TypeVar

from pydantic import Field

from workflows.rules import size, succession
from workflows.rules.base import Frozen
from workflows.rules.law import LegalRegister
from workflows.rules.roles import (
    EMPLOYEE_SIDE,
    EMPLOYER_SIDE,
    OUTSIDE,
    Absence,
    Assignment,
    Delegation,
    Holder,
    Id,
    Role,
    Slice,
    overlap,
)
from workflows.rules.size import Duties, Employment, Profile

__all__ = [
    "EMPLOYEE_SIDE",
    "EMPLOYER_SIDE",
    "OUTSIDE",
    "Absence",
    "Assignment",
    "Delegation",
    "Duties",
    "Employment",
    "Holder",
    "Id",
    "Organisation",
    "Profile",
    "Role",
    "SafetyArea",
    "Slice",
    "Unit",
    "overlap",
]

S = TypeVar("S")
K = TypeVar("K", bound=Hashable)


class Unit(Slice):
    """A part of the undertaking; `parent` is the unit above, `area` its safety area (verneområde)."""

    id: Id
    name: str
    parent: Id | None = None
    area: Id | None = None


class SafetyArea(Frozen):
    id: Id
    name: str


class Organisation(Frozen):
    """One employer (virksomhet) with its whole known past and planned future."""

    employer: Id
    org_number: str = Field(pattern=r"^\d{9}$")
    name: str
    sector: Literal["private", "public"] = "private"
    ohs_required: bool = False
    wec_demanded: date | None = None
    ldl_26_demanded: date | None = None
    units: tuple[Unit, ...]
    areas: tuple[SafetyArea, ...] = ()
    employments: tuple[Employment, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    absences: tuple[Absence, ...] = ()
    delegations: tuple[Delegation, ...] = ()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        copied = super().model_copy(update=update, deep=deep)
        # What was worked out from the old content must not follow into the new.
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied

    def unit(self, id: str) -> Unit:
        """The latest slice of the unit `id`; `KeyError` when there is none."""
        found = [u for u in self.units if u.id == id]
        if not found:
            raise KeyError(id)
        return max(found, key=lambda u: u.since)

    def units_on(self, day: date) -> tuple[Unit, ...]:
        return tuple(u for u in self.units if u.holds_on(day))

    def unit_on(self, id: str, day: date) -> Unit | None:
        return next((u for u in self.units if u.id == id and u.holds_on(day)), None)

    def unit_closed(self, id: str, day: date) -> date | None:
        """The first day after `day` on which the unit is gone; None when it stays. A unit that moves stays."""
        end: date | None = day
        while end is not None and (here := self.unit_on(id, end)) is not None:
            end = here.until
        return end

    def above(self, unit: str, day: date) -> tuple[str, ...]:
        """The units over `unit`, nearest first. A loop ends where it closes."""
        path: list[str] = []
        here = self.unit_on(unit, day)
        while here is not None and here.parent is not None and here.parent not in (unit, *path):
            path.append(here.parent)
            here = self.unit_on(here.parent, day)
        return tuple(path)

    def cycle_units(self, start: date, end: date) -> tuple[str, ...]:
        """Units that run a year of their own: active, with somebody working there, between the two days."""
        days = _spans((start, end))
        work: dict[str, list[Employment]] = {}
        for e in self.employments:
            if overlap(e, days):
                work.setdefault(e.unit, []).append(e)
        units = (u for u in self.units if overlap(u, days))
        return tuple(dict.fromkeys(u.id for u in units if any(overlap(e, u) for e in work.get(u.id, ()))))

    def people(self) -> tuple[str, ...]:
        """Every person id that is named anywhere, in order of first mention."""
        named: list[str] = [e.person for e in self.employments]
        named += [a.person for a in self.assignments]
        for absence in self.absences:
            named += [absence.person, *([absence.substitute] if absence.substitute else [])]
        for delegation in self.delegations:
            named += [delegation.person, delegation.to]
        return tuple(dict.fromkeys(named))

    # --- counts -----------------------------------------------------------------------------------

    def headcount(self, day: date) -> int:
        """Everyone who works here that day: part-time, temporary and hired-in people too (aml. § 6-1)."""
        return size.headcount(self.employments, day)

    def most_in_year(self, day: date) -> int:
        """The largest headcount from 1 January up to `day`: a duty once reached lasts the year."""
        return size.most_in_year(self.employments, day)

    def year_average_20h(self, year: int) -> Fraction:
        """Average over the twelve months of those employed 20 hours a week or more (OLM § 3-7)."""
        return size.year_average_20h(self.employments, year)

    def duties(self, law: LegalRegister, day: date) -> Duties:
        """The duties that follow from size on `day`.

        The committee's duty is settled each January on last year's average (OLM § 3-7), or comes when a
        party demands it; the others follow the headcount, upwards at once and downwards at the new year.
        """
        return self.duties_on(law, [day])[day]

    def duties_on(self, law: LegalRegister, days: Iterable[date]) -> dict[date, Duties]:
        """`duties` on each of the days, with last year's average counted once a year."""
        averages: dict[int, Fraction] = {}
        found: dict[date, Duties] = {}
        for day in days:
            if day.year not in averages:
                averages[day.year] = self.year_average_20h(day.year - 1)
            found[day] = self._duties(law, day, averages[day.year])
        return found

    def _duties(self, law: LegalRegister, day: date, average: Fraction) -> Duties:
        most = self.most_in_year(day)

        def reached(threshold: str, count: int | Fraction) -> bool:
            t = law.threshold(threshold, day)
            return count >= t.value if t.comparison == "at_least" else count > t.value

        demanded = (
            self.wec_demanded is not None and self.wec_demanded <= day and reached("wec_on_demand", average)
        )
        by_size = reached("wec", average)
        ldl_demanded = self.ldl_26_demanded is not None and self.ldl_26_demanded <= day
        return Duties(
            on=day,
            everyone=self.headcount(day),
            most_this_year=most,
            year_average_20h=average,
            safety_rep=reached("safety_rep", most),
            wec=by_size or demanded,
            wec_by="size" if by_size else "demand" if demanded else None,
            whistleblowing_routine=reached("whistleblowing_routine", most),
            section_8_1=reached("section_8_1", most),
            ldl_26=self.sector == "public"
            or reached("ldl_26_private", most)
            or (ldl_demanded and reached("ldl_26_on_demand", most)),
            ohs=self.ohs_required,
        )

    # --- roles ------------------------------------------------------------------------------------

    def assigned(self, role: Role, unit: str | None, day: date) -> tuple[str, ...]:
        """Who holds `role` for exactly this unit (or its safety area, or the employer) that day."""
        area = None
        if unit is not None and (here := self.unit_on(unit, day)) is not None:
            area = here.area
        found: Iterable[Assignment] = self._of_role.get(role, ())
        if role in succession.ELECTED_FOR_AN_AREA:
            if unit is not None:
                found = (a for a in found if (a.area is not None and a.area == area) or a.unit == unit)
        else:
            found = (a for a in found if a.unit == unit)
        return tuple(dict.fromkeys(a.person for a in found if self.stands(a, day)))

    def elected_for_all(self, role: Role, day: date) -> tuple[str, ...]:
        """Who is elected for the whole employer, as where it is one safety area."""
        found = (a for a in self._of_role.get(role, ()) if a.unit is None and a.area is None)
        return tuple(dict.fromkeys(a.person for a in found if self.stands(a, day)))

    def elected(self, person: str, day: date) -> bool:
        """Whether the person holds an elected role that day."""
        return any(a.role in EMPLOYEE_SIDE and self.stands(a, day) for a in self._of_person.get(person, ()))

    def employed(self, unit: str | None, day: date) -> tuple[str, ...]:
        """Who works in the unit, or anywhere, that day."""
        found = (e.person for e in self.employments if e.holds_on(day) and (unit is None or e.unit == unit))
        return tuple(dict.fromkeys(found))

    def holders(self, role: Role, unit: str | None, day: date, step: str | None = None) -> tuple[Holder, ...]:
        """Who acts in `role` for `unit` that day, after succession and substitution; empty when vacant.

        Succession: a unit without a manager is led by the nearest manager above it, at last by the top
        manager (aml. § 2-1: the duty stays with the employer). A union representative, HR, the committee
        and the like are looked for in the unit, in the units above and then for the employer. Where no
        safety representative is elected, for the unit, its area or the whole employer, a deputy answers, and
        then the senior one; where only one safety representative exists, that one is also the senior one
        (aml. § 6-1).

        Substitution: whoever is away is stood in for by the substitute, whoever has delegated by the delegate
        (`step` is the id of the step that is asked about, as Y15), through three links at most. An elected
        role is never handed on; there the deputy stands in.
        """
        return _distinct(self.entitled(role, unit, day, step))

    def entitled(
        self, role: Role, unit: str | None, day: date, step: str | None = None
    ) -> tuple[Holder, ...]:
        """As `holders`, with one entry for each person acted for: who acts for two stands there twice."""
        return succession.entitled(self, role, unit, day, step)

    def leader_of(self, role: Role, unit: str | None, day: date) -> tuple[Holder, ...]:
        """The leader of whoever holds `role` in `unit`: one rung up the organisation, at last the top manager."""
        return succession.leader_of(self, role, unit, day)

    def absences_of(self, person: str, day: date) -> tuple[Absence, ...]:
        """Every absence of the person that day, in the order recorded."""
        return tuple(a for a in self._away.get(person, ()) if a.holds_on(day))

    def delegations_of(self, person: str, day: date) -> tuple[Delegation, ...]:
        """Every delegation by the person that is in force that day, in the order recorded."""
        return tuple(d for d in self._delegating.get(person, ()) if d.holds_on(day))

    @cached_property
    def handing_on(self) -> frozenset[str]:
        """Everybody who is ever away or ever delegates."""
        return frozenset((*self._away, *self._delegating))

    @cached_property
    def steps_delegated(self) -> frozenset[str]:
        """The ids of the steps that somebody delegates one by one."""
        return frozenset(d.step for d in self.delegations if d.step is not None)

    # --- who has left -----------------------------------------------------------------------------

    def left(self, person: str, day: date) -> date | None:
        """The day the person's last employment was over, when nobody employs the person on `day` any more.

        None for somebody who works here, is to begin, or never was employed (an occupational health service,
        an external board member).
        """
        own = self._leaving.get(person, ())
        over = [e.until for e in own if e.until is not None and e.until <= day]
        return None if not over or any(e.holds_on(day) for e in own) else max(over)

    def stands(self, assignment: Assignment, day: date) -> bool:
        """Whether the assignment is in force that day.

        It falls away with its holder's last employment, also when its own end is later or missing: what the
        files forgot must not leave a task with somebody who is gone. It stands when the role is one of
        `OUTSIDE`, or was given when the employment was over already.
        """
        if not assignment.holds_on(day):
            return False
        left = self.left(assignment.person, day)
        return left is None or assignment.role in OUTSIDE or left <= assignment.since

    def has_left(self, person: str, day: date) -> bool:
        """Whether the person was employed, is no longer, and has no role that stands without it."""
        if self.left(person, day) is None:
            return False
        return not any(self.stands(a, day) for a in self._of_person.get(person, ()))

    # --- when something changes -------------------------------------------------------------------

    def change_days(self) -> tuple[date, ...]:
        """Days on which responsibility may move: a role, an absence, a delegation or a unit begins or ends, or
        somebody who acts in a role leaves."""
        return self._change_days

    @cached_property
    def _change_days(self) -> tuple[date, ...]:
        slices: list[Slice] = [*self.assignments, *self.absences, *self.delegations, *self.units]
        acting = {*self._of_person, *(a.substitute for a in self.absences), *(d.to for d in self.delegations)}
        slices += [e for person, own in self._leaving.items() if person in acting for e in own]
        return tuple(sorted({d for s in slices for d in (s.since, s.until) if d is not None}))

    def hiring_days(self) -> tuple[date, ...]:
        """Days on which somebody begins or a party's demand takes effect: when a duty may begin."""
        demands = (self.wec_demanded, self.ldl_26_demanded)
        return tuple(sorted({*(e.since for e in self.employments), *(d for d in demands if d is not None)}))

    # --- the same, ordered for looking up ---------------------------------------------------------

    @cached_property
    def _of_role(self) -> dict[Role, list[Assignment]]:
        return _grouped(self.assignments, lambda a: a.role)

    @cached_property
    def _of_person(self) -> dict[str, list[Assignment]]:
        return _grouped(self.assignments, lambda a: a.person)

    @cached_property
    def _away(self) -> dict[str, list[Absence]]:
        return _grouped(self.absences, lambda a: a.person)

    @cached_property
    def _delegating(self) -> dict[str, list[Delegation]]:
        return _grouped(self.delegations, lambda d: d.person)

    @cached_property
    def _leaving(self) -> dict[str, list[Employment]]:
        """The employments of everybody one of whose employments ends; most people have none that does."""
        ends = {e.person for e in self.employments if e.until is not None}
        own = (e for e in self.employments if e.person in ends and (e.until is None or e.since < e.until))
        return _grouped(own, lambda e: e.person)


def _grouped(slices: Iterable[S], key: Callable[[S], K]) -> dict[K, list[S]]:
    groups: dict[K, list[S]] = {}
    for one in slices:
        groups.setdefault(key(one), []).append(one)
    return groups


def _spans(span: tuple[date, date]) -> Slice:
    return Slice(since=span[0], until=span[1] + timedelta(days=1))


def _distinct(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    """One entry a person: someone who acts for two people counts once."""
    return tuple({h.person: h for h in reversed(list(holders))}.values())[::-1]
