"""Employers of any size: ten people a unit, of whom one in five came in the last two years."""

from __future__ import annotations

from datetime import date, timedelta

from tests.rules.employers import employer
from workflows.rules.organisation import Organisation

YEAR = 2027


def many(units: int, name: str = "fjell") -> Organisation:
    """An employer with so many units, and people who began all through 2026 and 2027."""
    made = employer(10 * units, units)
    leading = {a.person for a in made.assignments}
    employments = [
        e.model_copy(update={"since": date(YEAR - 1, 1, 1) + timedelta(days=n % 700)})
        if n % 5 == 0 and e.person not in leading
        else e
        for n, e in enumerate(made.employments)
    ]
    return made.model_copy(update={"employer": name, "employments": tuple(employments)})
