"""Signatures: what a text is looked up by among millions, in 87 bytes. Pure.

A text's words are hashed, and runs of three words (shingles) from them, as arrays of numbers. KEYS minima of permuted
shingles are what the database indexes: two texts that share a quarter of these shingles agree in a key with
probability .90, that share half with .996. These shingles leave out words of fewer than LONG letters: so they outlive
small edits as well as runs of three words do, and are as rare as runs of five. The minima of all shingles under SKETCH
other permutations, a byte each, tell how alike a find is before its text is read.
(Broder 1997: MinHash; Li, König 2010: b-bit minwise hashing; Theobald 2008: SpotSigs, for the choice of words.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

KEYS = 8
# a row of one byte more takes eight more in PostgreSQL; earlier versions wrote that one, which is not looked at
SKETCH = 55
SHINGLE_WORDS = 3
# in bytes: every word counts in scripts whose letters take two or three
LONG = 4
# a text with fewer long words is looked up by all of its words
FEW_LONG = 20
# sketches that agree in fewer places are of texts with nothing in common but phrases
AGREE = 3
# as much of a text as is compared: a hostile site's long ones, hundreds at once, would fill the memory
READ_CHARS = 40_000
# below this many words a text is too short to tell a copy from a coincidence: only identical text counts
MIN_WORDS = 40

WORD = re.compile(r"\w+")
# every byte that is no part of a word becomes a space; those above ASCII stay
_SPACED = bytes(at if at > 127 or chr(at).isalnum() or at == 95 else 32 for at in range(256))
# scripts written without spaces, whose letters are taken in pairs: Thai to Myanmar, Khmer, kana, CJK ideographs
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_BASE = 0x9E3779B97F4A7C15


def _odd(seed: int, number: int) -> Hashes:
    """`number` odd factors, forever the same: they decide what is found again in old databases."""
    drawn = [xxhash.xxh3_64_intdigest(at.to_bytes(4, "little"), seed=seed) | 1 for at in range(number)]
    return np.array(drawn, dtype=np.uint64)


_KEY_FACTORS = _odd(1, KEYS)
_SKETCH_FACTORS = _odd(2, SKETCH)


@dataclass(frozen=True, slots=True)
class Signature:
    """`keys`: signed 32-bit numbers, one for each place; `sketch`: SKETCH bytes."""

    keys: tuple[int, ...]
    sketch: bytes


def composed(text: str) -> str:
    """As much of a text as is compared, with the accents written into the letters that have them."""
    text = text[:READ_CHARS]
    # what other software makes of "İ" in lower case is two characters, of which the second is no letter
    return text if text.isascii() else unicodedata.normalize("NFC", text).replace("i\u0307", "i")


def words_of(text: str) -> list[str]:
    """Words and numbers as they stand; unspaced scripts as pairs of letters."""
    return _words_in(composed(text))


def _words_in(text: str) -> list[str]:
    if text.isascii() or not _UNSPACED.search(text):
        return WORD.findall(text)
    return [word for _, word in placed(text)]


def placed(text: str) -> list[tuple[int, str]]:
    """The words of a `composed` text, each with the place where it stands."""
    found = [(one.start(), one[0]) for one in WORD.finditer(text)]
    if text.isascii() or not _UNSPACED.search(text):
        return found
    return [piece for at, word in found for piece in ([(at, word)] if word.isascii() else _pieces(word, at))]


def _pieces(word: str, at: int) -> list[tuple[int, str]]:
    pieces: list[tuple[int, str]] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        letters, start = run.group(), run.start()
        pieces += [(at + end, word[end:start])] if end < start else []
        pieces += [(at + start + pair, letters[pair : pair + 2]) for pair in range(max(1, len(letters) - 1))]
        end = run.end()
    return [*pieces, (at + end, word[end:])] if end < len(word) else pieces


def hashed(text: str) -> Hashes:
    """A hash for each word of `words_of`, whatever its capitals."""
    return _hashes(_plain(text))


def _plain(text: str) -> list[bytes]:
    """The words of `words_of` in lower case, as UTF-8, five times as fast."""
    # lowered last, and "İ" by itself: nothing else that lowering does makes more or fewer letters of a word
    lower = composed(text).replace("İ", "i").lower()
    if not lower.isascii():
        if _UNSPACED.search(lower):
            lower = " ".join(_words_in(lower))
        for sign in {one for one in set(lower) if one > "\x7f" and not one.isalnum()}:
            lower = lower.replace(sign, " ")
    return lower.encode("utf-8", "surrogatepass").translate(_SPACED).split()


def _hashes(words: list[bytes]) -> Hashes:
    return np.fromiter(map(xxhash.xxh3_64_intdigest, words), dtype=np.uint64, count=len(words))


def shingles(hashes: Hashes) -> Hashes:
    """A hash for each run of SHINGLE_WORDS words, in their order; empty when there are fewer words."""
    number = len(hashes) - SHINGLE_WORDS + 1
    if number <= 0:
        return np.empty(0, dtype=np.uint64)
    rolled = hashes[:number].copy()
    for at in range(1, SHINGLE_WORDS):
        rolled *= np.uint64(_BASE)
        rolled += hashes[at : at + number]
    # one word more or less must move every bit (Steele, Lea, Flood 2014: SplitMix)
    rolled ^= rolled >> np.uint64(30)
    rolled *= np.uint64(0xBF58476D1CE4E5B9)
    rolled ^= rolled >> np.uint64(27)
    rolled *= np.uint64(0x94D049BB133111EB)
    rolled ^= rolled >> np.uint64(31)
    return rolled


def signature(text: str) -> Signature | None:
    """The signature of a text; None below MIN_WORDS."""
    words = _plain(text)
    if len(words) < MIN_WORDS:
        return None
    hashes = _hashes(words)
    long = np.fromiter(map(len, words), dtype=np.int64, count=len(words)) >= LONG
    telling = hashes[long] if long.sum() >= FEW_LONG else hashes
    keys = _minima(shingles(telling), _KEY_FACTORS).astype(np.uint32).view(np.int32)
    sketch = _minima(shingles(hashes), _SKETCH_FACTORS).astype(np.uint8)
    return Signature(tuple(keys.tolist()), sketch.tobytes())


def _minima(shingled: Hashes, factors: Hashes) -> Hashes:
    """For each permutation the shingle that comes first under it, mixed, so that its lowest bits are a hash of it."""
    first: Hashes = shingled[(shingled[None, :] * factors[:, None]).argmin(axis=1)]
    return first


def agreeing(sketch: bytes, others: Sequence[bytes]) -> list[bool]:
    """Which of other sketches agree with one in so many places that their texts are worth reading."""
    if not others:
        return []
    held = np.frombuffer(b"".join([other[:SKETCH] for other in others]), dtype=np.uint8).reshape(len(others), SKETCH)
    same: list[bool] = ((held == np.frombuffer(sketch[:SKETCH], dtype=np.uint8)).sum(axis=1) >= AGREE).tolist()
    return same
