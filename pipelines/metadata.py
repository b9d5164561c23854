"""What a page says about itself (JSON-LD, OpenGraph, <meta>, <link>), read from one lexbor tree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from pipelines import access, byline, dating, title
from pipelines import urls as identity
from pipelines.citation import letters, one_line
from pipelines.dating import Dated, Said
from pipelines.records import Rights
from pipelines.rights import rights_of

MAX_DESCRIPTION_CHARS: Final = 500
MAX_URL_CHARS: Final = 2083
MAX_SECTION_CHARS: Final = 80
_MAX_METAS: Final = 400
_MAX_SCRIPTS: Final = 20
_MAX_JSON_CHARS: Final = 500_000
_MAX_NODES: Final = 200
_MAX_SAID: Final = 4


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ARTICLES: Final = _set(
    "article newsarticle reportagenewsarticle analysisnewsarticle opinionnewsarticle backgroundnewsarticle "
    "reviewnewsarticle askpublicnewsarticle blogposting liveblogposting techarticle scholarlyarticle "
    "satiricalarticle report review"
)
_LISTS: Final = _set("collectionpage searchresultspage itemlist profilepage blog medialisting imagegallery")
_SECTION_METAS: Final = ("article:section", "og:article:section", "parsely-section", "og:section", "section")

Kind = Literal["article", "list", "unknown"]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says about itself; empty where it says nothing.

    `language` is the one of the markup. `kind` is what the page claims to be, which is not always so. `walled` is
    whether it says that it is not for everybody. `evidence` tells, of title, authors and section, the source believed;
    `said` what sources said where they differ. `stated` are all dates, `main` is the JSON-LD of the article.
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
    section: str = ""
    walled: bool | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    stated: Sequence[Said] = ()
    main: Mapping[str, Any] = field(default_factory=dict)


def parse(html: str) -> LexborHTMLParser:
    """The tree of a decoded page."""
    # lone surrogates cannot be written as UTF-8, which is what lexbor reads
    return LexborHTMLParser(html.encode("utf-8", "replace"))


def read(
    tree: LexborHTMLParser, url: str, *, headers: Mapping[str, str] | None = None, agent: str = "", hint: str = ""
) -> Metadata:
    """What the page says about itself. `headers` are those of the response, names in any case; `agent` is our name.

    `hint` is the date a feed or sitemap gave the page, as found.
    """
    several = _metas(tree)
    metas = {name: values[0] for name, values in several.items()}
    for name in {"robots", agent.lower()} & several.keys():
        metas[name] = ", ".join(several[name])
    nodes = list(_json_nodes(tree))
    main = next((node for node in nodes if _types(node) & _ARTICLES), {})
    site = one_line(metas.get("og:site_name") or _name(main.get("publisher")) or metas.get("application-name", ""), 100)
    house = byline.house_of(site, identity.host_of(url))
    titles = title.stated(tree, metas, _string(main.get("headline")) or _string(main.get("name")), site, house)
    names = _authors(tree, several, main, house)
    sections = _sections(metas, main)
    stated = dating.stated(tree, metas, main, url, hint)
    best = {name: next(iter(said), "") for name, said in (("title", titles), ("section", sections))}
    writer = next(iter(names.pop("", ())), "")
    return Metadata(
        title=titles.get(best["title"], ""),
        authors=names.get(writer, ()),
        published=dating.believed(stated),
        description=one_line(_description(metas, main), MAX_DESCRIPTION_CHARS),
        site_name=site,
        language=_language(tree, metas),
        canonical_url=_canonical(tree, metas, url),
        rights=rights_of(metas, headers or {}, agent),
        kind=_kind(metas, nodes),
        section=sections.get(best["section"], ""),
        walled=access.walled(metas, main),
        evidence={name: source for name, source in (*best.items(), ("authors", writer)) if source},
        said=_differing({"title": titles, "authors": names, "section": sections}),
        stated=stated,
        main=main,
    )


def _metas(tree: LexborHTMLParser) -> dict[str, list[str]]:
    """The values of each <meta>, by lower-case name, in their order."""
    metas: dict[str, list[str]] = {}
    for tag in tree.css("meta[content]")[:_MAX_METAS]:
        attributes = tag.attributes
        names = (attributes.get("property"), attributes.get("name"), attributes.get("itemprop"))
        name = next(filter(None, names), "").strip().lower()
        value = (attributes.get("content") or "").strip()
        if name and value:
            metas.setdefault(name, []).append(value)
    return metas


def _description(metas: Mapping[str, str], main: Mapping[str, Any]) -> str:
    return metas.get("og:description") or metas.get("description") or _string(main.get("description"))


def _json_nodes(tree: LexborHTMLParser) -> Iterator[dict[str, Any]]:
    """The top-level things of the page's JSON-LD and their main entities; what else is nested is not the page's own."""
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
        return json.loads(_unwrapped(text.strip()), strict=False)
    except (ValueError, RecursionError):
        return None


def _unwrapped(text: str) -> str:
    """JSON without the CDATA marks, also commented out, and the semicolon that templates put around it."""
    if "<![CDATA[" in text[:20]:
        text = text.partition("<![CDATA[")[2].lstrip().removeprefix("*/")
        text = text.removesuffix("*/").rstrip().removesuffix("]]>")
    return text.rstrip(" \t\r\n;/*")


def _top_level(loaded: Any) -> Iterator[dict[str, Any]]:
    for thing in loaded if isinstance(loaded, list) else [loaded]:
        if isinstance(thing, dict):
            graph = thing.get("@graph")
            for node in [thing, *(graph if isinstance(graph, list) else [])]:
                yield from _with_main(node)


def _with_main(node: Any) -> Iterator[dict[str, Any]]:
    """A thing, and the article that a page says it is about."""
    if isinstance(node, dict):
        yield node
        about = node.get("mainEntity")
        if isinstance(about, dict) and _types(about) & _ARTICLES:
            yield about


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


def _authors(
    tree: LexborHTMLParser, metas: Mapping[str, Sequence[str]], main: Mapping[str, Any], house: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Source -> the names it gives; under "" the source to believe, if there is one."""
    said = byline.stated(tree, metas, main)
    believed = byline.believed(said, house)
    if (believed is None or byline.is_house(said[believed], house)) and (names := byline.loose(tree)):
        said["by"], believed = names, "by"
    return {**said, **({"": (believed,)} if believed else {})}


def _sections(metas: Mapping[str, str], main: Mapping[str, Any]) -> dict[str, str]:
    raw = main.get("articleSection")
    first = next((one for one in raw if isinstance(one, str)), "") if isinstance(raw, list) else _string(raw)
    said = {"json-ld": first} | {f"meta {name}": metas.get(name, "") for name in _SECTION_METAS}
    made = {source: one_line(text, MAX_SECTION_CHARS).strip(" -|/") for source, text in said.items()}
    return {source: text for source, text in made.items() if text}


def _differing(told: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of each field of which sources say different things, what they say; bounded, for pages write what they like."""
    found = {}
    for name, said in told.items():
        ways = {_plain_of(value) for value in said.values()}
        if len(ways) > 1:
            found[name] = dict(list(said.items())[:_MAX_SAID])
    return found


def _plain_of(value: Any) -> Any:
    """A title or a list of names with nothing left that may differ without meaning anything."""
    return letters(value) if isinstance(value, str) else frozenset(map(letters, value))


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
