"""What the user's ratings teach: which words and which meaning part what is liked from what is not.

A logistic regression on [sparse; dense] of seeds and liked pages against disliked ones and bundled news, as
resemblance research found best from the first negative on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.likeness.background import Floats, background
from pipelines.likeness.calibrate import logistics
from pipelines.likeness.lexical import Sparse, Weights, rarity

# the most telling words that get a weight of their own
MOST_WORDS = 4_000
# how much the three kinds of text weigh in all
RIGHT, WRONG, ORDINARY = 1.0, 0.5, 0.5
RIDGE = 1e-3
STEPS = 300


@dataclass(frozen=True)
class Taught:
    """A weight for each of `words` (of a text's words at unit length), one for each dense number, and a bias.

    Gives a logit at even odds. `ratings` is how many negatives it learned from.
    """

    words: tuple[str, ...]
    weights: Floats
    meaning: Floats
    bias: float
    ratings: int

    def parts(self, weights: Weights, vector: Floats) -> dict[str, float]:
        """The shares of the logit."""
        return {
            "words": float(self._column.cosines(weights)[0][0]),
            "meaning": float(self.meaning @ vector),
            "bias": self.bias,
        }

    def terms(self, weights: Weights) -> list[tuple[str, float]]:
        """What each of a text's words gave."""
        return self._column.cosines(weights)[1]

    @cached_property
    def _column(self) -> Sparse:
        return Sparse(self.words, self.weights[:, None])


def teach(weights: Sequence[Weights], vectors: Floats, right: npt.NDArray[np.bool_]) -> Taught:
    """From texts' weighted words and vectors, and which of them are as wanted."""
    sparse = Sparse.side_by_side(weights, MOST_WORDS)
    rows = background().rows
    features = np.concatenate(
        [
            np.concatenate([sparse.columns.T, vectors], axis=1),
            np.concatenate([sparse.of_rows(rows, rarity()), rows.vectors], axis=1),
        ]
    )
    truth = np.concatenate([right, np.zeros(len(rows.vectors), np.bool_)])
    shares = np.concatenate(
        [
            np.where(right, RIGHT / right.sum(), WRONG / max(1, (~right).sum())),
            np.full(len(rows.vectors), ORDINARY / len(rows.vectors)),
        ]
    ).astype(np.float32)
    coefficients = regress(features, truth, shares)
    number = len(sparse.words)
    return Taught(
        tuple(sparse.words), coefficients[:number], coefficients[number:-1], float(coefficients[-1]),
        int((~right).sum()),
    )  # fmt: skip


def regress(features: Floats, truth: npt.NDArray[np.bool_], shares: Floats) -> Floats:
    """Weights (the last is the bias) of a logistic regression with a small ridge, by accelerated gradient descent."""
    x = np.concatenate([features, np.ones((len(features), 1), np.float32)], axis=1)
    ridge = np.full(x.shape[1], RIDGE, np.float32)
    ridge[-1] = 0
    # the steepest the loss can bend
    step = 1 / (float((shares * (x * x).sum(axis=1)).sum()) / 4 + RIDGE)
    w = ahead = np.zeros(x.shape[1], np.float32)
    momentum = 1.0
    for _ in range(STEPS):
        gradient = ((logistics(x @ ahead) - truth) * shares) @ x + ridge * ahead
        new = ahead - step * gradient
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = new + (momentum - 1) / following * (new - w)
        w, momentum = new, following
    return np.asarray(w, np.float32)
