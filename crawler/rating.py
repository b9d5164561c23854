"""Ratings, and what they change: shown first, done then, and undone as exactly."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from crawler.explaining import row_of
from pipelines import rejudge
from pipelines.errors import UsageError
from pipelines.rejudge import Change
from pipelines.stores import Connection, Store, articles, editions, ratings, runs
from pipelines.stores.runs import Run
from workers import build
from workers.drain import drain
from workers.inline import Inline


@dataclass(frozen=True, slots=True)
class Rated:
    """What was rated (URLs), how (1, -1, 0 for taken back), and what enters and leaves the matches by it."""

    urls: tuple[str, ...]
    verdict: int
    applied: bool
    changes: tuple[Change, ...]

    @property
    def entered(self) -> int:
        """How many articles match that did not."""
        return sum(change.enters for change in self.changes)

    @property
    def left(self) -> int:
        """How many articles no longer match."""
        return len(self.changes) - self.entered


def rate(
    store: Store, what: Sequence[str], verdict: int, *, preview: bool, profile: str | None = None
) -> Rated:  # fmt: skip
    """Says that URLs, or places in the list, are like the seeds (1) or not (-1). UsageError for one never judged.

    The seeds are those of `profile`, or of whichever judged last.
    """
    run, family = _latest(store, profile)
    rows: dict[int, str] = {}
    with store.read() as connection:
        for one in what:
            row = row_of(connection, one)
            article = articles.one(connection, row)
            if article is None:
                raise UsageError(
                    f"{one} was never judged, so a rating of it teaches nothing; `suchlike show` says why."
                )
            rows[row] = article["url"]

    def said(connection: Connection) -> None:
        for row in rows:
            ratings.add(connection, family, row, verdict, now=time.time())

    while True:
        with store.read() as connection:
            standing = ratings.standing(connection, family)
        verdicts = standing | dict.fromkeys(rows, verdict)
        learned, edition = rejudge.learn_again(store, run.id, anew=False, verdicts=verdicts)
        changes = tuple(rejudge.changes(store, run.id, learned, family, verdicts))
        if preview or _apply(store, run, edition, said, standing):
            return Rated(tuple(rows.values()), verdict, not preview, changes)


def take_back(store: Store, *, preview: bool = False, profile: str | None = None) -> Rated:
    """Undoes the last rating, and what it changed. UsageError when there is none."""
    run, family = _latest(store, profile)
    with store.read() as connection:
        last = ratings.last(connection, family)
        if last is None:
            raise UsageError("Nothing is rated; `suchlike rate` lists what could be.")
        rating, row = last
        article = articles.one(connection, row)
    said = partial(ratings.take_back, rating=rating, now=time.time())
    while True:
        with store.read() as connection:
            standing = ratings.standing(connection, family)
            left = ratings.standing(connection, family, but=rating)
        learned, edition = rejudge.learn_again(store, run.id, anew=False, verdicts=left)
        changes = tuple(rejudge.changes(store, run.id, learned, family, left))
        if preview or _apply(store, run, edition, said, standing):
            return Rated((article["url"],) if article else (), 0, not preview, changes)


def unlearn(store: Store, rows: Sequence[int]) -> None:
    """What was learned from ratings of these articles is learned again without them, and kept in no edition any more.

    A profile holds the titles and words of what was rated, and every article the title of the one it is most like.
    """
    gone = set(rows)
    with store.read() as connection:
        rated = ratings.first_of(connection, rows)
    for family, since in rated.items():
        with store.read() as connection:
            number = editions.last_of(connection, family)
            standing = ratings.standing(connection, family)
            run = runs.get(connection, number) if number else None
        if run is not None:
            left = {row: verdict for row, verdict in standing.items() if row not in gone}
            _, edition = rejudge.learn_again(store, run.id, anew=False, verdicts=left)
            _apply(store, run, edition, partial(editions.replace, family=family, since=since, name=edition.name))


def rated_and_next(store: Store, limit: int, *, profile: str | None = None) -> dict[str, Any]:
    """What was rated, and so many articles that are best rated next."""
    with store.read() as connection:
        held = editions.get(connection, rejudge.judged_last(connection, profile).profile)
        best = ratings.to_rate(connection, held.family, limit, seeds=len(held.seeds))
        return {"rated": ratings.listed(connection, held.family), "next": best}


def _latest(store: Store, profile: str | None) -> tuple[Run, str]:
    with store.read() as connection:
        run = rejudge.judged_last(connection, profile)
        return run, editions.get(connection, run.profile).family


def _apply(
    store: Store, run: Run, edition: editions.Edition, said: rejudge.Said, standing: Mapping[int, int] | None = None
) -> bool:  # fmt: skip
    """Judges everything by an edition, and says that it did; see rejudge.adopt."""
    if not rejudge.adopt(store, run.id, edition, said, standing=standing):
        return False
    rejudge.catch_up(store, run.id)
    with contextlib.closing(Inline(build.stages(store, run.config))) as sender:
        drain(store, sender)
    return True


def learn_on(store: Store, run: int, stop: Callable[[], bool] = lambda: False, *, last: bool = False) -> bool:
    """Learns again if enough was judged, or rated, to learn from; tells whether anything was judged anew.

    `last` says that the crawl is over.
    """
    with store.read() as connection:
        held = editions.get(connection, runs.get(connection, run).profile)
        judged = editions.count(connection, held.family)
        rated = ratings.standing(connection, held.family)
    due = rejudge.due(judged, held.judged, last=last)
    while due or rated:
        _, edition = rejudge.learn_again(store, run, anew=due, verdicts=rated)
        if edition.name == held.name or rejudge.adopt(store, run, edition, standing=rated):
            break
        with store.read() as connection:  # somebody has rated something meanwhile
            rated = ratings.standing(connection, held.family)
    return rejudge.catch_up(store, run, stop) > 0
