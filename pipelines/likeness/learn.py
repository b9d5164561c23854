"""Learn from the seeds what a text is compared with: their words, their vectors, and how ordinary news fares.

What a crawl has fetched makes it sharper: which words are common there, how its ordinary pages fare, how many match.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipelines.errors import SeedError
from pipelines.likeness.background import Floats, background
from pipelines.likeness.calibrate import Grain, Spread, Weighing, bound, logistics, logit, own_prior, total
from pipelines.likeness.dense import unit
from pipelines.likeness.lexical import FEWEST_PAGES, CrawlWords, Rarity, Sparse, nearness, rarity
from pipelines.likeness.measure import DENSE_COPY_POWER, PROSE, Measure, Spreads, prose_of
from pipelines.likeness.models import Model, model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.ordinary import ordinary
from pipelines.likeness.read import Example, Reader, Text
from pipelines.likeness.teach import Taught, teach
from pipelines.likeness.tokens import words

Names = npt.NDArray[np.str_]
Chosen = npt.NDArray[np.bool_]

# articles of one language in the background from which its spread can be told
FEWEST_ROWS = 50
# a text of fewer different words than this says too little for its cosines to be taken at their word
FULL_WORDS = 40
# The spread of a crawl's pages is taken as if this share of them matched. Without any match it would say nothing of how
# far matches lie from the rest, which differs from subject to subject; with all of a good crawl's it would hide them.
MATCHES_IN_SPREAD = 0.02
# pages of a crawl that are learned from, beside the seeds
SAMPLE_PAGES = 400
# seeds judged by the others; more would only cost time
JUDGED_SEEDS = 12


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
    prose = min(PROSE, *(prose_of(each) for each in weights))
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
    both: list[Text | Example] = [*seeds, *sorted(disliked, key=_key)]
    right = np.arange(len(both)) < len(seeds)
    reader = measure.reader
    return teach([reader.words(text) for text in both], reader.vectors(both), right, ordinary(reader.model).vectors)


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
