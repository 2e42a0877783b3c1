"""Norwegian working days, the weeks in which nothing falls due, and the clock in Oslo.

The only module that knows public holidays, Easter, fellesferie and the time zone. Days are plain `date`
values as people in Norway write them; moments are aware `datetime` values in UTC. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import field_validator

from workflows.rules.base import Frozen
from workflows.rules.phrase import Misread, Phrase

if TYPE_CHECKING:
    from holidays.countries.norway import Norway

OSLO = ZoneInfo("Europe/Oslo")

Direction = Literal["next", "previous"]

# 1 and 17 May are public holidays by lov 1947-04-26-1; the `holidays` library is silently empty after 2100.
FIRST_YEAR, LAST_YEAR = 1947, 2100

_DAY = timedelta(days=1)
_LONGEST_SEARCH = 366


class Blackout(StrEnum):
    """A period in which no survey, consultation deadline or meeting of the committee falls due."""

    FELLESFERIE = "fellesferie"
    EASTER = "easter"
    CHRISTMAS = "christmas"


class WorkCalendar(Frozen):
    """One employer's calendar on top of Norway's public holidays.

    A *working day* is Monday to Friday, no public holiday and, unless `eves_are_working_days`, neither
    24 nor 31 December. An *open day* is a working day outside every blackout in `blackouts`:

    - `fellesferie`: every Monday to Sunday of the ISO weeks in `fellesferie_weeks`, each week by itself. The
      weeks are a custom and a setting, not law. Week 53 counts in the years that have it.
    - `easter`: Monday before Easter Sunday to Easter Monday, both included.
    - `christmas`: 20 December to 3 January, both included.

    `hour` is the local hour in Europe/Oslo, 0 to 23, at which things open and notices go out.

    Every method takes days of the years 1947 to 2100 and raises ValueError outside them, and TypeError for a
    `datetime`, whose date depends on the time zone. Where no open day lies within a year in the wanted
    direction, ValueError names the settings that close it.

    Source: hms-domain.md § 2.3 and E17.
    """

    fellesferie_weeks: tuple[int, ...] = (28, 29, 30, 31)
    blackouts: tuple[Blackout, ...] = tuple(Blackout)
    eves_are_working_days: bool = False
    hour: int = 8

    @field_validator("fellesferie_weeks")
    @classmethod
    def _weeks_are_iso_weeks(cls, weeks: tuple[int, ...]) -> tuple[int, ...]:
        for week in weeks:
            if not 1 <= week <= 53:
                raise Misread(
                    Phrase("{week} is not an ISO week.", week=week),
                    Phrase("List weeks from 1 to 53, as in 28, 29, 30."),
                )
        return weeks

    @field_validator("fellesferie_weeks", "blackouts")
    @classmethod
    def _listed_once(cls, values: tuple[int | Blackout, ...]) -> tuple[int | Blackout, ...]:
        for position, value in enumerate(values):
            if value in values[:position]:
                raise Misread(
                    Phrase("{value} is listed twice.", value=value),
                    Phrase("Remove it, or write the one that was meant."),
                )
        return values

    @field_validator("hour")
    @classmethod
    def _hour_of_the_day(cls, hour: int) -> int:
        if not 0 <= hour <= 23:
            raise Misread(
                Phrase("{hour} is not an hour of the day.", hour=hour),
                Phrase("Write the local hour in Oslo, from 0 to 23."),
            )
        return hour

    def holiday(self, day: date) -> str | None:
        """The public holiday's name in bokmål, or None. Eves and ordinary Sundays have no name.

        Where two holidays share a day, both names, as in "Andre pinsedag; Grunnlovsdag" on 17 May 2027.
        """
        return _public_holidays().names.get(_known(day))

    def is_working_day(self, day: date) -> bool:
        """Whether people are ordinarily at work on this day, whatever the blackouts say."""
        if self.holiday(day) is not None or day.weekday() >= 5:
            return False
        return self.eves_are_working_days or (day.month, day.day) not in ((12, 24), (12, 31))

    def blackout(self, day: date) -> Blackout | None:
        """The blackout that covers this day, weekends and holidays included, or None.

        Where two cover it (fellesferie in week 52), the one that comes first in `blackouts`.
        """
        _known(day)
        return next((blackout for blackout in self.blackouts if self._covers(blackout, day)), None)

    def is_open(self, day: date) -> bool:
        """Whether something may fall due on this day: a working day outside every blackout."""
        return self.is_working_day(day) and self.blackout(day) is None

    def settle(self, day: date, direction: Direction = "next") -> date:
        """The open day nearest to `day` in the given direction; `day` itself when it is open.

        ValueError for another direction.
        """
        if direction not in ("next", "previous"):
            raise ValueError(f"a day cannot be settled {direction!r}: write 'next' or 'previous'")
        return _settled(self, _known(day), direction)

    def add_working_days(self, day: date, count: int) -> date:
        """The open day that lies `count` open days after `day`, or before it when `count` is negative.

        `day` itself is not counted and need not be open; it comes back unchanged when `count` is 0.
        """
        _known(day)
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day = self._nearest(day + step, step, self.is_open)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """The number of open days after `start` up to and including `end`.

        Negative when `end` is the earlier one: the open days after `end` up to and including `start`.
        """
        first, last = sorted((_known(start), _known(end)))
        days = (first + _DAY * offset for offset in range(1, (last - first).days + 1))
        count = sum(self.is_open(day) for day in days)
        return count if start <= end else -count

    def consultation_deadline(self, asked: date, days: int) -> date:
        """The last day for an answer that was asked for on `asked`, with `days` calendar days to think.

        The day of asking is not counted; weekends and public holidays are, days in a blackout are not. A
        deadline on a closed day moves to the next open one. Not for duties that the law wants done at once:
        those never pause (E17). ValueError for a negative number of days.
        """
        if days < 0:
            raise ValueError(f"{days} days is no time to answer in: give 0 or more calendar days")
        last = _known(asked)
        for _ in range(days):
            last = self._nearest(last + _DAY, _DAY, lambda day: self.blackout(day) is None)
        return self.settle(last)

    def moment(self, day: date) -> datetime:
        """`hour`:00 in Oslo on that day, in UTC.

        On the last Sunday of March 02:00 does not exist and 03:00 is meant; on the last Sunday of October
        02:00 comes twice and the first is meant.
        """
        return datetime.combine(_known(day), time(self.hour), OSLO).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """Midnight at the end of that day in Oslo, in UTC: the first moment that is no longer the day."""
        return datetime.combine(_known(day) + _DAY, time(), OSLO).astimezone(UTC)

    def _covers(self, blackout: Blackout, day: date) -> bool:
        match blackout:
            case Blackout.FELLESFERIE:
                return day.isocalendar().week in self.fellesferie_weeks
            case Blackout.EASTER:
                easter_monday = _public_holidays().easter_mondays[day.year]
                return easter_monday - 7 * _DAY <= day <= easter_monday
            case Blackout.CHRISTMAS:
                return (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 3)

    def _nearest(self, day: date, step: timedelta, fits: Callable[[date], bool]) -> date:
        for offset in range(_LONGEST_SEARCH + 1):
            candidate = day + step * offset
            if fits(candidate):
                return candidate
        raise ValueError(
            f"no open day within a year {'after' if step > timedelta() else 'before'} {day}: "
            f"fellesferie_weeks {self.fellesferie_weeks} and blackouts {tuple(map(str, self.blackouts))} "
            "close every one; take weeks out of fellesferie_weeks"
        )


# A year asks for the same few hundred days again whenever it looks at what is due.
@lru_cache(maxsize=8192)
def _settled(calendar: WorkCalendar, day: date, direction: Direction) -> date:
    return calendar._nearest(day, _DAY if direction == "next" else -_DAY, calendar.is_open)


def oslo_day(moment: datetime) -> date:
    """The date that people in Norway read on the wall at that moment. ValueError for a naive datetime."""
    if moment.utcoffset() is None:
        raise ValueError(
            f"{moment.isoformat()} has no time zone, so its day in Oslo is not known: "
            "give it one, for example .replace(tzinfo=UTC) when it was read as UTC"
        )
    return moment.astimezone(OSLO).date()


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday of a month: `nth_weekday(2027, 3, 0, 2)` is the second Monday of March 2027.

    `weekday` counts as `date.weekday` does, from 0 for Monday to 6 for Sunday; `n` counts from 1. ValueError
    for a month or weekday that is none, and where the month has no n-th such day.
    """
    if not 0 <= weekday <= 6:
        raise ValueError(f"{weekday} is not a weekday: write 0 for Monday to 6 for Sunday")
    if not 1 <= month <= 12:
        raise ValueError(f"{month} is not a month: write 1 for January to 12 for December")
    if not 1 <= n <= 5:
        raise ValueError(f"no month has a weekday number {n}: write 1 to 5; every month has 1 to 4")
    first = _known(date(year, month, 1))
    day = first + _DAY * ((weekday - first.weekday()) % 7 + 7 * (n - 1))
    if day.month != month:
        raise ValueError(
            f"{year}-{month:02} has only four of weekday {weekday} (0 is Monday), no fifth: write 1 to 4"
        )
    return day


def load_holidays() -> None:
    """Load every public holiday now instead of at the first question about a day.

    For a process that runs workflows, before its worker or replayer starts: inside Temporal's sandbox the
    first question would fail, because the library imports modules and reads the locale to find its names.
    After this call no question loads anything more.
    """
    _public_holidays()


class _PublicHolidays(NamedTuple):
    names: dict[date, str]
    easter_mondays: dict[int, date]


@cache
def _public_holidays() -> _PublicHolidays:
    # All years at once: one year at a time would meet the sandbox again with every new year.
    names = dict(_norway()(years=range(FIRST_YEAR, LAST_YEAR + 1), language="no"))
    return _PublicHolidays(names, {day.year: day for day, name in names.items() if name == "Andre påskedag"})


def _norway() -> type[Norway]:
    # The library takes as long to import as pydantic, so this waits for the first question about a day.
    # Importing `holidays.countries.norway` by its name runs its package, which loads every country in the
    # world and takes twice as long again; the one file is enough.
    import holidays

    file = Path(holidays.__file__).with_name("countries") / "norway.py"
    spec = spec_from_file_location("holidays_norway", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Norwegian holidays in {file}: install the `holidays` package again")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    norway: type[Norway] = module.Norway
    return norway


def _known(day: date) -> date:
    if isinstance(day, datetime):
        raise TypeError(f"{day.isoformat()} is a moment, not a day: take its day in Oslo with oslo_day()")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(
            f"{day} is outside the years {FIRST_YEAR} to {LAST_YEAR} whose public holidays are known: "
            "check the year that was typed"
        )
    return day
