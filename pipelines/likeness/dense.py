"""Turn text into 256 numbers: the mean of wordllama's word vectors, read straight from that package's files.

The vectors are wordllama's (MIT), distilled from the token embeddings of Llama models.
"""

from __future__ import annotations

import contextlib
import importlib.util
import mmap
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from tokenizers import Tokenizer

from pipelines.likeness.tokens import Cut, cased_words

DIMENSIONS = 256
WORD_LIMIT = 600
CACHED_WORDS = 50_000
LONGEST_WORD = 40
# words from which a text is summed by itself; below, as links' words are, many are summed at once
LONG_TEXT = 64
# 8 MB of rows
PIECES_AT_ONCE = 8_192
# how this vocabulary writes the beginning of a word
_SPACE = "\u2581"
# rows of one text that are summed at once: half a megabyte, which stays in the processor's cache
ROOM = 512
# what has no length is divided by this
SHORTEST = np.float32(1e-30)
# how a row's number is kept
PLACE = np.dtype(np.intp)

Vectors = npt.NDArray[np.float32]


class _Pieces(dict[str, bytes]):
    """Word -> its pieces, which are rows of `table`; only rows of words asked for are filled, or all by `fill()`.

    Pieces never reach across a space in this vocabulary, so a word can be split by itself and remembered. Rows are
    kept as bytes of PLACE: those of many words are joined and read as one array, faster than tuples of numbers.
    """

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        super().__init__()
        self._file = safe_open(weights, framework="np")
        self._narrow = self._file.get_slice("embedding.weight")  # type: ignore[no-untyped-call] # its stub has no types
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._lock = threading.Lock()
        # Read and widened row by row: all at once is a fifth of the start, and rows nobody asked for take no memory.
        # Nor is it np.empty's: that asks for pages of 2 MB, each of which costs milliseconds when it is first touched.
        rows, width = self._narrow.get_shape()
        room = mmap.mmap(-1, 4 * rows * width, flags=mmap.MAP_PRIVATE)
        if sys.platform == "linux":  # where the system gives large pages to whoever does not refuse them
            with contextlib.suppress(OSError):  # it knows none
                room.madvise(mmap.MADV_NOHUGEPAGE)
        self.table: Vectors = np.frombuffer(room, np.float32).reshape(rows, width)
        self._filled: set[int] = set()

    def __missing__(self, word: str) -> bytes:
        # three quarters of English words are one piece, and to look one up costs a tenth of splitting it
        whole = self._tokenizer.token_to_id(_SPACE + word)
        ids = (whole,) if whole is not None else self._split(word)
        pieces = np.array(ids, PLACE).tobytes()
        with self._lock:
            for piece in set(ids) - self._filled:
                self.table[piece] = self._narrow[piece : piece + 1][0]
                self._filled.add(piece)
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = pieces
        return pieces

    def fill(self) -> None:
        """Fills every row."""
        with self._lock:
            if len(self._filled) < len(self.table):
                self.table[:] = self._narrow[:]
                self._filled.update(range(len(self.table)))

    def _split(self, word: str) -> tuple[int, ...]:
        # one word at a time: the library's batches start threads, after which a process must not fork
        return tuple(self._tokenizer.encode(word[:LONGEST_WORD], add_special_tokens=False).ids)


class Embedder:
    """Mean of word pieces' vectors. Safe to share between threads; keeps the pieces of words it has seen."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        self._pieces = _Pieces(weights, tokenizer)
        self._table = self._pieces.table
        self._rooms = threading.local()

    def fill(self) -> None:
        """Reads every word piece's vector now (32 MB): for a process that others are forked from, which share them."""
        self._pieces.fill()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of DIMENSIONS per text, from its first WORD_LIMIT words; a text without words gives zeros."""
        means = np.zeros((len(texts), DIMENSIONS), np.float32)
        places: list[int] = []
        begins: list[int] = []
        ids = bytearray()
        for place, text in enumerate(texts):
            words = text.cased if isinstance(text, Cut) else cased_words(text)
            if len(words) >= LONG_TEXT:
                means[place] = self._mean(words[:WORD_LIMIT])
            if not 0 < len(words) < LONG_TEXT:
                continue
            pieces = b"".join(map(self._pieces.__getitem__, words))
            if ids and len(ids) + len(pieces) > PIECES_AT_ONCE * PLACE.itemsize:
                means[places] = self._means(ids, begins)
                places, begins, ids = [], [], bytearray()
            places.append(place)
            begins.append(len(ids) // PLACE.itemsize)
            ids += pieces
        if ids:
            means[places] = self._means(ids, begins)
        return means

    def _mean(self, words: Sequence[str]) -> Vectors:
        """As `_means`, of one long text's words."""
        rows = np.frombuffer(b"".join(map(self._pieces.__getitem__, words)), PLACE)
        total, room = np.zeros(DIMENSIONS, np.float32), self._room()
        for at in range(0, len(rows), ROOM):
            some = rows[at : at + ROOM]
            total += np.add.reduce(self._table.take(some, 0, room[: len(some)], "clip"))
        return np.asarray(total / len(rows), np.float32)

    def _room(self) -> Vectors:
        """Where this thread copies rows to; to ask for memory with every text would cost more than the copying."""
        if not hasattr(self._rooms, "rows"):
            self._rooms.rows = np.empty((ROOM, DIMENSIONS), np.float32)
        rows: Vectors = self._rooms.rows
        return rows

    def _means(self, ids: bytearray, begins: list[int]) -> Vectors:
        """The mean of each run of `ids`, which begin at `begins`; links are many, so rows are gathered at once."""
        rows = np.frombuffer(ids, PLACE)
        vectors, means = self._table.take(rows, 0), np.empty((len(begins), DIMENSIONS), np.float32)
        # one by one: `reduceat` takes half as long again
        for at, (begin, end) in enumerate(pairwise([*begins, len(rows)])):
            np.add.reduce(vectors[begin:end], out=means[at])
        return np.asarray(means / np.diff(begins, append=len(rows))[:, None], np.float32)


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
    """Embedded texts, less the mean of each one's language (one for all, or each its own), and of unit length.

    No words, still zeros. Taking the mean away lets texts of different languages meet.
    """
    if not len(rows):
        return rows
    moved = rows - (means[0] if len(means) == 1 else np.array(means))
    # only a text without words has nothing but zeros, and one zero is told faster than all
    if not rows[:, 0].all():
        moved[~rows.any(axis=1)] = 0
    return unit(moved)


def unit(rows: Vectors) -> Vectors:
    """Each row divided by its length; zeros stay zeros."""
    lengths = np.sqrt(np.einsum("...i,...i->...", rows, rows))[..., None]
    return np.asarray(rows / np.maximum(lengths, SHORTEST), np.float32)
