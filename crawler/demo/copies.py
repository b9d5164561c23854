"""How one newsroom's text turns up in another: agency copies, light edits, deposited copies."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from random import Random

from crawler.demo.written import HERE, Article, slugify

# what a desk changes without thinking; single words, so that the sentence survives
SWAPS = dict(line.split(": ") for line in (HERE / "grammar" / "_swaps.txt").read_text("utf-8").splitlines())
# swaps of these read oddly when there are many; they are taken last
LAST_RESORT = frozenset({"the", "but", "would", "could", "which", "after", "came"})
NOTES = (
    "This report was first carried by Coastal Wire. Further details were not available when this page was made up.",
    "The parties named in this report were given until the following morning to reply. None had done so by then.",
    "A longer account, with figures and earlier reports on the matter, is promised for the end of the week.",
)
# a whole word with its punctuation; half of "two-thirds" is left alone
WORD = re.compile(r"\W*([A-Za-z]+)\W*")


def swap_words(paragraphs: tuple[str, ...], share: float, rng: Random) -> tuple[str, ...]:
    """Swap about `share` of all words (0..1) for a near synonym."""
    tokens = [re.split(r"(\s+)", paragraph) for paragraph in paragraphs]
    places = [
        (row, column, match[1])
        for row, line in enumerate(tokens)
        for column, token in enumerate(line)
        if (match := WORD.fullmatch(token)) and match[1].lower() in SWAPS
    ]
    rng.shuffle(places)
    places.sort(key=lambda place: place[2].lower() in LAST_RESORT)
    wanted = round(sum(len(line) // 2 + 1 for line in tokens) * share)
    for row, column, word in places[:wanted]:
        fresh = SWAPS[word.lower()]
        tokens[row][column] = tokens[row][column].replace(word, fresh.capitalize() if word[0].isupper() else fresh, 1)
    return tuple("".join(line) for line in tokens)


def headline(article: Article) -> str:
    """Give another headline to the same report."""
    front, colon, back = article.title.partition(": ")
    if colon:
        return f"{back[0].upper()}{back[1:]}: {front[0].lower()}{front[1:]}"
    clause = re.split(r", | and | but | which ", article.standfirst)[0].rstrip(".")
    if 5 <= len(clause.split()) <= 15:
        return clause
    return f"{article.title}, agency reports"


def retell(article: Article, site: str, delay: timedelta, rng: Random) -> Article:
    """Republish an agency text with another headline, a dateline, 3-8 % other words, a paragraph more or less."""
    body = list(swap_words(article.paragraphs, rng.uniform(0.035, 0.07), rng))
    if len(body) > 4 and rng.random() < 0.5:
        body.pop(rng.randrange(2, len(body)))
    else:
        body.append(rng.choice(NOTES))
    body[0] = f"{article.published.day} {article.published:%B} (Coastal Wire) \u2013 {body[0]}"
    title = headline(article)
    return replace(
        article,
        slug=f"{slugify(title)}-cw",
        title=title,
        site=site,
        section="agency",
        author="Coastal Wire",
        published=article.published + delay,
        paragraphs=tuple(body),
    )


def reprint(article: Article, site: str, delay: timedelta) -> Article:
    """Republish a text word for word."""
    # the suffix keeps it clear of a page of the same title that the site has already
    return replace(article, slug=f"{article.slug}-cw", site=site, section="agency", published=article.published + delay)
