"""What is computed fast is what the definitions say, computed plainly: words, vectors and the logit."""

from __future__ import annotations

import importlib.util
import math
import re
import unicodedata
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from pipelines.likeness import tokens
from pipelines.likeness.background import LONGEST_RARITY, background, word_hash
from pipelines.likeness.calibrate import logit
from pipelines.likeness.dense import DIMENSIONS, LONG_TEXT, PIECES_AT_ONCE, embed
from pipelines.likeness.profile import Profile
from pipelines.likeness.rarity import Rarity
from pipelines.likeness.tokens import Cut, cased_words, words

PLAIN = re.compile(rf"[^\W\d_](?:[^\W\d_]|[{tokens._SIGNS}])+")
WESTERN = "".join(bytes([byte]).decode("cp1252", "ignore") for byte in range(256))
ODD = "İıſςΣßẞéàñøŁœ’“—\u00ad\u0301\u0947कहिन्दीΩжЖ的東ไทย\u200d²½ª\ud800"  # noqa: RUF001 - meant to be odd
FLOOD = (
    "On 3 March the Weser rose to 7.4 metres at Verden. The river broke the dyke near Dörverden, “an hour before "
    "dawn”, said the fire brigade’s Jörg Meyer, and 1,200 people left their homes. The dyke had been repaired in 2019 "  # noqa: RUF001 - as in print
    "at a cost of €4.5m. Rain is forecast until Thursday; the river authority expects the crest at Bremen on Friday."
)
AFTER = (
    "The crest of the Weser passed Bremen on Friday without breaking the dyke. At Dörverden, where the river had "
    "flooded the village on 3 March, pumps drew 7.4 million litres an hour. The fire brigade let 1,200 people return "
    "home, Jörg Meyer said, and the river authority will look at every dyke repaired since 2019 before the summer."
)
CUP = (
    "The captain scored twice in the final and lifted the cup for the third time in 2019. The manager had left him "
    "out of the semi-final, and said later that it was the hardest decision of his season. A crowd of 41,000 saw it."
)
PAGES = [
    ("Cup", f"{CUP} The referee of match {n} added {n} minutes.", "en", date(2024, 3, n % 28 + 1)) for n in range(60)
]


def test_words_cut_by_the_table_are_those_of_the_pattern() -> None:
    for letter in WESTERN:
        assert cased_words(f"ab{letter}cd") == PLAIN.findall(unicodedata.normalize("NFC", f"ab{letter}cd")), repr(
            letter
        )


@given(st.text(st.sampled_from(WESTERN + " etaoin") | st.sampled_from(ODD) | st.characters(), max_size=60))
@settings(max_examples=400, deadline=None)
def test_words_of_any_text_are_those_of_the_pattern(text: str) -> None:
    found = PLAIN.findall(unicodedata.normalize("NFC", text))
    assert cased_words(text) == [piece for word in found for piece in tokens._pieces(word)]
    assert words(text) == [word.lower() for word in cased_words(text)]
    cut = Cut(text)
    assert cut.tally == {word: words(text).count(word) for word in words(text)}


def test_a_vector_is_the_mean_of_the_vectors_of_all_pieces() -> None:
    found = importlib.util.find_spec("wordllama")
    assert found is not None
    assert found.submodule_search_locations
    home = Path(found.submodule_search_locations[0])
    table = load_file(home / "weights" / "l2_supercat_256.safetensors")["embedding.weight"].astype(np.float64)
    tokenizer = Tokenizer.from_file(str(home / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    short = [f"The Weser at berth {word}" for word in words(FLOOD)] * (PIECES_AT_ONCE // 300)
    texts = [FLOOD, "", AFTER * 20, "12 34", "Вода", *short, CUP]
    assert len(words(FLOOD)) > LONG_TEXT / 2
    rows = embed([Cut(text) if at % 2 else text for at, text in enumerate(texts)])
    for text, row in zip(texts, rows, strict=True):
        ids = tokenizer.encode(" ".join(cased_words(text)[:600]), add_special_tokens=False).ids
        plain = table[ids].mean(axis=0) if cased_words(text) else np.zeros(DIMENSIONS)
        assert np.allclose(row, plain, atol=1e-6)


@pytest.mark.parametrize("grain", ["story", "topic", "beat"])
@pytest.mark.parametrize("pages", [[], PAGES], ids=["cold", "warm"])
def test_a_score_is_what_the_definitions_say(grain: str, pages: list[tuple[str, str, str, date]]) -> None:
    seeds = [("a", "Weser breaks dyke", FLOOD, "en"), ("b", "", AFTER, "en", date(2024, 3, 8))]
    profile = Profile.learn(seeds, grain=grain, pages=pages)
    learned, measure = profile._learned, profile._learned.measure
    for title, text in [
        ("Crest passes", AFTER),
        ("Cup final", CUP),
        ("", "Weser dyke"),
        ("", ""),
        ("Weser", FLOOD * 9),
    ]:
        told = words(f"{title}\n{text}")
        rarity = Rarity(crawl=measure.reader.rarity.crawl)
        each = {word: rarity.weigh([word], "en").get(word, 0.0) for word in told}
        weights = {
            w: (1 + math.log(told.count(w))) * r * (1.5 if w in words(title) else 1) for w, r in each.items() if r
        }
        length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        columns = dict(zip(measure.sparse.words, measure.sparse.columns, strict=True))
        zeros = np.zeros(len(measure.vectors))
        sparse = sum((weights[word] / length * columns[word] for word in weights if word in columns), zeros)
        moved = embed([f"{title}\n{text}"])[0] - background().mean("en") if told else np.zeros(DIMENSIONS)
        dense = measure.vectors @ (moved / (np.linalg.norm(moved) or 1))
        common = sum(ordinary_rarity(word) < 1.3 for word in weights) / max(1, len(weights))
        trust = min(1.0, (len(weights) / measure.full_words) ** 0.5) * min(1.0, common / measure.prose) ** 2
        in_words, in_meaning = measure.spreads["en"]
        logits = {
            "words": measure.weighing.words * math.sqrt(max(0.0, in_words.stand_out(close_of(sparse * trust, 8)))),
            "meaning": measure.weighing.meaning * in_meaning.stand_out(close_of(dense * trust, 32)),
            "bias": measure.weighing.bias + logit(learned.prior),
        }
        found = profile.score(title, text, "en").parts
        for name, share in logits.items():
            assert found[name] == pytest.approx(share, abs=1e-4), (name, title)
        assert profile.quick(f"{title}\n{text}", "en") == pytest.approx(
            profile.score(title, *beginning(title, text)).score
        )


def ordinary_rarity(word: str) -> float:
    keys, rarities = background().tables["en"]
    return float(dict(zip(keys.tolist(), rarities.tolist(), strict=True)).get(word_hash(word), LONGEST_RARITY))


def close_of(cosines: np.ndarray, power: int) -> float:
    middle, nearest = min(1.0, float(cosines[0])), min(1.0, max(0.0, float(cosines[1:].max())))
    return middle + (1 - middle) * nearest**power


def beginning(title: str, text: str) -> tuple[str, str]:
    return " ".join(text[: 1_500 - len(title) - 1].split()[:220]), "en"
