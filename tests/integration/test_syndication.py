"""The benchmark of copies, small and with floors: on hand-written articles, which are in the repository."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "benchmarks"))

import retold
import syndication
from retold import Change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "floor"),
    [
        (Change("edited", edits=0.10), 0.97),
        (Change("a third own", own=1 / 3, edits=0.05), 0.90),
        (Change("everything", 0.05, 0.2, 0.15, 0.01, headline=True, furniture=True), 0.90),
    ],
    ids=lambda value: value.name if isinstance(value, Change) else "",
)
def test_copies_are_found_and_nothing_else(change: Change, floor: float, tmp_path: Path) -> None:
    texts = list(retold._written())[:60]
    told = retold.corpus(texts, change, seed=3, form_pages=45)
    found, _ = syndication.ours(told, f"sqlite:///{tmp_path / 'stories.db'}")
    marks = retold.mark(told, found)
    assert marks.f1 >= floor
    assert marks.precision >= 0.999
    assert marks.false_merges <= 0.001
