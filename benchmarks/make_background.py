"""Make pipelines/likeness/background.npz: the figures of ordinary news the likeness is measured against.

    python benchmarks/make_background.py MIRROR [OUT]

MIRROR is a folder with the clones named in background_texts.py, beside which this needs wordfreq (its frequencies:
Apache-2.0 code, data CC BY-SA 4.0). What is written holds no text: hashed words with their rarity, a mean vector for
each language, and for about a thousand articles a vector and the hashes and counts of their rarest words.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import wordfreq
from background_texts import Text, texts

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipelines.likeness.background import LONGEST_RARITY, RARITY_STEP, Background, word_hash
from pipelines.likeness.dense import unit
from pipelines.likeness.models import model
from pipelines.likeness.naming import BACKGROUND, DEFAULT_MODEL
from pipelines.likeness.rarity import Rarity
from pipelines.likeness.tokens import words

OUT = Path(__file__).resolve().parent.parent / "pipelines" / "likeness" / BACKGROUND
embed = model(DEFAULT_MODEL).embed
TABLE_SIZES = {"en": 40_000} | dict.fromkeys(["fr", "es", "de", "ru", "uk", "ar", "it", "pt", "nl", "pl"], 9_000)
SMALL_TABLE = 2_500
# a word of relative frequency p is in a news article of ordinary length with probability 1 - exp(-350 p)
WORDS_AN_ARTICLE = 350
# the prior from word frequencies counts as much as this many counted articles
PRIOR_ARTICLES = 300
ROW_WORDS = 96
ROWS = {"en": 560, "de": 200, "fr": 120, "es": 75, "sw": 60}
OTHER_ROWS = 12
# articles in a language before its mean is taken from them alone rather than from a treebank
MEAN_ARTICLES = 60


def prior(language: str) -> dict[str, float]:
    """Word -> share of articles expected to hold it, from the language's word frequencies."""
    found: Counter[str] = Counter()
    if language in wordfreq.available_languages():
        for word, frequency in wordfreq.get_frequency_dict(language).items():
            for piece in words(word):
                found[piece] += frequency
    return {word: 1 - math.exp(-WORDS_AN_ARTICLE * p) for word, p in found.items()}


def rarities(language: str, articles: Sequence[Text]) -> dict[str, float]:
    """The commonest words of a language -> -ln of the share of articles that hold them, prior and count blended."""
    counted: Counter[str] = Counter()
    for article in articles:
        counted.update(set(words(article.text)))
    expected = prior(language)
    weight = PRIOR_ARTICLES if expected else 1
    shares = {
        word: (weight * expected.get(word, 0.0) + counted[word]) / (weight + len(articles))
        for word in expected.keys() | counted.keys()
        # a word of one article says nothing of the language, and hashing it would give away the article
        if word in expected or counted[word] > 1
    }
    common = sorted(shares, key=lambda word: (-shares[word], word))[: TABLE_SIZES.get(language, SMALL_TABLE)]
    return {word: min(LONGEST_RARITY, -math.log(min(1.0, shares[word]))) for word in common}


def rarity_table(by_language: dict[str, dict[str, float]]) -> dict[str, np.ndarray]:
    """All languages' tables end to end, each sorted by hash."""
    hashes, steps, starts = [], [], [0]
    for language in sorted(by_language):
        table = {word_hash(word): rarity for word, rarity in by_language[language].items()}
        for key in sorted(table):
            hashes.append(key)
            steps.append(round(table[key] / RARITY_STEP))
        starts.append(len(hashes))
    return {
        "table_languages": np.array(sorted(by_language)),
        "table_starts": np.array(starts, np.int32),
        "table_hashes": np.array(hashes, np.uint32),
        "table_rarities": np.array(steps, np.uint8),
    }


def language_means(everything: Sequence[Text]) -> dict[str, np.ndarray]:
    """Mean vector of each language: of its articles when there are enough, else of its treebank, else of the few."""
    by_language: dict[str, list[Text]] = {}
    for text in everything:
        by_language.setdefault(text.language, []).append(text)
    means = {}
    for language, group in by_language.items():
        news = [text for text in group if text.use == "news"]
        chosen = news if len(news) >= MEAN_ARTICLES else [text for text in group if text.use == "mean"] or news
        if len(chosen) >= 3:
            means[language] = embed([text.text for text in chosen]).mean(axis=0)
    means[""] = np.mean(list(means.values()), axis=0)
    return means


def choose(news: Iterable[Text]) -> list[Text]:
    """The articles kept as rows: a fixed draw, so many a language, sources alike."""
    by_language: dict[str, list[Text]] = {}
    for text in news:
        by_language.setdefault(text.language, []).append(text)
    kept = []
    for language, group in sorted(by_language.items()):
        random.Random(language).shuffle(group)
        # web pages of many publishers before the one corpus of few
        group.sort(key=lambda text: text.source.startswith("masakhane"))
        kept += group[: ROWS.get(language, OTHER_ROWS)]
    return kept


def rows(kept: Sequence[Text], means: dict[str, np.ndarray], rarity: Rarity) -> dict[str, np.ndarray]:
    """Vector and rarest words of each kept article."""
    hashes, counts, starts, squares = [], [], [0], []
    for text in kept:
        weighted = rarity.weigh(words(text.text), text.language)
        tally = Counter(words(text.text))
        rarest = sorted(weighted, key=lambda word: (-weighted[word], word))[:ROW_WORDS]
        for word in sorted(rarest, key=word_hash):
            hashes.append(word_hash(word))
            counts.append(min(255, tally[word]))
        starts.append(len(hashes))
        squares.append(sum(weight * weight for weight in weighted.values()))
    shift = np.stack([means.get(text.language, means[""]) for text in kept])
    vectors = unit(embed([text.text for text in kept]) - shift)
    return {
        "row_languages": np.array([text.language for text in kept]),
        "row_starts": np.array(starts, np.int32),
        "row_hashes": np.array(hashes, np.uint32),
        "row_counts": np.array(counts, np.uint8),
        "row_squares": np.array(squares, np.float32),
        "row_vectors": np.round(vectors * 127 / np.abs(vectors).max(axis=1, keepdims=True)).astype(np.int8),
    }


def main(mirror: Path, out: Path) -> None:
    everything = list(texts(mirror))
    languages = set(wordfreq.available_languages()) | {"sw"}
    counted = {
        language: [text for text in everything if text.language == language and text.use != "mean"]
        for language in languages
    }
    table = rarity_table({language: rarities(language, counted[language]) for language in languages})
    means = language_means(everything)
    figures = table | {
        "mean_languages": np.array(sorted(means)),
        "mean_vectors": np.stack([means[language] for language in sorted(means)]).astype(np.float16),
    }
    kept = choose(text for text in everything if text.use == "news")
    np.savez(out, **figures, **rows(kept, means, Rarity(Background.of(figures))))
    print(f"{out.name}: {out.stat().st_size / 1e6:.2f} MB, {len(table['table_hashes'])} words, {len(means)} means")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("mirror", type=Path)
    asked.add_argument("out", type=Path, nargs="?", default=OUT)
    main(**vars(asked.parse_args()))
