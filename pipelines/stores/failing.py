"""Pages that did not become articles, by reason: one example of each, and another try where one may help."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, literal_column, select, update

from pipelines.stores.dialect import indexed
from pipelines.stores.discovery import settle_best
from pipelines.stores.hosts import UNBLOCKED
from pipelines.stores.schema import Kind, State, urls

MOST_RETRIED = 10_000
ENDS = {"dead": State.DEAD, "dropped": State.DROPPED, "refused": State.REFUSED}


@dataclass(frozen=True, slots=True)
class Example:
    """The page of a group that was fetched last."""

    row: int
    url: str
    status: int | None
    detail: str | None
    fetched_at: float | None


def example(connection: Connection, run: int, end: str, reason: str) -> Example | None:
    """One of a run's pages that ended so."""
    query = (
        select(urls.c.id, urls.c.url, urls.c.status, urls.c.detail, urls.c.fetched_at)
        .where(*_group(run, end, reason)).order_by(urls.c.fetched_at.desc()).limit(1)
    )  # fmt: skip
    found = connection.execute(query).first()
    return Example(*found) if found else None


def may_help(end: str, reason: str) -> bool:
    """Whether asking again could end otherwise: a server may answer differently, a page hardly says another thing."""
    if end == "dead" or reason == "certificate":
        return True
    return end == "dropped" and (reason.startswith("http-") or reason == "empty")


def retry(connection: Connection, run: int, end: str, reason: str) -> int:
    """Pages of a run that ended so wait again, as if never asked; returns how many. Those of given-up hosts wait, too;
    nothing of a blocked site does.

    At most MOST_RETRIED at a time; none where another try cannot help.
    """
    if not may_help(end, reason):
        return 0
    failed = [*_group(run, end, reason), UNBLOCKED]
    some = select(urls.c.id).where(*failed).limit(MOST_RETRIED)
    again = {"state": State.WAITING, "reason": None, "detail": None, "fetches": 0, "attempts": 0, "due_at": 0.0}
    # said twice: what was chosen may be somebody else's by the time it is changed
    moved = update(urls).where(urls.c.id.in_(some), *failed).values(again)
    touched = connection.execute(moved.returning(urls.c.host)).scalars().all()
    settle_best(connection, set(touched))
    return len(touched)


def _group(run: int, end: str, reason: str) -> list[ColumnElement[bool]]:
    ended = indexed(urls.c.state > literal_column("1"))
    u = urls.c
    return [ended, u.run == run, u.kind == int(Kind.PAGE), u.state == int(ENDS[end]), u.reason == reason]
