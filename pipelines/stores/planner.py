"""PostgreSQL's planner: what it expects of a query, by the figures it keeps of the tables, and what it is not to do."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Select, Table, text

# as long a table's number of rows is taken to be what it was
FRESH_S = 60.0
_held: WeakKeyDictionary[Engine, dict[str, tuple[float, float]]] = WeakKeyDictionary()
_ROWS = text("SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = CAST(:name AS regclass)")
_PLANNED = text("SELECT set_config('enable_' || way, :so, true) FROM unnest(CAST(:ways AS text[])) AS ways(way)")


def rows(connection: Connection, query: Select[Any]) -> float:
    """How many rows this query is expected to give; as right as the last ANALYZE of its tables."""
    said = query.compile(connection.engine, compile_kwargs={"render_postcompile": True})
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {said}", said.params).scalar_one()
    return float(plan["Plan"]["Plan Rows"])


def size(connection: Connection, table: Table) -> float:
    """How many rows a table has, as of its last ANALYZE; at least 1."""
    held = _held.setdefault(connection.engine, {})
    number, at = held.get(table.name, (0.0, -math.inf))
    if time.monotonic() - at > FRESH_S:
        number = float(connection.execute(_ROWS, {"name": table.name}).scalar_one())
        held[table.name] = number, time.monotonic()
    return number


@contextlib.contextmanager
def without(connection: Connection, *ways: str) -> Iterator[None]:
    """While the block runs, queries are planned without these ways (`seqscan`, …), as far as there is another.

    A block that fails fails its transaction, and with it goes the setting.
    """
    connection.execute(_PLANNED, {"ways": list(ways), "so": "off"})
    yield
    connection.execute(_PLANNED, {"ways": list(ways), "so": "on"})
