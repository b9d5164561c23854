"""URLs a crawl comes to know: each once, with what is expected of it, and what its host has best to offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, func, select, update

from pipelines import urls as identity
from pipelines.records import Candidate
from pipelines.stores.dialect import insert_new, portions, run_many
from pipelines.stores.schema import WAITS, barred, hosts, storable, urls
from pipelines.stores.states import Kind

ANCHOR_CHARS = 200
CONTEXT_CHARS = 160
_KIND = {"page": Kind.PAGE, "feed": Kind.FEED, "sitemap": Kind.SITEMAP}


class Found(NamedTuple):
    """A candidate with what the frontier thinks of it. `parent` is the row of the page that named it."""

    candidate: Candidate
    expected: float
    depth: int = 0
    parent: int | None = None


def discover(connection: Connection, found: Sequence[Found], *, run: int, now: float) -> list[Found]:
    """Adds rows for the URLs not yet known; returns these. Known ones stay as they are; barred sites have none."""
    if not found:
        return []
    gone = frozenset(connection.execute(select(barred.c.site)).scalars())
    keyed = {identity.key(one.candidate.url): one for one in found if not (gone and _is_of(one.candidate.url, gone))}
    for some in portions(list(keyed)):
        for known in connection.execute(select(urls.c.key).where(urls.c.key.in_(some))).scalars():
            keyed.pop(known, None)
    if not keyed:
        return []
    on = {key: identity.host_of(one.candidate.url) for key, one in keyed.items()}
    ids = host_ids(connection, on.values())
    run_many(
        connection, insert_new(connection, urls), [_row(key, f, ids[on[key]], run, now) for key, f in keyed.items()]
    )
    best: dict[int, float] = {}
    for key, one in keyed.items():
        best[ids[on[key]]] = max(one.expected, best.get(ids[on[key]], 0.0))
    raise_best(connection, best)
    return list(keyed.values())


def _is_of(url: str, sites: frozenset[str]) -> bool:
    host = identity.host_of(url)
    return host in sites or identity.site_of(host) in sites


_RESCORE = update(urls).where(urls.c.key == bindparam("of"), WAITS).values(expected=bindparam("new"))


def rescore(connection: Connection, scored: Sequence[tuple[int, float]]) -> None:
    """New estimates for waiting rows, by URL key; their hosts' best follows."""
    if not scored:
        return
    run_many(connection, _RESCORE, [{"of": key, "new": value} for key, value in scored])
    touched: set[int] = set()
    for keys in portions([key for key, _ in scored]):
        touched |= set(connection.execute(select(urls.c.host).where(urls.c.key.in_(keys)).distinct()).scalars())
    settle_best(connection, touched)


def settle_best(connection: Connection, ids: Iterable[int]) -> None:
    """Looks anew for the best that waits at each of these hosts."""
    best = select(func.max(urls.c.expected)).where(urls.c.host == hosts.c.id, WAITS).scalar_subquery()
    for portion in portions(sorted(ids)):
        some = hosts.c.id.in_(portion)
        # PostgreSQL would wait for the row but look at URLs as they were before: who adds one raises the best first
        connection.execute(select(hosts.c.id).where(some).order_by(hosts.c.id).with_for_update())
        connection.execute(update(hosts).where(some, hosts.c.given_up.is_(None)).values(best=best))


def raise_best(connection: Connection, best: dict[int, float]) -> None:
    """Notes on hosts that something at least this good now waits there."""
    if best:
        connection.execute(
            update(hosts)
            .where(hosts.c.id == bindparam("host"))
            .values(best=case((hosts.c.best > bindparam("new"), hosts.c.best), else_=bindparam("new"))),
            [{"host": host, "new": value} for host, value in sorted(best.items())],
        )


def host_ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The rows of these hosts, made where they are missing."""
    wanted = sorted(set(names))
    connection.execute(
        insert_new(connection, hosts), [{"name": name, "site": identity.site_of(name)} for name in wanted]
    )
    ids: dict[str, int] = {}
    for some in portions(wanted):
        query = select(hosts.c.name, hosts.c.id).where(hosts.c.name.in_(some))
        ids |= {row.name: row.id for row in connection.execute(query)}
    return ids


def _row(key: int, found: Found, host: int, run: int, now: float) -> dict[str, object]:
    candidate = found.candidate
    return {
        "key": key,
        "host": host,
        "url": storable(candidate.url),
        "kind": int(_KIND[candidate.kind]),
        "expected": found.expected,
        "depth": min(found.depth, 32_000),
        "source": candidate.source,
        "parent": found.parent,
        "anchor": storable((candidate.anchor or candidate.title)[:ANCHOR_CHARS]),
        "context": storable(candidate.context[:CONTEXT_CHARS]),
        "published": storable(candidate.published)[:40],
        "run": run,
        "found_at": now,
    }
