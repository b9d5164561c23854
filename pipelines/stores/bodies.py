"""Bodies that lie in SQL beside their rows until the store stage is done with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import zstandard
from sqlalchemy import Connection, delete, select

from pipelines.records import Page
from pipelines.stores.dialect import run_many, upsert
from pipelines.stores.schema import bodies, storable, urls
from pipelines.stores.states import ENDED

MAX_BODY_BYTES = 64 * 1024 * 1024
# the address that answered, its headers, and the body
Fetch = tuple[str, dict[str, str], bytes]


def discard(connection: Connection, rows: Sequence[int]) -> None:
    """Nobody needs these bodies any more."""
    connection.execute(delete(bodies).where(bodies.c.url.in_(rows)))


def keep(connection: Connection, fetched: Mapping[int, Fetch]) -> None:
    """Bodies just fetched, until the store stage has archived them; those of earlier fetches give way."""
    _put(connection, fetched, archived=False)


def put_back(connection: Connection, pages: Mapping[int, Fetch]) -> None:
    """Bodies out of the archive, to be read once more."""
    _put(connection, pages, archived=True)


def _put(connection: Connection, pages: Mapping[int, Fetch], *, archived: bool) -> None:
    pack = zstandard.ZstdCompressor(level=1).compress
    rows = [
        {"url": row, "final_url": storable(url), "headers": json.dumps(headers), "body": pack(body),
         "archived": int(archived)}
        for row, (url, headers, body) in pages.items()
    ]  # fmt: skip
    run_many(connection, upsert(connection, bodies, ["url"], ["final_url", "headers", "body", "archived"]), rows)


def unpack(body: bytes) -> bytes:
    """A stored body as it was fetched. Raises ZstdError for bytes that are none."""
    return zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_BODY_BYTES)


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
