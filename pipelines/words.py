"""The words of a text as the search index knows them: without case and accents, the same on every database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

MAX_WORD_CHARS: Final = 64
# a word of running text is rarely longer than 12 letters: more is no prose, and is not looked at
CHARS_A_WORD: Final = 16

# Python's \w leaves out the vowel signs of Indic scripts and combining accents, which would cut words in two
_SIGNS: Final = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0970-\u0dff"
# scripts written without spaces: each character is a word, and several side by side are looked for as a phrase
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|[{_SIGNS}])*")
_PLAIN: Final = re.compile(r"[a-z0-9]+")
_ACCENT: Final = re.compile("[\u0300-\u036f]+")
# what compatibility forms may fall into: "½" holds no ASCII, but some ligatures hold spaces
_ASCII_SIGN: Final = re.compile(r"[\x00-/:-@\[-`{-\x7f]+")


def words_of(text: str, limit: int) -> list[str]:
    """The words of a text in order, at most `limit`; a word is cut at 64 characters."""
    text = folded(text[: CHARS_A_WORD * limit])
    found: list[str] = (_PLAIN if text.isascii() else _WORD).findall(text)[:limit]
    if max(map(len, found), default=0) > MAX_WORD_CHARS:
        found = [word[:MAX_WORD_CHARS] for word in found]
    return found


def spans_of(text: str) -> Iterator[tuple[str, int, int]]:
    """`(word, start, end)` of the words of a text, where they stand in it."""
    for found in _WORD.finditer(text):
        word = found.group()
        plain = word.lower() if word.isascii() else _ASCII_SIGN.sub("", folded(word))
        yield plain[:MAX_WORD_CHARS], found.start(), found.end()


def places_of(words: Iterable[str], text: str) -> list[tuple[str, int, int]]:
    """`(word, start, end)` wherever one of these words, as the index knows them, stands in a text."""
    wanted = set(words)
    if text.isascii():
        said = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, wanted))})(?![a-z0-9])")
        # a word that was cut is looked for the long way
        if max(map(len, wanted), default=MAX_WORD_CHARS) < MAX_WORD_CHARS:
            return [(found.group(), found.start(), found.end()) for found in said.finditer(text.lower())]
    return [one for one in spans_of(text) if one[0] in wanted]


def folded(text: str) -> str:
    """A text without case and accents: "Évry" and "EVRY" are "evry"."""
    text = text.lower()
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))
