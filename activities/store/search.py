"""Searching the timeline: every filter is an index, and every page costs the same wherever it is.

A question is put to the parts of the timeline that one index has in the order of the ledger: one for each step,
unit, kind or month that is wanted. Each part gives one page, and the first of those is the page. The other
filters are tried on the rows of that part; where a filter finds few facts, they are all looked up and the others
are tried on those, and where none does, the rarest is begun with. A time is looked for only where in the ledger
its months begin and end.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple, get_args

from pydantic import AwareDatetime, Field
from sqlalchemy import bindparam, func, select

from activities.ledger.log import read_leaf
from activities.store.places import LAST, MONTHS, Shape, Values, along, among, statement, together
from activities.store.prepared import Prepared
from activities.store.projections import month_of
from activities.store.reader import Reader
from activities.store.rows import TimelineRow
from activities.store.sqlite import driven
from activities.store.tables import ledger_leaf, timeline
from workflows.rules.base import Frozen
from workflows.rules.events import Body
from workflows.rules.organisation import Id

MOST_PARTS: Final = 40
"""More units than this are looked for row by row: they are then a good part of the employer."""

FEW_MONTHS: Final = 3
"""A time as short as this is looked for before steps, units and kinds."""

FEW_UNITS: Final = 3
"""So few units are looked for before steps: a large employer has more units than the year has steps."""

FEW: Final = 2000
"""So many facts of one filter are looked up whole, to try the others on them."""

NEAR: Final = 4000
"""So many texts are read on PostgreSQL, before all that have the words are looked up in the index of words: that is
quick where they are few, and where they are many they are near."""

LONGEST_WORD: Final = 400
"""Letters of a word that PostgreSQL looks for; its index has no longer ones."""

OFTEN: Final = 15
"""Whoever more than one in so many facts name is tried on the facts of a month, where that is asked for: how the
month begins is skipped faster in its own index."""

_TOGETHER = 4
"""So many months are asked for at a time, those that come first in the ledger before others."""

WRITTEN: Final = frozenset(
    model.model_fields["kind"].default
    for model in get_args(get_args(Body)[0])
    if "comment" in model.model_fields
)
"""The kinds of facts that may have a text: no other has any words."""

_ROWS = 500
_WORD = re.compile(r"[^\W_]+")


class StepWanted(Frozen):
    """A step by the id of its rule, as Y28. `rulebooks`: only in years by these programmes and laws (hashes)."""

    base: str
    rulebooks: tuple[tuple[str, str], ...] | None = None


class Wanted(Frozen):
    """Which facts are asked for; None asks for all, an empty tuple for none.

    `units` by id, with None for the employer's own year and what belongs to no year. `key` is one occurrence of
    a step (Y28.1). `person` acted or is named. `acted`: people's acts, not what followed from them. `since` and
    `until` (not included) bound the time the fact concerns. `words`: what was written has words that begin with
    all of these. `after` and `before` are places in the ledger, themselves not included.
    """

    employer: Id
    units: tuple[str | None, ...] | None = None
    steps: tuple[StepWanted, ...] | None = None
    key: str | None = None
    person: str | None = None
    kinds: tuple[str, ...] | None = None
    acted: bool = False
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    words: tuple[str, ...] | None = None
    after: int = Field(default=0, ge=0)
    before: int | None = None


def words_of(text: str) -> tuple[str, ...]:
    """The words to look for, in small letters and each once; what stands between letters and digits parts them."""
    return tuple(dict.fromkeys(_WORD.findall(text.lower())))


async def search(
    reader: Reader, wanted: Wanted, *, limit: int, newest: bool = False
) -> tuple[list[TimelineRow], bool]:
    """The first facts of what is asked for, at most `limit` of them, in the order of the ledger; and whether
    there are more. With `newest` the last ones instead, and whether there are earlier ones."""
    if not _on_file(reader):
        await reader.connection.execute(_PLANNED)
    if wanted.words is not None and wanted.kinds is not None:
        wanted = wanted.model_copy(update={"kinds": tuple(kind for kind in wanted.kinds if kind in WRITTEN)})
    months = await _months(reader, wanted)
    if months is not None:
        if not months:
            return [], False
        wanted = _between(wanted, min(m.first for m in months), max(m.last for m in months))
    seqs, lead = await _of_few(reader, wanted, limit + 1, newest)
    if seqs is None:
        seqs = await _of_parts(reader, wanted, months, lead, limit + 1, newest)
    seqs.sort(reverse=newest)
    page, more = sorted(seqs[:limit]), len(seqs) > limit
    return [row async for row in _rows(reader, wanted.employer, page)], more


async def size_at(reader: Reader, employer: str, moment: datetime) -> int:
    """How many facts the ledger had before the moment: it is in the order of recording."""
    low, high = 0, (await reader.head(employer)).size
    while low < high:
        middle = (low + high) // 2
        body = await _LEAF.value(reader.connection, employer=employer, seq=middle + 1)
        if body is None or read_leaf(body)[1].recorded >= moment:
            high = middle
        else:
            low = middle + 1
    return low


# --- the parts of a question ----------------------------------------------------------------------


class _Month(NamedTuple):
    """A month, and the first and the last place in the ledger of what concerns it."""

    month: int
    first: int
    last: int


async def _of_few(reader: Reader, w: Wanted, most: int, newest: bool) -> tuple[list[int] | None, str | None]:
    """The first places, where some filter finds few facts that the others can be tried on; None where none does.

    Then what to begin with, where there are several filters: the one whose first facts reach farthest along the
    ledger, or the month. Each part of it is read until it has a page, so that many parts must be that much rarer.
    """
    filters = [
        Wanted(employer=w.employer, after=w.after, before=w.before, **{name: given})
        for name in ("person", "units", "steps", "kinds", "words")
        if (given := getattr(w, name)) is not None
    ]
    timed = w.since is not None or w.until is not None
    if () in (w.units, w.steps, w.kinds, w.words) or len(filters) + timed < 2:
        return None, None
    both: set[int] | None = None
    reach: dict[str, float] = {}
    tried = w
    for one in filters:
        if one.units is not None and len(one.units) > MOST_PARTS:
            continue
        if both is not None and len(both) <= _ROWS and (one.words is None or not _on_file(reader)):
            continue
        parts = list(_parts(one))
        found = await _asked(reader, parts, one, FEW + 1, newest, enough=FEW)
        [name] = one.model_fields_set - {"employer", "after", "before"}
        if len(found) <= FEW:
            both = set(found) if both is None else both & set(found)
            tried = tried.model_copy(update={name: None})
        else:
            reach[name] = (max(found) - min(found)) / len(parts) ** 2
    if tried.words is not None and _on_file(reader):
        return None, "words"
    if both is None:
        lead = max(reach, key=lambda name: reach[name], default=None)
        often = timed and lead == "person" and reach["person"] < OFTEN * FEW
        return None, "month" if often else lead
    shape, values = _residual(tried)
    places = sorted(both, reverse=newest)
    if shape == Shape(by="all"):
        return places[:most], None
    fitting: list[int] = []
    for at in range(0, len(places), _ROWS):
        chunk = {"employer": w.employer, "seqs": places[at : at + _ROWS]}
        fitting += await reader.connection.scalars(among(shape), {**values, **chunk})
        if len(fitting) >= most:
            break
    return fitting, None


async def _of_parts(
    reader: Reader, wanted: Wanted, months: list[_Month] | None, lead: str | None, most: int, newest: bool
) -> list[int]:
    """The first places of each part of the question; of months only those that can be among the first of all."""
    parts = list(_parts(wanted, len(months) if months is not None else None, lead))
    if months is None or [shape.by for shape, _values in parts] != ["month"]:
        return await _asked(reader, parts, wanted, most, newest)
    [(shape, values)] = parts
    first, last = min(months).month, max(months).month
    least = sorted(
        (m for m in months if wanted.after < m.last and (wanted.before is None or m.first < wanted.before)),
        key=(lambda m: -m.last) if newest else (lambda m: m.first),
    )
    seqs: list[int] = []
    for at in range(0, len(least), _TOGETHER):
        if len(seqs) >= most:
            worst = sorted(seqs, reverse=newest)[most - 1]
            if worst > least[at].last if newest else worst < least[at].first:
                break
        some = [_of_month(shape, values, m.month, first, last) for m in least[at : at + _TOGETHER]]
        seqs += await _asked(reader, some, wanted, most, newest)
    return seqs


async def _asked(
    reader: Reader,
    parts: list[tuple[Shape, Values]],
    wanted: Wanted,
    most: int,
    newest: bool,
    enough: int | None = None,
) -> list[int]:
    """The places that the parts give, at most so many each; where more than `enough` are, no more are looked for."""
    where = {
        "employer": wanted.employer, "after": wanted.after, "most": most,
        "before": LAST if wanted.before is None else wanted.before,
    }  # fmt: skip
    if not _on_file(reader) and [shape.by for shape, _values in parts] == ["words"]:
        [(shape, values)] = parts
        return await _of_words(reader, shape, {**values, **where}, newest)
    if not _on_file(reader) and len(parts) > 1:
        given = [(shape, {**values, **where}) for shape, values in parts]
        return await together(reader, given, newest, None if enough is None else enough + 1)
    seqs: list[int] = []
    for shape, values in parts:
        seqs += await statement(shape, newest).column(reader.connection, **values, **where)
        if enough is not None and len(seqs) > enough:
            break
    return seqs


async def _of_words(reader: Reader, shape: Shape, values: Values, newest: bool) -> list[int]:
    """On PostgreSQL, the first places of texts with the words and of what else is wanted.

    Words that go with something else were looked for before, and many texts have them.
    """
    alone = shape == Shape(by="words", words=True)
    texts = max(NEAR, 2 * values["most"]) if alone else LAST
    near = await along(shape, newest).column(reader.connection, **values, texts=texts)
    if alone and len(near) < values["most"]:
        return await statement(shape, newest).column(reader.connection, **values)
    return near


def _parts(
    wanted: Wanted, months: int | None = None, lead: str | None = None
) -> Iterator[tuple[Shape, Values]]:
    """Each part to be asked; where it is the months of a time, however many, one that stands for them.

    `lead` is the filter to begin with: words and people are found by it, or tried on the rows that others find.
    """
    w = wanted
    few_months = months is not None and months <= FEW_MONTHS
    lead = lead or ("words" if w.words is not None else "person")
    if () in (w.units, w.steps, w.kinds, w.words):
        return
    shape, values = _residual(w)
    if w.words is not None and lead == "words":
        yield shape._replace(by="words"), values
    elif w.person is not None and (lead == "person" or (lead == "month" and not few_months)):
        yield shape._replace(by="person"), values
    elif few_months:
        yield shape._replace(by="month"), values
    elif w.steps is not None and (w.units is None or len(w.units) > FEW_UNITS):
        for step in w.steps:
            one, its = _residual(w.model_copy(update={"steps": (step,)}))
            yield one._replace(by="step"), its
    elif w.units is not None and len(w.units) <= MOST_PARTS:
        for unit in w.units:
            one, its = _residual(w.model_copy(update={"units": (unit,)}))
            yield one._replace(by="own" if unit is None else "unit"), its
    elif w.kinds is not None:
        for kind in w.kinds:
            one, its = _residual(w.model_copy(update={"kinds": (kind,)}))
            yield one._replace(by="kind"), its
    elif months is not None:
        yield shape._replace(by="month"), values
    else:
        yield shape, values


def _of_month(shape: Shape, values: Values, month: int, first: int, last: int) -> tuple[Shape, Values]:
    """The months wholly within the time are not tried row by row; the first and the last are."""
    inner = shape._replace(since=shape.since and month == first, until=shape.until and month == last)
    dropped = {name for name in ("since", "until") if not getattr(inner, name)}
    return inner, {**{n: v for n, v in values.items() if n not in dropped}, "month": month}


def _between(w: Wanted, first: int, last: int) -> Wanted:
    """The same question, put only to these places in the ledger."""
    before = last + 1 if w.before is None else min(w.before, last + 1)
    return w.model_copy(update={"after": max(w.after, first - 1), "before": before})


def _residual(w: Wanted) -> tuple[Shape, Values]:
    values: dict[str, Any] = {}
    units = None if w.units is None else [unit for unit in w.units if unit is not None]
    if w.words is not None:
        values["words_fts"] = " ".join(f'"{word}"*' for word in w.words)
        values["words_ts"] = " & ".join(f"'{w.employer} {word[:LONGEST_WORD]}':*" for word in w.words)
    if w.person is not None:
        values["person"] = w.person
    values |= {f"unit_{n}": unit for n, unit in enumerate(units or ())}
    for n, step in enumerate(w.steps or ()):
        values[f"step_{n}"] = step.base
        for m, (programme, law) in enumerate(step.rulebooks or ()):
            values |= {f"programme_{n}_{m}": programme, f"law_{n}_{m}": law}
    values |= {f"kind_{n}": kind for n, kind in enumerate(w.kinds or ())}
    values |= {name: given for name in ("key", "since", "until") if (given := getattr(w, name)) is not None}
    shape = Shape(
        by="all",
        words=w.words is not None,
        person=w.person is not None,
        units=None if units is None else len(units),
        own=w.units is not None and None in w.units,
        steps=None
        if w.steps is None
        else tuple(None if s.rulebooks is None else len(s.rulebooks) for s in w.steps),
        key=w.key is not None,
        kinds=None if w.kinds is None else len(w.kinds),
        acted=w.acted,
        since=w.since is not None,
        until=w.until is not None,
    )
    return shape, values


async def _months(reader: Reader, wanted: Wanted) -> list[_Month] | None:
    """The months that are asked for and there; None where no time is asked for."""
    if wanted.since is None and wanted.until is None:
        return None
    first = 0 if wanted.since is None else month_of(wanted.since)
    last = _NO_MONTH if wanted.until is None else month_of(wanted.until)
    rows = await MONTHS.rows(reader.connection, employer=wanted.employer, first=first, last=last)
    return [_Month(**row) for row in rows]


async def _rows(reader: Reader, employer: str, seqs: list[int]) -> AsyncIterator[TimelineRow]:
    fields = [timeline.c[name] for name in TimelineRow.model_fields]
    for at in range(0, len(seqs), _ROWS):
        chunk = seqs[at : at + _ROWS]
        found = select(*fields).where(timeline.c.employer == employer, timeline.c.seq.in_(chunk))
        rows = await reader.connection.execute(found.order_by(timeline.c.seq))
        for row in rows.mappings().all():
            yield TimelineRow.model_validate(dict(row))


def _on_file(reader: Reader) -> bool:
    return driven(reader.connection) is not None


_PLANNED = select(
    func.set_config("max_parallel_workers_per_gather", "0", True), func.set_config("jit", "off", True)
)
"""PostgreSQL's planner does not see that a page is soon full, and would have other processes help, or compile what is
asked; both take longer than the page."""

_LEAF = Prepared(
    select(ledger_leaf.c.body).where(
        ledger_leaf.c.employer == bindparam("employer"), ledger_leaf.c.seq == bindparam("seq")
    )
)
_NO_MONTH = 12 * 10_000
