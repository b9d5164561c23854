"""Articles: what extraction made of pages, how alike they are, and which story each belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from pipelines import urls as identity
from pipelines.records import Article, Likeness
from pipelines.stores import search
from pipelines.stores.dialect import upsert
from pipelines.stores.schema import articles, urls
from pipelines.stores.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Draft:
    """An article with its judgement, on its way to the store."""

    article: Article
    likeness: Likeness
    matched: bool
    fetched_at: float
    mode: str
    run: int
    edition: str = ""


def put(connection: Connection, draft: Draft) -> None:
    """Writes an article down; the same row again replaces what an earlier attempt wrote."""
    article, likeness = draft.article, draft.likeness
    values: dict[str, Any] = {
        "id": article.row,
        "canonical_url": article.canonical_url,
        "canonical_key": identity.key(article.canonical_url),
        "site": article.site,
        "title": article.title,
        "description": article.description,
        "text": article.text,
        "authors": json.dumps(article.authors, ensure_ascii=False),
        "published": iso(article.published) if article.published else None,
        "published_confidence": article.published_confidence,
        "language": article.language,
        "words": article.words,
        "sha256": article.sha256,
        "rights": json.dumps(asdict(article.rights)),
        "score": likeness.score,
        "likeness": json.dumps(asdict(likeness), ensure_ascii=False),
        "matched": int(draft.matched),
        "fetched_at": draft.fetched_at,
        "mode": draft.mode,
        "run": draft.run,
        "edition": draft.edition,
    }
    held = connection.execute(select(articles.c.stored_at).where(articles.c.id == article.row)).scalar()
    if held is not None:
        search.take_out(connection, article.row)
    connection.execute(upsert(connection, articles, ["id"], [name for name in values if name != "id"]).values(values))
    if held is not None:
        search.index(connection, article.row)


def seal(connection: Connection, row: int, *, now: float, file: str | None, offset: int | None) -> bool:
    """The article is part of the corpus from now on: searchable, and its page in the archive if one is kept.

    True when it was not before.
    """
    fresh = connection.execute(
        update(articles).where(articles.c.id == row, articles.c.stored_at.is_(None)).values(stored_at=now)
    )
    if file is not None:
        note_archived(connection, row, file, offset or 0)
    if fresh.rowcount == 1:
        search.index(connection, row)
    return fresh.rowcount == 1


def note_archived(connection: Connection, row: int, file: str, offset: int) -> None:
    """Where in the archive a row's page lies."""
    connection.execute(update(urls).where(urls.c.id == row).values(archive_file=file, archive_offset=offset))


@dataclass(frozen=True, slots=True)
class Sealed:
    """An article of the corpus whose page came once more: its text's SHA-256 and the run that found it."""

    sha256: str
    run: int


def sealed(connection: Connection, rows: Sequence[int]) -> dict[int, Sealed]:
    """Those of these rows whose articles are part of the corpus."""
    held = (articles.c.id.in_(rows), articles.c.stored_at.is_not(None))
    query = select(articles.c.id, articles.c.sha256, articles.c.run).where(*held)
    return {row: Sealed(sha256, run) for row, sha256, run in connection.execute(query)}


def revise(connection: Connection, draft: Draft) -> None:
    """An article of the corpus has another text: its next revision takes the place of the one before."""
    put(connection, draft)
    after = {"revision": articles.c.revision + 1}
    connection.execute(update(articles).where(articles.c.id == draft.article.row).values(after))


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def iso_at(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return iso(datetime.fromtimestamp(seconds, UTC)) if seconds else None


def _query() -> Select[Any]:
    original = urls.alias("original")
    return (
        select(articles, urls.c.url, urls.c.state, urls.c.archive_file, urls.c.archive_offset,
               original.c.url.label("original_url"))
        .join(urls, urls.c.id == articles.c.id)
        .outerjoin(original, original.c.id == articles.c.copy_of)
    )  # fmt: skip


def _shown(row: Row[Any]) -> dict[str, Any]:
    """The article as contract.md words it."""
    likeness = json.loads(row.likeness)
    return {
        "id": row.id,
        "url": row.url,
        "canonical_url": row.canonical_url,
        "title": row.title,
        "text": row.text,
        "authors": json.loads(row.authors),
        "published": row.published,
        "published_confidence": row.published_confidence,
        "language": row.language,
        "site": row.site,
        "fetched_at": iso_at(row.fetched_at),
        "score": row.score,
        "lexical": likeness["lexical"],
        "dense": likeness["dense"],
        "match": bool(row.matched),
        "nearest_seed": likeness["nearest_seed"],
        "story": row.story,
        "copy_of": row.original_url,
        "revision": row.revision,
        "words": row.words,
        "sha256": row.sha256,
        "mode": row.mode,
        "run": row.run,
        "archive": {"file": row.archive_file, "offset": row.archive_offset} if row.archive_file else None,
        "rights": json.loads(row.rights),
    }


def chosen(connection: Connection, wanted: Wanted, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The stored articles that are meant, best first; streamed, so that there may be more than memory holds."""
    query = _query().where(*wanted.conditions()).order_by(articles.c.score.desc(), articles.c.id).limit(limit)
    for row in connection.execution_options(yield_per=200).execute(query):
        yield _shown(row)


def listed(connection: Connection, *, everything: bool = False, copies: bool = False) -> Iterator[dict[str, Any]]:
    """Stored articles, best first, streamed. Without `everything` only matches; without `copies` only originals."""
    return chosen(connection, Wanted(everything=everything, copies=copies))


def of_rows(connection: Connection, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Row -> the article, of these few rows."""
    return {row.id: _shown(row) for row in connection.execute(_query().where(articles.c.id.in_(rows)))}


def one(connection: Connection, row: int) -> dict[str, Any] | None:
    """The article of this row, kept or not."""
    found = connection.execute(_query().where(articles.c.id == row)).first()
    return _shown(found) if found else None


def likeness_of(connection: Connection, row: int) -> dict[str, Any] | None:
    """The stored judgement: records.Likeness as a mapping."""
    held = connection.execute(select(articles.c.likeness).where(articles.c.id == row)).scalar()
    return json.loads(held) if held else None


def at_place(connection: Connection, place: int) -> int | None:
    """The row of the article at this place (1 is the best) in `suchlike list`."""
    query = (
        select(articles.c.id).where(articles.c.stored_at.is_not(None), articles.c.copy_of.is_(None))
        .where(articles.c.matched == 1).order_by(articles.c.score.desc(), articles.c.id).offset(place - 1).limit(1)
    )  # fmt: skip
    return connection.execute(query).scalar()


def matches(connection: Connection, run: int | None = None) -> int:
    """How many stored articles match, copies among them."""
    query = select(func.count()).where(articles.c.stored_at.is_not(None), articles.c.matched == 1)
    return connection.execute(query if run is None else query.where(articles.c.run == run)).scalar() or 0


def stories(connection: Connection, run: int | None = None) -> int:
    """How many stories the stored matches tell."""
    query = select(func.count(articles.c.story.distinct())).where(
        articles.c.stored_at.is_not(None), articles.c.matched == 1
    )
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


def retold(connection: Connection) -> Iterator[dict[str, Any]]:
    """Stories told more than once, as contract.md words `dupes`."""
    several = (
        select(articles.c.story).where(articles.c.stored_at.is_not(None), articles.c.story.is_not(None))
        .group_by(articles.c.story).having(func.count() > 1)
    )  # fmt: skip
    query = (
        select(articles.c.story, articles.c.copy_of, articles.c.similarity, articles.c.published, urls.c.url)
        .join(urls, urls.c.id == articles.c.id)
        .where(articles.c.story.in_(several), articles.c.stored_at.is_not(None))
        .order_by(articles.c.story, articles.c.copy_of.is_not(None), articles.c.id)
    )
    current: dict[str, Any] | None = None
    for row in connection.execute(query):
        if current is None or current["story"] != row.story:
            if current:
                yield current
            current = {"story": row.story, "canonical": row.url, "copies": []}
        if row.copy_of is not None:
            current["copies"].append({"url": row.url, "similarity": row.similarity, "published": row.published})
    if current:
        yield current


def to_compare(connection: Connection, rows: Sequence[int]) -> dict[int, tuple[str, str, int]]:
    """`row: (text, sha256, canonical_key)` of these articles."""
    query = select(articles.c.id, articles.c.text, articles.c.sha256, articles.c.canonical_key)
    return {row: (text_, sha, key) for row, text_, sha, key in connection.execute(query.where(articles.c.id.in_(rows)))}


def is_match(connection: Connection, row: int) -> bool:
    """Whether this article resembles the seeds."""
    return bool(connection.execute(select(articles.c.matched).where(articles.c.id == row)).scalar())


def is_copy(connection: Connection, row: int) -> bool:
    """Whether this article tells a story whose original is another one."""
    return connection.execute(select(articles.c.copy_of).where(articles.c.id == row)).scalar() is not None
