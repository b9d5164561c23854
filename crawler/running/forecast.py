"""What the next requests should bring: recent yield, and how much poorer what waits becomes.

A crawl's harvest falls as its subject runs dry, so the share of matches so far says too much. What the last pages
brought counts, times how much poorer the next hundred waiting URLs are estimated than the best were when those pages
were chosen. In docs/focus.md it is held against what came. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from statistics import fmean

AHEAD = 100
# pages whose yield counts as the present one, and URLs whose estimates go with it
RECENT, NEXT = 50, 25
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
        promise = Promise(pages, requests, requests * yield_ * min(1.0, falls))
        if requests == AHEAD and (not self._kept or pages >= self._kept[-1].pages + KEPT_EVERY):
            self._kept.append(promise)
        return promise

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
