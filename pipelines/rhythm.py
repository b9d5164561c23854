"""How often a page is looked at again: sooner when it had changed, later when it had not. Pure.

Halving and doubling find a page's own pace without keeping its history (Cho and Garcia-Molina 2003 estimate the rate
itself, from more visits than a news page lives to see).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.durations import duration_s
from pipelines.sections import Crawl

# the first wait, before anything is known of its pace
FIRST_S = 3600.0
SOONER, LATER = 0.5, 2.0
# of a run's budget that may wait to see whether known articles changed; where there is none, so many
SHARE, MANY = 0.1, 100


@dataclass(frozen=True, slots=True)
class Bounds:
    """The shortest and the longest wait between two visits, and how long an article stays young, in seconds.

    Of articles to be looked at again, at most `articles` wait at a time.
    """

    soonest_s: float
    latest_s: float
    young_s: float
    articles: int

    @classmethod
    def of(cls, crawl: Crawl) -> Bounds:
        """As configured."""
        soonest = duration_s(crawl.revisit_soonest, "crawl.revisit_soonest")
        latest = duration_s(crawl.revisit_latest, "crawl.revisit_latest")
        young = duration_s(crawl.revisions, "crawl.revisions") if crawl.revisions else 0.0
        return cls(soonest, max(soonest, latest), young, max(1, int(crawl.pages * SHARE)) if crawl.pages else MANY)

    def first_s(self) -> float:
        """The wait before the second visit."""
        return self._within(FIRST_S)

    def next_s(self, interval_s: float, *, changed: bool) -> float:
        """The wait after one of `interval_s`, which ended with a look at the page."""
        return self._within(interval_s * (SOONER if changed else LATER))

    def _within(self, interval_s: float) -> float:
        return min(self.latest_s, max(self.soonest_s, interval_s))
