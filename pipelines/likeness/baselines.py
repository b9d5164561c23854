"""The plain rankings a likeness has to beat: TF-IDF and BM25, with figures of the evaluated collection itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

# the usual ones (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009)
K1 = 1.2
B = 0.75


class Collection:
    """The words of every article, weighed both ways once; then each query costs one pass over them."""

    def __init__(self, articles: Sequence[Sequence[str]]) -> None:
        known: dict[str, int] = {}
        tallies = [Counter(words) for words in articles]
        self._size = len(articles)
        self._article = np.repeat(np.arange(self._size), [len(tally) for tally in tallies])
        listed = [known.setdefault(word, len(known)) for tally in tallies for word in tally]
        self._word = np.array(listed, np.intp)
        self._count = np.array([count for tally in tallies for count in tally.values()], np.float64)
        holding = np.bincount(self._word, minlength=len(known)).astype(np.float64)
        self._bm25 = self._okapi(holding)
        self._tfidf = self._unit((1 + np.log(self._count)) * np.log(self._size / holding)[self._word])

    def bm25(self, seeds: Sequence[int]) -> Numbers:
        """Okapi's score of each article; the query is every word of the articles at `seeds`, as often as they use it.

        A word in n of N articles weighs ln(1 + (N - n + .5) / (n + .5)).
        """
        return self._against(seeds, self._count, self._bm25)

    def tfidf(self, seeds: Sequence[int]) -> Numbers:
        """The cosine of each article with the middle of those at `seeds`, but for its length; weights are
        (1 + ln count) * ln(N / n)."""
        return self._against(seeds, self._tfidf, self._tfidf)

    def _against(self, seeds: Sequence[int], asked: Numbers, weights: Numbers) -> Numbers:
        chosen = np.isin(self._article, list(seeds))
        query = np.bincount(self._word[chosen], asked[chosen], minlength=int(self._word.max(initial=-1)) + 1)
        found = np.bincount(self._article, weights * query[self._word], minlength=self._size)
        return np.asarray(found, np.float64)

    def _okapi(self, holding: Numbers) -> Numbers:
        rarity = np.log(1 + (self._size - holding + 0.5) / (holding + 0.5))
        lengths = np.bincount(self._article, self._count, minlength=self._size)
        long = 1 - B + B * lengths / lengths.mean()
        return np.asarray(rarity[self._word] * self._count * (K1 + 1) / (self._count + K1 * long[self._article]))

    def _unit(self, weights: Numbers) -> Numbers:
        lengths = np.sqrt(np.bincount(self._article, weights * weights, minlength=self._size))
        return np.asarray(weights / np.where(lengths > 0, lengths, 1)[self._article])
