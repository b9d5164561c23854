"""How fetches end: what a crawler writes down of the rows it has leased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, select, update

from pipelines.stores import bodies
from pipelines.stores.dialect import portions, run_many
from pipelines.stores.discovery import raise_best
from pipelines.stores.schema import DETAIL_CHARS, rhythms, runs, storable, urls
from pipelines.stores.states import Kind, State

MAX_STATUS = 999


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


_END_OF_FETCH = (
    update(urls)
    .where(urls.c.id == bindparam("row"))
    .values(fetches=urls.c.fetches + 1)
    .values({name: bindparam(name) for name in ("status", "reason", "detail", "quick", "fetched_at", "due_at", "run")})
    .values(state=bindparam("state"))
)

# a page that was fetched before is what it was until another look at it has come to an end
_TRIED = (
    update(urls).where(urls.c.id == bindparam("row"))
    .values(fetches=urls.c.fetches + 1, state=bindparam("state"), due_at=bindparam("due_at"), run=bindparam("run"))
)  # fmt: skip


def record(connection: Connection, fetched: Sequence[Fetched], *, run: int, ring_after: float) -> list[int]:
    """Writes down how fetches ended; returns the rows that now wait for the parse stage, rung by `ring_after` (s).

    Only rows still leased are moved: what another process has meanwhile recorded stays. A row put back to
    WAITING keeps its count of fetches, and its host is told that it waits; one that was looked at again keeps what it
    was, too. The run counts the pages that ended.
    """
    kinds: dict[int, int] = {}
    for some in portions([one.row for one in fetched]):
        held = (urls.c.id.in_(some), urls.c.state == State.LEASED)
        query = select(urls.c.id, urls.c.kind).where(*held).order_by(urls.c.id).with_for_update()
        kinds |= {row.id: row.kind for row in connection.execute(query)}
    ended = [one for one in {one.row: one for one in fetched}.values() if one.row in kinds]
    waits = [one.row for one in ended if one.state == State.WAITING]
    looked_at_again = rhythms.c.url.in_(waits) & rhythms.c.was.is_not(None)
    known = set(connection.execute(select(rhythms.c.url).where(looked_at_again)).scalars()) if waits else set()
    run_many(connection, _END_OF_FETCH, [_end(one, run, ring_after) for one in ended if one.row not in known])
    tried = [_end(one, run, ring_after) for one in ended if one.row in known]
    run_many(connection, _TRIED, [{name: end[name] for name in ("row", "state", "due_at", "run")} for end in tried])
    bodies.keep(connection, {one.row: (one.final_url, one.headers, one.body) for one in ended if one.body is not None})
    for one in ended:
        if one.state == State.WAITING:
            _wait_again(connection, one.row)
    # what was taken for a page may be a list
    pages = sum(kinds[one.row] == Kind.PAGE and one.state not in (State.WAITING, State.LISTED) for one in ended)
    if pages:
        connection.execute(update(runs).where(runs.c.id == run).values(pages=runs.c.pages + pages))
    return [one.row for one in ended if one.state == State.FETCHED]


def refuse(connection: Connection, refused: Sequence[tuple[int, str, str]], *, now: float) -> None:
    """Ends leased rows that may not be fetched: `(row, reason, detail)`."""
    for row, reason, detail in refused:
        connection.execute(
            update(urls)
            .where(urls.c.id == row, urls.c.state == State.LEASED)
            .values(state=State.REFUSED, reason=reason, detail=detail[:DETAIL_CHARS] or None, due_at=now)
        )


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


def _wait_again(connection: Connection, row: int) -> None:
    """A row that failed once waits behind its host's others."""
    connection.execute(update(urls).where(urls.c.id == row).values(expected=urls.c.expected * 0.5))
    host, expected = connection.execute(select(urls.c.host, urls.c.expected).where(urls.c.id == row)).one()
    raise_best(connection, {host: expected})
