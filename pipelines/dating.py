"""When a page was published: every source that says so, what follows from their agreeing or not, and how sure that is.

Sources belong to families that do not copy from each other: what the markup states, the address, the feed or sitemap
that named the page. Two of them on one day are surer than any alone; two against the third overrule it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from selectolax.lexbor import LexborHTMLParser

from pipelines.citation import date_in_url, date_of

Family = Literal["markup", "url", "feed", "text"]

JSON_LD: Final = 0.95
MARKED: Final = 0.85
FEED: Final = 0.8
URL: Final = 0.7
GUESSED: Final = 0.5
AGREED: Final = 0.99
# what is taken off when another family says another day and none says this one
DOUBT: Final = 0.25
_NEAR: Final = timedelta(days=1.5)  # zones, and midnight between writing and publishing
_METAS: Final = (
    ("article:published_time", 0.95), ("og:published_time", 0.95), ("parsely-pub-date", 0.9), ("datepublished", 0.9),
    ("citation_publication_date", 0.9), ("sailthru.date", 0.85), ("dc.date.issued", 0.85), ("dcterms.created", 0.85),
    ("publish-date", 0.85), ("publication_date", 0.85), ("pubdate", 0.85), ("dc.date", 0.8), ("date", 0.75),
)  # fmt: skip
_MARKED: Final = 'time[itemprop="datePublished"], time[pubdate], [itemprop="datePublished"][content]'


@dataclass(frozen=True, slots=True)
class Dated:
    """When a page was published (UTC), how far that is to be trusted (0..1), and where it stood.

    `said` holds what each source named, in its own zone (ISO 8601), the one believed among them.
    """

    when: datetime
    confidence: float
    evidence: str
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """One source's word; `when` is in the zone it was written in."""

    family: Family
    source: str
    when: datetime
    trust: float


def stated(
    tree: LexborHTMLParser, metas: Mapping[str, str], main: Mapping[str, Any], url: str, hint: str = ""
) -> list[Said]:
    """Who says when, the most trusted first. `hint` is what a feed or sitemap said of the page, as found."""
    found = []
    if when := date_of(str(main.get("datePublished") or main.get("dateCreated") or "")):
        found.append(Said("markup", "json-ld", when, JSON_LD))
    for name, trust in _METAS:
        if name in metas and (when := date_of(metas[name])):
            found.append(Said("markup", f"meta {name}", when, trust))
    marked = tree.css_first(_MARKED)
    if marked and (when := date_of(marked.attributes.get("datetime") or marked.attributes.get("content") or "")):
        found.append(Said("markup", "itemprop datePublished", when, MARKED))
    if when := date_of(hint):
        found.append(Said("feed", "feed", when, FEED))
    if when := date_in_url(url):
        found.append(Said("url", "url", when, URL))
    return found


def believed(said: Sequence[Said]) -> Dated | None:
    """What follows from what was said; None when nobody said anything."""
    if not said:
        return None
    first = {one.family: one for one in reversed(said)}
    chosen = said[0]
    feed, url = first.get("feed"), first.get("url")
    if chosen.family == "markup" and feed and url and _near(feed, url) and not _near(chosen, feed):
        chosen = feed
    others = [one for family, one in first.items() if family != chosen.family]
    confidence = chosen.trust
    if any(_near(chosen, one) for one in others):
        confidence = AGREED
    elif others:
        confidence -= DOUBT
    told = {one.source: _iso(one.when) for one in (chosen, *said[:1], *others)}
    return Dated(chosen.when.astimezone(UTC), round(confidence, 2), chosen.source, told)


def _near(one: Said, other: Said) -> bool:
    return abs(one.when - other.when) <= _NEAR


def _iso(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
