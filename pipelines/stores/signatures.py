"""Signatures in SQL: one narrow row an article, found by any of its keys, at the same cost among ten or ten million."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, select, union_all, update

from pipelines import signature
from pipelines.signature import KEYS, Signature
from pipelines.stores.dialect import run_many, upsert
from pipelines.stores.schema import articles, facts, signatures

# a key that more share is of a phrase all the world uses, or of a story all the world tells: so many of them will do,
# and each lies on another page, which costs more than finding the key
MOST = 8
UNSIGNED = "unsigned"

_NAMES = [f"key{place}" for place in range(KEYS)]
_ALIKE = union_all(
    *(
        select(
            select(signatures.c.article, signatures.c.sketch).where(signatures.c[name] == bindparam(name)).limit(MOST)
            .subquery()
        )
        for name in _NAMES
    )
)  # fmt: skip


def _named(signed: Signature) -> dict[str, int]:
    return dict(zip(_NAMES, signed.keys, strict=True))


def put(connection: Connection, signed: dict[int, Signature]) -> None:
    """Writes down what articles are looked up by from now on."""
    statement = upsert(connection, signatures, ["article"], [*_NAMES, "sketch"])
    rows = [{"article": row, **_named(one), "sketch": one.sketch} for row, one in signed.items()]
    run_many(connection, statement, rows)


def take_out(connection: Connection, rows: Sequence[int]) -> None:
    """These articles are found by their texts no more."""
    connection.execute(delete(signatures).where(signatures.c.article.in_(rows)))


def alike(connection: Connection, signed: Signature) -> set[int]:
    """Articles that share a key, and whose sketch says that they share more than phrases."""
    found = {row: sketch for row, sketch in connection.execute(_ALIKE, _named(signed))}  # noqa: C416  # rows are no pairs
    agree = signature.agreeing(signed.sketch, list(found.values()))
    return {row for row, agrees in zip(found, agree, strict=True) if agrees}


def sign_older(connection: Connection, limit: int) -> int:
    """Signs articles of before there were signatures, latest first; how many were read, 0 when none is left."""
    left = connection.execute(select(facts.c.value).where(facts.c.name == UNSIGNED)).scalar()
    if left is None:
        return 0
    text = func.substr(articles.c.text, 1, signature.READ_CHARS)
    query = select(articles.c.id, text).where(articles.c.id <= int(left), articles.c.story.is_not(None))
    rows = connection.execute(query.order_by(articles.c.id.desc()).limit(limit)).all()
    if not rows:
        connection.execute(delete(facts).where(facts.c.name == UNSIGNED))
        return 0
    put(connection, {row: signed for row, said in rows if (signed := signature.signature(said))})
    connection.execute(update(facts).where(facts.c.name == UNSIGNED).values(value=str(rows[-1].id - 1)))
    return len(rows)
