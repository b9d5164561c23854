"""What is due to be looked at again waits among the other rows, with the state it had (`was`), or is put back.

What is stored or dropped is the stages' and the judges': one of them, or of us, at a time (`stories.lock`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update

from pipelines import urls as identity
from pipelines.moments import iso_at
from pipelines.rhythm import Bounds
from pipelines.stores import stories
from pipelines.stores.dialect import insert_new, portions, run_many
from pipelines.stores.discovery import raise_best, settle_best
from pipelines.stores.hosts import BLOCKED
from pipelines.stores.rhythms import Sort, keep_known, left_untouched
from pipelines.stores.schema import LEADS, WAITS, articles, hosts, rhythms, urls
from pipelines.stores.states import IN_STORE, State

# a run asks its starting points again after so much of the shortest wait: of runs that begin so long after each other,
# some begin seconds early, and would else leave out every other time
EARLY = 0.9
MAX_REDIRECTS = 20
# lists woken at once; what is left comes next time
MOST = 500
LIST_EXPECTED = 1.0
# behind what lists and good links promise: a revision is worth less than an article nobody has yet
ARTICLE_EXPECTED = 0.4
# where the user asks for it: behind lists, before any link
AGAIN_EXPECTED = 0.9
# of a host that is not blocked
_WANTED = hosts.c.given_up.is_distinct_from(BLOCKED)


def wake_starts(connection: Connection, wanted: Sequence[str], bounds: Bounds, *, now: float) -> None:
    """A new run asks the starting points again, and where they led by redirects; not those that were asked just now."""
    stories.lock(connection)
    ids = list(connection.execute(select(urls.c.id).where(urls.c.key.in_([identity.key(u) for u in wanted]))).scalars())
    led_to = ids
    for _ in range(MAX_REDIRECTS):
        led_to = list(connection.execute(select(urls.c.id).where(urls.c.parent.in_(led_to), LEADS)).scalars())
        if not led_to:
            break
        ids += led_to
    ended = urls.c.state.in_((State.LISTED, State.DROPPED, State.DEAD))
    query = select(urls.c.id, urls.c.state, urls.c.host).where(
        urls.c.id.in_(ids), ended, urls.c.fetched_at < now - EARLY * bounds.soonest_s
    )
    _wake(connection, connection.execute(query).all(), Sort.LIST)


def wake_due(connection: Connection, bounds: Bounds, *, now: float) -> int:
    """What is due waits to be fetched again; returns how many rows."""
    due = [rhythms.c.due_at.is_not(None), rhythms.c.due_at <= now]
    if connection.execute(select(rhythms.c.url).where(*due).limit(1)).first() is None:
        return 0
    stories.lock(connection)
    ended = (
        select(urls.c.id, urls.c.state, urls.c.host).join(rhythms, rhythms.c.url == urls.c.id)
        .join(hosts, hosts.c.id == urls.c.host)
        .where(*due, urls.c.state >= State.STORED, _WANTED).order_by(rhythms.c.due_at)
    )  # fmt: skip
    lists = connection.execute(ended.where(rhythms.c.sort == int(Sort.LIST)).limit(MOST)).all()
    _wake(connection, lists, Sort.LIST)
    woken = select(func.count()).where(rhythms.c.was.in_(IN_STORE))
    free = min(MOST, bounds.articles - (connection.execute(woken).scalar() or 0))
    if free <= 0:
        return len(lists)
    _retire(connection, bounds, due, now)
    young = connection.execute(ended.where(rhythms.c.sort == int(Sort.ARTICLE)).limit(free)).all()
    _wake(connection, young, Sort.ARTICLE, ARTICLE_EXPECTED)
    return len(lists) + len(young)


def wake_all(connection: Connection, bounds: Bounds, *, limit: int, now: float) -> int:
    """Lists and matches wait to be fetched again whether or not they are due; returns how many rows.

    At most `limit` of them (0 is no limit), lists first and what was asked longest ago. What was asked less than the
    shortest wait ago does not, nor what is gone or may not be fetched.
    """
    stories.lock(connection)
    left_alone = and_(rhythms.c.due_at.is_(None), rhythms.c.url.is_not(None))
    ended = (
        select(urls.c.id, urls.c.state, urls.c.host).outerjoin(rhythms, rhythms.c.url == urls.c.id)
        .join(hosts, hosts.c.id == urls.c.host)
        .where(urls.c.state >= State.STORED, urls.c.fetched_at < now - bounds.soonest_s, ~left_alone, _WANTED)
        .order_by(urls.c.fetched_at).limit(limit or None)
    )  # fmt: skip
    lists = connection.execute(ended.where(or_(urls.c.state == State.LISTED, rhythms.c.sort == int(Sort.LIST)))).all()
    _wake(connection, lists, Sort.LIST)
    if limit and len(lists) >= limit:
        return len(lists)
    matches = ended.join(articles, articles.c.id == urls.c.id).where(
        urls.c.state.in_(IN_STORE), articles.c.matched == 1
    )
    found = connection.execute(matches.limit(limit - len(lists) if limit else None)).all()
    _wake(connection, found, Sort.ARTICLE, AGAIN_EXPECTED)
    return len(lists) + len(found)


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


def _wake(connection: Connection, rows: Sequence[Any], sort: Sort, expected: float = LIST_EXPECTED) -> None:
    if not rows:
        return
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


def put_back(connection: Connection, *, now: float, host: int | None = None, site: str | None = None) -> int:
    """What was to be looked at again (at this host, or site) and was not is as it was before, and still due.

    Returns how many rows.
    """
    # the few that were woken first: joined, SQLite would begin with all that wait
    woken = select(rhythms.c.url, rhythms.c.was).where(rhythms.c.was.is_not(None))
    was = {row.url: row.was for row in connection.execute(woken)}
    if was:
        stories.lock(connection)
    rows = list[Any]()
    there = [] if host is None else [urls.c.host == host]
    there += [] if site is None else [urls.c.host.in_(select(hosts.c.id).where(hosts.c.site == site))]
    for some in portions(list(was)):
        rows += connection.execute(select(urls.c.id, urls.c.host).where(urls.c.id.in_(some), WAITS, *there)).all()
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
    ids = [row.id for row in rows]
    keep_known(connection, ids)
    left_untouched(connection, ids)
    settle_best(connection, {row.host for row in rows})
    return len(rows)
