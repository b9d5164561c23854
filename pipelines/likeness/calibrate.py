"""From two cosines to a probability: how far both stand out from ordinary news, weighed and shifted.

The weights follow a logistic regression over labelled news, every query weighing the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pipelines.likeness.background import Floats

# the share of pages expected to match before a crawl knows its own
PRIOR = 0.05
NARROWEST_SPREAD = 0.01
# how far, in logits, "strict" and "loose" lie from "auto"
STEP = 1.5


Value = TypeVar("Value", float, Floats)


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and deviation of ordinary news."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> Spread:
        return cls(float(values.mean()), max(float(values.std()), NARROWEST_SPREAD))

    def stand_out(self, value: Value) -> Value:
        """How many deviations above the mean."""
        return (value - self.mean) / self.deviation


@dataclass(frozen=True, slots=True)
class Grain:
    """How fine a likeness is asked for: logit = words * sqrt(max(zt, 0)) + meaning * zd + bias, at even odds.

    The root follows the regression's 1.37 ln(1 + zt) to within .2 up to zt = 18 and rises on where that flattens,
    which parts a subject's articles from those that only share its names.
    """

    name: str
    words: float
    meaning: float
    bias: float

    def parts(self, lexical: float, dense: float, prior: float) -> dict[str, float]:
        """The shares of the logit, from what both halves stand out by and the expected share of matches."""
        return {
            "words": self.words * math.sqrt(max(lexical, 0.0)),
            "meaning": self.meaning * dense,
            "bias": self.bias + logit(prior),
        }

    def logits(self, lexical: Floats, dense: Floats) -> Floats:
        """As the sum of `parts` at even odds, of many texts."""
        logits = self.words * np.sqrt(np.maximum(lexical, 0)) + self.meaning * dense + self.bias
        return np.asarray(logits, np.float32)


GRAINS = {"topic": Grain("topic", 1.0, 0.69, -3.16)}


def logit(probability: float) -> float:
    """The logarithm of the odds."""
    return math.log(probability / (1 - probability))


def logistic(value: float) -> float:
    """The probability of a logit; never overflows."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    odds = math.exp(value)
    return odds / (1 + odds)


def total(parts: dict[str, float]) -> float:
    """The logit the parts add up to."""
    return math.fsum(parts.values())


def percentile(value: float, ordinary: Floats) -> float:
    """The share of ordinary news below a value, 0..100; `ordinary` is sorted."""
    return 100.0 * float(np.searchsorted(ordinary, value)) / max(1, len(ordinary))


def bound(agreement: float | None, prior: float) -> float:
    """The logit from which a page is taken under "auto".

    `agreement` is the middle logit, at even odds, of the seeds each judged by the others; None for a single seed,
    which is met at even odds. From two on, the bound moves a quarter of the way from even odds to the middle seed: up
    when they are about one narrow thing, down (at most one STEP) when they lie apart, for the user has said that
    texts this far apart belong together.
    """
    return 0.0 if agreement is None else max(-STEP, (agreement + logit(prior)) / 4)
