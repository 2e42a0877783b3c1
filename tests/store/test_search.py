"""Searching the timeline: each filter alone and together, page by page, on both databases."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.ledger.log import SALT, Payload, commit, commitment
from activities.store import search as searching
from activities.store.database import Database
from activities.store.rows import TimelineRow
from activities.store.search import StepWanted, Wanted, search, size_at, words_of
from activities.store.sqlite import driven
from tests.store.made import DUE, EMPLOYER, NOW, add_employer, asked, opened, raw
from workflows.rules.events import Body, DecisionRecorded, Fact, Reminded, StepOpened
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome, unit_cycle, year_cycle

_NUMBERS = count(1)
HOUR = timedelta(hours=1)


def decided(comment: str | None = None) -> DecisionRecorded:
    return DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment=comment,
    )  # fmt: skip


def happening(
    employer: str, body: Body, *, unit: str | None = "sagbruk", step: str | None = "Y07", actor: str = "system",
    concerns: datetime = NOW, recorded: datetime = NOW,
) -> Fact:  # fmt: skip
    cycle = year_cycle(employer, 2027) if unit is None else unit_cycle(employer, unit, 2027)
    return Fact(
        id=f"s{next(_NUMBERS)}", employer=employer, cycle=cycle, step=step, concerns=concerns,
        recorded=recorded, actor=actor, body=body,
    )  # fmt: skip


async def found(database: Database, wanted: Wanted, limit: int = 1000, **how: Any) -> list[int]:
    async with database.read() as reader:
        return [row.seq for row in (await search(reader, wanted, limit=limit, **how))[0]]


# --- the same as reading everything ----------------------------------------------------------------

PEOPLE = st.sampled_from(["kari", "per", "eva"])
MOMENTS = st.integers(0, 24 * 200).map(lambda hours: NOW + hours * HOUR)
STEPS = st.sampled_from(["Y07", "Y28.1", "Y28.2", None])
FACTS = st.lists(
    st.tuples(
        st.one_of(
            st.just(StepOpened(due=DUE)),
            st.builds(Reminded, days_before=st.just(3), people=st.lists(PEOPLE, max_size=2).map(tuple)),
            PEOPLE.map(lambda p: asked("evidence", Role.MANAGER, p)),
        ),
        st.sampled_from(["sagbruk", "lager", None]), STEPS, st.sampled_from(["system", "kari", "per"]), MOMENTS,
        st.sampled_from([None, None, "for få folk", "folk om natta", "nattevakt"]),
    ),
    max_size=25,
)  # fmt: skip
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "units": st.lists(st.sampled_from(["sagbruk", "lager", None]), unique=True, max_size=3).map(tuple),
        "steps": st.lists(st.sampled_from(["Y07", "Y28", "Y99"]), unique=True, max_size=3).map(
            lambda ids: tuple(StepWanted(base=id) for id in ids)
        ),
        "key": st.sampled_from(["Y28.1", "Y07"]),
        "person": PEOPLE,
        "kinds": st.lists(st.sampled_from(["step_opened", "reminded", "asked"]), unique=True).map(tuple),
        "acted": st.booleans(),
        "words": st.sampled_from([(), ("folk",), ("natt",), ("folk", "natt"), ("fo", "få")]),
        "since": MOMENTS,
        "until": MOMENTS,
        "after": st.integers(0, 20),
        "before": st.integers(1, 30),
    },
)


def fits(row: TimelineRow, said: str, w: Wanted) -> bool:
    """The filters again, in the plainest way."""
    written = said.split()
    base = (row.step or "").partition(".")[0]
    return (
        (w.units is None or row.unit in w.units)
        and (w.steps is None or base in {s.base for s in w.steps})
        and (w.key is None or row.step == w.key)
        and (w.person is None or w.person in row.people)
        and (w.kinds is None or row.kind in w.kinds)
        and (not w.acted or row.actor != "system")
        and (w.since is None or row.concerns >= w.since)
        and (w.until is None or row.concerns < w.until)
        and (
            w.words is None
            or (w.words != () and all(any(has.startswith(word) for has in written) for word in w.words))
        )
        and row.seq > w.after
        and (w.before is None or row.seq < w.before)
    )


@given(
    FACTS, st.lists(FILTERS, min_size=1, max_size=4), st.integers(1, 6), st.sampled_from([0, 3, 2000]),
    st.sampled_from([1, 4000]),
)  # fmt: skip
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_whatever_is_asked_for_the_pages_are_what_reading_every_fact_gives(
    database: Database,
    happenings: list[Any],
    filters: list[dict[str, Any]],
    size: int,
    few: int,
    near: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "FEW", few)
        patch.setattr(searching, "NEAR", near)
        await read_and_searched(database, happenings, filters, size)


async def read_and_searched(
    database: Database, happenings: list[Any], filters: list[dict[str, Any]], size: int
) -> None:
    employer = f"employer-{next(_NUMBERS)}"
    await add_employer(database, employer)
    facts, texts, said = [], {}, {}
    for place, (body, unit, step, actor, moment, text) in enumerate(happenings, 1):
        kept, promised = commit(text or "")
        fact = happening(
            employer,
            decided(promised) if text else body,
            unit=unit,
            step=step,
            actor=actor,
            concerns=moment,
        )
        facts.append(fact)
        if text:
            texts[fact.id], said[place] = kept, text
    async with database.write(employer) as tx:
        await tx.append(facts, texts)
    async with database.read() as reader:
        whole = await reader.timeline(employer=employer)
        for given_filter in filters:
            wanted = Wanted(employer=employer, **given_filter)
            right = [row.seq for row in whole if fits(row, said.get(row.seq, ""), wanted)]
            first, more = await search(reader, wanted, limit=size)
            last, earlier = await search(reader, wanted, limit=size, newest=True)
            assert ([r.seq for r in first], more) == (right[:size], len(right) > size)
            assert ([r.seq for r in last], earlier) == (right[-size:], len(right) > size)


async def test_pages_forwards_and_backwards_go_through_everything_once(database: Database) -> None:
    async with database.write(EMPLOYER) as tx:
        await tx.append([happening(EMPLOYER, StepOpened(due=DUE), step=f"Y{10 + n % 3}") for n in range(50)])
    wanted = Wanted(employer=EMPLOYER, steps=(StepWanted(base="Y10"), StepWanted(base="Y11")))
    right = [n + 1 for n in range(50) if n % 3 != 2]
    forwards: list[int] = []
    backwards: list[int] = []
    async with database.read() as reader:
        more = True
        while more:
            page, more = await search(
                reader, wanted.model_copy(update={"after": forwards[-1] if forwards else 0}), limit=7
            )
            forwards += [row.seq for row in page]
        more = True
        while more:
            before = {"before": backwards[0] if backwards else None}
            page, more = await search(reader, wanted.model_copy(update=before), limit=7, newest=True)
            backwards = [row.seq for row in page] + backwards
    assert forwards == backwards == right


async def test_a_step_can_be_asked_for_in_the_years_of_one_programme_only(database: Database) -> None:
    from activities.store.rows import CycleRow
    from workflows.rules.organisation import Profile

    old, new = "aa" * 32, "bb" * 32
    async with database.write(EMPLOYER) as tx:
        for year, programme in ((2026, old), (2027, new)):
            await tx.put_cycle(
                CycleRow(
                    id=year_cycle(EMPLOYER, year), employer=EMPLOYER, year=year, programme=programme, law=old,
                    organisation=old, profile=Profile.LARGE, started=NOW,
                )
            )  # fmt: skip
            fact = happening(EMPLOYER, StepOpened(due=DUE), unit=None)
            await tx.append([fact.model_copy(update={"cycle": year_cycle(EMPLOYER, year)})])
    step = StepWanted(base="Y07", rulebooks=((new, old),))
    assert await found(database, Wanted(employer=EMPLOYER, steps=(step,))) == [2]
    both = StepWanted(base="Y07", rulebooks=((new, old), (old, old)))
    assert await found(database, Wanted(employer=EMPLOYER, steps=(both,))) == [1, 2]
    assert await found(database, Wanted(employer=EMPLOYER, person="kari", steps=(both,))) == []


async def test_how_long_the_ledger_was_at_a_moment(database: Database) -> None:
    async with database.write(EMPLOYER) as tx:
        for hour in (0, 1, 1, 4):
            await tx.append([happening(EMPLOYER, StepOpened(due=DUE), recorded=NOW + hour * HOUR)])
    async with database.read() as reader:
        sizes = [await size_at(reader, EMPLOYER, NOW + hours * HOUR) for hours in (0, 1, 2, 4, 5)]
        assert sizes == [0, 1, 3, 3, 4]
        assert await size_at(reader, "nobody", NOW) == 0


# --- words ------------------------------------------------------------------------------------------


async def write(database: Database, *texts: str, employer: str = EMPLOYER) -> list[Fact]:
    facts = []
    for said in texts:
        kept = Payload(salt=bytes(SALT), text=said)
        fact = happening(employer, decided(commitment(kept.salt, said)), actor="per")
        async with database.write(employer) as tx:
            await tx.append([fact], {fact.id: kept})
        facts.append(fact)
    return facts


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("bemanning", [1, 2]),
        ("BEMANNING", [1, 2]),
        ("bemanningen nattskift", [1]),
        ("nattskift, bemanningen!", [1]),
        ("får", [2]),
        ("far", []),
        ("åpent", [3]),
        ("12", [3]),
        ("kveld", []),
        ("bemanning kveld", []),
    ],
)
async def test_what_people_wrote_is_found_by_the_beginnings_of_its_words(
    database: Database, said: str, places: list[int]
) -> None:
    await write(
        database, "Bemanningen på nattskift er for lav.", "Vi får ikke nok bemanning", "Åpent vindu i 12 uker"
    )
    assert await found(database, Wanted(employer=EMPLOYER, words=words_of(said))) == places


@pytest.mark.parametrize(
    "said", ["sitat", "fjell", "kari", "12", "no", "skift", "strek", "under", "sånn", "t"]
)
async def test_no_sign_between_words_hides_any_of_them(database: Database, said: str) -> None:
    """PostgreSQL by itself takes an address, a date or a path for one word, and « for a letter."""
    await write(database, "«Sitat» til kari@fjell.no/12.5, natt-skift under_strek. Don’t… [SÅNN]!")
    assert await found(database, Wanted(employer=EMPLOYER, words=words_of(said))) == [1]


async def test_a_text_may_be_long_and_so_may_its_words(database: Database) -> None:
    long = "å" * 900
    await write(database, f"{long} slik", " ".join(f"ord{n}" for n in range(60_000)), long[:300])
    assert await found(database, Wanted(employer=EMPLOYER, words=words_of(long[:200]))) == [1, 3]
    assert await found(database, Wanted(employer=EMPLOYER, words=("ord1234",))) == [2]
    assert await found(database, Wanted(employer=EMPLOYER, words=words_of(long))) == [1]
    assert await found(database, Wanted(employer=EMPLOYER, words=words_of(long * 9))) in ([], [1])


@pytest.mark.parametrize(
    "text", ['"', "'", 'a" OR 1', "*", "NEAR(", "text:", "\\", "kari@fjell.no", "😀", "--", "'':*"]
)
async def test_signs_in_what_is_looked_for_are_never_commands(database: Database, text: str) -> None:
    await write(database, "Helt vanlig tekst om kari og or og near.")
    words = words_of(text)
    assert all(word.isalnum() for word in words)
    await found(database, Wanted(employer=EMPLOYER, words=words))


async def test_the_words_of_others_are_not_found(database: Database) -> None:
    await add_employer(database, "fjellheimen")
    await write(database, "hemmelig", employer="fjellheimen")
    assert await found(database, Wanted(employer=EMPLOYER, words=("hemmelig",))) == []
    assert await found(database, Wanted(employer="fjellheimen", words=("hemmelig",))) == [1]


@pytest.mark.parametrize("few", [0, 1, 2000])
async def test_words_go_together_with_the_other_filters(
    database: Database, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "FEW", few)
    await write(database, "for få folk", "for få folk", "nok folk")
    wanted = Wanted(employer=EMPLOYER, words=("folk",), after=1)
    assert await found(database, wanted) == [2, 3]
    assert await found(database, wanted.model_copy(update={"person": "per", "words": ("få",)})) == [2]
    assert await found(database, wanted.model_copy(update={"person": "kari"})) == []
    assert await found(database, wanted.model_copy(update={"kinds": ("asked",)})) == []
    assert await found(database, wanted, limit=1, newest=True) == [3]


async def test_an_erased_text_is_found_no_more_and_its_words_are_gone_from_the_index(
    database: Database, store_url: str
) -> None:
    first, _second = await write(database, "utbrenthet og nattevakter", "nattevakter")
    async with database.write(EMPLOYER) as tx:
        await tx.connection.execute(sa.text("DELETE FROM payload WHERE fact_id = :fact"), {"fact": first.id})
    await database.scrub()
    assert await found(database, Wanted(employer=EMPLOYER, words=("utbrenthet",))) == []
    assert await found(database, Wanted(employer=EMPLOYER, words=("nattevakter",))) == [2]
    if store_url.startswith("sqlite"):
        with raw(store_url).connect() as connection:
            blocks = connection.exec_driver_sql("SELECT block FROM text_word_data").scalars().all()
            assert connection.exec_driver_sql("SELECT count(*) FROM text_place").scalar() == 1
        assert not any(b"utbr" in block for block in blocks)
        assert any(b"nattevakter" in block for block in blocks)
    else:
        with raw(store_url).connect() as connection:
            words = connection.exec_driver_sql("SELECT seq, words::text FROM text_word").all()
        assert [tuple(row) for row in words] == [(2, f"'{EMPLOYER} nattevakter'")]


# --- by an index --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SQLite database with one text in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'own.db'}"

    async def make() -> None:
        database = Database(url)
        await database.upgrade()
        await add_employer(database, EMPLOYER)
        await write(database, "folk")
        await database.close()

    asyncio.run(make())
    return url


ASKED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a person": {"person": "kari"},
    "a person and a kind": {"person": "kari", "kinds": ("asked",)},
    "a kind": {"kinds": ("asked",)},
    "acts": {"kinds": ("asked", "decision_recorded"), "acted": True},
    "a unit": {"units": ("sagbruk",)},
    "the employer": {"units": (None,)},
    "units and the employer": {"units": ("sagbruk", "lager", None)},
    "a step": {"steps": (StepWanted(base="Y07"),), "key": "Y07.1"},
    "steps of a programme": {"steps": (StepWanted(base="Y07", rulebooks=(("aa", "bb"),)),)},
    "a month": {"since": NOW, "until": NOW + timedelta(days=20)},
    "a long time": {"since": NOW, "until": NOW + timedelta(days=2000)},
    "words": {"words": ("folk",)},
    "words and a unit": {"words": ("folk",), "units": ("sagbruk",)},
    "words and a long time": {"words": ("folk",), "since": NOW - timedelta(days=9)},
}


@pytest.mark.parametrize("newest", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("asked_for", ASKED.values(), ids=ASKED)
async def test_no_filter_walks_through_the_whole_timeline(
    one_text: str, asked_for: dict[str, Any], newest: bool
) -> None:
    """On SQLite, which plans by the indexes alone; PostgreSQL goes by what it has counted in the tables."""
    said: list[str] = []
    async with opened(one_text) as database, database.read() as reader:
        driver = driven(reader.connection)
        assert driver is not None
        driver.set_trace_callback(said.append)
        await search(reader, Wanted(employer=EMPLOYER, **asked_for), limit=10, newest=newest)
        driver.set_trace_callback(None)
        questions = [sql for sql in said if sql.startswith("SELECT")]
        plans = [
            step[3] for sql in questions for step in driver.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
        ]
    assert plans
    assert [step for step in plans if step.startswith("SCAN") and "text_word" not in step] == []
    assert [step for step in plans if "timeline" in step and step.endswith("(employer=?)")] == []


def test_the_words_looked_for_are_each_taken_once_and_in_small_letters() -> None:
    assert words_of("For FÅ folk, for få_folk: 12") == ("for", "få", "folk", "12")
    assert words_of(" !?* ") == ()
