"""Bodies that lie in SQL beside their rows until the store stage is done with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import zstandard
from sqlalchemy import Connection, delete, select

from pipelines.records import Page
from pipelines.stores.dialect import run_many, upsert
from pipelines.stores.ledger import unpack
from pipelines.stores.schema import ENDED, bodies, storable, urls


def discard(connection: Connection, rows: Sequence[int]) -> None:
    """Nobody needs these bodies any more."""
    connection.execute(delete(bodies).where(bodies.c.url.in_(rows)))


def put_back(connection: Connection, pages: Mapping[int, tuple[str, dict[str, str], bytes]]) -> None:
    """Bodies out of the archive, to be read once more: row -> address, headers, body."""
    pack = zstandard.ZstdCompressor(level=1).compress
    rows = [
        {"url": row, "final_url": storable(url), "headers": json.dumps(headers), "body": pack(body), "archived": 1}
        for row, (url, headers, body) in pages.items()
    ]
    run_many(connection, upsert(connection, bodies, ["url"], ["final_url", "headers", "body", "archived"]), rows)


def left_over(connection: Connection, rows: Sequence[int] | None = None, limit: int = 64) -> list[Page]:
    """Bodies of rows that have ended but were not archived yet; of `rows`, or of any."""
    query = (
        select(urls.c.id, urls.c.url, urls.c.status, urls.c.fetched_at, bodies)
        .join(bodies, bodies.c.url == urls.c.id)
        .where(urls.c.state.in_(ENDED), bodies.c.archived == 0)
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
