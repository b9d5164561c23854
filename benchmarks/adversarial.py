"""Texts that try to pass for what they are not: how each scores, as a Markdown table.

    python benchmarks/adversarial.py

For each bundled seed set with stories on the demo web: stories that share the subject's words and names and are about
something else, pages that only list its key words, a page of the seeds' own words in another order, and what a seed's
site puts around every article. `cold` is judged by the seeds alone, `warm` also by the demo's other articles, as a
crawl would learn them. A share is of the texts at or above the threshold of "auto".
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.demo.written import Article, read_all
from pipelines import seeds
from pipelines.likeness.profile import Profile

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
SUBJECTS = ("harbour-dredging", "night-trains")
CHROME = (
    "Home News Harbour Courts Sport Culture Opinion Letters Weather Tides Jobs Notices Subscribe Sign in. Northhaven "
    "Post, the newspaper of the harbour since 1871. Follow us. Read more about the harbour, the river Solle and the "
    "board. Most read today: tides for the week, ferry times, the harbour cam. All rights reserved. Cookies, privacy, "
    "imprint."
)
Text = tuple[str, str, str]


def text(article: Article) -> Text:
    return article.title, "\n".join((article.standfirst, *article.paragraphs)), article.language


def row(what: str, texts: list[Text], profiles: tuple[Profile, Profile]) -> str:
    cells = []
    for profile in profiles:
        scores = sorted(each.score for each in profile.score_many(texts))
        taken = sum(score >= profile.threshold() for score in scores)
        cells.append(f"{scores[len(scores) // 2]:.2f} | {scores[-1]:.2f} | {taken} of {len(scores)}")
    return f"| {what} | " + " | ".join(cells) + " |"


def main() -> None:
    written = list(read_all())
    for subject in SUBJECTS:
        read = seeds.read([SEEDS / subject]).seeds
        given = [(seed.name, seed.title, seed.text, seed.language) for seed in read]
        pages = [text(article) for _, article in written]
        cold, warm = Profile.learn(given), Profile.learn(given, pages=pages)
        terms = [term.word for term in cold.terms]
        words = " ".join(seed.text for seed in read).split()
        random.Random(1).shuffle(words)
        of = {
            kind: [text(article) for its, article in written if its == kind and article.language == "en"]
            for kind in (subject, "near-miss", "news", "honeybees")
        }
        print(f"\n**{subject}** (threshold {cold.threshold():.2f})\n")
        print(
            "| texts | cold: median | highest | taken | warm: median | highest | taken |\n|---|---|---|---|---|---|---|"
        )
        print(row("stories on the subject", of[subject], (cold, warm)))
        print(row("same words, another subject", of["near-miss"], (cold, warm)))
        print(row("other news", of["news"] + of["honeybees"], (cold, warm)))
        print(row("the 40 strongest words, listed", [("", " ".join(terms), "en")], (cold, warm)))
        print(row("the same, twenty times over", [("", " ".join(terms * 20), "en")], (cold, warm)))
        print(row("the seeds' words in disorder", [("", " ".join(words[:500]), "en")], (cold, warm)))
        print(row("what a site puts around articles", [("Northhaven Post", CHROME, "en")], (cold, warm)))


if __name__ == "__main__":
    main()
