"""Splits of a corpus: each story falls into one of them, the same every time, whatever else there is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from pipelines.errors import UsageError
from pipelines.exports.article import Article

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_BITS: Final = 53  # as many as a float tells apart


def splits_of(asked: str) -> dict[str, float]:
    """Name -> share, from `train=.8` or `train=.8,validation=.1`; what is left over is called test (or rest).

    Raises UsageError for shares that are none, or more than there is.
    """
    shares: dict[str, float] = {}
    for part in asked.split(","):
        name, _, share = (piece.strip() for piece in part.partition("="))
        try:
            value = float(share)
        except ValueError:
            value = 0.0
        if not _NAME.fullmatch(name) or name in shares or not 0 < value <= 1:
            raise UsageError(f"The split {part.strip()!r} cannot be read; write it like train=.8,validation=.1.")
        shares[name] = value
    left = 1 - sum(shares.values())
    if left < -1e-9:
        raise UsageError(f"The splits {asked!r} are more than the whole.")
    if left > 1e-9:
        shares["rest" if "test" in shares else "test"] = left
    return shares


def split_of(article: Article, shares: Mapping[str, float]) -> str:
    """The split an article falls into: by the address of its story's original, so that copies go along."""
    original = article["copy_of"] or article["url"]
    digest = hashlib.sha256(original.encode("utf-8", "replace")).digest()
    at = (int.from_bytes(digest[:8], "big") >> (64 - _BITS)) / 2**_BITS
    name = ""
    for name, share in shares.items():  # noqa: B007  # the last one takes what rounding leaves
        at -= share
        if at < 0:
            break
    return name
