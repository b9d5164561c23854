"""Orders in which a crawl may fetch, in memory: ours, breadth-first, best-first by parent, shark search, random."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from benchmarks.recorded_web import Recorded, Web
from crawler.frontier.focus import Focus
from pipelines import urls as identity
from pipelines.likeness.profile import Profile
from pipelines.likeness.tokens import words
from pipelines.records import Candidate

# shark search (Hersovici et al. 1998): what a page inherits, what of it counts, anchor against context
DECAY, INHERITED, ANCHOR = 0.5, 0.5, 0.8

Judge = Callable[[Recorded], float]


class Order(Protocol):
    """Says what comes next. A page's fetch is told before the links it names."""

    def named(self, links: Sequence[Candidate], parent: Recorded, likeness: float) -> None:
        """A page names candidates."""

    def next(self) -> str | None:
        """The URL to fetch; it may be one that was fetched before."""

    def fetched(self, page: Recorded, likeness: float) -> None:
        """It came back."""


class Focused:
    """The learned order: crawler.frontier.focus as the spider uses it."""

    def __init__(self, profile: Profile) -> None:
        self._focus = Focus(profile)
        self._gate = profile.gate
        self._url_of: dict[int, str] = {}
        self._value: dict[str, float] = {}
        self._parent: dict[str, int] = {}
        self._depth: dict[str, int] = {}
        self._heap: list[tuple[float, int, str]] = []

    def named(self, links: Sequence[Candidate], parent: Recorded, likeness: float) -> None:
        """As in the spider: known candidates once more, new ones with an estimate."""
        known = [link for link in links if link.url in self._parent]
        new = [link for link in links if link.url not in self._parent]
        depth = self._focus.next_depth(self._depth.get(parent.url, 0), alike=likeness >= self._gate)
        worth = self._focus.expected(new, parent=parent.row, parent_likeness=likeness, depth=depth, known=known)
        for link, value in zip(new, worth, strict=True):
            self._parent[link.url], self._depth[link.url] = parent.row, depth
            self._url_of[identity.key(link.url)] = link.url
            self._put(link.url, value)

    def _put(self, url: str, value: float) -> None:
        self._value[url] = value
        heapq.heappush(self._heap, (-value, len(self._value), url))

    def next(self) -> str | None:
        """The best of what waits."""
        for key, value in self._focus.rescored():
            self._put(self._url_of[key], value)
        while self._heap:
            value, _, url = heapq.heappop(self._heap)
            if self._value.get(url) == -value:
                del self._value[url]
                return url
        return None

    def fetched(self, page: Recorded, likeness: float) -> None:
        """What it turned out to be is learned."""
        self._focus.learn(page.url, self._parent.get(page.url) or None, likeness, alike=likeness >= self._gate)


class Fixed:
    """The orders that do not learn. A candidate is worth what its best in-link is worth."""

    def __init__(self, profile: Profile, order: str) -> None:
        self._profile, self._order = profile, order
        self._chance = random.Random(1)
        self._value: dict[str, float] = {}
        self._inherited: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._number = 0

    def named(self, links: Sequence[Candidate], parent: Recorded, likeness: float) -> None:
        """Each is worth at least what this link makes it worth."""
        for link in links:
            value = self._worth(link, parent, likeness)
            self._number += 1
            if value > self._value.get(link.url, -1e9):
                self._value[link.url] = value
                heapq.heappush(self._heap, (-value, self._number, link.url))

    def _worth(self, link: Candidate, parent: Recorded, likeness: float) -> float:
        if self._order in ("breadth", "random"):
            if link.url in self._value:
                return -1e9
            return -float(self._number) if self._order == "breadth" else self._chance.random()
        if self._order == "best-first":
            return likeness
        passed = likeness if likeness > self._profile.gate else self._inherited.get(parent.url, 0.0)
        inherited = self._inherited[link.url] = max(DECAY * passed, self._inherited.get(link.url, 0.0))
        anchor = self._profile.cue({*words(link.anchor), *identity.words_of(link.url)}, ())
        around = 1.0 if anchor > 0 else self._profile.cue((), words(link.context))
        return INHERITED * inherited + (1 - INHERITED) * (ANCHOR * anchor + (1 - ANCHOR) * around)

    def next(self) -> str | None:
        """The best of what waits."""
        while self._heap:
            value, _, url = heapq.heappop(self._heap)
            if self._value.get(url) == -value:
                return url
        return None

    def fetched(self, page: Recorded, likeness: float) -> None:
        """Nothing is learned."""


def simulate(web: Web, order: Order, starts: Sequence[str], judge: Judge, pages: int) -> list[str]:
    """The URLs fetched, in order, by a crawl without hosts and delays."""
    seen: set[str] = set()
    fetched: list[str] = []
    while len(fetched) < pages:
        url = starts[len(fetched)] if len(fetched) < len(starts) else order.next()
        if url is None:
            break
        if url in seen:
            continue
        page = web[url]
        seen.add(url)
        fetched.append(url)
        likeness = judge(page)
        order.fetched(page, likeness)
        order.named([link for link in page.links if link.url not in seen], page, likeness)
    return fetched
