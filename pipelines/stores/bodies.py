"""Bodies that lie in SQL beside their rows until the store stage is done with them."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import zstandard
from sqlalchemy import Connection, Select, delete, select

from pipelines.records import Page
from pipelines.stores.dialect import run_many, upsert
from pipelines.stores.schema import bodies, storable, urls
from pipelines.stores.states import ENDED

logger = logging.getLogger(__name__)

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


def readable(row: int, body: bytes) -> bytes | None:
    """The stored body of a row as it was fetched; None, and a line of log, where it is not what was stored."""
    try:
        return unpack(body)
    except zstandard.ZstdError as error:
        logger.warning("the body of row %d cannot be read: %s", row, error)
        return None


def left_over(connection: Connection, limit: int = 64, *, among: Collection[int] | None = None) -> list[int]:
    """Rows that have ended but whose bodies were not archived yet; of these, or of any."""
    query = _ended(urls.c.id).order_by(bodies.c.url).limit(limit)
    return list(connection.execute(query if among is None else query.where(urls.c.id.in_(among))).scalars())


def ended(connection: Connection, rows: Sequence[int]) -> dict[int, Page | None]:
    """The pages of those of these rows that are left over; None for a body that cannot be read."""
    query = _ended(urls.c.id, urls.c.url, urls.c.status, urls.c.fetched_at, bodies).where(urls.c.id.in_(rows))
    return {row.id: _page(row) for row in connection.execute(query.order_by(bodies.c.url))}


def _ended(*columns: Any) -> Select[Any]:
    joined = select(*columns).join(bodies, bodies.c.url == urls.c.id)
    return joined.where(urls.c.state.in_(ENDED), bodies.c.archived == 0)


def _page(row: Any) -> Page | None:
    body = readable(row.id, row.body)
    if body is None:
        return None
    headers, fetched_at = json.loads(row.headers), row.fetched_at or 0.0
    return Page(row.id, row[1], row.final_url, row.status or 200, headers, fetched_at, body)
