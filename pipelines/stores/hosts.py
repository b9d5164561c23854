"""Hosts and who may fetch from them: one process owns a host at a time, so politeness needs no other lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, Float, Integer, and_, bindparam, case, func, select, union_all, update

from pipelines.stores import rhythms
from pipelines.stores.dialect import run_many
from pipelines.stores.ledger import MAX_PARAMETERS, settle_best
from pipelines.stores.rhythms import Visit
from pipelines.stores.schema import MOVES, WAITS, Kind, State, hosts, urls

LEASE_S = 20.0
PATIENCE = 0.5
# requests left from which on their number says little about what is worth one
RANKED = 5_000
# better URLs of hosts that are closed for now: so many more are looked at before one that counts
LOOKED_PAST = 2_000
GIVEN_UP = "host-given-up"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A leased URL, about to be fetched; `visit` when it was fetched before, and is looked at again."""

    row: int
    url: str
    kind: Kind
    depth: int
    expected: float
    fetches: int
    source: str
    parent: int | None
    visit: Visit | None = None


@dataclass(frozen=True, slots=True)
class HostLease:
    """A host this process owns until `LEASE_S` after its last renewal, and the best URLs waiting there."""

    id: int
    name: str
    next_at: float
    delay_s: float | None
    robots: str | None
    robots_verdict: str | None
    robots_at: float | None
    failures: int
    rows: tuple[Waiting, ...]


def _open(before: float, max_per_site: int) -> list[ColumnElement[bool]]:
    """What is true of a host with something waiting that may be asked before `before`."""
    wanted = [hosts.c.best.is_not(None), hosts.c.given_up.is_(None), hosts.c.next_at <= before]
    return [*wanted, hosts.c.pages < max_per_site] if max_per_site else wanted


def floor(connection: Connection, requests_left: int, *, before: float, max_per_site: int = 0) -> float:
    """The expected yield below which a waiting URL is not worth one of the `requests_left`.

    With this many requests left, only that many of the waiting URLs can be fetched at all; and while something much
    better waits for its host's delay, an idle host with little to offer waits too. Only hosts that may be asked
    before `before` count: nobody waits for one that is closed for now. More than RANKED requests are worth whatever
    is half as good as the best, and so is what lies deeper than one can look in a few milliseconds.
    """
    open_hosts = _open(before, max_per_site)
    best = select(hosts.c.best).where(*open_hosts).order_by(hosts.c.best.desc()).limit(1)
    enough = PATIENCE * (connection.execute(best).scalar() or 0.0)
    if requests_left > RANKED:
        return enough
    top = select(urls.c.expected, urls.c.host).where(WAITS).order_by(urls.c.expected.desc())
    some = top.limit(2 * requests_left + LOOKED_PAST).subquery()
    query = (
        select(some.c.expected).join(hosts, and_(hosts.c.id == some.c.host, *open_hosts))
        .order_by(some.c.expected.desc()).offset(max(0, requests_left - 1)).limit(1)
    )  # fmt: skip
    return max(connection.execute(query).scalar() or 0.0, enough)


def lease(  # noqa: PLR0913  # each is a limit of its own, and all are named
    connection: Connection,
    holder: str,
    *,
    run: int,
    now: float,
    number: int,
    rows_each: int,
    at_most: int,
    worth: float,
    max_per_site: int = 0,
) -> list[HostLease]:
    """Leases up to `number` hosts, the most promising first, with up to `rows_each` of their best URLs.

    At most `at_most` URLs in all, none expected to yield less than `worth`. Hosts owned by a live process,
    not yet due, given up, or at their `max_per_site` (0: none) are passed over.
    """
    free = [*_open(now + 5.0, max_per_site), hosts.c.best >= worth, hosts.c.lease_until <= now]
    query = select(hosts).where(*free).order_by(hosts.c.best.desc(), hosts.c.id).limit(number)
    chosen = connection.execute(query.with_for_update(skip_locked=True)).all()
    # whoever had them is gone, and what it was fetching waits again
    orphaned = urls.c.host.in_([host.id for host in chosen if host.holder is not None])
    connection.execute(update(urls).where(urls.c.state == State.LEASED, MOVES, orphaned).values(state=State.WAITING))
    most = {host.id: min(rows_each, max_per_site - host.pages if max_per_site else rows_each) for host in chosen}
    taken = _take(connection, most, at_most, run=run, now=now, worth=worth)
    owned = hosts.c.id.in_(list(taken))
    connection.execute(update(hosts).where(owned).values(holder=holder, lease_until=now + LEASE_S))
    settle_best(connection, most)
    return [
        HostLease(host.id, host.name, host.next_at, host.delay_s, host.robots, host.robots_verdict, host.robots_at,
                  host.failures, tuple(taken[host.id]))
        for host in chosen if host.id in taken
    ]  # fmt: skip


def _take(
    connection: Connection, most: Mapping[int, int], at_most: int, *, run: int, now: float, worth: float
) -> dict[int, list[Waiting]]:
    """Leases up to `most` of the best rows of each host, `at_most` in all; hosts in order, those without rows left out.

    One question for all hosts: over a network, asking for each alone takes longer than finding the rows.
    """
    best_of = [
        select(urls).where(urls.c.host == host, WAITS, urls.c.expected >= worth)
        .order_by(urls.c.expected.desc(), urls.c.id).limit(number).subquery()
        for host, number in most.items() if number > 0
    ]  # fmt: skip
    if not best_of:
        return {}
    found: dict[int, list[Waiting]] = {host: [] for host in most}
    for row in connection.execute(union_all(*[select(one) for one in best_of])):
        found[row.host].append(
            Waiting(row.id, row.url, Kind(row.kind), row.depth, row.expected, row.fetches, row.source, row.parent)
        )
    taken: dict[int, list[Waiting]] = {}
    for host, rows in found.items():
        if rows and at_most > 0:
            taken[host] = rows[:at_most]
            at_most -= len(taken[host])
    leased = [row.row for rows in taken.values() for row in rows]
    connection.execute(
        update(urls).where(urls.c.id.in_(leased)).values(state=State.LEASED, run=run, due_at=now + LEASE_S)
    )
    visits = rhythms.visits(connection, leased)
    if not visits:
        return taken
    return {host: [replace(row, visit=visits.get(row.row)) for row in rows] for host, rows in taken.items()}


def renew(connection: Connection, holder: str, *, now: float) -> None:
    """Says that `holder` lives: its hosts and leased rows stay its own for another LEASE_S."""
    mine = select(hosts.c.id).where(hosts.c.holder == holder)
    connection.execute(
        update(urls).where(urls.c.state == State.LEASED, MOVES, urls.c.host.in_(mine))
        .values(due_at=now + LEASE_S)
    )  # fmt: skip
    connection.execute(update(hosts).where(hosts.c.holder == holder).values(lease_until=now + LEASE_S))


def give_back(connection: Connection, host: int, rows: Sequence[int], *, holder: str, next_at: float) -> None:
    """Ends `holder`'s lease; URLs not fetched wait again. Nothing happens when somebody else owns the host by now."""
    mine = connection.execute(
        update(hosts).where(hosts.c.id == host, hosts.c.holder == holder)
        .values(holder=None, lease_until=0.0, next_at=next_at)
    )  # fmt: skip
    if mine.rowcount == 1:
        _wait_again(connection, rows)
        settle_best(connection, [host])


def _wait_again(connection: Connection, rows: Sequence[int]) -> None:
    for at in range(0, len(rows), MAX_PARAMETERS):
        some = urls.c.id.in_(rows[at : at + MAX_PARAMETERS])
        connection.execute(update(urls).where(some, urls.c.state == State.LEASED).values(state=State.WAITING))


def reclaim(connection: Connection, *, now: float, holder: str | None = None) -> int:
    """Frees the hosts and URLs of processes that died (or of `holder`, known dead); returns how many URLs came back."""
    query = select(urls.c.id, urls.c.host).where(urls.c.state == State.LEASED, MOVES)
    if holder is None:
        query = query.where(urls.c.due_at <= now)
    else:
        query = query.where(urls.c.host.in_(select(hosts.c.id).where(hosts.c.holder == holder)))
    lost = connection.execute(query.order_by(urls.c.id)).all()
    _wait_again(connection, [row for row, _ in lost])
    of_the_dead = hosts.c.lease_until <= now if holder is None else hosts.c.holder == holder
    for host in sorted({host for _, host in lost}):
        # by now it may be somebody else's, who goes on
        connection.execute(
            update(hosts).where(hosts.c.id == host, of_the_dead)
            .values(holder=None, lease_until=0.0, next_at=_later(now))
        )  # fmt: skip
        settle_best(connection, [host])
    return len(lost)


def _later(moment: float | ColumnElement[float]) -> ColumnElement[float]:
    """`next_at`, or `moment` where that comes after it."""
    return case((hosts.c.next_at > moment, hosts.c.next_at), else_=moment)


def note_paces(connection: Connection, noted: Mapping[int, tuple[float, int, int]]) -> None:
    """What the owner of each host learned: when it may be asked again, failures in a row, pages fetched since."""
    run_many(
        connection,
        update(hosts).where(hosts.c.id == bindparam("host"))
        .values(next_at=_later(bindparam("at", type_=Float)), failures=bindparam("failed"),
                pages=hosts.c.pages + bindparam("more", type_=Integer)),
        [{"host": host, "at": at, "failed": failed, "more": pages} for host, (at, failed, pages) in noted.items()],
    )  # fmt: skip


def note_robots(
    connection: Connection, host: int, *, verdict: str, text: str, delay_s: float | None, now: float
) -> None:
    """Keeps robots.txt and what it means: rules, allow or disallow."""
    connection.execute(
        update(hosts).where(hosts.c.id == host)
        .values(robots=text or None, robots_verdict=verdict, delay_s=delay_s, robots_at=now)
    )  # fmt: skip


def begin_anew(connection: Connection) -> None:
    """For a new run: every host has its whole share again, and one that was given up may have come back."""
    connection.execute(update(hosts).where(hosts.c.pages > 0).values(pages=0))
    given_up = list(connection.execute(select(hosts.c.id).where(hosts.c.given_up.is_not(None))).scalars())
    if not given_up:
        return
    connection.execute(
        update(urls)
        .where(urls.c.host.in_(given_up), urls.c.state == State.REFUSED, urls.c.reason == GIVEN_UP)
        .values(state=State.WAITING, reason=None, detail=None)
    )
    best = select(func.max(urls.c.expected)).where(urls.c.host == hosts.c.id, WAITS).scalar_subquery()
    connection.execute(
        update(hosts).where(hosts.c.id.in_(given_up)).values(given_up=None, failures=0, next_at=0.0, best=best)
    )


def give_up(connection: Connection, host: int, reason: str) -> None:
    """No more requests to this host; its waiting URLs end as refused, with the reason."""
    connection.execute(update(hosts).where(hosts.c.id == host).values(given_up=reason, best=None))
    connection.execute(
        update(urls).where(urls.c.host == host, WAITS).values(state=State.REFUSED, reason=GIVEN_UP, detail=reason)
    )


def anything_left(connection: Connection, *, before: float, max_per_site: int = 0) -> bool:
    """Whether a URL waits at a host that may be asked before `before`, or some process still holds one."""
    open_host = select(hosts.c.id).where(*_open(before, max_per_site)).limit(1)
    held = select(urls.c.id).where(urls.c.state == State.LEASED, MOVES).limit(1)
    return connection.execute(open_host).first() is not None or connection.execute(held).first() is not None


def any_lost(connection: Connection, *, now: float) -> bool:
    """Whether some process died holding URLs."""
    query = select(urls.c.id).where(
        urls.c.state == State.LEASED, urls.c.due_at <= now, MOVES
    ).limit(1)  # fmt: skip
    return connection.execute(query).first() is not None


def free_leases(connection: Connection, *, now: float, holder: str | None = None) -> None:
    """Ends the leases of hosts whose time is over, or of a `holder` known to be dead."""
    wanted = hosts.c.holder == holder if holder else hosts.c.lease_until <= now
    connection.execute(update(hosts).where(wanted, hosts.c.holder.is_not(None)).values(holder=None, lease_until=0.0))


def holders(connection: Connection) -> list[str]:
    """The names of those who hold a host."""
    query = select(hosts.c.holder).where(hosts.c.holder.is_not(None)).distinct()
    return list(connection.execute(query).scalars())


def frontier(connection: Connection) -> dict[str, int]:
    """`{hosts, urls, leased}`: what waits, on how many hosts, and how much some crawler holds."""
    ready = select(func.count(), func.count(urls.c.host.distinct())).where(WAITS)
    number, on = connection.execute(ready).one()
    held = select(func.count()).where(urls.c.state == State.LEASED, MOVES)
    return {"hosts": on, "urls": number, "leased": connection.execute(held).scalar() or 0}


def best_waiting(connection: Connection, number: int) -> list[float]:
    """The expected yields of the `number` best URLs that wait, best first."""
    query = select(urls.c.expected).where(WAITS).order_by(urls.c.expected.desc()).limit(number)
    return list(connection.execute(query).scalars())
