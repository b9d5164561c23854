"""How one text differs from another: paragraph by paragraph, and word by word within a paragraph that changed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

# a hostile page has a hundred thousand paragraphs; comparing takes the product of both numbers
MOST_PARAGRAPHS = 500
MOST_WORDS = 600
# pairs of like words, in all paragraphs together: a comparison takes time by these, and a text of eight words has most
MOST_PAIRS = 2_000_000
# paragraphs that share fewer of their words are two, not one that was edited
EDITED = 0.4

Mark = Literal["=", "+", "-"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words that stayed, came or went."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A paragraph that came (`+`), went (`-`) or was edited (`~`, with its words in `pieces`); `at` counts from 1."""

    mark: Literal["+", "-", "~"]
    at: int
    text: str
    pieces: tuple[Piece, ...] = ()


class Pairs:
    """How many pairs of like words may still be looked at while two texts are compared."""

    def __init__(self) -> None:
        self._left = MOST_PAIRS

    def allow(self, one: Sequence[str], other: Sequence[str]) -> bool:
        """Takes the pairs of these two paragraphs, if so many are left."""
        ours, theirs = Counter(one), Counter(other)
        wanted = sum(number * theirs[word] for word, number in ours.items())
        if wanted > self._left:
            return False
        self._left -= wanted
        return True


def changes(before: str, after: str) -> list[Change]:
    """What was done to `before` to make `after`, in order; `at` is a place in `after`, of what went where it stood."""
    old, new = _paragraphs(before), _paragraphs(after)
    found: list[Change] = []
    pairs = Pairs()
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            found += _replaced(old[a:b], new[c:d], c + 1, pairs)
    return found


def _paragraphs(text: str) -> list[str]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return [*lines[: MOST_PARAGRAPHS - 1], *filter(None, [" ".join(lines[MOST_PARAGRAPHS - 1 :])])]


def _replaced(old: list[str], new: list[str], at: int, pairs: Pairs) -> list[Change]:
    """Edited paragraphs are those that come at the same place in both and share enough words."""
    found = []
    for step in range(max(len(old), len(new))):
        gone, come = old[step : step + 1], new[step : step + 1]
        pieces = _words(gone[0], come[0], pairs) if gone and come else ()
        if pieces:
            found.append(Change("~", at + step, come[0], pieces))
            continue
        found += [Change("-", at + min(step, len(new)), text) for text in gone]
        found += [Change("+", at + step, text) for text in come]
    return found


def _words(before: str, after: str, pairs: Pairs) -> tuple[Piece, ...]:
    old, new = before.split(), after.split()
    if max(len(old), len(new)) > MOST_WORDS or not pairs.allow(old, new):
        return ()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < EDITED:
        return ()
    pieces: list[Piece] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(Piece("=", " ".join(old[a:b])))
            continue
        pieces += [Piece("-", " ".join(old[a:b]))] * (b > a) + [Piece("+", " ".join(new[c:d]))] * (d > c)
    return tuple(pieces)


def as_told(found: list[Change]) -> list[dict[str, Any]]:
    """Changes in the words of contract.md."""
    return [asdict(one) | {"pieces": [asdict(piece) for piece in one.pieces]} for one in found]
