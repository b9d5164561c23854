"""Rows of recorded pages: leased to whoever replays them, since nobody fetches them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from pipelines import urls as identity
from pipelines.stores.schema import State, urls


def lease(connection: Connection, wanted: Sequence[str], *, run: int, now: float) -> dict[str, int]:
    """`url: row` of those of these canonical URLs that wait; they are leased now."""
    keys = {identity.key(url): url for url in wanted}
    query = select(urls.c.id, urls.c.key).where(urls.c.key.in_(keys), urls.c.state == State.WAITING)
    rows = {keys[key]: row for row, key in connection.execute(query)}
    connection.execute(
        update(urls).where(urls.c.id.in_(rows.values())).values(state=State.LEASED, run=run, due_at=now + 600.0)
    )
    return rows
