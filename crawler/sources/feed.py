"""Candidates from RSS, Atom and JSON feeds, whole or broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import islice
from typing import Any, Final

import fastfeedparser
from lxml import etree

from crawler.sources.entities import escaped
from pipelines.records import Candidate
from pipelines.urls import canonical

MAX_FEED_BYTES: Final = 8 << 20
MAX_ENTRIES: Final = 2_000
_MAX_TITLE_CHARS: Final = 300
_MAX_DATE_CHARS: Final = 64
_TAG: Final = re.compile(r"<[^<>]{0,500}>")
_ENTRY: Final = re.compile(rb"<(?:\w{1,20}:)?(?:item|entry)\b", re.IGNORECASE)
_BASE: Final = b"xml:base"
_MAX_JSON_OBJECTS: Final = 50_000
_DATES: Final = ("published", "pubdate", "date", "issued", "updated", "modified")


def candidates_in(body: bytes, url: str) -> list[Candidate]:
    """The entries of the feed `body` at `url`, at most 2,000, with titles and dates as found."""
    body = _cut(body[:MAX_FEED_BYTES])
    # which base an address goes by is told by the tree alone
    found = _candidates(_recovered(body, url) if _BASE in body else _parsed(body), url)
    if len(found) < sum(1 for _ in _ENTRY.finditer(body)):
        # entries were lost or named nothing: perhaps the feed is torn, and more can be read another way
        found = _candidates(_recovered(body, url), url) | found
    return list(found.values())[:MAX_ENTRIES]


def _cut(body: bytes) -> bytes:
    """The body up to its 2,000th entry: a million empty ones would each become a record of the parser's."""
    if body.lstrip()[:1] == b"{":
        return body if body.count(b"{") <= _MAX_JSON_OBJECTS else b""
    body = escaped(body)
    after = next(islice(_ENTRY.finditer(body), MAX_ENTRIES, None), None)
    return body[: after.start()] if after else body


def _candidates(entries: Iterable[dict[str, Any]], url: str) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for entry in entries:
        href = canonical(_link(entry), url)
        if href is None or href in found:
            continue
        title, published = _title(_text(entry.get("title"))), _text(entry.get("published") or entry.get("updated"))
        found[href] = Candidate(href, "feed", title=title, published=published.strip()[:_MAX_DATE_CHARS])
        if len(found) >= MAX_ENTRIES:
            break
    return found


def _link(entry: dict[str, Any]) -> str:
    """Blogs list the links to replies and to the entry's own XML before the one to the page."""
    links = [link for link in entry.get("links") or () if isinstance(link, dict)]
    pages = [_text(link.get("href")) for link in links if link.get("rel", "alternate") == "alternate"]
    return next(filter(None, pages), "") or _text(entry.get("link")) or _permanent(_text(entry.get("id")))


def _permanent(name: str) -> str:
    """What an entry is called, where that is an address."""
    return name if name.strip().startswith(("http://", "https://")) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _title(text: str) -> str:
    text = _TAG.sub(" ", unescape(text[: 4 * _MAX_TITLE_CHARS]))
    return " ".join(text.split())[:_MAX_TITLE_CHARS].rstrip()


def _parsed(body: bytes) -> list[dict[str, Any]]:
    try:
        # bytes, never str: a str that begins with http:// would be fetched
        feed = fastfeedparser.parse(body, include_content=False, include_tags=False, include_media=False)
    except Exception:  # a foreign parser on a stranger's bytes: whatever it raises means the feed is broken
        return []
    return list(feed.get("entries") or ())


def _recovered(body: bytes, url: str) -> Iterator[dict[str, Any]]:
    """What can still be read of a feed that is not well-formed; its addresses are joined to their bases."""
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(body, parser, base_url=url)
    except (etree.XMLSyntaxError, ValueError):
        return
    if root is None:
        return
    for item in root.iter("{*}item", "{*}entry"):
        yield _fields(item)


def _fields(item: Any) -> dict[str, Any]:
    fields: dict[str, str] = {}
    for part in item.iterdescendants():
        if not isinstance(part.tag, str):
            continue
        name, text = part.tag.rpartition("}")[2].lower(), (part.text or "").strip()
        if name == "link" and part.get("rel", "alternate") != "alternate":
            continue
        if name == "link":
            text = canonical(part.get("href") or text, part.base) or ""
        fields.setdefault(name, text)
    fields["link"] = fields.get("link") or _permanent(fields.get("guid") or fields.get("id", ""))
    fields["published"] = next((fields[name] for name in _DATES if fields.get(name)), "")
    return fields
