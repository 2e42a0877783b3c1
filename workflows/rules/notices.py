"""When a person gets mail: at most one a day, and everything that waits goes with it.

The first mail of a day goes at once, with all that waits. What comes later the same day waits until the next
day's `digest_at`, unless that day's first mail takes it along before then. Days are those in Oslo.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from pydantic import AwareDatetime

from workflows.rules.base import Frozen
from workflows.rules.calendar import OSLO, oslo_day

QUIET = timedelta(seconds=10)
"""What happens together is told together: nothing new has come for so long when a mail goes."""

PATIENCE = timedelta(minutes=2)
"""A mail waits no longer than this for what happens together with it."""


class Waiting(Frozen):
    """Something that one person is to be told; `id` is its place in the outbox."""

    id: int
    created: AwareDatetime


class Go(Frozen):
    """All of these go now, in one mail."""

    ids: tuple[int, ...]


class Wait(Frozen):
    """All of these wait until then."""

    ids: tuple[int, ...]
    until: AwareDatetime


def next_mail(
    waiting: Sequence[Waiting], last: date | None, now: datetime, digest_at: time
) -> Go | Wait | None:
    """What becomes at `now` of what waits for one person, whose `last` mail was of that day; None for nothing."""
    if not waiting:
        return None
    ids, today = tuple(w.id for w in waiting), oslo_day(now)
    if last is not None and last >= today:
        return Wait(ids=ids, until=morning(last + timedelta(days=1), digest_at))
    new = [w.created for w in waiting if oslo_day(w.created) == today]
    ripe = min(max(new) + QUIET, min(new) + PATIENCE) if new else now
    return Go(ids=ids) if now >= ripe else Wait(ids=ids, until=ripe)


def morning(day: date, digest_at: time) -> datetime:
    """When what waited from the days before goes on `day`."""
    return datetime.combine(day, digest_at, OSLO)


def dated(newest: datetime, now: datetime, digest_at: time) -> datetime:
    """The time that a mail bears which goes at `now` and whose newest matter is of `newest`.

    It is the same when the mail has to be sent again later the same day.
    """
    day = oslo_day(now)
    return newest if oslo_day(newest) == day else morning(day, digest_at)
