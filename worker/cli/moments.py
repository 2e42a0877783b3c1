"""Moments of the past as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import click

from activities.language import _
from workflows.rules.calendar import OSLO

_DAYS: Final = ("%Y-%m-%d", "%d.%m.%Y")
_TIMES: Final = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H.%M")


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
        found = next((at for form in _TIMES if (at := _parsed(text, form)) is not None), None)
        try:
            found = found if found is not None else datetime.fromisoformat(text)
            return (found if found.tzinfo is not None else found.replace(tzinfo=OSLO)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                _("«{text}» er ingen dag: skriv 2027-05-12, 12.05.2027 eller 2027-05-12T14:30.").format(
                    text=text
                ),
                param,
                ctx,
            )


MOMENT: Final = Moment()


def end_of(day: date) -> datetime:
    """The last moment of a day in Norway."""
    following = datetime.combine(day, time(), OSLO) + timedelta(days=1)
    return following.astimezone(UTC) - timedelta(microseconds=1)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=OSLO)
    except ValueError:
        return None
