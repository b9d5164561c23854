"""Where ordinary news lies for a model: the bundled figures say it for the default, a few texts of ours for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from pipelines.likeness.background import Floats, background
from pipelines.likeness.dense import centred
from pipelines.likeness.models import Model, model
from pipelines.likeness.naming import DEFAULT_MODEL


@dataclass(frozen=True, slots=True)
class Ordinary:
    """`vectors`: one of unit length for each article of the background; `means`: language -> vector, "" for the rest.

    For another model than the default the vectors are those of `pieces`, over and over: so each article's words stand
    beside a piece's meaning.
    """

    means: Mapping[str, Floats]
    vectors: Floats


@lru_cache(maxsize=4)
def ordinary(chosen: Model) -> Ordinary:
    """Computed once a process for each model."""
    figures = background()
    if chosen.name == model(DEFAULT_MODEL).name:
        return Ordinary(figures.means, figures.rows.vectors)
    rows = chosen.embed(pieces())
    mean = rows.mean(axis=0)
    vectors = centred(rows, [mean] * len(rows))
    return Ordinary({"": mean, "en": mean}, np.resize(vectors, (len(figures.rows.languages), chosen.dimensions)))


def pieces() -> list[str]:
    """Short English articles about anything, written for this; parted by blank lines."""
    text = files("pipelines.likeness").joinpath("ordinary.txt").read_text(encoding="utf-8")
    return [" ".join(piece.split()) for piece in text.split("\n\n") if piece.strip()]
