"""The time outside, as the commands see it."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def today() -> date:
    """This day in Norway."""
    from workflows.rules.calendar import oslo_day

    return oslo_day(now())
