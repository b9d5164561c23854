"""What tells one event's reports from those of its look-alikes: how they open, and the numbers they name.

News says first what happened, so openings of one event share more than the texts do; and two floods share their words,
but not their dates, heights and counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.likeness.lexical import COPY_POWER, Sparse
from pipelines.likeness.rarity import Rarity, Weights
from pipelines.likeness.read import Reading
from pipelines.likeness.tokens import CHAR_LIMIT

# words of the seeds' openings that are kept
MOST_WORDS = 4_000
MOST_NUMBERS = 1_000
_NUMBER = re.compile(r"\d(?:[\d.,]*\d)?")

Numbers = frozenset[str]


@dataclass(frozen=True, slots=True)
class Details:
    """Of the seeds: a column of weighted words for each opening, and the numbers each names."""

    openings: Sparse
    numbers: tuple[Numbers, ...]

    @classmethod
    def of(cls, seeds: Sequence[Reading], known: Rarity) -> Details:
        """Read from the seeds."""
        openings = Sparse.side_by_side([opening_of(seed, known) for seed in seeds], MOST_WORDS)
        return cls(openings, tuple(numbers_of(seed) for seed in seeds))

    def closeness(self, article: Reading, known: Rarity, nearest: float) -> tuple[float, float]:
        """Of the opening and of the numbers, in 0..1, to the seed nearest in each.

        `nearest` is the cosine of the words with the nearest seed: a copy of a seed that names no number is as close
        in numbers as can be.
        """
        openings = self.openings.cosines(opening_of(article, known))
        named = numbers_of(article) if any(self.numbers) else frozenset()
        numbers = max((alike(named, its) for its in self.numbers), default=0.0)
        return min(1.0, max(openings)), numbers + (1 - numbers) * min(1.0, max(0.0, nearest)) ** COPY_POWER


def opening_of(article: Reading, known: Rarity) -> Weights:
    """The weighted words of a title and the first words under it."""
    return known.weigh(article.opening, article.text.language)


def numbers_of(article: Reading) -> Numbers:
    """The different numbers of a text, as they are written."""
    found = frozenset(_NUMBER.findall(f"{article.text.title}\n{article.text.text}"[:CHAR_LIMIT]))
    return found if len(found) <= MOST_NUMBERS else frozenset(sorted(found)[:MOST_NUMBERS])


def alike(one: Numbers, other: Numbers) -> float:
    """The cosine of two sets."""
    return len(one & other) / float(np.sqrt(len(one) * len(other))) if one and other else 0.0
