"""The employer, its units, its safety areas, and who holds which role when.

Everything is time-sliced: `since` is the first day, `until` the first day *after* (``None`` = still).
People are opaque ids; their names and addresses live in the directory, where they can be erased.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from workflows.rules.base import Frozen
from workflows.rules.law import LegalRegister

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


class Slice(Frozen):
    """Something that is true from `since` up to, and not including, `until`."""

    since: date
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


class Unit(Slice):
    """A part of the undertaking; `parent` is the unit above, `area` its safety area (verneområde)."""

    id: Id
    name: str
    parent: Id | None = None
    area: Id | None = None


class SafetyArea(Frozen):
    id: Id
    name: str


class Employment(Slice):
    """A person who works in a unit. Hired-in people work here and count for the safety representative."""

    person: Id
    unit: Id
    kind: Literal["employee", "hired_in"] = "employee"
    hours_per_week: Decimal = Field(default=Decimal("37.5"), gt=0, le=60)


class Assignment(Slice):
    """A person in a role, for a unit, for a safety area, or for the whole employer."""

    role: Role
    person: Id
    unit: Id | None = None
    area: Id | None = None


class Absence(Slice):
    """A person is away; `substitute` acts meanwhile, except in an elected role."""

    person: Id
    substitute: Id | None = None


class Holder(Frozen):
    """Who acts in a role on a day; `acting_for` is set when a substitute or a deputy acts."""

    person: Id
    acting_for: Id | None = None


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
        return tuple(dict.fromkeys(named))

    # --- counts -----------------------------------------------------------------------------------

    def headcount(self, day: date) -> int:
        """Everyone who works here that day: part-time, temporary and hired-in people too (aml. § 6-1)."""
        return len({e.person for e in self.employments if e.holds_on(day)})

    def most_in_year(self, day: date) -> int:
        """The largest headcount from 1 January up to `day`: a duty once reached lasts the year."""
        start = date(day.year, 1, 1)
        here = Counter(e.person for e in self.employments if e.holds_on(start))
        changes: dict[date, Counter[str]] = {}
        for e in self.employments:
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

    def year_average_20h(self, year: int) -> Fraction:
        """Average over the twelve months of those employed 20 hours a week or more (OLM § 3-7).

        Each month is counted on its first day; the hours of one person in several units are added up.
        """
        months = [date(year, m, 1) for m in range(1, 13)]
        work: dict[str, list[Employment]] = {}
        for e in self.employments:
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
        found: Iterable[Assignment] = (a for a in self.assignments if a.role is role)
        if role in (Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP):
            if unit is not None:
                found = (a for a in found if (a.area is not None and a.area == area) or a.unit == unit)
        else:
            found = (a for a in found if a.unit == unit)
        return tuple(dict.fromkeys(a.person for a in found if a.holds_on(day)))

    def holders(self, role: Role, unit: str | None, day: date) -> tuple[Holder, ...]:
        """Who acts in `role` for `unit` that day, after succession and substitution; empty when vacant.

        Succession: a unit without a manager is led by the nearest manager above it, at last by the top
        manager (aml. § 2-1: the duty stays with the employer). A union representative, HR, the committee
        and the like are looked for in the unit, in the units above and then for the employer. Where no
        safety representative is elected, for the unit, its area or the whole employer, a deputy answers, and
        then the senior one; where only one safety representative exists, that one is also the senior one
        (aml. § 6-1).
        """
        return _distinct(self.entitled(role, unit, day))

    def entitled(self, role: Role, unit: str | None, day: date) -> tuple[Holder, ...]:
        """As `holders`, with one entry for each person acted for: who acts for two stands there twice."""
        for person_list in self._succession(role, unit, day):
            if person_list:
                return tuple(self._acting(p, role, unit, day) for p in person_list)
        return ()

    def _succession(self, role: Role, unit: str | None, day: date) -> Iterable[tuple[str, ...]]:
        if role is Role.EMPLOYEES:
            yield tuple(
                dict.fromkeys(
                    e.person for e in self.employments if e.holds_on(day) and (unit is None or e.unit == unit)
                )
            )
            return
        if role is Role.MANAGER and unit is None:
            role = Role.TOP_MANAGER
        if unit is not None:
            yield self.assigned(role, unit, day)
            if role not in (Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP):
                for higher in self.above(unit, day):
                    yield self.assigned(role, higher, day)
        if role in (Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP):
            yield self.elected_for_all(role, day)
        else:
            yield self.assigned(role, None, day)
        if role is Role.MANAGER:
            yield self.assigned(Role.TOP_MANAGER, None, day)
        elif role is Role.SAFETY_REP:
            if unit is not None:
                yield self._deputies(unit, day)
            yield self.assigned(Role.SENIOR_SAFETY_REP, None, day)
            yield self._only_safety_rep(day)
        elif role is Role.SENIOR_SAFETY_REP:
            yield self._only_safety_rep(day)

    def elected_for_all(self, role: Role, day: date) -> tuple[str, ...]:
        """Who is elected for the whole employer, as where it is one safety area."""
        found = [a for a in self.assignments if a.role is role and a.unit is None and a.area is None]
        return tuple(dict.fromkeys(a.person for a in found if a.holds_on(day)))

    def _deputies(self, unit: str | None, day: date) -> tuple[str, ...]:
        near = self.assigned(Role.DEPUTY_SAFETY_REP, unit, day)
        return tuple(dict.fromkeys((*near, *self.elected_for_all(Role.DEPUTY_SAFETY_REP, day))))

    def _only_safety_rep(self, day: date) -> tuple[str, ...]:
        reps = self.assigned(Role.SAFETY_REP, None, day)
        return reps if len(reps) == 1 else ()

    def _acting(self, person: str, role: Role, unit: str | None, day: date) -> Holder:
        """The substitute when `person` is away; chains are followed, a loop leaves the task where it was."""
        if role in EMPLOYEE_SIDE:
            if self.absences_of(person, day):
                present = [d for d in self._deputies(unit, day) if not self.absences_of(d, day)]
                if present:
                    return Holder(person=present[0], acting_for=person)
            return Holder(person=person)
        chain = [person]
        for here in chain:
            absences = self.absences_of(here, day)
            if not absences:
                return Holder(person=here, acting_for=None if here == person else person)
            chain += [
                a.substitute for a in absences if a.substitute is not None and a.substitute not in chain
            ]
        return Holder(person=person)

    def absences_of(self, person: str, day: date) -> list[Absence]:
        """Every absence of the person that day, in the order of the files."""
        return [a for a in self.absences if a.person == person and a.holds_on(day)]

    def leader_of(self, role: Role, unit: str | None, day: date) -> tuple[Holder, ...]:
        """The leader of whoever holds `role` in `unit`: one rung up the organisation, at last the top manager."""
        owners = {h.person for h in self.holders(role, unit, day)}
        rungs = [*self.above(unit, day)] if unit is not None else []
        for higher in rungs:
            people = [h for h in self.holders(Role.MANAGER, higher, day) if h.person not in owners]
            if people:
                return tuple(people)
        return self.holders(Role.TOP_MANAGER, None, day)

    def change_days(self) -> tuple[date, ...]:
        """Days on which a role, an absence or a unit begins or ends: when responsibility may move."""
        slices: list[Slice] = [*self.assignments, *self.absences, *self.units]
        return tuple(sorted({d for s in slices for d in (s.since, s.until) if d is not None}))

    def hiring_days(self) -> tuple[date, ...]:
        """Days on which somebody begins or a party's demand takes effect: when a duty may begin."""
        demands = (self.wec_demanded, self.ldl_26_demanded)
        return tuple(sorted({*(e.since for e in self.employments), *(d for d in demands if d is not None)}))


def _spans(span: tuple[date, date]) -> Slice:
    return Slice(since=span[0], until=span[1] + timedelta(days=1))


def overlap(a: Slice, b: Slice) -> bool:
    """Whether some day is in both."""
    return (b.until is None or a.since < b.until) and (a.until is None or b.since < a.until)


def _distinct(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    """One entry a person: someone who acts for two people counts once."""
    return tuple({h.person: h for h in reversed(list(holders))}.values())[::-1]
