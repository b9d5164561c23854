"""The figures of ordinary news: how rare words are, where languages' vectors lie, and a thousand articles in numbers.

Made by benchmarks/make_background.py, which names the sources. It holds no text.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.likeness.naming import BACKGROUND

Floats = npt.NDArray[np.float32]

# rarity is -ln(share of articles that hold the word), kept in steps of this size
RARITY_STEP = 0.05
# word frequencies come by other names of languages than articles are told by; Serbian is left out, being written in two
# scripts of which the table knows one
_CALLED = {"nb": ("no",), "fil": ("tl",), "sh": ("hr", "bs")}
# the rarity of a word no table knows: one article in 5,000
LONGEST_RARITY = 8.5


def word_hash(word: str) -> int:
    """32 bits of a word."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class Rows:
    """Articles as figures: `counts` of `hashes` in the slices `starts`, whole lengths `squares`, unit `vectors`."""

    languages: npt.NDArray[np.str_]
    starts: npt.NDArray[np.int32]
    hashes: npt.NDArray[np.uint32]
    counts: npt.NDArray[np.uint8]
    squares: Floats
    vectors: Floats


@dataclass(frozen=True, slots=True)
class Background:
    """`tables`: language -> (sorted word hashes, rarity of each); `means`: language -> vector, "" for the rest."""

    tables: dict[str, tuple[npt.NDArray[np.uint32], Floats]]
    means: dict[str, Floats]
    rows: Rows

    @classmethod
    def of(cls, figures: Mapping[str, npt.NDArray[Any]]) -> Background:
        """From the arrays of the file."""
        starts = figures["table_starts"]
        hashes = figures["table_hashes"]
        rarities = figures["table_rarities"].astype(np.float32) * RARITY_STEP
        tables = {
            name: (hashes[start:end], rarities[start:end])
            for language, start, end in zip(figures["table_languages"], starts[:-1], starts[1:], strict=True)
            for name in _CALLED.get(str(language), (str(language),))
        }
        means = figures["mean_vectors"].astype(np.float32)
        names = [str(language) for language in figures["mean_languages"]]
        return cls(tables, dict(zip(names, means, strict=True)), _rows(figures))

    def mean(self, language: str) -> Floats:
        """The mean vector of a language, or of all languages when it has none of its own."""
        return self.means.get(language, self.means[""])


def _rows(figures: Mapping[str, npt.NDArray[Any]]) -> Rows:
    if "row_vectors" not in figures:
        nothing: Any = np.zeros(0)
        return Rows(nothing, nothing, nothing, nothing, nothing, nothing)
    vectors = figures["row_vectors"].astype(np.float32)
    return Rows(
        figures["row_languages"],
        figures["row_starts"],
        figures["row_hashes"],
        figures["row_counts"],
        figures["row_squares"],
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
    )


@lru_cache(maxsize=1)
def background() -> Background:
    """The process's one copy, read at first use."""
    with files("pipelines.likeness").joinpath(BACKGROUND).open("rb") as file, np.load(file) as figures:
        return Background.of(dict(figures))
