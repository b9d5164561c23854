"""What the user said of articles: events, of which the last that was not taken back counts."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from pipelines.stores.dialect import portions
from pipelines.stores.families import of_family
from pipelines.stores.schema import articles, profiles, ratings, urls

# an article as close to a seed (0..1) as this is that seed's own text, of which a rating says nothing new
SEEDS_OWN = 0.9


def add(connection: Connection, family: str, article: int, verdict: int, *, now: float) -> None:
    """An article is like the seeds of this family (1) or is not (-1)."""
    connection.execute(ratings.insert().values(family=family, article=article, verdict=verdict, at=now))


def last(connection: Connection, family: str) -> tuple[int, int] | None:
    """The last rating that stands, and its article."""
    query = (
        select(ratings.c.id, ratings.c.article)
        .where(ratings.c.family == family, ratings.c.undone_at.is_(None))
        .order_by(ratings.c.id.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return (found.id, found.article) if found else None


def take_back(connection: Connection, rating: int, *, now: float) -> None:
    """From now on this rating does not stand."""
    connection.execute(update(ratings).where(ratings.c.id == rating).values(undone_at=now))


def standing(connection: Connection, family: str, *, but: int | None = None) -> dict[int, int]:
    """Article -> its verdict, the latest rated last; `but` leaves one rating out."""
    query = (
        select(ratings.c.article, ratings.c.verdict)
        .where(ratings.c.family == family, ratings.c.undone_at.is_(None), ratings.c.id != (but or 0))
        .order_by(ratings.c.id)
    )
    return {row.article: row.verdict for row in connection.execute(query)}


def first_of(connection: Connection, rows: Sequence[int]) -> dict[str, float]:
    """Family -> when one of these articles was first rated in it, whether that stands or was taken back."""
    found: dict[str, float] = {}
    for some in portions(rows):
        query = select(ratings.c.family, func.min(ratings.c.at)).where(ratings.c.article.in_(some))
        for family, at in connection.execute(query.group_by(ratings.c.family)):
            found[family] = min(at, found.get(family, at))
    return found


def of_rows(connection: Connection, edition: str, rows: Collection[int]) -> dict[int, int]:
    """Those of these articles that were rated in the family that this edition is of, and their verdicts."""
    family = select(profiles.c.family).where(profiles.c.digest == edition).scalar_subquery()
    query = (
        select(ratings.c.article, ratings.c.verdict)
        .where(ratings.c.family == family, ratings.c.undone_at.is_(None), ratings.c.article.in_(rows))
        .order_by(ratings.c.id)
    )
    return {row.article: row.verdict for row in connection.execute(query)}


def listed(connection: Connection, family: str) -> list[dict[str, Any]]:
    """The verdicts that stand, with what they are about."""
    found = standing(connection, family)
    query = (
        select(articles.c.id, articles.c.title, articles.c.score, urls.c.url)
        .join(urls, urls.c.id == articles.c.id)
        .where(articles.c.id.in_(found))
    )
    told = {
        row.id: {"url": row.url, "title": row.title, "score": row.score, "verdict": found[row.id]}
        for row in connection.execute(query)
    }
    return [told[article] for article in found if article in told]


def to_rate(connection: Connection, family: str, limit: int, *, seeds: int) -> list[dict[str, Any]]:
    """What is best rated next: the best originals without a rating that are none of the `seeds` (how many those are).

    Labels at the top of the list teach most.
    """
    rated = select(ratings.c.article).where(ratings.c.family == family, ratings.c.undone_at.is_(None))
    query = (
        select(articles.c.title, articles.c.score, articles.c.matched, articles.c.likeness, urls.c.url)
        .join(urls, urls.c.id == articles.c.id)
        .where(articles.c.run.in_(of_family(family)), articles.c.id.not_in(rated), articles.c.copy_of.is_(None))
        .order_by(articles.c.score.desc(), articles.c.id)
        .limit(limit + seeds)
    )
    return [
        {"url": row.url, "title": row.title, "score": row.score, "match": bool(row.matched)}
        for row in connection.execute(query)
        if max(json.loads(row.likeness)["seeds"].values(), default=0.0) < SEEDS_OWN
    ][:limit]
