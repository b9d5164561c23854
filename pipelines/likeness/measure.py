"""What a text is measured by: the seeds' words and vectors, and how ordinary news fares against them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.likeness.background import Floats
from pipelines.likeness.calibrate import Spread, Weighing
from pipelines.likeness.details import Details
from pipelines.likeness.lexical import Sparse, nearness_of
from pipelines.likeness.read import Reader, Reading

Spreads = dict[str, tuple[Spread, Spread]]

# In running text at least this share of the different words are common ones; of 6,900 articles, nearly all in these
# languages, about 1 in 100 has fewer. Lists of key words have hardly any.
PROSE = 0.04
PROSE_LANGUAGES = frozenset(("ar", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "uk"))
# being a copy of a seed is told from being like one by a power of the cosine; dense cosines are all high
DENSE_COPY_POWER = 32


@dataclass(frozen=True, slots=True)
class Closeness:
    """How close a text is: to the seeds as a whole in both halves, and to each seed.

    `opening` and `numbers` are 0 where the grain does not ask for them.
    """

    lexical: float
    dense: float
    seeds: list[float]
    opening: float = 0.0
    numbers: float = 0.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What any text is measured by.

    `vectors`: the seeds' middle, then each seed. `spreads`: language -> how ordinary news in it fares in the sparse and
    in the dense half; "" for languages without figures. `full_words`, `prose`: how many different words, and what share
    of common ones, a text needs for its cosines to be taken at their word. `ordinary`: the sorted logits of news in the
    seeds' languages.
    `days`: when the seeds that say so were published, as ordinals. `details`: where the grain asks for them.
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
    details: Details | None = None

    def closeness(self, article: Reading) -> Closeness:
        """Of an article that this measure's reader has read."""
        trust = self.trust(article)
        sparse = [cosine * trust for cosine in self.sparse.cosines(article.weights)]
        dense = [cosine * trust for cosine in (self.vectors @ article.vector).tolist()]
        seeds = [(_bounded(one) + _bounded(two)) / 2 for one, two in zip(sparse[1:], dense[1:], strict=True)]
        opening, numbers = 0.0, 0.0
        if self.details:
            opening, numbers = self.details.closeness(article, self.reader.rarity, max(sparse[1:]))
        return Closeness(
            nearness_of(sparse), nearness_of(dense, DENSE_COPY_POWER), seeds, opening * trust, numbers * trust
        )

    def trust(self, article: Reading) -> float:
        """How much of its cosines counts, in 0..1.

        Few words give a cosine by chance, and key words without a sentence to get one: they have only part of it.
        """
        weights, language = article.weights, article.text.language
        trust: float = min(1.0, (len(weights) / self.full_words) ** 0.5)
        if self.prose and language in PROSE_LANGUAGES:
            trust *= min(1.0, self.reader.rarity.prose(weights, language) / self.prose) ** 2
        return trust

    def parts(self, close: Closeness, language: str) -> dict[str, float]:
        """The shares of the logit at even odds, against ordinary news of the text's language."""
        in_words, in_meaning = self.spreads.get(language, self.spreads[""])
        parts = self.weighing.parts(in_words.stand_out(close.lexical), in_meaning.stand_out(close.dense))
        return parts | self.weighing.details(close.opening, close.numbers) if self.details else parts

    def apart(self, published: date | None) -> int | None:
        """The days between a text and the seed nearest in time; None where either does not say."""
        if published is None or not self.days:
            return None
        return min(abs(published.toordinal() - day) for day in self.days)


def _bounded(cosine: float) -> float:
    return min(max(cosine, 0.0), 1.0)
