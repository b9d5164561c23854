"""Two texts side by side: which paragraphs, and within them which words, differ. Pure, and bounded for any text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from pipelines.difference import Pairs

# of texts longer than this the beginning is compared
MOST_PARAGRAPHS = 400
MOST_CHARS = 100_000
# words of two paragraphs that are compared one by one
MOST_WORDS = 800
# a word and the space behind it; else every two spaces would be a pair
_PIECES = re.compile(r"(?:[^\W_]+|[\W_])\s*")

Sort = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph of either text beside its counterpart; pieces with what became of them. `same` when nothing did."""

    left: tuple[tuple[str, Sort], ...]
    right: tuple[tuple[str, Sort], ...]
    same: bool


@dataclass(frozen=True, slots=True)
class Diff:
    """All lines; `shared` is the share of words that both texts have, 0..1; `cut` when not all was compared."""

    lines: tuple[Line, ...]
    shared: float
    cut: bool


def compare(left: str, right: str) -> Diff:
    """How two texts differ."""
    a, b = _paragraphs(left), _paragraphs(right)
    cut = len(left) > MOST_CHARS or len(right) > MOST_CHARS or max(len(a), len(b)) >= MOST_PARAGRAPHS
    lines: list[Line] = []
    pairs = Pairs()
    for what, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if what == "equal":
            lines += [Line(((one, "same"),), ((one, "same"),), True) for one in a[a0:a1]]
            continue
        for at in range(max(a1 - a0, b1 - b0)):
            ours = a[a0 + at] if a0 + at < a1 else ""
            theirs = b[b0 + at] if b0 + at < b1 else ""
            lines.append(_changed(ours, theirs, pairs))
    return Diff(tuple(lines), _shared(lines), cut)


def _paragraphs(text: str) -> list[str]:
    return [line for line in text[:MOST_CHARS].split("\n") if line.strip()][:MOST_PARAGRAPHS]


def _changed(left: str, right: str, pairs: Pairs) -> Line:
    a, b = _PIECES.findall(left), _PIECES.findall(right)
    if not left or not right or max(len(a), len(b)) > MOST_WORDS or not pairs.allow(a, b):
        return Line(((left, "gone"),) if left else (), ((right, "new"),) if right else (), False)
    ours: list[tuple[str, Sort]] = []
    theirs: list[tuple[str, Sort]] = []
    for what, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        same = what == "equal"
        if a1 > a0:
            ours.append(("".join(a[a0:a1]), "same" if same else "gone"))
        if b1 > b0:
            theirs.append(("".join(b[b0:b1]), "same" if same else "new"))
    return Line(tuple(ours), tuple(theirs), False)


def _shared(lines: Sequence[Line]) -> float:
    same = sum(_letters(piece) for line in lines for piece, sort in line.left if sort == "same")
    every = max(
        sum(_letters(piece) for line in lines for piece, _ in line.left),
        sum(_letters(piece) for line in lines for piece, _ in line.right),
    )
    return same / every if every else 1.0


def _letters(piece: str) -> int:
    return sum(1 for letter in piece if not letter.isspace())
