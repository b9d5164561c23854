"""Which found article comes first, and what of it is shown: the same for every database.

The rank is BM25F's (Robertson and Zaragoza 2009) without rarity, since every wanted term occurs in every article found:
a word in the title counts like four in the text, each further occurrence adds less, and more in a long text than in a
short one is needed for the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.asked import Term
from pipelines.words import CHARS_A_WORD, MAX_WORD_CHARS, places_of, words_of

TITLE_WEIGHT: Final = 4.0
# as many words of an article are looked at; agrees with what is indexed
WORDS: Final = 15_000
# which are found in its first so many characters
CHARS: Final = CHARS_A_WORD * WORDS
_SATURATION: Final = 1.2
_LENGTH_SHARE: Final = 0.75
_USUAL_WORDS: Final = 500
_BEFORE, _SNIPPET_CHARS = 60, 240
_MAX_MARKS: Final = 20
# as much of a text is looked through for the place to show
_SHOWN_FROM_CHARS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Highlight:
    """A piece of text, and where in it the wanted words stand: `[from, to)` in characters."""

    text: str
    marks: tuple[tuple[int, int], ...]


def rank(title: str, text: str, wanted: tuple[Term, ...], words: int) -> float:
    """How well an article answers, 0..1; its text is so many `words` long."""
    # a short text is no better an answer than one of usual length
    length = max(1.0, 1 - _LENGTH_SHARE + _LENGTH_SHARE * min(words, WORDS) / _USUAL_WORDS)
    in_title, in_text = _Said(title), _Said(text)
    total = 0.0
    for term in wanted:
        found = TITLE_WEIGHT * in_title.number(term) + in_text.number(term) / length
        total += found / (found + _SATURATION)
    return total / len(wanted)


class _Said:
    """A text in which terms are counted."""

    def __init__(self, text: str) -> None:
        self._text = text
        # cutting a text into its words takes five times as long as looking for one of them
        self._plain = text.lower() if text.isascii() and len(text) <= WORDS else None
        self._words: list[str] | None = None

    def number(self, term: Term) -> int:
        """How often a term occurs."""
        if self._plain is not None and len(term) == 1 and len(term[0]) < MAX_WORD_CHARS:
            return _number(term[0], self._plain)
        if self._words is None:
            self._words = words_of(self._text, WORDS)
        if len(term) == 1:
            return self._words.count(term[0])
        return sum(self._words[at : at + len(term)] == list(term) for at in _places(term[0], self._words))


def _number(word: str, plain: str) -> int:
    """How often a word stands in a plain text, between what is no letter or digit."""
    found, at = 0, plain.find(word)
    while at >= 0:
        end = at + len(word)
        found += not (plain[end : end + 1].isalnum() or plain[max(0, at - 1) : at].isalnum())
        at = plain.find(word, end)
    return found


def _places(word: str, words: list[str]) -> Iterator[int]:
    at = -1
    with contextlib.suppress(ValueError):
        while True:
            at = words.index(word, at + 1)
            yield at


def highlight(text: str, wanted: tuple[Term, ...], *, whole: bool = False) -> Highlight:
    """The piece of a text (the `whole` of a title) that holds most of the different words asked for."""
    words = {word for term in wanted for word in term}
    looked = text[:_SHOWN_FROM_CHARS]
    hits = places_of(words, looked)
    if whole:
        return Highlight(text, tuple((start, end) for _, start, end in hits)[:_MAX_MARKS])
    first = max(range(len(hits)), key=lambda at: (_variety(hits, at), -at), default=None)
    begin = max(0, hits[first][1] - _BEFORE) if first is not None else 0
    # not in the middle of a word, where there are spaces at all
    if begin and (space := text.find(" ", begin, begin + _BEFORE)) >= 0:
        begin = space + 1
    piece = text[begin : begin + _SNIPPET_CHARS].replace("\n", " ")
    marks = [(start - begin, end - begin) for _, start, end in hits if start >= begin and end <= begin + len(piece)]
    return Highlight(piece, tuple(marks[:_MAX_MARKS]))


def _variety(hits: list[tuple[str, int, int]], at: int) -> int:
    limit = hits[at][1] + _SNIPPET_CHARS - _BEFORE
    near: set[str] = set()
    for word, _, end in hits[at : at + 50]:
        if end > limit:
            break
        near.add(word)
    return len(near)
