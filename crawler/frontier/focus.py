"""The expected yield of a candidate, learned while the crawl runs: what the frontier is ordered by.

An online logistic regression on the words of anchor, context and URL, and on a few dense cues: what the page that
named it turned out to be, how much of the seeds' vocabulary the anchor and its surroundings hold, how close in meaning
the anchor is, and how the other children of that page did (its hub rate). It starts from weights that make it shark
search (Hersovici et al. 1998) and learns from every page fetched (Adagrad, soft targets: the likeness as a share of
what makes a match). A candidate's logit is the mean over its known in-links, a little more for being named often. What
was estimated early is estimated again soon, and often (Gouriten, Maniu, Senellart 2014 found just that to matter). No
randomness: the same pages in the same order give the same estimates.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from crawler.frontier.linktable import LinkTable
from pipelines import urls as identity
from pipelines.likeness.profile import Profile
from pipelines.likeness.tokens import words
from pipelines.records import Candidate

LIST_EXPECTED = 0.98
START_EXPECTED = 0.95
HASHED = 1 << 18
ANCHOR_WORDS, CONTEXT_WORDS, URL_WORDS = 16, 24, 12
# dense cues: bias, parent's likeness, anchor's cue, context's cue, both first together, anchor's meaning, hub rate
PRIOR = (-3.0, 1.5, 2.5, 1.0, 1.0, 6.0, 2.0)
# anchors whose meaning is remembered: menus say the same on every page
MEANINGS = 4_096
RATE_HASHED, RATE_DENSE = 0.3, 0.1
NAMED_OFTEN = 0.25
HUB_PRIOR, HUB_WEIGHT = 0.05, 3.0
# fetches between two rounds of estimating again: few at first, more as the model settles
SOONEST, LATEST, SHARE = 5, 100, 0.1
# only estimates that may decide anything soon are worth a write
RESCORED = 2_000
MOVED = 0.01
# pages of one URL shape in a row that were unlike: from then on that shape needs evidence of its own
BARREN_AFTER = 40
BARREN_CUE = 0.1


class Focus:
    """Estimates candidates and learns from what was fetched. Keys are `pipelines.urls.key` of their URLs.

    `breadth` turns the estimates off: first found, first fetched.
    """

    def __init__(self, profile: Profile | None, *, breadth: bool = False) -> None:
        self._profile = profile
        self._flat = breadth or profile is None
        self._words = np.zeros(HASHED, np.float32)
        self._steps = np.full(HASHED, 1e-8, np.float32)
        self._dense = np.array(PRIOR, np.float64)
        self._dense_steps = np.full(len(PRIOR), 1e-8)
        self._table = LinkTable(hub_prior=HUB_PRIOR, hub_weight=HUB_WEIGHT)
        self._barren: Counter[str] = Counter()
        self._fetched = self._rescored_at = 0
        if profile is not None:
            self._full = profile.threshold()
            self._meant = lru_cache(MEANINGS)(profile.meant)

    @property
    def judges(self) -> bool:
        """Whether there are seeds to be like."""
        return self._profile is not None

    def expected(self, candidate: Candidate, *, parent: int | None, parent_likeness: float, depth: int) -> float:
        """The chance, 0 to 1, that fetching `candidate` brings a match; it is remembered until it is fetched.

        `parent` is the row of the page that named it and `parent_likeness` that page's quick score.
        """
        if candidate.kind != "page":
            return LIST_EXPECTED
        if candidate.source == "start":
            return START_EXPECTED
        if self._flat:
            return START_EXPECTED / (1.0 + depth)
        key = identity.key(candidate.url)
        self._link(key, candidate, parent, parent_likeness)
        value = _logistic(self._logit(key))
        self._table.estimated(key, value)
        return value

    def again(self, candidate: Candidate, *, parent: int | None, parent_likeness: float) -> None:
        """A candidate still waiting was named by another page."""
        if not self._flat and candidate.kind == "page":
            self._link(identity.key(candidate.url), candidate, parent, parent_likeness, known=True)

    def learn(self, url: str, parent: int | None, likeness: float, *, alike: bool) -> None:
        """The page at `url` was fetched and is `likeness` alike; `alike` when it went on to extraction."""
        template = identity.template_of(url)
        if alike:
            self._barren.pop(template, None)
        else:
            self._barren[template] += 1
        self._fetched += 1
        if self._flat:
            return
        share = self._share(likeness)
        self._step(identity.key(url), share)
        self._table.fetched(identity.key(url))
        if parent is not None:
            self._table.hub(parent, share)

    def barren(self, candidate: Candidate) -> bool:
        """Whether pages of this URL's shape kept being unlike and nothing says that this one differs: a trap."""
        if candidate.kind != "page" or self._barren.get(identity.template_of(candidate.url), 0) < BARREN_AFTER:
            return False
        if self._profile is None:
            return True
        named = f"{candidate.anchor} {candidate.title}"
        return self._profile.cue(named, candidate.context, identity.words_of(candidate.url)) < BARREN_CUE

    def rescored(self) -> list[tuple[int, float]]:
        """`(key, expected)` of waiting candidates whose estimate moved, when it is time to estimate again."""
        pause = max(SOONEST, min(LATEST, int(self._fetched * SHARE)))
        if self._flat or self._fetched - self._rescored_at < pause:
            return []
        self._rescored_at = self._fetched
        return self._table.rescore(self._words, self._dense, NAMED_OFTEN, most=RESCORED, moved=MOVED)

    def _link(
        self, key: int, candidate: Candidate, parent: int | None, parent_likeness: float, *, known: bool = False
    ) -> None:
        assert self._profile is not None
        if known and not self._table.wants(key):
            return
        named = f"{candidate.anchor} {candidate.title}" if candidate.title else candidate.anchor
        of_url = identity.words_of(candidate.url)
        anchor = self._profile.cue(named, "", of_url)
        context = self._profile.cue("", candidate.context, ()) if candidate.context else 0.0
        share = self._share(parent_likeness)
        cues = (share, anchor, context, share * anchor, self._meant(named))
        self._table.add(key, parent, cues, _hashes(named, candidate.context, of_url))

    def _share(self, likeness: float) -> float:
        """A likeness as a share of what makes a match: what few pages reach is worth as much as what many do."""
        return min(1.0, likeness / self._full)

    def _logit(self, key: int) -> float:
        return self._table.logit(key, self._words, self._dense, NAMED_OFTEN)

    def _step(self, key: int, target: float) -> None:
        """One step of Adagrad for each in-link the page was known by, all together weighing one."""
        links = self._table.links_of(key)
        for link in links:
            cues, hashed, norm = self._table.features(link)
            error = (_logistic(self._table.logit_of(link, self._words, self._dense)) - target) / len(links)
            slope = error * cues
            self._dense_steps += slope * slope
            self._dense -= RATE_DENSE * slope / np.sqrt(self._dense_steps)
            if len(hashed):
                slope_words = np.float32(error * norm)
                self._steps[hashed] += slope_words * slope_words
                self._words[hashed] -= RATE_HASHED * slope_words / np.sqrt(self._steps[hashed])


def _hashes(anchor: str, context: str, of_url: Sequence[str]) -> list[int]:
    """The distinct words of a link, each with where it stood, as indices of the hashed weights."""
    found = {hash_of("a", word) for word in words(anchor)[:ANCHOR_WORDS]}
    found |= {hash_of("c", word) for word in words(context)[:CONTEXT_WORDS]}
    found |= {hash_of("u", word) for word in of_url[:URL_WORDS]}
    return sorted(found)


def hash_of(place: str, word: str) -> int:
    """The index of a word at a place; the same in every process."""
    return identity.key(f"{place}:{word}") % HASHED


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))
