"""What the next requests should bring: recent yield, and how much poorer what waits becomes.

A crawl's harvest falls as its subject runs dry, so the share of matches so far says too much. What the last pages
brought counts, times how much poorer the next hundred waiting URLs are estimated than the best were when those pages
were chosen; or, where that is less, what is left if the yield goes on falling as it fell of late. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from statistics import fmean

AHEAD = 100
# pages whose yield counts as the present one, and URLs whose estimates go with it
RECENT, NEXT = 50, 25
# pages between whose yields the fall of late is seen, and the matches both are given beforehand, since they are few
LATELY, BEFOREHAND = 30, 2.0
FEWEST = 40
# a forecast every so many pages is held against what comes
KEPT_EVERY = 25


@dataclass(frozen=True, slots=True)
class Promise:
    """After `pages`, the next `requests` were expected to bring `matches`; `came` once they have."""

    pages: int
    requests: int
    matches: float
    came: int | None = None


class Forecast:
    """Told of every look at a run, says what comes next; what it said before can be held against what came."""

    def __init__(self) -> None:
        # at each look: pages, matches, and the mean estimate of the best that waited
        self._points: deque[tuple[int, float, float]] = deque(maxlen=10_000)
        self._kept: deque[Promise] = deque(maxlen=1_000)

    def look(self, pages: int, matches: float, waiting: Sequence[float], *, left: int | None) -> Promise | None:
        """`pages` were fetched and `matches` of them matched; `waiting` are the best AHEAD estimates, best first.

        `left` is what remains of the budget. None while too few pages were fetched, and when nothing comes next.
        """
        held = self._points[-1] if self._points else (-1, 0.0, 0.0)
        if matches < held[1]:  # everything was judged anew: what pages brought before is worth less by the same share
            self._points = deque(((p, m * matches / held[1], best) for p, m, best in self._points), maxlen=10_000)
        if pages > held[0] and waiting:
            self._points.append((pages, matches, sum(waiting[:NEXT]) / len(waiting[:NEXT])))
        requests = min(AHEAD, len(waiting), AHEAD if left is None else left)
        if pages < FEWEST or requests <= 0:
            return None
        before = list(takewhile(lambda point: pages - point[0] < RECENT, reversed(self._points)))
        since = self._points[-len(before) - 1] if len(before) < len(self._points) else (0, 0.0, 0.0)
        yield_ = max(0.0, matches - since[1]) / max(1, pages - since[0])
        # those that wait now were not chosen yet
        bests = [best for at, _, best in (since, *before) if best > 0 and at < pages]
        falls = sum(waiting[:requests]) / requests / fmean(bests) if bests else 0.0
        promise = Promise(pages, requests, min(requests * yield_ * min(1.0, falls), self._going_on(requests)))
        if requests == AHEAD and (not self._kept or pages >= self._kept[-1].pages + KEPT_EVERY):
            self._kept.append(promise)
        return promise

    def _going_on(self, requests: int) -> float:
        """What `requests` bring if the yield falls once more, and again, as it fell between the last two LATELY."""
        pages, matches, _ = self._points[-1]
        lately = min(LATELY, pages // 2)
        middle = self._matches_at(pages - lately)
        now, before = matches - middle, middle - self._matches_at(pages - 2 * lately)
        fall = min(1.0, max(0.0, now + BEFOREHAND) / (max(0.0, before) + BEFOREHAND))
        return requests / lately * max(0.0, now) * (fall + fall * fall) / 2

    def _matches_at(self, pages: float) -> float:
        """The matches that the first `pages` had brought, between two looks by their distance."""
        later = bisect_right(self._points, pages, key=lambda point: point[0])
        p1, m1, _ = self._points[min(later, len(self._points) - 1)]
        p0, m0, _ = self._points[later - 1] if later else (0, 0.0, 0.0)
        return m0 + (m1 - m0) * (pages - p0) / (p1 - p0) if p1 > p0 else m1

    def held_against(self, harvest: Iterable[bool]) -> list[Promise]:
        """What was said every KEPT_EVERY pages, with what came; `harvest` is whether each page, as fetched, matched."""
        if not self._kept:
            return []
        found = [0, *accumulate(harvest)]
        return [
            replace(kept, came=found[kept.pages + kept.requests] - found[kept.pages])
            if kept.pages + kept.requests < len(found)
            else kept
            for kept in self._kept
        ]
