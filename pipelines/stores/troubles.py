"""What sites bring, day by day, and which of them are in trouble."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from sqlalchemy import Connection, select, update

from pipelines.sitewatch import Period, Seen, Trouble
from pipelines.stores.dialect import insert_new
from pipelines.stores.schema import articles, facts, runs, troubles

DAY_S = 86400.0
_WATCHED = "sites_watched_at"


@dataclass(frozen=True, slots=True)
class Held:
    """A trouble that was written down; `ended_at` is None while it lasts."""

    id: int
    site: str
    trouble: Trouble
    since: float
    ended_at: float | None


def watch_due(connection: Connection, *, every_s: float, now: float) -> bool:
    """True for the one caller that shall look at all sites now."""
    connection.execute(insert_new(connection, facts).values(name=_WATCHED, value="0"))
    held = connection.execute(select(facts.c.value).where(facts.c.name == _WATCHED)).scalar_one()
    if now - float(held) < every_s:
        return False
    mine = update(facts).where(facts.c.name == _WATCHED, facts.c.value == held).values(value=str(now))
    return connection.execute(mine).rowcount == 1


def crawled_days(connection: Connection, *, since: float) -> list[int]:
    """Days (since 1970) on which a run was at work."""
    query = select(runs.c.started_at, runs.c.seen_at).where(runs.c.seen_at >= since)
    return sorted({
        day for began, seen in connection.execute(query) for day in range(int(began // DAY_S), int(seen // DAY_S) + 1)
    })  # fmt: skip


def seen(connection: Connection, *, since: float) -> Iterator[tuple[str, list[Seen]]]:
    """Each site with its articles fetched after `since`, matches or not."""
    query = (
        select(articles.c.site, articles.c.fetched_at, articles.c.words, articles.c.published, articles.c.authors)
        .where(articles.c.fetched_at >= since).order_by(articles.c.site)
    )  # fmt: skip
    rows = connection.execution_options(yield_per=1000).execute(query)
    for site, held in groupby(rows, key=lambda row: row.site):
        yield (
            site,
            [Seen(int(r.fetched_at // DAY_S), r.words, r.published is not None, r.authors != "[]") for r in held],
        )


def note(connection: Connection, site: str, found: Sequence[Trouble], *, now: float) -> list[int]:
    """Writes down what is wrong with a site; gives the ids of what was not known. What is over is ended."""
    kinds = [trouble.kind for trouble in found]
    over = (troubles.c.site == site, troubles.c.ended_at.is_(None), troubles.c.kind.not_in(kinds))
    connection.execute(update(troubles).where(*over).values(ended_at=now))
    new = []
    for trouble in found:
        before, after = json.dumps(asdict(trouble.before)), json.dumps(asdict(trouble.after))
        row = insert_new(connection, troubles).values(
            site=site, kind=trouble.kind, before=before, after=after, since=now
        )
        made = connection.execute(row.returning(troubles.c.id)).scalar()
        if made is not None:
            new.append(int(made))
    return new


def in_trouble(connection: Connection, *, past: bool = False) -> list[Held]:
    """Sites in trouble, with `past` also those that were; newest first."""
    query = select(troubles).order_by(troubles.c.id.desc())
    return [_held(row) for row in connection.execute(query if past else query.where(troubles.c.ended_at.is_(None)))]


def trouble(connection: Connection, number: int) -> Held | None:
    """The trouble with this id."""
    row = connection.execute(select(troubles).where(troubles.c.id == number)).first()
    return _held(row) if row else None


def _held(row: object) -> Held:
    r = row
    before, after = Period(**json.loads(r.before)), Period(**json.loads(r.after))  # type: ignore[attr-defined]  # a Row
    return Held(r.id, r.site, Trouble(r.kind, before, after), r.since, r.ended_at)  # type: ignore[attr-defined]
