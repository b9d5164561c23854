"""What the next requests should bring: recent yield, and how much poorer what waits becomes.

A crawl's harvest falls as its subject runs dry, so the share of matches so far says too much. The yield of the last
pages, times how the estimates of the best waiting URLs fall off (the mean of the next hundred over that of the next
few), missed by 3.4 matches in 100 requests on a recorded web where 5.8 came and the harvest so far missed by 10.8
(docs/focus.md). Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

AHEAD = 100
# pages whose yield counts as the present one, and URLs whose estimates go with it
RECENT, NEXT = 50, 25
FEWEST = 40


@dataclass(frozen=True, slots=True)
class Promise:
    """After `pages`, the next `requests` were expected to bring `matches`; `came` once they have."""

    pages: int
    requests: int
    matches: float
    came: int | None = None


class Forecast:
    """Told of every look at a run, says what comes next, and keeps account of what it said before."""

    def __init__(self) -> None:
        self._points: deque[tuple[int, float]] = deque(maxlen=10_000)
        self.kept: list[Promise] = []

    def look(self, pages: int, matches: int, waiting: Sequence[float], *, left: int | None) -> Promise | None:
        """`pages` have ended and `matches` of them matched; `waiting` are the best AHEAD estimates, best first.

        `left` is what remains of the budget. None while too few pages have ended, and when nothing comes next.
        """
        held = self._points[-1] if self._points else (-1, 0.0)
        if matches < held[1]:  # everything was judged anew: what pages brought before is worth less by the same share
            self._points = deque(((p, m * matches / held[1]) for p, m in self._points), maxlen=10_000)
        if pages > held[0]:
            self._points.append((pages, matches))
            self._settle(pages, matches)
        requests = min(AHEAD, len(waiting), AHEAD if left is None else left)
        if pages < FEWEST or requests <= 0:
            return None
        since = next((point for point in reversed(self._points) if pages - point[0] >= RECENT), (0, 0.0))
        yield_ = (matches - since[1]) / max(1, pages - since[0])
        best = sum(waiting[:NEXT]) / len(waiting[:NEXT])
        falls = sum(waiting[:requests]) / requests / best if best > 0 else 0.0
        promise = Promise(pages, requests, requests * yield_ * min(1.0, falls))
        if requests == AHEAD and (not self.kept or pages >= self.kept[-1].pages + AHEAD):
            self.kept.append(promise)
        return promise

    def _settle(self, pages: int, matches: int) -> None:
        """What was promised AHEAD pages ago has come or not."""
        for at, kept in enumerate(self.kept):
            if kept.came is None and pages >= kept.pages + kept.requests:
                before = max(came for when, came in self._points if when <= kept.pages)
                self.kept[at] = Promise(kept.pages, kept.requests, kept.matches, round(matches - before))
