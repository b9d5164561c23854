"""Learn from the seeds what a text is compared with: their words, their vectors, and how ordinary news fares.

What a crawl has fetched makes it sharper: which words are common there, how its ordinary pages fare, how many match.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.errors import SeedError
from pipelines.likeness.background import Floats, background
from pipelines.likeness.calibrate import Grain, Spread, Weighing, bound, logistics, logit, own_prior, total
from pipelines.likeness.dense import centred, unit
from pipelines.likeness.lexical import FEWEST_PAGES, CrawlWords, Rarity, Sparse, Weights, nearness, rarity
from pipelines.likeness.models import Model, model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.ordinary import ordinary
from pipelines.likeness.teach import Taught, teach
from pipelines.likeness.tokens import words

Names = npt.NDArray[np.str_]
Chosen = npt.NDArray[np.bool_]
Spreads = dict[str, tuple[Spread, Spread]]

# articles of one language in the background from which its spread can be told
FEWEST_ROWS = 50
# a text of fewer different words than this says too little for its cosines to be taken at their word
FULL_WORDS = 40
# The spread of a crawl's pages is taken as if this share of them matched. Without any match it would say nothing of how
# far matches lie from the rest, which differs from subject to subject; with all of a good crawl's it would hide them.
MATCHES_IN_SPREAD = 0.02
# In running text at least this share of the different words are common ones, those that a quarter of all articles have;
# of 6,000 articles in these languages about 1 in 100 has fewer. Lists of key words have hardly any.
PROSE, COMMON_RARITY = 0.04, 1.3
PROSE_LANGUAGES = frozenset(("ar", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "uk"))
# being a copy of a seed is told from being like one by a power of the cosine; dense cosines are all high
DENSE_COPY_POWER = 32
# seeds judged by the others; more would only cost time
JUDGED_SEEDS = 12


class Text(NamedTuple):
    """An article as it is judged."""

    title: str
    text: str
    language: str
    published: date | None = None


class Example(NamedTuple):
    """A seed as it is given."""

    name: str
    title: str
    text: str
    language: str
    published: date | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads articles as weighted words and vectors.

    `means`: vectors of languages the bundled figures do not know; of another model than the default they know none.
    """

    rarity: Rarity
    means: Mapping[str, Floats] = field(default_factory=dict)
    model: Model = field(default_factory=lambda: model(DEFAULT_MODEL))

    @classmethod
    def of(cls, chosen: Model) -> Reader:
        """One that knows no crawl yet."""
        return cls(rarity(), {} if _is_default(chosen) else ordinary(chosen).means, chosen)

    def words(self, text: Text | Example) -> Weights:
        """The weighted words of an article."""
        return self.rarity.article(text.title, text.text, text.language)

    def vectors(self, texts: Sequence[Text | Example]) -> Floats:
        """One row of unit length an article."""
        rows = self.model.embed([f"{one.title}\n{one.text}" for one in texts])
        return centred(rows, [self._mean(one.language) for one in texts])

    def _mean(self, language: str) -> Floats:
        if language in self.means:
            return self.means[language]
        return background().mean(language) if _is_default(self.model) else self.means[""]


def _is_default(chosen: Model) -> bool:
    return chosen.name == model(DEFAULT_MODEL).name


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
    in the dense half; "" for languages without figures. `full_words`, `prose`: how many different words, and what share
    of common ones, a text needs for its cosines to be taken at their word. `ordinary`: the sorted logits of news in the
    seeds' languages.
    `days`: when the seeds that say so were published, as ordinals.
    """

    reader: Reader
    sparse: Sparse
    vectors: Floats
    spreads: Spreads
    full_words: int
    prose: float
    ordinary: Floats
    weighing: Weighing
    days: tuple[int, ...] = ()

    def closeness(self, weights: Weights, vector: Floats, language: str) -> Closeness:
        """Of a text's weighted words and its vector (centred, of unit length)."""
        # few words give a cosine by chance, and key words without a sentence to get one: they have only part of it
        trust = min(1.0, (len(weights) / self.full_words) ** 0.5)
        if self.prose and language in PROSE_LANGUAGES:
            trust *= min(1.0, _prose(weights) / self.prose) ** 2
        sparse, given = self.sparse.cosines(weights)
        sparse, dense = sparse * trust, self.vectors @ vector * trust
        seeds = (np.clip(sparse[1:], 0, 1) + np.clip(dense[1:], 0, 1)) / 2
        return Closeness(float(nearness(sparse)), float(nearness(dense, DENSE_COPY_POWER)), seeds, given)

    def parts(self, close: Closeness, language: str) -> dict[str, float]:
        """The shares of the logit at even odds, against ordinary news of the text's language."""
        in_words, in_meaning = self.spreads.get(language, self.spreads[""])
        return self.weighing.parts(in_words.stand_out(close.lexical), in_meaning.stand_out(close.dense))

    def apart(self, published: date | None) -> int | None:
        """The days between a text and the seed nearest in time; None where either does not say."""
        if published is None or not self.days:
            return None
        return min(abs(published.toordinal() - day) for day in self.days)


@dataclass(frozen=True, slots=True)
class Learned:
    """All a profile is.

    `agreement`: the middle logit, at even odds, of each seed judged by the others, against bundled news. `expected` is
    the share of matches asked for, `prior` what the crawl's own pages made of it; `pages` how many those were.
    """

    measure: Measure
    names: tuple[str, ...]
    digest: str
    agreement: float | None
    grain: Grain
    expected: float
    prior: float
    pages: int = 0
    taught: Taught | None = None

    @property
    def bound(self) -> float:
        """The logit from which a page is taken under "auto"."""
        return bound(self.agreement, self.expected)


def learn(
    given: Sequence[Example], grain: Grain, prior: float, pages: Sequence[Text] = (), liked: Sequence[Text] = (),
    disliked: Sequence[Text] = (), *, chosen: Model | None = None,
) -> Learned:  # fmt: skip
    """From the seeds, a sample of pages a crawl has fetched, and what the user said of some.

    What is liked is a further seed. SeedError when there is no seed, or one has no words.
    """
    digest = hashlib.sha256("\n".join(sorted(_key(seed) for seed in distinct(given))).encode()).hexdigest()
    added = [Example(f"liked: {text.title[:80]} ({at})", *text) for at, text in enumerate(sorted(liked, key=_key))]
    seeds = distinct([*given, *added])
    reader = Reader.of(chosen or model(DEFAULT_MODEL))
    measure = _measure(seeds, reader, grain.cold)
    learned = Learned(
        measure, tuple(seed.name for seed in seeds), digest, _agreement(seeds, reader, grain), grain, prior, prior
    )
    if len(pages) >= FEWEST_PAGES:
        learned = _warmed(learned, seeds, pages)
    if not disliked:
        return learned
    return replace(learned, taught=_taught(learned.measure, seeds, disliked))


def distinct(given: Sequence[Example]) -> list[Example]:
    """The seeds in an order of their own, copies of one text taken once, under the first of their names."""
    found: dict[str, Example] = {}
    for seed in sorted(given, key=lambda seed: seed[:4]):
        if not words(f"{seed.title}\n{seed.text}"):
            raise SeedError(f"The seed {seed.name} has no words to learn from.")
        found.setdefault(_key(seed), seed)
    if not found:
        raise SeedError("There is no seed to learn from.")
    return [found[key] for key in sorted(found)]


def _key(text: Text | Example) -> str:
    """The digest of a text with spaces evened out."""
    return hashlib.sha256(" ".join(text.text.split()).encode("utf-8", "surrogatepass")).hexdigest()


def _agreement(seeds: Sequence[Example], reader: Reader, grain: Grain) -> float | None:
    if len(seeds) < 2:
        return None
    judged = []
    for at in range(min(len(seeds), JUDGED_SEEDS)):
        judge = _measure([*seeds[:at], *seeds[at + 1 :]], reader, grain.cold)
        close = judge.closeness(reader.words(seeds[at]), reader.vectors([seeds[at]])[0], seeds[at].language)
        judged.append(total(judge.parts(close, seeds[at].language)))
    return float(np.median(judged))


def _measure(seeds: Sequence[Example], reader: Reader, weighing: Weighing) -> Measure:
    weights, vectors = [reader.words(seed) for seed in seeds], reader.vectors(seeds)
    languages = [seed.language for seed in seeds]
    sparse = Sparse.learn(weights)
    around = np.concatenate([unit(vectors.mean(axis=0, keepdims=True)), vectors])
    rows = background().rows
    lexical = nearness(sparse.against(rows, rarity()))
    dense = nearness(ordinary(reader.model).vectors @ around.T, DENSE_COPY_POWER)
    own = _of_languages(rows.languages, languages)
    spreads = _spreads(lexical, dense, own, languages)
    in_words, in_meaning = spreads[languages[0]]
    common = np.sort(weighing.logits(in_words.stand_out(lexical[own]), in_meaning.stand_out(dense[own])))
    full_words = min(FULL_WORDS, *(max(1, len(each)) for each in weights))
    prose = min(PROSE, *(_prose(each) for each in weights))
    days = tuple(sorted({seed.published.toordinal() for seed in seeds if seed.published}))
    return Measure(reader, sparse, around, spreads, full_words, prose, common.astype(np.float32), weighing, days)


def _warmed(learned: Learned, seeds: Sequence[Example], pages: Sequence[Text]) -> Learned:
    """Against the crawl's own pages as well; those that look like matches count the less for it."""
    grain, cold = learned.grain, learned.measure
    languages = np.array([page.language for page in pages])
    vectors = cold.reader.vectors(pages)
    lexical, dense = _closenesses(cold, pages, vectors)
    alike = logistics(_logits(cold, lexical, dense, languages) + logit(learned.prior))
    measure = _measure(seeds, _reader_of(pages, languages, 1 - alike, cold.reader), grain.warm)
    shares = 1 - alike + alike * min(1.0, MATCHES_IN_SPREAD * len(pages) / max(float(alike.sum()), 1e-6))
    if measure.reader.means.keys() != cold.reader.means.keys():
        vectors = measure.reader.vectors(pages)
    lexical, dense = _closenesses(measure, pages, vectors)
    spreads = dict(measure.spreads)
    for language in np.unique(languages):
        chosen = languages == language
        if chosen.sum() >= FEWEST_PAGES:
            in_words, in_meaning = spreads.get(str(language), spreads[""])
            spreads[str(language)] = (
                in_words.blended(lexical[chosen], shares[chosen]), in_meaning.blended(dense[chosen], shares[chosen])
            )  # fmt: skip
    measure = replace(measure, spreads=spreads)
    matches = logistics(_logits(measure, lexical, dense, languages) + logit(learned.prior))
    prior = own_prior(learned.expected, float(matches.sum()), len(pages))
    return replace(learned, measure=measure, prior=prior, pages=len(pages))


def _reader_of(pages: Sequence[Text], languages: Names, shares: Floats, cold: Reader) -> Reader:
    """How often words stand in a crawl's ordinary pages, and where its languages lie that nobody knew."""
    crawl, means = {}, dict(cold.means)
    for language in np.unique(languages):
        chosen = np.flatnonzero(languages == language)
        if len(chosen) >= FEWEST_PAGES:
            texts = [f"{pages[at].title}\n{pages[at].text}" for at in chosen.tolist()]
            crawl[str(language)] = CrawlWords.of([set(words(text)) for text in texts], shares[chosen].tolist())
            if str(language) not in ordinary(cold.model).means:
                means[str(language)] = cold.model.embed(texts).mean(axis=0)
    return Reader(Rarity(crawl=crawl), means, cold.model)


def _closenesses(measure: Measure, texts: Sequence[Text], vectors: Floats) -> tuple[Floats, Floats]:
    """The closeness of many texts in both halves."""
    close = [
        measure.closeness(measure.reader.words(text), vector, text.language)
        for text, vector in zip(texts, vectors, strict=True)
    ]
    return np.array([c.lexical for c in close], np.float32), np.array([c.dense for c in close], np.float32)


def _logits(measure: Measure, lexical: Floats, dense: Floats, languages: Names) -> Floats:
    """At even odds."""
    logits = np.zeros(len(languages), np.float32)
    for language in np.unique(languages):
        chosen = languages == language
        in_words, in_meaning = measure.spreads.get(str(language), measure.spreads[""])
        logits[chosen] = measure.weighing.logits(
            in_words.stand_out(lexical[chosen]), in_meaning.stand_out(dense[chosen])
        )
    return logits


def _taught(measure: Measure, seeds: Sequence[Example], disliked: Sequence[Text]) -> Taught:
    both: list[Text | Example] = [*seeds, *sorted(disliked)]
    right = np.arange(len(both)) < len(seeds)
    reader = measure.reader
    return teach([reader.words(text) for text in both], reader.vectors(both), right, ordinary(reader.model).vectors)


def _prose(weights: Weights) -> float:
    """The share of common words among a text's different words."""
    return sum(weight < COMMON_RARITY for weight in weights.values()) / max(1, len(weights))


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


def _of_languages(rows: Names, languages: Sequence[str]) -> Chosen:
    """The background's articles in the seeds' languages; all of them when those are too few."""
    chosen = np.isin(rows, list(set(languages)))
    return chosen if chosen.sum() >= FEWEST_ROWS else np.ones(len(rows), np.bool_)
