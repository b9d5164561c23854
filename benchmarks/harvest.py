"""How many of a subject's pages a crawl finds within its budget, by order of the frontier, on a recorded web.

    python benchmarks/harvest.py --web pages.jsonl.gz [--subject NAME]… [--seeds 3] [--pages 460]
        [--order focus]… [--start seeds|off] [--settings RATE_HASHED=0.6]…

Each line of the web is a page: `url, title, text, links: [{url, anchor, context}], labels`. A subject's seeds are the
texts of some of its pages; the crawl starts at them (`seeds`) or at five pages of no or other subjects (`off`), and
judges pages by their likeness alone: labels are only looked at in the end. The frontier is in memory, with no hosts and
no politeness; the estimates are crawler.frontier.focus's own, so is the pace at which they are renewed.

Prints recall after 50, 100, 200 and 460 pages, averaged over subjects and draws. What a seed's page holds is known, so
it counts neither as found nor as to be found when the crawl starts elsewhere.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.frontier import focus as focus_settings
from crawler.frontier.focus import Focus
from pipelines import urls as identity
from pipelines.likeness.profile import Profile
from pipelines.likeness.tokens import words
from pipelines.records import Candidate

CUTS = (50, 100, 200, 460)
ORDERS = ("focus", "shark", "best-first", "breadth")
STARTS = ("seeds", "off")
OFF_PAGES = 5
# shark search (Hersovici et al. 1998): what a page inherits, what of it counts, anchor against context
DECAY, INHERITED, ANCHOR = 0.5, 0.5, 0.8


@dataclass(frozen=True, slots=True)
class Recorded:
    """One page of the web."""

    url: str
    row: int
    title: str
    text: str
    links: tuple[Candidate, ...]
    labels: frozenset[str]


Web = dict[str, Recorded]
Judge = Callable[[Recorded], float]


def read(path: Path) -> Web:
    """The pages by URL, their links only to each other."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        pages = [json.loads(line) for line in lines]
    known = {page["url"] for page in pages}
    return {
        page["url"]: Recorded(
            page["url"], row, page["title"], page["text"],
            tuple(Candidate(link["url"], "links", anchor=link["anchor"], context=link["context"])
                  for link in page["links"] if link["url"] in known),
            frozenset(page.get("labels") or ()),
        )
        for row, page in enumerate(pages, 1)
    }  # fmt: skip


class Focused:
    """The learned order: crawler.frontier.focus as the spider uses it."""

    def __init__(self, profile: Profile) -> None:
        self._focus = Focus(profile)
        self._gate = profile.gate
        self._url_of: dict[int, str] = {}
        self._value: dict[str, float] = {}
        self._parent: dict[str, int] = {}
        self._heap: list[tuple[float, int, str]] = []

    def named(self, link: Candidate, parent: Recorded | None, likeness: float) -> None:
        """A page names a candidate."""
        row = parent.row if parent else None
        if link.url in self._parent:
            self._focus.again([link], parent=row, parent_likeness=likeness)
            return
        self._parent[link.url] = row or 0
        self._url_of[identity.key(link.url)] = link.url
        self._put(link.url, self._focus.expected([link], parent=row, parent_likeness=likeness, depth=1)[0])

    def _put(self, url: str, value: float) -> None:
        self._value[url] = value
        heapq.heappush(self._heap, (-value, len(self._value), url))

    def next(self) -> str | None:
        """The URL to fetch."""
        for key, value in self._focus.rescored():
            self._put(self._url_of[key], value)
        while self._heap:
            value, _, url = heapq.heappop(self._heap)
            if self._value.get(url) == -value:
                del self._value[url]
                return url
        return None

    def fetched(self, page: Recorded, likeness: float) -> None:
        """It came back."""
        self._focus.learn(page.url, self._parent.get(page.url) or None, likeness, alike=likeness >= self._gate)


class Fixed:
    """The orders that do not learn. A candidate is worth what its best in-link is worth."""

    def __init__(self, profile: Profile, order: str) -> None:
        self._profile, self._order = profile, order
        self._value: dict[str, float] = {}
        self._inherited: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._number = 0

    def named(self, link: Candidate, parent: Recorded | None, likeness: float) -> None:
        """A page names a candidate."""
        value = self._worth(link, parent, likeness)
        self._number += 1
        if value > self._value.get(link.url, -1e9):
            self._value[link.url] = value
            heapq.heappush(self._heap, (-value, self._number, link.url))

    def _worth(self, link: Candidate, parent: Recorded | None, likeness: float) -> float:
        if self._order == "breadth":
            return -float(self._number) if link.url not in self._value else -1e9
        if self._order == "best-first":
            return likeness
        passed = likeness if likeness > self._profile.gate else self._inherited.get(parent.url if parent else "", 0.0)
        inherited = self._inherited[link.url] = max(DECAY * passed, self._inherited.get(link.url, 0.0))
        anchor = self._profile.cue({*words(link.anchor), *identity.words_of(link.url)}, ())
        around = 1.0 if anchor > 0 else self._profile.cue((), words(link.context))
        return INHERITED * inherited + (1 - INHERITED) * (ANCHOR * anchor + (1 - ANCHOR) * around)

    def next(self) -> str | None:
        """The URL to fetch."""
        while self._heap:
            value, _, url = heapq.heappop(self._heap)
            if self._value.get(url) == -value:
                return url
        return None

    def fetched(self, page: Recorded, likeness: float) -> None:
        """It came back; nothing is learned."""


def crawl(web: Web, order: Focused | Fixed, starts: list[str], judge: Judge, pages: int) -> list[str]:
    """The URLs fetched, in order."""
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
        for link in page.links:
            if link.url not in seen:
                order.named(link, page, likeness)
    return fetched


def draws(
    web: Web, subjects: list[str], seeds: int, number: int
) -> Iterator[tuple[str, list[Recorded], random.Random]]:
    """Each subject with its seeds, `number` times."""
    for subject in subjects:
        members = [page for page in web.values() if subject in page.labels]
        for draw in range(number):
            chance = random.Random(f"{subject}/{draw}")
            yield subject, chance.sample(members, seeds), chance


def judged_by(profile: Profile) -> Judge:
    """Likeness as the crawler's gate sees it, each page once."""
    known: dict[str, float] = {}

    def judge(page: Recorded) -> float:
        if page.url not in known:
            words = " ".join(identity.words_of(page.url))
            known[page.url] = profile.quick(f"{page.title}\n{page.text}\n{words}", "en")
        return known[page.url]

    return judge


def recalls(web: Web, fetched: list[str], subject: str, known: frozenset[str]) -> list[float]:
    """The share of the subject's pages found within each cut."""
    wanted = {page.url for page in web.values() if subject in page.labels} - known
    hits = np.cumsum([url in wanted for url in fetched])
    return [float(hits[min(cut, len(hits)) - 1]) / len(wanted) for cut in CUTS]


def main() -> None:
    """Runs and prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--web", type=Path, required=True)
    options.add_argument("--subject", action="append", help="may be repeated; default: the first --subjects of all")
    options.add_argument("--subjects", type=int, default=10)
    options.add_argument("--skip", type=int, default=0, help="subjects to pass over, to check on others")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--draws", type=int, default=1)
    options.add_argument("--pages", type=int, default=CUTS[-1])
    options.add_argument("--order", action="append", choices=ORDERS)
    options.add_argument("--start", action="append", choices=STARTS)
    options.add_argument(
        "--settings", action="append", default=[], help="a constant of crawler.frontier.focus, NAME=JSON"
    )
    chosen = options.parse_args()
    for setting in chosen.settings:
        name, _, value = setting.partition("=")
        setattr(focus_settings, name, json.loads(value))
    web = read(chosen.web)
    every = sorted({label for page in web.values() for label in page.labels})
    # every second or third of the alphabet, so that neighbours in it do not go together
    spread = [label for step in range(3) for label in every[step::3]]
    subjects = chosen.subject or spread[chosen.skip : chosen.skip + chosen.subjects]
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    spent: dict[str, float] = defaultdict(float)
    for subject, seeds, chance in draws(web, subjects, chosen.seeds, chosen.draws):
        profile = Profile.learn([(page.url, page.title, page.text, "en") for page in seeds])
        judge = judged_by(profile)
        elsewhere = chance.sample([page.url for page in web.values() if subject not in page.labels], OFF_PAGES)
        for start in chosen.start or STARTS:
            starts = [page.url for page in seeds] if start == "seeds" else elsewhere
            known = frozenset() if start == "seeds" else frozenset(page.url for page in seeds)
            for name in chosen.order or ORDERS:
                order = Focused(profile) if name == "focus" else Fixed(profile, name)
                began = time.process_time()
                fetched = crawl(web, order, starts, judge, chosen.pages)
                spent[name] += time.process_time() - began
                found[start, name].append(recalls(web, fetched, subject, known))
    print(f"{len(subjects)} subjects, {chosen.seeds} seeds, {chosen.draws} draws: recall after {CUTS} pages")
    for (start, name), rows in found.items():
        cells = "  ".join(f"{value:.3f}" for value in np.mean(rows, axis=0))
        print(f"{start:<6} {name:<11} {cells}   {1000 * spent[name] / len(rows) / chosen.pages:.1f} ms/page")


if __name__ == "__main__":
    main()
