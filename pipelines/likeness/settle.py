"""Settle what texts are measured by: the seeds' words and vectors, and how ordinary news fares against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipelines.likeness.background import Floats, background
from pipelines.likeness.calibrate import Grain, Spread, Weighing
from pipelines.likeness.dense import unit
from pipelines.likeness.details import Details
from pipelines.likeness.lexical import Sparse, nearness
from pipelines.likeness.measure import DENSE_COPY_POWER, PROSE, Measure, Spreads
from pipelines.likeness.ordinary import ordinary
from pipelines.likeness.rarity import Weights, rarity
from pipelines.likeness.read import Example, Reader

Names = npt.NDArray[np.str_]
Chosen = npt.NDArray[np.bool_]

# articles of one language in the background from which its spread can be told
FEWEST_ROWS = 50
# a text of fewer different words than this says too little for its cosines to be taken at their word
FULL_WORDS = 40


@dataclass(frozen=True, slots=True)
class Lean:
    """Words and a vector (of unit length) towards which the seeds' middle moves, by `share` (0..1) of both."""

    words: Weights
    vector: Floats
    share: float


def settled(
    seeds: Sequence[Example], reader: Reader, grain: Grain, *, warm: bool = False, lean: Lean | None = None
) -> Measure:
    """From the seeds, with the grain's weights for a crawl of which pages are known (`warm`) or none."""
    weighing = grain.warm if warm else grain.cold
    read = reader.read(seeds)
    weights, vectors = [seed.weights for seed in read], np.stack([seed.vector for seed in read])
    languages = [seed.language for seed in seeds]
    sparse, middle = Sparse.learn(weights), unit(vectors.mean(axis=0, keepdims=True))
    if lean:
        sparse = sparse.leaning(lean.words, lean.share)
        middle = unit((1 - lean.share) * middle + lean.share * lean.vector)
    around = np.concatenate([middle, vectors])
    lexical, dense = _fares(sparse, around, reader)
    own = _of_languages(languages)
    spreads = _spreads(lexical, dense, own, languages)
    common = _ranked(weighing, spreads[languages[0]], lexical[own], dense[own])
    full_words = min(FULL_WORDS, *(max(1, len(each)) for each in weights))
    prose = min(PROSE, *(reader.rarity.prose(seed.weights, seed.text.language) for seed in read))
    days = tuple(sorted({seed.published.toordinal() for seed in seeds if seed.published}))
    details = Details.of(read, reader.rarity) if grain.detailed else None
    return Measure(reader, sparse, around, spreads, full_words, prose, common, weighing, days, details)


def reranked(measure: Measure, languages: Sequence[str]) -> Measure:
    """The measure with ordinary news in the seeds' `languages` ranked by the spreads it has now."""
    lexical, dense = _fares(measure.sparse, measure.vectors, measure.reader)
    own = _of_languages(languages)
    return replace(measure, ordinary=_ranked(measure.weighing, measure.spreads[languages[0]], lexical[own], dense[own]))


def _fares(sparse: Sparse, around: Floats, reader: Reader) -> tuple[Floats, Floats]:
    """How close the background's articles are, in words and in meaning."""
    lexical = nearness(sparse.against(background().rows, rarity()))
    return lexical, nearness(ordinary(reader.model).vectors @ around.T, DENSE_COPY_POWER)


def _ranked(weighing: Weighing, spreads: tuple[Spread, Spread], lexical: Floats, dense: Floats) -> Floats:
    in_words, in_meaning = spreads
    return np.sort(weighing.logits(in_words.stand_out(lexical), in_meaning.stand_out(dense))).astype(np.float32)


def _spreads(lexical: Floats, dense: Floats, own: Chosen, languages: Sequence[str]) -> Spreads:
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


def _of_languages(languages: Sequence[str]) -> Chosen:
    """The background's articles in the seeds' languages; all of them when those are too few."""
    rows = background().rows.languages
    chosen = np.isin(rows, list(set(languages)))
    return chosen if chosen.sum() >= FEWEST_ROWS else np.ones(len(rows), np.bool_)
