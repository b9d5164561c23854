"""Cuts a text into pieces, those that decided about it marked by how much they did. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.records import Term

MAX_CHARS = 120_000
LEVELS = 3
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text; `level` is 0 for the rest, up to LEVELS for words that spoke for it, down to -LEVELS against."""

    text: str
    level: int = 0
    weight: float = 0.0


def shaded(text: str, terms: Sequence[Term]) -> list[list[Piece]]:
    """The paragraphs of a text, each in pieces; what is beyond MAX_CHARS is left out."""
    weights = {term.word: term.weight for term in terms if term.word}
    found = _pattern(list(weights))
    paragraphs = [line for line in text[:MAX_CHARS].split("\n") if line.strip()]
    if found is None:
        return [[Piece(line)] for line in paragraphs]
    heaviest = max(abs(weight) for weight in weights.values()) or 1.0
    return [_cut(line, found, weights, heaviest) for line in paragraphs]


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """Any of the words; whole ones in scripts that write spaces."""
    if not words:
        return None
    ordered = sorted(words, key=lambda word: (-len(word), word))
    alternatives = [
        re.escape(word) if _UNSPACED.search(word) else rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])"
        for word in ordered
    ]  # fmt: skip
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _cut(line: str, found: re.Pattern[str], weights: dict[str, float], heaviest: float) -> list[Piece]:
    pieces, at = [], 0
    for hit in found.finditer(line):
        if hit.start() > at:
            pieces.append(Piece(line[at : hit.start()]))
        weight = weights.get(hit.group().lower(), 0.0)
        step = min(LEVELS, 1 + int(LEVELS * abs(weight) / heaviest * 0.999)) if weight else 0
        pieces.append(Piece(hit.group(), step if weight > 0 else -step, weight))
        at = hit.end()
    if at < len(line):
        pieces.append(Piece(line[at:]))
    return pieces
