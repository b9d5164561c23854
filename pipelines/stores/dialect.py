"""The few places where SQLite and PostgreSQL must be told the same thing differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves rows alone which are already there."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return make(table).on_conflict_do_nothing()


def upsert(connection: Connection, table: Table, keys: list[str], update: list[str]) -> Any:
    """An INSERT that overwrites the columns `update` of a row with the same `keys`."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(table)
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in update}
    )


def run_many(connection: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Runs a statement for each of `rows` (all with the same names), whose values are as the driver takes them.

    SQLAlchemy's own way spends more on each row's parameters than the database on the row.
    """
    if not rows:
        return
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names, said = compiled.positiontup, compiled.params
    whole = [said | row for row in rows]
    connection.exec_driver_sql(compiled.string, [tuple([row[n] for n in names]) for row in whole] if names else whole)
