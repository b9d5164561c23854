"""How rare words are: blended from word frequencies and ordinary news, and from what a crawl has seen."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, KeysView, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipelines.likeness.background import LONGEST_RARITY, Background, Floats, background, word_hash

CACHED_WORDS = 100_000
# a word of the title says more of what an article is about than one of its text
TITLE = 1.5
# what the bundled figures say of a word counts as much as this many of the crawl's own pages
PRIOR_PAGES = 300.0
# pages in a language from which a crawl's own words can be counted, and the share of them a word must stand in to be
# common there: what fewer hold may be the very subject sought
FEWEST_PAGES = 30
COMMON_SHARE = 0.05
# less rare are words that more than a quarter of all articles have
COMMON_RARITY = 1.3

Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class CrawlWords:
    """The common words of a crawl in one language: of `pages`, how many hold each, by sorted hash.

    They only make words commoner. A rarity counted afresh from a few hundred pages would be noise for all others.
    """

    pages: float
    hashes: npt.NDArray[np.uint32]
    counts: Floats

    @classmethod
    def of(cls, texts: Sequence[Collection[str]], shares: Sequence[float]) -> CrawlWords:
        """From each page's different words, and how far (0..1) it is an ordinary page.

        Pages like the seeds are left out by their share: in a crawl that goes well they are many, and would make the
        subject's own words look common.
        """
        counted: dict[str, float] = defaultdict(float)
        for text, share in zip(texts, shares, strict=True):
            for word in text:
                counted[word] += share
        pages = float(sum(shares))
        table = {word_hash(word): count for word, count in counted.items() if count >= max(2, COMMON_SHARE * pages)}
        hashes = np.array(sorted(table), np.uint32)
        return cls(pages, hashes, np.array([table[key] for key in hashes.tolist()], np.float32))

    def blend(self, rarity: Floats, hashes: npt.NDArray[np.uint32]) -> Floats:
        """The rarity of words, given what the bundled figures say of it."""
        if not len(self.hashes):
            return rarity
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        share = (PRIOR_PAGES * np.exp(-rarity) + self.counts[at]) / (PRIOR_PAGES + self.pages)
        counted = np.minimum(rarity, -np.log(np.minimum(share, 1)))
        return np.asarray(np.where(self.hashes[at] == hashes, counted, rarity), np.float32)


class Rarity:
    """How rare a word is in a language's ordinary news. Safe to share between threads; remembers words.

    `crawl` (language -> counted words) blends in what a crawl has seen.
    """

    def __init__(self, figures: Background | None = None, crawl: Mapping[str, CrawlWords] | None = None) -> None:
        self._tables = (figures or background()).tables
        self.crawl = crawl or {}
        self._known: dict[str, dict[str, float]] = {}
        self._common: dict[str, set[str]] = {}

    def article(self, title: Collection[str], tally: Mapping[str, int], language: str) -> Weights:
        """As `weigh`, of a whole article's words; those of its title, which are among them, count TITLE times."""
        weights = self._weighed(tally, language)
        for word in set(title) & weights.keys():
            weights[word] *= TITLE
        return weights

    def weigh(self, found: Sequence[str], language: str) -> Weights:
        """Word -> (1 + ln count) * rarity, for the words that weigh anything."""
        return self._weighed(Counter(found), language)

    def _weighed(self, tally: Mapping[str, int], language: str) -> Weights:
        language = self._figured(language)
        try:
            return _times(tally, self._known[language])
        except KeyError:
            return _times(tally, self._of(tally.keys(), language))

    def prose(self, weights: Weights, language: str) -> float:
        """The share of common words among a text's different ones, which this has weighed.

        Common in ordinary news: what a crawl's pages all have is common there, but makes no sentence of a list.
        """
        return len(self._common.get(self._figured(language), set()).intersection(weights)) / max(1, len(weights))

    def _figured(self, language: str) -> str:
        """The language as words are remembered: those without figures of their own are one, for pages name any."""
        return language if language in self._tables or language in self.crawl else ""

    def _of(self, words: KeysView[str], language: str) -> dict[str, float]:
        """Word -> -ln(share of articles that hold it). Holds other words too."""
        known = self._known.setdefault(language, {})
        if len(known) > CACHED_WORDS:
            # replaced, not emptied: another thread may be reading it
            known = self._known[language] = {}
        self._learn(known, [word for word in words if word not in known], language)
        return known

    def _learn(self, known: dict[str, float], words: Sequence[str], language: str) -> None:
        hashes = np.fromiter(map(word_hash, words), np.uint32, len(words))
        ordinary = self._ordinary(hashes, language)
        common = self._common.setdefault(language, set())
        common.update([words[at] for at in np.flatnonzero(ordinary < COMMON_RARITY).tolist()])
        known.update(zip(words, self._blended(ordinary, hashes, language).tolist(), strict=True))

    def of_hashes(self, hashes: npt.NDArray[np.uint32], language: str) -> Floats:
        """-ln(share of articles that hold the word), of each."""
        return self._blended(self._ordinary(hashes, language), hashes, language)

    def _blended(self, ordinary: Floats, hashes: npt.NDArray[np.uint32], language: str) -> Floats:
        return self.crawl[language].blend(ordinary, hashes) if language in self.crawl else ordinary

    def _ordinary(self, hashes: npt.NDArray[np.uint32], language: str) -> Floats:
        """Without a table for the language, a word common in any language is common."""
        tables = self._tables
        chosen = [tables[language]] if language in tables else list(tables.values())
        rarity = np.full(len(hashes), LONGEST_RARITY, np.float32)
        for keys, rarities in chosen:
            at = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
            rarity = np.where(keys[at] == hashes, np.minimum(rarity, rarities[at]), rarity)
        return rarity


@lru_cache(maxsize=1)
def rarity() -> Rarity:
    """The process's one memory of ordinary news' words."""
    return Rarity()


def _times(tally: Mapping[str, int], known: Mapping[str, float]) -> Weights:
    """Word -> (1 + ln count) * rarity. KeyError when a rarity is not known."""
    return {
        word: rarity if count == 1 else (1 + math.log(count)) * rarity
        for word, count in tally.items()
        if (rarity := known[word]) > 0
    }
