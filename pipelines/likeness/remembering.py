"""A model that embeds no text twice, for measuring: there every article is read again with every query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.likeness.dense import Vectors
from pipelines.likeness.models import Model


class Remembering:
    """Another model under the same name, which keeps every vector; for processes that end soon."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known: dict[str, Vectors] = {}
        self.name, self.dimensions, self.cheap = model.name, model.dimensions, model.cheap

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As `Model`."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        # as plain texts: their words are not kept
        self._known.update(zip(map(str, missing), self._model.embed(missing), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else self._model.embed(texts)
