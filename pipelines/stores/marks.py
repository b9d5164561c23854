"""Where a run stood as it went on: so many pages had ended, so many matched. What harvest curves are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipelines.stores.dialect import upsert
from pipelines.stores.schema import marks

# the next mark is set after so many pages, or after this share of what has ended: a curve of a few hundred points
STEP, SHARE = 5, 200
MOST = 5_000


@dataclass(frozen=True, slots=True)
class Mark:
    """After `pages` had ended, `matches` of them matched; `at` in seconds since 1970."""

    pages: int
    matches: int
    at: float


def due(pages: int, last: int) -> bool:
    """Whether a run that stood at `last` pages when it was marked is to be marked at `pages`."""
    return pages - last >= max(STEP, pages // SHARE)


def note(connection: Connection, run: int, pages: int, matches: int, *, now: float) -> None:
    """Marks where a run stands."""
    mark = upsert(connection, marks, ["run", "pages"], ["matches", "at"])
    connection.execute(mark.values(run=run, pages=pages, matches=matches, at=now))


def curve(connection: Connection, run: int) -> list[Mark]:
    """The marks of a run, in order; at most MOST."""
    query = select(marks.c.pages, marks.c.matches, marks.c.at).where(marks.c.run == run)
    return [Mark(*row) for row in connection.execute(query.order_by(marks.c.pages).limit(MOST))]
