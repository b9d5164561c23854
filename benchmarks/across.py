"""How well seeds in one language find the same section in another: average precision, as a Markdown table.

    python benchmarks/across.py GOLD FROM TO... [--seeds 1 5] [--draws 3]

GOLD is the folder that gold_sets.py writes; FROM and TO are languages of MasakhaNEWS, as in `en fr sw`. Each section
that both have is asked for: some articles of the first language are drawn as seeds, all of the other are ranked, and
read as a crawl would read them.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipelines.likeness.evaluate import average_precision, ranking
from pipelines.likeness.gold import Gold, read
from pipelines.likeness.learn import SAMPLE_PAGES
from pipelines.likeness.models import WordLlama
from pipelines.likeness.profile import Profile
from pipelines.likeness.remembering import Remembering

MODEL = Remembering(WordLlama())
Text = tuple[str, str, str]


def text(article: Gold) -> Text:
    return article.title, article.text, article.language


def precision(section: str, ours: list[Gold], theirs: list[Gold], seeds: int, draw: int) -> float:
    """The average precision of one draw of seeds."""
    chance = random.Random(f"{section}/{seeds}/{draw}")
    drawn = chance.sample([one for one in ours if section in one.labels["section"]], seeds)
    pages = [text(one) for one in theirs]
    given = [(str(at), *text(one)) for at, one in enumerate(drawn)]
    sample = chance.sample(pages, min(len(pages), SAMPLE_PAGES))
    profile = Profile.learn(given, grain="beat", pages=sample, model=MODEL)
    scores = np.array([each.score for each in profile.score_many(pages)])
    return average_precision(ranking(scores, np.array([section in one.labels["section"] for one in theirs])))


def main() -> None:
    asked = argparse.ArgumentParser(description="Measure the likeness across languages.")
    asked.add_argument("gold", type=Path)
    asked.add_argument("languages", nargs="+")
    asked.add_argument("--seeds", type=int, nargs="*", default=(1, 5))
    asked.add_argument("--draws", type=int, default=3)
    given = asked.parse_args()
    held = {each: read(given.gold / f"masakhane-{each}.jsonl", ["section"]) for each in given.languages}
    sections = {each: frozenset[str]().union(*(one.labels["section"] for one in gold)) for each, gold in held.items()}
    first = given.languages[0]
    print("| from, to | sections | " + " | ".join(f"AP, {number} seeds" for number in given.seeds) + " |")
    print("|---" * (2 + len(given.seeds)) + "|")
    for other in given.languages[1:]:
        both = sorted(sections[first] & sections[other])
        cells = [
            np.mean(
                [
                    precision(section, held[first], held[other], number, draw)
                    for section in both
                    for draw in range(given.draws)
                ]
            )
            for number in given.seeds
        ]
        print(f"| {first}, {other} | {len(both)} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
