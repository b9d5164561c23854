"""A page's bytes become an article, or the reason why they are none. The only module that knows trafilatura."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar, get_args

from htmldate import find_date
from lxml.etree import ElementDefaultClassLookup, LxmlError, strip_elements
from lxml.html import HtmlElement
from selectolax.lexbor import LexborHTMLParser, SelectolaxError
from trafilatura import bare_extraction
from trafilatura.utils import HTML_PARSER, load_html

from pipelines import access, listing, markup, metadata, plain
from pipelines.dating import GUESSED, Dated
from pipelines.hygiene import paragraphs
from pipelines.language import count_words, detect
from pipelines.metadata import Metadata
from pipelines.misfits import code
from pipelines.records import About, Rights

__all__ = ["MIN_WORDS", "REASONS", "Extracted", "NotAnArticle", "Reason", "extract", "extract_plainly", "warm"]

Reason = Literal[
    "not-article",
    "too-large",
    "too-many-tags",
    "node-too-large",
    "no-text",
    "too-short",
    "not-html",
    "extraction-error",
    "extraction-killed",
]
REASONS: Final[frozenset[str]] = frozenset(get_args(Reason))

MIN_WORDS: Final = 80
# a page that says it is an article may be a short one: agency flashes have 60 words
MIN_WORDS_SHARE_IF_ARTICLE: Final = 0.6
MAX_TITLE_CHARS: Final = 100
# what a page says of itself stands there, and so little harms no parser
HEAD_CHARS: Final = 64 * 1024

# Never an article's text, and two fifths of a page's elements: trafilatura's expressions call Python for many of them
_BESIDE: Final = (
    "nav", "footer", "aside", "iframe", "style", "svg", "template", "img", "source", "button", "input", "option",
    "meta", "link",
)  # fmt: skip
# What HTML can name and XML cannot hold: control characters and the last two of the first plane. Browsers show nothing
# for them; trafilatura would give up the whole page.
_UNWRITABLE: Final = re.compile(
    r"&#(?:0*(?:[1-8]|1[124-9]|2\d|3[01]|6553[45])(?!\d)|x0*(?:[1-8bcef]|1[\da-f]|fff[ef])(?![\da-f]));?", re.IGNORECASE
)
# lxml would ask Python for a class of every element it shows, to tell forms and fields from the others
HTML_PARSER.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))

# What trafilatura and its parsers raise on pages they cannot digest. Not Exception: RQ's timeout is one.
_INDIGESTIBLE: Final = (
    ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError, LxmlError, SelectolaxError,
)  # fmt: skip
_T = TypeVar("_T")


class NotAnArticle(Exception):
    """A page from which no article came. `reason` is one of REASONS; `detail` is for people."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Extracted:
    """An article as its page has it. `text` is NFC with paragraphs parted by one newline, without the title.

    `published` is in UTC; `published_confidence` (0..1) and `evidence` say how far to trust it and where it stood.
    """

    text: str
    title: str
    authors: tuple[str, ...]
    published: datetime | None
    published_confidence: float
    evidence: str
    description: str
    site_name: str
    language: str
    words: int
    canonical_url: str | None
    rights: Rights
    about: About = field(default_factory=About)


def extract(
    body: bytes,
    url: str,
    *,
    encoding: str | None = None,
    headers: Mapping[str, str] | None = None,
    min_words: int = MIN_WORDS,
    agent: str = "",
    hint: str = "",
) -> Extracted:
    """The article in a page's bytes, or NotAnArticle.

    `encoding` is the charset somebody declared (else that of the header `content-type`); the bytes may overrule it.
    `agent` is the name we go by in robots directives; `hint` the date a feed or sitemap gave the page.
    """
    refused = markup.refusal(body)
    if refused:
        raise NotAnArticle(*refused)
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    html = markup.decode(body, encoding or lower.get("content-type"))
    if not markup.is_html(html):
        raise NotAnArticle("not-html", "there is no HTML element in it")
    tree = _digest(lambda: metadata.parse(html))
    about = _digest(lambda: metadata.read(tree, url, headers=lower, agent=agent, hint=hint))
    raw = _digest(lambda: _main_text(html))
    if not raw:
        raise NotAnArticle("no-text", "no main text was found")
    text, words = _article_in(raw, tree, about, url, min_words)
    return _assembled(text, words, about, about.published or _digest(lambda: guessed_date(html, url)))


def extract_plainly(
    body: bytes, url: str, *, headers: Mapping[str, str] | None = None, agent: str = "", hint: str = ""
) -> Extracted:  # fmt: skip
    """The article in a page on which `extract` died: its metadata from its beginning, its text by a mere scan.

    Raises NotAnArticle, with `extraction-killed`, where that brings too little.
    """
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    html = markup.decode(body[: plain.MAX_CHARS], lower.get("content-type"))
    tree = _digest(lambda: metadata.parse(html[:HEAD_CHARS]))
    about = _digest(lambda: metadata.read(tree, url, headers=lower, agent=agent, hint=hint))
    text = plain.text_of(html)
    words = count_words(text)
    if words < MIN_WORDS:
        raise NotAnArticle("extraction-killed", f"its parsers were killed, and without them it has {words} words")
    return _assembled(text, words, about, about.published)


def warm() -> None:
    """Extracts one page without a stated date, so that processes forked from this one find everything loaded.

    That compiles trafilatura's and htmldate's expressions and loads the language model. dateparser, whose first
    date costs 3 CPU seconds, is never reached: htmldate asks it only in its extensive search, which stays off.
    """
    sentence = "The town council met on Tuesday and heard what clearing the winter's snow is going to cost. "
    page = f"<html><body><p class='date'>3. Oktober 2019</p><p>{sentence * 12}</p></body></html>"
    extract(page.encode(), "https://news.invalid/2019/what-the-snow-will-cost")


def _digest(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except _INDIGESTIBLE as error:
        raise NotAnArticle("extraction-error", f"{type(error).__name__}: {error}"[:200]) from error


def _main_text(html: str) -> str:
    html = _UNWRITABLE.sub(" ", html)
    tree = load_html(html)
    if tree is None:
        return ""
    for script in list(tree.iter("script")):
        if script.get("type") != "application/ld+json":
            # dropped one by one, each would copy all the text between those before it
            script.tag = "style"
    strip_elements(tree, *_BESIDE, with_tail=False)
    # a nav that is never closed holds the article too
    return _text_of(tree) or _text_of(html)


def _text_of(page: HtmlElement | str) -> str:
    # fast: on 181 pages F1 .962 against .960 of the default, in two thirds of the time
    document = bare_extraction(page, fast=True, include_comments=False, with_metadata=False)
    return paragraphs(getattr(document, "text", None) or "")


def _article_in(raw: str, tree: LexborHTMLParser, about: Metadata, url: str, min_words: int) -> tuple[str, int]:
    """The extracted text without its boilerplate lines, and its words; NotAnArticle if it is a list or too short."""
    anchors, words = listing.anchors_of(tree), count_words(raw)
    complaint = listing.complaint(
        listing.shape_of(raw, anchors), about.kind, url, headings=listing.linked_headings(tree), words=words
    )
    if complaint:
        raise NotAnArticle("not-article", complaint)
    text = listing.without_boilerplate(raw, about.title, anchors)
    words = words if text == raw else count_words(text)
    least = min_words * (MIN_WORDS_SHARE_IF_ARTICLE if about.kind == "article" else 1)
    if words < least:
        raise NotAnArticle("too-short", f"{words} words; an article has at least {least:.0f}")
    return text, words


def guessed_date(html: str, url: str) -> Dated | None:
    today = datetime.now(UTC).date().isoformat()
    found = find_date(html, extensive_search=False, original_date=True, max_date=today, url=url or None)
    return Dated(datetime.fromisoformat(found).replace(tzinfo=UTC), GUESSED, "htmldate") if found else None


def _assembled(text: str, words: int, about: Metadata, dated: Dated | None) -> Extracted:
    language = detect(text)
    return Extracted(
        text=text,
        title=about.title or text.partition("\n")[0][:MAX_TITLE_CHARS],
        authors=about.authors,
        published=dated.when if dated else None,
        published_confidence=dated.confidence if dated else 0.0,
        evidence=dated.evidence if dated else "",
        description=about.description,
        site_name=about.site_name,
        language=language if language != "und" else about.language or language,
        words=words,
        canonical_url=about.canonical_url,
        rights=about.rights,
        about=_about(text, words, language, about, dated),
    )


def _about(text: str, words: int, language: str, about: Metadata, dated: Dated | None) -> About:
    """What is known beside: the section, a wall, whether the text stops short, and who said what.

    `language` is what the text sounds like.
    """
    evidence = dict(about.evidence) | ({"published": dated.evidence} if dated else {})
    said = {name: dict(told) for name, told in about.said.items()}
    if dated and len({day[:10] for day in dated.said.values()}) > 1:
        said["published"] = dict(dated.said)
    if about.language and language not in ("und", code(about.language)):
        said["language"] = {"text": language, "markup": about.language}
    short = access.stops_short(text, words, about.main, walls=about.walled)
    return About(about.section, about.walled, short, evidence, said)
