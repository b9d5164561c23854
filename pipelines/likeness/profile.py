"""What the seeds have in common, learned once, and how much any text is like it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from datetime import date
from functools import cached_property
from operator import itemgetter

import numpy as np

from pipelines.errors import ConfigError, UsageError
from pipelines.likeness.calibrate import GRAINS, STEP, logistic, logit, percentile, total
from pipelines.likeness.learn import Learned, learn
from pipelines.likeness.measure import Closeness
from pipelines.likeness.models import Model
from pipelines.likeness.models import model as the_model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.read import Example, Reader, Reading, Text
from pipelines.likeness.saved import pack, unpack
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

# title, text, language and, maybe, date of publication; a seed has its name before them
Judged = tuple[str, str, str] | tuple[str, str, str, date | None]
Seed = tuple[str, str, str, str] | tuple[str, str, str, str, date | None]


class Profile:
    """Learned from seeds; judges texts. Never changes, so threads may share it."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned
        sparse = learned.measure.sparse
        order = np.argsort(-sparse.columns[:, 0], kind="stable")[:CUE_WORDS]
        strongest = [(sparse.words[at], float(sparse.columns[at, 0])) for at in order]
        self.terms = tuple(Term(word, weight) for word, weight in strongest[:TERMS])
        self._cues = dict(strongest)
        self._cue_words = frozenset(self._cues)

    @classmethod
    def learn(
        cls, seeds: Sequence[Seed], *, grain: str = "topic", prior: float | None = None,
        pages: Sequence[Judged] = (), liked: Sequence[Judged] = (), disliked: Sequence[Judged] = (),
        model: str | Model = DEFAULT_MODEL,
    ) -> Profile:  # fmt: skip
        """From each seed's name, title, text, language and, maybe, date. SeedError when none has words.

        `grain` is `story`, `topic` or `beat`; `prior` the share of pages expected to match, between 0 and 1. `pages`
        are a sample of what a crawl has fetched, alike or not; `liked` and `disliked` what the user said of some:
        title, text, language and, maybe, date of each. `model` is one, or its name in the configuration;
        ConfigError when it cannot be had.
        """
        if grain not in GRAINS:
            raise ConfigError(f"grain is {grain!r}; use {', '.join(GRAINS)}.")
        chosen = GRAINS[grain]
        return cls(
            learn(
                [Example(*seed) for seed in seeds], chosen, prior if prior is not None else chosen.prior,
                [Text(*page) for page in pages], [Text(*text) for text in liked], [Text(*text) for text in disliked],
                chosen=the_model(model) if isinstance(model, str) else model,
            )
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes, *, model: str | None = None) -> Profile:
        """What `to_bytes` gave. UsageError when another version learned it, or a model that cannot be had here.

        Where `model` says which one is asked for, a profile learned by any other is refused.
        """
        learned = unpack(data)
        asked, held = the_model(model).name if model else None, learned.measure.reader.model.name
        if asked and asked != held:
            raise UsageError(
                f"This profile was learned with the model {held}, but {asked} is asked for, and scores of two models "
                "cannot be compared; learn it again from the seeds."
            )
        return cls(learned)

    def to_bytes(self) -> bytes:
        """As JSON."""
        return pack(self._learned)

    @cached_property
    def edition(self) -> str:
        """The SHA-256 that names all that was learned: from seeds, grain, a crawl's pages and ratings."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def grain(self) -> str:
        """The name of the grain it judges at."""
        return self._learned.grain.name

    @property
    def model(self) -> str:
        """The name of the model of meaning it was learned with: scores of two models cannot be compared."""
        return self.reader.model.name

    @property
    def expected(self) -> float:
        """The share of matches that was expected before any page was seen."""
        return self._learned.expected

    @property
    def digest(self) -> str:
        """The SHA-256 that names the seeds' texts, whatever their order."""
        return self._learned.digest

    @property
    def names(self) -> tuple[str, ...]:
        """The seeds' names, copies left out."""
        return self._learned.names

    def score(self, title: str, text: str, language: str, published: date | None = None) -> Likeness:
        """How alike one article is."""
        return self.score_many([(title, text, language, published)])[0]

    def score_many(self, articles: Sequence[Judged]) -> list[Likeness]:
        """How alike each is: title, text, language and, maybe, date of publication."""
        return [self._likeness(read) for read in self.reader.read([Text(*article) for article in articles])]

    @property
    def reader(self) -> Reader:
        """What reads texts as it does."""
        return self._learned.measure.reader

    def trust(self, text: Text) -> float:
        """How much of a text's closeness counts, in 0..1: less than all of a few words, or of a list of them."""
        return self._learned.measure.trust(self.reader.read([text])[0])

    def missing(self, text: Text) -> tuple[Term, ...]:
        """The seeds' strongest words that a text lacks."""
        said = self.reader.words(text)
        return tuple(term for term in self.terms if term.word not in said)

    def quick(self, text: str, language: str) -> float:
        """The score of a page's beginning (title on the first line, description, first words, URL words), in 0..1."""
        title, _, rest = text[:QUICK_CHARS].partition("\n")
        beginning = Text(title, " ".join(rest.split(None, QUICK_WORDS)[:QUICK_WORDS]), language)
        return logistic(total(self._parts(self.reader.read([beginning])[0])[0]))

    def cue(self, named: Collection[str], around: Collection[str]) -> float:
        """How much of what the seeds are about a link names, in 0..1; the words around it count half."""
        return min(1.0, self._named(named) + self._named(set(around)) / 2)

    def meant(self, anchors: Sequence[str]) -> list[float]:
        """How close in meaning links' words are to the seeds, in 0..1, though they may share none of their words.

        A model too slow to be asked of every link says 0.
        """
        measure = self._learned.measure
        if not measure.reader.model.cheap:
            return [0.0] * len(anchors)
        rows = measure.reader.phrases(anchors)
        found: list[float] = np.maximum(0.0, rows @ measure.vectors[0]).tolist()
        return found

    def threshold(self, kind: float | str = "auto") -> float:
        """The score, in 0..1, from which a page is taken: "auto", "strict", "loose" or a number; else ConfigError."""
        if isinstance(kind, str) and kind in STEPS:
            return logistic(self._learned.bound + STEPS[kind])
        try:
            asked = float(kind)
        except ValueError:
            asked = math.nan
        if not 0.0 <= asked <= 1.0:
            raise ConfigError(f"threshold is {kind!r}; use auto, strict, loose or a number from 0 to 1.")
        return asked

    @property
    def gate(self) -> float:
        """The bound for `quick`: a page below it is not worth extracting under "auto"."""
        return self.gate_under("auto")

    def gate_under(self, kind: float | str) -> float:
        """The bound for `quick` under a threshold, in 0..1: a lower one than "auto" lowers it; 0 is below all pages."""
        bound = self._learned.bound
        if isinstance(kind, str) and kind in STEPS:
            return logistic(bound + min(0.0, STEPS[kind]) - GATE_MARGIN)
        asked = self.threshold(kind)
        if not 0.0 < asked < 1.0:
            return logistic(bound - GATE_MARGIN) if asked else 0.0
        return logistic(min(bound, logit(asked)) - GATE_MARGIN)

    def _named(self, named: Collection[str]) -> float:
        # of most links none
        shared = self._cue_words.intersection(named)
        if not shared:
            return 0.0
        # three fifths of the best that so many words could reach is as good as a title gets
        mass: float = sum(map(self._cues.__getitem__, shared))
        return min(1.0, mass / (0.6 * math.sqrt(len(named))))

    def _parts(self, read: Reading) -> tuple[dict[str, float], Closeness]:
        """The shares of the logit, and how close the text is."""
        learned = self._learned
        close = learned.measure.closeness(read)
        parts = learned.measure.parts(close, read.text.language)
        days = learned.measure.apart(read.text.published) if learned.grain.time else None
        if days is not None:
            parts["time"] = learned.grain.timing(days)
        if learned.taught:
            parts["ratings"] = learned.taught.share(read.weights, read.vector)
        parts["bias"] += logit(learned.prior)
        return parts, close

    def _likeness(self, read: Reading) -> Likeness:
        learned = self._learned
        parts, close = self._parts(read)
        # what each word gave to the cosine, as its share of the logit
        shared = learned.measure.sparse.given(read.weights)
        per_cosine = parts["words"] / (sum([given for _, given in shared]) or 1.0)
        terms = {word: per_cosine * given for word, given in shared}
        for word, given in learned.taught.given(read.weights) if learned.taught else ():
            terms[word] = terms.get(word, 0.0) + given
        counted = ((word, given) for word, given in terms.items() if given)
        shown = sorted(counted, key=lambda pair: (-abs(pair[1]), pair[0]))[:SHOWN_TERMS]
        plain = parts["words"] + parts["meaning"] + learned.measure.weighing.bias
        return Likeness(
            score=logistic(total(parts)),
            lexical=min(1.0, max(0.0, close.lexical)),
            dense=min(1.0, max(0.0, close.dense)),
            nearest_seed=max(zip(close.seeds, learned.names, strict=True), key=itemgetter(0))[1],
            parts=parts,
            seeds=dict(zip(learned.names, close.seeds, strict=True)),
            terms=tuple(Term(word, weight) for word, weight in shown),
            percentile=percentile(plain, learned.measure.ordinary),
        )
