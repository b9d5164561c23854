"""The ledger: one row for every URL ever discovered, and the moves that take it to its end.

A move is compare-and-swap on state and attempt (counted a stage), so doing it twice is doing it once, and a worker
that was taken for dead cannot overwrite what its successor did (fencing).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, not_, null, or_, select, true, update

from pipelines.records import Page
from pipelines.stores.bodies import readable
from pipelines.stores.dialect import portions
from pipelines.stores.schema import DETAIL_CHARS, MOVES, bodies, urls
from pipelines.stores.states import IN_FLIGHT, State

# a row that a stage began so often and never moved on is not begun again, however many jobs still name it; so many,
# since what ends processes from outside may meet the same row some times over
MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Taken:
    """A row a stage may work on: only the holder of this `attempt`, made in `state`, may move it.

    `hint` is the date a feed or sitemap gave the page, as found.
    """

    page: Page
    state: State
    attempt: int
    run: int
    hint: str = ""


def addresses(connection: Connection, rows: Sequence[int]) -> dict[int, str]:
    """The URLs of these rows."""
    found: dict[int, str] = {}
    for some in portions(rows):
        query = select(urls.c.id, urls.c.url).where(urls.c.id.in_(some))
        found |= {row.id: row.url for row in connection.execute(query)}
    return found


def take(
    connection: Connection,
    state: State,
    rows: Sequence[int],
    *,
    now: float,
    lease_s: float,
    by: str | None = None,
    bodies_too: bool = True,
) -> list[Taken]:
    """Rows of `rows` that wait in `state`, with their bodies. Their attempt is counted before any work is done.

    A row that had MAX_ATTEMPTS is not among them, nor one that another process holds, whose name was its `by`. Nor is
    one whose body cannot be read: it ends as those do that end their process, and keeps no other from being taken.
    """
    held = and_(urls.c.attempts > 0, urls.c.worker.is_not(None), urls.c.due_at > now)
    counted = connection.execute(
        update(urls).where(urls.c.id.in_(rows), urls.c.state == state, urls.c.attempts < MAX_ATTEMPTS, not_(held))
        .values(attempts=urls.c.attempts + 1, due_at=now + lease_s, worker=by).returning(urls.c.id)
    ).scalars().all()  # fmt: skip
    body = bodies.c.body if bodies_too else null().label("body")
    query = (
        select(urls, bodies.c.final_url, bodies.c.headers, bodies.c.archived, body)
        .outerjoin(bodies, bodies.c.url == urls.c.id)
        .where(urls.c.id.in_(counted))
        .order_by(urls.c.id)
    )
    return [taken for row in connection.execute(query) if (taken := _taken(row, state, now))]


def _taken(row: Any, state: State, now: float) -> Taken | None:
    body = readable(row.id, row.body) if row.body else b""
    if body is None:
        return None
    page = Page(
        row=row.id,
        url=row.url,
        final_url=row.final_url or row.url,
        status=row.status or 200,
        headers=json.loads(row.headers or "{}"),
        fetched_at=row.fetched_at or now,
        body=body,
        quick=row.quick or 0.0,
        archived=bool(row.archived),
    )
    return Taken(page, state, attempt=row.attempts, run=row.run or 0, hint=row.published)


def move(
    connection: Connection,
    row: int,
    state: State,
    attempt: int,
    *,
    to: State,
    reason: str | None = None,
    detail: str = "",
    ring_after: float = 0.0,
) -> bool:
    """Moves a row that is still in flight in `state` on this attempt; False when it is no longer ours.

    Attempts are counted a stage, so they begin again at the next one.
    """
    its = {"its_state": to, "its_reason": reason, "its_detail": detail[:DETAIL_CHARS] or None, "due": ring_after}
    return connection.execute(_MOVE, {"row": row, "was": state, "on": attempt, **its}).rowcount == 1


# made once: that costs more than running it
_MOVE = (
    update(urls)
    .where(urls.c.id == bindparam("row"), urls.c.attempts == bindparam("on"), urls.c.state == bindparam("was"))
    .where(urls.c.state.in_(IN_FLIGHT))
    .values(state=bindparam("its_state"), reason=bindparam("its_reason"), detail=bindparam("its_detail"), attempts=0,
            due_at=bindparam("due"), worker=null())
)  # fmt: skip


def move_all(
    connection: Connection, taken: Sequence[Taken], *, to: State, reason: str | None = None, ring_after: float = 0.0
) -> set[int]:  # fmt: skip
    """The same for rows that go the same way: gives those that were still ours."""
    alike: dict[tuple[State, int], list[int]] = {}
    for one in taken:
        alike.setdefault((one.state, one.attempt), []).append(one.page.row)
    moved: set[int] = set()
    for (state, attempt), rows in alike.items():
        held = (urls.c.id.in_(rows), urls.c.attempts == attempt, urls.c.state == state, urls.c.state.in_(IN_FLIGHT))
        its = {"state": to, "reason": reason, "detail": None, "attempts": 0, "due_at": ring_after, "worker": None}
        moved |= set(connection.execute(update(urls).where(*held).values(its).returning(urls.c.id)).scalars())
    return moved


def release(connection: Connection, rows: Sequence[int], *, now: float, by: str | None = None) -> None:
    """Ends the lease a stage holds on rows it could not finish, so that they are rung again at once; where it was that
    of the process `by`, what others are at by now stays theirs."""
    its = _not_of_others(by)
    connection.execute(
        update(urls).where(urls.c.id.in_(rows), urls.c.state.in_(IN_FLIGHT), its).values(due_at=now, worker=None)
    )


def workers(connection: Connection) -> list[str]:
    """The names of the processes that are at rows."""
    found: set[str] = set()
    for state in IN_FLIGHT:
        query = select(urls.c.worker).where(urls.c.state == state, MOVES, urls.c.worker.is_not(None)).distinct()
        found |= set(connection.execute(query).scalars())
    return sorted(found)


def free(connection: Connection, worker: str, *, now: float) -> None:
    """The process of this name is dead: what it was at is rung again at once."""
    for state in IN_FLIGHT:
        its = (urls.c.state == state, MOVES, urls.c.worker == worker)
        connection.execute(update(urls).where(*its).values(due_at=now, worker=None))


def begin_not(
    connection: Connection, rows: Sequence[int], *, state: State, until: float, by: str | None = None
) -> None:  # fmt: skip
    """The stage of this state could not work at all, for want of room or of a database: that attempt does not count
    against its rows, which are rung again after `until`; see release for `by`."""
    begun = (urls.c.state == state, urls.c.attempts > 0, _not_of_others(by))
    connection.execute(
        update(urls).where(urls.c.id.in_(rows), *begun).values(attempts=urls.c.attempts - 1, due_at=until, worker=None)
    )


def renew(connection: Connection, rows: Sequence[int], *, until: float, by: str | None = None) -> None:
    """A stage is still at these rows; those that ended their attempt meanwhile keep what they have, as do those that
    another process than `by` is at."""
    begun = (urls.c.state.in_(IN_FLIGHT), urls.c.attempts > 0, urls.c.due_at < until, _not_of_others(by))
    connection.execute(update(urls).where(urls.c.id.in_(rows), *begun).values(due_at=until))


def _not_of_others(by: str | None) -> ColumnElement[bool]:
    return true() if by is None else or_(urls.c.worker.is_(None), urls.c.worker == by)


def due_by(connection: Connection, moment: float) -> None:
    """No row in flight is due later than this."""
    for state in IN_FLIGHT:
        late = (urls.c.state == state, MOVES, urls.c.due_at > moment)
        connection.execute(update(urls).where(*late).values(due_at=moment))


def overdue(
    connection: Connection, state: State, *, now: float, limit: int, begun: bool = False
) -> list[tuple[int, int]]:
    """`(row, attempts)` of rows in `state` whose lease ran out, oldest first; of all, or of those that were `begun`."""
    query = (
        select(urls.c.id, urls.c.attempts)
        .where(urls.c.state == state, urls.c.due_at <= now, MOVES, urls.c.attempts >= int(begun))
        .order_by(urls.c.due_at, urls.c.id)
        .limit(limit)
    )
    return [(row, attempts) for row, attempts in connection.execute(query)]


def postpone(connection: Connection, rows: Sequence[int], *, until: float) -> None:
    """The doorbell was rung for these rows, which nobody is at; it is not rung again before `until`. One that was taken
    just now has a longer lease, and keeps it."""
    rung = (urls.c.state.in_(IN_FLIGHT), urls.c.due_at < until)
    connection.execute(update(urls).where(urls.c.id.in_(rows), *rung).values(due_at=until, worker=None))


def known(connection: Connection) -> int:
    """How many URLs were ever discovered."""
    return connection.execute(select(func.count()).select_from(urls)).scalar() or 0


def in_flight(connection: Connection) -> dict[State, int]:
    """How many rows wait for or are in each stage."""
    query = select(urls.c.state, func.count()).where(MOVES).group_by(urls.c.state)
    counts = {State(state): number for state, number in connection.execute(query)}
    return {state: counts.get(state, 0) for state in IN_FLIGHT}


def oldest(connection: Connection) -> dict[State, float]:
    """When the page that waits longest for each stage was fetched; stages nothing waits for are left out."""
    query = select(urls.c.state, func.min(urls.c.fetched_at)).where(MOVES).group_by(urls.c.state)
    return {State(state): at for state, at in connection.execute(query) if at is not None}


def attempts_of(connection: Connection, rows: Sequence[int]) -> list[tuple[int, int]]:
    """`(row, attempts)` of these rows."""
    query = select(urls.c.id, urls.c.attempts).where(urls.c.id.in_(rows))
    return [(row, attempts) for row, attempts in connection.execute(query)]


def runs_of(connection: Connection, rows: Sequence[int]) -> list[int]:
    """The runs these rows belong to."""
    return [run or 0 for run in connection.execute(select(urls.c.run).where(urls.c.id.in_(rows)).distinct()).scalars()]


def unrung(connection: Connection, *, now: float) -> None:
    """Every row that waits for its stage and that nobody is at is due: whoever was rung for it has forgotten, or is not
    there any more."""
    for state in IN_FLIGHT:
        waits = (urls.c.state == state, MOVES, urls.c.worker.is_(None), urls.c.due_at > now)
        connection.execute(update(urls).where(*waits).values(due_at=now))
