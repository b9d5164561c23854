"""Signatures: alike texts agree in a key, unrelated ones do not, and what lies in old databases is found for ever."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.signature import (
    KEYS,
    MIN_WORDS,
    READ_CHARS,
    SKETCH,
    agreeing,
    composed,
    hashed,
    placed,
    shingles,
    signature,
    words_of,
)

WORDS = [f"{a}{b}{c}{d}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst" for d in ("ar", "en", "os")]

KNOWN = (
    (-1498197559, -524730218, 396342150, -832979392, 904133916, 1760824996, 664618975, -1816962182),
    "1fc4b0e0ade0f485",
)


def prose(seed: int, words: int = 200) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def share_a_key(one: str, other: str) -> bool:
    ours, theirs = signature(one), signature(other)
    assert ours and theirs
    return any(a == b for a, b in zip(ours.keys, theirs.keys, strict=True))


def test_a_signature_is_the_same_in_every_process_and_forever() -> None:
    # keys lie in the database: others would find none of the old copies
    signed = signature(" ".join(f"word{number}" for number in range(60)))
    assert signed is not None
    assert (signed.keys, signed.sketch.hex()[:16]) == KNOWN


def test_a_signature_is_small_and_of_numbers_a_database_holds() -> None:
    signed = signature(prose(1))
    assert signed is not None
    assert (len(signed.keys), len(signed.sketch)) == (KEYS, SKETCH)
    assert all(-(2**31) <= value < 2**31 for value in signed.keys)


def test_short_texts_have_none() -> None:
    assert signature(prose(1, MIN_WORDS - 1)) is None
    assert signature(prose(1, MIN_WORDS)) is not None
    assert len(shingles(hashed("two words"))) == 0


def test_capitals_spaces_and_accents_however_written_make_no_difference() -> None:
    text = f"café {prose(1)}"
    assert signature(text) == signature(text.upper().replace(" ", "\n  ")) == signature(f"cafe\u0301 {prose(1)}")


@given(st.text() | st.text(alphabet="aiI\u0131İJ\u0307\u030c\u0301ß日本の9_ .\ud800"))
@example("Plain words, 12.5 of them.")
@example("“Naïve” café — déjà-vu")
@example("日本語のテスト kana ab日本cd")
@example("हिन्दी भाषा")
@example("a\ud800b")
@example("İstanbul, İZMİR, i\u0307zmir, I\u0307stanbul, i\u0307\u0307")
def test_the_fast_way_finds_the_same_words(text: str) -> None:
    assert len(hashed(text)) == len(words_of(text))
    held = composed(text)
    assert [held[at : at + len(word)] for at, word in placed(held)] == words_of(text)


def test_accents_that_are_written_apart_shorten_no_text() -> None:
    text = "\u0958日本 " * (READ_CHARS // 4)
    assert len(composed(text)) > READ_CHARS
    assert len(hashed(text)) == len(words_of(text))


def test_a_dotted_capital_is_one_letter_of_its_word_however_written() -> None:
    assert words_of("İstanbul'da 3 kişi") == ["İstanbul", "da", "3", "kişi"]
    written = ("İstanbul", "istanbul", "I\u0307stanbul", "i\u0307stanbul")
    assert len({hashed(one).tobytes() for one in written}) == 1


def test_texts_in_scripts_without_spaces_have_signatures() -> None:
    letters = random.Random(1).choices([chr(0x4E00 + at) for at in range(800)], k=300)
    assert share_a_key("".join(letters), "".join(letters[20:]))


def test_unrelated_texts_share_no_key() -> None:
    assert sum(share_a_key(prose(one), prose(one + 1)) for one in range(0, 100, 2)) == 0


@pytest.mark.parametrize(("edits", "least"), [(0.0, 50), (0.05, 50), (0.10, 49), (0.20, 40)])
def test_texts_with_edits_share_a_key_and_agree(edits: float, least: int) -> None:
    found = 0
    for seed in range(50):
        text = prose(seed, 300)
        words = text.split()
        for at in random.Random(seed).sample(range(300), round(edits * 300)):
            words[at] = "changed"
        ours, theirs = signature(text), signature(" ".join(words))
        assert ours and theirs
        assert agreeing(ours.sketch, [theirs.sketch]) == [True]
        found += share_a_key(text, " ".join(words))
    assert found >= least
    assert agreeing(ours.sketch, []) == []
