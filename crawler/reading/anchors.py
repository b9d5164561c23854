"""The links of a parsed page, each with its words and the words around it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from selectolax.lexbor import LexborNode

from pipelines.shapes import is_file
from pipelines.urls import canonical

MAX_ANCHOR_CHARS: Final = 200
CONTEXT_CHARS: Final = 80
_MAX_CARD_CHARS: Final = 1_000
_HEADLINE_CHARS: Final = 25
# longer ones are not remembered
_SHORT_CHARS: Final = 300
_MAX_WORK_CHARS: Final = 2_000_000
_INLINE: Final = frozenset({"span", "b", "strong", "em", "i", "font", "h1", "h2", "h3", "h4", "h5", "h6"})
_ROOTS: Final = frozenset({"body", "html", "main", "-undef"})


class Link(NamedTuple):
    """A link of a page: where to, the words on it (at most 200 characters) and up to 80 either side."""

    url: str
    anchor: str = ""
    context: str = ""


def tidy(text: str, limit: int) -> str:
    """One line of at most `limit` characters."""
    return " ".join(text[: 4 * limit].split())[:limit].rstrip()


def links_of(
    nodes: list[LexborNode], base: str, url: str, max_links: int, wanted: Callable[[str], bool] = lambda _: True
) -> list[Link]:
    """One Link for each URL that is `wanted`, in order of first sight, with the longest anchor it has on the page."""
    found: dict[str, Link] = {}
    spelt: dict[str, str | None] = {}
    around = _Around()
    own = canonical(url)
    origin = "/".join(base.split("/", 3)[:3])
    for node in nodes[: 8 * max_links]:
        attributes = node.attributes
        href = attributes.get("href") or ""
        if href.startswith("#") or (attributes.get("rel") and _is_unfollowed(attributes["rel"] or "")):
            continue
        if href not in spelt:
            target = _target(href, base, origin)
            spelt[href] = target if target is not None and target != own and wanted(target) else None
        target = spelt[href]
        if target is None or (target not in found and len(found) >= max_links):
            continue
        raw = around.text_of(node)
        anchor = tidy(raw, MAX_ANCHOR_CHARS) or _named(node)
        if target not in found or len(anchor) > len(found[target].anchor):
            found[target] = Link(target, anchor, around.of(node, raw))
    return list(found.values())


def _is_unfollowed(rel: str) -> bool:
    return not {"nofollow", "sponsored"}.isdisjoint(rel.lower().split())


def _target(href: str, base: str, origin: str) -> str | None:
    """Where a link leads, if that is worth a fetch."""
    if len(href) < _SHORT_CHARS:
        if href.startswith(("https://", "http://")):
            return _remembered(href, "")
        if href.startswith("/") and href[1:2] not in ("/", "\\"):
            return _remembered(href, origin)
    return _worth(href, base)


# a site's pages share their menus and teasers, so most of what a page links to was spelt a moment ago
@lru_cache(maxsize=1 << 14)
def _remembered(href: str, origin: str) -> str | None:
    return _worth(href, origin)


def _worth(href: str, base: str) -> str | None:
    target = canonical(href, base)
    return None if target is None or is_file(target) else target


def _named(node: LexborNode) -> str:
    attributes = node.attributes
    name = attributes.get("aria-label") or attributes.get("title")
    if not name:
        image = node.css_first("img[alt]")
        name = image.attributes.get("alt") if image else ""
    return tidy(name or "", MAX_ANCHOR_CHARS)


class _Around:
    """The words on a link and either side of it in its block, with a limit on the work for the whole page.

    Links are asked about in the order of the page.
    """

    def __init__(self) -> None:
        self._left = _MAX_WORK_CHARS
        # the teasers of a list share the box around them, whose text is gathered from hundreds of nodes
        self._texts: dict[int, str] = {}
        # where in that text the last link stood: the next one is not before it, and nothing is looked through twice
        self._reached: dict[int, int] = {}

    def text_of(self, node: LexborNode) -> str:
        """The text of a link as it stands in the page; links can hold links."""
        text = node.text() if self._left > 0 else ""
        self._left -= len(text)
        return text

    def of(self, node: LexborNode, raw: str) -> str:
        """`raw` is the text of the link as it stands in the page."""
        block = node.parent
        while block is not None and block.tag in _INLINE:
            block = block.parent
        if block is None or not (found := self._either_side(block, raw)):
            # a headline alone in its box: the teaser is in the next one
            wider = block.parent if block is not None and len(raw) > _HEADLINE_CHARS else None
            return self._either_side(wider, raw, limit=_MAX_CARD_CHARS) if wider is not None else ""
        return found

    def _either_side(self, block: LexborNode, raw: str, limit: int = _MAX_WORK_CHARS) -> str:
        if block.tag in _ROOTS or self._left <= 0:
            return ""
        text = self._texts.get(block.mem_id)
        if text is None:
            text = self._texts[block.mem_id] = block.text()
            self._left -= len(text)
        if len(text) > limit or (at := text.find(raw, self._reached.get(block.mem_id, 0))) < 0:
            return ""
        self._reached[block.mem_id] = at
        end = at + len(raw)
        before = " ".join(text[max(0, at - 3 * CONTEXT_CHARS) : at].split())[-CONTEXT_CHARS:]
        after = " ".join(text[end : end + 3 * CONTEXT_CHARS].split())[:CONTEXT_CHARS]
        return f"{before} {after}".strip()
