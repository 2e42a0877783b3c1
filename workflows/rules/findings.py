"""What is wrong with an organisation: errors that stop an import, and warnings that a reader must know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Literal

from workflows.rules.base import Frozen
from workflows.rules.law import LegalRegister
from workflows.rules.organisation import (
    EMPLOYEE_SIDE,
    EMPLOYER_SIDE,
    Absence,
    Organisation,
    Role,
    overlap,
)


class Finding(Frozen):
    """Something wrong with an organisation: an `error` stops an import, a `warning` is told and recorded."""

    severity: Literal["error", "warning"]
    code: Literal[
        "unit_loop",
        "unknown_unit",
        "unknown_area",
        "duplicate_unit",
        "unknown_person",
        "conflicting_roles",
        "no_safety_rep",
        "no_manager",
        "no_top_manager",
        "no_senior_safety_rep",
        "no_wec_chair",
        "substitute_loop",
        "area_missing",
    ]
    place: str
    detail: tuple[str, ...] = ()


def examine(organisation: Organisation, law: LegalRegister, day: date) -> tuple[Finding, ...]:
    """What must be mended (errors) and what a reader must know (warnings) on `day`."""
    return (*_shape_findings(organisation, day), *_role_findings(organisation, law, day))


def _shape_findings(organisation: Organisation, day: date) -> Iterable[Finding]:
    ids = {u.id for u in organisation.units}
    areas = {a.id for a in organisation.areas}
    for id in (id for id, slices in Counter(u.id for u in organisation.units).items() if slices > 1):
        slices = sorted((u for u in organisation.units if u.id == id), key=lambda u: u.since)
        if any(overlap(a, b) for a, b in pairwise(slices)):
            yield Finding(severity="error", code="duplicate_unit", place=id)
    for unit in organisation.units:
        if unit.parent is not None and unit.parent not in ids:
            yield Finding(severity="error", code="unknown_unit", place=unit.id, detail=(unit.parent,))
        if unit.area is not None and unit.area not in areas:
            yield Finding(severity="error", code="unknown_area", place=unit.id, detail=(unit.area,))
    for loop in _loops(organisation):
        yield Finding(severity="error", code="unit_loop", place=loop[0], detail=loop)
    for employment in organisation.employments:
        if employment.unit not in ids:
            yield Finding(
                severity="error", code="unknown_unit", place=employment.person, detail=(employment.unit,)
            )
    for assignment in organisation.assignments:
        if assignment.unit is not None and assignment.unit not in ids:
            yield Finding(
                severity="error", code="unknown_unit", place=assignment.person, detail=(assignment.unit,)
            )
        if assignment.area is not None and assignment.area not in areas:
            yield Finding(
                severity="error", code="unknown_area", place=assignment.person, detail=(assignment.area,)
            )
    # Where a person's own word closes the ring, no file can be mended; nothing is lost in it (succession).
    for absence in (a for a in organisation.absences if a.origin == "file"):
        if absence.until is not None and absence.until <= day:
            continue
        chain = [absence.person]
        here: Absence | None = absence
        while here is not None and here.substitute is not None:
            if here.substitute in chain:
                yield Finding(
                    severity="error",
                    code="substitute_loop",
                    place=absence.person,
                    detail=(*chain, here.substitute),
                )
                break
            chain.append(here.substitute)
            then = organisation.absences_of(here.substitute, max(absence.since, day))
            here = next((a for a in then if a.origin == "file"), None)


def _loops(organisation: Organisation) -> list[tuple[str, ...]]:
    loops: dict[frozenset[str], tuple[str, ...]] = {}
    for day in sorted({u.since for u in organisation.units}):
        parents = {u.id: u.parent for u in organisation.units_on(day)}
        seen: set[str] = set()
        for start in parents:
            path: dict[str, None] = {}
            here: str | None = start
            while here is not None and here not in seen:
                seen.add(here)
                path[here] = None
                here = parents.get(here)
            if here is not None and here in path:
                loop = tuple(path)[list(path).index(here) :]
                loops.setdefault(frozenset(loop), (*loop, here))
    return list(loops.values())


def _role_findings(organisation: Organisation, law: LegalRegister, day: date) -> Iterable[Finding]:
    duties = organisation.duties(law, day)
    if not organisation.assigned(Role.TOP_MANAGER, None, day):
        yield Finding(severity="error", code="no_top_manager", place=organisation.employer)
    for unit in organisation.cycle_units(day, day):
        if not organisation.assigned(Role.MANAGER, unit, day):
            yield Finding(severity="warning", code="no_manager", place=unit)
        here = organisation.unit_on(unit, day)
        found = organisation.assigned(Role.SAFETY_REP, unit, day) or organisation.elected_for_all(
            Role.SAFETY_REP, day
        )
        if not duties.safety_rep or here is None or found:
            continue
        if here.area is None:
            yield Finding(severity="warning", code="area_missing", place=unit)
        else:
            yield Finding(severity="warning", code="no_safety_rep", place=unit, detail=(here.area,))
    reps = {a.person for a in organisation.assignments if a.role is Role.SAFETY_REP and a.holds_on(day)}
    if len(reps) > 1 and not organisation.assigned(Role.SENIOR_SAFETY_REP, None, day):
        yield Finding(severity="warning", code="no_senior_safety_rep", place=organisation.employer)
    if duties.wec and not organisation.assigned(Role.WEC_CHAIR, None, day):
        yield Finding(severity="warning", code="no_wec_chair", place=organisation.employer)
    for person in sorted({a.person for a in organisation.assignments if a.role in EMPLOYEE_SIDE}):
        for elected in (
            a for a in organisation.assignments if a.person == person and a.role in EMPLOYEE_SIDE
        ):
            clash = [
                a.role
                for a in organisation.assignments
                if a.person == person and a.role in EMPLOYER_SIDE and overlap(a, elected)
            ]
            if clash:
                yield Finding(
                    severity="error",
                    code="conflicting_roles",
                    place=person,
                    detail=(elected.role.value, clash[0].value),
                )
                break
