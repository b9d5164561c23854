"""Articles as they are judged, and read: weighted words and a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from pipelines.likeness.background import Floats, background
from pipelines.likeness.dense import centred
from pipelines.likeness.lexical import Rarity, Weights, rarity
from pipelines.likeness.models import Model, model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.ordinary import ordinary


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
        return cls(rarity(), {} if is_default(chosen) else ordinary(chosen).means, chosen)

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
        return background().mean(language) if is_default(self.model) else self.means[""]


def is_default(chosen: Model) -> bool:
    """Whether the bundled figures were made with this model."""
    return chosen.name == model(DEFAULT_MODEL).name
