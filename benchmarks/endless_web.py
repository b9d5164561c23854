"""A generated web on loopback: a forward proxy that makes up every page from its URL, the same one each time.

    python benchmarks/endless_web.py [--articles 100000]      prints its address; ends on SIGTERM

Fifty hosts share the articles. A page has about 500 words: sentences of the demo's hand-written English articles with
every longer word drawn anew, so that no two articles share a passage, as on the web; and 40 links: 8 to its host's
sections, 32 to articles drawn at random. Every fiftieth article is a copy of the one before it, on another host.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.loopback import NOT_FOUND, serve
from crawler.demo.written import read_all

HOSTS = 50
SECTIONS = ("politics", "business", "world", "local", "culture", "science", "sport", "opinion")
PARAGRAPHS, SENTENCES = 8, 3
LINKS = 32
COPY_EVERY = 50
_LONGER = re.compile(r"\b[a-z]{5,}\b")
_ARTICLE = re.compile(r"/\d{4}/\d\d/[a-z-]+-(\d+)")
_TARGET = re.compile(rb"GET http://paper(\d+)\.test(/[^ ]*) HTTP/1\.1\r\n")


class EndlessWeb:
    """Makes pages out of nothing but their URLs."""

    def __init__(self, articles: int) -> None:
        self._articles = articles
        prose = [a for _, a in read_all() if a.language == "en"]
        self._sentences = [s for a in prose for p in a.paragraphs for s in re.split(r"(?<=[.!?]) +", p) if len(s) > 30]
        self._vocabulary = sorted({w for s in self._sentences for w in _LONGER.findall(s)})
        self._words = sorted({w for a in prose for w in re.findall(r"[a-z]{4,}", a.title.lower())})

    def url(self, article: int) -> str:
        """Where an article is."""
        slug = "-".join(self._some(article, 4))
        return f"http://{host(article % HOSTS)}/{2020 + article % 7}/{1 + article % 12:02}/{slug}-{article}"

    def page(self, number: int, path: str) -> bytes | None:
        """The page at a path of host `number` as HTML, None where there is none."""
        found = _ARTICLE.fullmatch(path)
        if found:
            article = int(found[1])
            return self._article(article) if article < self._articles else None
        section = path.strip("/")
        return self._front(number, section) if section in SECTIONS or not section else None

    def _article(self, article: int) -> bytes:
        told = article - 1 if article % COPY_EVERY == COPY_EVERY - 1 else article
        chance, links = random.Random(told), random.Random(-1 - article)
        title = " ".join(chance.sample(self._words, 7)).capitalize()
        text = "".join(f"<p>{self._prose(chance)}</p>\n" for _ in range(PARAGRAPHS))
        day = f"{2020 + article % 7}-{1 + article % 12:02}-{1 + article % 28:02}"
        about = f'<meta property="og:type" content="article"><meta property="article:published_time" content="{day}">'
        return self._whole(article % HOSTS, title, about, f"<article><h1>{title}</h1>\n{text}</article>", links)

    def answer(self, asked: bytes) -> bytes:
        """The answer to a request to a proxy."""
        found = _TARGET.match(asked)
        page = self.page(int(found[1]), found[2].decode("latin-1")) if found else None
        if page is None:
            return NOT_FOUND
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n\r\n"
        return head.encode() + page

    def _prose(self, chance: random.Random) -> str:
        told = " ".join(chance.choices(self._sentences, k=SENTENCES))
        return _LONGER.sub(lambda _: self._vocabulary[int(chance.random() * len(self._vocabulary))], told)

    def _front(self, number: int, section: str) -> bytes:
        links = random.Random(f"{number}/{section}")
        title = f"Paper {number}: {section or 'home'}"
        return self._whole(number, title, "", f"<h1>{title}</h1>", links)

    def _whole(self, number: int, title: str, about: str, body: str, chance: random.Random) -> bytes:
        menu = " ".join(f'<a href="/{s}">{s.capitalize()}</a>' for s in SECTIONS)
        teasers = "".join(self._teaser(chance.randrange(self._articles)) for _ in range(LINKS))
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{about}</head>'
            f"<body><nav>{menu}</nav>\n<main>{body}</main>\n<aside><ul>{teasers}</ul></aside></body></html>"
        ).encode()

    def _teaser(self, article: int) -> str:
        words = " ".join(self._some(article, 6))
        return f'<li><a href="{self.url(article)}">{words}</a> {" ".join(self._some(article + 1, 6))}</li>\n'

    def _some(self, article: int, number: int) -> list[str]:
        """Words that are an article's own, without a generator of random numbers: making one costs more than a page."""
        words, step = self._words, 104_729 * (1 + article % 13)
        return [words[(article * 7919 + at * step) % len(words)] for at in range(number)]


def host(number: int) -> str:
    """The name of a host."""
    return f"paper{number}.test"


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--articles", type=int, default=100_000)
    asyncio.run(serve(EndlessWeb(options.parse_args().articles).answer))
