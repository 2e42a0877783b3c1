"""Lays recorded facts and the dry run side by side."""

from __future__ import annotations

from datetime import date

from workflows.rules.calendar import oslo_day
from workflows.rules.events import Fact
from workflows.rules.plan import Entry

EVENTS = {
    "step_opened": "opens", "reminded": "reminder", "escalated": "escalation", "step_withdrawn": "withdrawn",
    "step_left_open": "left_open",
}  # fmt: skip
Line = tuple[date, str, str, str, int]


def happened(facts: list[Fact]) -> set[Line]:
    """The dated timeline of recorded facts, in the words of the plan."""
    out = set()
    for fact in facts:
        if fact.kind in EVENTS:
            days = getattr(fact.body, "days_before", getattr(fact.body, "days_after", 0))
            out.add((oslo_day(fact.concerns), fact.cycle or "", fact.step or "", EVENTS[fact.kind], days))
    return out


def planned(entries: tuple[Entry, ...], cycle: str) -> set[Line]:
    return {
        (e.day, e.cycle, e.step, e.event, e.days) for e in entries if e.cycle == cycle and e.event != "due"
    }
