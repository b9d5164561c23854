"""Looks at rows that were fetched before: what to ask their servers with, and how each ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import Connection, select, update

from pipelines.rhythm import Bounds
from pipelines.stores.dialect import portions, run_many, upsert
from pipelines.stores.rhythms import ETAG_CHARS, MODIFIED_CHARS, Sort, keep_known, left_untouched
from pipelines.stores.schema import rhythms, runs, storable, urls
from pipelines.stores.states import IN_STORE, State


class Came(IntEnum):
    """What a visit brought: the very same bytes; a body that was read; a body the stages will compare; nothing now;
    nothing ever again."""

    SAME = 0
    READ = 1
    TAKEN = 2
    FAILED = 3
    GONE = 4


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a row that is looked at again: how it had ended, and what to ask its server with."""

    was: State
    etag: str
    modified: str
    digest: int | None
    reason: str | None
    detail: str | None
    quick: float | None

    @property
    def of_article(self) -> bool:
        """Whether the row holds a stored article."""
        return self.was in IN_STORE


@dataclass(frozen=True, slots=True)
class Visited:
    """How a look at a row ended. `again` when it was not the first, `unmodified` when the server answered 304."""

    row: int
    came: Came
    again: bool
    unmodified: bool = False
    etag: str = ""
    modified: str = ""
    digest: int | None = None


def of_rows(connection: Connection, rows: Sequence[int]) -> dict[int, Visit]:
    """Those of these rows that were fetched before, and are looked at again."""
    query = (
        select(rhythms, urls.c.reason, urls.c.detail, urls.c.quick).join(urls, urls.c.id == rhythms.c.url)
        .where(rhythms.c.url.in_(rows), rhythms.c.was.is_not(None))
    )  # fmt: skip
    return {
        row.url: Visit(State(row.was), row.etag, row.modified, row.digest, row.reason, row.detail, row.quick)
        for row in connection.execute(query)
    }


def note(
    connection: Connection, visited: Sequence[Visited], news: Collection[int | None], bounds: Bounds, *, run: int,
    now: float,
) -> None:  # fmt: skip
    """Writes down how visits ended. `news` are the rows that named a URL nobody knew: those lists have changed."""
    if not visited:
        return
    held: dict[int, float] = {}
    for some in portions([one.row for one in visited]):
        query = select(rhythms.c.url, rhythms.c.interval_s).where(rhythms.c.url.in_(some))
        held |= {row.url: row.interval_s for row in connection.execute(query)}
    ended = [one for one in visited if one.came is not Came.TAKEN]
    if ended:
        statement = upsert(connection, rhythms, ["url"], ["interval_s", "due_at", "etag", "modified", "digest", "was"])
        run_many(connection, statement, [_noted(one, held, one.row in news, bounds, now) for one in ended])
        keep_known(connection, [one.row for one in ended if one.again])
    again = sum(one.again for one in visited)
    if again:
        unmodified = sum(one.unmodified for one in visited)
        connection.execute(
            update(runs).where(runs.c.id == run)
            .values(revisited=runs.c.revisited + again, unmodified=runs.c.unmodified + unmodified)
        )  # fmt: skip


def _noted(one: Visited, held: dict[int, float], changed: bool, bounds: Bounds, now: float) -> dict[str, object]:
    before = held.get(one.row, 0.0)
    interval = bounds.next_s(before, changed=changed) if before else bounds.first_s()
    return {
        "url": one.row,
        "sort": int(Sort.LIST),  # of a row that is new here; what is known stays what it is
        "interval_s": interval,
        "due_at": None if one.came is Came.GONE else now + interval,
        "etag": storable(one.etag)[:ETAG_CHARS],
        "modified": storable(one.modified)[:MODIFIED_CHARS],
        "digest": one.digest,
        "was": None,
    }


def refused(connection: Connection, rows: Sequence[int]) -> None:
    """These rows may not be fetched: those looked at again are left as they were, and left alone."""
    for some in portions(rows):
        woken = update(rhythms).where(rhythms.c.url.in_(some), rhythms.c.was.is_not(None)).values(was=None)
        again = list(connection.execute(woken.returning(rhythms.c.url)).scalars())
        keep_known(connection, again)
        left_untouched(connection, again)
