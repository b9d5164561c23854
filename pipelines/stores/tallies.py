"""How many articles there are, by what one counts them."""

from __future__ import annotations

from sqlalchemy import Connection, Integer, Select, cast, func, select

from pipelines.stores.schema import KEPT, articles, urls
from pipelines.stores.wanted import Wanted


def counted(connection: Connection, wanted: Wanted) -> int:
    """How many stored articles are meant."""
    query = select(func.count()).select_from(articles)
    if wanted.where:
        query = query.join(urls, urls.c.id == articles.c.id)
    return connection.execute(query.where(*wanted.conditions())).scalar() or 0


def matching() -> Select[tuple[int]]:
    """The rows of stored articles that match, copies among them, for questions about each of very many pages.

    As a set that an index gives: to look each article up would read a page of the database for it.
    """
    # every score is; said so that SQLite goes through the index by score, which holds all that is asked here
    return select(articles.c.id).where(KEPT, articles.c.matched == 1, articles.c.score >= 0)


def matches(connection: Connection, run: int | None = None) -> int:
    """How many stored articles match, copies among them."""
    query = select(func.count()).where(KEPT, articles.c.matched == 1)
    return connection.execute(query if run is None else query.where(articles.c.run == run)).scalar() or 0


def first_kept(connection: Connection, run: int) -> int:
    """How many articles were stored that this run brought first, copies and what matches no more among them."""
    query = select(func.count()).where(KEPT, articles.c.run == run)
    return connection.execute(query).scalar() or 0


def judged(connection: Connection, run: int) -> tuple[int, int]:
    """How many articles of a run were judged on their whole text, and how many of them match, stored yet or not."""
    query = select(func.count(), func.coalesce(func.sum(articles.c.matched), 0)).where(articles.c.run == run)
    number, matched = connection.execute(query).one()
    return number, int(matched)


def low_quick(connection: Connection, run: int, share: float) -> tuple[int, float]:
    """How many of a run's articles match, and the quick score that `share` of them lie below (1.0 for none)."""
    matched = articles.join(urls, urls.c.id == articles.c.id)
    ours = articles.c.run == run, articles.c.matched == 1, urls.c.quick.is_not(None)
    number = connection.execute(select(func.count()).select_from(matched).where(*ours)).scalar() or 0
    lowest = select(urls.c.quick).select_from(matched).where(*ours).order_by(urls.c.quick)
    low = connection.execute(lowest.limit(1).offset(int(share * number))).scalar()
    return number, 1.0 if low is None else low


def scores(connection: Connection) -> dict[int, int]:
    """Articles judged on their whole text, originals only, counted by their scores in hundredths."""
    # not every SQLite has floor
    hundredths = cast(func.round(articles.c.score * 100 - 0.499999), Integer)
    query = select(hundredths, func.count()).where(articles.c.copy_of.is_(None)).group_by(hundredths)
    return {int(at): number for at, number in connection.execute(query)}


def numbers(connection: Connection, field: str) -> dict[str, int]:
    """Stored matches, originals only, counted by a field, most first."""
    column = articles.c[field]
    query = select(column, func.count()).where(*Wanted().conditions()).group_by(column).order_by(func.count().desc())
    return dict(map(tuple, connection.execute(query)))


def months(connection: Connection) -> dict[str, int]:
    """Stored matches, originals only, counted by the month they were published in; "" for those without a date."""
    month = func.substr(func.coalesce(articles.c.published, ""), 1, 7)
    query = select(month, func.count()).where(*Wanted().conditions()).group_by(month).order_by(month)
    return dict(map(tuple, connection.execute(query)))


def stories(connection: Connection, run: int | None = None) -> int:
    """How many stories the stored matches tell."""
    query = select(func.count(articles.c.story.distinct())).where(KEPT, articles.c.matched == 1)
    return connection.execute(query if run is None else query.where(articles.c.run == run)).scalar() or 0


def best(connection: Connection, run: int, since: float, limit: int) -> list[tuple[float, str, str, float]]:
    """`(score, title, site, stored_at)` of matches of `run` stored after `since`, newest first."""
    query = (
        select(articles.c.score, articles.c.title, articles.c.site, articles.c.stored_at)
        .where(articles.c.run == run, articles.c.matched == 1, articles.c.copy_of.is_(None))
        .where(articles.c.stored_at > since)
        .order_by(articles.c.stored_at.desc())
        .limit(limit)
    )
    return [(score, title, site, at) for score, title, site, at in connection.execute(query)]
