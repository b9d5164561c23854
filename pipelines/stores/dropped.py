"""Pages that were dropped, and lie in the archive: what can be read once more when a rule has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from pipelines.misfits import REASONS
from pipelines.stores import bodies
from pipelines.stores.dialect import portions
from pipelines.stores.schema import articles, urls
from pipelines.stores.states import ENDED, IN_STORE, Kind, State


def _of(reasons: Sequence[str]) -> list[ColumnElement[bool]]:
    # one that was read and no match is decided again by its stored text
    read = select(articles.c.id).where(articles.c.id == urls.c.id).exists()
    dropped = (urls.c.state == State.DROPPED, urls.c.kind == int(Kind.PAGE), urls.c.reason.in_(reasons))
    return [*dropped, ~(urls.c.reason.in_(REASONS) & read)]


def counted(connection: Connection, reasons: Sequence[str]) -> tuple[int, int]:
    """How many such pages lie in the archive, and how many do not."""
    query = select(func.count(urls.c.archive_file), func.count()).where(*_of(reasons))
    archived, number = connection.execute(query).one()
    return archived, number - archived


def archived(connection: Connection, reasons: Sequence[str], *, after: int, limit: int) -> list[Any]:
    """`(id, archive_file, archive_offset)` of such pages from row `after` on, in the order of their rows."""
    query = select(urls.c.id, urls.c.archive_file, urls.c.archive_offset)
    query = query.where(*_of(reasons), urls.c.archive_file.is_not(None), urls.c.id > after)
    return list(connection.execute(query.order_by(urls.c.id).limit(limit)))


def give_back(
    connection: Connection, pages: Mapping[int, tuple[str, dict[str, str], bytes]], run: int, *, now: float
) -> list[int]:  # fmt: skip
    """These pages (row -> address, headers, body) wait for the parse stage again, for `run`; gives their rows."""
    waits = {"state": State.FETCHED, "reason": None, "detail": None, "attempts": 0, "due_at": now, "run": run}
    still = (urls.c.id.in_(list(pages)), urls.c.state == State.DROPPED)
    rows = sorted(connection.execute(update(urls).where(*still).values(waits).returning(urls.c.id)).scalars())
    bodies.put_back(connection, {row: pages[row] for row in rows})
    return rows


def ends(connection: Connection, rows: Sequence[int]) -> dict[str, int]:
    """How these pages ended: stored, duplicate, or the reason they were dropped for, counted."""
    told: dict[str, int] = {}
    for some in portions(rows):
        ended = (urls.c.id.in_(some), urls.c.state.in_(ENDED))
        query = select(urls.c.state, urls.c.reason, func.count()).where(*ended).group_by(urls.c.state, urls.c.reason)
        for state, reason, number in connection.execute(query):
            kept = State(state) in IN_STORE
            name = State(state).name.lower() if kept else reason or "unknown"
            told[name] = told.get(name, 0) + number
    return told
