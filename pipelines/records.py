"""The small frozen records that travel between the parts; each carries where it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

Kind = Literal["page", "feed", "sitemap"]


class Candidate(NamedTuple):
    """A URL somebody named, not yet fetched.

    `url` is canonical (see `pipelines.urls.canonical`). `source` is the name of the entry of SOURCES
    that yielded it, or `start` for what the user named. `title` and `published` (ISO 8601, as found)
    are there where a feed or sitemap gives them. A page names a hundred: tuples are made in a third of the time.
    """

    url: str
    source: str
    kind: Kind = "page"
    anchor: str = ""
    context: str = ""
    title: str = ""
    published: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """One step by which a page was found: where it was named (empty for a start), by what, and how far out it lies.

    `article` says whether an article came of it; `found_at` is ISO 8601. `row` and `parent` are the ledger's numbers of
    its ends; `parent` is None where `source` is empty.
    """

    source: str
    target: str
    kind: str
    anchor: str
    depth: int
    found_at: str | None
    article: bool
    row: int
    parent: int | None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that was read: its address, and the site it lies on."""

    url: str
    site: str


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page: one row of the ledger and its body.

    `headers` holds only the few we keep, lower-case names. `fetched_at` is UTC, in seconds since 1970.
    `archived` pages lie in the archive already.
    """

    row: int
    url: str
    final_url: str
    status: int
    headers: dict[str, str]
    fetched_at: float
    body: bytes
    quick: float = 0.0
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A word and what it added to (or took from) the logit of a likeness."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much one text resembles the seeds.

    `score` in 0..1 is the logistic of the sum of `parts` (name -> logit share). `lexical` and `dense`
    are the two cosines in 0..1; `percentile` is the share of ordinary news that is less alike, 0..100;
    `nearest_seed` is the name of the closest seed; `terms` the strongest words, best first.
    """

    score: float
    lexical: float
    dense: float
    nearest_seed: str
    parts: dict[str, float] = field(default_factory=dict)
    seeds: dict[str, float] = field(default_factory=dict)
    terms: tuple[Term, ...] = ()
    percentile: float = 0.0


@dataclass(frozen=True, slots=True)
class Rights:
    """What a page says about being kept: robots meta and header, and the TDM reservation (None: its site may tell)."""

    robots: str = ""
    noindex: bool = False
    tdm_reserved: bool | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an article beside the usual: its section, whether it stands behind a wall (None: nobody says),
    whether its text is only the beginning.

    `evidence` names, by field, the source that was believed; `disagreement` what every source said, of fields where
    they differ.
    """

    section: str = ""
    paywalled: bool | None = None
    truncated: bool = False
    evidence: dict[str, str] = field(default_factory=dict)
    disagreement: dict[str, dict[str, Any]] = field(default_factory=dict)


def as_json(record: Likeness | Rights | About) -> str:
    """A record as its row holds it."""
    return json.dumps(record, default=_fields, ensure_ascii=False)


def _fields(record: Any) -> dict[str, Any]:
    # dataclasses.asdict copies everything under a record as well, which takes four times as long
    return {name: getattr(record, name) for name in record.__slots__}


@dataclass(frozen=True, slots=True)
class Article:
    """What extraction made of a page. `text` has paragraphs parted by one newline."""

    row: int
    url: str
    canonical_url: str
    site: str
    title: str
    text: str
    authors: tuple[str, ...]
    published: datetime | None
    published_confidence: float
    language: str
    words: int
    sha256: str
    rights: Rights = field(default_factory=Rights)
    description: str = ""
    about: About = field(default_factory=About)


@dataclass(frozen=True, slots=True)
class Drop:
    """The end of a page that is not kept. `reason` is one its stage declared; `detail` is for people."""

    row: int
    stage: str
    reason: str
    detail: str = ""
