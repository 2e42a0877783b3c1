"""What a page of history costs in a large ledger: each filter, the first, a middle and the last page.

The group `history` of `run.py` gives the p95 of each filter over all three. By places in the ledger, and with a
ledger of another size: `.venv/bin/python -m tests.bench.history 1000000 [postgres]`. Each is beside the limit of the
same run: as many rows read by the primary key at the same places. The facts are written past the store, and say no
more than is searched by. One person in 3,000 is named in a third of them, as an adviser might be.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import make_url, select

from activities.store.database import Database
from activities.store.projections import month_of
from activities.store.reader import Reader
from activities.store.rows import EmployerRow
from activities.store.search import StepWanted, Wanted, search
from activities.store.tables import timeline
from tests.bench.measuring import Figure, Size, percentile
from tests.conftest import postgres

EMPLOYER, YEARS, UNITS, PEOPLE, STEPS = "fjell", 5, 200, 3000, 33
START = datetime(2027, 1, 4, 7, tzinfo=UTC)
LIMIT, ROUNDS = 100, 40
GOAL = 100
"""Milliseconds for a page, at the 95th percentile."""

ON_SERVER = 300_000
"""So many facts at the most on PostgreSQL, which a million take five minutes to write to."""

ROOM = 5_000
"""Bytes of disk a fact, on PostgreSQL with what it logs."""

BUSY = "adviser"
KINDS = (
    "asked",
    "reminded",
    "step_opened",
    "decision_recorded",
    "informed",
    "step_closed",
    "attempt_refused",
)
WEIGHTS = (30, 25, 10, 15, 10, 9, 1)
WORDS = (*(f"ord{n}" for n in range(5000)), "bemanning", "nattskift", "tempo", "støy")

LEAVES = ("employer", "seq", "fact_id", "cycle", "step", "kind", "body", "hash")
LINES = (
    "employer", "seq", "cycle", "unit", "step", "base_step", "kind", "concerns", "month", "recorded", "actor",
    "people", "body",
)  # fmt: skip
NAMED = ("employer", "person", "seq")
TEXTS = ("employer", "fact_id", "salt", "text")


class Chunk(NamedTuple):
    """Rows of the four tables, for as many facts."""

    leaves: list[tuple[Any, ...]]
    lines: list[tuple[Any, ...]]
    named: list[tuple[Any, ...]]
    texts: list[tuple[Any, ...]]


def chunks(facts: int) -> Iterator[Chunk]:
    """The rows of so many facts over five years, 20,000 facts at a time; always the same ones."""
    random, step = Random(7), timedelta(days=365 * YEARS) / facts
    for first in range(1, facts + 1, 20_000):
        chunk = Chunk([], [], [], [])
        for seq in range(first, min(first + 20_000, facts + 1)):
            _fact(chunk, seq, (START + seq * step).replace(microsecond=0), random)
        yield chunk


def _fact(chunk: Chunk, seq: int, recorded: datetime, random: Random) -> None:
    [kind] = random.choices(KINDS, WEIGHTS)
    unit = None if random.random() < 0.05 else f"u{random.randrange(UNITS)}"
    key = f"Y{random.randrange(1, STEPS + 1):02}" + (f".{random.randrange(1, 5)}" if seq % 7 == 0 else "")
    year = recorded.year
    cycle = f"year/{EMPLOYER}/{year}" if unit is None else f"unit/{EMPLOYER}/{unit}/{year}"
    # One in a hundred is recorded up to a month late.
    concerns = recorded - timedelta(hours=random.randrange(720)) if seq % 100 == 0 else recorded
    people = sorted({f"p{random.randrange(PEOPLE)}" for _n in range(random.randrange(1, 4))})
    people += [BUSY] * (random.random() < 1 / 3)
    acted = kind in ("decision_recorded", "attempt_refused")
    actor = people[0] if acted else "system"
    id = f"{cycle}/{key}#{seq}"
    body = json.dumps({"kind": kind, "people": people, "version": 1, "document": "ab" * 32})
    leaf = f'{{"id":"{id}","recorded":"{recorded:%Y-%m-%dT%H:%M:%SZ}","body":{body}}}'
    chunk.leaves.append((EMPLOYER, seq, id, cycle, key, kind, leaf.encode(), seq.to_bytes(32, "big")))
    chunk.lines.append(
        (
            EMPLOYER, seq, cycle, unit, key, key.partition(".")[0], kind, concerns, month_of(concerns), recorded,
            actor, " " + " ".join(people) + " ", body,
        )
    )  # fmt: skip
    chunk.named.extend((EMPLOYER, person, seq) for person in people)
    if kind == "decision_recorded" and random.random() < 0.4:
        chunk.texts.append((EMPLOYER, id, b"s" * 32, " ".join(random.choices(WORDS, k=20))))


# --- writing ------------------------------------------------------------------------------------------


def fill(url: str, facts: int) -> None:
    tables = (("ledger_leaf", LEAVES), ("timeline", LINES), ("timeline_person", NAMED), ("payload", TEXTS))
    if url.startswith("sqlite"):
        _fill_sqlite(url.removeprefix("sqlite:///"), facts, tables)
    else:
        _fill_server(url, facts, tables)


def _fill_sqlite(path: str, facts: int, tables: Sequence[tuple[str, Sequence[str]]]) -> None:
    connection = sqlite3.connect(path)
    sqlite3.register_adapter(datetime, lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S.000000"))
    connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")
    for chunk in chunks(facts):
        for (name, columns), rows in zip(tables, chunk, strict=True):
            marks = ",".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {name} ({','.join(columns)}) VALUES ({marks})", rows)
        connection.commit()
    connection.execute("UPDATE ledger_head SET size = ?", (facts,))
    connection.commit()
    connection.close()


def _fill_server(url: str, facts: int, tables: Sequence[tuple[str, Sequence[str]]]) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        # The next place is looked up for each row, which no COPY of a million waits for.
        cursor.execute("ALTER TABLE ledger_leaf DISABLE TRIGGER USER")
        for chunk in chunks(facts):
            for (name, columns), rows in zip(tables, chunk, strict=True):
                with cursor.copy(f"COPY {name} ({','.join(columns)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
        cursor.execute("UPDATE ledger_head SET size = %s", (facts,))
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")


# --- asking ---------------------------------------------------------------------------------------------


def questions(facts: int, random: Random) -> dict[str, dict[str, Any]]:
    """One question of each filter, with other values each time."""
    day = START + timedelta(days=random.randrange(365 * YEARS - 40))
    kind = random.choice(KINDS)
    step = f"Y{random.randrange(1, STEPS + 1):02}"
    some = tuple(StepWanted(base=f"Y{n:02}") for n in random.sample(range(1, STEPS + 1), 10))
    return {
        "nothing": {},
        "who": {"person": f"p{random.randrange(PEOPLE)}"},
        "what (kind)": {"kinds": (kind,)},
        "refused": {"kinds": ("attempt_refused",)},
        "accepted (14 kinds)": {"kinds": ("decision_recorded", *(f"k{n}" for n in range(13))), "acted": True},
        "unit": {"units": (f"u{random.randrange(UNITS)}",)},
        "unit and 20 below": {"units": tuple(f"u{n}" for n in random.sample(range(UNITS), 21))},
        "the employer's own": {"units": (None,)},
        "step": {"steps": (StepWanted(base=step),)},
        "law or stage (10 steps)": {"steps": some},
        "concerned, one month": {"since": day, "until": day + timedelta(days=30)},
        "concerned, two years": {"since": day, "until": day + timedelta(days=730)},
        "concerned, until": {"until": day + timedelta(days=30)},
        "words, rare": {"words": (random.choice(WORDS),)},
        "words, two in many texts": {"words": ("ord1", "ord2")},
        "who and what": {"person": f"p{random.randrange(PEOPLE)}", "kinds": (kind,)},
        "unit and step": {"units": (f"u{random.randrange(UNITS)}",), "steps": (StepWanted(base=step),)},
        "what and month": {"kinds": (kind,), "since": day, "until": day + timedelta(days=20)},
        "what and since": {"kinds": (kind,), "since": day},
        "step and since": {"steps": (StepWanted(base=step),), "since": day},
        "step and refused": {"steps": (StepWanted(base=step),), "kinds": ("attempt_refused",)},
        "10 steps and until": {"steps": some, "until": day + timedelta(days=30)},
        "a busy person": {"person": BUSY},
        "a busy person and refused": {"person": BUSY, "kinds": ("attempt_refused",)},
        "a busy person and month": {"person": BUSY, "since": day, "until": day + timedelta(days=20)},
        "words and unit": {"words": ("bemanning",), "units": (f"u{random.randrange(UNITS)}",)},
        "many words and unit": {"words": ("ord1",), "units": (f"u{random.randrange(UNITS)}",)},
        "many words and what": {"words": ("ord1",), "kinds": (kind,)},
        "many words and who": {"words": ("ord1", "ord2"), "person": f"p{random.randrange(PEOPLE)}"},
        "words and since": {"words": (random.choice(WORDS),), "since": day},
    }


async def measure(size: Size) -> AsyncIterator[Figure]:
    """The p95 of each filter over the first, a middle and the last page, on both databases."""
    for kind, most in (("sqlite", size.facts), ("postgres", min(size.facts, ON_SERVER))):
        with _place(kind, most) as url:
            await _prepared(url)
            fill(url, most)
            measured = await _measured(url, most)
            floor = percentile([t for times in measured.pop(_FLOOR) for t in times], 0.95) * 1000
            for name, row in measured.items():
                times = [t * 1000 for each in row for t in each]
                yield Figure(
                    "history", f"{_SHOWN[kind]}, {most:,} facts: {name}, p95", percentile(times, 0.95), "ms", floor,
                    "100 rows by the primary key, p95", min(times), max(times), len(times), GOAL,
                    f"p50 {percentile(times, 0.5):.1f}",
                )  # fmt: skip


_FLOOR = "the limit"
_SHOWN = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


async def _measured(url: str, facts: int) -> dict[str, list[list[float]]]:
    """The seconds of each question asked of the first, a middle and the last page, and those of the limit."""
    database = Database(url)
    found = {}
    async with database.read() as reader:
        for _warming in range(2):
            found[_FLOOR] = [await _limit(reader, facts, Random(seed)) for seed in range(3)]
        for name in questions(facts, Random(0)):
            found[name] = [
                await _asked(reader, facts, name, start, newest)
                for start, newest in ((0, False), (facts // 2, False), (0, True))
            ]
    await database.close()
    return found


def _shown(times: Sequence[float]) -> str:
    return f"{percentile(times, 0.5) * 1000:.1f} / {percentile(times, 0.95) * 1000:.1f}"


async def _asked(reader: Reader, facts: int, name: str, start: int, newest: bool) -> list[float]:
    times, random = [], Random(name)
    for _round in range(ROUNDS):
        after = start and start + random.randrange(-facts // 10, facts // 10)
        wanted = Wanted(employer=EMPLOYER, after=after, **questions(facts, random)[name])
        began = time.perf_counter()
        await search(reader, wanted, limit=LIMIT, newest=newest)
        times.append(time.perf_counter() - began)
    return times


async def _limit(reader: Reader, facts: int, random: Random) -> list[float]:
    """A page of whole rows by the primary key, with nothing to choose."""
    times = []
    for _round in range(ROUNDS):
        first = random.randrange(max(1, facts - LIMIT))
        page = select(timeline).where(timeline.c.employer == EMPLOYER, timeline.c.seq > first)
        began = time.perf_counter()
        (await reader.connection.execute(page.order_by(timeline.c.seq).limit(LIMIT))).all()
        times.append(time.perf_counter() - began)
    return times


async def _prepared(url: str) -> None:
    database = Database(url)
    await database.upgrade()
    row = EmployerRow(id=EMPLOYER, org_number="923609016", name="Fjell AS", mode="real", created=START)
    async with database.write(EMPLOYER) as transaction:
        await transaction.put_employer(row)
    await database.close()


@contextmanager
def _place(kind: str, facts: int) -> Iterator[str]:
    """A database in a folder of its own, which is gone afterwards; `OSError` where it might not have room."""
    with tempfile.TemporaryDirectory(prefix="history-") as folder:
        if shutil.disk_usage(folder).free < facts * ROOM:
            raise OSError(
                f"{folder} has no room for {facts:,} facts, {facts * ROOM / 1e9:.0f} GB. "
                "Name a folder that has: TMPDIR=/some/folder"
            )
        if kind == "sqlite":
            yield f"sqlite:///{Path(folder) / 'forsvarlig.db'}"
        else:
            with postgres(Path(folder)) as url:
                yield url


def main() -> None:
    facts = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    kind = sys.argv[2] if len(sys.argv) > 2 else "sqlite"
    with _place(kind, facts) as url:
        asyncio.run(_prepared(url))
        began = time.monotonic()
        fill(url, facts)
        print(f"{facts:,} facts on {kind}, written in {time.monotonic() - began:.0f} s")
        print(f"{'p50 / p95 in ms':28}{'first':>18}{'middle':>18}{'last':>18}")
        for name, row in asyncio.run(_measured(url, facts)).items():
            print(f"{name:28}" + "".join(f"{_shown(times):>18}" for times in row))


if __name__ == "__main__":
    main()
