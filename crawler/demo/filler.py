"""Everyday articles composed from a seeded grammar, so that a crawl has something to pass by."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random

from crawler.demo.sites import Site
from crawler.demo.written import HERE, Article, slugify

SLOT = re.compile(r"\{(\w+)\}")
FIRST_DAY = datetime(2026, 8, 20, 6, tzinfo=UTC)
SPAN_MINUTES = 92 * 24 * 60
# below 1: more of the later days, so that older reports sink to later pages
LATE = 0.55
NUMBERS: dict[str, Callable[[Random], int]] = {
    "n": lambda rng: rng.randint(11, 40),
    "d": lambda rng: rng.randint(1, 28),
    "dec": lambda rng: rng.randint(1, 9),
    "nn": lambda rng: rng.randint(110, 980),
    "year": lambda rng: rng.randint(1958, 2019),
}
KINDS = {"=": "leads", "-": "lines"}


@dataclass(frozen=True, slots=True)
class Grammar:
    """The phrases of one everyday subject. A `{slot}` is drawn anew; a `{Slot}` stays the same in an article."""

    tags: tuple[str, ...] = ()
    language: str = "en"
    slots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    titles: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def parse(text: str) -> Grammar:
    """Read a grammar file: `title:`, `tags:` and slot lines, `=` for openings, `-` for other sentences."""
    slots: dict[str, tuple[str, ...]] = {}
    found: dict[str, list[str]] = {"titles": [], "leads": [], "lines": []}
    for line in filter(None, text.splitlines()):
        if line[0] in KINDS:
            found[KINDS[line[0]]].append(line[2:])
            continue
        name, _, value = line.partition(": ")
        if name == "title":
            found["titles"].append(value)
        else:
            slots[name] = tuple(part.strip() for part in value.split("," if name == "tags" else " | "))
    tags, language = slots.pop("tags", ()), slots.pop("language", ("en",))[0]
    return Grammar(tags, language, slots, **{name: tuple(value) for name, value in found.items()})


@cache
def grammar(subject: str) -> tuple[Grammar, Grammar]:
    """Return (the subject's grammar with the language's slots, the language's own sentences)."""
    own = parse((HERE / "grammar" / f"{subject}.txt").read_text("utf-8"))
    general = parse((HERE / "grammar" / f"_{own.language}.txt").read_text("utf-8"))
    return replace(own, slots=general.slots | own.slots), general


class Composer:
    """Composes one article; remembers what its sticky slots stand for."""

    def __init__(self, subject: str, rng: Random) -> None:
        self.own, self.general = grammar(subject)
        self.rng = rng
        self.sticky: dict[str, str] = {}

    def expand(self, template: str) -> str:
        """Fill the slots of a template, and theirs in turn."""
        return SLOT.sub(lambda match: self._slot(match[1]), template)

    def _slot(self, name: str) -> str:
        if name[0].isupper():
            if name not in self.sticky:
                draws = (self._slot(name.lower()) for _ in range(5))
                # two clubs of a match should be two clubs
                self.sticky[name] = next((draw for draw in draws if draw not in self.sticky.values()), "another")
            return self.sticky[name]
        if name in NUMBERS:
            return str(NUMBERS[name](self.rng))
        return self.expand(self.rng.choice(self.own.slots[name]))

    def sentence(self, template: str) -> str:
        """Expand a template and begin it with a capital."""
        text = self.expand(template)
        return text[0].upper() + text[1:]

    def paragraphs(self, lead: str) -> tuple[str, ...]:
        """Compose 150 to 350 words in paragraphs of two or three sentences."""
        rng = self.rng
        target = rng.randint(165, 315)
        sentences = [self.sentence(lead)]
        lines = rng.sample(self.own.lines, len(self.own.lines))
        general = rng.sample(self.general.lines, len(self.general.lines))
        count = len(sentences[0].split())
        while count < target and (lines or general):
            pool = lines if lines and (not general or rng.random() < 0.68) else general
            sentences.append(self.sentence(pool.pop()))
            count += len(sentences[-1].split())
        cuts = [0]
        while cuts[-1] < len(sentences):
            cuts.append(cuts[-1] + rng.randint(2, 3))
        return tuple(" ".join(sentences[a:b]) for a, b in pairwise(cuts))


def compose(site: Site, subject: str, author: str, rng: Random) -> Article:
    """Compose one article of a site about an everyday subject."""
    composer = Composer(subject, rng)
    title = composer.sentence(rng.choice(composer.own.titles))
    standfirst, lead = rng.sample(composer.own.leads, 2)
    tags = composer.own.tags[:4]
    return Article(
        slug=slugify(title),
        title=title,
        site=site.host,
        section=site.topics[subject],
        author=author,
        published=FIRST_DAY + timedelta(minutes=int(SPAN_MINUTES * rng.random() ** LATE)),
        language=composer.own.language,
        tags=tuple(rng.sample(tags, 2)),
        standfirst=composer.sentence(standfirst),
        paragraphs=composer.paragraphs(lead),
    )


def compose_all(site: Site, rng: Random) -> list[Article]:
    """Compose all everyday articles of a site; slugs are unique within it."""
    names = grammar(next(iter(site.topics)))[0].slots
    staff = [f"{rng.choice(names['first'])} {rng.choice(names['last'])}" for _ in range(3)]
    subjects = list(site.topics)
    seen: dict[str, int] = {}
    articles = []
    for number in range(site.filler):
        article = compose(site, subjects[number % len(subjects)], rng.choice(staff), rng)
        seen[article.slug] = seen.get(article.slug, 0) + 1
        if seen[article.slug] > 1:
            article = replace(article, slug=f"{article.slug}-{seen[article.slug]}")
        articles.append(article)
    return articles
