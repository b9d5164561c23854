"""What is looked at again, and when: feeds, sitemaps and sections for what they list, young matches for revisions.

A row that is looked at again waits among the others (`wake`), and remembers the state it had (`was`). Whatever comes
of it, an article that is stored stays so: only its text may become another revision of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, or_, select, update

from pipelines import urls as identity
from pipelines.rhythm import Bounds
from pipelines.stores import stories
from pipelines.stores.articles import iso_at
from pipelines.stores.dialect import MAX_PARAMETERS, insert_new, run_many, upsert
from pipelines.stores.discovery import raise_best, settle_best
from pipelines.stores.schema import LEADS, WAITS, State, articles, rhythms, runs, storable, urls

# a run begun again at once does not ask its starting points again
AGAIN_S = 600.0
MAX_REDIRECTS = 20
# lists woken at once; what is left comes next time
MOST = 500
LIST_EXPECTED = 1.0
# behind what lists and good links promise: a revision is worth less than an article nobody has yet
ARTICLE_EXPECTED = 0.4
ETAG_CHARS, MODIFIED_CHARS = 300, 64
_SEALED = (int(State.STORED), int(State.DUPLICATE))


class Sort(IntEnum):
    """What a page is looked at again for."""

    LIST = 0
    ARTICLE = 1


class Came(IntEnum):
    """What a visit brought: the very same bytes; a body that was read; a body the stages will compare; nothing now;
    nothing ever again."""

    SAME = 0
    READ = 1
    TAKEN = 2
    FAILED = 3
    GONE = 4


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a row that is looked at again: how it had ended, and what to ask its server with."""

    was: State
    etag: str
    modified: str
    digest: int | None
    reason: str | None
    detail: str | None
    quick: float | None

    @property
    def of_article(self) -> bool:
        """Whether the row holds a stored article."""
        return self.was in _SEALED


@dataclass(frozen=True, slots=True)
class Visited:
    """How a look at a row ended. `again` when it was not the first, `unmodified` when the server answered 304."""

    row: int
    came: Came
    again: bool
    unmodified: bool = False
    etag: str = ""
    modified: str = ""
    digest: int | None = None


def visits(connection: Connection, rows: Sequence[int]) -> dict[int, Visit]:
    """Those of these rows that were fetched before, and are looked at again."""
    query = (
        select(rhythms, urls.c.reason, urls.c.detail, urls.c.quick).join(urls, urls.c.id == rhythms.c.url)
        .where(rhythms.c.url.in_(rows), rhythms.c.was.is_not(None))
    )  # fmt: skip
    return {
        row.url: Visit(State(row.was), row.etag, row.modified, row.digest, row.reason, row.detail, row.quick)
        for row in connection.execute(query)
    }


def wake_starts(connection: Connection, wanted: Sequence[str], *, now: float) -> None:
    """A new run asks the starting points again, and where they led by redirects."""
    ids = list(connection.execute(select(urls.c.id).where(urls.c.key.in_([identity.key(u) for u in wanted]))).scalars())
    led_to = ids
    for _ in range(MAX_REDIRECTS):
        led_to = list(connection.execute(select(urls.c.id).where(urls.c.parent.in_(led_to), LEADS)).scalars())
        if not led_to:
            break
        ids += led_to
    ended = urls.c.state.in_((State.LISTED, State.DROPPED, State.DEAD))
    query = select(urls.c.id, urls.c.state, urls.c.host).where(
        urls.c.id.in_(ids), ended, urls.c.fetched_at < now - AGAIN_S
    )
    _wake(connection, connection.execute(query).all(), Sort.LIST)


def wake_due(connection: Connection, bounds: Bounds, *, now: float) -> int:
    """What is due waits to be fetched again; returns how many rows."""
    due = [rhythms.c.due_at.is_not(None), rhythms.c.due_at <= now]
    ended = urls.c.state >= State.STORED
    query = (
        select(urls.c.id, urls.c.state, urls.c.host).join(rhythms, rhythms.c.url == urls.c.id)
        .where(rhythms.c.sort == int(Sort.LIST), *due, ended).order_by(rhythms.c.due_at).limit(MOST)
    )  # fmt: skip
    lists = connection.execute(query).all()
    _wake(connection, lists, Sort.LIST)
    woken = select(func.count()).where(rhythms.c.was.in_(_SEALED))
    free = min(MOST, bounds.articles - (connection.execute(woken).scalar() or 0))
    if free <= 0:
        return len(lists)
    _retire(connection, bounds, due, now)
    query = (
        select(urls.c.id, urls.c.state, urls.c.host).join(rhythms, rhythms.c.url == urls.c.id)
        .where(rhythms.c.sort == int(Sort.ARTICLE), *due, ended).order_by(rhythms.c.due_at).limit(free)
    )  # fmt: skip
    young = connection.execute(query).all()
    _wake(connection, young, Sort.ARTICLE)
    return len(lists) + len(young)


def _retire(connection: Connection, bounds: Bounds, due: Sequence[Any], now: float) -> None:
    """Articles that are no longer young, or no match any more, are not looked at again."""
    since = now - bounds.young_s
    old = or_(
        articles.c.matched == 0,
        and_(articles.c.published.is_not(None), articles.c.published < iso_at(since)),
        and_(articles.c.published.is_(None), urls.c.found_at < since),
    )
    gone = (
        select(rhythms.c.url).join(articles, articles.c.id == rhythms.c.url).join(urls, urls.c.id == rhythms.c.url)
        .where(rhythms.c.sort == int(Sort.ARTICLE), *due, old)
    )  # fmt: skip
    connection.execute(delete(rhythms).where(rhythms.c.url.in_(gone)))


def _wake(connection: Connection, rows: Sequence[Any], sort: Sort) -> None:
    if not rows:
        return
    expected = ARTICLE_EXPECTED if sort is Sort.ARTICLE else LIST_EXPECTED
    new = {"interval_s": 0.0, "sort": int(sort), "etag": "", "modified": ""}
    run_many(connection, insert_new(connection, rhythms), [{"url": row.id, **new} for row in rows])
    run_many(
        connection,
        update(rhythms).where(rhythms.c.url == bindparam("row")).values(was=bindparam("state"), due_at=None),
        [{"row": row.id, "state": row.state} for row in rows],
    )
    run_many(
        connection,
        update(urls).where(urls.c.id == bindparam("row"))
        .values(state=int(State.WAITING), fetches=0, attempts=0, expected=bindparam("worth")),
        [{"row": row.id, "worth": expected} for row in rows],
    )  # fmt: skip
    raise_best(connection, dict.fromkeys([row.host for row in rows], expected))


def note(
    connection: Connection, visited: Sequence[Visited], news: Collection[int | None], bounds: Bounds, *, run: int,
    now: float,
) -> None:  # fmt: skip
    """Writes down how visits ended. `news` are the rows that named a URL nobody knew: those lists have changed."""
    if not visited:
        return
    held: dict[int, float] = {}
    for at in range(0, len(visited), MAX_PARAMETERS):
        some = rhythms.c.url.in_([one.row for one in visited[at : at + MAX_PARAMETERS]])
        held |= {
            row.url: row.interval_s
            for row in connection.execute(select(rhythms.c.url, rhythms.c.interval_s).where(some))
        }
    ended = [one for one in visited if one.came is not Came.TAKEN]
    if ended:
        statement = upsert(connection, rhythms, ["url"], ["interval_s", "due_at", "etag", "modified", "digest", "was"])
        run_many(connection, statement, [_noted(one, held, one.row in news, bounds, now) for one in ended])
        keep_known(connection, [one.row for one in ended if one.again])
    again = sum(one.again for one in visited)
    if again:
        unmodified = sum(one.unmodified for one in visited)
        connection.execute(
            update(runs).where(runs.c.id == run)
            .values(revisited=runs.c.revisited + again, unmodified=runs.c.unmodified + unmodified)
        )  # fmt: skip


def _noted(one: Visited, held: dict[int, float], changed: bool, bounds: Bounds, now: float) -> dict[str, object]:
    before = held.get(one.row, 0.0)
    interval = bounds.next_s(before, changed=changed) if before else bounds.first_s()
    return {
        "url": one.row,
        "sort": int(Sort.LIST),  # of a row that is new here; what is known stays what it is
        "interval_s": interval,
        "due_at": None if one.came is Came.GONE else now + interval,
        "etag": storable(one.etag)[:ETAG_CHARS],
        "modified": storable(one.modified)[:MODIFIED_CHARS],
        "digest": one.digest,
        "was": None,
    }


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


def refused(connection: Connection, rows: Sequence[int]) -> None:
    """These rows may not be fetched: those looked at again are left as they were, and left alone."""
    for at in range(0, len(rows), MAX_PARAMETERS):
        some = rhythms.c.url.in_(rows[at : at + MAX_PARAMETERS]) & rhythms.c.was.is_not(None)
        again = list(
            connection.execute(update(rhythms).where(some).values(was=None).returning(rhythms.c.url)).scalars()
        )
        keep_known(connection, again)


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


def _begin(
    connection: Connection, row: int, sort: Sort, interval_s: float, due_at: float, headers: dict[str, str], digest: int
) -> None:
    known = {
        "url": row, "sort": int(sort), "interval_s": interval_s, "due_at": due_at, "was": None, "digest": digest,
        "etag": storable(headers.get("etag", ""))[:ETAG_CHARS],
        "modified": storable(headers.get("last-modified", ""))[:MODIFIED_CHARS],
    }  # fmt: skip
    connection.execute(upsert(connection, rhythms, ["url"], [name for name in known if name != "url"]).values(known))


def put_back(connection: Connection, *, now: float, host: int | None = None) -> int:
    """What was to be looked at again (at this host) and was not is as it was before, and still due; how many rows."""
    # the few that were woken first: joined, SQLite would begin with all that wait
    woken = select(rhythms.c.url, rhythms.c.was).where(rhythms.c.was.is_not(None))
    was = {row.url: row.was for row in connection.execute(woken)}
    known, rows = list(was), list[Any]()
    for at in range(0, len(known), MAX_PARAMETERS):
        some = [urls.c.id.in_(known[at : at + MAX_PARAMETERS]), WAITS]
        at_host = [] if host is None else [urls.c.host == host]
        rows += connection.execute(select(urls.c.id, urls.c.host).where(*some, *at_host)).all()
    run_many(
        connection,
        update(urls).where(urls.c.id == bindparam("row")).values(state=bindparam("before")),
        [{"row": row.id, "before": was[row.id]} for row in rows],
    )
    run_many(
        connection,
        update(rhythms).where(rhythms.c.url == bindparam("row")).values(was=None, due_at=bindparam("at")),
        [{"row": row.id, "at": now} for row in rows],
    )
    keep_known(connection, [row.id for row in rows])
    settle_best(connection, {row.host for row in rows})
    return len(rows)


def counted(connection: Connection, run: int) -> dict[str, int]:
    """`{known, changed, revisited, unmodified}` of a run: matches stored before it; articles found changed; pages and
    lists asked for again; of those, how many their servers called unmodified."""
    known = select(func.count()).where(articles.c.run < run, articles.c.matched == 1, articles.c.stored_at.is_not(None))
    held = connection.execute(select(runs.c.revisited, runs.c.unmodified, runs.c.changed).where(runs.c.id == run)).one()
    return {
        "known": connection.execute(known).scalar() or 0, "changed": held.changed, "revisited": held.revisited,
        "unmodified": held.unmodified,
    }  # fmt: skip
