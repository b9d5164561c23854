"""What a crawler process must know when it begins: where the crawl started, how its pages ended, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from pipelines.records import Candidate
from pipelines.stores.schema import STARTS, WAITS
from pipelines.stores.schema import urls as table
from pipelines.stores.states import Kind, State

MAX_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Known:
    """A row as the frontier saw it. `quick` and `alike` (it went on to extraction) only mean something once ended."""

    candidate: Candidate
    parent: int | None
    parent_quick: float
    depth: int
    quick: float
    alike: bool


def urls(connection: Connection) -> list[str]:
    """The URLs the user named."""
    return list(connection.execute(select(table.c.url).where(STARTS)).scalars())


def ended(connection: Connection, run: int) -> list[Known]:
    """The latest pages fetched in a run, in the order they were fetched."""
    query = (
        _query()
        .where(table.c.run == run, table.c.kind == Kind.PAGE, table.c.state > State.LEASED)
        .where(table.c.quick.is_not(None))
        .order_by(table.c.fetched_at.desc(), table.c.id.desc())
        .limit(MAX_KNOWN)
    )
    return [_known(row) for row in connection.execute(query).all()[::-1]]


def waiting(connection: Connection) -> list[Known]:
    """The most promising pages that wait."""
    query = (
        _query()
        .where(WAITS, table.c.kind == Kind.PAGE, table.c.source != "start")
        .order_by(table.c.expected.desc())
        .limit(MAX_KNOWN)
    )
    return [_known(row) for row in connection.execute(query)]


def _query() -> Select[Any]:
    parent = table.alias("parent_row")
    return select(table, parent.c.quick.label("parent_quick")).outerjoin(parent, parent.c.id == table.c.parent)


def _known(row: Row[Any]) -> Known:
    candidate = Candidate(row.url, row.source, anchor=row.anchor, context=row.context, published=row.published)
    alike = row.state != State.DROPPED
    return Known(candidate, row.parent, row.parent_quick or 0.0, row.depth, row.quick or 0.0, alike)
