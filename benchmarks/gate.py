"""What the quick look loses and spares: its score of a page's beginning against the score of the whole.

    python benchmarks/gate.py GOLD... [--seeds 1 3]

GOLD are files as gold_sets.py writes them. For each label's value some articles are seeds; of the others it is asked
by how many logits the quick score of those that would be kept falls short of the bound of "auto", at most but for 1 in
100, and how many of those that would not be kept a gate at GATE_MARGIN below the bound spares.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipelines.errors import UsageError
from pipelines.likeness.calibrate import logit
from pipelines.likeness.evaluate import LABELS, grain_of, queries
from pipelines.likeness.gold import read
from pipelines.likeness.profile import GATE_MARGIN, Profile

SUREST = 1e-9


def logits(scores: list[float]) -> np.ndarray:
    return np.array([logit(min(1 - SUREST, max(SUREST, score))) for score in scores])


def main() -> None:
    asked = argparse.ArgumentParser(description="Measure the gate.")
    asked.add_argument("gold", type=Path, nargs="+")
    asked.add_argument("--seeds", type=int, nargs="*", default=(1, 3))
    given = asked.parse_args()
    print("| set | label | seeds | kept | short by, 1 in 100 | lost at the gate | others spared |")
    print("|---|---|---|---|---|---|---|")
    for file in given.gold:
        for label in LABELS:
            try:
                gold = [one for one in read(file, [label]) if label in one.labels]
            except UsageError:  # this set has no such label
                continue
            for number in given.seeds:
                short, passed = [], []
                for query in queries(gold, label, number, 1):
                    seeds = [(str(at), gold[at].title, gold[at].text, gold[at].language) for at in query.seeds]
                    profile = Profile.learn(seeds, grain=grain_of(label))
                    rest = [gold[at] for at in query.rest]
                    found = profile.score_many([(one.title, one.text, one.language) for one in rest])
                    kept = np.array([each.score >= profile.threshold() for each in found])
                    quick = logits([profile.quick(f"{one.title}\n{one.text}", one.language) for one in rest])
                    below = logits([profile.gate])[0] + GATE_MARGIN - quick
                    short += below[kept].tolist()
                    passed += (below[~kept] <= GATE_MARGIN).tolist()
                if short:
                    lost = float(np.mean(np.array(short) > GATE_MARGIN))
                    print(f"| {file.stem} | {label} | {number} | {len(short)} | {np.quantile(short, 0.99):.2f} | "
                          f"{lost:.3f} | {1 - float(np.mean(passed)):.3f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
