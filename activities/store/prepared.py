"""Statements that are asked again and again: compiled once, and on SQLite run past SQLAlchemy's machinery.

That machinery costs some twenty times what such a statement does on a local file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from sqlite3 import Cursor
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Executable,
    Select,
    Table,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.store.sqlite import Connection, LoopDialect, driven, run, run_many

Values = Mapping[str, Any]
Row = dict[str, Any]


class _Compiled(NamedTuple):
    """A statement in SQLite's own terms: what to do to the parameters before, and to the columns after."""

    sql: str
    binds: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    constants: Row
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]

    def parameters(self, values: Values) -> tuple[Any, ...]:
        given = {**self.constants, **values} if self.constants else values
        try:
            return tuple(
                value if (value := given[name]) is None or prepare is None else prepare(value)
                for name, prepare in self.binds
            )
        except ValueError as error:
            raise StatementError(str(error), self.sql, None, error, hide_parameters=True) from error

    def row(self, found: Sequence[Any]) -> Row:
        return {
            name: value if read is None else read(value)
            for (name, read), value in zip(self.columns, found, strict=True)
        }


class Prepared:
    """A SQLAlchemy statement whose values are all bound parameters; its errors are SQLAlchemy's.

    `columns` are those that an insert or update has values for; `on_server` is what PostgreSQL is told if
    that is another statement, and `in_bulk` what it is told for many values at once, with a list for each column.
    """

    def __init__(
        self,
        statement: Executable,
        columns: Sequence[str] = (),
        on_server: Executable | None = None,
        in_bulk: Executable | None = None,
    ) -> None:
        self._statement = statement
        self._in_bulk = in_bulk
        self._on_server = statement if on_server is None else on_server
        self._columns = columns
        self._compiled: _Compiled | None = None

    async def rows(self, connection: AsyncConnection, **values: Any) -> list[Row]:
        """Every row, by the names of its columns."""
        if (driver := driven(connection)) is not None:
            compiled = self._for_sqlite()
            return [compiled.row(found) for found in self._run(driver, values).fetchall()]
        return [dict(row._mapping) for row in await connection.execute(self._on_server, values)]

    async def first(self, connection: AsyncConnection, **values: Any) -> Row | None:
        """The first row, if there is one."""
        found = await self.rows(connection, **values)
        return found[0] if found else None

    async def value(self, connection: AsyncConnection, **values: Any) -> Any:
        """The first column of the first row; None when there is no row."""
        found = await self.first(connection, **values)
        return None if found is None else next(iter(found.values()))

    async def column(self, connection: AsyncConnection, **values: Any) -> list[Any]:
        """The first column of every row."""
        if (driver := driven(connection)) is not None:
            [(_name, read), *_others] = self._for_sqlite().columns
            found = self._run(driver, values).fetchall()
            return [value if read is None or value is None else read(value) for value, *_rest in found]
        return list(await connection.scalars(self._on_server, values))

    async def do(self, connection: AsyncConnection, **values: Any) -> int:
        """Change something, and answer how many rows it was done to."""
        if (driver := driven(connection)) is not None:
            return self._run(driver, values).rowcount
        done = await connection.execute(
            self._on_server, values, execution_options={"preserve_rowcount": True}
        )
        return done.rowcount

    async def do_all(self, connection: AsyncConnection, many: Sequence[Values]) -> None:
        """The same change with each of these values."""
        if not many:
            return
        if (driver := driven(connection)) is not None:
            compiled = self._for_sqlite()
            run_many(driver, compiled.sql, [compiled.parameters(values) for values in many])
        elif self._in_bulk is not None:
            lists = {name: [values.get(name) for values in many] for name in self._columns}
            await connection.execute(self._in_bulk, lists)
        else:
            await connection.execute(self._on_server, many)

    def _run(self, driver: Connection, values: Values) -> Cursor:
        compiled = self._for_sqlite()
        return run(driver, compiled.sql, compiled.parameters(values))

    def _for_sqlite(self) -> _Compiled:
        if self._compiled is None:
            self._compiled = _compiled(self._statement, self._columns)
        return self._compiled


def add(table: Table, *columns: str) -> Prepared:
    """Insert a row, of all the table's columns unless some are named."""
    names = columns or table.c.keys()
    return Prepared(
        insert(table).inline(),
        names,
        in_bulk=postgresql.insert(table).from_select(names, _listed(table, names)),
    )


def add_once(table: Table, *columns: str) -> Prepared:
    """Insert a row unless there is one that it would collide with."""
    names = columns or table.c.keys()
    server = postgresql.insert(table)
    return Prepared(
        sqlite.insert(table).inline().on_conflict_do_nothing(),
        names,
        server.inline().on_conflict_do_nothing(),
        server.from_select(names, _listed(table, names)).on_conflict_do_nothing(),
    )


def put(table: Table, *, keep: Sequence[str] = ()) -> Prepared:
    """Insert a row, or change the one with its primary key except for what is to be kept.

    Of many at the same time no two have the same key.
    """
    names, keys = table.c.keys(), table.primary_key.columns.keys()
    changed = [name for name in names if name not in (*keys, *keep)]

    def made(statement: sqlite.Insert | postgresql.Insert) -> Executable:
        changes = {name: statement.excluded[name] for name in changed}
        return statement.on_conflict_do_update(index_elements=keys, set_=changes)

    server = postgresql.insert(table)
    return Prepared(
        made(sqlite.insert(table).inline()),
        names,
        made(server.inline()),
        made(server.from_select(names, _listed(table, names))),
    )


def _listed(table: Table, names: Sequence[str]) -> Select[Any]:
    """Rows of PostgreSQL from a list for each of these columns: one journey and one plan, however many there are."""
    lists = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in names]
    return select(*func.unnest(*lists).table_valued(*names).render_derived().c)


def bound(table: Table, *names: str) -> list[ColumnElement[bool]]:
    """Each of these columns is what the parameter of its name says."""
    return [table.c[name] == bindparam(name, type_=table.c[name].type) for name in names]


def _compiled(statement: Executable, columns: Sequence[str]) -> _Compiled:
    dialect = LoopDialect()
    made: Any = cast(ClauseElement, statement).compile(dialect=dialect, column_keys=list(columns) or None)
    binds = tuple((name, made._bind_processors.get(name)) for name in made.positiontup or ())
    read = [
        (entry.keyname, entry.type.dialect_impl(dialect).result_processor(dialect, None))
        for entry in made._result_columns
    ]
    constants = {name: bind.value for name, bind in made.binds.items() if not bind.required}
    return _Compiled(str(made), binds, constants, tuple(read))
