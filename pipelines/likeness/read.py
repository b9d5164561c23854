"""Articles as they are judged, and read: weighted words and a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from pipelines.likeness.background import Floats, background
from pipelines.likeness.dense import centred
from pipelines.likeness.models import Model, model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.ordinary import ordinary
from pipelines.likeness.rarity import Rarity, Weights, rarity
from pipelines.likeness.tokens import Cut, words

OPENING_WORDS = 120
READ_AT_ONCE = 16


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


class Reading(NamedTuple):
    """What was read in an article.

    `opening`: the first OPENING_WORDS words of its title and as many of the text under it; `tally`: how often each of
    its words stands in it; `vector`, of unit length.
    """

    text: Text | Example
    opening: list[str]
    tally: Mapping[str, int]
    weights: Weights
    vector: Floats


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
        return cls(rarity(), {} if is_default(chosen) else ordinary(chosen).means, chosen)

    def read(self, texts: Sequence[Text | Example]) -> list[Reading]:
        """Each article's words and vector."""
        found: list[Reading] = []
        # a text's words take ten times its memory while it is read
        for some in (texts[at : at + READ_AT_ONCE] for at in range(0, len(texts), READ_AT_ONCE)):
            cuts = [_cut(one) for one in some]
            found += map(self._reading, some, cuts, self._vectors(some, cuts))
        return found

    def again(self, readings: Sequence[Reading], before: Reader) -> list[Reading]:
        """What `before` read, as this reader of the same model reads it."""
        if self.means.keys() != before.means.keys():
            return self.read([one.text for one in readings])
        return [one._replace(weights=self._weights(one.text, one.tally)) for one in readings]

    def words(self, text: Text | Example) -> Weights:
        """The weighted words of an article."""
        return self._weights(text, _cut(text).tally)

    def vectors(self, texts: Sequence[Text | Example]) -> Floats:
        """One row of unit length an article."""
        return self._vectors(texts, [_cut(one) for one in texts])

    def phrases(self, phrases: Sequence[str]) -> Floats:
        """One row of unit length for each few words, whose language is anybody's guess."""
        return centred(self.model.embed(phrases), [self._mean("")])

    def _reading(self, text: Text | Example, cut: Cut, vector: Floats) -> Reading:
        title = words(text.title)
        # the text's words follow those of the title
        begin = len(title)
        opening = [*title[:OPENING_WORDS], *cut.lowered[begin : begin + OPENING_WORDS]]
        return Reading(text, opening, cut.tally, self.rarity.article(title, cut.tally, text.language), vector)

    def _weights(self, text: Text | Example, tally: Mapping[str, int]) -> Weights:
        return self.rarity.article(words(text.title), tally, text.language)

    def _vectors(self, texts: Sequence[Text | Example], told: Sequence[str]) -> Floats:
        return centred(self.model.embed(told), [self._mean(one.language) for one in texts])

    def _mean(self, language: str) -> Floats:
        if language in self.means:
            return self.means[language]
        return background().mean(language) if is_default(self.model) else self.means[""]


def _cut(text: Text | Example) -> Cut:
    return Cut(f"{text.title}\n{text.text}")


def is_default(chosen: Model) -> bool:
    """Whether the bundled figures were made with this model."""
    return chosen.name == model(DEFAULT_MODEL).name
