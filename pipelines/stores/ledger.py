"""The ledger: one row for every URL ever discovered, and the moves that take it to its end.

A move is compare-and-swap on state and attempt, so doing it twice is doing it once, and a worker that was
taken for dead cannot overwrite what its successor did (fencing).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import zstandard
from sqlalchemy import Connection, bindparam, case, func, null, select, update

from pipelines import urls as identity
from pipelines.records import Candidate, Page
from pipelines.stores.dialect import insert_new, run_many, upsert
from pipelines.stores.schema import (
    IN_FLIGHT,
    MOVES,
    WAITS,
    Kind,
    State,
    bodies,
    hosts,
    runs,
    storable,
    urls,
)

ANCHOR_CHARS = 200
CONTEXT_CHARS = 160
DETAIL_CHARS = 500
_KIND = {"page": Kind.PAGE, "feed": Kind.FEED, "sitemap": Kind.SITEMAP}
# a row that a stage began so often and never moved on is not begun again, however many jobs still name it
MAX_ATTEMPTS = 5
MAX_BODY_BYTES = 64 * 1024 * 1024
# of one statement; SQLite takes 32,766
MAX_PARAMETERS = 5_000
MAX_STATUS = 999


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate with what the frontier thinks of it. `parent` is the row of the page that named it."""

    candidate: Candidate
    expected: float
    depth: int = 0
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """How one fetch ended. `body` is kept only where a stage or the archive still needs it."""

    row: int
    state: State
    status: int | None = None
    reason: str | None = None
    detail: str | None = None
    quick: float | None = None
    final_url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    fetched_at: float = 0.0
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A row a stage may work on: only the holder of this `attempt` may move it."""

    page: Page
    attempt: int
    run: int


def discover(connection: Connection, found: Sequence[Found], *, run: int, now: float) -> list[Found]:
    """Adds rows for the URLs not yet known; returns these. Known ones stay as they are."""
    if not found:
        return []
    keyed = {identity.key(one.candidate.url): one for one in found}
    for at in range(0, len(found), MAX_PARAMETERS):
        some = urls.c.key.in_([identity.key(one.candidate.url) for one in found[at : at + MAX_PARAMETERS]])
        for known in connection.execute(select(urls.c.key).where(some)).scalars():
            del keyed[known]
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


def rescore(connection: Connection, scored: Sequence[tuple[int, float]]) -> None:
    """New estimates for waiting rows, by URL key; their hosts' best follows."""
    if not scored:
        return
    run_many(
        connection,
        update(urls).where(urls.c.key == bindparam("of"), WAITS).values(expected=bindparam("new")),
        [{"of": key, "new": value} for key, value in scored],
    )
    touched: set[int] = set()
    for at in range(0, len(scored), MAX_PARAMETERS):
        keys = [key for key, _ in scored[at : at + MAX_PARAMETERS]]
        touched |= set(connection.execute(select(urls.c.host).where(urls.c.key.in_(keys)).distinct()).scalars())
    settle_best(connection, touched)


def settle_best(connection: Connection, ids: Iterable[int]) -> None:
    """Looks anew for the best that waits at each of these hosts."""
    best = select(func.max(urls.c.expected)).where(urls.c.host == hosts.c.id, WAITS).scalar_subquery()
    ordered = sorted(ids)
    for at in range(0, len(ordered), MAX_PARAMETERS):
        some = hosts.c.id.in_(ordered[at : at + MAX_PARAMETERS])
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
    for at in range(0, len(wanted), MAX_PARAMETERS):
        some = hosts.c.name.in_(wanted[at : at + MAX_PARAMETERS])
        ids |= {row.name: row.id for row in connection.execute(select(hosts.c.name, hosts.c.id).where(some))}
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


_END_OF_FETCH = (
    update(urls)
    .where(urls.c.id == bindparam("row"))
    .values(fetches=urls.c.fetches + 1)
    .values({name: bindparam(name) for name in ("status", "reason", "detail", "quick", "fetched_at", "due_at", "run")})
    .values(state=bindparam("state"))
)


def record(connection: Connection, fetched: Sequence[Fetched], *, run: int, ring_after: float) -> list[int]:
    """Writes down how fetches ended; returns the rows that now wait for the parse stage.

    Only rows still leased are moved: what another process has meanwhile recorded stays. A row put back to
    WAITING keeps its count of fetches, and its host is told that it waits. The run counts the pages that ended.
    """
    kinds: dict[int, int] = {}
    for at in range(0, len(fetched), MAX_PARAMETERS):
        held = urls.c.id.in_([one.row for one in fetched[at : at + MAX_PARAMETERS]]) & (urls.c.state == State.LEASED)
        query = select(urls.c.id, urls.c.kind).where(held).order_by(urls.c.id).with_for_update()
        kinds |= {row.id: row.kind for row in connection.execute(query)}
    ended = [one for one in {one.row: one for one in fetched}.values() if one.row in kinds]
    run_many(connection, _END_OF_FETCH, [_end(one, run, ring_after) for one in ended])
    _keep_bodies(connection, [one for one in ended if one.body is not None])
    for one in ended:
        if one.state == State.WAITING:
            _wait_again(connection, one.row)
    pages = sum(kinds[one.row] == Kind.PAGE and one.state != State.WAITING for one in ended)
    if pages:
        connection.execute(update(runs).where(runs.c.id == run).values(pages=runs.c.pages + pages))
    return [one.row for one in ended if one.state == State.FETCHED]


def _end(one: Fetched, run: int, ring_after: float) -> dict[str, object]:
    return {
        "row": one.row,
        "state": int(one.state),
        "status": None if one.status is None else min(max(one.status, 0), MAX_STATUS),
        "reason": storable(one.reason)[:40] if one.reason else None,
        "detail": storable((one.detail or "")[:DETAIL_CHARS]) or None,
        "quick": one.quick,
        "fetched_at": one.fetched_at or None,
        "due_at": ring_after,
        "run": run,
    }


def refuse(connection: Connection, refused: Sequence[tuple[int, str, str]], *, now: float) -> None:
    """Ends leased rows that may not be fetched: `(row, reason, detail)`."""
    for row, reason, detail in refused:
        connection.execute(
            update(urls)
            .where(urls.c.id == row, urls.c.state == State.LEASED)
            .values(state=State.REFUSED, reason=reason, detail=detail[:DETAIL_CHARS] or None, due_at=now)
        )


def _wait_again(connection: Connection, row: int) -> None:
    """A row that failed once waits behind its host's others."""
    connection.execute(update(urls).where(urls.c.id == row).values(expected=urls.c.expected * 0.5))
    host, expected = connection.execute(select(urls.c.host, urls.c.expected).where(urls.c.id == row)).one()
    raise_best(connection, {host: expected})


def _keep_bodies(connection: Connection, fetched: Sequence[Fetched]) -> None:
    """Stores bodies, compressed, until the store stage has archived them; those of earlier fetches give way."""
    pack = zstandard.ZstdCompressor(level=1).compress
    rows = [
        {"url": one.row, "final_url": storable(one.final_url), "headers": json.dumps(one.headers),
         "body": pack(one.body or b"")}
        for one in fetched
    ]  # fmt: skip
    run_many(connection, upsert(connection, bodies, ["url"], ["final_url", "headers", "body"]), rows)


def take(
    connection: Connection,
    state: State,
    rows: Sequence[int],
    *,
    now: float,
    lease_s: float,
    bodies_too: bool = True,
) -> list[Taken]:
    """Rows of `rows` that wait in `state`, with their bodies. Their attempt is counted before any work is done.

    A row that had MAX_ATTEMPTS is not among them.
    """
    counted = connection.execute(
        update(urls).where(urls.c.id.in_(rows), urls.c.state == state, urls.c.attempts < MAX_ATTEMPTS)
        .values(attempts=urls.c.attempts + 1, due_at=now + lease_s).returning(urls.c.id)
    ).scalars().all()  # fmt: skip
    body = bodies.c.body if bodies_too else null().label("body")
    query = (
        select(urls, bodies.c.final_url, bodies.c.headers, body)
        .outerjoin(bodies, bodies.c.url == urls.c.id)
        .where(urls.c.id.in_(counted))
        .order_by(urls.c.id)
    )
    return [
        Taken(
            page=Page(
                row=row.id,
                url=row.url,
                final_url=row.final_url or row.url,
                status=row.status or 200,
                headers=json.loads(row.headers or "{}"),
                fetched_at=row.fetched_at or now,
                body=unpack(row.body) if row.body else b"",
                quick=row.quick or 0.0,
            ),
            attempt=row.attempts,
            run=row.run or 0,
        )
        for row in connection.execute(query)
    ]


def unpack(body: bytes) -> bytes:
    """A stored body as it was fetched."""
    return zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_BODY_BYTES)


def move(
    connection: Connection,
    row: int,
    attempt: int,
    *,
    to: State,
    reason: str | None = None,
    detail: str = "",
    ring_after: float = 0.0,
) -> bool:
    """Moves a row that is still in flight on this attempt; False when it is no longer ours.

    Attempts are counted a stage, so they begin again at the next one.
    """
    done = connection.execute(
        update(urls)
        .where(urls.c.id == row, urls.c.attempts == attempt, urls.c.state.in_(IN_FLIGHT))
        .values(state=to, reason=reason, detail=detail[:DETAIL_CHARS] or None, attempts=0, due_at=ring_after)
    )
    return done.rowcount == 1


def release(connection: Connection, rows: Sequence[int], *, now: float) -> None:
    """Ends the lease a stage holds on rows it could not finish, so that they are rung again at once."""
    connection.execute(update(urls).where(urls.c.id.in_(rows), urls.c.state.in_(IN_FLIGHT)).values(due_at=now))


def overdue(connection: Connection, state: State, *, now: float, limit: int) -> list[tuple[int, int]]:
    """`(row, attempts)` of rows in `state` whose lease ran out, oldest first."""
    query = (
        select(urls.c.id, urls.c.attempts)
        .where(urls.c.state == state, urls.c.due_at <= now, MOVES)
        .order_by(urls.c.due_at, urls.c.id)
        .limit(limit)
    )
    return [(row, attempts) for row, attempts in connection.execute(query)]


def postpone(connection: Connection, rows: Sequence[int], *, until: float) -> None:
    """The doorbell was rung for these rows; it is not rung again before `until`."""
    connection.execute(update(urls).where(urls.c.id.in_(rows), urls.c.state.in_(IN_FLIGHT)).values(due_at=until))


def in_flight(connection: Connection) -> dict[State, int]:
    """How many rows wait for or are in each stage."""
    query = select(urls.c.state, func.count()).where(MOVES).group_by(urls.c.state)
    counts = {State(state): number for state, number in connection.execute(query)}
    return {state: counts.get(state, 0) for state in IN_FLIGHT}


def attempts_of(connection: Connection, rows: Sequence[int]) -> list[tuple[int, int]]:
    """`(row, attempts)` of these rows."""
    query = select(urls.c.id, urls.c.attempts).where(urls.c.id.in_(rows))
    return [(row, attempts) for row, attempts in connection.execute(query)]


def runs_of(connection: Connection, rows: Sequence[int]) -> list[int]:
    """The runs these rows belong to."""
    return [run or 0 for run in connection.execute(select(urls.c.run).where(urls.c.id.in_(rows)).distinct()).scalars()]


def make_due(connection: Connection, *, now: float) -> None:
    """Every row in flight is rung at the next reconciliation: for whoever starts when nobody else works."""
    flying = (urls.c.state.in_(IN_FLIGHT), MOVES)
    connection.execute(update(urls).where(*flying, urls.c.due_at > now).values(due_at=now))
