"""Full-text search: one function over FTS5 (SQLite) and tsvector (PostgreSQL), with one idea of words and of rank.

Both databases are given the words as `pipelines.words` finds them, not the text, so that both find the same articles.
The database picks the best POOL of them by its own measure; `pipelines.ranking` puts those in order, the same on both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Subquery,
    Table,
    cast,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from pipelines import ranking
from pipelines.asked import Asked, Term
from pipelines.ranking import Highlight
from pipelines.stores.schema import articles, urls
from pipelines.stores.wanted import Wanted
from pipelines.words import words_of

# what is put in order by our own measure; more than this many are found only by words that hardly choose
POOL = 200
# of the articles with the words asked for, as many are measured by the database at all
MEASURED = 20_000
_TITLE_WORDS = 300
# PostgreSQL knows no place after this one
_LAST_PLACE = 16_383
# title and text are apart by more than a phrase is long
_GAP = 50

_fts = Table("articles_search", MetaData(), Column("rowid", Integer))
_whole: ColumnElement[Any] = literal_column("articles_search")
# of the classes D, C, B and A of words; titles are A
_WEIGHTS: ColumnElement[Any] = literal_column(f"'{{{1 / ranking.TITLE_WEIGHT}, 0, 0, 1}}'::float4[]")


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
    pool = _pool_sqlite if connection.dialect.name == "sqlite" else _pool_postgresql
    rows = pool(connection, asked, wanted)
    query = select(articles.c.id, articles.c.title, articles.c.text, articles.c.score).where(articles.c.id.in_(rows))
    ranked = sorted(
        ((-round(ranking.rank(held.title, held.text, asked.wanted), 6), -held.score, held.id, held)
         for held in connection.execute(query)),
        key=lambda one: one[:3],
    )[:limit]  # fmt: skip
    return [
        Hit(row, -minus, ranking.highlight(held.title, asked.wanted, whole=True),
            ranking.highlight(held.text, asked.wanted))
        for minus, _, row, held in ranked
    ]  # fmt: skip


def _pool_sqlite(connection: Connection, asked: Asked, wanted: Wanted) -> list[int]:
    said = " AND ".join(f'"{" ".join(term)}"' for term in asked.wanted)
    said = f"({said})" + "".join(f' NOT "{" ".join(term)}"' for term in asked.unwanted)
    measure = func.bm25(_whole, ranking.TITLE_WEIGHT, 1.0)
    found = select(_fts.c.rowid.label("row"), measure.label("measure")).where(_whole.op("MATCH")(said)).limit(MEASURED)
    within = found.subquery()
    return _chosen(connection, within, within.c.measure, wanted)


def _pool_postgresql(connection: Connection, asked: Asked, wanted: Wanted) -> list[int]:
    said = " & ".join([_phrase(term) for term in asked.wanted] + [f"!({_phrase(term)})" for term in asked.unwanted])
    search: Any = literal_column("articles.search")
    asked_for = cast(said, TSQUERY)
    within = (
        select(articles.c.id.label("row"), func.ts_rank(_WEIGHTS, search, asked_for, 1).label("measure"))
        .where(search.op("@@")(asked_for)).limit(MEASURED)
    ).subquery()  # fmt: skip
    return _chosen(connection, within, within.c.measure.desc(), wanted)


def _chosen(connection: Connection, within: Subquery, order: ColumnElement[Any], wanted: Wanted) -> list[int]:
    query = select(within.c.row).join(articles, articles.c.id == within.c.row)
    if wanted.where:
        query = query.join(urls, urls.c.id == within.c.row)
    query = query.where(*wanted.conditions()).order_by(order, within.c.row).limit(POOL)
    return list(connection.execute(query).scalars())


def _phrase(term: Term) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in term) + ")"


def index(connection: Connection, row: int) -> None:
    """Makes an article findable. One that already is has to be taken out before its title or text changes."""
    held = _indexed(connection, row)
    if held is None:
        return
    if connection.dialect.name == "sqlite":
        _fts5(connection, row, *held)
    else:
        statement = "UPDATE articles SET search = CAST(:words AS tsvector) WHERE id = :row"
        connection.execute(text(statement), {"row": row, "words": _vector(*held)})


def take_out(connection: Connection, row: int) -> None:
    """Makes an article that was made findable no longer so; its title and text must be those it was indexed with."""
    held = _indexed(connection, row)
    if held is None:
        return
    if connection.dialect.name == "sqlite":
        _fts5(connection, row, *held, out=True)
    else:
        connection.execute(text("UPDATE articles SET search = NULL WHERE id = :row"), {"row": row})


def _indexed(connection: Connection, row: int) -> tuple[list[str], list[str]] | None:
    query = select(articles.c.title, articles.c.text).where(articles.c.id == row)
    held = connection.execute(query).first()
    return (words_of(held.title, _TITLE_WORDS), words_of(held.text, ranking.WORDS)) if held else None


def _fts5(connection: Connection, row: int, title: list[str], words: list[str], *, out: bool = False) -> None:
    # the table keeps no text of its own, so what is to be taken out has to be told
    names, values = ("articles_search, rowid", "'delete', :row") if out else ("rowid", ":row")
    statement = f"INSERT INTO articles_search({names}, title, text) VALUES({values}, :title, :text)"
    connection.execute(text(statement), {"row": row, "title": " ".join(title), "text": " ".join(words)})


def _vector(title: list[str], words: list[str]) -> str:
    """A tsvector as text: each word with its places, those of the title being of weight A."""
    places: dict[str, list[str]] = {}
    for at, word in enumerate(title, 1):
        places.setdefault(word, []).append(f"{at}A")
    for at, word in enumerate(words, len(title) + _GAP):
        if at <= _LAST_PLACE:
            places.setdefault(word, []).append(str(at))
    return " ".join(f"'{word}':{','.join(where)}" for word, where in places.items() if word)
