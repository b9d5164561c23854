"""What is known of a host: how and how soon it may be asked, what its files say, and whether it was given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Float, Integer, bindparam, case, func, select, update

from pipelines.stores.dialect import run_many
from pipelines.stores.schema import MOVES, WAITS, hosts, urls
from pipelines.stores.states import State

GIVEN_UP = "host-given-up"
# why a host is given up for good
MIRROR = "mirror of "
# why a host is given up that its user wants nothing of: no later run takes it up again
BLOCKED = "blocked by you"
# true of a URL that may be asked for again some time
UNBLOCKED = urls.c.host.not_in(select(hosts.c.id).where(hosts.c.given_up == BLOCKED))


def later(moment: float | ColumnElement[float]) -> ColumnElement[float]:
    """`next_at`, or `moment` where that comes after it."""
    return case((hosts.c.next_at > moment, hosts.c.next_at), else_=moment)


_PACES = (
    update(hosts).where(hosts.c.id == bindparam("host"))
    .values(next_at=later(bindparam("at", type_=Float)), failures=bindparam("failed"),
            pages=hosts.c.pages + bindparam("more", type_=Integer))
)  # fmt: skip


def note_missing(connection: Connection, host: int, mark: int) -> None:
    """What a host answers where there is nothing, as a print; 0 when it says so honestly."""
    connection.execute(update(hosts).where(hosts.c.id == host).values(missing=mark))


def note_address(connection: Connection, host: int, address: str) -> None:
    """Where a host is."""
    connection.execute(update(hosts).where(hosts.c.id == host).values(address=address))


def note_paces(connection: Connection, noted: Mapping[int, tuple[float, int, int]]) -> None:
    """What the owner of each host learned: when it may be asked again, failures in a row, pages fetched since."""
    run_many(
        connection, _PACES,
        [{"host": host, "at": at, "failed": failed, "more": pages} for host, (at, failed, pages) in noted.items()],
    )  # fmt: skip


def note_robots(
    connection: Connection, host: int, *, verdict: str, text: str, delay_s: float | None, now: float
) -> None:
    """Keeps robots.txt and what it means: rules, allow, disallow or later."""
    connection.execute(
        update(hosts).where(hosts.c.id == host)
        .values(robots=text or None, robots_verdict=verdict, delay_s=delay_s, robots_at=now)
    )  # fmt: skip


def note_tdmrep(connection: Connection, host: int, rules: str, *, now: float) -> None:
    """Keeps what a host's tdmrep.json reserves; no rules when it has none."""
    connection.execute(update(hosts).where(hosts.c.id == host).values(tdmrep=rules or None, tdmrep_at=now))


def begin_anew(connection: Connection) -> None:
    """For a new run: every host has its whole share again, and one that was given up may have come back."""
    connection.execute(update(hosts).where(hosts.c.pages > 0).values(pages=0))
    back = (hosts.c.given_up.is_not(None), hosts.c.given_up != BLOCKED, hosts.c.given_up.not_like(f"{MIRROR}%"))
    # as a question and not as a list: of a large crawl's hosts more may be gone than a statement takes parameters
    given_up = select(hosts.c.id).where(*back)
    connection.execute(
        update(urls)
        .where(urls.c.host.in_(given_up), urls.c.state == State.REFUSED, urls.c.reason == GIVEN_UP)
        .values(state=State.WAITING, reason=None, detail=None)
    )
    best = select(func.max(urls.c.expected)).where(urls.c.host == hosts.c.id, WAITS).scalar_subquery()
    connection.execute(update(hosts).where(*back).values(given_up=None, failures=0, next_at=0.0, best=best))


def give_up(connection: Connection, host: int, reason: str) -> None:
    """No more requests to this host; its waiting URLs end as refused, with the reason."""
    connection.execute(update(hosts).where(hosts.c.id == host).values(given_up=reason, best=None))
    connection.execute(
        update(urls).where(urls.c.host == host, WAITS).values(state=State.REFUSED, reason=GIVEN_UP, detail=reason)
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What a host said of how it wants to be asked."""

    delay_s: float | None
    robots: str | None


def told(connection: Connection) -> dict[str, Told]:
    """What every host said of how it wants to be asked, by name."""
    query = select(hosts.c.name, hosts.c.delay_s, hosts.c.robots)
    return {row.name: Told(row.delay_s, row.robots) for row in connection.execute(query)}


def frontier(connection: Connection) -> dict[str, int]:
    """`{hosts, urls, leased}`: what waits, on how many hosts, and how much some crawler holds."""
    ready = select(func.count(), func.count(urls.c.host.distinct())).where(WAITS)
    number, on = connection.execute(ready).one()
    held = select(func.count()).where(urls.c.state == State.LEASED, MOVES)
    return {"hosts": on, "urls": number, "leased": connection.execute(held).scalar() or 0}


def rest_s(connection: Connection, *, now: float) -> float:
    """Seconds until the first host at which URLs wait may be asked; 0 where one may be now, or none waits."""
    waited_for = (hosts.c.best.is_not(None), hosts.c.given_up.is_(None))
    first = connection.execute(select(func.min(hosts.c.next_at)).where(*waited_for)).scalar()
    return max(0.0, first - now) if first is not None else 0.0


def best_waiting(connection: Connection, number: int) -> list[float]:
    """The expected yields of the `number` best URLs that wait, best first."""
    query = select(urls.c.expected).where(WAITS).order_by(urls.c.expected.desc()).limit(number)
    return list(connection.execute(query).scalars())
