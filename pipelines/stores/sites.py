"""Sites as somebody who watches over them sees them: their hosts, and what he decided about them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from pipelines.stores import runs, waking
from pipelines.stores.dialect import insert_new
from pipelines.stores.discovery import settle_best
from pipelines.stores.hosts import BLOCKED, GIVEN_UP
from pipelines.stores.schema import WAITS, barred, hosts, urls
from pipelines.stores.states import State

MOST_HOSTS = 500

_COLUMNS = (
    hosts.c.name, hosts.c.site, hosts.c.robots_verdict, hosts.c.delay_s, hosts.c.next_at, hosts.c.failures,
    hosts.c.pages, hosts.c.given_up, hosts.c.holder,
)  # fmt: skip
_ORDER = (hosts.c.pages.desc(), hosts.c.name)


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


def of_site(connection: Connection, site: str) -> list[Host]:
    """Its hosts, those that most pages came from first; at most MOST_HOSTS."""
    query = select(*_COLUMNS).where(hosts.c.site == site).order_by(*_ORDER).limit(MOST_HOSTS)
    return [_host(row) for row in connection.execute(query)]


def first_of(connection: Connection, sites: Sequence[str]) -> dict[str, tuple[Host, int]]:
    """Site -> the host that most of its pages came from, and how many hosts it has, of those that are known."""
    place = func.row_number().over(partition_by=hosts.c.site, order_by=_ORDER).label("place")
    number = func.count().over(partition_by=hosts.c.site).label("number")
    ranked = select(*_COLUMNS, place, number).where(hosts.c.site.in_(sites)).subquery()
    rows = connection.execute(select(ranked).where(ranked.c.place == 1))
    return {row.site: (_host(row), row.number) for row in rows}


def block(connection: Connection, site: str) -> int:
    """Nothing of a site is fetched from now on, whatever run, and no URL of it taken up; what waits is refused.

    What is stored of it stays, also where it was to be looked at again. Returns how many hosts it has.
    """
    runs.take_turn(connection)
    now = time.time()
    # what is forgotten stays so
    connection.execute(insert_new(connection, barred).values(site=site, at=now, blocked=1))
    waking.put_back(connection, now=now, site=site)
    number = connection.execute(update(hosts).where(hosts.c.site == site).values(given_up=BLOCKED, best=None)).rowcount
    waiting = (urls.c.host.in_(_hosts_of(site)), WAITS)
    connection.execute(update(urls).where(*waiting).values(state=State.REFUSED, reason=GIVEN_UP, detail=BLOCKED))
    return number


def unblock(connection: Connection, site: str) -> None:
    """Takes a block back: what it refused waits again."""
    runs.take_turn(connection)
    connection.execute(delete(barred).where(barred.c.site == site, barred.c.blocked == 1))
    blocked_hosts = (hosts.c.site == site, hosts.c.given_up == BLOCKED)
    of_these = urls.c.host.in_(select(hosts.c.id).where(*blocked_hosts))
    back = (of_these, urls.c.state == State.REFUSED, urls.c.reason == GIVEN_UP, urls.c.detail == BLOCKED)
    connection.execute(update(urls).where(*back).values(state=State.WAITING, reason=None, detail=None))
    freed = update(hosts).where(*blocked_hosts).values(given_up=None).returning(hosts.c.id)
    settle_best(connection, list(connection.execute(freed).scalars()))


def boost(connection: Connection, site: str) -> None:
    """What waits at a site is expected to match half as surely again as it was not: it is fetched sooner."""
    runs.take_turn(connection)
    its = _hosts_of(site)
    connection.execute(
        update(urls).where(urls.c.host.in_(its), WAITS).values(expected=1 - (1 - urls.c.expected) / 2)
    )  # fmt: skip
    settle_best(connection, list(connection.execute(its).scalars()))


def blocked(connection: Connection) -> frozenset[str]:
    """The sites that are blocked."""
    return frozenset(connection.execute(select(barred.c.site).where(barred.c.blocked == 1)).scalars())


def _host(row: Any) -> Host:
    return Host(
        row.name, row.site, row.robots_verdict, row.delay_s, row.next_at, row.failures, row.pages, row.given_up,
        row.holder is not None,
    )  # fmt: skip


def _hosts_of(site: str) -> Select[int]:
    """The rows of its hosts, as a question: one blog service has more than a statement takes parameters."""
    return select(hosts.c.id).where(hosts.c.site == site)
