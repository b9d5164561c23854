"""The texts an article had before the one it has: each is kept when the next one takes its place."""

from __future__ import annotations

from dataclasses import dataclass

import zstandard
from sqlalchemy import Connection, select

from pipelines.stores.dialect import insert_new
from pipelines.stores.schema import articles, revisions, urls

MAX_TEXT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of an article; `fetched_at` in seconds since 1970, `published` as the page said then."""

    number: int
    title: str
    text: str
    sha256: str
    published: str | None
    fetched_at: float


_NOW = (
    articles.c.revision, articles.c.title, articles.c.text, articles.c.sha256, articles.c.published,
    articles.c.fetched_at,
)  # fmt: skip


def keep(connection: Connection, row: int) -> None:
    """Keeps the text an article has now, before it gets another."""
    now = connection.execute(select(*_NOW).where(articles.c.id == row)).first()
    if now is not None:
        packed = zstandard.ZstdCompressor(level=9).compress(now.text.encode())
        values = {**now._asdict(), "text": packed, "article": row}
        connection.execute(insert_new(connection, revisions).values(values))


def of(connection: Connection, row: int) -> list[Revision]:
    """Every version of an article, the first one first."""
    query = select(*(revisions.c[column.name] for column in _NOW)).where(revisions.c.article == row)
    found = [
        Revision(one.revision, one.title, _unpacked(one.text), one.sha256, one.published, one.fetched_at)
        for one in connection.execute(query.order_by(revisions.c.revision))
    ]
    return found + [Revision(*one) for one in connection.execute(select(*_NOW).where(articles.c.id == row))]


def found_by(connection: Connection, run: int, limit: int) -> list[str]:
    """The URLs of articles for which a run found another text, the latest first."""
    # a page looked at again and found the same keeps the time of the text it has
    newer = (urls.c.run == run, articles.c.revision > 1, articles.c.fetched_at >= urls.c.fetched_at)
    query = select(urls.c.url).join(articles, articles.c.id == urls.c.id).where(*newer)
    return list(connection.execute(query.order_by(articles.c.fetched_at.desc(), urls.c.id).limit(limit)).scalars())


def _unpacked(text: bytes) -> str:
    return zstandard.ZstdDecompressor().decompress(text, max_output_size=MAX_TEXT_BYTES).decode()
