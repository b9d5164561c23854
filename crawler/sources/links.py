"""Candidates from the links of a page, and from the feeds it announces."""

from __future__ import annotations

from crawler.reading.glance import Glance, glance
from pipelines.records import Candidate


def candidates_in(body: bytes, url: str) -> list[Candidate]:
    """What the page `body` at `url` links to."""
    return candidates(glance(body, url))


def candidates(seen: Glance) -> list[Candidate]:
    """The same from a page already looked at: its feeds first, then its links in page order."""
    feeds = [Candidate(feed, "links", "feed") for feed in dict.fromkeys(seen.feeds)]
    return feeds + [
        Candidate(link.url, "links", anchor=link.anchor, context=link.context)
        for link in seen.links
        if link.url not in seen.feeds
    ]
