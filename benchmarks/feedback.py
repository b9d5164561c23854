"""What ratings teach: average precision on articles held out, before and after rating the top of the list.

    python benchmarks/feedback.py GOLD [--topics 20] [--labels 10]

GOLD is reuters.jsonl as gold_sets.py writes it, or any file with topic labels. For each topic one article is the seed;
half of the others are a crawl's, of which the best not yet rated is rated by its label, again and again; the other half
is what the ranking is measured on.
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
from pipelines.likeness.profile import Profile

FEWEST = 16
SHOWN = (0, 5, 10, 20)
Text = tuple[str, str, str]


def text(article: Gold) -> Text:
    return article.title, article.text, article.language


def rated(gold: list[Gold], topic: str, labels: int) -> dict[int, float]:
    """Number of labels -> average precision on the half held out."""
    chance = random.Random(topic)
    wanted = [topic in article.labels["topic"] for article in gold]
    seed = chance.choice([at for at, its in enumerate(wanted) if its])
    rest = [at for at in range(len(gold)) if at != seed]
    chance.shuffle(rest)
    crawled, held = rest[::2], rest[1::2]
    pages = [text(gold[at]) for at in crawled[:SAMPLE_PAGES]]
    truth = np.array([wanted[at] for at in held])
    said: dict[int, bool] = {}
    found = {}
    for number in range(labels + 1):
        profile = Profile.learn(
            [("seed", *text(gold[seed]))],
            pages=pages,
            liked=[text(gold[at]) for at, its in said.items() if its],
            disliked=[text(gold[at]) for at, its in said.items() if not its],
        )
        if number in SHOWN:
            scores = np.array([each.score for each in profile.score_many([text(gold[at]) for at in held])])
            found[number] = average_precision(ranking(scores, truth))
        if number < labels:
            scores = np.array([each.score for each in profile.score_many([text(gold[at]) for at in crawled])])
            best = next(crawled[at] for at in np.argsort(-scores, kind="stable") if crawled[at] not in said)
            said[best] = wanted[best]
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description="Measure what ratings teach.")
    asked.add_argument("gold", type=Path)
    asked.add_argument("--topics", type=int, default=20)
    asked.add_argument("--labels", type=int, default=10)
    given = asked.parse_args()
    gold = read(given.gold, ["topic"])
    topics = sorted(frozenset[str]().union(*(article.labels["topic"] for article in gold)))
    topics = [each for each in topics if sum(each in one.labels["topic"] for one in gold) >= FEWEST]
    random.Random(1).shuffle(topics)
    rows = [rated(gold, topic, given.labels) for topic in topics[: given.topics]]
    print(f"{len(rows)} topics of {given.gold.name}, one seed each")
    for number in rows[0]:
        print(f"after {number:>2} ratings: average precision {np.mean([row[number] for row in rows]):.3f}")


if __name__ == "__main__":
    main()
