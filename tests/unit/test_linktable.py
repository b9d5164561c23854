"""The table of waiting links: what it forgets when it is full, and that the rest is worth what it was worth before."""

from __future__ import annotations

import numpy as np
import pytest

from crawler.frontier import linktable
from crawler.frontier.linktable import CUES, LinkTable

WORDS = np.linspace(-1, 1, 1_000, dtype=np.float32)
DENSE = np.linspace(-2, 2, CUES + 2)


def filled(candidates: int, links_each: int = 2) -> LinkTable:
    """Candidate `n` is named by pages `n % 7` and so on, with words and cues of its own."""
    table = LinkTable(hub_prior=0.05, hub_weight=3.0)
    for link in range(links_each):
        for key in range(candidates):
            cues = tuple(((key * 31 + at + link) % 10) / 10 for at in range(CUES))
            table.add([key], (key + link) % 7, [cues], [[key % 1_000, (key * 7 + link) % 1_000][: key % 3]])
    for page in range(7):
        table.hub(page, page / 7)
    return table


def worth(table: LinkTable, key: int) -> float:
    return table.estimates([key], WORDS, DENSE, 0.25)[0]


def again(table: LinkTable, most: int = 1_000) -> dict[int, float]:
    turns = table.rescore(WORDS, DENSE, 0.25, most=most, moved=0.0)
    return dict(pair for turn in turns for pair in turn)


def test_a_full_table_keeps_the_most_promising_candidates_and_what_it_knew_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linktable, "MAX_LINKS", 200)
    table = filled(100)
    table.fetched(99)
    before = {key: worth(table, key) for key in range(99)}
    table.add([1_000], None, [(0.0,) * CUES], [[]])  # one link too many
    kept = [key for key in range(100) if table.links_of(key)]
    assert kept == sorted(sorted(before, key=lambda key: (-before[key], key))[:50])
    assert {key: worth(table, key) for key in kept} == pytest.approx({key: before[key] for key in kept})
    assert table.wants(1_000) and all(table.wants(key) for key in kept) and not table.wants(99)


def test_a_table_that_is_always_full_stays_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linktable, "MAX_LINKS", 100)
    table = LinkTable(hub_prior=0.05, hub_weight=3.0)
    for number in range(5_000):
        table.add([number % 900], number, [(0.5,) * CUES], [[number % 1_000]])
        if number % 50 == 0:
            table.hub(number, 0.5)
            again(table, most=10)
    assert sum(len(table.links_of(key)) for key in range(900)) <= 100


def test_all_at_once_comes_to_the_same_as_one_by_one() -> None:
    table = filled(60, links_each=3)
    for key in range(0, 60, 5):
        table.fetched(key)
    together = again(table)
    assert together == pytest.approx({key: worth(table, key) for key in range(60) if key % 5})


def test_what_happens_between_two_turns_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linktable, "TURN", 16)
    table = filled(60)
    turns = table.rescore(WORDS, DENSE, 0.25, most=1_000, moved=0.0)
    next(turns)
    table.fetched(7)
    table.add([1_000], 3, [(0.5,) * CUES], [[1, 2]])
    found = dict(pair for turn in turns for pair in turn)
    assert found == pytest.approx({key: worth(table, key) for key in range(60) if key != 7})


def test_a_table_packed_between_two_turns_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linktable, "TURN", 16)
    table = filled(60)
    turns = table.rescore(WORDS, DENSE, 0.25, most=1_000, moved=0.0)
    next(turns)
    monkeypatch.setattr(linktable, "MAX_LINKS", 100)
    table.add([1_000], 3, [(0.5,) * CUES], [[1, 2]])
    assert list(turns) == []


def test_a_page_of_links_comes_to_the_same_as_link_by_link() -> None:
    cues = [tuple((key + at) % 5 / 5 for at in range(CUES)) for key in range(9)]
    hashed = [list(range(key % 4)) for key in range(9)]
    together, apart = (LinkTable(hub_prior=0.05, hub_weight=3.0) for _ in range(2))
    together.add(range(9), 1, cues, hashed)
    for key in range(9):
        apart.add([key], 1, cues[key : key + 1], hashed[key : key + 1])
    assert together.estimates(range(9), WORDS, DENSE, 0.25) == pytest.approx([worth(apart, key) for key in range(9)])
