"""Fit the weights of `GRAINS` in pipelines/likeness/calibrate.py to labelled news.

    python benchmarks/make_grains.py GOLD [GRAIN...]

GOLD is the folder that gold_sets.py writes. Event labels fit the grain `story`, topic labels `topic`, section labels
`beat`; English only, as the sets of other languages are few. Every query (one label's value, one choice of seeds)
weighs the same, and in it what matches as much as what does not, so the logits are those of even odds. `cold` is
fitted against the bundled background, `warm` against the set's own articles as a crawl would learn them.

Prints the weights, and how each set fares under weights fitted to the grain's other sets.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipelines.likeness import calibrate
from pipelines.likeness.calibrate import Grain, Weighing, logistics, logit
from pipelines.likeness.evaluate import LABELS, average_precision, decision, queries, ranking
from pipelines.likeness.gold import Gold, read
from pipelines.likeness.learn import SAMPLE_PAGES, learn
from pipelines.likeness.models import WordLlama
from pipelines.likeness.rarity import rarity
from pipelines.likeness.read import Example, Reader, Text
from pipelines.likeness.remembering import Remembering

Numbers = npt.NDArray[np.float64]
SETS = {"story": ("ecb", "basil"), "topic": ("ecb", "reuters"), "beat": ("bbc", "masakhane-en")}
# Reuters' trades share their words, so before a crawl has shown which are common there, its weights would be noise
LEFT_OUT = {("topic", "cold"): ("reuters",)}
SEEDS = (1, 3)
DRAWS = 1
ROUNDS = 50
RIDGE = 1e-4
# digits kept: more would be chance
STATED = 2


# the same vectors are asked for again with every query
MODEL = Remembering(WordLlama())


def observed(gold: Sequence[Gold], label: str, grain: Grain, warm: bool) -> list[tuple[Numbers, Numbers]]:
    """Of each query, the articles' features (root of zt, zd, 1; for stories, roots of opening and numbers) and which
    of them match."""
    found = []
    texts = [Text(article.title, article.text, article.language) for article in gold]
    plain = Reader(rarity(), model=MODEL)
    read = plain.read(texts)
    for number in SEEDS:
        for query in queries(gold, label, number, DRAWS):
            seeds = [Example(str(at), *texts[at]) for at in query.seeds]
            rest = [texts[at] for at in query.rest]
            sample = random.Random(query.value).sample(rest, min(len(rest), SAMPLE_PAGES)) if warm else []
            measure = learn(seeds, grain, grain.prior, sample, chosen=MODEL).measure
            rows = []
            for article in measure.reader.again([read[at] for at in query.rest], plain):
                close = measure.closeness(article)
                in_words, in_meaning = measure.spreads.get(article.text.language, measure.spreads[""])
                in_text = max(0.0, in_words.stand_out(close.lexical))
                row = (in_text**0.5, in_meaning.stand_out(close.dense), 1.0)
                rows.append((*row, close.opening**0.5, close.numbers**0.5) if measure.details else row)
            found.append((np.array(rows), query.truth.astype(float)))
    return found


def fit(found: Sequence[tuple[Numbers, Numbers]]) -> Numbers:
    """Newton's method on the weighted logistic loss."""
    x, y = np.concatenate([rows for rows, _ in found]), np.concatenate([truth for _, truth in found])
    shares = np.concatenate([np.where(t > 0, 0.5 / t.sum(), 0.5 / (1 - t).sum()) for _, t in found])
    w = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -40, 40)))
        gradient = x.T @ (shares * (p - y)) + RIDGE * w
        bend = (x * (shares * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(w))
        w = w - np.linalg.solve(bend, gradient)
    return w


def told(found: Sequence[tuple[Numbers, Numbers]], w: Numbers, prior: float) -> str:
    """Average precision, and precision, recall and F1 of the decision at .5, meaned over queries."""
    rows = []
    for x, y in found:
        scores, truth = logistics((x @ w + logit(prior)).astype(np.float32)).astype(np.float64), y > 0
        rows.append((average_precision(ranking(scores, truth)), *decision(scores >= 0.5, truth).values()))
    return "AP {:.3f}  P {:.3f}  R {:.3f}  F1 {:.3f}".format(*np.mean(rows, axis=0))


def main(folder: Path, names: Sequence[str]) -> None:
    labels = {grain: label for label, grain in LABELS.items()}
    for name, sets in SETS.items():
        if names and name not in names:
            continue
        label = labels[name]
        gold = {each: read(folder / f"{each}.jsonl", [label]) for each in sets}
        grain = calibrate.GRAINS[name]
        for kind in ("cold", "warm"):
            found = {each: observed(articles, label, grain, kind == "warm") for each, articles in gold.items()}
            left_out = LEFT_OUT.get((name, kind), ())
            w = fit([query for each, its in found.items() if each not in left_out for query in its])
            # the warm figures are learned with the cold ones
            grain = replace(grain, **{kind: Weighing(*(round(float(number), STATED) for number in w))})
            print(f"{name}: {kind} {getattr(grain, kind)}")
            for each, queries_ in found.items():
                others = [query for other, its in found.items() if other != each for query in its]
                print(f"  {each}, fitted to the others: {told(queries_, fit(others), grain.prior)}")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", metavar="GOLD", type=Path)
    asked.add_argument("names", metavar="GRAIN", nargs="*", choices=[*SETS, []], default=[], help=", ".join(SETS))
    main(**vars(asked.parse_args()))
