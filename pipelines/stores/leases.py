"""Who owns a host, and for how long: one process at a time, so politeness needs no other lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, case, null, select, update

from pipelines.stores import runs
from pipelines.stores.allotment import LEASE_S, alone
from pipelines.stores.dialect import portions, run_many
from pipelines.stores.discovery import host_ids, settle_best
from pipelines.stores.hosts import later
from pipelines.stores.schema import MOVES, hosts, urls
from pipelines.stores.states import State


def renew(connection: Connection, holder: str, *, now: float) -> frozenset[int]:
    """Says that `holder` lives: its hosts and leased rows stay its own for another LEASE_S. Returns these hosts; who
    was silent for longer may find that others are at them by now."""
    mine = select(hosts.c.id).where(hosts.c.holder == holder)
    connection.execute(
        update(urls).where(urls.c.state == State.LEASED, MOVES, urls.c.host.in_(mine))
        .values(due_at=now + LEASE_S)
    )  # fmt: skip
    kept = update(hosts).where(hosts.c.holder == holder).values(lease_until=now + LEASE_S).returning(hosts.c.id)
    return frozenset(connection.execute(kept).scalars())


def held_by(connection: Connection, holder: str) -> frozenset[int]:
    """The hosts `holder` owns."""
    query = select(hosts.c.id).where(hosts.c.holder == holder, hosts.c.lease_until > 0)
    return frozenset(connection.execute(query).scalars())


def reserve(connection: Connection, name: str, *, until: float, now: float, pace_by: str) -> bool:
    """Lets somebody ask a host he does not own for one file; False when its owner or its pace does not allow it now."""
    host = connection.execute(select(hosts).where(hosts.c.name == name).with_for_update()).first()
    if host is None:
        host_ids(connection, [name])
        host = connection.execute(select(hosts).where(hosts.c.name == name)).one()
    free = [hosts.c.id == host.id, hosts.c.lease_until <= now, hosts.c.next_at <= now]
    if pace_by != "host":
        free += alone(pace_by, now)
    return connection.execute(update(hosts).where(*free).values(next_at=until)).rowcount == 1


_FREE = (
    update(hosts).where(hosts.c.id == bindparam("host"))
    .values(holder=null(), lease_until=0.0, next_at=bindparam("at"))
)  # fmt: skip


def give_back(connection: Connection, given: Mapping[int, tuple[Sequence[int], float]], *, holder: str) -> None:
    """Ends `holder`'s leases. `given`: host -> its URLs that were not fetched, which wait again, and when it may be
    asked next. Nothing happens to hosts that somebody else owns by now."""
    if not given:
        return
    of_his = hosts.c.id.in_(list(given)) & (hosts.c.holder == holder)
    mine = list(connection.execute(select(hosts.c.id).where(of_his).order_by(hosts.c.id).with_for_update()).scalars())
    run_many(connection, _FREE, [{"host": host, "at": given[host][1]} for host in mine])
    _wait_again(connection, [row for host in mine for row in given[host][0]])
    settle_best(connection, mine)


def _wait_again(connection: Connection, rows: Sequence[int]) -> None:
    for some in portions(rows):
        connection.execute(
            update(urls).where(urls.c.id.in_(some), urls.c.state == State.LEASED).values(state=State.WAITING)
        )


def reclaim(connection: Connection, *, now: float, holder: str | None = None) -> int:
    """Frees the hosts and URLs of processes that died (or of `holder`, known dead); returns how many URLs came back.

    The name of the dead stays with its hosts: whoever leases one next knows that it may just have been asked.
    """
    runs.take_turn(connection)
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
            .values(lease_until=0.0, next_at=later(now))
        )  # fmt: skip
        settle_best(connection, [host])
    return len(lost)


def set_back(connection: Connection, seconds: float, *, now: float) -> None:
    """The clock was set back by so much: hosts may be asked again as much earlier, and no lease lasts longer than one
    that begins now, which those who live may have renewed by the new time already."""
    runs.take_turn(connection)
    rests = update(hosts).where(hosts.c.next_at > now + seconds / 2)
    connection.execute(rests.values(next_at=_later_of(hosts.c.next_at - seconds, now)))
    connection.execute(update(hosts).where(hosts.c.lease_until > now + LEASE_S).values(lease_until=now + LEASE_S))
    leased = (urls.c.state == State.LEASED, MOVES, urls.c.due_at > now + LEASE_S)
    connection.execute(update(urls).where(*leased).values(due_at=now + LEASE_S))


def _later_of(moment: ColumnElement[float], now: float) -> ColumnElement[float]:
    return case((moment > now, moment), else_=now)


def any_lost(connection: Connection, *, now: float) -> bool:
    """Whether some process died holding URLs."""
    query = select(urls.c.id).where(
        urls.c.state == State.LEASED, urls.c.due_at <= now, MOVES
    ).limit(1)  # fmt: skip
    return connection.execute(query).first() is not None


def free_leases(connection: Connection, *, now: float, holder: str | None = None) -> None:
    """Ends the leases of hosts whose time is over, or of a `holder` known to be dead."""
    wanted = hosts.c.holder == holder if holder else hosts.c.lease_until <= now
    held = (hosts.c.holder.is_not(None), hosts.c.lease_until > 0)
    connection.execute(update(hosts).where(wanted, *held).values(lease_until=0.0))


def holders(connection: Connection) -> list[str]:
    """The names of those who hold a host."""
    query = select(hosts.c.holder).where(hosts.c.holder.is_not(None), hosts.c.lease_until > 0).distinct()
    return list(connection.execute(query).scalars())
