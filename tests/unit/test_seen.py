"""The URLs a crawler has come across."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from crawler.frontier.seen import Seen
from pipelines import urls as identity

KEYS = st.integers(-(1 << 63), (1 << 63) - 1)


@given(st.lists(KEYS | st.integers(-5, 5), max_size=60), st.lists(KEYS | st.integers(-5, 5), max_size=20))
def test_it_holds_what_was_added_and_nothing_else(added: list[int], asked: list[int]) -> None:
    seen, known = Seen(most=1_000, lately=4), set()
    for key in added:
        assert (key in seen) == (key in known)
        assert seen.add(key) == (key not in known)
        known.add(key)
    assert all(key in seen for key in added)
    assert all((key in seen) == (key in known) for key in asked)


def test_beyond_its_bound_it_begins_anew() -> None:
    seen = Seen(most=100, lately=10)
    for key in range(110):
        seen.add(key)
    assert 50 not in seen
    seen.add(50)
    assert 50 in seen


def test_urls_take_a_few_bytes_each() -> None:
    keys = [identity.key(f"https://paper.test/{number}") for number in range(300_000)]
    tracemalloc.start()
    try:
        seen = Seen()
        for key in keys:
            seen.add(key)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 12 * len(keys) + 4_000_000
    assert keys[0] in seen and keys[-1] in seen
