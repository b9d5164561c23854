"""Learn from the seeds what a text is compared with: their words, their vectors, and how ordinary news fares."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.errors import SeedError
from pipelines.likeness.background import Floats, background
from pipelines.likeness.calibrate import GRAINS, Grain, Spread, total
from pipelines.likeness.dense import centred, unit
from pipelines.likeness.lexical import Sparse, Weights, nearness, rarity
from pipelines.likeness.tokens import words

Names = npt.NDArray[np.str_]
Chosen = npt.NDArray[np.bool_]

# articles of one language in the background from which its spread can be told
FEWEST_ROWS = 50
# a text of fewer different words than this says too little for its cosines to be taken at their word
FULL_WORDS = 40
# being a copy of a seed is told from being like one by a power of the cosine; dense cosines are all high
DENSE_COPY_POWER = 32
# seeds judged by the others; more would only cost time
JUDGED_SEEDS = 12


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed as it was given, and `key`: the digest of its text with spaces evened out."""

    name: str
    title: str
    text: str
    language: str
    key: str


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
    in the dense half; "" for languages without figures. `ordinary`: the sorted logits of news in the seeds' languages.
    """

    sparse: Sparse
    vectors: Floats
    spreads: dict[str, tuple[Spread, Spread]]
    full_words: int
    ordinary: Floats

    def closeness(self, weights: Weights, vector: Floats) -> Closeness:
        """Of a text's weighted words and its vector (centred, of unit length)."""
        # few words give a cosine by chance, so they are given only part of it
        trust = min(1.0, (len(weights) / self.full_words) ** 0.5)
        sparse, given = self.sparse.cosines(weights)
        sparse, dense = sparse * trust, self.vectors @ vector * trust
        seeds = (np.clip(sparse[1:], 0, 1) + np.clip(dense[1:], 0, 1)) / 2
        return Closeness(float(nearness(sparse)), float(nearness(dense, DENSE_COPY_POWER)), seeds, given)

    def parts(self, close: Closeness, language: str, grain: Grain, prior: float) -> dict[str, float]:
        """The shares of the logit, against ordinary news of the text's language."""
        in_words, in_meaning = self.spreads.get(language, self.spreads[""])
        return grain.parts(in_words.stand_out(close.lexical), in_meaning.stand_out(close.dense), prior)


@dataclass(frozen=True, slots=True)
class Learned:
    """All a profile is. `agreement`: the middle logit, at even odds, of each seed judged by the others."""

    measure: Measure
    names: tuple[str, ...]
    digest: str
    agreement: float | None
    grain: Grain
    prior: float


def learn(given: Sequence[tuple[str, str, str, str]], grain: str, prior: float) -> Learned:
    """From (name, title, text, language) of each seed. SeedError when there is none, or one has no words."""
    seeds = distinct(given)
    known = rarity()
    texts, languages = [f"{seed.title}\n{seed.text}" for seed in seeds], [seed.language for seed in seeds]
    weights = [known.weigh(words(text), language) for text, language in zip(texts, languages, strict=True)]
    vectors = centred(texts, languages)
    judged = []
    for at in range(min(len(seeds), JUDGED_SEEDS) if len(seeds) > 1 else 0):
        rest = [other for other in range(len(seeds)) if other != at]
        judge = _measure([weights[i] for i in rest], vectors[rest], [languages[i] for i in rest], GRAINS[grain])
        judged.append(total(judge.parts(judge.closeness(weights[at], vectors[at]), languages[at], GRAINS[grain], 0.5)))
    return Learned(
        _measure(weights, vectors, languages, GRAINS[grain]),
        tuple(seed.name for seed in seeds),
        hashlib.sha256("\n".join(seed.key for seed in seeds).encode()).hexdigest(),
        float(np.median(judged)) if judged else None,
        GRAINS[grain],
        prior,
    )


def distinct(given: Sequence[tuple[str, str, str, str]]) -> list[Seed]:
    """The seeds in an order of their own, copies of one text taken once, under the first of their names."""
    found: dict[str, Seed] = {}
    for name, title, text, language in sorted(given):
        if not words(f"{title}\n{text}"):
            raise SeedError(f"The seed {name} has no words to learn from.")
        key = hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()
        found.setdefault(key, Seed(name, title, text, language, key))
    if not found:
        raise SeedError("There is no seed to learn from.")
    return [found[key] for key in sorted(found)]


def _measure(weights: Sequence[Weights], vectors: Floats, languages: Sequence[str], grain: Grain) -> Measure:
    """From the seeds' words, vectors (one row each) and languages."""
    sparse = Sparse.learn(weights)
    around = np.concatenate([unit(vectors.mean(axis=0, keepdims=True)), vectors])
    rows = background().rows
    lexical = nearness(sparse.against(rows, rarity()))
    dense = nearness(rows.vectors @ around.T, DENSE_COPY_POWER)
    own = _of_languages(rows.languages, languages)
    spreads = _spreads(lexical, dense, own, languages)
    in_words, in_meaning = spreads[languages[0]]
    ordinary = np.sort(grain.logits(in_words.stand_out(lexical[own]), in_meaning.stand_out(dense[own])))
    full_words = min(FULL_WORDS, *(max(1, len(each)) for each in weights))
    return Measure(sparse, around, spreads, full_words, ordinary.astype(np.float32))


def _spreads(lexical: Floats, dense: Floats, own: Chosen, languages: Sequence[str]) -> dict[str, tuple[Spread, Spread]]:
    """One pair for the seeds' languages, one for each other language with enough articles, one for the rest.

    A text in another language shares few words with the seeds, so what is much for it is little for their own.
    """
    rows = background().rows.languages
    other = ~own if (~own).sum() >= FEWEST_ROWS else own
    spreads = {"": (Spread.of(lexical[other]), Spread.of(dense[other]))}
    for language in np.unique(rows[other]):
        chosen = rows == language
        if chosen.sum() >= FEWEST_ROWS:
            spreads[str(language)] = (Spread.of(lexical[chosen]), Spread.of(dense[chosen]))
    return spreads | dict.fromkeys(languages, (Spread.of(lexical[own]), Spread.of(dense[own])))


def _of_languages(rows: Names, languages: Sequence[str]) -> Chosen:
    """The background's articles in the seeds' languages; all of them when those are too few."""
    chosen = np.isin(rows, list(set(languages)))
    return chosen if chosen.sum() >= FEWEST_ROWS else np.ones(len(rows), np.bool_)
