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
_SECTION: Final = frozenset(
    {"tag", "tags", "category", "categories", "author", "authors", "topic", "topics", "section", "archive", "archives"}
    | {"search", "page", "index", "home", "latest", "schlagwort", "kategorie", "rubrique", "etiqueta", "temas"}
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How an extracted text is made up: shares of its words, 0..1, that stand in lines of a kind.

    `linked`: lines that are little but the text of one link. `prose`: whole sentences. `teasers`: the number
    of lines that are cut off with an ellipsis or "read more".
    """

    linked: float
    prose: float
    teasers: int
    lines: int


def shape_of(text: str, anchors: frozenset[str]) -> Shape:
    """The shape of an extracted text, given the links of its page as `anchors_of` reads them."""
    linked = prose = total = teasers = 0
    lines = text.splitlines()
    for line in lines:
        words = count_words(line)
        total += words
        if _is_linked(line, anchors) or (words > _RUN_TOGETHER_WORDS and _is_run_together(line, words, anchors)):
            linked += words
        elif (words >= 12 and _ENDS.search(line)) or words >= 35:
            prose += words
        teasers += bool(_CUT_OFF.search(line[-60:]))
    return Shape(linked / (total or 1), prose / (total or 1), teasers, len(lines))


def anchors_of(tree: LexborHTMLParser) -> frozenset[str]:
    """The texts of a page's links, each reduced to its letters and digits; of the first 2,000."""
    texts = (anchor.text(separator=" ", strip=True) for anchor in tree.css("a[href]")[:_MAX_ANCHORS])
    return frozenset(_key(text) for text in texts if _MIN_ANCHOR_CHARS <= len(text) <= _MAX_ANCHOR_CHARS)


def complaint(shape: Shape, kind: Kind, url: str) -> str | None:
    """Why a page with such a text is a list and no article, or None. `kind` is what the page says it is.

    Of 181 real articles one is lost, and would be four if none of them said what it is.
    """
    if kind == "article":
        return _over(shape, linked=0.6, prose=0.0, teasers=0.9)
    if kind == "list" or _is_section(url):
        return _over(shape, linked=0.08, prose=0.6, teasers=0.2)
    return _over(shape, linked=0.25, prose=0.2, teasers=0.3)


def _over(shape: Shape, *, linked: float, prose: float, teasers: float) -> str | None:
    if shape.linked >= linked:
        return f"{shape.linked:.0%} of its words are link texts"
    if shape.teasers >= 3 and shape.teasers >= teasers * shape.lines:
        return f"{shape.teasers} of its {shape.lines} lines are teasers"
    if shape.lines >= 6 and shape.prose < prose:
        return f"only {shape.prose:.0%} of its words stand in sentences"
    return None


def _is_section(url: str) -> bool:
    host_and_path = url.lower().partition("://")[2].partition("?")[0].strip("/")
    segments = host_and_path.split("/")[1:]
    return bool(host_and_path) and (not segments or not _SECTION.isdisjoint(segments))


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
