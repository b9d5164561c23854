"""What is looked at again, and when: feeds, sitemaps and sections for what they list, young matches for revisions.

A row that is looked at again waits among the others (see waking), and remembers the state it had (`was`). Whatever
comes of it, an article that is stored stays so: only its text may become another revision of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from sqlalchemy import Connection, case, func, select, update

from pipelines.rhythm import Bounds
from pipelines.stores import stories
from pipelines.stores.dialect import MAX_PARAMETERS, insert_new, upsert
from pipelines.stores.schema import State, articles, rhythms, runs, storable, urls

ETAG_CHARS, MODIFIED_CHARS = 300, 64


class Sort(IntEnum):
    """What a page is looked at again for."""

    LIST = 0
    ARTICLE = 1


def found_match(
    connection: Connection, row: int, bounds: Bounds, *, headers: dict[str, str], digest: int, now: float
) -> None:
    """A match was stored: it is looked at again while it is young, and so is the page that named it."""
    first = bounds.first_s()
    if bounds.young_s:
        _begin(connection, row, Sort.ARTICLE, first, now + first, headers, digest)
    parent = connection.execute(select(urls.c.parent).where(urls.c.id == row)).scalar()
    if parent is None:
        return
    dropped = select(urls.c.id).where(urls.c.id == parent, urls.c.state == State.DROPPED, urls.c.status == 200)
    if connection.execute(dropped).first() is not None:
        new = {"url": parent, "sort": int(Sort.LIST), "interval_s": first, "due_at": now + first}
        connection.execute(insert_new(connection, rhythms).values(**new, etag="", modified=""))


def compared(
    connection: Connection, row: int, bounds: Bounds, *, changed: bool, headers: dict[str, str], digest: int, run: int,
    now: float,
) -> None:  # fmt: skip
    """A stored article's page was extracted again; `changed` when its text is another."""
    before = connection.execute(select(rhythms.c.interval_s).where(rhythms.c.url == row)).scalar()
    interval = bounds.next_s(before, changed=changed) if before else bounds.first_s()
    _begin(connection, row, Sort.ARTICLE, interval, now + interval, headers, digest)
    if changed:
        connection.execute(update(runs).where(runs.c.id == run).values(changed=runs.c.changed + 1))


def _begin(
    connection: Connection, row: int, sort: Sort, interval_s: float, due_at: float, headers: dict[str, str], digest: int
) -> None:
    known = {
        "url": row, "sort": int(sort), "interval_s": interval_s, "due_at": due_at, "was": None, "digest": digest,
        "etag": storable(headers.get("etag", ""))[:ETAG_CHARS],
        "modified": storable(headers.get("last-modified", ""))[:MODIFIED_CHARS],
    }  # fmt: skip
    connection.execute(upsert(connection, rhythms, ["url"], [name for name in known if name != "url"]).values(known))


def keep_known(connection: Connection, rows: Sequence[int]) -> None:
    """Stored articles stay stored, whatever became of looking at them again."""
    copy = select(articles.c.copy_of).where(articles.c.id == urls.c.id).scalar_subquery()
    for at in range(0, len(rows), MAX_PARAMETERS):
        some = (articles.c.id.in_(rows[at : at + MAX_PARAMETERS]), articles.c.stored_at.is_not(None))
        sealed = list(connection.execute(select(articles.c.id).where(*some)).scalars())
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
    for at in range(0, len(rows), MAX_PARAMETERS):
        some = (urls.c.id.in_(rows[at : at + MAX_PARAMETERS]), urls.c.state != State.REFUSED)
        connection.execute(update(urls).where(*some).values(run=func.coalesce(fetched_by, urls.c.run)))


def counted(connection: Connection, run: int) -> dict[str, int]:
    """`{known, changed, revisited, unmodified}` of a run: matches stored before it; articles found changed; pages and
    lists asked for again; of those, how many their servers called unmodified."""
    known = select(func.count()).where(articles.c.run < run, articles.c.matched == 1, articles.c.stored_at.is_not(None))
    held = connection.execute(select(runs.c.revisited, runs.c.unmodified, runs.c.changed).where(runs.c.id == run)).one()
    return {
        "known": connection.execute(known).scalar() or 0, "changed": held.changed, "revisited": held.revisited,
        "unmodified": held.unmodified,
    }  # fmt: skip
