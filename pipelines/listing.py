"""Lists of links: tells a page that is one (home page, tag page, archive) from an article, and takes them off one."""

# ruff: noqa: RUF001 -- the dashes and the stops of other scripts are meant
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from pipelines.hygiene import is_cue
from pipelines.language import count_words
from pipelines.metadata import Kind

_MAX_ANCHORS: Final = 2000
_MIN_ANCHOR_CHARS: Final = 12
_MAX_ANCHOR_CHARS: Final = 250
_OPENING_LINES: Final = 4
_RUN_TOGETHER_WORDS: Final = 60
_ENDS: Final = re.compile(r"""[.!?…。؟۔।]["'”’»)\]]*$""")
_INNER_END: Final = re.compile(r"[.!?…؟۔।]\s|[。！？]")
_CUT_OFF: Final = re.compile(
    r"(?:…|\.\.\.|\[…\]|\[\.\.\.\]|→|»|(?:read|continue) (?:more|reading).{0,40})\W*$", re.IGNORECASE
)
# a day in any of the usual forms, or how long ago it was
_STAMP: Final = re.compile(
    r"\W*(?:(?:mon|tue|wed|thu|fri|sat|sun)\w*,?\s+)?(?:\d{1,2}\.?\s+\w{3,10}\.?,?\s+\d{4}|\w{3,10}\.?\s+\d{1,2},\s+\d{4}"
    r"|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d+\s+\w+\s+ago|vor\s+\d+\s+\w+)\b",
    re.IGNORECASE,
)
_STAMP_WORDS: Final = 8
_FEW_HEADLINES: Final = 4
_LINKED_HEADINGS: Final = ", ".join(f"h{n} a[href], a[href] h{n}" for n in range(1, 5))
_MANY_HEADINGS: Final = 5
_TEASER_WORDS: Final = 45
_ARTICLE_SLUG: Final = re.compile(r"(?:[^-]+-){3}|\d{5}|\.html?$")
_SECTION: Final = frozenset(
    {"tag", "tags", "category", "categories", "author", "authors", "topic", "topics", "section", "archive", "archives"}
    | {"search", "page", "index", "home", "latest", "schlagwort", "kategorie", "rubrique", "etiqueta", "temas"}
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How an extracted text is made up: shares of its words, 0..1, that stand in lines of a kind.

    `linked`: lines that are little but the text of one link. `prose`: whole sentences. `teasers`: the number
    of lines that are cut off with an ellipsis or "read more". `headlines`: the number of lines that are linked or
    are but a date, as between the teasers of a section page.
    """

    linked: float
    prose: float
    teasers: int
    lines: int
    headlines: int = 0


def shape_of(text: str, anchors: frozenset[str]) -> Shape:
    """The shape of an extracted text, given the links of its page as `anchors_of` reads them."""
    linked = prose = total = teasers = headlines = 0
    lines = text.splitlines()
    for line in lines:
        words = count_words(line)
        total += words
        is_linked = _is_linked(line, anchors)
        headlines += is_linked or (words <= _STAMP_WORDS and bool(_STAMP.match(line)))
        if is_linked or (words > _RUN_TOGETHER_WORDS and _is_run_together(line, words, anchors)):
            linked += words
        elif (words >= 12 and _ENDS.search(line)) or words >= 35:
            prose += words
        teasers += bool(_CUT_OFF.search(line[-60:]))
    return Shape(linked / (total or 1), prose / (total or 1), teasers, len(lines), headlines)


def anchors_of(tree: LexborHTMLParser) -> frozenset[str]:
    """The texts of a page's links, each reduced to its letters and digits; of the first 2,000."""
    texts = (anchor.text(separator=" ", strip=True) for anchor in tree.css("a[href]")[:_MAX_ANCHORS])
    return frozenset(_key(text) for text in texts if _MIN_ANCHOR_CHARS <= len(text) <= _MAX_ANCHOR_CHARS)


def linked_headings(tree: LexborHTMLParser) -> int:
    """How many of a page's headings are links: each teaser of a list has one."""
    return len(tree.css(_LINKED_HEADINGS))


def complaint(shape: Shape, kind: Kind, url: str, *, headings: int = 0, words: int = 0) -> str | None:
    """Why a page with such a text is a list and no article, or None. `kind` is what the page says it is.

    `headings` are its linked headings and `words` those of its text. Most real articles say what they are, so a page
    that does not is doubted sooner.

    Of 181 real articles one is lost, and would be four if none of them said what it is.
    """
    if kind == "article":
        return _over(shape, linked=0.6, prose=0.0, teasers=0.9, headlines=0.9)
    if headings >= _MANY_HEADINGS and words < headings * _TEASER_WORDS:
        return f"{headings} of its headings are links, and it has {words} words"
    if kind != "list" and _is_listing(url):
        return "its address is that of a list, and it does not say that it is an article"
    if kind == "list" or _is_section(url):
        return _over(shape, linked=0.08, prose=0.6, teasers=0.2, headlines=0.15)
    return _over(shape, linked=0.25, prose=0.2, teasers=0.3, headlines=0.3)


def _over(shape: Shape, *, linked: float, prose: float, teasers: float, headlines: float) -> str | None:
    if shape.linked >= linked:
        return f"{shape.linked:.0%} of its words are link texts"
    if shape.teasers >= 3 and shape.teasers >= teasers * shape.lines:
        return f"{shape.teasers} of its {shape.lines} lines are teasers"
    if shape.headlines >= _FEW_HEADLINES and shape.headlines >= headlines * shape.lines:
        return f"{shape.headlines} of its {shape.lines} lines are linked headlines or dates"
    if shape.lines >= 6 and shape.prose < prose:
        return f"only {shape.prose:.0%} of its words stand in sentences"
    return None


def _is_section(url: str) -> bool:
    host_and_path = url.lower().partition("://")[2].partition("?")[0].strip("/")
    segments = host_and_path.split("/")[1:]
    return bool(host_and_path) and (not segments or not _SECTION.isdisjoint(segments))


def _is_listing(url: str) -> bool:
    """Whether an address is a front page, a tag, an author or a section, and not an article filed under one."""
    host, _, path = url.lower().partition("://")[2].partition("?")[0].partition("/")
    if not path.strip("/"):
        return bool(host)
    segments = path.strip("/").split("/")
    return not _SECTION.isdisjoint(segments) and not _ARTICLE_SLUG.search(segments[-1])


def without_boilerplate(text: str, title: str, anchors: frozenset[str]) -> str:
    """A text without what trafilatura leaves in: the title among its first lines, "Related: …", links at its end.

    On 181 pages this lifts precision from .946 to .958 and takes nothing from recall (.979).
    """
    lines = text.splitlines()
    heading = _key(title)
    opening = next((at for at, line in enumerate(lines[:_OPENING_LINES]) if heading and _key(line) == heading), None)
    if opening is not None:
        del lines[opening]
    lines = [line for line in lines if not is_cue(line) or _ENDS.search(line)]
    while len(lines) > 1 and _is_linked(lines[-1], anchors):
        lines.pop()
    return "\n".join(lines)


def _is_run_together(line: str, words: int, anchors: frozenset[str]) -> bool:
    """Whether a long line is link texts one after the other, as trafilatura's fallback gives a list of links."""
    if len(_INNER_END.findall(line)) * _RUN_TOGETHER_WORDS > words:
        return False
    key = _key(line)
    return sum(len(anchor) for anchor in anchors if anchor in key) > len(key) / 2


def _is_linked(line: str, anchors: frozenset[str]) -> bool:
    return len(line) <= _MAX_ANCHOR_CHARS and _key(line) in anchors


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
