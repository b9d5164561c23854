"""The sparse half of the likeness: which rare words two texts share.

TF-IDF with a logarithmic count, and a rarity blended from word frequencies and ordinary news.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, KeysView, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipelines.likeness.background import LONGEST_RARITY, Background, Floats, Rows, background, word_hash

CACHED_WORDS = 100_000
# a word of the title says more of what an article is about than one of its text
TITLE = 1.5
# what the bundled figures say of a word counts as much as this many of the crawl's own pages
PRIOR_PAGES = 300.0
# pages in a language from which a crawl's own words can be counted, and the share of them a word must stand in to be
# common there: what fewer hold may be the very subject sought
FEWEST_PAGES = 30
COMMON_SHARE = 0.05
# words of a crawl's surest matches that join the seeds'
LEANT_WORDS = 1_000
# cosine to one seed at which being that seed's copy starts to outweigh the distance from the seeds' middle
COPY_POWER = 8
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
        try:
            return _times(tally, self._known[language])
        except KeyError:
            return _times(tally, self._of(tally.keys(), language))

    def prose(self, weights: Weights, language: str) -> float:
        """The share of common words among a text's different ones, which this has weighed.

        Common in ordinary news: what a crawl's pages all have is common there, but makes no sentence of a list.
        """
        return len(self._common.get(language, set()).intersection(weights)) / max(1, len(weights))

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


class Sparse:
    """The seeds' words: one column of weights for their middle and one for each seed, all of unit length."""

    def __init__(self, words: Sequence[str], columns: Floats) -> None:
        self.words = list(words)
        self.columns = columns
        self._row = {word: row for row, word in enumerate(self.words)}

    @classmethod
    def learn(cls, seeds: Sequence[Weights]) -> Sparse:
        words = sorted(set().union(*seeds))
        row = {word: at for at, word in enumerate(words)}
        columns = np.zeros((len(words), len(seeds) + 1), np.float32)
        for column, weights in enumerate(seeds, start=1):
            length = _length(weights)
            for word, weight in weights.items():
                columns[row[word], column] = weight / length
        # a word that several seeds share says more about the subject than one seed's own
        agreed = np.sqrt((columns[:, 1:] > 0).mean(axis=1))
        middle = columns[:, 1:].mean(axis=1) * agreed
        columns[:, 0] = middle / (np.linalg.norm(middle) or 1)
        return cls(words, columns)

    def leaning(self, weights: Weights, share: float) -> Sparse:
        """The same seeds, but their middle moved towards other words by `share` of both."""
        heaviest = dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:LEANT_WORDS])
        length = _length(heaviest)
        kept = sorted({*self.words, *heaviest})
        row = {word: at for at, word in enumerate(kept)}
        columns = np.zeros((len(kept), self.columns.shape[1]), np.float32)
        columns[[row[word] for word in self.words]] = self.columns
        columns[:, 0] *= 1 - share
        for word, weight in heaviest.items():
            columns[row[word], 0] += share * weight / length
        columns[:, 0] /= np.linalg.norm(columns[:, 0]) or 1
        return Sparse(kept, columns)

    @classmethod
    def side_by_side(cls, texts: Sequence[Weights], most: int) -> Sparse:
        """One column a text, of unit length over all its words; of those the `most` heaviest are kept."""
        heaviest: dict[str, float] = {}
        lengths = [_length(weights) for weights in texts]
        for weights, length in zip(texts, lengths, strict=True):
            for word, weight in weights.items():
                heaviest[word] = max(heaviest.get(word, 0.0), weight / length)
        kept = sorted(sorted(heaviest, key=lambda word: (-heaviest[word], word))[:most])
        columns = [
            [weights.get(word, 0.0) / length for word in kept] for weights, length in zip(texts, lengths, strict=True)
        ]
        return cls(kept, np.array(columns, np.float32).T)

    def cosines(self, weights: Weights) -> list[float]:
        """With the middle and with each seed."""
        row = self._row
        shared = [word for word in weights if word in row]
        if not shared:
            return [0.0] * self.columns.shape[1]
        rows = self.columns.take(np.fromiter(map(row.__getitem__, shared), np.intp, len(shared)), 0)
        told = np.fromiter(map(weights.__getitem__, shared), np.float64, len(shared))
        found: list[float] = (told @ rows / _length(weights)).tolist()
        return found

    def given(self, weights: Weights) -> list[tuple[str, float]]:
        """What each shared word gives to the cosine with the middle."""
        length, middle = _length(weights), self.columns[:, 0]
        shared = [(word, self._row[word]) for word in weights if word in self._row]
        return [(word, weights[word] / length * float(middle[row])) for word, row in shared]

    def against(self, rows: Rows, known: Rarity) -> Floats:
        """The cosines of the background's articles, one row each."""
        found = np.zeros((len(rows.squares), self.columns.shape[1]), np.float32)
        at, article, weights = self._hits(rows, known)
        np.add.at(found, article, weights[:, None] * self.columns[at])
        return found

    def of_rows(self, rows: Rows, known: Rarity) -> Floats:
        """The background's articles in our words: one row each, one column a word."""
        found = np.zeros((len(rows.squares), len(self.words)), np.float32)
        at, article, weights = self._hits(rows, known)
        found[article, at] = weights
        return found

    def _hits(self, rows: Rows, known: Rarity) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
        """Where our words stand in the background: which word, in which article, with what weight there."""
        if not self.words:
            none = np.empty(0, np.intp)
            return none, none, np.empty(0, np.float32)
        hashes = np.fromiter(map(word_hash, self.words), np.uint32, len(self.words))
        order = np.argsort(hashes)
        at = order[np.minimum(np.searchsorted(hashes[order], rows.hashes), len(order) - 1)]
        hit = np.flatnonzero(hashes[at] == rows.hashes)
        article = np.searchsorted(rows.starts, hit, side="right") - 1
        weights = 1 + np.log(rows.counts[hit].astype(np.float32))
        for language in np.unique(rows.languages[article]):
            chosen = rows.languages[article] == language
            weights[chosen] *= known.of_hashes(rows.hashes[hit[chosen]], str(language))
        weights /= np.sqrt(rows.squares[article])
        return at[hit], article, weights


def nearness(cosines: Floats, power: int = COPY_POWER) -> Floats:
    """One closeness in 0..1 from the cosines with the middle (first) and with each seed.

    It is the cosine with the middle, but a copy of a seed is at 1 however far the seeds are apart.
    """
    middle = np.minimum(cosines[..., 0], 1)
    nearest = np.minimum(np.maximum(cosines[..., 1:].max(axis=-1), 0), 1)
    return np.asarray(middle + (1 - middle) * nearest**power, np.float32)


def nearness_of(cosines: Sequence[float], power: int = COPY_POWER) -> float:
    """As `nearness`, of one text."""
    middle = min(cosines[0], 1.0)
    return middle + (1 - middle) * min(max(0.0, *cosines[1:]), 1.0) ** power


def summed(texts: Sequence[Weights], shares: Sequence[float]) -> Weights:
    """The words of several texts, each text at unit length and times its share."""
    found: dict[str, float] = defaultdict(float)
    for weights, share in zip(texts, shares, strict=True):
        length = _length(weights)
        for word, weight in weights.items():
            found[word] += share * weight / length
    return found


def _times(tally: Mapping[str, int], known: Mapping[str, float]) -> Weights:
    """Word -> (1 + ln count) * rarity. KeyError when a rarity is not known."""
    return {
        word: rarity if count == 1 else (1 + math.log(count)) * rarity
        for word, count in tally.items()
        if (rarity := known[word]) > 0
    }


def _length(weights: Weights) -> float:
    return math.hypot(*weights.values()) or 1.0
