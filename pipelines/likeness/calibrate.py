"""From two cosines to a probability: how far both stand out from ordinary news, weighed and shifted.

The weights are those of logistic regressions over labelled news, every query weighing the same; made by
benchmarks/make_grains.py, which names the sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pipelines.likeness.background import Floats

# in bundled news, and among a crawl's pages, which are of fewer kinds
NARROWEST_SPREAD, NARROWEST_IN_CRAWL = 0.01, 0.03
# the bundled news weighs as much as this many of a crawl's own pages, in spreads and in the share of matches
BUNDLED_PAGES = 100.0
LOWEST_PRIOR, HIGHEST_PRIOR = 0.005, 0.5
# how far, in logits, "strict" and "loose" lie from "auto"
STEP = 1.5
# days after which nearness in time speaks against one story rather than for it, in the unit ln(1 + days)
EVEN_DAYS = math.log(8)
# logits from the bound at which a gap between pages counts 1/e of one at it
REACH_FADES = 4.0

Value = TypeVar("Value", float, Floats)


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and deviation of ordinary news."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> Spread:
        return cls(float(values.mean()), max(float(values.std()), NARROWEST_SPREAD))

    def blended(self, values: Floats, shares: Floats) -> Spread:
        """With a crawl's own pages, each counting by how far (0..1) it is an ordinary one."""
        total = BUNDLED_PAGES + float(shares.sum())
        mean = (BUNDLED_PAGES * self.mean + float(shares @ values)) / total
        around = BUNDLED_PAGES * (self.deviation**2 + (self.mean - mean) ** 2) + float(shares @ (values - mean) ** 2)
        return Spread(mean, max(math.sqrt(around / total), NARROWEST_IN_CRAWL))

    def stand_out(self, value: Value) -> Value:
        """How many deviations above the mean."""
        return (value - self.mean) / self.deviation


@dataclass(frozen=True, slots=True)
class Weighing:
    """logit = words * sqrt(max(zt, 0)) + meaning * zd + bias, at even odds.

    The root rises on where a logarithm flattens, which parts a subject's articles from those that share its names.
    For stories, opening * sqrt(o) + numbers * sqrt(n) more, from how close a text's details are.
    """

    words: float
    meaning: float
    bias: float
    opening: float = 0.0
    numbers: float = 0.0

    def parts(self, lexical: float, dense: float) -> dict[str, float]:
        """The shares of the logit, from what both halves stand out by."""
        return {
            "words": self.words * math.sqrt(max(lexical, 0.0)),
            "meaning": self.meaning * dense,
            "bias": self.bias,
        }

    def details(self, opening: float, numbers: float) -> dict[str, float]:
        """The shares of the logit, from how close (0..1) both are."""
        return {"opening": self.opening * math.sqrt(opening), "numbers": self.numbers * math.sqrt(numbers)}

    def logits(self, lexical: Floats, dense: Floats) -> Floats:
        """As the sum of `parts`, of many texts."""
        logits = self.words * np.sqrt(np.maximum(lexical, 0)) + self.meaning * dense + self.bias
        return np.asarray(logits, np.float32)


@dataclass(frozen=True, slots=True)
class Grain:
    """How fine a likeness is asked for.

    `cold` weighs against the bundled news alone, `warm` against the pages of the crawl as well. `prior` is the share
    of pages expected to match before a crawl knows its own; `time` what the days between two articles may add or take.
    `reach` is how far a crawl's pages may move the bound, towards where they part; `lean` how far its surest matches
    may move the middle of the seeds, 0..1.
    """

    name: str
    cold: Weighing
    warm: Weighing
    prior: float
    time: float = 0.0
    reach: float = 0.0
    lean: float = 0.0

    @property
    def detailed(self) -> bool:
        """Whether openings and numbers count."""
        return any((self.cold.opening, self.cold.numbers, self.warm.opening, self.warm.numbers))

    def timing(self, days: float) -> float:
        """The share of the logit of the days between a text and the nearest seed."""
        return self.time * max(-1.0, 1 - math.log1p(days) / EVEN_DAYS)


GRAINS = {
    grain.name: grain
    for grain in (
        Grain(
            "story", Weighing(2.44, 0.17, -10.59), Weighing(2.46, 0.55, -8.36, 9.05, 1.32), 0.05, time=1.0, reach=3.0
        ),
        Grain("topic", Weighing(1.82, 0.50, -5.70), Weighing(2.59, 0.50, -2.82), 0.05),
        Grain("beat", Weighing(0.50, 1.49, -1.53), Weighing(0.59, 1.44, -1.35), 0.15, lean=0.6),
    )
}


def logit(probability: float) -> float:
    """The logarithm of the odds."""
    return math.log(probability / (1 - probability))


def logistic(value: float) -> float:
    """The probability of a logit; never overflows."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    odds = math.exp(value)
    return odds / (1 + odds)


def logistics(values: Floats) -> Floats:
    """As `logistic`, of many."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))), np.float32)


def own_prior(expected: float, matches: float, pages: int) -> float:
    """A crawl's share of matches: what was expected, corrected by the sum of its pages' probabilities."""
    share = (BUNDLED_PAGES * expected + matches) / (BUNDLED_PAGES + pages)
    return min(HIGHEST_PRIOR, max(LOWEST_PRIOR, share))


def total(parts: dict[str, float]) -> float:
    """The logit the parts add up to."""
    return math.fsum(parts.values())


def percentile(value: float, ordinary: Floats) -> float:
    """The share of ordinary news below a value, 0..100; `ordinary` is sorted."""
    return 100.0 * float(np.searchsorted(ordinary, value)) / max(1, len(ordinary))


def bound(agreement: float | None, prior: float) -> float:
    """The logit from which a page is taken under "auto".

    `agreement` is the middle logit, at even odds, of the seeds each judged by the others; None for a single seed,
    which is met at even odds. From two on, the bound moves a quarter of the way from even odds to the middle seed, at
    most one STEP: up when they are about one narrow thing, down when they lie apart, for the user has said that texts
    this far apart belong together.
    """
    return 0.0 if agreement is None else min(STEP, max(-STEP, (agreement + logit(prior)) / 4))


def parting(logits: Floats, around: float, reach: float) -> float:
    """The middle of the widest gap between a crawl's pages, at most `reach` from the bound; a gap far off counts less.

    Reports of one event lie close together and other news well below, though how far below differs from event to
    event: where nothing lies, a bound errs least.
    """
    ends = [around - reach, around + reach]
    near = logits[(logits > ends[0]) & (logits < ends[1])]
    steps = np.sort(np.concatenate([near, np.array(ends, np.float32)]))
    middles = (steps[1:] + steps[:-1]) / 2
    return float(middles[np.argmax(np.diff(steps) * np.exp(-np.abs(middles - around) / REACH_FADES))])
