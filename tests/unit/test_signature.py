"""Signatures: alike texts share bands, and how alike two are does not depend on who asks."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.signature import BANDS, CONTAINED, MIN_WORDS, SAME, bands, shingles, signature, similarity

WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]


def prose(seed: int, words: int = 200) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def share_a_band(one: str, other: str) -> bool:
    return bool(set(bands(signature(shingles(one)))) & set(bands(signature(shingles(other)))))


def test_a_signature_is_the_same_in_every_process_and_forever() -> None:
    # bands lie in the database: another hash would find none of the old copies
    signed = signature(shingles(" ".join(f"word{number}" for number in range(60))))
    assert (len(signed), signed[:8].hex()) == (512, "d36f26f00749edcc")
    assert bands(signed)[0] == (0, -7924454854889314137)


def test_a_signature_has_a_band_for_each_place_and_values_a_database_holds() -> None:
    found = bands(signature(shingles(prose(1))))
    assert [band for band, _ in found] == list(range(BANDS))
    assert all(-(2**63) <= value < 2**63 for _, value in found)


def test_short_texts_have_no_shingles_and_so_no_bands() -> None:
    short = prose(1, MIN_WORDS - 1)
    assert shingles(short) == frozenset()
    assert bands(signature(shingles(short))) == []
    assert similarity(shingles(short), shingles(short)) == 0.0
    assert len(shingles(prose(1, MIN_WORDS))) == MIN_WORDS - 2


def test_capitals_and_spaces_make_no_difference() -> None:
    text = prose(1)
    assert shingles(text.upper()) == shingles(text.replace(" ", "\n  "))


def test_unrelated_texts_share_no_band() -> None:
    assert not any(share_a_band(prose(one), prose(one + 1)) for one in range(0, 100, 2))


@pytest.mark.parametrize(("edits", "least"), [(0.0, 50), (0.02, 50), (0.05, 50), (0.08, 49)])
def test_texts_with_a_few_edits_share_a_band_and_count_as_the_same(edits: float, least: int) -> None:
    found = 0
    for seed in range(50):
        text = prose(seed, 300)
        words = text.split()
        for at in random.Random(seed).sample(range(300), round(edits * 300)):
            words[at] = "changed"
        copy = " ".join(words)
        assert similarity(shingles(text), shingles(copy)) >= SAME
        found += share_a_band(text, copy)
    assert found >= least


def test_a_text_within_another_counts_as_the_same_from_three_quarters_on() -> None:
    whole = prose(1, 1000)
    part = " ".join(whole.split()[:100])
    assert similarity(shingles(whole), shingles(part)) == pytest.approx(SAME / CONTAINED)
    half = " ".join(whole.split()[:100]) + " " + prose(2, 100)
    assert similarity(shingles(whole), shingles(half)) < SAME


_SHINGLED = st.frozensets(st.sampled_from(WORDS), max_size=30)


@settings(max_examples=200)
@given(one=_SHINGLED, other=_SHINGLED)
def test_likeness_is_mutual_and_between_0_and_1(one: frozenset[str], other: frozenset[str]) -> None:
    share = similarity(one, other)
    assert 0.0 <= share <= 1.0
    assert share == similarity(other, one)
    assert similarity(one, one) == (1.0 if one else 0.0)
    if not one & other:
        assert share == 0.0


@settings(max_examples=50)
@given(order=st.permutations(sorted(shingles(prose(3, 60)))))
def test_a_signature_does_not_depend_on_the_order_of_the_shingles(order: list[str]) -> None:
    assert signature(dict.fromkeys(order).keys()) == signature(frozenset(order))
