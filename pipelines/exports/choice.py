"""What is written of each article, and where an export finds what articles do not hold themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.exports.article import FIELDS
from pipelines.records import Edge, Feed

# the steps that led to these rows: theirs and their ancestors', without those seen, which are added to
Edges = Callable[[Sequence[int], set[int]], Iterable[Edge]]
# the feeds that were read
Feeds = Callable[[], Iterable[Feed]]


def _none(_rows: Sequence[int], _seen: set[int]) -> Iterable[Edge]:
    """Nothing is known of how these were found."""
    return ()


def _unknown() -> Iterable[Feed]:
    """Nothing is known of feeds."""
    return ()


@dataclass(frozen=True, slots=True)
class Choice:
    """`fields` of tables, in order; whether texts are told at all; what the corpus is called; the archive's folder."""

    fields: Sequence[str] = tuple(FIELDS)
    text: bool = True
    title: str = "articles"
    archive: Path | None = None
    edges: Edges = _none
    feeds: Feeds = _unknown
