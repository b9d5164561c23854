"""The sparse half of the likeness: which rare words two texts share.

TF-IDF with a logarithmic count; how rare a word is, `rarity` says.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.likeness.background import Floats, Rows, word_hash
from pipelines.likeness.rarity import Rarity, Weights

# words of a crawl's surest matches that join the seeds'
LEANT_WORDS = 1_000
# cosine to one seed at which being that seed's copy starts to outweigh the distance from the seeds' middle
COPY_POWER = 8


class Sparse:
    """The seeds' words: one column of weights for their middle and one for each seed, all of unit length."""

    def __init__(self, words: Sequence[str], columns: Floats) -> None:
        self.words = list(words)
        self.columns = columns
        self._row = {word: row for row, word in enumerate(self.words)}

    @classmethod
    def learn(cls, seeds: Sequence[Weights]) -> Sparse:
        """From what each seed's words weigh."""
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


def _length(weights: Weights) -> float:
    return math.hypot(*weights.values()) or 1.0
