"""Rows of recorded pages: leased to whoever replays them, since nobody fetches them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from pipelines import urls as identity
from pipelines.stores.schema import runs, urls
from pipelines.stores.states import State

# manifests and archives tell whole seconds
LATER_S = 1.0
# what a later record of the same page may change
_ENDED = (State.STORED, State.DUPLICATE, State.DROPPED)


def lease(connection: Connection, wanted: Mapping[str, float], *, run: int, now: float) -> dict[str, int]:
    """`url: row` of those of these canonical URLs that wait, or ended with a record older than the one given here.

    `wanted`: when each page was recorded, in seconds since 1970, 0 where that is not known. They are leased now.
    The run counts those looked at again.
    """
    keys = {identity.key(url): url for url in wanted}
    query = select(urls.c.id, urls.c.key, urls.c.state, urls.c.fetched_at).where(urls.c.key.in_(keys))
    held = connection.execute(query).all()
    new = {keys[row.key]: row.id for row in held if row.state == State.WAITING}
    again = {
        keys[row.key]: row.id for row in held
        if row.state in _ENDED and wanted[keys[row.key]] >= (row.fetched_at or 0.0) + LATER_S
    }  # fmt: skip
    rows = new | again
    connection.execute(
        update(urls).where(urls.c.id.in_(rows.values())).values(state=State.LEASED, run=run, due_at=now + 600.0)
    )
    connection.execute(update(runs).where(runs.c.id == run).values(revisited=runs.c.revisited + len(again)))
    return rows
