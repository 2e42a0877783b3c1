"""Days and moments as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import click

from activities.language import _
from workflows.rules.calendar import OSLO

_YEARS: Final = range(1900, 2200)
_DAYS: Final = ("%Y-%m-%d", "%d.%m.%Y")
_TIMES: Final = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H.%M")


class Day(click.ParamType[date]):
    """A day of the years 1900 to 2199."""

    name = "day"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day."""
        if isinstance(value, date):
            return value
        text = value.strip()
        found = next((at for form in _DAYS if (at := _parsed(text, form)) is not None), None)
        if found is None:
            wrong = _("«{text}» er ingen dag: skriv 2027-05-12 eller 12.05.2027.")
            self.fail(wrong.format(text=_quoted(text)), param, ctx)
        return found.date()


DAY: Final = Day()


class Moment(click.ParamType[datetime]):
    """A day, which means its last moment in Norway, or a time on it: Norwegian unless it has a time zone."""

    name = "moment"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment in UTC."""
        if isinstance(value, datetime):
            return value
        text = value.strip()
        for form in _DAYS:
            if (day := _parsed(text, form)) is not None:
                return end_of(day.date())
        found = next((at for form in _TIMES if (at := _parsed(text, form)) is not None), None) or _iso(text)
        if found is None:
            wrong = _("«{text}» er ingen dag: skriv 2027-05-12, 12.05.2027 eller 2027-05-12T14:30.")
            self.fail(wrong.format(text=_quoted(text)), param, ctx)
        return found.astimezone(UTC)


MOMENT: Final = Moment()


def end_of(day: date) -> datetime:
    """The last moment of a day in Norway."""
    following = datetime.combine(day, time(), OSLO) + timedelta(days=1)
    return following.astimezone(UTC) - timedelta(microseconds=1)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return _within(datetime.strptime(text, form).replace(tzinfo=OSLO))
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _within(found if found.tzinfo is not None else found.replace(tzinfo=OSLO))


def _within(found: datetime) -> datetime | None:
    return found if found.year in _YEARS else None


def _quoted(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
