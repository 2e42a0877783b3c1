"""Made-up steps and closed stretches of one year, for tests of its drawing."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st

from portal.pictures.dial import Band, WheelStep
from workflows.rules.programme import Level, Stage

YEAR = 2027
NEW_YEAR = date(YEAR, 1, 1)
law = settings(max_examples=50, deadline=None)


def step(key: str, opens: date, due: date, stage: Stage = Stage.MAP, level: Level = Level.UNIT) -> WheelStep:
    return WheelStep(key=key, hint=f"{key} i sin tid", stage=stage, level=level, opens=opens, due=due)


@st.composite
def year_steps(draw: st.DrawFn) -> list[WheelStep]:
    """Steps of any length, also far beyond New Year, up to twenty-five at once."""
    steps = []
    for n in range(draw(st.integers(0, 25))):
        opens = NEW_YEAR + timedelta(days=draw(st.integers(-200, 364)))
        earliest = max(opens, NEW_YEAR)
        due = earliest + timedelta(days=draw(st.one_of(st.integers(0, 3), st.integers(0, 500))))
        key = f"Y{n:02}" + draw(st.sampled_from(["", ".1", ".12"]))
        steps.append(step(key, opens, due, draw(st.sampled_from(Stage)), draw(st.sampled_from(Level))))
    return steps


@st.composite
def year_bands(draw: st.DrawFn) -> list[Band]:
    bands = []
    for _ in range(draw(st.integers(0, 8))):
        first = NEW_YEAR + timedelta(days=draw(st.integers(-30, 400)))
        last = first + timedelta(days=draw(st.integers(0, 90)))
        name = draw(st.sampled_from(["jul", "påske", "fellesferie", "vinterferie", "W" * 40]))
        bands.append(Band(name=name, first=first, last=last))
    return bands
