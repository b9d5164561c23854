"""Articles: what extraction made of pages, how alike they are, and which story each belongs to."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select, update

from pipelines import urls as identity
from pipelines.moments import iso, iso_at
from pipelines.records import About, Article, Likeness, as_json
from pipelines.rights import reserved_by
from pipelines.stores import revisions, search
from pipelines.stores.dialect import run_many, upsert
from pipelines.stores.schema import KEPT, articles, hosts, urls
from pipelines.stores.wanted import Wanted

# texts in memory while all are streamed: a hostile site's have megabytes each, and more at once are hardly faster
AT_ONCE = 20
# what stays when an article is written again
_KEPT = ("id", "first_at")
# asked of every article that passes: making a statement costs more than running it
_STORED_AT = select(articles.c.stored_at).where(articles.c.id == bindparam("row"))
_ARCHIVED = (
    update(urls).where(urls.c.id == bindparam("row"))
    .values(archive_file=bindparam("file"), archive_offset=bindparam("offset"))
)  # fmt: skip


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


def columns(draft: Draft) -> dict[str, Any]:
    """The article as its row holds it."""
    article, likeness = draft.article, draft.likeness
    return {
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
        "rights": as_json(article.rights),
        "about": as_json(article.about),
        "score": likeness.score,
        "likeness": as_json(likeness),
        "matched": int(draft.matched),
        "fetched_at": draft.fetched_at,
        "first_at": draft.fetched_at,
        "mode": draft.mode,
        "run": draft.run,
        "edition": draft.edition,
    }


def put(connection: Connection, draft: Draft) -> None:
    """Writes an article down; the same row again replaces what an earlier attempt wrote."""
    row, values = draft.article.row, columns(draft)
    held = connection.execute(_STORED_AT, {"row": row}).scalar()
    if held is not None:
        search.take_out(connection, [row])
    changing = [name for name in values if name not in _KEPT]
    connection.execute(upsert(connection, articles, ["id"], changing), values)
    if held is not None:
        search.index(connection, [row])


def seal(connection: Connection, rows: Sequence[int], *, now: float) -> set[int]:
    """The articles are part of the corpus from now on, searchable; gives those that were not before."""
    fresh = select(articles.c.id).where(articles.c.id.in_(rows), articles.c.stored_at.is_(None)).with_for_update()
    sealed = sorted(connection.execute(fresh).scalars())
    search.index(connection, sealed, stored_at=now)
    return set(sealed)


def note_archived(connection: Connection, places: Mapping[int, tuple[str, int]]) -> None:
    """Where in the archive rows' pages lie: row -> file, offset."""
    rows = [{"row": row, "file": file, "offset": offset} for row, (file, offset) in places.items()]
    run_many(connection, _ARCHIVED, rows)


@dataclass(frozen=True, slots=True)
class Known:
    """An article whose page came once more: its text's SHA-256, the run that found it, and when it came first.

    `sealed` tells whether it is part of the corpus.
    """

    sha256: str
    run: int
    first_at: float
    sealed: bool


def known(connection: Connection, rows: Sequence[int]) -> dict[int, Known]:
    """Those of these rows that are articles already, dropped ones among them."""
    a = articles.c
    query = select(a.id, a.sha256, a.run, a.first_at, KEPT).where(a.id.in_(rows))
    return {
        row: Known(sha256, run, first_at, bool(stored))
        for row, sha256, run, first_at, stored in connection.execute(query)
    }


def revise(connection: Connection, draft: Draft) -> None:
    """An article of the corpus has another text: its next revision takes the place of the one before."""
    revisions.keep(connection, draft.article.row)
    put(connection, draft)
    after = {"revision": articles.c.revision + 1}
    connection.execute(update(articles).where(articles.c.id == draft.article.row).values(after))


def _query() -> Select[Any]:
    original = urls.alias("original")
    return (
        select(articles, urls.c.url, urls.c.state, urls.c.archive_file, urls.c.archive_offset,
               original.c.url.label("original_url"), hosts.c.tdmrep)
        .join(urls, urls.c.id == articles.c.id)
        .join(hosts, hosts.c.id == urls.c.host)
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
        "rights": _rights(row),
        **asdict(About(**json.loads(row.about))),
    }


def _rights(row: Row[Any]) -> dict[str, Any]:
    """What the page says, and where it does not say whether it may be mined, what its host says."""
    said: dict[str, Any] = json.loads(row.rights)
    if said["tdm_reserved"] is None:
        said["tdm_reserved"] = bool(reserved_by(row.tdmrep, row.url))
    return said


def brief(row: Row[Any]) -> dict[str, Any]:
    """What a line of a list shows of an article: no text, and the words that counted most."""
    likeness = json.loads(row.likeness)
    return {
        "id": row.id,
        "url": row.url,
        "title": row.title,
        "site": row.site,
        "published": row.published,
        "language": row.language,
        "score": row.score,
        "words": row.words,
        "match": bool(row.matched),
        "nearest_seed": likeness["nearest_seed"],
        "terms": [term["word"] for term in likeness["terms"] if term["weight"] > 0],
        "story": row.story,
        "is_copy": row.copy_of is not None,
        "kept": row.stored_at is not None,
    }


def chosen(
    connection: Connection, wanted: Wanted, *, limit: int | None = None, offset: int | None = None
) -> Generator[dict[str, Any], None, None]:  # fmt: skip
    """The stored articles that are meant, best first; streamed, so that there may be more than memory holds."""
    best_first = _query().where(*wanted.conditions()).order_by(articles.c.score.desc(), articles.c.id)
    query = best_first.limit(limit).offset(offset)
    # closed with the generator: PostgreSQL keeps a cursor open for it
    with connection.execute(query, execution_options={"yield_per": AT_ONCE}) as rows:
        for row in rows:
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


def at_place(connection: Connection, place: int) -> int | None:
    """The row of the article at this place (1 is the best) in `suchlike list`; None where there is no such place."""
    if not 0 < place < 1 << 63:  # SQLite takes an offset below zero as none, and knows no number larger than this
        return None
    query = (
        select(articles.c.id).where(KEPT, articles.c.copy_of.is_(None))
        .where(articles.c.matched == 1).order_by(articles.c.score.desc(), articles.c.id).offset(place - 1).limit(1)
    )  # fmt: skip
    return connection.execute(query).scalar()


def copies_of(connection: Connection, row: int) -> list[str]:
    """The URLs of the copies of a story's original."""
    query = select(urls.c.url).join(articles, articles.c.id == urls.c.id).where(articles.c.copy_of == row)
    return list(connection.execute(query.order_by(articles.c.id)).scalars())


def texts(connection: Connection, rows: Sequence[int], chars: int) -> dict[int, str]:
    """`row: text` of these articles, of each so many characters."""
    query = select(articles.c.id, func.substr(articles.c.text, 1, chars)).where(articles.c.id.in_(rows))
    return {row: text_ for row, text_ in connection.execute(query)}  # noqa: C416  # rows are no pairs


def matches_among(connection: Connection, rows: Sequence[int]) -> set[int]:
    """Those of these articles that resemble the seeds."""
    query = select(articles.c.id).where(articles.c.id.in_(rows), articles.c.matched == 1)
    return set(connection.execute(query).scalars())


def copies_among(connection: Connection, rows: Sequence[int]) -> set[int]:
    """Those of these articles that tell a story whose original is another one."""
    query = select(articles.c.id).where(articles.c.id.in_(rows), articles.c.copy_of.is_not(None))
    return set(connection.execute(query).scalars())
