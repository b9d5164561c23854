"""Bodies that lie in SQL beside their rows until the store stage is done with them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from pipelines.records import Page
from pipelines.stores.ledger import unpack
from pipelines.stores.schema import ENDED, bodies, urls


def discard(connection: Connection, rows: Sequence[int]) -> None:
    """Nobody needs these bodies any more."""
    connection.execute(delete(bodies).where(bodies.c.url.in_(rows)))


def left_over(connection: Connection, rows: Sequence[int] | None = None, limit: int = 64) -> list[Page]:
    """Bodies of rows that have ended but were not archived yet; of `rows`, or of any."""
    query = (
        select(urls.c.id, urls.c.url, urls.c.status, urls.c.fetched_at, bodies)
        .join(bodies, bodies.c.url == urls.c.id)
        .where(urls.c.state.in_(ENDED))
        .order_by(bodies.c.url)
        .limit(limit)
    )
    if rows is not None:
        query = query.where(urls.c.id.in_(rows))
    return [
        Page(row.id, row[1], row.final_url, row.status or 200, json.loads(row.headers), row.fetched_at or 0.0,
             unpack(row.body))
        for row in connection.execute(query)
    ]  # fmt: skip
