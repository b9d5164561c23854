"""Learn from the seeds what a text is compared with: their words, their vectors, and how ordinary news fares.

What a crawl has fetched makes it sharper: which words are common there, how its ordinary pages fare, how many match.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.errors import SeedError
from pipelines.likeness.calibrate import Grain, bound, total
from pipelines.likeness.crawl import warmed
from pipelines.likeness.measure import Measure
from pipelines.likeness.models import Model, model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.ordinary import ordinary
from pipelines.likeness.rarity import FEWEST_PAGES
from pipelines.likeness.read import Example, Reader, Text
from pipelines.likeness.settle import settled
from pipelines.likeness.teach import Taught, teach
from pipelines.likeness.tokens import words

# pages of a crawl that are learned from, beside the seeds
SAMPLE_PAGES = 400
# seeds judged by the others; more would only cost time
JUDGED_SEEDS = 12


@dataclass(frozen=True, slots=True)
class Learned:
    """All a profile is.

    `agreement`: the middle logit, at even odds, of each seed judged by the others, against bundled news. `expected` is
    the share of matches asked for, `prior` what the crawl's own pages made of it; `pages` how many those were, and
    `parting` the bound they made.
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
    parting: float | None = None

    @property
    def bound(self) -> float:
        """The logit from which a page is taken under "auto"."""
        return bound(self.agreement, self.expected) if self.parting is None else self.parting


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
    measure = settled(seeds, reader, grain)
    learned = Learned(
        measure, tuple(seed.name for seed in seeds), digest, _agreement(seeds, reader, grain), grain, prior, prior
    )
    if len(pages) >= FEWEST_PAGES:
        found = warmed(measure, grain, seeds, pages, prior=prior, bound=learned.bound)
        learned = replace(learned, measure=found.measure, prior=found.prior, pages=len(pages), parting=found.parting)
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
    return float(np.median([by_others(seeds, at, reader, grain) for at in range(min(len(seeds), JUDGED_SEEDS))]))


def by_others(seeds: Sequence[Example], at: int, reader: Reader, grain: Grain) -> float:
    """The logit, at even odds and whenever it was published, of the seed at this place judged by all others."""
    judge = settled([*seeds[:at], *seeds[at + 1 :]], reader, grain)
    return total(judge.parts(judge.closeness(reader.read([seeds[at]])[0]), seeds[at].language))


def _taught(measure: Measure, seeds: Sequence[Example], disliked: Sequence[Text]) -> Taught:
    both: list[Text | Example] = [*seeds, *sorted(disliked, key=_key)]
    right = np.arange(len(both)) < len(seeds)
    reader = measure.reader
    return teach([reader.words(text) for text in both], reader.vectors(both), right, ordinary(reader.model).vectors)
