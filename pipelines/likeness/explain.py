"""Turn a likeness into the plain facts a reader can check."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.likeness.calibrate import total
from pipelines.records import Likeness, Term

SHOWN_SEEDS = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a text has its score.

    `parts` are the shares of `logit`, largest first, and add up to it; `logit` passed through the logistic is `score`.
    `taken` tells whether the score reaches `threshold`. `nearest` are the closest seeds with their closeness in 0..1,
    `terms` the words that counted most, `percentile` the share of ordinary news that is less alike, 0..100.
    """

    score: float
    threshold: float
    taken: bool
    logit: float
    parts: tuple[tuple[str, float], ...]
    nearest: tuple[tuple[str, float], ...]
    terms: tuple[Term, ...]
    percentile: float


def explain(likeness: Likeness, threshold: float) -> Explanation:
    """The facts behind a likeness, given the score from which a page is taken."""
    nearest = sorted(likeness.seeds.items(), key=lambda seed: (-seed[1], seed[0]))
    return Explanation(
        score=likeness.score,
        threshold=threshold,
        taken=likeness.score >= threshold,
        logit=total(likeness.parts),
        parts=tuple(sorted(likeness.parts.items(), key=lambda part: (-part[1], part[0]))),
        nearest=tuple(nearest[:SHOWN_SEEDS]),
        terms=likeness.terms,
        percentile=likeness.percentile,
    )
