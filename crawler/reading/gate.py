"""One quick look at a fetched page: its links, and whether it is worth extraction. The same for crawl and replay."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from crawler.reading.glance import MAX_LINKS, Glance, glance
from pipelines import urls as identity
from pipelines.likeness.calibrate import logistic, logit
from pipelines.likeness.profile import Profile
from pipelines.markup import COMMENT, charset_of
from pipelines.stores.states import State

QUICK_CHARS = 4_000
# matches that say enough of where the next ones may lie; the share of them that lies below a low one, and how far
# below that, in logits, the bound may be
ENOUGH = 100
LOW = 0.01
LEEWAY = 0.5
# as near to 0 as a quick score counts
LEAST = 1e-6
_MARKUP = (b"<html", b"<!doctype html", b"<body", b"<head", b"<p", b"<div", b"<article")
# the first element, after what XML allows before it; every repetition is possessive: no byte is read twice
_LIST = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?[^>]*+>|<!--" + COMMENT + rb"|<!doctype[^>]*+>)*+"
    rb"<(?:\w{1,20}+:)?(rss|feed|rdf|urlset|sitemapindex)[\s:>]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `state` is FETCHED when the page goes on to extraction, else DROPPED with `reason`."""

    state: State
    reason: str | None
    detail: str
    quick: float
    glance: Glance | None


class Gate:
    """Decides by quick likeness on quick text; open for everything when there are no seeds or all is kept.

    All is also kept under a `threshold` of 0. Who `follows` no links is spared the search for them.
    """

    def __init__(
        self, profile: Profile | None, *, keeps_all: bool, threshold: float | str = "auto", agent: str = "",
        follows: bool = True,
    ) -> None:  # fmt: skip
        self._profile = profile
        self._follows = follows
        self._agent = agent
        self._least = self._bound = profile.gate_under(threshold) if profile else 0.0
        self._open = keeps_all or not self._bound
        asked, auto = (profile.threshold(threshold), profile.threshold()) if profile else (1.0, 1.0)
        self._highest = asked if asked < auto else 1.0

    def learn(self, matches: int, low: float) -> None:
        """A crawl has so many matches, LOW of which have a lower quick score than this: the bound follows.

        The bound a profile begins with must do for every subject and web, and is the lowest there is. A crawl meets its
        best pages first, so what follows lies lower: hence LEEWAY, and a bound that sinks again with them. Who asked
        for less than "auto" gets what lies above that.
        """
        if matches >= ENOUGH:
            risen = logistic(logit(min(1 - LEAST, max(LEAST, low))) - LEEWAY)
            self._bound = max(self._least, min(risen, self._highest))

    def look(
        self, body: bytes, url: str, headers: dict[str, str], wanted: Callable[[str], bool] = lambda _: True
    ) -> Look:
        """Looks at a body that came with status 200, and at its links to canonical URLs that are `wanted`."""
        if not body.strip():
            return Look(State.DROPPED, "empty", "the answer had no body", 0.0, None)
        if not is_html(body, headers):
            kind = headers.get("content-type", "no content type")[:80]
            return Look(State.DROPPED, "not-html", f"it is {kind}", 0.0, None)
        if self._profile is None and not self._follows:
            return Look(State.FETCHED, None, "", 0.0, None)
        seen = glance(
            body, url, encoding=charset_of(headers.get("content-type", "")), headers=headers, agent=self._agent,
            max_links=MAX_LINKS if self._follows else 0, wanted=wanted,
        )  # fmt: skip
        quick = self._quick(seen, url)
        if self._open or quick >= self._bound:
            return Look(State.FETCHED, None, "", quick, seen)
        detail = f"quick score {quick:.2f} is below {self._bound:.2f}"
        return Look(State.DROPPED, "unlike" if seen.is_article else "not-article", detail, quick, seen)

    def _quick(self, seen: Glance, url: str) -> float:
        if self._profile is None:
            return 0.0
        text = f"{seen.title}\n{seen.description}\n{seen.text[:QUICK_CHARS]}\n{' '.join(identity.words_of(url))}"
        return self._profile.quick(text, seen.lang)


def is_html(body: bytes, headers: dict[str, str]) -> bool:
    """Whether a body is a web page, by what it says of itself and how it begins."""
    kind = headers.get("content-type", "").lower()
    head = body[:2048].lstrip().lower()
    if b"\x00" in body[:512] and not head.startswith((b"\xff\xfe", b"\xfe\xff")) and "utf-16" not in kind:
        return False
    if "html" in kind or (not kind and b"<" in head):
        return not is_list(body)
    return any(mark in head for mark in _MARKUP) and not is_list(body)


def is_list(body: bytes) -> bool:
    """Whether a body is a feed or a sitemap."""
    return _LIST.match(body[:4096]) is not None


def is_sitemap(body: bytes) -> bool:
    """Whether a body is a sitemap or a sitemap index."""
    found = _LIST.match(body[:4096])
    return found is not None and found[1].lower() in (b"urlset", b"sitemapindex")
