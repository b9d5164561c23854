"""The ways a fetched body names further URLs. To add one: one new file here, one entry in SOURCES."""

from __future__ import annotations

from typing import Final, Protocol

from crawler.sources import feed, links, sitemap
from pipelines.records import Candidate


class Source(Protocol):
    """A pure function from a body and its URL to Candidates: canonical http(s) URLs, each at most once.

    It fetches nothing, never raises whatever the bytes, and what it gives is bounded.
    """

    def __call__(self, body: bytes, url: str, /) -> list[Candidate]: ...


SOURCES: Final[dict[str, Source]] = {
    "feed": feed.candidates_in,
    "sitemap": sitemap.candidates_in,
    "links": links.candidates_in,
}
