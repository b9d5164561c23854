"""Cut text into the words that every half of the likeness counts."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cached_property

WORD_LIMIT = 20_000
# a word of running text is rarely longer than 12 letters, so this many characters hold WORD_LIMIT words of prose
CHAR_LIMIT = 12 * WORD_LIMIT

# Python's \w leaves out the vowel signs of Indic scripts and combining accents, which would cut words in two
_SIGNS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0970-\u0dff"
# runs are repeated rather than letters, which is faster; nothing follows that could make the pattern step back
_WORD = re.compile(rf"[^\W\d_](?:[^\W\d_]+|[{_SIGNS}]+)+")
# most Western text fits into one byte a letter, and is cut by a table
_BYTES = "cp1252"
# scripts written without spaces: Thai to Myanmar, Khmer, kana, CJK ideographs
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(f"[{_UNSPACED}]+")


_LETTERS = bytes(
    byte if _WORD.fullmatch(f"a{bytes((byte,)).decode(_BYTES, 'replace')}") else ord(" ") for byte in range(256)
)
_LOWER = _LETTERS.decode(_BYTES, "replace").lower().encode(_BYTES, "replace")


class Cut(str):
    """A text that is cut into words once, however many ask for them."""

    @cached_property
    def cased(self) -> list[str]:
        """As `cased_words`, at most WORD_LIMIT."""
        return cased_words(self)

    @cached_property
    def lowered(self) -> list[str]:
        """The words in lower case."""
        # lowered together, which is faster
        return "\n".join(self.cased).lower().split("\n") if self.cased else []

    @cached_property
    def tally(self) -> Counter[str]:
        """How often each stands in `lowered`."""
        return Counter(self.lowered)


def words(text: str) -> list[str]:
    """The lower-case words of at least two letters, in order, at most WORD_LIMIT; unspaced scripts as letter pairs."""
    if (spaced := _spaced(text[: 12 * WORD_LIMIT], _LOWER)) is None:
        return [word.lower() for word in cased_words(text)]
    return [word for word in spaced.split() if len(word) > 1][:WORD_LIMIT]


def cased_words(text: str, limit: int = WORD_LIMIT) -> list[str]:
    """As `words`, with capitals kept; at most `limit`."""
    text = text[: 12 * limit]
    if (spaced := _spaced(text, _LETTERS)) is None:
        return _words_of_any_script(text, limit)
    return [word for word in spaced.split() if len(word) > 1][:limit]


def _spaced(text: str, table: bytes) -> str | None:
    """The text with spaces for all that is no letter, None when its letters are not among `table`'s."""
    if text.isascii():
        return text.encode().translate(table).decode()
    try:
        return text.encode(_BYTES).translate(table).decode(_BYTES)
    except UnicodeEncodeError:
        return None


def _words_of_any_script(text: str, limit: int) -> list[str]:
    text = unicodedata.normalize("NFC", text)
    if not _RUN.search(text):
        return _WORD.findall(text)[:limit]
    return [piece for word in _WORD.findall(text) for piece in _pieces(word)][:limit]


def _pieces(word: str) -> list[str]:
    """A word as it is, or the overlapping letter pairs of its unspaced parts and the spaced parts between them."""
    if not _RUN.search(word):
        return [word]
    pieces: list[str] = []
    end = 0
    for run in _RUN.finditer(word):
        pieces += [part for part in (word[end : run.start()],) if len(part) > 1]
        letters = run.group()
        pieces += [letters[at : at + 2] for at in range(len(letters) - 1)]
        end = run.end()
    return pieces + [part for part in (word[end:],) if len(part) > 1]
