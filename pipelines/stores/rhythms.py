"""What is looked at again, and when: feeds, sitemaps and sections for what they list, young matches for revisions.

A row that is looked at again waits among the others (see waking), and remembers the state it had (`was`). Whatever
comes of it, an article that is stored stays so: only its text may become another revision of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from pipelines import urls as identity
from pipelines.records import Page
from pipelines.rhythm import Bounds
from pipelines.stores import stories
from pipelines.stores.dialect import insert_new, portions, run_many, upsert
from pipelines.stores.schema import KEPT, articles, rhythms, runs, storable, urls
from pipelines.stores.states import State

ETAG_CHARS, MODIFIED_CHARS = 300, 64


class Sort(IntEnum):
    """What a page is looked at again for."""

    LIST = 0
    ARTICLE = 1


def found_matches(connection: Connection, pages: Sequence[Page], bounds: Bounds, *, now: float) -> None:
    """Matches were stored: they are looked at again while they are young, and so are the pages that named them."""
    first = bounds.first_s()
    if bounds.young_s:
        _begin(connection, [
            _known(page.row, first, now + first, page.headers, identity.digest(page.body)) for page in pages
        ])  # fmt: skip
    parent = urls.alias()
    dropped = (
        select(parent.c.id).distinct().join(urls, urls.c.parent == parent.c.id)
        .where(urls.c.id.in_([page.row for page in pages]), parent.c.state == State.DROPPED, parent.c.status == 200)
    )  # fmt: skip
    new = {"sort": int(Sort.LIST), "interval_s": first, "due_at": now + first, "etag": "", "modified": ""}
    lists = sorted(connection.execute(dropped).scalars())
    run_many(connection, insert_new(connection, rhythms), [{"url": row, **new} for row in lists])


def compared(
    connection: Connection, row: int, bounds: Bounds, *, changed: bool, headers: dict[str, str], digest: int, run: int,
    now: float,
) -> None:  # fmt: skip
    """A stored article's page was extracted again; `changed` when its text is another."""
    before = connection.execute(select(rhythms.c.interval_s).where(rhythms.c.url == row)).scalar()
    interval = bounds.next_s(before, changed=changed) if before else bounds.first_s()
    _begin(connection, [_known(row, interval, now + interval, headers, digest)])
    if changed:
        connection.execute(update(runs).where(runs.c.id == run).values(changed=runs.c.changed + 1))


def _known(row: int, interval_s: float, due_at: float, headers: dict[str, str], digest: int) -> dict[str, Any]:
    return {
        "url": row, "sort": int(Sort.ARTICLE), "interval_s": interval_s, "due_at": due_at, "was": None,
        "digest": digest, "etag": storable(headers.get("etag", ""))[:ETAG_CHARS],
        "modified": storable(headers.get("last-modified", ""))[:MODIFIED_CHARS],
    }  # fmt: skip


def _begin(connection: Connection, known: list[dict[str, Any]]) -> None:
    new = upsert(connection, rhythms, ["url"], [name for name in known[0] if name != "url"])
    run_many(connection, new, known)


def keep_known(connection: Connection, rows: Sequence[int]) -> None:
    """Stored articles stay stored, whatever became of looking at them again."""
    copy = select(articles.c.copy_of).where(articles.c.id == urls.c.id).scalar_subquery()
    for some in portions(rows):
        kept = (articles.c.id.in_(some), KEPT)
        sealed = list(connection.execute(select(articles.c.id).where(*kept)).scalars())
        if not sealed:
            continue
        stories.lock(connection)  # who is whose copy must not change meanwhile
        connection.execute(
            update(urls)
            .where(urls.c.id.in_(sealed), urls.c.state.between(State.STORED, State.REFUSED))
            .values(
                state=case((copy.is_(None), int(State.STORED)), else_=int(State.DUPLICATE)),
                reason=case((copy.is_(None), None), else_="copy"),
                detail=None,
            )
        )


def left_untouched(connection: Connection, rows: Sequence[int]) -> None:
    """These rows were not fetched by the run that had leased them: they are the last one's again that fetched them."""
    fetched_by = select(func.max(runs.c.id)).where(runs.c.started_at <= urls.c.fetched_at).scalar_subquery()
    for some in portions(rows):
        untouched = (urls.c.id.in_(some), urls.c.state != State.REFUSED)
        connection.execute(update(urls).where(*untouched).values(run=func.coalesce(fetched_by, urls.c.run)))


def counted(connection: Connection, run: int) -> dict[str, int]:
    """`{known, changed, revisited, unmodified}` of a run: matches stored before it; articles found changed; pages and
    lists asked for again; of those, how many their servers called unmodified."""
    known = select(func.count()).where(articles.c.run < run, articles.c.matched == 1, KEPT)
    held = connection.execute(select(runs.c.revisited, runs.c.unmodified, runs.c.changed).where(runs.c.id == run)).one()
    return {
        "known": connection.execute(known).scalar() or 0, "changed": held.changed, "revisited": held.revisited,
        "unmodified": held.unmodified,
    }  # fmt: skip
