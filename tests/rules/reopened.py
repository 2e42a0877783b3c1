"""A unit's year in which steps are closed and opened again, and what is read from it."""

from __future__ import annotations

from tests.rules.gate_story import ASSESSED, EMPLOYERS, UNIT, Do, Play, moment  # fmt: skip
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Asked, Fact
from workflows.rules.terms import Outcome

AGREED, DISAGREES, APPROVED = Outcome.AGREED, Outcome.DISAGREES, Outcome.APPROVED


def lived(*story: Do, until: str | None = None, employer: str = "usual") -> Play:
    return Play(EMPLOYERS[employer], [UNIT]).live(story, moment(until) if until else None)


def of(play: Play, step: str, since: str) -> list[Fact]:
    return [f for f in play.facts if f.step == step and f.recorded >= moment(since)]


def kinds(play: Play, step: str, since: str) -> list[str]:
    return [f.kind for f in of(play, step, since)]


def bodies(play: Play, kind: type, step: str = ASSESSED) -> list[object]:
    return [f.body for f in play.facts if isinstance(f.body, kind) and f.step == step]


def asked(play: Play, step: str, since: str) -> list[tuple[str, list[str]]]:
    return [
        (f.body.what, [h.person for h in f.body.people])
        for f in of(play, step, since)
        if isinstance(f.body, Asked)
    ]


def days(play: Play, step: str, *wanted: str) -> list[tuple[str, str]]:
    return [
        (f.kind, oslo_day(f.recorded).isoformat()) for f in play.facts if f.step == step and f.kind in wanted
    ]
