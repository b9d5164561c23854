"""What a page says about itself (JSON-LD, OpenGraph, <meta>, <link>), read from one lexbor tree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from pipelines.citation import authors_of, date_in_url, date_of, one_line, title_of
from pipelines.records import Rights

MAX_DESCRIPTION_CHARS: Final = 500
MAX_URL_CHARS: Final = 2083
_MAX_METAS: Final = 400
_MAX_SCRIPTS: Final = 20
_MAX_JSON_CHARS: Final = 500_000
_MAX_NODES: Final = 200
_MAX_AUTHOR_TAGS: Final = 12


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ARTICLES: Final = _set(
    "article newsarticle reportagenewsarticle analysisnewsarticle opinionnewsarticle backgroundnewsarticle "
    "reviewnewsarticle askpublicnewsarticle blogposting liveblogposting techarticle scholarlyarticle "
    "satiricalarticle report review"
)
_LISTS: Final = _set("collectionpage searchresultspage itemlist profilepage blog medialisting imagegallery")
_DATE_METAS: Final = (
    ("article:published_time", 0.95), ("og:published_time", 0.95), ("parsely-pub-date", 0.9), ("datepublished", 0.9),
    ("citation_publication_date", 0.9), ("sailthru.date", 0.85), ("dc.date.issued", 0.85), ("dcterms.created", 0.85),
    ("publish-date", 0.85), ("publication_date", 0.85), ("pubdate", 0.85), ("dc.date", 0.8), ("date", 0.75),
)  # fmt: skip
_AUTHOR_METAS: Final = ("author", "article:author", "parsely-author", "byl", "dc.creator", "sailthru.author")
_AUTHOR_TAGS: Final = '[itemprop="author"] [itemprop="name"], [rel="author"], .byline__name, .author-name, .byline'
_JSON_DATE: Final = 0.95
_MARKED_DATE: Final = 0.85
_URL_DATE: Final = 0.7

Kind = Literal["article", "list", "unknown"]


@dataclass(frozen=True, slots=True)
class Dated:
    """When a page says it was published (UTC), how far that is to be trusted (0..1), and where it says so."""

    when: datetime
    confidence: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says about itself; empty where it says nothing.

    `language` is the one of the markup. `kind` is what the page claims to be, which is not always so.
    """

    title: str
    authors: tuple[str, ...]
    published: Dated | None
    description: str
    site_name: str
    language: str
    canonical_url: str | None
    rights: Rights
    kind: Kind


def parse(html: str) -> LexborHTMLParser:
    """The tree of a decoded page."""
    # lone surrogates cannot be written as UTF-8, which is what lexbor reads
    return LexborHTMLParser(html.encode("utf-8", "replace"))


def read(tree: LexborHTMLParser, url: str, *, headers: Mapping[str, str] | None = None) -> Metadata:
    """What the page says about itself. `headers` are those of the response, names in any case."""
    metas = _metas(tree)
    nodes = list(_json_nodes(tree))
    main = next((node for node in nodes if _types(node) & _ARTICLES), {})
    site = one_line(metas.get("og:site_name") or _name(main.get("publisher")) or metas.get("application-name", ""), 100)
    heading = _text(tree, "h1")
    titles = (_string(main.get("headline")), metas.get("og:title", ""), metas.get("twitter:title", ""))
    description = metas.get("og:description") or metas.get("description") or _string(main.get("description"))
    return Metadata(
        title=title_of([title for title in titles if title] or [heading, _text(tree, "title")], heading, site),
        authors=_authors(tree, metas, main),
        published=_published(tree, metas, main, url),
        description=one_line(description, MAX_DESCRIPTION_CHARS),
        site_name=site,
        language=_language(tree, metas),
        canonical_url=_canonical(tree, metas, url),
        rights=rights(metas, headers or {}),
        kind=_kind(metas, nodes),
    )


def _metas(tree: LexborHTMLParser) -> dict[str, str]:
    """The first value of each <meta>, by lower-case name; those of `robots` joined."""
    metas: dict[str, str] = {}
    for tag in tree.css("meta[content]")[:_MAX_METAS]:
        attributes = tag.attributes
        names = (attributes.get("property"), attributes.get("name"), attributes.get("itemprop"))
        name = next(filter(None, names), "").strip().lower()
        value = (attributes.get("content") or "").strip()
        if name == "robots" and name in metas:
            metas[name] += f", {value}"
        elif name and value:
            metas.setdefault(name, value)
    return metas


def _json_nodes(tree: LexborHTMLParser) -> Iterator[dict[str, Any]]:
    """The top-level things of the page's JSON-LD; what is nested in another thing is not the page's own."""
    left = _MAX_NODES
    for script in tree.css('script[type="application/ld+json"]')[:_MAX_SCRIPTS]:
        for node in _top_level(_loaded(script.text())):
            if left == 0:
                return
            left -= 1
            yield node


def _loaded(text: str) -> Any:
    if len(text) > _MAX_JSON_CHARS:
        return None
    try:
        return json.loads(text.strip().removeprefix("<![CDATA[").removesuffix("]]>").rstrip(" ;"), strict=False)
    except (ValueError, RecursionError):
        return None


def _top_level(loaded: Any) -> Iterator[dict[str, Any]]:
    for thing in loaded if isinstance(loaded, list) else [loaded]:
        if isinstance(thing, dict):
            graph = thing.get("@graph")
            yield thing
            if isinstance(graph, list):
                yield from (node for node in graph if isinstance(node, dict))


def _types(node: dict[str, Any]) -> set[str]:
    named = node.get("@type")
    return {str(one).rpartition("/")[2].lower() for one in (named if isinstance(named, list) else [named])}


def _kind(metas: dict[str, str], nodes: list[dict[str, Any]]) -> Kind:
    articles = sum(bool(_types(node) & _ARTICLES) for node in nodes)
    if 0 < articles <= 2:
        return "article"
    # archive pages of common blog software call themselves og:type article, and CollectionPage in JSON-LD
    if articles or any(_types(node) & _LISTS for node in nodes):
        return "list"
    is_article = metas.get("og:type", "").lower() == "article" or "article:published_time" in metas
    return "article" if is_article else "unknown"


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return _string(value.get("name")) if isinstance(value, dict) else _string(value)


def _text(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return node.text(separator=" ", strip=True) if node else ""


def _authors(tree: LexborHTMLParser, metas: dict[str, str], main: dict[str, Any]) -> tuple[str, ...]:
    raw = main.get("author") or main.get("creator") or []
    stated = authors_of([_name(one) for one in (raw if isinstance(raw, list) else [raw])[:_MAX_AUTHOR_TAGS]])
    if stated:
        return stated
    for name in _AUTHOR_METAS:
        if name in metas and (authors := authors_of([metas[name]])):
            return authors
    shown = (tag.text(separator=" ", strip=True) for tag in tree.css(_AUTHOR_TAGS)[:_MAX_AUTHOR_TAGS])
    return authors_of(text for text in shown if len(text) <= 100)


def _published(tree: LexborHTMLParser, metas: dict[str, str], main: dict[str, Any], url: str) -> Dated | None:
    if when := date_of(str(main.get("datePublished") or main.get("dateCreated") or "")):
        return Dated(when, _JSON_DATE, "json-ld")
    for name, confidence in _DATE_METAS:
        if name in metas and (when := date_of(metas[name])):
            return Dated(when, confidence, f"meta {name}")
    marked = tree.css_first('time[itemprop="datePublished"], time[pubdate], [itemprop="datePublished"][content]')
    if marked and (when := date_of(marked.attributes.get("datetime") or marked.attributes.get("content") or "")):
        return Dated(when, _MARKED_DATE, "itemprop datePublished")
    if when := date_in_url(url):
        return Dated(when, _URL_DATE, "url")
    return None


def _language(tree: LexborHTMLParser, metas: dict[str, str]) -> str:
    root = tree.css_first("html[lang]")
    named = (root.attributes.get("lang") if root else "") or metas.get("og:locale", "")
    code = (named or "").replace("_", "-").partition("-")[0].strip().lower()
    return code if code.isalpha() and 2 <= len(code) <= 3 else ""


def _canonical(tree: LexborHTMLParser, metas: dict[str, str], url: str) -> str | None:
    link = tree.css_first('link[rel="canonical"][href]')
    named = (link.attributes.get("href") if link else None) or metas.get("og:url")
    if not named or len(named) > MAX_URL_CHARS:
        return None
    try:
        absolute = urljoin(url, named.strip())
        parts = urlsplit(absolute)
    except ValueError:
        return None
    return absolute if parts.scheme in {"http", "https"} and parts.hostname else None


def rights(metas: Mapping[str, str], headers: Mapping[str, str]) -> Rights:
    """What robots meta, X-Robots-Tag and the TDM reservation protocol say of keeping the page.

    An X-Robots-Tag addressed to another robot (`googlebot: noindex`) does not count.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    header = [part.strip() for part in lower.get("x-robots-tag", "").lower().split(",")]
    stated = [part for part in header if ":" not in part or part.startswith(("max-", "unavailable_after"))]
    stated += [part.strip() for part in metas.get("robots", "").lower().split(",")]
    directives = [part for part in dict.fromkeys(stated) if part]
    reserved = "1" in {metas.get("tdm-reservation", "").strip(), lower.get("tdm-reservation", "").strip()}
    return Rights(
        robots=", ".join(directives)[:200],
        noindex=not {"noindex", "none"}.isdisjoint(directives),
        tdm_reserved=reserved or not {"noai", "noml"}.isdisjoint(directives),
    )
