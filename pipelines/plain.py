"""A page's text by a scan and no parser, for pages on which parsers died. Linear in the bytes, whatever they are."""

from __future__ import annotations

from html import unescape
from typing import Final

from pipelines.hygiene import paragraphs
from pipelines.language import count_words

MAX_CHARS: Final = 1_000_000
# shorter ones are menus, buttons and captions
MIN_WORDS_A_PARAGRAPH: Final = 8
_SKIPPED: Final = ("script", "style", "noscript", "template", "svg", "head", "nav", "footer", "header", "aside", "form")
_BREAKS: Final = frozenset({
    "p", "div", "br", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "tr", "td", "th", "table", "section",
    "article", "main", "blockquote", "figure", "figcaption", "body",
})  # fmt: skip
_NAME_CHARS: Final = 12


def text_of(html: str) -> str:
    """The paragraphs of `html` that are long enough to be told, parted by one newline."""
    told: list[str] = []
    skipping = ""
    for piece in html[:MAX_CHARS].split("<"):
        tag, closed, text = piece.partition(">")
        name = _name(tag)
        if skipping:
            if name == f"/{skipping}":
                skipping = ""
            else:
                continue
        elif name in _SKIPPED:
            skipping = name
            continue
        if name.lstrip("/") in _BREAKS:
            told.append("\n")
        told.append(text if closed else "")
    lines = unescape("".join(told)).split("\n")
    kept = [line for one in lines if count_words(line := " ".join(one.split())) >= MIN_WORDS_A_PARAGRAPH]
    return paragraphs("\n".join(kept))


def _name(tag: str) -> str:
    words = tag[:_NAME_CHARS].lower().split(None, 1)
    return words[0].rstrip("/") if words and not tag[:1].isspace() else ""
