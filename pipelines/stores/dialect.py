"""The few places where SQLite and PostgreSQL must be told the same thing differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

# parameters of one statement; SQLite takes 32,766
MAX_PARAMETERS = 5_000
_T = TypeVar("_T")
# what a statement is for the driver, by its dialect and its columns: making that costs more than running it
_Said = tuple[str, list[str] | None, dict[str, Any]]
_PREPARED: WeakKeyDictionary[Any, dict[tuple[str, ...], _Said]] = WeakKeyDictionary()


class indexed(FunctionElement[bool]):  # named as SQL's functions are
    """The condition of a partial index, said so that it is taken: SQLite knows it by its words only, and without
    `likely` would search by it instead of by the columns."""

    inherit_cache = True


@compiles(indexed)
def _as_it_is(element: indexed, compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(element.clauses, **how)


@compiles(indexed, "sqlite")
def _likely(element: indexed, compiler: SQLCompiler, **how: Any) -> str:
    return f"likely({compiler.process(element.clauses, **how)})"


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves rows alone which are already there."""
    return _insert_new(connection.dialect.name, table)


def upsert(connection: Connection, table: Table, keys: Sequence[str], update: Sequence[str]) -> Any:
    """An INSERT that overwrites the columns `update` of a row with the same `keys`."""
    return _upsert(connection.dialect.name, table, tuple(keys), tuple(update))


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table).on_conflict_do_nothing()


@cache
def _upsert(dialect: str, table: Table, keys: tuple[str, ...], update: tuple[str, ...]) -> Any:
    statement = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in update}
    )


def portions(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Values in portions of as many as one statement takes."""
    for at in range(0, len(values), MAX_PARAMETERS):
        yield values[at : at + MAX_PARAMETERS]


def run_many(connection: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Runs a statement for each of `rows` (all with the same names), whose values are as the driver takes them.

    SQLAlchemy's own way spends more on each row's parameters than the database on the row. A statement that is kept by
    its module is made ready once a process.
    """
    if not rows:
        return
    sql, names, said = _prepared(connection, statement, tuple(rows[0]))
    whole = [said | row for row in rows]
    connection.exec_driver_sql(sql, [tuple([row[n] for n in names]) for row in whole] if names else whole)


def ask(connection: Connection, statement: Any, values: dict[str, Any]) -> Sequence[Any]:
    """The rows of a query that is kept by its module, made ready once a process; `values` as the driver takes them."""
    sql, names, said = _prepared(connection, statement, tuple(values))
    whole = said | values
    return connection.exec_driver_sql(sql, tuple([whole[name] for name in names]) if names else whole).all()


def _prepared(connection: Connection, statement: Any, columns: tuple[str, ...]) -> _Said:
    held = _PREPARED.setdefault(statement, {})
    key = (connection.dialect.name, *columns)
    if key not in held:
        made = statement.compile(dialect=connection.dialect, column_keys=list(columns))
        held[key] = (made.string, made.positiontup, made.params)
    return held[key]
