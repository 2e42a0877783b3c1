"""Days as angles, angles as points, and lanes in which nothing overlaps: the geometry of round pictures.

Angles are degrees clockwise from twelve o'clock; lengths are pixels; the centre of the circle is (0, 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise
from math import cos, degrees, radians, sin
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of the circle, 0 <= start <= end <= 360."""

    start: float
    end: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2

    @property
    def width(self) -> float:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether both cover some stretch; touching is not overlapping."""
        return self.start < other.end and other.start < self.end


def span(first: date, last: date, year: int) -> Span | None:
    """The stretch from the morning of `first` to the evening of `last`, as far as it lies in `year`.

    1 January begins at 0 and 31 December ends at 360; every day of the year is equally wide. None where
    nothing of it lies in the year.
    """
    if last < first or last.year < year or first.year > year:
        return None
    begins, length = date(year, 1, 1), _days(year)
    start = (first - begins).days if first.year == year else 0
    end = (last - begins).days + 1 if last.year == year else length
    return Span(360 * start / length, 360 * end / length)


def months(year: int) -> tuple[Span, ...]:
    """The stretch of each of the twelve months."""
    begins = date(year, 1, 1)
    starts = [360 * (date(year, month, 1) - begins).days / _days(year) for month in range(1, 13)]
    return tuple(Span(start, end) for start, end in pairwise([*starts, 360.0]))


def _days(year: int) -> int:
    return date(year, 12, 31).timetuple().tm_yday


def point(angle: float, radius: float) -> tuple[float, float]:
    """The point at that angle and distance from the centre; y grows downwards, as in SVG."""
    return radius * sin(radians(angle)), -radius * cos(radians(angle))


def angle_of(length: float, radius: float) -> float:
    """How many degrees an arc of that length takes at that radius."""
    return degrees(length / radius)


def upright(angle: float) -> float:
    """How far a text along the circle is turned at this angle, so that nobody reads it upside down."""
    if angle <= 90:
        return angle
    return angle - 180 if angle < 270 else angle - 360


def number(value: float) -> str:
    """A coordinate with one decimal, as short as it goes."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def at(angle: float, radius: float) -> str:
    """The point as SVG writes it: «12 -34.5»."""
    x, y = point(angle, radius)
    return f"{number(x)} {number(y)}"


def arc(radius: float, stretch: Span) -> str:
    """Path data of an open arc, clockwise, less than a full circle."""
    return f"M{at(stretch.start, radius)}A{_around(radius, stretch, 1)}{at(stretch.end, radius)}"


def arc_back(radius: float, stretch: Span) -> str:
    """The same arc anticlockwise, for a text in the lower half."""
    return f"M{at(stretch.end, radius)}A{_around(radius, stretch, 0)}{at(stretch.start, radius)}"


def sector(inner: float, outer: float, stretch: Span) -> str:
    """Path data of the closed piece of a ring between two radii."""
    back = f"L{at(stretch.end, inner)}A{_around(inner, stretch, 0)}{at(stretch.start, inner)}Z"
    return arc(outer, stretch) + back


def _around(radius: float, stretch: Span, clockwise: int) -> str:
    return f"{number(radius)} {number(radius)} 0 {int(stretch.width > 180)} {clockwise} "


class Placed(NamedTuple):
    """Where something went: its lane, counted from 0 outside, and all it takes up there."""

    lane: int
    taken: Span


def pack(wishes: Iterable[Callable[[int], Span]]) -> tuple[Placed, ...]:
    """Give each wish the first lane where it overlaps nothing, in the order of the wishes.

    A wish tells what it would take up in a lane, since the same text is a wider angle on a smaller circle.
    """
    lanes: list[list[Span]] = []
    placed: list[Placed] = []
    for wish in wishes:
        lane, taken = 0, wish(0)
        while lane < len(lanes) and any(taken.overlaps(other) for other in lanes[lane]):
            lane += 1
            taken = wish(lane)
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append(taken)
        placed.append(Placed(lane, taken))
    return tuple(placed)
