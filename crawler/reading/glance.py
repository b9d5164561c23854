"""One quick look at a fetched page: its links, what it says about itself, and enough words to judge it by."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.reading.anchors import Link, links_of, tidy
from crawler.reading.charsets import tamed, text_of
from pipelines.rights import directives, follows
from pipelines.urls import canonical

MAX_LINKS: Final = 1000
MAX_TITLE_CHARS: Final = 300
MAX_DESCRIPTION_CHARS: Final = 1000
TEXT_WORDS: Final = 200
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_MAX_PARAGRAPHS: Final = 60
_PARAGRAPH_CHARS: Final = 300
_FEW_WORDS: Final = 60
_MAX_FEEDS: Final = 10
_MAX_LD_CHARS: Final = 200_000

_WANTED: Final = "html, base, title, meta, link, a[href], p, article, script[type='application/ld+json']"
_ASIDE: Final = frozenset({"nav", "aside", "footer", "header", "form", "figcaption", "dialog"})
_FEED_TYPES: Final = frozenset({"application/rss+xml", "application/atom+xml", "application/feed+json"})
# possessive, so that no run of spaces is read twice
_LD_ARTICLE: Final = re.compile(r'"@type"\s*+:\s*+\[?+\s*+"(?:\w*Article|BlogPosting|LiveBlogPosting|Report)"')
_LD_LIST: Final = re.compile(r'"@type"\s*+:\s*+\[?+\s*+"(?:ItemList|CollectionPage|SearchResultsPage)"')
_LANG: Final = re.compile(r"\s*([a-zA-Z]{2,3})(?=[-_\s]|$)")


@dataclass(frozen=True, slots=True)
class Glance:
    """What one quick look at a page gives. All addresses are canonical; everything is bounded.

    `text` is the first ~200 words of its longer paragraphs; `robots` the directives for us in its meta and header;
    `links` are without nofollow ones, and empty, as `feeds`, when the page asks for none to be followed.
    """

    title: str = ""
    description: str = ""
    text: str = ""
    lang: str = ""
    canonical: str | None = None
    robots: str = ""
    is_article: bool = False
    links: list[Link] = field(default_factory=list)
    feeds: list[str] = field(default_factory=list)


def glance(
    body: bytes, url: str, *, encoding: str | None = None, max_links: int = MAX_LINKS,
    headers: Mapping[str, str] = NO_HEADERS, agent: str = "", wanted: Callable[[str], bool] = lambda _: True,
) -> Glance:  # fmt: skip
    """Parses `body`, the page at `url`, once. Never raises, whatever the bytes; looks at 8 MiB at most.

    `headers` (lower-case names) may hold an X-Robots-Tag; `agent` is the name we go by in robots directives. Links to
    URLs that are not `wanted` are left unread.
    """
    tree = LexborHTMLParser(tamed(text_of(body, encoding)))
    nodes = _by_tag(tree)
    about = _metas(nodes["meta"], {"robots", agent.lower()})
    base = _base(nodes["base"], url)
    prose = _prose(nodes["p"], deep=True)
    if prose.words < _FEW_WORDS:
        prose = max(prose, _prose(tree.css("div, td"), deep=False), key=lambda found: found.words)
    alternates = _Alternates(nodes["link"], base)
    said = directives(about, headers, agent)
    stay = not follows(said)
    return Glance(
        title=_title(nodes["title"], about),
        description=tidy(about["description"] or about["og:description"], MAX_DESCRIPTION_CHARS),
        text=prose.text,
        lang=_lang(nodes["html"]),
        canonical=alternates.canonical,
        robots=", ".join(said)[:MAX_TITLE_CHARS],
        is_article=_is_article(nodes, about, prose, url),
        links=[] if stay else links_of(nodes["a"], base, url, max_links, wanted),
        feeds=[] if stay else alternates.feeds,
    )


def _by_tag(tree: LexborHTMLParser) -> defaultdict[str, list[LexborNode]]:
    nodes: defaultdict[str, list[LexborNode]] = defaultdict(list)
    for node in tree.css(_WANTED):
        nodes[node.tag or ""].append(node)
    return nodes


def _metas(nodes: list[LexborNode], joined: set[str]) -> defaultdict[str, str]:
    """Name or property, lower-case, to its first content; several metas of `joined` names in one."""
    about: defaultdict[str, str] = defaultdict(str)
    for node in nodes:
        attributes = node.attributes
        name = (attributes.get("name") or attributes.get("property") or "").strip().lower()
        content = (attributes.get("content") or "")[: 4 * MAX_DESCRIPTION_CHARS]
        if name in joined and about[name]:
            about[name] += f", {content[:MAX_TITLE_CHARS]}"
        elif name and not about[name]:
            about[name] = content
    for name in joined:
        about[name] = tidy(about[name], MAX_TITLE_CHARS)
    return about


def _base(nodes: list[LexborNode], url: str) -> str:
    for node in nodes[:1]:
        # canonical() is what keeps <base href="file:///etc/"> out
        return canonical(node.attributes.get("href") or "", url) or url
    return url


def _title(nodes: list[LexborNode], about: defaultdict[str, str]) -> str:
    own = next((node.text() for node in nodes if node.parent is not None and node.parent.tag != "svg"), "")
    return tidy(about["og:title"] or own, MAX_TITLE_CHARS)


def _lang(nodes: list[LexborNode]) -> str:
    found = _LANG.match(nodes[0].attributes.get("lang") or "") if nodes else None
    return found[1].lower() if found else ""


class _Alternates:
    """What the <link> elements say: the canonical page, and its feeds."""

    def __init__(self, nodes: list[LexborNode], base: str) -> None:
        self.canonical: str | None = None
        self.feeds: list[str] = []
        for node in nodes:
            attributes = node.attributes
            rel = (attributes.get("rel") or "").lower()
            if rel != "canonical" and "alternate" not in rel:
                continue
            href = canonical(attributes.get("href") or "", base)
            if rel == "canonical":
                self.canonical = self.canonical or href
            elif (
                href and (attributes.get("type") or "").lower().strip() in _FEED_TYPES and len(self.feeds) < _MAX_FEEDS
            ):
                self.feeds.append(href)


@dataclass(frozen=True, slots=True)
class _Prose:
    text: str
    words: int
    chars: int
    longest_run: int


def _prose(nodes: list[LexborNode], *, deep: bool) -> _Prose:
    """The longer paragraphs outside of navigation; `longest_run` counts those with one and the same parent.

    With `deep` false, of boxes that hold text without paragraphs (`<br>` between): what is directly in them.
    """
    texts: list[str] = []
    words = chars = 0
    siblings: defaultdict[int, int] = defaultdict(int)
    aside: dict[int, bool] = {}
    for node in nodes:
        text, parent = node.text(deep=deep), node.parent
        if len(text) <= 40 or parent is None or _is_aside(parent, aside):
            continue
        siblings[parent.mem_id] += 1 if deep else 1 + len(text) // _PARAGRAPH_CHARS
        chars += len(text)
        if words < TEXT_WORDS:
            found = text[: 16 * TEXT_WORDS].split()[: TEXT_WORDS - words]
            words += len(found)
            texts.append(" ".join(found))
        if len(siblings) >= _MAX_PARAGRAPHS or siblings[parent.mem_id] >= _MAX_PARAGRAPHS:
            break
    return _Prose("\n".join(texts), words, chars, max(siblings.values(), default=0))


def _is_aside(node: LexborNode, known: dict[int, bool]) -> bool:
    first, at, steps = node.mem_id, node, 0
    while first not in known:
        parent = at.parent
        if at.tag in _ASIDE or parent is None or steps > 40:
            known[first] = at.tag in _ASIDE
        else:
            at, steps = parent, steps + 1
    return known[first]


def _is_article(
    nodes: defaultdict[str, list[LexborNode]], about: defaultdict[str, str], prose: _Prose, url: str
) -> bool:
    """Whether the page tells one story: a home page or a list does not, even where its teasers are marked as such."""
    if url.partition("://")[2].partition("/")[2] == "":
        return False
    data = " ".join(node.text()[:_MAX_LD_CHARS] for node in nodes["script"][:8])
    if _LD_LIST.search(data) and prose.longest_run < 3:
        return False
    if _LD_ARTICLE.search(data) or about["og:type"].strip().lower() in ("article", "news", "blog"):
        return True
    if len(nodes["article"]) == 1 and prose.chars >= 400 and prose.longest_run >= 2:
        return True
    return prose.chars >= 800 and prose.longest_run >= 4
