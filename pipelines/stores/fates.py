"""Adds up how every fetched URL ended, and tells everything about one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, literal_column, or_, select

from pipelines import urls as identity
from pipelines.misfits import LANGUAGE, TOO_OLD
from pipelines.moments import iso_at
from pipelines.stores import articles as article_rows
from pipelines.stores import tallies, tellings, traps
from pipelines.stores.dialect import indexed
from pipelines.stores.schema import LEADS, MISSED, MOVES, WAITS, articles, hosts, storable, urls
from pipelines.stores.states import Kind, State
from pipelines.stores.where import whole

_NAMES = {
    State.WAITING: "waiting", State.LEASED: "leased", State.FETCHED: "in_flight", State.PARSED: "in_flight",
    State.JUDGED: "in_flight", State.STORED: "stored", State.DUPLICATE: "duplicate", State.DROPPED: "dropped",
    State.DEAD: "dead", State.REFUSED: "refused", State.LISTED: "listed",
}  # fmt: skip
_STAGE = {State.FETCHED: "parse", State.PARSED: "dedupe", State.JUDGED: "store"}
MAX_PATH = 20


def count(connection: Connection, run: int | None = None) -> dict[str, Any]:
    """`{fetched, stored, duplicate, dropped: {reason: n}, dead: {reason: n}, in_flight, frontier, refused, lists, …}`.

    fetched = stored + duplicate + Σ dropped + Σ dead + in_flight. Feeds and sitemaps are `lists`, not pages;
    what robots or our own guard forbade is `refused` and was never fetched. `traps` are links left out in all runs.
    """
    query = (
        select(urls.c.state, urls.c.reason, urls.c.kind, func.count())
        .where(urls.c.state > State.LEASED)
        .group_by(urls.c.state, urls.c.reason, urls.c.kind)
    )
    if run is not None:
        query = query.where(urls.c.run == whole(run))
    total = _nothing() | {"frontier": _frontier(connection), "traps": traps.counted(connection)}
    for state, reason, kind, number in connection.execute(query):
        _add(total, state, reason, kind, number)
    return total


@dataclass(frozen=True, slots=True)
class Example:
    """A page that stands for those that ended as it did."""

    row: int
    url: str
    status: int | None
    detail: str | None
    fetched_at: float | None


def example(connection: Connection, run: int, state: State, reason: str) -> Example | None:
    """Of a run's pages that ended so, the one fetched last."""
    ended = (indexed(urls.c.state > literal_column("1")), urls.c.state == state, urls.c.reason == reason)
    query = (
        select(urls.c.id, urls.c.url, urls.c.status, urls.c.detail, urls.c.fetched_at)
        .where(*ended, urls.c.run == run, urls.c.kind == int(Kind.PAGE)).order_by(urls.c.fetched_at.desc()).limit(1)
    )  # fmt: skip
    found = connection.execute(query).first()
    return Example(*found) if found else None


def any_known(connection: Connection) -> bool:
    """Whether any URL was found yet, however it ended."""
    return connection.execute(select(urls.c.id).limit(1)).first() is not None


def count_by(connection: Connection, what: str, run: int | None = None) -> list[dict[str, Any]]:
    """The same for every site or every run (`what`), most fetched first, each with its `site` or `run`."""
    named = hosts.c.site if what == "site" else urls.c.run
    query = (
        select(named, urls.c.state, urls.c.reason, urls.c.kind, func.count())
        .select_from(urls.join(hosts, hosts.c.id == urls.c.host))
        .where(urls.c.state > State.LEASED).group_by(named, urls.c.state, urls.c.reason, urls.c.kind)
    )  # fmt: skip
    if run is not None:
        query = query.where(urls.c.run == whole(run))
    held: dict[Any, dict[str, Any]] = {}
    for name, state, reason, kind, number in connection.execute(query):
        _add(held.setdefault(name, {what: name, **_nothing()}), state, reason, kind, number)
    return sorted(held.values(), key=lambda one: (-one["fetched"], str(one[what])))


def _nothing() -> dict[str, Any]:
    return {
        "fetched": 0, "stored": 0, "duplicate": 0, "dropped": {}, "dead": {}, "in_flight": 0, "refused": {}, "lists": 0,
    }  # fmt: skip


def _add(total: dict[str, Any], state: int, reason: str | None, kind: int, number: int) -> None:
    name, why = _NAMES[State(state)], reason or "unknown"
    if name == "refused":
        total[name][why] = total[name].get(why, 0) + number
    elif kind != Kind.PAGE or name == "listed":
        total["lists"] += number
    else:
        total["fetched"] += number
        if name in ("dropped", "dead"):
            total[name][why] = total[name].get(why, 0) + number
        else:
            total[name] += number


def _frontier(connection: Connection) -> int:
    held = (urls.c.state == State.LEASED, MOVES)
    return sum(connection.execute(select(func.count()).where(*wanted)).scalar() or 0 for wanted in ((WAITS,), held))


def sites(connection: Connection, run: int | None = None) -> list[dict[str, Any]]:
    """`{site, pages, matches}` of every site with a page fetched, most matches first; of one run or of all.

    What a run looked at again is among its pages; a match is of the run that found it.
    """
    found_by = [] if run is None else [articles.c.run == whole(run)]
    matched = case((urls.c.id.in_(tallies.matching().where(*found_by)), 1), else_=0)
    query = (
        select(hosts.c.site, func.count(), func.sum(matched))
        .select_from(urls.join(hosts, hosts.c.id == urls.c.host))
        .where(urls.c.kind == Kind.PAGE, urls.c.state > State.LEASED, urls.c.state <= State.DEAD)
        .group_by(hosts.c.site)
    )
    if run is not None:
        query = query.where(urls.c.run == whole(run))
    rows = [
        {"site": site, "pages": pages, "matches": int(matches)} for site, pages, matches in connection.execute(query)
    ]
    return sorted(rows, key=lambda row: (-row["matches"], -row["pages"], row["site"]))


def find(connection: Connection, url: str) -> int | None:
    """The row of a URL, as given or in its canonical form."""
    canonical = identity.canonical(url) or storable(url)
    return connection.execute(select(urls.c.id).where(urls.c.key == identity.key(canonical))).scalar()


def meant(connection: Connection, url: str) -> int | None:
    """The row of a URL as somebody writes it: if it is not known so, by the other scheme, or with www. or without."""
    keys = [identity.key(one) for one in identity.spellings(identity.canonical(url) or storable(url))]
    held = dict(map(tuple, connection.execute(select(urls.c.key, urls.c.id).where(urls.c.key.in_(keys)))))
    return next((held[key] for key in keys if key in held), None)


def follow(connection: Connection, url: str) -> int | None:
    """The row a URL led to, redirects followed."""
    row = find(connection, url)
    for _ in range(MAX_PATH):
        if row is None:
            return None
        after = connection.execute(select(urls.c.id).where(urls.c.parent == row, LEADS).limit(1)).scalar()
        if after is None:
            return row
        row = after
    return row


def tell(connection: Connection, row: int) -> dict[str, Any]:
    """Everything known about one URL, as contract.md words `show`."""
    held = connection.execute(select(urls, hosts.c.name, hosts.c.robots_verdict)
                              .join(hosts, hosts.c.id == urls.c.host).where(urls.c.id == row)).one()  # fmt: skip
    state = State(held.state)
    return {
        "url": held.url,
        "fate": _NAMES[state],
        "reason": held.reason,
        "detail": held.detail,
        "stage": _STAGE.get(state),
        "status": held.status,
        "quick": held.quick,
        "fetched_at": iso_at(held.fetched_at),
        "article": article_rows.one(connection, row),
        "story": tellings.story_of(connection, row),
        "found_by": {
            "source": held.source, "anchor": held.anchor, "depth": held.depth, "expected": round(held.expected, 4),
            "found_at": iso_at(held.found_at), "path": path(connection, row),
        },
        "archive": {"file": held.archive_file, "offset": held.archive_offset} if held.archive_file else None,
        "attempts": held.attempts,
        "fetches": held.fetches,
        "robots": held.robots_verdict,
        "run": held.run,
    }  # fmt: skip


def about(connection: Connection, row: int) -> dict[str, Any] | None:
    """As `tell`; None where no URL has this row."""
    held = connection.execute(select(urls.c.id).where(urls.c.id == row)).scalar()
    return None if held is None else tell(connection, row)


def path(connection: Connection, row: int) -> list[dict[str, Any]]:
    """The pages that led to a row, from the start to the row itself."""
    steps: list[dict[str, Any]] = []
    at: int | None = row
    while at is not None and len(steps) < MAX_PATH:
        held = connection.execute(
            select(urls.c.url, urls.c.anchor, urls.c.parent, urls.c.source).where(urls.c.id == at)
        ).first()
        if held is None:
            break
        steps.append({"url": held.url, "anchor": held.anchor, "source": held.source, "id": at})
        at = held.parent
    return steps[::-1]


def unread(connection: Connection) -> int:
    """How many pages were dropped as unlike at the quick look, before there was a text that could be judged again."""
    known = select(articles.c.id).where(articles.c.id == urls.c.id)
    dropped = (urls.c.state == State.DROPPED, urls.c.reason == "unlike", ~known.exists())
    return connection.execute(select(func.count()).select_from(urls).where(*dropped)).scalar() or 0


def closest_misses(
    connection: Connection, run: int, limit: int = 3, *, below: float = 1.0
) -> list[tuple[float, str, str]]:  # fmt: skip
    """`(score, title, url)` of the unlike articles that came nearest to the threshold.

    `below` is the threshold, where it is known: what lies above it need not be looked through.
    """
    alike = urls.c.reason.in_((LANGUAGE, TOO_OLD))  # and no match for what they are beside
    unlike = (articles.c.run == run, MISSED, articles.c.score <= below, or_(urls.c.reason.is_(None), ~alike))
    query = select(articles.c.score, articles.c.title, urls.c.url).join(urls, urls.c.id == articles.c.id).where(*unlike)
    query = query.order_by(articles.c.score.desc()).limit(limit)
    return [(score, title, url) for score, title, url in connection.execute(query)]
