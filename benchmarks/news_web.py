"""A generated news web of realistic pages, each made once and kept in one file; served on loopback as a forward proxy.

    python benchmarks/news_web.py FILE [--pages 2000] [--hosts 40]     makes FILE and FILE.json if they are not there
    python benchmarks/news_web.py FILE --serve                         prints its address; ends on SIGTERM

The whole web is one home page a host, and its articles. A page is HTML of about 60 KB (median) with 118 links, styles,
scripts, JSON-LD, teasers with pictures, comments; gzipped for those who take it, as servers do. A fifth of the articles
is on topic. Texts are the sentences of the demo's articles with every longer word drawn anew, from the topic's words or
from those of the rest: so each has the form of prose and no two share a passage.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.loopback import NOT_FOUND, serve
from crawler.demo.written import HERE, Article, read_all

LINKS = 118
TOPIC = "harbour-dredging"
ON_TOPIC_EVERY = 5
SECTIONS = ("politics", "business", "world", "local", "culture", "science", "sport", "opinion", "weather", "letters")
ROBOTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\nUser-agent: *\nDisallow:\n"
_ASKED = re.compile(rb"GET (http://[^ ]+) HTTP/1\.1\r\n")
_WORD = re.compile(r"\b[a-z]{5,}\b")


def host(number: int) -> str:
    """The name of a host."""
    return f"www.paper{number}.test"


class NewsWeb:
    """Makes the pages. `pages` in all, home pages included."""

    def __init__(self, pages: int, hosts: int) -> None:
        self.hosts = hosts
        self.articles = pages - hosts
        prose = [(subject, a) for subject, a in read_all() if a.language == "en"]
        topic = [a for subject, a in prose if subject == TOPIC]
        rest = [a for subject, a in prose if subject != TOPIC]
        self._skeletons = [
            s for _, a in prose for p in a.paragraphs for s in re.split(r"(?<=[.!?]) +", p) if len(s) > 40
        ]
        self._topic, self._rest = _words(topic), _words(rest) + _everyday()
        held = set(self._topic)
        self._rest = [word for word in self._rest if word not in held]
        self._titles = [self._title(number) for number in range(self.articles)]

    def on_topic(self, number: int) -> bool:
        """Whether an article is one of those looked for."""
        return number % ON_TOPIC_EVERY == 0

    def url(self, number: int) -> str:
        """Where an article is."""
        slug = "-".join(re.findall("[a-z]+", self._titles[number].lower())[:8])
        section, month = SECTIONS[number % 7], 1 + number % 10
        return f"http://{host(number % self.hosts)}/{section}/2026/{month:02}/{slug}-{10_000 + number}"

    def all(self) -> Iterator[tuple[str, str]]:
        """`(address, HTML)` of every page."""
        for number in range(self.hosts):
            yield f"http://{host(number)}/", self._home(number)
        for number in range(self.articles):
            yield self.url(number), self._article(number)

    def text(self, number: int) -> list[str]:
        """The paragraphs of an article: 300 to 900 words."""
        chance = random.Random(number)
        return [self._prose(chance, number, chance.randint(2, 4)) for _ in range(chance.randint(6, 14))]

    def _prose(self, chance: random.Random, number: int, sentences: int) -> str:
        words = self._topic if self.on_topic(number) else self._rest
        return " ".join(
            _WORD.sub(lambda _: chance.choice(words), skeleton)
            for skeleton in chance.choices(self._skeletons, k=sentences)
        )

    def _title(self, number: int) -> str:
        chance = random.Random(-1 - number)
        words = self._topic if self.on_topic(number) else self._rest
        return " ".join([chance.choice(words), chance.choice(words), "the", *chance.sample(words, 4)]).capitalize()

    def _article(self, number: int) -> str:
        chance, title, at = random.Random(f"page {number}"), self._titles[number], number % self.hosts
        paragraphs = self.text(number)
        day = f"2026-{1 + number % 10:02}-{1 + number % 28:02}T{number % 24:02}:15:00+00:00"
        author = f"{chance.choice(_NAMES)} {chance.choice(_SURNAMES)}"
        data = {
            "@context": "https://schema.org", "@type": "NewsArticle", "headline": title, "datePublished": day,
            "author": {"@type": "Person", "name": author},
            "publisher": {"@type": "Organization", "name": f"Paper {at}"}, "description": paragraphs[0][:160],
        }  # fmt: skip
        about = (
            f'<meta property="og:type" content="article"><meta property="og:title" content="{title}">'
            f'<meta name="description" content="{paragraphs[0][:160]}">'
            f'<meta property="article:published_time" content="{day}"><link rel="canonical" href="{self.url(number)}">'
            f'<script type="application/ld+json">{json.dumps(data)}</script>'
        )
        text = "".join(self._paragraph(paragraph, chance) for paragraph in paragraphs)
        talk = "".join(self._comment(chance, number) for _ in range(chance.randint(0, 12)))
        story = (
            f'<article class="article"><header><h1>{title}</h1><p class="by">By {author}</p>'
            f'<time datetime="{day}">{day[:10]}</time></header>{_SHARE}<div class="article__body">{text}</div>'
            f'<ul class="tags"><li><span>{SECTIONS[number % 7]}</span></li></ul>'
            f'<div class="bio"><p>{author} writes for Paper {at}.</p></div></article>'
            f'<section id="comments" class="comments">{talk}</section>'
        )
        near = [(number + at_step * self.hosts) % self.articles for at_step in range(1, 60)]
        near = [each for each in near if each % self.hosts == at]
        return self._whole(at, title, about, story, near, chance)

    @staticmethod
    def _paragraph(text: str, chance: random.Random) -> str:
        """A paragraph, some of them with emphasis, with a figure or an advertisement behind it."""
        words = text.split(" ")
        for tag in chance.sample(("em", "strong", "span"), chance.randint(0, 2)):
            at = chance.randrange(len(words))
            words[at] = f"<{tag}>{words[at]}</{tag}>"
        behind = chance.choice(("", "", _FIGURE, _ADVERTISEMENT))
        return f'<p class="article__text">{" ".join(words)}</p>\n{behind}'

    def _comment(self, chance: random.Random, number: int) -> str:
        name = f"{chance.choice(_NAMES)} {chance.choice(_SURNAMES)}"
        return (
            f'<div class="comment"><div class="comment__head"><b>{name}</b> <time>2 hours ago</time></div>'
            f'<div class="comment__text"><p>{self._prose(chance, number, 1)}</p></div>'
            "<button>Reply</button></div>\n"
        )

    def _home(self, at: int) -> str:
        own = list(range(at, self.articles, self.hosts))
        return self._whole(at, f"Paper {at}", "", f"<h1>Paper {at}</h1>", own, random.Random(f"home {at}"))

    def _whole(self, at: int, title: str, about: str, story: str, own: list[int], chance: random.Random) -> str:
        """A page of 118 links: 11 of the menu, its host's articles, and others."""
        menu = "".join(f'<li class="menu__item"><a class="menu__link" href="/">{s.title()}</a></li>' for s in SECTIONS)
        left = LINKS - len(SECTIONS) - 1
        teased = own[:left] + [chance.randrange(self.articles) for _ in range(left - len(own[:left]))]
        chance.shuffle(teased)
        teasers = "".join(self._teaser(each) for each in teased)
        beside = "div" if at % 3 else "aside"  # of real pages' elements three in ten are in nav, footer or aside
        padding = _SCRIPT * max(1, round(chance.lognormvariate(0.0, 0.6) * 22))
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | Paper {at}</title>'
            f'<meta name="viewport" content="width=device-width">{about}<style>{_STYLE * 20}</style></head>'
            f'<body class="page">'
            f'<header class="top"><a href="/">Paper {at}</a><nav><ul class="menu">{menu}</ul></nav></header>'
            f'<main class="grid">{story}<{beside} class="more"><h2>More</h2>{teasers}</{beside}></main>'
            f"<footer><p>All rights with Paper {at}.</p></footer><script>{padding}</script></body></html>"
        )

    def _teaser(self, number: int) -> str:
        title = self._titles[number]
        picture = f"https://img.paper.invalid/{number}"
        return (
            f'<div class="teaser" data-id="{number}"><a class="teaser__link" href="{self.url(number)}">'
            f'<div class="teaser__media"><img class="teaser__img" loading="lazy" src="{picture}/320.jpg" alt=""></div>'
            f'<span class="kicker">{SECTIONS[number % 7]}</span><h3 class="teaser__title">{title}</h3></a></div>\n'
        )


_GERMAN = {"kultur_de", "rat", "sport_de", "wetter"}
_NAMES = ("Ada", "Ben", "Cleo", "Dario", "Esther", "Femi", "Greta", "Hugo")
_SURNAMES = ("Marlow", "Okafor", "Petersen", "Quist", "Rossi", "Santos", "Thorne", "Ueda")
_STYLE = ".teaser{display:grid;grid-template-columns:1fr 2fr;gap:12px;padding:8px 0;border-bottom:1px solid #ddd}\n"
_SHARE = "".join(
    f'<button class="share" data-to="{to}"><i></i><span>{to}</span></button>' for to in ("mail", "chat", "copy")
)
_FIGURE = (
    '<figure><picture><img src="https://img.paper.invalid/f.jpg" alt=""></picture>'
    "<figcaption>Photograph: agency</figcaption></figure>\n"
)
_ADVERTISEMENT = '<div class="ad"><div class="ad__slot"><span>Advertisement</span></div></div>\n'
_SCRIPT = (
    'window.app=window.app||{};app.queue=app.queue||[];app.queue.push(function(a){var b=a.querySelector(".teaser");'
    'if(b&&b.dataset.seen!=="1"){b.dataset.seen="1";a.dispatchEvent(new CustomEvent("seen",{detail:{id:b.id}}))}});\n'
)


def _words(articles: list[Article]) -> list[str]:
    """Words of five letters and more, each as often as it occurs: what is common stays common."""
    return [word for a in articles for word in _WORD.findall(" ".join((a.title.lower(), *a.paragraphs)))]


def _everyday() -> list[str]:
    """The words of the demo's grammars: football, recipes, markets, the weather."""
    files = [file for file in sorted((HERE / "grammar").glob("*.txt")) if not file.stem.startswith("_")]
    return [word for file in files if file.stem not in _GERMAN for word in _WORD.findall(file.read_text("utf-8"))]


def make(file: Path, pages: int, hosts: int) -> dict[str, list[int]]:
    """Writes every page, gzipped and plain, into `file`; gives address -> offset, gzipped length, plain length."""
    index_file = file.with_suffix(".json")
    if index_file.exists():
        return json.loads(index_file.read_text())["pages"]
    web = NewsWeb(pages, hosts)
    index: dict[str, list[int]] = {}
    with file.open("wb") as out:
        for url, html in web.all():
            plain = html.encode()
            packed = gzip.compress(plain, 6, mtime=0)
            index[url] = [out.tell(), len(packed), len(plain)]
            out.write(packed + plain)
    seeds = [f"{web._titles[n]}\n\n" + "\n\n".join(web.text(n)) for n in (0, 5, 10)]
    index_file.write_text(json.dumps({"pages": index, "hosts": [host(n) for n in range(hosts)], "seeds": seeds}))
    return index


class Held:
    """A web that was made, out of its file."""

    def __init__(self, file: Path) -> None:
        self._index, self._pages = json.loads(file.with_suffix(".json").read_text())["pages"], file.read_bytes()

    def answer(self, asked: bytes) -> bytes:
        """The answer to a request to a proxy."""
        found = _ASKED.match(asked)
        url = found[1].decode("latin-1") if found else ""
        if url.endswith("/robots.txt"):
            return ROBOTS
        place = self._index.get(url)
        if place is None:
            return NOT_FOUND
        offset, packed, plain = place
        lines = asked.lower()
        zipped = b"gzip" in lines.partition(b"accept-encoding:")[2].partition(b"\r\n")[0]
        body = (
            self._pages[offset : offset + packed] if zipped else self._pages[offset + packed : offset + packed + plain]
        )
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + (b"Content-Encoding: gzip\r\n\r\n" if zipped else b"\r\n") + body


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("file", type=Path)
    options.add_argument("--pages", type=int, default=2000)
    options.add_argument("--hosts", type=int, default=40)
    options.add_argument("--serve", action="store_true")
    chosen = options.parse_args()
    if chosen.serve:
        asyncio.run(serve(Held(chosen.file).answer))
    else:
        print(len(make(chosen.file, chosen.pages, chosen.hosts)))
