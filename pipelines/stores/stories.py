"""Which stored texts tell the same story: band look-up, members, and who is the original.

All members' bands are kept, and a pair's similarity does not depend on order, so the stories are the connected
components of the similarity graph whatever order the articles arrive in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, SmallInteger, and_, column, func, or_, select, text, update
from sqlalchemy import values as pairs

from pipelines.stores.dialect import insert_new
from pipelines.stores.schema import State, articles, bands, urls

_LOCK = 7341
# a boilerplate band shared by more articles than this says nothing about any two of them
MAX_CANDIDATES = 200
TRUSTED_DATE = 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """An article already in the store that may tell the same story."""

    row: int
    text: str
    story: int | None
    sha256: str
    canonical_key: int


def lock(connection: Connection) -> None:
    """One dedupe transaction at a time; SQLite's write lock already is that."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})


def alike(
    connection: Connection, row: int, values: Sequence[tuple[int, int]], sha256: str, canonical_key: int
) -> list[Known]:
    """Articles that share a band `(band, value)`, the text or the canonical URL with `row`."""
    shared: set[int] = set()
    if values:
        # those that share most come first: true copies, wherever the page's furniture is shared by many
        # a join, since SQLite looks through all bands for a list of pairs
        wanted = pairs(column("band", SmallInteger), column("value", BigInteger)).data(list(values)).cte("wanted")
        query = (
            select(bands.c.article)
            .join(wanted, and_(bands.c.band == wanted.c.band, bands.c.value == wanted.c.value))
            .where(bands.c.article != row)
            .group_by(bands.c.article).order_by(func.count().desc(), bands.c.article).limit(MAX_CANDIDATES)
        )  # fmt: skip
        shared = set(connection.execute(query).scalars())
    for same in (articles.c.sha256 == sha256, articles.c.canonical_key == canonical_key):
        told = (same, articles.c.story.is_not(None), articles.c.id != row)
        query = select(articles.c.id).where(*told).order_by(articles.c.id).limit(MAX_CANDIDATES)
        shared |= set(connection.execute(query).scalars())
    query_rows = (
        select(articles.c.id, articles.c.text, articles.c.story, articles.c.sha256, articles.c.canonical_key)
        .where(articles.c.story.is_not(None), articles.c.id.in_(shared))
        .order_by(articles.c.id)
    )
    return [Known(*found) for found in connection.execute(query_rows)]


def join(
    connection: Connection, row: int, values: Sequence[tuple[int, int]], others: Sequence[tuple[Known, float]]
) -> None:
    """Puts `row` into the story its look-alikes tell (merging their stories), or into one of its own."""
    if values:
        connection.execute(insert_new(connection, bands), [{"band": b, "value": v, "article": row} for b, v in values])
    found = sorted({known.story for known, _ in others if known.story is not None})
    story = min([row, *found])
    similarity = max((share for _, share in others), default=None)
    connection.execute(update(articles).where(articles.c.id == row).values(story=story, similarity=similarity))
    for known, share in others:
        less = or_(articles.c.similarity.is_(None), articles.c.similarity < share)
        connection.execute(update(articles).where(articles.c.id == known.row, less).values(similarity=share))
    if found:
        merged = [one for one in found if one != story]
        connection.execute(update(articles).where(articles.c.story.in_(merged)).values(story=story))
        _choose_original(connection, story)


def _choose_original(connection: Connection, story: int) -> None:
    """The earliest credibly dated member is the original; the rest are its copies. Ended rows change their fate.

    Whoever is a copy stays one, so only the new member and the originals of the merged stories are compared.
    """
    members = connection.execute(
        select(articles.c.id, articles.c.published, articles.c.published_confidence, articles.c.canonical_key,
               articles.c.matched, urls.c.url, urls.c.key, urls.c.state)
        .join(urls, urls.c.id == articles.c.id).where(articles.c.story == story, articles.c.copy_of.is_(None))
    ).all()  # fmt: skip

    def rank(member: object) -> tuple[bool, bool, str, bool, int, str]:
        m = member
        dated = bool(m.published) and m.published_confidence >= TRUSTED_DATE  # type: ignore[attr-defined]
        return (
            not m.matched,  # type: ignore[attr-defined]
            not dated,
            m.published if dated else "",  # type: ignore[attr-defined]
            m.key != m.canonical_key,  # type: ignore[attr-defined]
            len(m.url),  # type: ignore[attr-defined]
            m.url,  # type: ignore[attr-defined]
        )

    original = min(members, key=rank)
    of_another = or_(articles.c.copy_of.is_(None), articles.c.copy_of != original.id)
    copies = (articles.c.story == story, articles.c.id != original.id, of_another)
    connection.execute(update(articles).where(*copies).values(copy_of=original.id))
    ended = [member.id for member in members if member.id != original.id and member.state == State.STORED]
    connection.execute(update(urls).where(urls.c.id.in_(ended)).values(state=State.DUPLICATE, reason="copy"))
