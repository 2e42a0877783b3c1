"""Organisations that Hypothesis makes up: roles, absences, delegations and leavers around one day."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from tests.rules.parts import DAY, of, work
from workflows.rules.organisation import Absence, Assignment, Delegation, Role

PEOPLE = ("a", "b", "c", "d", "e", "f")
persons = st.sampled_from(PEOPLE)
places = st.sampled_from([None, "root", "u1", "u2"])
slices = st.tuples(st.integers(-3, 1), st.none() | st.integers(-1, 4)).map(
    lambda s: {
        "since": DAY + timedelta(days=s[0]),
        "until": None if s[1] is None else DAY + timedelta(days=s[0] + s[1]),
    }
)
assignments = st.builds(
    lambda role, person, unit, area, time: Assignment(role=role, person=person, unit=unit, area=area, **time),
    st.sampled_from(Role), persons, places, st.sampled_from([None, "a-u1"]), slices,
)  # fmt: skip
absences = st.builds(
    lambda p, s, time: Absence(person=p, substitute=s, **time), persons, st.none() | persons, slices
)
delegations = st.builds(
    lambda p, to, role, unit, step, time: Delegation(
        id="x", person=p, to=to, role=role, unit=unit, step=step, **time
    ),
    persons, persons, st.none() | st.sampled_from(Role), places, st.sampled_from([None, "Y15", "Y16"]), slices,
)  # fmt: skip
employments = st.builds(lambda person, time: work(person, **time), persons, slices)
organisations = st.builds(
    lambda a, b, c, e: of(assignments=a, absences=b, delegations=c, employments=e),
    st.lists(assignments, max_size=8), st.lists(absences, max_size=8), st.lists(delegations, max_size=8),
    st.lists(employments, max_size=4),
)  # fmt: skip
