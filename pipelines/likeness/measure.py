"""What a text is measured by: the seeds' words and vectors, and how ordinary news fares against them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from pipelines.likeness.background import Floats
from pipelines.likeness.calibrate import Spread, Weighing
from pipelines.likeness.lexical import Sparse, Weights, nearness
from pipelines.likeness.read import Reader

Spreads = dict[str, tuple[Spread, Spread]]

# In running text at least this share of the different words are common ones, those that a quarter of all articles have;
# of 6,900 articles, nearly all in these languages, about 1 in 100 has fewer. Lists of key words have hardly any.
PROSE, COMMON_RARITY = 0.04, 1.3
PROSE_LANGUAGES = frozenset(("ar", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "uk"))
# being a copy of a seed is told from being like one by a power of the cosine; dense cosines are all high
DENSE_COPY_POWER = 32


@dataclass(frozen=True, slots=True)
class Closeness:
    """How close a text is: to the seeds as a whole in both halves, to each seed, and by which words."""

    lexical: float
    dense: float
    seeds: Floats
    words: list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Measure:
    """What any text is measured by.

    `vectors`: the seeds' middle, then each seed. `spreads`: language -> how ordinary news in it fares in the sparse and
    in the dense half; "" for languages without figures. `full_words`, `prose`: how many different words, and what share
    of common ones, a text needs for its cosines to be taken at their word. `ordinary`: the sorted logits of news in the
    seeds' languages.
    `days`: when the seeds that say so were published, as ordinals.
    """

    reader: Reader
    sparse: Sparse
    vectors: Floats
    spreads: Spreads
    full_words: int
    prose: float
    ordinary: Floats
    weighing: Weighing
    days: tuple[int, ...] = ()

    def closeness(self, weights: Weights, vector: Floats, language: str) -> Closeness:
        """Of a text's weighted words and its vector (centred, of unit length)."""
        # few words give a cosine by chance, and key words without a sentence to get one: they have only part of it
        trust = min(1.0, (len(weights) / self.full_words) ** 0.5)
        if self.prose and language in PROSE_LANGUAGES:
            trust *= min(1.0, prose_of(weights) / self.prose) ** 2
        sparse, given = self.sparse.cosines(weights)
        sparse, dense = sparse * trust, self.vectors @ vector * trust
        seeds = (np.clip(sparse[1:], 0, 1) + np.clip(dense[1:], 0, 1)) / 2
        return Closeness(float(nearness(sparse)), float(nearness(dense, DENSE_COPY_POWER)), seeds, given)

    def parts(self, close: Closeness, language: str) -> dict[str, float]:
        """The shares of the logit at even odds, against ordinary news of the text's language."""
        in_words, in_meaning = self.spreads.get(language, self.spreads[""])
        return self.weighing.parts(in_words.stand_out(close.lexical), in_meaning.stand_out(close.dense))

    def apart(self, published: date | None) -> int | None:
        """The days between a text and the seed nearest in time; None where either does not say."""
        if published is None or not self.days:
            return None
        return min(abs(published.toordinal() - day) for day in self.days)


def prose_of(weights: Weights) -> float:
    """The share of common words among a text's different words."""
    return sum(weight < COMMON_RARITY for weight in weights.values()) / max(1, len(weights))
