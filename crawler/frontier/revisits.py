"""Asking for a page again: only for what has changed, and what its answer means. Pure."""

from __future__ import annotations

from pipelines import urls as identity
from pipelines.stores.allotment import Waiting
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State
from pipelines.stores.visits import Came, Visited

_GONE = (404, 410)


def conditions(row: Waiting) -> dict[str, str]:
    """The headers by which a server may answer 304 (RFC 9110, 13.1)."""
    asked = {}
    if row.visit is not None and row.visit.etag:
        asked["If-None-Match"] = row.visit.etag
    if row.visit is not None and row.visit.modified:
        asked["If-Modified-Since"] = row.visit.modified
    return asked


def is_same(row: Waiting, status: int, body: bytes) -> bool:
    """Whether an answer says, or shows, that nothing has changed since the last visit."""
    if row.visit is None:
        return False
    return status == 304 or (status == 200 and row.visit.digest == identity.digest(body))


def same(row: Waiting, status: int, now: float) -> Fetched:
    """The row of a page that has not changed: as it was."""
    assert row.visit is not None
    was = row.visit
    return Fetched(row.row, was.was, status, was.reason, was.detail, was.quick, fetched_at=now)


def counts(row: Waiting, fetched: Fetched) -> bool:
    """Whether a fetch that ended so is a beat of some rhythm: of a list, a starting point or a page known before."""
    known = row.visit is not None or row.source == "start" or fetched.state == State.LISTED
    return known and fetched.state != State.WAITING


def visited(row: Waiting, fetched: Fetched, headers: dict[str, str], body: bytes) -> Visited:
    """What a fetch that ended so means for the row's rhythm; `headers` and `body` are the answer's."""
    etag, modified, again = headers.get("etag", ""), headers.get("last-modified", ""), row.visit is not None
    if row.visit is not None and is_same(row, fetched.status or 0, body):
        etag, modified = etag or row.visit.etag, modified or row.visit.modified
        return Visited(row.row, Came.SAME, again, fetched.status == 304, etag, modified, row.visit.digest)
    if row.visit is not None and row.visit.of_article and fetched.state == State.FETCHED:
        return Visited(row.row, Came.TAKEN, again)
    if fetched.status in _GONE:
        return Visited(row.row, Came.GONE, again)
    if fetched.status != 200:
        return Visited(row.row, Came.FAILED, again)
    return Visited(row.row, Came.READ, again, False, etag, modified, identity.digest(body))
