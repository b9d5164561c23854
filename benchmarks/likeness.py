"""How well the likeness ranks and decides, by number of seeds.

    python benchmarks/likeness.py GOLD [--label event] [--draws 3]

GOLD is a JSON-lines file (also .gz), or a folder of them; each line has `title`, `text`, a label, and may have
`language` (else English). Every value of the label with enough articles is a query: some of its articles are drawn as
seeds, all other articles are ranked. Means are over queries, draws alike.

Columns: average precision of the sparse half alone, the dense half alone, and the score; then precision, recall and
F1 of the decision at `auto`, and the score's expected calibration error over all pairs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipelines.likeness.profile import Profile

Numbers = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]
SEEDS = (1, 3, 5, 10)
COLUMNS = ("tfidf", "dense", "ours", "precision", "recall", "F1")


@dataclass(frozen=True, slots=True)
class Gold:
    """One labelled article."""

    title: str
    text: str
    language: str
    label: str


def read(path: Path, label: str) -> list[Gold]:
    """The articles that have the label, copies of one text taken once."""
    found: dict[str, Gold] = {}
    for file in sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
            for line in map(json.loads, lines):
                if line.get(label):
                    gold = Gold(line.get("title", ""), line["text"], line.get("language", "en"), str(line[label]))
                    found.setdefault(" ".join(gold.text.split()), gold)
    return list(found.values())


def average_precision(scores: Numbers, truth: Truth) -> float:
    """The mean, over the matching articles, of the precision down to each."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def calibration_error(scores: Numbers, truth: Truth) -> float:
    """How far, on average, a score is from the share of matches among articles of like score (ten bins)."""
    bins = np.minimum((scores * 10).astype(int), 9)
    gaps = [abs(float(scores[bins == each].mean() - truth[bins == each].mean())) for each in np.unique(bins)]
    return float(np.average(gaps, weights=[int((bins == each).sum()) for each in np.unique(bins)]))


def queries(gold: list[Gold], seeds: int, draws: int) -> Iterator[tuple[dict[str, float], Numbers, Truth]]:
    """Each query's figures, its scores and which of them should be high."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for at, article in enumerate(gold):
        by_label[article.label].append(at)
    chance = random.Random(seeds)
    for label, members in sorted(by_label.items()):
        for draw in range(draws if len(members) > seeds else 0):
            drawn = chance.sample(members, seeds)
            rest = [article for at, article in enumerate(gold) if at not in drawn]
            profile = Profile.learn(
                [(f"{draw}/{at}", gold[at].title, gold[at].text, gold[at].language) for at in drawn]
            )
            found = profile.score_many([(article.title, article.text, article.language) for article in rest])
            truth = np.array([article.label == label for article in rest])
            scores = np.array([each.score for each in found])
            halves = np.array([each.lexical for each in found]), np.array([each.dense for each in found])
            yield figures(halves, scores, truth, profile.threshold("auto")), scores, truth


def figures(halves: tuple[Numbers, Numbers], scores: Numbers, truth: Truth, threshold: float) -> dict[str, float]:
    taken = scores >= threshold
    right = int((taken & truth).sum())
    return {
        "tfidf": average_precision(halves[0], truth),
        "dense": average_precision(halves[1], truth),
        "ours": average_precision(scores, truth),
        "precision": right / max(1, int(taken.sum())),
        "recall": right / int(truth.sum()),
        "F1": 2 * right / (int(taken.sum()) + int(truth.sum())),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description="Measure the likeness on labelled articles.")
    asked.add_argument("gold", type=Path)
    asked.add_argument("--label", default="event")
    asked.add_argument("--draws", type=int, default=3)
    asked.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    given = asked.parse_args()
    gold = read(given.gold, given.label)
    print(f"{len(gold)} articles, label {given.label}, {given.draws} draws a query")
    print("| seeds | queries | " + " | ".join(COLUMNS) + " | ECE |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    for seeds in given.seeds:
        done = list(queries(gold, seeds, given.draws))
        if not done:
            continue
        means = [np.mean([row[column] for row, _, _ in done]) for column in COLUMNS]
        error = calibration_error(np.concatenate([row[1] for row in done]), np.concatenate([row[2] for row in done]))
        print(f"| {seeds} | {len(done)} | " + " | ".join(f"{mean:.3f}" for mean in means) + f" | {error:.3f} |")


if __name__ == "__main__":
    main()
