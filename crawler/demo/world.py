"""Where every article of the demo web stands: its address, its copies, and who links to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal
from zlib import crc32

from crawler.demo.sites import BY_HOST, Site
from crawler.demo.written import Article, slugify

Role = Literal["listed", "tunnel", "feed", "news", "private", "sealed"]
Shelf = tuple[str, Literal["latest", "section", "tag", "author", "topic"], str]


@dataclass(frozen=True, slots=True)
class Placed:
    """An article at its address. `story` is the slug of the text it carries; `role` says how one gets there."""

    article: Article
    url: str
    story: str
    role: Role = "listed"
    print_url: str = ""
    amp_url: str = ""
    mark: Literal["stub", "noindex", ""] = ""

    @property
    def urls(self) -> tuple[str, ...]:
        """The article and its print and AMP copies."""
        return tuple(filter(None, (self.url, self.print_url, self.amp_url)))


@dataclass(frozen=True, slots=True)
class Mention:
    """A link inside the text of an article; `anchor` may say nothing about what it leads to."""

    href: str
    anchor: str
    rel: str = ""


def number(host: str, slug: str) -> int:
    """Return the six-digit number a content system would have given the article."""
    return 100_000 + crc32(f"{host}/{slug}".encode()) % 900_000


def address(article: Article) -> str:
    """Return the path of an article in its site's own manner."""
    site, slug, day = BY_HOST[article.site], article.slug, article.published
    ident = number(site.host, slug)
    return {
        "dated": f"/{day:%Y/%m/%d}/{slug}/",
        "story": f"/story/{slug}-{ident}",
        "numbered": f"/articles/{ident}/{slug}.html",
        "sectioned": f"/{slugify(article.section)}/{slug}/",
        "opaque": f"/read/{ident}",
    }[site.path]


def put(article: Article, story: str, role: Role = "listed", mark: Literal["stub", "noindex", ""] = "") -> Placed:
    """Place an article; some get a print copy, some an AMP copy, whatever they are about."""
    site = BY_HOST[article.site]
    path = ("/private" if role == "private" else "") + address(article)
    start, lot = f"http://{site.host}", crc32(path.encode())
    plain = role == "listed" and not mark
    return Placed(
        article,
        start + path,
        story,
        role,
        f"{start}/print{path}" if plain and "print" in site.variants and lot % 100 < 38 else "",
        f"{start}/amp{path}" if plain and "amp" in site.variants and lot // 100 % 100 < 38 else "",
        mark,
    )


class World:
    """All placed articles, by address and on shelves (site, kind, name), newest first."""

    def __init__(self, seed: int, placed: Iterable[Placed], mentions: dict[str, list[Mention]]) -> None:
        self.seed = seed
        self.placed = sorted(placed, key=lambda one: (one.article.published, one.url), reverse=True)
        self.by_url = {one.url: one for one in self.placed}
        if len(self.by_url) < len(self.placed):
            raise ValueError("two articles of the demo web have the same address")
        self.mentions = mentions
        self.labels: dict[str, str] = {}
        self.shelves: dict[Shelf, list[Placed]] = defaultdict(list)
        for one in self.placed:
            if one.role == "listed":
                self._shelve(one)
        self._names: dict[tuple[str, str], list[str]] = defaultdict(list)
        for host, kind, name in sorted(self.shelves, key=lambda shelf: (-len(self.shelves[shelf]), shelf)):
            # a tag used once leads nowhere its article does not
            if kind != "tag" or len(self.shelves[host, kind, name]) > 1:
                self._names[host, kind].append(name)

    def _shelve(self, one: Placed) -> None:
        article = one.article
        self.shelves[article.site, "latest", ""].append(one)
        names = [("section", article.section), ("author", article.author), *(("tag", tag) for tag in article.tags)]
        for kind, name in names:
            slug = slugify(name)
            self.labels.setdefault(slug, name)
            self.shelves[article.site, kind, slug].append(one)  # type: ignore[index]  # kinds are literals above
        for tag in article.tags:
            self.shelves[article.language, "topic", slugify(tag)].append(one)

    def shelf(self, host: str, kind: Literal["latest", "section", "tag", "author", "topic"], name: str) -> list[Placed]:
        """Return the articles on a shelf, newest first; none if there is no such shelf."""
        return self.shelves.get((host, kind, name), [])

    def names(self, site: Site, kind: Literal["section", "tag", "author"]) -> list[str]:
        """Return the names of a site's shelves of a kind, the fullest first."""
        return self._names.get((site.host, kind), [])

    def rng(self, *about: str) -> Random:
        """Return a random source that depends only on the seed and what it is for."""
        return Random(":".join((str(self.seed), *about)))

    def related(self, one: Placed) -> list[Placed]:
        """Return four articles with the rarest tags in common (any site), then two of the same site at random."""
        rng = self.rng("related", one.url)
        weight: dict[str, float] = defaultdict(float)
        for tag in one.article.tags:
            peers = self.shelf(one.article.language, "topic", slugify(tag))
            for peer in peers:
                weight[peer.url] += 1 / len(peers)
        weight.pop(one.url, None)
        best = sorted(weight, key=lambda url: (-weight[url], url))[:9]
        chosen = rng.sample(best, min(4, len(best)))
        local = self.shelf(one.article.site, "latest", "")
        chosen += [other.url for other in rng.sample(local, min(2, len(local))) if other.url != one.url]
        return [self.by_url[url] for url in dict.fromkeys(chosen)]
