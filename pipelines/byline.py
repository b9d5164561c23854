"""Who wrote a page: the names each source gives, and whose to believe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from pipelines.citation import authors_of, letters

MAX_TAGS: Final = 12
MAX_BYLINE_CHARS: Final = 100
_METAS: Final = (
    "author", "citation_author", "dc.creator", "article:author", "parsely-author", "byl", "sailthru.author",
    "cxenseparse:author",
)  # fmt: skip
_TAGS: Final = '[itemprop="author"] [itemprop="name"], [rel="author"], .byline__name, .author-name, .byline'
_LOOSE: Final = '[class*="author" i], [class*="byline" i]'
# a byline that says so, up to what is no name any more: a date, a time, how long one reads
_SAYS_BY: Final = re.compile(
    r"^\s*(?:(?:text|foto|kommentar|analyse|interview|story|words|written|reported)\s*)?"
    r"(?:by|von|par|por|di|af|av|door)\b[:\s]+(?P<names>\D{3,80}?)(?=\s*(?:\d|\||•|·|\bstand:|$))",
    re.IGNORECASE,
)


def stated(
    tree: LexborHTMLParser, metas: Mapping[str, Sequence[str]], main: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    """Source -> the names it gives, the most trusted source first; without those that give none."""
    found = {"json-ld": authors_of(_people(main.get("author") or main.get("creator") or []))}
    for name in _METAS:
        if name in metas:
            found[f"meta {name}"] = authors_of(metas[name][:MAX_TAGS])
    shown = [tag.text(separator=" ", strip=True) for tag in tree.css(_TAGS)[:MAX_TAGS]]
    found["byline"] = authors_of(text for text in shown if len(text) <= MAX_BYLINE_CHARS)
    return {source: names for source, names in found.items() if names}


def loose(tree: LexborHTMLParser) -> tuple[str, ...]:
    """The names after a "By" in what is only called like a byline: for pages of which nothing better is known."""
    for tag in tree.css(_LOOSE)[:MAX_TAGS]:
        said = _SAYS_BY.match(tag.text(separator=" ", strip=True)[: 3 * MAX_BYLINE_CHARS])
        if said and (names := authors_of([said["names"]])):
            return names
    return ()


def believed(said: Mapping[str, tuple[str, ...]], house: frozenset[str]) -> str | None:
    """The source to believe: the first that names somebody beside the site itself, else the first."""
    for source, names in said.items():
        if not is_house(names, house):
            return source
    return next(iter(said), None)


def is_house(names: Sequence[str], house: frozenset[str]) -> bool:
    """Whether these names are all the site's own."""
    return all(letters(name) in house for name in names)


def house_of(site: str, host: str) -> frozenset[str]:
    """All that a site may be called, as `letters`: its name, and by its address.

    `news.example.com` is news, example, examplecom, newsexamplecom; but not com, which may be a word (ai, uk).
    """
    parts = host.removeprefix("www.").split(".")
    called = ["".join(parts[at:]) for at in range(max(1, len(parts) - 1))]
    return frozenset(map(letters, (site, *called, *parts[:-1]))) - {""}


def _people(raw: Any, depth: int = 2) -> Iterator[str]:
    """The names in JSON-LD's author, which may be a text, a thing, or a list of these."""
    if isinstance(raw, list) and depth:
        for one in raw[:MAX_TAGS]:
            yield from _people(one, depth - 1)
    elif isinstance(raw, dict):
        name = raw.get("name")
        parts = [raw.get("givenName"), raw.get("familyName")]
        if isinstance(name, list):
            yield from (one for one in name[:MAX_TAGS] if isinstance(one, str))
        elif isinstance(name, str) and name.strip():
            yield name
        elif all(isinstance(part, str) and part for part in parts):
            yield " ".join(map(str, parts))
    elif isinstance(raw, str):
        yield raw
