"""The standard programme as the tests hold it against the domain page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from workflows.rules.organisation import Profile, Role
from workflows.rules.plan import window_dates
from workflows.rules.programme import StepRule
from workflows.rules.programme_file import parse_programme
from workflows.standard import programme_text

PROGRAMME = parse_programme(programme_text(), "programme_standard.toml")
STEPS = {s.id: s for s in PROGRAMME.steps}
YEARS = (2026, 2027, 2028)

COMMITTEE_MEETINGS = {"Y07", "Y17", "Y24", "Y31"}
EMPLOYEES_OWN = {Role.SAFETY_REP, Role.DEPUTY_SAFETY_REP, Role.SENIOR_SAFETY_REP}
COMMITTEE = {Role.WEC, Role.WEC_CHAIR}


def everyone_in(step: StepRule) -> set[Role]:
    """Every role that has a part in the step."""
    return {step.owner, *step.participants, *step.inform, *(s.role for s in step.gate)}


def in_profile(profile: Profile) -> Iterable[StepRule]:
    """The steps of an employer of this size, as it has them."""
    return (s.for_profile(profile) for s in PROGRAMME.steps if profile in s.profiles)


def due_days(year: int) -> dict[str, list[date]]:
    """The due dates of every step in `year`."""
    return {id: [due for _, due in windows] for id, windows in window_dates(PROGRAMME, year).items()}
