"""Candidates from sitemaps, sitemap indexes and news sitemaps, plain or gzipped.

Scrapy's own Sitemap class is not used: it drops the title and date that a news sitemap nests inside <news:news>.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from html import unescape
from itertools import islice
from typing import Any, Final

from lxml import etree

from crawler.sources.entities import Escaped
from pipelines.records import Candidate
from pipelines.urls import MAX_URL_CHARS, canonical

MAX_SITEMAP_BYTES: Final = 50 << 20
MAX_ENTRIES: Final = 50_000
MAX_SITEMAPS_IN_ROBOTS: Final = 100
_MAX_TITLE_CHARS: Final = 300
_MAX_DATE_CHARS: Final = 64
# elements are kept in memory until their entry ends: a sitemap of none but odd elements is left
_MAX_ELEMENTS: Final = 2_000_000
_MAX_ELEMENTS_AN_ENTRY: Final = 50_000
_ENTRIES: Final = frozenset({"url", "sitemap"})
_GZIP: Final = b"\x1f\x8b"
_PIECE_BYTES: Final = 64 * 1024
# each costs as much as a piece has bytes
_MAX_PARTS: Final = 1_000


def candidates_in(body: bytes, url: str) -> list[Candidate]:
    """The URLs a sitemap names (kind `page`) and the sitemaps an index names (kind `sitemap`), at most 50,000.

    The sitemaps protocol's own limits: 50 MiB unpacked, 50,000 URLs.
    """
    found: dict[str, Candidate] = {}
    is_xml = b"<" in _Unpacked(body).read(4096)
    for candidate in _in_xml(_Unpacked(body), url) if is_xml else _in_lines(_Unpacked(body), url):
        found.setdefault(candidate.url, candidate)
        if len(found) >= MAX_ENTRIES:
            break
    return list(found.values())


def sitemaps_in_robots(text: str, base: str) -> list[Candidate]:
    """The sitemaps that a robots.txt at `base` names, at most 100."""
    found: dict[str, Candidate] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() != "sitemap":
            continue
        href = canonical(value, base)
        if href is not None:
            found.setdefault(href, Candidate(href, "sitemap", "sitemap"))
        if len(found) >= MAX_SITEMAPS_IN_ROBOTS:
            break
    return list(found.values())


class _Unpacked:
    """A sitemap's bytes, unpacked where it is packed, piece by piece: the whole is never held. What is torn, or longer
    than allowed, ends there, and is still a list of URLs."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self._unpacking = zlib.decompressobj(wbits=31) if body.startswith(_GZIP) else None
        self._left = MAX_SITEMAP_BYTES
        self._parts = 1

    def read(self, size: int = _PIECE_BYTES) -> bytes:
        """The next piece; empty at the end."""
        size = min(size if size > 0 else _PIECE_BYTES, self._left)
        piece = self._next(size) if size else b""
        self._left -= len(piece)
        return piece

    def _next(self, size: int) -> bytes:
        if self._unpacking is None:
            piece, self._body = bytes(self._body[:size]), self._body[size:]
            return piece
        unpacked = b""
        while not unpacked:
            packed: bytes | memoryview = self._unpacking.unconsumed_tail
            if self._unpacking.eof:  # packed in several parts, perhaps, one behind the other
                packed, self._parts = self._unpacking.unused_data, self._parts + 1
                if self._parts > _MAX_PARTS:
                    break
                self._unpacking = zlib.decompressobj(wbits=31)
            if not packed:
                packed, self._body = self._body[:_PIECE_BYTES], self._body[_PIECE_BYTES:]
            if not packed:
                break
            try:
                unpacked = self._unpacking.decompress(packed, size)
            except zlib.error:
                self._left = 0
                break
        return unpacked


def _in_lines(text: _Unpacked, url: str) -> Iterator[Candidate]:
    for line in islice(_lines(text), MAX_ENTRIES):
        # nothing to join to: a line that is no whole address is not part of a text sitemap
        href = canonical(line.decode("utf-8", "replace").lstrip("\ufeff"))
        if href is not None and href != url:
            yield Candidate(href, "sitemap")


def _lines(text: _Unpacked) -> Iterator[bytes]:
    """Lines, cut where they are longer than any address."""
    rest = b""
    while piece := text.read():
        *lines, rest = (rest + piece).split(b"\n", MAX_ENTRIES)
        for line in lines:
            yield line[: MAX_URL_CHARS + 1]
        rest = rest[: MAX_URL_CHARS + 1]
    yield rest


def _in_xml(text: _Unpacked, url: str) -> Iterator[Candidate]:
    entries = etree.iterparse(
        Escaped(text),
        events=("end",),
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    waiting = read = 0
    try:
        for _, element in islice(entries, _MAX_ELEMENTS):
            waiting += 1
            if element.tag.rpartition("}")[2] in _ENTRIES:
                yield from _candidate(element, url)
                _forget(element)
                waiting, read = 0, read + 1
            if waiting > _MAX_ELEMENTS_AN_ENTRY or read >= MAX_ENTRIES:
                return
    except (etree.XMLSyntaxError, ValueError):
        return


def _candidate(element: Any, url: str) -> Iterator[Candidate]:
    texts: dict[str, str] = {}
    for part in element.iterdescendants("{*}*"):
        if isinstance(part.tag, str):
            texts.setdefault(part.tag.rpartition("}")[2].lower(), (part.text or "").strip())
    # its own: pictures have some, too
    href = canonical((element.findtext("{*}loc") or "").strip(), url)
    if href is None:
        return
    if element.tag.endswith("sitemap"):
        yield Candidate(href, "sitemap", "sitemap", published=texts.get("lastmod", "")[:_MAX_DATE_CHARS])
        return
    named = element.findtext("{*}news/{*}title") or texts.get("title", "")
    title = " ".join(unescape(named[: 4 * _MAX_TITLE_CHARS]).split())[:_MAX_TITLE_CHARS]
    yield Candidate(href, "sitemap", title=title, published=texts.get("publication_date", "")[:_MAX_DATE_CHARS])


def _forget(element: Any) -> None:
    """Without this the whole tree of a 50 MiB sitemap stays in memory until its end."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
