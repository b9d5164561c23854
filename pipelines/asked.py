"""What a user types to search: words, "phrases" and -exclusions. Any text can be typed; none is a syntax error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pipelines.errors import UsageError
from pipelines.words import words_of

MAX_TERMS: Final = 20
_MAX_CHARS: Final = 1_000
_CHUNK: Final = re.compile(r'(?P<no>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')

Term = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Terms that must all occur, and terms that must not. A term is words that stand side by side."""

    wanted: tuple[Term, ...]
    unwanted: tuple[Term, ...] = ()


def understood(text: str) -> Asked:
    """What a typed text asks for: words, "words side by side", and -word for what must not occur.

    Whatever is no word (operators, emoji, stray quotes) is passed over. UsageError where no word is left.
    """
    wanted: dict[Term, None] = {}
    unwanted: dict[Term, None] = {}
    for chunk in _CHUNK.finditer(text[:_MAX_CHARS]):
        term = tuple(word for word in words_of(chunk["word"] or chunk["phrase"] or "", _MAX_CHARS) if word)
        if term:
            (unwanted if chunk["no"] else wanted)[term] = None
    if not wanted:
        raise UsageError(f"There is no word to search for in {text[:60]!r}; type one or more words.")
    return Asked(tuple(wanted)[:MAX_TERMS], tuple(unwanted)[:MAX_TERMS])
