"""Sites as somebody who watches over them sees them: their hosts, and what he decided about them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from pipelines.stores.dialect import insert_new
from pipelines.stores.discovery import settle_best
from pipelines.stores.hosts import BLOCKED, GIVEN_UP
from pipelines.stores.schema import WAITS, State, barred, hosts, urls

MOST_HOSTS = 500


@dataclass(frozen=True, slots=True)
class Host:
    """One host: what robots.txt says (rules, allow, disallow, later), its pace, and whether it was given up."""

    name: str
    site: str
    robots: str | None
    delay_s: float | None
    next_at: float
    failures: int
    pages: int
    given_up: str | None
    held: bool


def of_sites(connection: Connection, sites: Sequence[str]) -> dict[str, list[Host]]:
    """Site -> its hosts, of these few sites."""
    h = hosts.c
    query = (
        select(h.name, h.site, h.robots_verdict, h.delay_s, h.next_at, h.failures, h.pages, h.given_up, h.holder)
        .where(h.site.in_(sites)).order_by(h.pages.desc(), h.name).limit(MOST_HOSTS)
    )  # fmt: skip
    found: dict[str, list[Host]] = {site: [] for site in sites}
    for row in connection.execute(query):
        found[row.site].append(
            Host(row.name, row.site, row.robots_verdict, row.delay_s, row.next_at, row.failures, row.pages,
                 row.given_up, row.holder is not None)
        )  # fmt: skip
    return found


def block(connection: Connection, site: str) -> int:
    """Nothing of a site is fetched from now on, whatever run, and no URL of it taken up; what waits is refused.

    Returns how many hosts it has.
    """
    ids = _ids(connection, site)
    # what is forgotten stays so
    connection.execute(insert_new(connection, barred).values(site=site, at=time.time(), blocked=1))
    some = hosts.c.id.in_(ids)
    connection.execute(update(hosts).where(some).values(given_up=BLOCKED, best=None))
    waiting = (urls.c.host.in_(ids), WAITS)
    connection.execute(update(urls).where(*waiting).values(state=State.REFUSED, reason=GIVEN_UP, detail=BLOCKED))
    return len(ids)


def unblock(connection: Connection, site: str) -> None:
    """Takes a block back: what it refused waits again."""
    connection.execute(delete(barred).where(barred.c.site == site, barred.c.blocked == 1))
    blocked_hosts = (hosts.c.site == site, hosts.c.given_up == BLOCKED)
    ids = list(connection.execute(select(hosts.c.id).where(*blocked_hosts)).scalars())
    back = (urls.c.host.in_(ids), urls.c.state == State.REFUSED, urls.c.reason == GIVEN_UP, urls.c.detail == BLOCKED)
    connection.execute(update(urls).where(*back).values(state=State.WAITING, reason=None, detail=None))
    connection.execute(update(hosts).where(hosts.c.id.in_(ids)).values(given_up=None))
    settle_best(connection, ids)


def boost(connection: Connection, site: str) -> None:
    """What waits at a site is expected to match half as surely again as it was not: it is fetched sooner."""
    ids = _ids(connection, site)
    connection.execute(
        update(urls).where(urls.c.host.in_(ids), WAITS).values(expected=1 - (1 - urls.c.expected) / 2)
    )  # fmt: skip
    settle_best(connection, ids)


def blocked(connection: Connection) -> frozenset[str]:
    """The sites that are blocked."""
    return frozenset(connection.execute(select(barred.c.site).where(barred.c.blocked == 1)).scalars())


def _ids(connection: Connection, site: str) -> list[int]:
    return list(connection.execute(select(hosts.c.id).where(hosts.c.site == site)).scalars())
