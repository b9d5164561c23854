"""What a judgement costs: CPU time an article and a quick look, time to load, and memory, as a Markdown table.

    python benchmarks/likeness_cost.py GOLD

GOLD is a file as gold_sets.py writes them. Its articles are cut or joined to 500 words each, half of them to warm the
process up (a worker judges thousands), half to measure, none twice. Everything runs in one process on one thread; times
are CPU times. Memory is what the process holds above a bare interpreter's, and in all.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ARTICLE_WORDS = 500
ARTICLES = 400
BATCH = 50
Text = tuple[str, str, str]
Seed = tuple[str, str, str, str]
GRAINS = ("story", "topic", "beat")


def articles(file: Path) -> Iterator[Text]:
    """Title, text of ARTICLE_WORDS words and language."""
    held: list[str] = []
    for line in file.open(encoding="utf-8"):
        given = json.loads(line)
        held += given["text"].split()
        if len(held) >= ARTICLE_WORDS:
            yield given["title"], " ".join(held[:ARTICLE_WORDS]), given["language"]
            held = []


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def spent(work: Callable[[], object]) -> float:
    """CPU milliseconds."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def load() -> None:
    from pipelines.likeness.background import background
    from pipelines.likeness.dense import embedder
    from pipelines.likeness.profile import Profile  # noqa: F401

    background()
    embedder()


def judged(grain: str, seeds: list[Seed], known: list[Text], new: list[Text]) -> Iterator[tuple[str, float]]:
    """What is measured, and the milliseconds it takes, by a profile that knows a crawl's pages."""
    from pipelines.likeness.profile import Profile

    profile = Profile.learn(seeds, grain=grain, pages=known)
    profile.score_many(known)
    batches = [new[at : at + BATCH] for at in range(0, len(new), BATCH)]
    yield f"an article of {ARTICLE_WORDS} words", spent(lambda: [profile.score_many(one) for one in batches]) / len(new)
    pages = [(f"{title}\n{text}", language) for title, text, language in new]
    yield "a quick look", spent(lambda: [profile.quick(*page) for page in pages]) / len(pages)


def main() -> None:
    asked = argparse.ArgumentParser(description="Measure what a judgement costs.")
    asked.add_argument("gold", type=Path)
    given = asked.parse_args()
    found = list(zip(range(ARTICLES), articles(given.gold), strict=False))
    texts = [text for _, text in found]
    seeds = [(str(at), *text) for at, text in enumerate(texts[:3])]
    known, new = texts[3 : len(texts) // 2], texts[len(texts) // 2 :]
    before = megabytes()
    print("| what | figure |\n|---|---|")
    print(f"| load the code and the figures | {spent(load) / 1000:.2f} s |")
    for grain in GRAINS:
        for what, figure in judged(grain, seeds, known, new):
            print(f"| {what}, {grain} | {figure:.2f} ms |")
    print(f"| memory: all, above the interpreter | {megabytes():.0f} MB, {megabytes() - before:.0f} MB |")


if __name__ == "__main__":
    main()
