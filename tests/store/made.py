"""Stores and facts that the tests of the store and of the ledger use."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from activities.ledger.merkle import Frontier
from activities.store import checkpoints as kept
from activities.store.database import Database
from activities.store.enforcement import GUARDED
from activities.store.rows import EmployerRow
from workflows.rules.events import Asked, Body, Fact, StepOpened
from workflows.rules.organisation import Holder, Role
from workflows.rules.terms import unit_cycle

EMPLOYER = "nordfjord-tre"
UNIT = unit_cycle(EMPLOYER, "sagbruk", 2027)
NOW = datetime(2027, 1, 4, 7, tzinfo=UTC)
DUE = date(2027, 2, 12)
APP = "forsvarlig_app"
"""The product's role on PostgreSQL."""

_NUMBERS = count(1)


@contextmanager
def fresh_postgres(url: str, template: str | None = None) -> Iterator[str]:
    """The URL of a database of its own on the server at `url`, dropped afterwards."""
    name = f"test_{next(_NUMBERS)}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    yield sa.make_url(url).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def fresh(kind: str, template: str, folder: Path) -> Iterator[str]:
    """The URL of a database like `template`, on SQLite under `folder` or on PostgreSQL."""
    if kind == "sqlite":
        yield f"sqlite:///{shutil.copy(template, folder / 'forsvarlig.db')}"
    else:
        with fresh_postgres(template, sa.make_url(template).database) as url:
            yield url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database at `url`, with the employer that most tests are about."""
    database = Database(url)
    await add_employer(database, EMPLOYER)
    yield database
    await database.close()


async def add_employer(database: Database, id: str) -> None:
    row = EmployerRow(id=id, org_number="923609016", name="Nordfjord Tre AS", mode="real", created=NOW)
    async with database.write(id) as transaction:
        await transaction.put_employer(row)


def a_fact(id: str, body: Body | None = None, *, actor: str = "system", step: str | None = "Y07") -> Fact:
    """A fact of the example unit's year; unless told otherwise, that its step Y07 opened."""
    return Fact(
        id=id, employer=EMPLOYER, cycle=UNIT, step=step, concerns=NOW, recorded=NOW, actor=actor,
        body=body or StepOpened(due=DUE),
    )  # fmt: skip


def asked(what: str, role: Role, *people: str, version: int = 0) -> Asked:
    holders = tuple(Holder(person=person) for person in people)
    return Asked.model_validate({"what": what, "role": role, "people": holders, "version": version})


def as_app(url: str) -> str:
    """The URL for the role that the product is to have on PostgreSQL; SQLite has no roles."""
    parsed = sa.make_url(url)
    return url if parsed.drivername == "sqlite" else parsed.set(username=APP).render_as_string(False)


def raw(url: str) -> sa.Engine:
    """A way past the store: an engine as anybody may open one, without the store's pragmas."""
    plain = sa.make_url(url)
    return sa.create_engine(plain, poolclass=sa.NullPool)


def without_triggers(url: str, *statements: str) -> None:
    """Do to the ledger what its triggers forbid."""
    engine = raw(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            triggers = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).scalars()
            for trigger in triggers.all():
                connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        else:
            for table in GUARDED:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            connection.exec_driver_sql(statement)


async def cut_off(url: str, database: Database, size: int) -> None:
    """What the database's owner can do, or an older backup does: only the first `size` facts were ever there."""
    async with database.read() as reader:
        tree = await kept.grown(reader, EMPLOYER, Frontier(), size)
    assert tree is not None
    in_sql = "X'{}'" if raw(url).dialect.name == "sqlite" else "decode('{}', 'hex')"
    root, frontier = (in_sql.format(value.hex()) for value in (tree.root, tree.to_bytes()))
    later = [
        f"DELETE FROM {table} WHERE seq > {size}" for table in ("timeline", "timeline_person", "ledger_leaf")
    ]
    nodes = [
        f"DELETE FROM ledger_node WHERE level = {n} AND (place + 1) * {2**n} > {size}" for n in range(1, 12)
    ]
    without_triggers(
        url,
        *later,
        *nodes,
        f"DELETE FROM ledger_checkpoint WHERE size > {size}",
        f"UPDATE ledger_head SET size = {size}, root = {root}, frontier = {frontier}",
    )
