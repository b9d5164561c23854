"""MinHash signatures and their bands: which texts are worth comparing, and how alike two are. Pure.

Shingles are runs of three words. 128 permutations in 32 bands of 4 find a pair that shares half its shingles
with probability .87, and one that shares .6 with .99; every pair found is then verified on its shingles.
(Broder 1997; Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, ch. 3.)
"""

from __future__ import annotations

import struct
from collections.abc import Set

import xxhash
from rensa import RMinHash

from pipelines.likeness.tokens import words

PERMUTATIONS = 128
BANDS = 32
ROWS = PERMUTATIONS // BANDS
SEED = 42
SHINGLE_WORDS = 3
# below this many words a text is too short to tell a copy from a coincidence: only identical text counts
MIN_WORDS = 40
# share of shingles two texts must have in common, of both together or of the shorter one
SAME = 0.5
CONTAINED = 0.75


def shingles(text: str) -> frozenset[str]:
    """The set of three-word runs of a text, lower-cased; empty for a text shorter than MIN_WORDS."""
    tokens = words(text)
    if len(tokens) < MIN_WORDS:
        return frozenset()
    return frozenset(" ".join(tokens[at : at + SHINGLE_WORDS]) for at in range(len(tokens) - SHINGLE_WORDS + 1))


def signature(shingled: Set[str]) -> bytes:
    """128 minima as little-endian 32-bit numbers, 512 bytes; empty for an empty set."""
    if not shingled:
        return b""
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(list(shingled))
    return struct.pack(f"<{PERMUTATIONS}I", *sketch.digest())


def bands(signed: bytes) -> list[tuple[int, int]]:
    """`(band, value)` pairs, value a signed 64-bit hash; two texts that share a pair are worth comparing."""
    width = ROWS * 4
    return [
        (band, struct.unpack("<q", xxhash.xxh3_64_digest(signed[band * width : (band + 1) * width]))[0])
        for band in range(len(signed) // width)
    ]


def similarity(one: Set[str], other: Set[str]) -> float:
    """The likeness of two shingle sets, 0 to 1: Jaccard, or containment where the shorter lies in the longer.

    A value of at least SAME means the texts tell the same story. Containment counts so far as it exceeds what
    Jaccard would say, scaled so that CONTAINED maps to SAME.
    """
    if not one or not other:
        return 0.0
    common = len(one & other)
    jaccard = common / (len(one) + len(other) - common)
    contained = common / min(len(one), len(other))
    return max(jaccard, SAME * contained / CONTAINED if contained >= CONTAINED else 0.0)
