"""Stories told more than once, and who tells one: streamed for programs, a page at a time for people."""

from __future__ import annotations

import json
from collections.abc import Generator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, func, select

from pipelines.moments import iso_at
from pipelines.stores.schema import COPIES, KEPT, articles, urls

MOST_MEMBERS = 200
MOST_COPIES = 100

_TELLINGS = select(
    articles.c.story, articles.c.copy_of, articles.c.kind, articles.c.similarity, articles.c.evidence,
    articles.c.published, articles.c.site, articles.c.title, articles.c.score, articles.c.matched, urls.c.url,
).join(urls, urls.c.id == articles.c.id)  # fmt: skip


def retold(connection: Connection) -> Generator[dict[str, Any], None, None]:
    """Stories told more than once, as contract.md words `dupes`; streamed, so there may be more than memory holds."""
    several = (
        select(articles.c.story).where(KEPT, articles.c.story.is_not(None))
        .group_by(articles.c.story).having(func.count() > 1)
    )  # fmt: skip
    query = (
        _TELLINGS.where(articles.c.story.in_(several), KEPT)
        .order_by(articles.c.story, articles.c.copy_of.is_not(None), articles.c.id)
    )  # fmt: skip
    # closed with the generator: PostgreSQL keeps a cursor open for it
    with connection.execute(query, execution_options={"yield_per": 200}) as found:
        for number, rows in groupby(found, key=lambda row: row.story):
            canonical, *copies = rows
            yield {
                "story": number, "canonical": canonical.url, "title": canonical.title, "score": canonical.score,
                "match": bool(canonical.matched), "copies": [_copy(row) for row in copies],
            }  # fmt: skip


def story_of(connection: Connection, row: int) -> dict[str, Any] | None:
    """The story an article tells, as `show` words it: its canonical URL, this one's place, up to MOST_COPIES copies.

    Those published first come first, and those of which that is not known last.
    """
    own = connection.execute(_TELLINGS.where(articles.c.id == row)).first()
    if own is None or own.story is None:
        return None
    members = (articles.c.story == own.story, KEPT)
    told = connection.execute(
        _TELLINGS.where(*members)
        .order_by(articles.c.copy_of.is_not(None), articles.c.published.is_(None), articles.c.published, articles.c.id)
        .limit(MOST_COPIES + 1)
    ).all()  # fmt: skip
    canonical = next((one.url for one in told if one.copy_of is None), own.url)
    return {
        "story": own.story, "canonical": canonical, "kind": own.kind, "similarity": own.similarity,
        "evidence": json.loads(own.evidence) if own.evidence else {},
        "copies": [_copy(one) for one in told if one.copy_of is not None],
    }  # fmt: skip


def _copy(row: Any) -> dict[str, Any]:
    return {
        "url": row.url, "similarity": row.similarity, "published": row.published, "site": row.site, "kind": row.kind,
        "evidence": json.loads(row.evidence) if row.evidence else {},
    }  # fmt: skip


def originals(connection: Connection, *, before: int | None = None, limit: int = 50) -> list[tuple[int, int]]:
    """`(row of the original, copies)` of stories with copies, the original discovered last first; before that row."""
    query = select(articles.c.copy_of, func.count()).where(COPIES)
    if before is not None:
        query = query.where(articles.c.copy_of < before)
    query = query.group_by(articles.c.copy_of).order_by(articles.c.copy_of.desc()).limit(limit)
    return [(row, number) for row, number in connection.execute(query)]


def copies(connection: Connection) -> dict[int, int]:
    """Story -> how many stored copies of its original match, where there are any."""
    query = select(articles.c.story, func.count()).where(COPIES, KEPT, articles.c.matched == 1)
    query = query.group_by(articles.c.story)
    return dict(map(tuple, connection.execute(query)))


def members(connection: Connection, story: int) -> list[dict[str, Any]]:
    """Who tells a story, the original first, then by when it was published, as far as that is known, else fetched;
    at most MOST_MEMBERS."""
    a = articles.c
    query = (
        select(a.id, a.title, a.site, a.published, a.published_confidence, a.fetched_at, a.similarity, a.score, a.words,
               a.copy_of, a.authors, a.sha256, a.matched, a.stored_at, urls.c.url)
        .join(urls, urls.c.id == a.id).where(a.story == story)
        .order_by(a.copy_of.is_not(None), a.copy_of, a.id).limit(MOST_MEMBERS)
    )  # fmt: skip
    found = [
        {"id": row.id, "title": row.title, "site": row.site, "url": row.url, "published": row.published,
         "confidence": row.published_confidence, "fetched_at": iso_at(row.fetched_at),
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
