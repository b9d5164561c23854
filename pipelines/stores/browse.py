"""Results a page at a time: by key and not by number, so that the last page costs what the first does.

Which articles a page holds is decided on an index alone; what is shown of them is then read by their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, select, text

from pipelines.stores import articles as article_rows
from pipelines.stores.families import of_family
from pipelines.stores.schema import KEPT, articles, ratings, runs, urls
from pipelines.stores.wanted import Wanted

# articles looked at for one page: filters that hardly choose are told so instead of being waited for
LOOKED = 30_000
FIRST_LOOK = 2_000
FEW = 200
# the newest articles are those of so many runs at most
RECENT_RUNS = 50
# one statement for all: fifty of them took longer than the rest of a page
_COPIES = text(
    "SELECT id, (SELECT count(*) FROM (SELECT 1 FROM articles AS other WHERE other.copy_of = original.id LIMIT :few) "
    "AS copies) FROM articles AS original WHERE id IN :rows"
).bindparams(bindparam("rows", expanding=True), few=FEW)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last article a page looked at: the next one begins behind it."""

    score: float
    row: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of results: their rows, best first; `after` when there may be more.

    `cut` tells that it ends because enough was looked at, not because it is full.
    """

    rows: tuple[int, ...]
    after: Cursor | None
    cut: bool = False


def leaf(
    connection: Connection, wanted: Wanted, *, after: Cursor | None = None, limit: int = 50, retold: bool = False,
    looked: int = LOOKED,
) -> Leaf:  # fmt: skip
    """The next `limit` articles that are meant; with `retold` only those that have copies."""
    chosen = wanted.conditions()
    if after is not None:
        chosen += _behind(after)
    if retold:
        other = articles.alias("other")
        chosen.append(exists().where(other.c.copy_of == articles.c.id))
    query = _ordered(select(articles.c.score, articles.c.id).where(*chosen)).limit(limit + 1)
    if wanted.where:
        query = query.join(urls, urls.c.id == articles.c.id)
    # most pages are full long before so many were looked at, and to find where these end costs more than the page
    for most in (FIRST_LOOK, looked) if looked > FIRST_LOOK else (looked,):
        bound = _bound(connection, wanted, after, most)
        found = connection.execute(query.where(*_up_to(bound)) if bound else query).all()
        if len(found) > limit:
            last = found[limit - 1]
            return Leaf(tuple(row.id for row in found[:limit]), Cursor(last.score, last.id))
        if bound is None:
            break
    return Leaf(tuple(row.id for row in found), bound, cut=bound is not None)


def _behind(after: Cursor) -> list[ColumnElement[bool]]:
    a = articles.c
    return [a.score <= after.score, (a.score < after.score) | (a.id > after.row)]


def _up_to(last: Cursor) -> list[ColumnElement[bool]]:
    a = articles.c
    return [a.score >= last.score, (a.score > last.score) | (a.id <= last.row)]


def _ordered(query: Select[Any]) -> Select[Any]:
    return query.order_by(articles.c.score.desc(), articles.c.id)


def _bound(connection: Connection, wanted: Wanted, after: Cursor | None, looked: int) -> Cursor | None:
    """The last of the articles that are looked at, when there are more; those of a site are found by its own index."""
    seen: list[ColumnElement[bool]] = [KEPT]
    if wanted.site is not None:
        seen.append(articles.c.site == wanted.site)
    if after is not None:
        seen += _behind(after)
    query = _ordered(select(articles.c.score, articles.c.id).where(*seen)).offset(looked).limit(1)
    found = connection.execute(query).first()
    return Cursor(found.score, found.id) if found else None


def shown(connection: Connection, rows: Sequence[int]) -> list[dict[str, Any]]:
    """These few articles in their order, without their texts: as contract.md words them, with `terms` and `copies`."""
    a = articles.c
    query = select(a.id, a.title, a.site, a.published, a.language, a.score, a.words, a.matched, a.likeness, a.story,
                   a.copy_of, a.stored_at, urls.c.url)  # fmt: skip
    query = query.join(urls, urls.c.id == a.id).where(a.id.in_(rows))
    found: dict[int, Any] = {row.id: row for row in connection.execute(query)}
    copies = copies_of(connection, rows)
    told = article_rows.brief
    return [told(found[row]) | {"copies": copies.get(row, 0)} for row in rows if row in found]


def copies_of(connection: Connection, rows: Sequence[int]) -> dict[int, int]:
    """Row -> how many stored articles are its copies, at most FEW looked at each; of these few rows."""
    found = connection.execute(_COPIES, {"rows": list(rows)}) if rows else ()
    return {row: number for row, number in found if number}


def newest(connection: Connection, run: int, limit: int) -> list[int]:
    """The rows of a run's originals that were stored last, newest first."""
    a = articles.c
    query = select(a.id).where(a.run == run, a.matched == 1, KEPT, a.copy_of.is_(None))
    return list(connection.execute(query.order_by(a.stored_at.desc()).limit(limit)).scalars())


def newest_of(connection: Connection, family: str, limit: int) -> list[int]:
    """The rows of the originals that the latest runs of a family stored, newest first."""
    recent = of_family(family).order_by(runs.c.id.desc()).limit(RECENT_RUNS)
    found: list[int] = []
    for run in connection.execute(recent):
        found += [row for row in newest(connection, run.id, limit - len(found)) if row not in found]
        if len(found) >= limit:
            break
    return found


def rated(connection: Connection, family: str, verdict: int | None) -> list[int]:
    """The rows that were rated (so), latest first; at most FEW."""
    query = select(ratings.c.article).where(ratings.c.family == family, ratings.c.undone_at.is_(None))
    if verdict is not None:
        query = query.where(ratings.c.verdict == verdict)
    found = connection.execute(query.order_by(ratings.c.id.desc()).limit(FEW)).scalars()
    return list(dict.fromkeys(found))
