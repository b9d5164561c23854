"""Which hosts and which of their URLs a crawler gets next: the most promising that may be asked, while they pay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Row,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    union_all,
    update,
)

from pipelines import urls as identity
from pipelines.stores import visits
from pipelines.stores.dialect import ask
from pipelines.stores.discovery import settle_best
from pipelines.stores.schema import CRAWLED, MOVES, WAITS, hosts, urls
from pipelines.stores.schema import templates as template_rows
from pipelines.stores.states import Kind, State
from pipelines.stores.visits import Visit

LEASE_S = 20.0
PATIENCE = 0.5
# requests left from which on their number says little about what is worth one
RANKED = 5_000
# better URLs of hosts that are closed for now: so many more are looked at before one that counts
LOOKED_PAST = 2_000
# a host that may be asked so soon is worth holding
SOON_S = 5.0
# hosts whose best URLs are asked for in one question: over a network, asking for each alone takes longer than finding
# them, and a question of another length would be made ready anew, which takes longer still
TOGETHER = 16
_GROUPS: dict[str, Callable[[FromClause], ColumnElement[Any]]] = {
    "domain": lambda table: table.c.site, "address": lambda table: table.c.address,
}  # fmt: skip


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
    """A host this process owns until `LEASE_S` after its last renewal, and the best URLs waiting there.

    It may be asked at `next_at`, which was `rest_s` away when it was leased.
    """

    id: int
    name: str
    next_at: float
    rest_s: float
    delay_s: float | None
    robots: str | None
    robots_verdict: str | None
    robots_at: float | None
    tdmrep_at: float | None
    failures: int
    rows: tuple[Waiting, ...]
    address: str | None = None
    pages: int = 0
    missing: int | None = None
    # of the rows' URLs: template, pages asked for in this run, why it is closed
    templates: tuple[tuple[str, int, str | None], ...] = ()


def _open(before: float, max_per_site: int) -> list[ColumnElement[bool]]:
    """What is true of a host with something waiting that may be asked before `before`."""
    wanted = [hosts.c.best.is_not(None), hosts.c.given_up.is_(None), hosts.c.next_at <= before]
    if not max_per_site:
        return wanted
    spent = select(hosts.c.site).where(CRAWLED).group_by(hosts.c.site).having(func.sum(hosts.c.pages) >= max_per_site)
    return [*wanted, hosts.c.site.not_in(spent)]


def alone(pace_by: str, now: float, ahead_s: float = 0.0) -> list[ColumnElement[bool]]:
    """What is true of a host none of whose group, so far as it is known, is leased or resting."""
    twin = hosts.alias("twin")
    group, of_twin = _GROUPS[pace_by](hosts), _GROUPS[pace_by](twin)
    taken = or_(twin.c.lease_until > now - ahead_s, twin.c.next_at > now + SOON_S)
    return [~exists().where(of_twin == group, twin.c.id != hosts.c.id, taken)]


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
    pace_by: str = "host",
    delay_s: float = 0.0,
    ahead_s: float = 0.0,
) -> list[HostLease]:
    """Leases up to `number` hosts, the most promising first, with up to `rows_each` of their best URLs.

    At most `at_most` URLs in all, none expected to yield less than `worth`. Hosts owned by a live process,
    not yet due, given up, or of a site at its `max_per_site` (0: none) are passed over. With `pace_by` other than
    `host`, hosts of one domain or address have one owner, and rest together.

    Whoever gets the host of a process that died waits `delay_s` (its robots.txt's, if longer) from now: nobody knows
    when it was asked last. Leases that ran out because the clock was set ahead lately, by `ahead_s`, did not.
    """
    free = [*_open(now + SOON_S, max_per_site), hosts.c.best >= worth, hosts.c.lease_until <= now - ahead_s]
    if pace_by != "host":
        free += alone(pace_by, now, ahead_s)
    query = select(hosts).where(*free).order_by(hosts.c.best.desc(), hosts.c.id)
    # of each group but one is taken
    query = query.limit(number if pace_by == "host" else 8 * number)
    chosen = connection.execute(query.with_for_update(skip_locked=True, of=hosts)).all()
    if pace_by != "host":
        chosen = _one_of_each(chosen, pace_by)[:number]
    rests = _rests(connection, chosen, pace_by, now=now, delay_s=delay_s)
    # whoever had them is gone, and what it was fetching waits again
    orphaned = urls.c.host.in_([host.id for host in chosen if host.holder is not None])
    connection.execute(update(urls).where(urls.c.state == State.LEASED, MOVES, orphaned).values(state=State.WAITING))
    most = _shares(connection, chosen, rows_each, max_per_site)
    taken = _take(connection, most, at_most, run=run, now=now, worth=worth)
    owned = hosts.c.id.in_(list(taken))
    connection.execute(update(hosts).where(owned).values(holder=holder, lease_until=now + LEASE_S))
    settle_best(connection, most)
    templates = _templates(connection, taken)
    return [
        HostLease(host.id, host.name, rests[host.id], max(0.0, rests[host.id] - now), host.delay_s, host.robots,
                  host.robots_verdict, host.robots_at, host.tdmrep_at, host.failures, tuple(taken[host.id]),
                  host.address, host.pages, host.missing, templates.get(host.id, ()))
        for host in chosen if host.id in taken
    ]  # fmt: skip


def _templates(
    connection: Connection, taken: Mapping[int, list[Waiting]]
) -> dict[int, tuple[tuple[str, int, str | None], ...]]:
    keys = {identity.key(identity.template_of(row.url)) for rows in taken.values() for row in rows}
    query = select(template_rows).where(template_rows.c.host.in_(list(taken)), template_rows.c.key.in_(keys))
    found: dict[int, tuple[tuple[str, int, str | None], ...]] = {}
    for row in connection.execute(query):
        found[row.host] = (*found.get(row.host, ()), (row.template, row.pages, row.closed))
    return found


def _one_of_each(chosen: Sequence[Row[Any]], pace_by: str) -> list[Row[Any]]:
    """The first host of each domain or address; those whose address nobody knows are groups of their own."""
    first: dict[str, Row[Any]] = {}
    for host in chosen:
        first.setdefault(host.site if pace_by == "domain" else host.address or f"of {host.name}", host)
    return list(first.values())


def _rests(
    connection: Connection, chosen: Sequence[Row[Any]], pace_by: str, *, now: float, delay_s: float
) -> dict[int, float]:
    """When each of these hosts may be asked: what is known of it, of its group, and of a holder that died."""
    rests = {
        host.id: host.next_at if host.holder is None else max(host.next_at, now + max(delay_s, host.delay_s or 0.0))
        for host in chosen
    }
    if pace_by == "host":
        return rests
    group = _GROUPS[pace_by](hosts)
    names = {host.id: host.site if pace_by == "domain" else host.address for host in chosen}
    latest = select(group, func.max(hosts.c.next_at)).where(group.in_({n for n in names.values() if n})).group_by(group)
    of_group: dict[str, float] = dict(connection.execute(latest).all())
    return {host: max(at, of_group.get(names[host], 0.0)) for host, at in rests.items()}


def _shares(connection: Connection, chosen: Sequence[Row[Any]], rows_each: int, max_per_site: int) -> dict[int, int]:
    """How many URLs each of these hosts may give, in order: what is left of its site's share, none when it is spent."""
    if not max_per_site:
        return {host.id: rows_each for host in chosen}
    sites = {host.site for host in chosen}
    fetched = select(hosts.c.site, func.sum(hosts.c.pages)).where(CRAWLED, hosts.c.site.in_(sites))
    held = select(hosts.c.site, func.count()).join(urls, urls.c.host == hosts.c.id)
    held = held.where(urls.c.state == State.LEASED, MOVES, hosts.c.site.in_(sites))
    left = dict.fromkeys(sites, max_per_site)
    for spent in (fetched, held):
        for site, number in connection.execute(spent.group_by(hosts.c.site)):
            left[site] -= number
    shares = {}
    for host in chosen:
        shares[host.id] = max(0, min(rows_each, left[host.site]))
        left[host.site] -= shares[host.id]
    return shares


def _take(
    connection: Connection, most: Mapping[int, int], at_most: int, *, run: int, now: float, worth: float
) -> dict[int, list[Waiting]]:
    """Leases up to `most` of the best rows of each host, `at_most` in all; hosts in order, only those with rows."""
    found: dict[int, list[Waiting]] = {host: [] for host in most}
    wanted = [(host, number) for host, number in most.items() if number > 0]
    for at in range(0, len(wanted), TOGETHER):
        for host, row, url, kind, *rest in ask(connection, _BEST_OF_EACH, _each(wanted[at : at + TOGETHER], worth)):
            found[host].append(Waiting(row, url, Kind(kind), *rest))
    taken: dict[int, list[Waiting]] = {}
    for host, rows in found.items():
        if rows and at_most > 0:
            taken[host] = rows[:at_most]
            at_most -= len(taken[host])
    leased = [row.row for rows in taken.values() for row in rows]
    if not leased:
        return {}
    connection.execute(
        update(urls).where(urls.c.id.in_(leased)).values(state=State.LEASED, run=run, due_at=now + LEASE_S)
    )
    visited = visits.of_rows(connection, leased)
    if not visited:
        return taken
    return {host: [replace(row, visit=visited.get(row.row)) for row in rows] for host, rows in taken.items()}


_OF_A_HOST = [
    urls.c[name] for name in ("host", "id", "url", "kind", "depth", "expected", "fetches", "source", "parent")
]
_BEST_OF_EACH = union_all(
    *[
        select(
            select(*_OF_A_HOST)
            .where(urls.c.host == bindparam(f"host_{at}"), WAITS, urls.c.expected >= bindparam("worth"))
            .order_by(urls.c.expected.desc(), urls.c.id).limit(bindparam(f"most_{at}", type_=Integer)).subquery()
        )
        for at in range(TOGETHER)
    ]
)  # fmt: skip


def _each(wanted: Sequence[tuple[int, int]], worth: float) -> dict[str, float]:
    """What _BEST_OF_EACH is asked with; of the hosts there is none for, nothing."""
    asked: dict[str, float] = {"worth": worth}
    for at, (host, number) in enumerate([*wanted, *[(0, 0)] * (TOGETHER - len(wanted))]):
        asked[f"host_{at}"], asked[f"most_{at}"] = host, number
    return asked


def anything_left(connection: Connection, *, before: float, max_per_site: int = 0) -> bool:
    """Whether a URL waits at a host that may be asked before `before`, or some process still holds one."""
    open_host = select(hosts.c.id).where(*_open(before, max_per_site)).limit(1)
    held = select(urls.c.id).where(urls.c.state == State.LEASED, MOVES).limit(1)
    return connection.execute(open_host).first() is not None or connection.execute(held).first() is not None
