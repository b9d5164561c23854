"""Whether a page gives its whole text to everybody: what it says of a wall, and whether its text stops short."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_OPEN: Final = frozenset({"free", "open", "public", "true", "yes"})
_SHUT: Final = frozenset({"locked", "paid", "premium", "metered", "subscriber", "subscribers", "false", "no", "plus"})
_METAS: Final = ("article:content_tier", "og:article:content_tier", "content_tier", "access", "lp.article:content_tier")
_CUT: Final = re.compile(r"(?:…|\.\.\.|\[\.\.\.\]|\[…\])\s*$")
# a text of less than this share of the words a page says it has is a teaser
_SHARE: Final = 0.6
_TEASER_WORDS: Final = 150


def walled(metas: Mapping[str, str], main: Mapping[str, Any]) -> bool | None:
    """Whether the page says that it is not for everybody; None when it says nothing."""
    said = main.get("isAccessibleForFree")
    if isinstance(said, (bool, str)):
        word = str(said).rpartition("/")[2].strip().lower()
        if word in _OPEN | _SHUT:
            return word in _SHUT
    for name in _METAS:
        word = metas.get(name, "").strip().lower()
        if word in _OPEN | _SHUT:
            return word in _SHUT
    return None


def stops_short(text: str, words: int, main: Mapping[str, Any], *, walls: bool | None) -> bool:
    """Whether a text is only the beginning: it breaks off, or has far fewer words than its page says.

    Behind a wall a short text is one, too.
    """
    try:
        claimed = int(main.get("wordCount") or 0)
    except (TypeError, ValueError, OverflowError):
        claimed = 0
    # divided, not multiplied: a claim may be too large for a float
    if claimed > words and words / claimed < _SHARE:
        return True
    return bool(walls) and (words < _TEASER_WORDS or bool(_CUT.search(text)))
