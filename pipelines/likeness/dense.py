"""Turn text into 256 numbers: the mean of wordllama's word vectors, read straight from that package's files.

The vectors are wordllama's (MIT), distilled from the token embeddings of Llama models.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from tokenizers import Tokenizer

from pipelines.likeness.tokens import cased_words

DIMENSIONS = 256
WORD_LIMIT = 600
CACHED_WORDS = 50_000
LONGEST_WORD = 40
# 8 MB of rows
PIECES_AT_ONCE = 8_192

Vectors = npt.NDArray[np.float32]


class Embedder:
    """Mean of word pieces' vectors. Safe to share between threads; keeps the pieces of words it has seen."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        with safe_open(weights, framework="np") as tensors:
            # widened once: doing it for the rows of every text costs more than all else
            self._table: Vectors = tensors.get_tensor("embedding.weight").astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._pieces: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of DIMENSIONS per text, from its first WORD_LIMIT words; a text without words gives zeros."""
        means = np.zeros((len(texts), DIMENSIONS), np.float32)
        places: list[int] = []
        begins: list[int] = []
        ids: list[int] = []
        for place, text in enumerate(texts):
            pieces = self._ids(cased_words(text, WORD_LIMIT))
            if not pieces:
                continue
            if ids and len(ids) + len(pieces) > PIECES_AT_ONCE:
                means[places] = self._means(ids, begins)
                places, begins, ids = [], [], []
            places.append(place)
            begins.append(len(ids))
            ids += pieces
        if ids:
            means[places] = self._means(ids, begins)
        return means

    def _ids(self, words: list[str]) -> list[int]:
        cache = self._pieces
        ids: list[int] = []
        for word in words:
            ids += cache.get(word) or self._split(word)
        return ids

    def _means(self, ids: list[int], begins: list[int]) -> Vectors:
        """The mean of each run of `ids`, which begin at `begins`: one sum for all, links being many and short."""
        sums = np.add.reduceat(self._table[ids], begins, axis=0)
        return np.asarray(sums / np.diff(begins, append=len(ids))[:, None], np.float32)

    def _split(self, word: str) -> list[int]:
        """Pieces never reach across a space in this vocabulary, so a word can be split by itself and remembered."""
        # one word at a time: the library's batches start threads, after which a process must not fork
        ids: list[int] = self._tokenizer.encode(word[:LONGEST_WORD], add_special_tokens=False).ids
        with self._lock:
            if len(self._pieces) >= CACHED_WORDS:
                self._pieces = {}
            self._pieces[word] = ids
        return ids


@lru_cache(maxsize=1)
def embedder() -> Embedder:
    """The process's one embedder, read at first use."""
    # wordllama's own import is slow and its loader reaches for the network, so only its files are used
    found = importlib.util.find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("wordllama")
    home = Path(found.submodule_search_locations[0])
    return Embedder(
        home / "weights" / "l2_supercat_256.safetensors", home / "tokenizers" / "l2_supercat_tokenizer_config.json"
    )


def embed(texts: Sequence[str]) -> Vectors:
    """One row of DIMENSIONS numbers per text, neither centred nor normalised."""
    return embedder().embed(texts) if texts else np.zeros((0, DIMENSIONS), np.float32)


def centred(rows: Vectors, means: Sequence[Vectors]) -> Vectors:
    """Embedded texts, less the mean of each one's language, and of unit length; no words, still zeros.

    Taking the mean away lets texts of different languages meet.
    """
    return unit(np.where(rows.any(axis=1, keepdims=True), rows - np.stack(means), rows)) if len(rows) else rows


def unit(rows: Vectors) -> Vectors:
    """Each row divided by its length; zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
