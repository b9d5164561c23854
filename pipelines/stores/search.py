"""Full-text search: one function over FTS5 (SQLite) and tsvector (PostgreSQL), with one idea of words and of rank.

Both databases are given the words as `pipelines.words` finds them, not the text, so that both find the same articles.
The database finds them; which of many come first is decided by `pipelines.ranking` alone, the same on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Select,
    Table,
    cast,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.util import ClauseAdapter

from pipelines import ranking
from pipelines.asked import Asked, Term
from pipelines.ranking import Highlight
from pipelines.stores import planner
from pipelines.stores.dialect import run_many
from pipelines.stores.schema import articles, urls
from pipelines.stores.wanted import Wanted
from pipelines.words import words_of

# what is put in order by our own measure; more than this many are found only by words that hardly choose
POOL = 200
# of the articles with the words asked for, so many that came last are looked at for the filters, and of those meant so
# many measured
LOOKED = 20_000
MEASURED = 300
# so many articles PostgreSQL goes through where its index would name more than it saves
WALKED = 7_000
# words in a smaller share of all articles PostgreSQL looks for by their index also among the latest articles
RARE = 0.2
# about so many numbers, as reckoned and not measured, are read out of its index in the time of a row out of its table
ENTRIES_A_ROW = 30
_TITLE_WORDS = 300
# PostgreSQL knows no place after this one
_LAST_PLACE = 16_383
# title and text are apart by more than a phrase is long
_GAP = 50
# PostgreSQL takes 1,048,575 bytes of different words, each with four more, and two for each of its places
_VECTOR_BYTES = 1_000_000

_fts = Table("articles_search", MetaData(), Column("rowid", Integer))
_whole: ColumnElement[Any] = literal_column("articles_search")
_search: ColumnElement[Any] = literal_column("articles.search")
_READ_ALL = ("seqscan", "hashjoin", "mergejoin")
_SHOWN = select(articles.c.id, articles.c.title, articles.c.score)
# a hostile site's long texts, hundreds at once, would fill the memory
_TEXT = func.substr(articles.c.text, 1, ranking.CHARS).label("text")
_TEXTS = select(articles.c.id, articles.c.title, _TEXT, articles.c.words, articles.c.score)


@dataclass(frozen=True, slots=True)
class Hit:
    """A found article: its row, how well it answers (0..1), and what to show of its title and its text."""

    row: int
    rank: float
    title: Highlight
    text: Highlight


def find(connection: Connection, asked: Asked, wanted: Wanted, *, limit: int = 20) -> list[Hit]:
    """Stored articles in which every term asked for occurs, in title or text, and none that is unwanted; best first.

    Of equal rank, the one more like the seeds comes first. At most `limit`, which is at most POOL.
    """
    rows = _pool(connection, asked, wanted)
    query = _TEXTS.where(articles.c.id.in_(rows))
    ranked = sorted(
        ((-round(ranking.rank(held.title, held.text, asked.wanted, held.words), 6), -held.score, held.id, held)
         for held in connection.execute(query)),
        key=lambda one: one[:3],
    )[:limit]  # fmt: skip
    return [
        Hit(row, -minus, ranking.highlight(held.title, asked.wanted, whole=True),
            ranking.highlight(held.text, asked.wanted))
        for minus, _, row, held in ranked
    ]  # fmt: skip


def _pool(connection: Connection, asked: Asked, wanted: Wanted) -> list[int]:
    """Rows that are put in order: all that were found, or the best POOL of the MEASURED of them that came last.

    The best are those whose titles answer best, then those most like the seeds. A database's own measure would cost
    more than all the rest: SQLite counts how often each word occurs anywhere, PostgreSQL unpacks what is indexed.
    """
    if connection.dialect.name == "sqlite":
        within = select(_fts.c.rowid.label("row")).where(_whole.op("MATCH")(_fts5_query(asked)))
        within = within.order_by(_fts.c.rowid.desc())
        first = within.limit(LOOKED).subquery()
        shown = _SHOWN.join(first, first.c.row == articles.c.id)
        if wanted.site is not None:  # from its articles to the words, not from every place of the words to an article
            shown = _SHOWN.where(articles.c.id.in_(within.limit(LOOKED))).order_by(
                articles.c.score.desc(), articles.c.id
            )
        held = list(connection.execute(_meant(shown, wanted).limit(MEASURED)))
    else:
        held = _pool_of_postgresql(connection, _search.op("@@")(_tsquery(asked)), wanted)
    if len(held) > POOL:
        held.sort(key=lambda one: (-ranking.rank(one.title, "", asked.wanted, 0), -one.score, one.id))
    return [one.id for one in held[:POOL]]


def _pool_of_postgresql(connection: Connection, found: ColumnElement[Any], wanted: Wanted) -> list[Any]:
    """The same there, whose index is read to its end before the first row of it is seen, and tells no order.

    Where what is meant would be much of the table, articles are gone through one by one, as enough of them answer; and
    so are those of a site that has not many. Where it is less, and still more than is measured, it is looked for
    among the latest alone. What a walk costs that unpacks each row's words, its planner does not know, so it is told
    which way to go.
    """
    id_ = articles.c.id
    walk = _meant(_SHOWN.where(found), wanted)
    if wanted.site is not None and planner.rows(connection, _meant(_SHOWN, wanted)) < WALKED:
        best = walk.order_by(articles.c.score.desc(), id_)
        return _first(connection, best.limit(MEASURED), *_READ_ALL, "bitmapscan")
    meant, size = planner.rows(connection, walk), planner.size(connection, articles)
    number = planner.rows(connection, select(id_).where(found))
    walk = walk.order_by(id_.desc()).limit(MEASURED)
    held: list[Any] = []
    if meant / size > 2 * POOL / WALKED:
        last = select(id_).order_by(id_.desc()).offset(WALKED).limit(1).scalar_subquery()
        held = _first(connection, walk.where(id_ > func.coalesce(last, 0)), *_READ_ALL, "bitmapscan")
    elif number / size < RARE and 3 * MEASURED / meant * size < ENTRIES_A_ROW * number:
        newest = connection.execute(select(func.max(id_))).scalar() or 0
        late = id_ > int(newest * max(0.0, 1 - 3 * MEASURED / meant))
        held = _first(connection, walk.where(late), *_READ_ALL, "indexscan")
    if len(held) > POOL:
        return held
    # the filters go over what was found and not, as they would by its number, over each article once more
    looked = select(articles).where(found)
    if number < 2 * LOOKED:  # of more, to find out which came last would cost more than all else
        looked = looked.order_by(id_.desc())
    shown = ClauseAdapter(looked.limit(LOOKED).subquery()).traverse(_meant(_SHOWN, wanted))
    return _first(connection, shown.limit(MEASURED), *_READ_ALL, "indexscan")


def _first(connection: Connection, query: Select[Any], *without: str) -> list[Any]:
    with planner.without(connection, *without):
        return list(connection.execute(query))


def _fts5_query(asked: Asked) -> str:
    said = " AND ".join(f'"{" ".join(term)}"' for term in asked.wanted)
    return f"({said})" + "".join(f' NOT "{" ".join(term)}"' for term in asked.unwanted)


def _tsquery(asked: Asked) -> ColumnElement[Any]:
    said = " & ".join([_phrase(term) for term in asked.wanted] + [f"!({_phrase(term)})" for term in asked.unwanted])
    return cast(said, TSQUERY)


def _meant(query: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.where:
        query = query.join(urls, urls.c.id == articles.c.id)
    return query.where(*wanted.conditions())


def _phrase(term: Term) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in term) + ")"


def index(connection: Connection, rows: Sequence[int], *, stored_at: float | None = None) -> None:
    """Makes articles findable. One that already is has to be taken out before its title or text changes.

    With `stored_at` they are part of the corpus from then on: PostgreSQL writes a row anew for each change.
    """
    held = [_cut(*one) for one in connection.execute(_READ.where(articles.c.id.in_(rows)))] if rows else []
    if connection.dialect.name == "sqlite":
        run_many(connection, _PUT_IN, [{"row": row, "title": " ".join(t), "text": " ".join(w)} for row, t, w in held])
        if stored_at is not None:
            run_many(connection, _STORED, [{"row": row, "stored_at": stored_at} for row, _, _ in held])
    else:
        found = [{"row": row, "words": _vector(title, words), "stored_at": stored_at} for row, title, words in held]
        run_many(connection, _FOUND_BY, found)


def take_out(connection: Connection, rows: Sequence[int]) -> None:
    """Makes articles that were made findable no longer so; titles and texts must be those they were indexed with."""
    if connection.dialect.name != "sqlite":
        connection.execute(_NOT_FOUND, {"rows": list(rows)})
        return
    for at in range(0, len(rows), _TAKEN_OUT):
        held = connection.execute(_READ.where(articles.c.id.in_(rows[at : at + _TAKEN_OUT]))).all()
        # the table keeps no text of its own, so what is to be taken out has to be told
        cut = [_cut(*one) for one in held]
        run_many(connection, _TAKE_OUT, [{"row": row, "title": " ".join(t), "text": " ".join(w)} for row, t, w in cut])


_READ = select(articles.c.id, articles.c.title, _TEXT)
_PUT_IN = text("INSERT INTO articles_search(rowid, title, text) VALUES(:row, :title, :text)")
_TAKE_OUT = text(
    "INSERT INTO articles_search(articles_search, rowid, title, text) VALUES('delete', :row, :title, :text)"
)
_NOT_FOUND = text("UPDATE articles SET search = NULL WHERE id = ANY(CAST(:rows AS bigint[]))")
# texts in memory at once
_TAKEN_OUT = 200
_STORED = text("UPDATE articles SET stored_at = :stored_at WHERE id = :row")
_FOUND_BY = text(
    "UPDATE articles SET search = CAST(:words AS tsvector), "
    "stored_at = COALESCE(CAST(:stored_at AS double precision), stored_at) WHERE id = :row"
)


def _cut(row: int, title: str, said: str) -> tuple[int, list[str], list[str]]:
    return row, words_of(title, _TITLE_WORDS), words_of(said, ranking.WORDS)


def _vector(title: list[str], words: list[str]) -> str:
    """A tsvector as text: each word with its places, those of the title being of weight A.

    Of words made to be more than fit, those at the end are left out.
    """
    places: dict[str, list[str]] = {}
    room = _VECTOR_BYTES
    marked = [(at, word, "A") for at, word in enumerate(title, 1)]
    marked += [(at, word, "") for at, word in enumerate(words, len(title) + _GAP) if at <= _LAST_PLACE]
    for at, word, weight in marked:
        room -= 2 if word in places else len(word.encode()) + 6
        if room < 0:
            break
        places.setdefault(word, []).append(f"{at}{weight}")
    return " ".join(f"'{word}':{','.join(where)}" for word, where in places.items() if word)
