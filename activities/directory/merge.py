"""A new full picture laid on what was known: slices begin and end, and none that has begun is taken away."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import date
from typing import TypeVar

from workflows.rules.organisation import Slice

S = TypeVar("S", bound=Slice)


def merged(
    known: Sequence[S],
    told: Sequence[S],
    *,
    subject: Callable[[S], Hashable],
    content: Callable[[S], Hashable],
    today: date,
) -> tuple[S, ...]:
    """`told` is all that holds from `today` on; `known` is what was recorded before, and its past stays.

    * A known slice that is told again, with the same content at the same time, goes on, and an end that is
      told stands. Its start moves back when an earlier one is told and nothing else was known then.
    * A known slice in force that is not told again ends when something new of its subject begins, at the
      latest `today`. One that had not begun is dropped.
    * A slice told with a start before such an older one, as when a list gives the day of hiring for someone
      who has since moved, begins where the older one ends.

    The result is grouped by subject in the order told, then known; each group in order of start.
    """
    result: list[S] = []
    told_of, known_of = _grouped(told, subject), _grouped(known, subject)
    for one in dict.fromkeys([*told_of, *known_of]):
        of_subject = _merged_subject(known_of.get(one, []), told_of.get(one, []), content, today)
        result += sorted(of_subject, key=lambda s: s.since)
    return tuple(result)


def _grouped(slices: Sequence[S], subject: Callable[[S], Hashable]) -> dict[Hashable, list[S]]:
    groups: dict[Hashable, list[S]] = {}
    for one in slices:
        groups.setdefault(subject(one), []).append(one)
    return groups


def _merged_subject(
    known: Sequence[S], told: Sequence[S], content: Callable[[S], Hashable], today: date
) -> list[S]:
    def same(a: S, b: S) -> bool:
        return content(a) == content(b) and overlap(a, b)

    new = [t.since for t in told if not any(same(t, k) for k in known)]
    past: list[S] = []
    for was in known:
        if was.since < today:
            end = _end_of_past(was, [t for t in told if same(t, was)], new, today)
            past.append(was.model_copy(update={"until": end}))
    result = list(past)
    for now in told:
        start = max([now.since, *(p.until for p in past if p.until and p.since >= now.since)])
        if now.until is not None and now.until <= start:
            continue
        joined = [
            p
            for p in past
            if content(p) == content(now) and p.until and now.since < p.until and start <= p.until
        ]
        for p in joined:
            others = (o for o in past if o is not p)
            gap = Slice(since=now.since, until=p.since)
            free = now.since < p.since and not any(overlap(o, gap) for o in others)
            start = now.since if free else min(start, p.since)
            result = [r for r in result if r is not p]
        result.append(now.model_copy(update={"since": start}))
    return result


def _end_of_past(was: S, again: Sequence[S], new: Sequence[date], today: date) -> date:
    """The first day after the part of a known slice that is over, in the light of what is told."""
    end = today if was.until is None else min(was.until, today)
    if not again:
        in_force = was.until is None or was.until > today
        return min([end, *(since for since in new if in_force and was.since < since)])
    exact = [t for t in again if t.since == was.since]
    told_ends = [t.until for t in exact or again if t.since < end]
    if told_ends and None not in told_ends:
        return min(end, max(e for e in told_ends if e is not None))
    return end


def one_at_a_time(slices: Sequence[S], *, subject: Callable[[S], Hashable]) -> tuple[S, ...]:
    """Each slice ends at the latest where the next of its subject begins."""
    starts = {one: [s.since for s in group] for one, group in _grouped(slices, subject).items()}
    result: list[S] = []
    for here in slices:
        end = min((since for since in starts[subject(here)] if since > here.since), default=None)
        if end is not None and (here.until is None or end < here.until):
            result.append(here.model_copy(update={"until": end}))
        else:
            result.append(here)
    return tuple(result)


def ended(slices: Sequence[S], day: date) -> tuple[S, ...]:
    """All slices over by `day`: those that would begin later are dropped."""
    return tuple(
        s if s.until is not None and s.until <= day else s.model_copy(update={"until": day})
        for s in slices
        if s.since < day
    )


def overlap(a: Slice, b: Slice) -> bool:
    return (b.until is None or a.since < b.until) and (a.until is None or b.since < a.until)
