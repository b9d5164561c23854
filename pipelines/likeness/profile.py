"""What the seeds have in common, learned once, and how much any text is like it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipelines.errors import ConfigError
from pipelines.likeness.background import Floats
from pipelines.likeness.calibrate import PRIOR, STEP, bound, logistic, percentile, total
from pipelines.likeness.dense import centred
from pipelines.likeness.learn import Learned, learn
from pipelines.likeness.lexical import Weights, rarity
from pipelines.likeness.saved import pack, unpack
from pipelines.likeness.tokens import words
from pipelines.records import Likeness, Term

TERMS = 40
SHOWN_TERMS = 12
CUE_WORDS = 200
# characters and words of a page's beginning the quick score looks at
QUICK_CHARS = 1_500
QUICK_WORDS = 220
# by how much, in logits, the beginning of a page worth keeping falls short of "auto" at most, but for 1 in 100
# of general news (1 in 35 where all news is of one trade, as in Reuters-21578)
GATE_MARGIN = 3.0

# how far, in logits, each setting lies from the bound
STEPS = {"auto": 0.0, "strict": STEP, "loose": -STEP}

_LINK_WORD = re.compile(r"[^\W\d_]{2,}")


class Profile:
    """Learned from seeds; judges texts. Never changes, so threads may share it."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned
        sparse = learned.measure.sparse
        order = np.argsort(-sparse.columns[:, 0], kind="stable")[:CUE_WORDS]
        strongest = [(sparse.words[at], float(sparse.columns[at, 0])) for at in order]
        self.terms = tuple(Term(word, weight) for word, weight in strongest[:TERMS])
        self._cues = dict(strongest)

    @classmethod
    def learn(
        cls, seeds: Sequence[tuple[str, str, str, str]], *, grain: str = "topic", prior: float = PRIOR
    ) -> Profile:
        """From (name, title, text, language) of each seed. SeedError when there is none, or one has no words.

        `prior` is the share of pages expected to match, between 0 and 1.
        """
        return cls(learn(seeds, grain, prior))

    @classmethod
    def from_bytes(cls, data: bytes) -> Profile:
        """What `to_bytes` gave. UsageError when another version or model learned it."""
        return cls(unpack(data))

    def to_bytes(self) -> bytes:
        """As JSON."""
        return pack(self._learned)

    def with_prior(self, prior: float) -> Profile:
        """The same profile for a crawl of which another share of pages matches."""
        return Profile(replace(self._learned, prior=prior))

    @property
    def digest(self) -> str:
        """The SHA-256 that names the seeds' texts, whatever their order."""
        return self._learned.digest

    @property
    def names(self) -> tuple[str, ...]:
        """The seeds' names, copies left out."""
        return self._learned.names

    def score(self, title: str, text: str, language: str) -> Likeness:
        """How alike one article is."""
        return self.score_many([(title, text, language)])[0]

    def score_many(self, articles: Sequence[tuple[str, str, str]]) -> list[Likeness]:
        """How alike each (title, text, language) is."""
        texts = [f"{title}\n{text}" for title, text, _ in articles]
        languages = [language for _, _, language in articles]
        return [
            self._likeness(rarity().weigh(words(text), language), vector, language)
            for text, language, vector in zip(texts, languages, centred(texts, languages), strict=True)
        ]

    def quick(self, text: str, language: str) -> float:
        """The score of a page's beginning (title, description, first words, the URL's words), in 0..1."""
        learned, beginning = self._learned, text[:QUICK_CHARS]
        weights = rarity().weigh(words(beginning, QUICK_WORDS), language)
        close = learned.measure.closeness(weights, centred([beginning], [language])[0])
        return logistic(total(learned.measure.parts(close, language, learned.grain, learned.prior)))

    def cue(self, anchor: str, context: str, url_words: Sequence[str]) -> float:
        """How much of what the seeds are about a link names, in 0..1; its surroundings count half."""
        named = {*_LINK_WORD.findall(anchor.lower()), *url_words}
        return min(1.0, self._named(named) + self._named(set(_LINK_WORD.findall(context.lower()))) / 2)

    def meant(self, anchor: str) -> float:
        """How close in meaning a link's words are to the seeds, in 0..1, though they may share none of their words."""
        # the language of a few words is anybody's guess
        return max(0.0, float(self._learned.measure.vectors[0] @ centred([anchor], [""])[0]))

    def threshold(self, kind: float | str = "auto") -> float:
        """The score, in 0..1, from which a page is taken: "auto", "strict", "loose" or a number."""
        if isinstance(kind, str) and kind in STEPS:
            return logistic(self._bound() + STEPS[kind])
        try:
            return min(1.0, max(0.0, float(kind)))
        except ValueError as error:
            raise ConfigError(f"threshold is {kind!r}; use auto, strict, loose or a number from 0 to 1.") from error

    @property
    def gate(self) -> float:
        """The bound for `quick`: a page below it is not worth extracting under "auto"."""
        return logistic(self._bound() - GATE_MARGIN)

    def _bound(self) -> float:
        return bound(self._learned.agreement, self._learned.prior)

    def _named(self, named: set[str]) -> float:
        if not named:
            return 0.0
        cues = self._cues
        # three fifths of the best that so many words could reach is as good as a title gets
        mass: float = sum([cues[word] for word in named if word in cues])
        return min(1.0, mass / (0.6 * math.sqrt(len(named))))

    def _likeness(self, weights: Weights, vector: Floats, language: str) -> Likeness:
        learned = self._learned
        close = learned.measure.closeness(weights, vector)
        parts = learned.measure.parts(close, language, learned.grain, learned.prior)
        shown = sorted(close.words, key=lambda pair: (-pair[1], pair[0]))[:SHOWN_TERMS]
        evidence = parts["words"] + parts["meaning"] + learned.grain.bias
        return Likeness(
            score=logistic(total(parts)),
            lexical=min(1.0, max(0.0, close.lexical)),
            dense=min(1.0, max(0.0, close.dense)),
            nearest_seed=learned.names[int(np.argmax(close.seeds))],
            parts=parts,
            seeds=dict(zip(learned.names, close.seeds.tolist(), strict=True)),
            terms=tuple(Term(word, weight) for word, weight in shown),
            percentile=percentile(evidence, learned.measure.ordinary),
        )
