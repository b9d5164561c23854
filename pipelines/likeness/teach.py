"""What the user's dislikes teach: which words and which meaning part them from what is liked.

Two logistic regressions on [sparse; dense] of seeds and liked pages against bundled news, one with the disliked pages
and one without: their difference is what the dislikes say, and is added to the logit. So the first dislike moves scores
a little and where it should, and forty of them decide; a threshold keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.likeness.background import Floats, background
from pipelines.likeness.calibrate import logistics
from pipelines.likeness.lexical import Sparse
from pipelines.likeness.rarity import Weights, rarity

# the most telling words that get a weight of their own
MOST_WORDS = 4_000
# how much the three kinds of text weigh in all
RIGHT, WRONG, ORDINARY = 1.0, 0.5, 0.5
RIDGE = 1e-3
STEPS = 300


@dataclass(frozen=True)
class Taught:
    """What to add to a text's logit: a weight for each of `words` (of the text's words at unit length), one for each
    dense number, and a bias. `ratings` is how many dislikes it learned from.
    """

    words: tuple[str, ...]
    weights: Floats
    meaning: Floats
    bias: float
    ratings: int

    def share(self, weights: Weights, vector: Floats) -> float:
        """The share of the logit."""
        return self._column.cosines(weights)[0] + float(self.meaning @ vector) + self.bias

    def given(self, weights: Weights) -> list[tuple[str, float]]:
        """What each of the text's words gave to it."""
        return self._column.given(weights)

    @cached_property
    def _column(self) -> Sparse:
        return Sparse(self.words, self.weights[:, None])


def teach(weights: Sequence[Weights], vectors: Floats, right: npt.NDArray[np.bool_], news: Floats) -> Taught:
    """From texts' weighted words and vectors, and which of them are as wanted; `news`: vectors of ordinary articles."""
    sparse = Sparse.side_by_side(weights, MOST_WORDS)
    rows = background().rows
    told = np.concatenate([sparse.columns.T, vectors], axis=1)
    ordinary = np.concatenate([sparse.of_rows(rows, rarity()), news], axis=1)
    with_wrong = _fitted(told, right, ordinary)
    learned = (with_wrong - _fitted(told[right], right[right], ordinary))[:-1]
    number = len(sparse.words)
    # dislikes part texts, they do not make the wanted ones less wanted
    bias = -float((told[right] @ learned).mean())
    return Taught(tuple(sparse.words), learned[:number], learned[number:], bias, int((~right).sum()))


def _fitted(told: Floats, right: npt.NDArray[np.bool_], ordinary: Floats) -> Floats:
    truth = np.concatenate([right, np.zeros(len(ordinary), np.bool_)])
    shares = np.where(right, RIGHT / max(1, right.sum()), WRONG / max(1, (~right).sum()))
    weighed = np.concatenate([shares, np.full(len(ordinary), ORDINARY / len(ordinary))]).astype(np.float32)
    return regress(np.concatenate([told, ordinary]), truth, weighed)


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
