"""Where everything on the year wheel goes: which circle each step has, and how large the wheel must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from math import ceil
from typing import NamedTuple

from pydantic import Field

from portal.pictures.scales import Placed, Span, angle_of, pack, span
from portal.pictures.svg import text_width
from workflows.rules.base import Frozen
from workflows.rules.programme import Level, Stage


class WheelStep(Frozen):
    """One arc. `key` stands on it, `hint` is shown on pointing at it; both days are included."""

    key: str = Field(min_length=1, max_length=8)
    hint: str
    stage: Stage
    level: Level
    opens: date
    due: date


class Band(Frozen):
    """A named stretch of the calendar in which nothing falls due; both days are included."""

    name: str = Field(min_length=1, max_length=40)
    first: date
    last: date


# Lengths in pixels of the viewBox.
LANE = 22.0
"""From one lane to the next."""
RING = 28.0
"""How wide the ring of months is."""
RIM = 400.0
"""The outer radius, unless there are more lanes than fit in it."""
CORE = 76.0
"""What the year in the middle needs at least."""
BAND_TITLE = 22.0
BAND_GAP = 6.0
KEY = 13.0
"""The size of a step's key."""
NAME = 12.5
"""The size of the name of a calendar band."""

OUTWARDS = (Level.UNIT, Level.EMPLOYER)
"""The bands of lanes from the rim to the core: a unit's year is where people meet it, and has most room."""


class OnDial(NamedTuple):
    """A step, its time as a stretch of the circle, and its place."""

    step: WheelStep
    stretch: Span
    place: Placed

    @property
    def key_angle(self) -> float:
        """The middle of the key: on the arc, or in the room that was taken for it beside the arc."""
        start, end = self.place.taken
        if end > self.stretch.end:
            return (self.stretch.end + end) / 2
        if start < self.stretch.start:
            return (start + self.stretch.start) / 2
        return self.stretch.middle


class Dial(NamedTuple):
    """The radii of one wheel and the place of every step. `tops` are where the lanes of a level begin."""

    rim: float
    tops: Mapping[Level, float]
    core: float
    steps: tuple[OnDial, ...]

    @property
    def edge(self) -> float:
        """Where the ring of months ends."""
        return self.rim - RING

    def radius(self, found: OnDial) -> float:
        """The radius of the middle of the step's lane."""
        return self.tops[found.step.level] - LANE * (found.place.lane + 0.5)


def arranged(steps: Sequence[WheelStep], year: int) -> Dial:
    """Every step in the first lane of its level's band that is free; the wheel grows until all fit.

    ValueError for a step that is due before it opens or lies outside the year.
    """
    rim = RIM
    while (dial := _within(rim, steps, year)).core < CORE:
        rim += LANE * ceil((CORE - dial.core) / LANE)
    return dial


def _within(rim: float, steps: Sequence[WheelStep], year: int) -> Dial:
    tops: dict[Level, float] = {}
    found: list[OnDial] = []
    core = rim - RING
    for level in OUTWARDS:
        here = sorted(
            ((_stretch(s, year), s) for s in steps if s.level is level),
            key=lambda pair: (pair[0], pair[1].key),
        )
        if not here:
            continue
        top = tops[level] = core - BAND_TITLE - (BAND_GAP if len(tops) else 0)
        places = pack(partial(_taken, step.key, stretch, top) for stretch, step in here)
        found += [OnDial(step, stretch, place) for (stretch, step), place in zip(here, places, strict=True)]
        core = top - LANE * (max(place.lane for place in places) + 1)
    return Dial(rim, tops, core, tuple(found))


def _taken(key: str, stretch: Span, top: float, lane: int) -> Span:
    """What an arc and its key take up in a lane: the key stands beside an arc that is too short for it."""
    # In a wheel that is still too small the innermost lanes have no room at all; it is not drawn.
    radius = max(top - LANE * (lane + 0.5), CORE)
    width = angle_of(text_width(key, KEY) + 8, radius)
    start, end = stretch
    if stretch.width >= width:
        return stretch
    return Span(start, end + width) if end + width <= 360 else Span(start - width, end)


def _stretch(step: WheelStep, year: int) -> Span:
    if step.due < step.opens:
        raise ValueError(f"{step.key} is due {step.due}, before it opens {step.opens}: correct its dates")
    stretch = span(step.opens, step.due, year)
    if stretch is None:
        raise ValueError(
            f"{step.key} runs {step.opens} to {step.due}, outside {year}: draw it in its own year"
        )
    return stretch


def band_names(bands: Sequence[Band], year: int, radius: float) -> list[tuple[str, Placed]]:
    """Each name once, at its longest stretch, with the line outside the rim on which it has room."""
    longest: dict[str, Span] = {}
    for band in bands:
        stretch = span(band.first, band.last, year)
        if stretch and (band.name not in longest or stretch.width > longest[band.name].width):
            longest[band.name] = stretch
    room: list[Span] = []
    for name, stretch in longest.items():
        reach = angle_of(text_width(name, NAME) + 8, radius) / 2
        middle = min(max(stretch.middle, reach), 360 - reach)
        room.append(Span(middle - reach, middle + reach))
    places = pack(partial(_same, taken) for taken in room)
    return list(zip(longest, places, strict=True))


def _same(taken: Span, _lane: int) -> Span:
    return taken
