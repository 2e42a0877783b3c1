"""Made-up employers of the three sizes, for tests of the rules."""

from __future__ import annotations

from datetime import date
from functools import cache

from workflows.rules.law import LegalRegister, parse_law
from workflows.rules.organisation import Assignment, Employment, Organisation, Role, SafetyArea, Unit
from workflows.rules.plan import YearPlan, plan
from workflows.rules.programme import Programme
from workflows.rules.programme_file import parse_programme
from workflows.standard import law_text, programme_text

SINCE = date(2020, 1, 1)


@cache
def law() -> LegalRegister:
    return parse_law(law_text())


@cache
def programme() -> Programme:
    return parse_programme(programme_text())


def employer(people: int, units: int = 1, **changes: object) -> Organisation:
    """An employer with `people` spread over `units` units u1, u2 …; leaders and safety reps are among them.

    Persons are p1, p2 …: p1 leads everything, p2 is HR, then a manager and a safety rep a unit.
    """
    unit_ids = [f"u{n}" for n in range(1, units + 1)]
    employments = [
        Employment(person=f"p{n}", unit=unit_ids[(n - 1) % units], since=SINCE) for n in range(1, people + 1)
    ]
    roles = [
        Assignment(role=Role.TOP_MANAGER, person="p1", since=SINCE),
        Assignment(role=Role.HR, person="p2", since=SINCE),
    ]
    if people >= 5:
        for n, unit in enumerate(unit_ids):
            roles.append(Assignment(role=Role.MANAGER, person=f"p{3 + 2 * n}", unit=unit, since=SINCE))
            roles.append(
                Assignment(role=Role.SAFETY_REP, person=f"p{4 + 2 * n}", area=f"a-{unit}", since=SINCE)
            )
        roles.append(Assignment(role=Role.SENIOR_SAFETY_REP, person="p4", since=SINCE))
    else:
        roles.append(Assignment(role=Role.CONTACT_PERSON, person="p3", since=SINCE))
    if people >= 30:
        roles.append(Assignment(role=Role.WEC_CHAIR, person="p20", since=SINCE))
        roles.append(Assignment(role=Role.WEC, person="p21", since=SINCE))
        roles.append(Assignment(role=Role.BOARD, person="b1", since=SINCE))
    return Organisation.model_validate(
        {
            "employer": "fjell",
            "org_number": "923609016",
            "name": "Fjell AS",
            "units": [Unit(id="root", name="Fjell AS", since=SINCE)]
            + [Unit(id=u, name=u, parent="root", area=f"a-{u}", since=SINCE) for u in unit_ids],
            "areas": [SafetyArea(id=f"a-{u}", name=u) for u in unit_ids],
            "employments": employments,
            "assignments": roles,
            **changes,
        }
    )


SMALL, MEDIUM, LARGE = employer(4), employer(17), employer(112, units=4)


def unit_closed(organisation: Organisation, unit: str, on: date) -> Organisation:
    """The same employer, where `unit` is closed from that day on."""
    units = [u.model_copy(update={"until": on}) if u.id == unit else u for u in organisation.units]
    return organisation.model_copy(update={"units": tuple(units)})


def manager_changed(organisation: Organisation, unit: str, on: date, new: str | None) -> Organisation:
    """The same employer, where the manager of `unit` leaves that day and `new` begins, if there is somebody."""
    roles = [
        a.model_copy(update={"until": on}) if (a.role, a.unit) == (Role.MANAGER, unit) else a
        for a in organisation.assignments
    ]
    if new is not None:
        roles.append(Assignment(role=Role.MANAGER, person=new, unit=unit, since=on))
    return organisation.model_copy(update={"assignments": tuple(roles)})


def hired(organisation: Organisation, on: date, people: int, unit: str = "u1") -> Organisation:
    """The same employer, where so many new people n1, n2 … begin that day."""
    new = tuple(Employment(person=f"n{n}", unit=unit, since=on) for n in range(1, people + 1))
    return organisation.model_copy(update={"employments": (*organisation.employments, *new)})


_PLANS: dict[tuple[str, int], YearPlan] = {}


def year_plan(organisation: Organisation, year: int) -> YearPlan:
    """The standard year of the employer; made once."""
    key = (organisation.model_dump_json(), year)
    if key not in _PLANS:
        _PLANS[key] = plan(programme(), organisation, law(), year)
    return _PLANS[key]
