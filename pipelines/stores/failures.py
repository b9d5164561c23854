"""Fetches that failed and pages that could not be read: grouped by stage and reason, and put back to be tried again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from pipelines import extract
from pipelines.stores import runs
from pipelines.stores.discovery import settle_best
from pipelines.stores.hosts import UNBLOCKED
from pipelines.stores.schema import Kind, State, hosts, urls
from pipelines.stores.where import whole

# what a page is dropped for that another try may bring; the rest of the drops say what a page is
_DROPS = ("extraction-error",)
# and of what was never asked: a certificate is renewed, or recorded
_REFUSALS = ("certificate",)
_KILLED = "-killed"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which failures: of this reason, this site, this run; what is None does not matter. None of a blocked site."""

    reason: str | None = None
    site: str | None = None
    run: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What is true of the rows meant."""
        failed = or_(
            urls.c.state == State.DEAD,
            and_(urls.c.state == State.DROPPED, or_(urls.c.reason.like("http-%"), urls.c.reason.in_(_DROPS))),
            and_(urls.c.state.in_((State.DROPPED, State.REFUSED)), urls.c.reason.in_(_REFUSALS)),
        )
        found: list[ColumnElement[bool]] = [failed, urls.c.kind == int(Kind.PAGE), UNBLOCKED]
        if self.reason is not None:
            found.append(urls.c.reason == self.reason)
        if self.site is not None:
            found.append(
                urls.c.host.in_(select(hosts.c.id).where(or_(hosts.c.site == self.site, hosts.c.name == self.site)))
            )
        if self.run is not None:
            found.append(urls.c.run == whole(self.run))
        return found


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


def retry(connection: Connection, choice: Choice) -> int:
    """Puts them back among what waits, to be fetched anew; returns how many."""
    again = {"state": State.WAITING, "reason": None, "detail": None, "fetches": 0, "attempts": 0, "due_at": 0.0}
    runs.take_turn(connection)
    # one statement: what is chosen first and changed then may be somebody else's by then
    failed = update(urls).where(*choice.conditions()).values(again)
    touched = connection.execute(failed.returning(urls.c.host)).scalars().all()
    settle_best(connection, set(touched))
    return len(touched)
