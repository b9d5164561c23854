"""The graph of what led to what: every row knows the page that named it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from pipelines.moments import iso_at
from pipelines.records import Edge
from pipelines.stores.schema import KEPT, articles, urls


def steps(connection: Connection, rows: Sequence[int], seen: set[int]) -> Iterator[Edge]:
    """The steps that led to these few rows, and to whatever led there, back to the starts.

    Rows among `seen` are left out with all before them; those told are added to it. A generation is one question.
    """
    parent = urls.alias("parent")
    asked = (
        select(urls.c.id, urls.c.url, urls.c.parent, urls.c.source, urls.c.anchor, urls.c.depth, urls.c.found_at,
               parent.c.url.label("named_on"), articles.c.id.label("article"))
        .outerjoin(parent, parent.c.id == urls.c.parent)
        .outerjoin(articles, (articles.c.id == urls.c.id) & KEPT)
    )  # fmt: skip
    wanted = set(rows) - seen
    while wanted:
        seen |= wanted
        before: set[int] = set()
        for row in connection.execute(asked.where(urls.c.id.in_(wanted)).order_by(urls.c.id)).all():
            if row.parent is not None:
                before.add(row.parent)
            yield Edge(row.named_on or "", row.url, row.source, row.anchor, row.depth, iso_at(row.found_at),
                       row.article is not None, row.id, row.parent if row.named_on else None)  # fmt: skip
        wanted = before - seen
