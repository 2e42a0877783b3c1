"""The statements behind a search of the timeline: where in the ledger the facts of one part of a question are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple
from typing import cast as cast_type

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Executable,
    FromClause,
    Select,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.visitors import replacement_traverse

from activities.store.prepared import Prepared
from activities.store.reader import Reader
from activities.store.tables import UTC, cycle, timeline, timeline_person
from workflows.rules.events import SYSTEM


class Shape(NamedTuple):
    """A statement without its values: what the rows are found by, and what else is tried on them."""

    by: str
    words: bool = False
    person: bool = False
    units: int | None = None
    own: bool = False
    steps: tuple[int | None, ...] | None = None
    key: bool = False
    kinds: int | None = None
    acted: bool = False
    since: bool = False
    until: bool = False


Values = Mapping[str, Any]
"""What a statement's parameters are, by name."""

LAST = 2**62
"""A place after which nothing comes."""

_line, _named = timeline, timeline_person
_place = table("text_place", column("id"), column("employer"), column("fact_id"), column("seq"))
_word = table("text_word", column("rowid"))
_words = table("text_word", column("employer"), column("seq", BigInteger), column("words"))
"""The index of words is called the same on both databases, and is another thing on each."""

_WANTED = cast(bindparam("words_ts"), TSQUERY)


@cache
def statement(shape: Shape, newest: bool) -> Prepared:
    """The statement that gives the places of one part, a page of them."""
    return Prepared(_places(shape, newest, "sqlite"), (), _places(shape, newest, "postgresql"))


@cache
def along(shape: Shape, newest: bool) -> Prepared:
    """The statement that reads texts in the order of the ledger, at most `texts` of them, and gives the places of
    those with all the words, a page of them; for PostgreSQL only.

    That a text is tried, and then what else there is, one after the other, is not left to the planner: it does not
    know how many texts have a word.
    """
    near = (
        select(_words.c.seq, _words.c.words)
        .where(_words.c.employer == bindparam("employer"))
        .where(_words.c.seq > bindparam("after"), _words.c.seq < bindparam("before"))
        .order_by(_words.c.seq.desc() if newest else _words.c.seq)
        .limit(bindparam("texts", type_=BigInteger))
        .subquery("near")
    )
    tried: list[ColumnElement[bool]] = [near.c.words.op("@@")(_WANTED)]
    if others := _conditions(shape._replace(words=False)):
        here = _line.c.employer == bindparam("employer"), _line.c.seq == near.c.seq
        tried.append(select(true()).where(*here, *others).correlate(near).scalar_subquery())
    order = near.c.seq.desc() if newest else near.c.seq
    page = select(near.c.seq.label("seq")).where(*tried).order_by(order)
    return Prepared(page.limit(bindparam("most", type_=BigInteger)))


def _places(shape: Shape, newest: bool, dialect: str) -> Select[Any]:
    if shape.by == "words" and dialect == "postgresql":
        return _of_words_on_server(newest)
    seq: ColumnElement[int] = _line.c.seq
    source: FromClause = _line
    mine: list[ColumnElement[bool]] = [_line.c.employer == bindparam("employer")]
    others = _conditions(shape)
    if shape.by == "person":
        # Where nothing else is asked for, the rows themselves need not be looked at.
        source, seq, mine = _named, _named.c.seq, [_named.c.employer == bindparam("employer")]
        mine.append(_named.c.person == bindparam("person"))
        if others:
            source = _named.join(_line, (_line.c.employer == _named.c.employer) & (_line.c.seq == seq))
    elif shape.by == "words":
        source, seq, mine = _of_words(newest)
        if others:
            # As a table to be joined it might be begun with, and each of its rows looked up in the index of words.
            here = _line.c.employer == bindparam("employer")
            others = [exists().where(here, _line.c.seq == seq, *others).correlate(_place)]
    elif shape.by == "month":
        mine.append(_line.c.month == bindparam("month"))
    order = _word.c.rowid if shape.by == "words" else seq
    return (
        select(seq.label("seq"))
        .select_from(source)
        .where(*mine, *others, seq > bindparam("after"), seq < bindparam("before"))
        .order_by(order.desc() if newest else order)
        .limit(bindparam("most", type_=BigInteger))
    )


def _of_words(newest: bool) -> tuple[FromClause, ColumnElement[int], list[ColumnElement[bool]]]:
    """Where texts with all the words are, the places of their facts, and the conditions.

    The index is in the order of the texts' numbers, which is that of the ledger: from the first number that can
    be meant, it is walked along until the page is full.
    """
    mine = _place.c.employer == bindparam("employer")
    near = select(_place.c.id).where(mine)
    if newest:
        near = near.where(_place.c.seq < bindparam("before")).order_by(_place.c.seq.desc()).limit(1)
        reached = _word.c.rowid <= near.scalar_subquery()
    else:
        near = near.where(_place.c.seq > bindparam("after")).order_by(_place.c.seq).limit(1)
        reached = _word.c.rowid >= near.scalar_subquery()
    match = literal_column("text_word").op("MATCH")(bindparam("words_fts"))
    return _word.join(_place, _place.c.id == _word.c.rowid), _place.c.seq, [match, reached, mine]


def _of_words_on_server(newest: bool) -> Select[Any]:
    """The places of all texts with all the words, put in order, and a page of them."""
    mine = _words.c.employer == bindparam("employer"), _words.c.words.op("@@")(_WANTED)
    between = _words.c.seq > bindparam("after"), _words.c.seq < bindparam("before")
    found = select(_words.c.seq).where(*mine, *between).cte("found").prefix_with("MATERIALIZED")
    order = found.c.seq.desc() if newest else found.c.seq
    return select(found.c.seq.label("seq")).order_by(order).limit(bindparam("most", type_=BigInteger))


def _conditions(shape: Shape) -> list[ColumnElement[bool]]:
    """What is tried on the rows, and what finds them where that is a column of the timeline."""
    found: list[ColumnElement[bool]] = []
    if shape.words and shape.by != "words":
        text = _words.c.employer == _line.c.employer, _words.c.seq == _line.c.seq
        found.append(select(_words.c.words.op("@@")(_WANTED)).where(*text).correlate(_line).scalar_subquery())
    if shape.person and shape.by != "person":
        found.append(
            exists().where(
                _named.c.employer == _line.c.employer, _named.c.person == bindparam("person"),
                _named.c.seq == _line.c.seq,
            )
        )  # fmt: skip
    if shape.units is not None:
        places = [_line.c.unit == bindparam(f"unit_{n}") for n in range(shape.units)]
        found.append(or_(*places, *([_line.c.unit.is_(None)] if shape.own else [])))
    if shape.steps is not None:
        found.append(or_(*(_of_step(n, rulebooks) for n, rulebooks in enumerate(shape.steps))))
    if shape.key:
        found.append(_line.c.step == bindparam("key"))
    if shape.kinds is not None:
        found.append(or_(*(_line.c.kind == bindparam(f"kind_{n}") for n in range(shape.kinds))))
    if shape.acted:
        found.append(_line.c.actor != SYSTEM)
    if shape.since:
        found.append(_line.c.concerns >= bindparam("since", type_=UTC()))
    if shape.until:
        found.append(_line.c.concerns < bindparam("until", type_=UTC()))
    return found


def _of_step(n: int, rulebooks: int | None) -> ColumnElement[bool]:
    here: ColumnElement[bool] = _line.c.base_step == bindparam(f"step_{n}")
    if rulebooks is None:
        return here
    pairs = (
        (cycle.c.programme == bindparam(f"programme_{n}_{m}")) & (cycle.c.law == bindparam(f"law_{n}_{m}"))
        for m in range(rulebooks)
    )
    years = select(cycle.c.id).where(cycle.c.employer == bindparam("employer"), or_(*pairs))
    return here & _line.c.cycle.in_(years)


@lru_cache(maxsize=64)
def among(shape: Shape) -> Select[Any]:
    """The statement that gives those of the places `seqs` that everything in the shape holds for."""
    conditions = _conditions(shape)
    here = _line.c.seq.in_(bindparam("seqs", expanding=True))
    # With a column that only the rows have, lest SQLite read an index that has the others from end to end.
    columns = _line.c.seq, _line.c.actor
    return select(*columns).where(_line.c.employer == bindparam("employer"), here, *conditions)


async def together(
    reader: Reader, parts: Sequence[tuple[Shape, Values]], newest: bool, most: int | None = None
) -> list[int]:
    """The places of all parts in one question: to a server each of its own would take a journey."""
    whole: Executable = _union(tuple(shape for shape, _values in parts), newest)
    if most is not None:
        whole = select(cast_type(CompoundSelect[Any], whole).subquery().c.seq).limit(most)
    values = {f"{name}_of_{n}": v for n, (_shape, given) in enumerate(parts) for name, v in given.items()}
    return list(await reader.connection.scalars(whole, values))


@lru_cache(maxsize=64)
def _union(shapes: tuple[Shape, ...], newest: bool) -> CompoundSelect[Any]:
    each = (_numbered(_places(shape, newest, "postgresql"), n) for n, shape in enumerate(shapes))
    return union_all(*(select(part.subquery().c.seq) for part in each))


def _numbered(part: Select[Any], n: int) -> Select[Any]:
    """The same statement, with the number in the names of its parameters."""

    def renamed(element: Any, **_kind: Any) -> Any:
        if isinstance(element, BindParameter) and element.required:
            return bindparam(f"{element.key}_of_{n}", type_=element.type)
        return None

    return cast_type(Select[Any], replacement_traverse(part, {}, renamed))


def _months() -> Select[Any]:
    """Each month from `first` to `last` that there are rows of, found one after another in their index."""
    mine, month = _line.c.employer == bindparam("employer"), _line.c.month
    found = (
        select(func.min(month).label("month"))
        .where(mine, month >= bindparam("first"), month <= bindparam("last"))
        .cte("found", recursive=True)
    )
    later = select(func.min(month)).where(mine, month > found.c.month, month <= bindparam("last"))
    found = found.union_all(
        select(later.correlate(found).scalar_subquery()).where(found.c.month.is_not(None))
    )
    first, last = (
        select(_line.c.seq)
        .where(mine, month == found.c.month)
        .order_by(order)
        .limit(1)
        .correlate(found)
        .scalar_subquery()
        for order in (_line.c.seq, _line.c.seq.desc())
    )
    return select(found.c.month, first.label("first"), last.label("last")).where(found.c.month.is_not(None))


MONTHS: Final = Prepared(_months())
"""The months there are from `first` to `last`, with the first and the last place in the ledger of each."""
