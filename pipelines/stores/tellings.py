"""Stories told more than once, a page at a time, and who tells one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from pipelines.stores import articles as article_rows
from pipelines.stores.schema import COPIES, articles, urls

MOST_MEMBERS = 200


def originals(connection: Connection, *, before: int | None = None, limit: int = 50) -> list[tuple[int, int]]:
    """`(row of the original, copies)` of stories with copies, the original discovered last first; before that row."""
    query = select(articles.c.copy_of, func.count()).where(COPIES)
    if before is not None:
        query = query.where(articles.c.copy_of < before)
    query = query.group_by(articles.c.copy_of).order_by(articles.c.copy_of.desc()).limit(limit)
    return [(row, number) for row, number in connection.execute(query)]


def members(connection: Connection, story: int, *, limit: int = MOST_MEMBERS) -> list[dict[str, Any]]:
    """Who tells a story, the original first, then by when it was published, as far as that is known, else fetched."""
    a = articles.c
    query = (
        select(a.id, a.title, a.site, a.published, a.published_confidence, a.fetched_at, a.similarity, a.score, a.words,
               a.copy_of, a.authors, a.sha256, a.matched, a.stored_at, urls.c.url)
        .join(urls, urls.c.id == a.id).where(a.story == story)
        .order_by(a.copy_of.is_not(None), a.copy_of, a.id).limit(limit)
    )  # fmt: skip
    found = [
        {"id": row.id, "title": row.title, "site": row.site, "url": row.url, "published": row.published,
         "confidence": row.published_confidence, "fetched_at": article_rows.iso_at(row.fetched_at),
         "similarity": row.similarity, "score": row.score, "words": row.words, "is_copy": row.copy_of is not None,
         "sha256": row.sha256, "match": bool(row.matched), "kept": row.stored_at is not None}
        for row in connection.execute(query)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one["is_copy"], one["published"] or one["fetched_at"] or "", one["id"]))


def texts(connection: Connection, story: int, rows: tuple[int, int]) -> dict[int, tuple[str, str]]:
    """Row -> title and text, of these two tellings of a story; one that tells another is left out."""
    query = select(articles.c.id, articles.c.title, articles.c.text)
    found = connection.execute(query.where(articles.c.story == story, articles.c.id.in_(rows)))
    return {row: (title, text) for row, title, text in found}
