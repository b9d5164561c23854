"""What can be set: the tables of `suchlike.toml`, each key with its type, bounds and default."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from pipelines.likeness.naming import DEFAULT_MODEL

NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; a key it does not know is an error."""


class Profile(Section, frozen=True):
    """A seed set and how to judge by it. `grain`: the same story, topic or beat; `threshold`: auto … or 0 to 1.

    `model`: which vectors, see docs/likeness.md. `languages`, `since`: what else an article must be; empty for all.
    """

    seeds: str | list[str] = "seeds/"
    grain: Literal["story", "topic", "beat"] = "topic"
    threshold: str | float = "auto"
    model: str = DEFAULT_MODEL
    languages: list[str] = []
    since: str = ""
    every: str = ""


class Crawl(Section, frozen=True):
    """How the web is visited. Budgets are for one run; 0 means no limit.

    `revisit_soonest`, `revisit_latest`: the bounds of each list's own rhythm; `revisions`: how long a match is
    looked at again for a new text, empty for never. `pace_by`: what `rate` counts for; `max_per_site` counts
    registered domains, `max_per_template` shapes of URLs of one host; `concurrency = 0` suits the machine.
    """

    pages: NotNegative = 500
    matches: NotNegative = 0
    time: str = ""
    rate: str = "1/1s"
    pace_by: Literal["host", "domain", "address"] = "host"
    roam: bool = True
    watch: bool = False
    max_per_site: NotNegative = 0
    max_per_template: NotNegative = 0
    depth: NotNegative = 12
    order: Literal["focus", "breadth"] = "focus"
    revisit_soonest: str = "10m"
    revisit_latest: str = "7d"
    revisions: str = "3d"
    concurrency: Annotated[int, msgspec.Meta(ge=0, le=512)] = 0
    crawlers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    identify: str = "suchlike/0.1"
    robots: Literal["obey"] = "obey"
    proxy: str = ""
    allow_private_addresses: bool = False
    verify_certificates: bool = True
    trust_certificates: list[str] = []
    ports: tuple[Annotated[int, msgspec.Meta(ge=1, le=65535)], ...] = (80, 443, 8080, 8443)


class Sources(Section, frozen=True):
    """Where a crawl starts, and which hosts it never visits (`*.shop.example`)."""

    sites: list[str] = []
    feeds: list[str] = []
    sitemaps: list[str] = []
    block: list[str] = []


class Store(Section, frozen=True):
    """Where results live. `keep`: which articles become part of the corpus; `archive`: which pages go to WARC;
    `reserve_mb`: with less than this free on the disk, everybody pauses."""

    database: str = ""
    keep: Literal["matches", "all"] = "matches"
    archive: Literal["none", "kept", "all"] = "kept"
    reserve_mb: NotNegative = 200


class Queue(Section, frozen=True):
    """The broker between stages, how many processes extract, and rows a job; 0 suits the machine (workers.tuning).
    `insecure`: a broker over the network may do without TLS and password."""

    redis: str = "embedded"
    insecure: bool = False
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    batch: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0


class Web(Section, frozen=True):
    """Where the dashboard listens (`port = 0`: 7420, or a free one), names it answers to, a token of your own."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    hosts: list[str] = []
    token: str = ""


class Notify(Section, frozen=True):
    """Who is told of new stories, and of sites that fell silent. Docs: the guide's Alerts.

    `to`: addresses as Apprise writes them; `webhooks`: where signed JSON is posted, `secret` being what signs it;
    `at`: when digests go out, with a time zone behind it if it is not UTC.
    """

    to: list[str] = []
    webhooks: list[str] = []
    secret: str = ""
    when: Literal["new-story", "daily-digest", "never"] = "new-story"
    at: str = "07:00"
    min_score: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    sites: bool = True


class Log(Section, frozen=True):
    """What the long-running processes write to stderr: lines of text, or JSON objects with the trail of every page."""

    format: Literal["text", "json"] = "text"


class Timed(Section, frozen=True):
    """When a seed set is crawled. `missed`: a slot nobody was there for is made up for `once`, or left out (`skip`)."""

    when: str
    missed: Literal["once", "skip"] = "once"
