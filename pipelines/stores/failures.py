"""Fetches that failed and pages that could not be read: grouped by stage and reason, and put back to be tried again.

The command line and the dashboard mean the same by a failure, and offer another try for the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal_column, or_, select, update

from pipelines import extract
from pipelines.stores import runs
from pipelines.stores.dialect import indexed
from pipelines.stores.discovery import settle_best
from pipelines.stores.hosts import UNBLOCKED
from pipelines.stores.schema import hosts, urls
from pipelines.stores.states import Kind, State
from pipelines.stores.where import whole

# a server may answer with a page the next time; the other reasons to drop a page say what the page is
_NO_ANSWER = "empty"
# nobody's wish, though how a page is read changes with the version of suchlike, not with another try
_NOT_READ = "extraction-error"
# of what was asked, and of what never was: a certificate is renewed, or recorded
_CERTIFICATE = "certificate"
_KILLED = "-killed"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which failures: of this reason, site and run, and that ended so; what is None does not matter.

    None of a blocked site.
    """

    reason: str | None = None
    site: str | None = None
    run: int | None = None
    end: State | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What is true of the rows meant."""
        failed = or_(
            urls.c.state == State.DEAD,
            and_(urls.c.state == State.DROPPED, urls.c.reason.in_((_NO_ANSWER, _NOT_READ))),
            and_(urls.c.state == State.DROPPED, urls.c.reason.like("http-%")),
            and_(urls.c.state.in_((State.DROPPED, State.REFUSED)), urls.c.reason == _CERTIFICATE),
        )
        ended = indexed(urls.c.state > literal_column("1"))
        found: list[ColumnElement[bool]] = [ended, failed, urls.c.kind == int(Kind.PAGE), UNBLOCKED]
        if self.reason is not None:
            found.append(urls.c.reason == self.reason)
        if self.site is not None:
            found.append(
                urls.c.host.in_(select(hosts.c.id).where(or_(hosts.c.site == self.site, hosts.c.name == self.site)))
            )
        if self.run is not None:
            found.append(urls.c.run == whole(self.run))
        if self.end is not None:
            found.append(urls.c.state == self.end)
        return found


def may_help(end: str, reason: str) -> bool:
    """Whether asking again could end otherwise: a server may answer differently, a page hardly says another thing.

    `end` is dead, dropped or refused.
    """
    if end == "dead" or reason == _CERTIFICATE:
        return True
    return end == "dropped" and (reason.startswith("http-") or reason == _NO_ANSWER)


def grouped(connection: Connection, choice: Choice) -> Iterator[dict[str, Any]]:
    """`{stage, reason, fate, number, hosts, example: {url, detail, status}}` a reason, most first."""
    number, on = func.count().label("number"), func.count(urls.c.host.distinct()).label("hosts")
    query = (
        select(urls.c.reason, urls.c.state, number, on, func.min(urls.c.id).label("example"))
        .where(*choice.conditions()).group_by(urls.c.reason, urls.c.state).order_by(func.count().desc(), urls.c.reason)
    )  # fmt: skip
    for row in connection.execute(query).all():
        shown = select(urls.c.url, urls.c.detail, urls.c.status).where(urls.c.id == row.example)
        example = connection.execute(shown).one()
        yield {
            "stage": stage_of(row.reason or ""), "reason": row.reason or "unknown",
            "fate": State(row.state).name.lower(), "number": row.number, "hosts": row.hosts,
            "example": {"url": example.url, "detail": example.detail, "status": example.status},
        }  # fmt: skip


def stage_of(reason: str) -> str:
    """The stage that gives this reason."""
    if reason.endswith(_KILLED):
        return reason.removesuffix(_KILLED)
    return "parse" if reason in extract.REASONS else "fetch"


def retry(connection: Connection, choice: Choice, *, at_most: int | None = None) -> int:
    """Puts them back among what waits, as if never asked, to be fetched anew; returns how many.

    Those of given-up hosts wait, too.
    """
    again = {"state": State.WAITING, "reason": None, "detail": None, "fetches": 0, "attempts": 0, "due_at": 0.0}
    runs.take_turn(connection)
    failed = choice.conditions()
    some = select(urls.c.id).where(*failed).limit(at_most)
    # said twice: what was chosen may be somebody else's by the time it is changed
    moved = update(urls).where(urls.c.id.in_(some), *failed).values(again)
    touched = connection.execute(moved.returning(urls.c.host)).scalars().all()
    settle_best(connection, set(touched))
    return len(touched)
