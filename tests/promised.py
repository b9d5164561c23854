"""The kinds of what `--json` prints, as contract.md words them: `held(record, Article)` fails where one is another.

Fields may be added, so what is not named here is not looked at.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict, TypeVar

import msgspec
from msgspec import Meta

Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
Number = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Numbers = dict[str, Number]
Mode = Literal["demo", "replay", "online"]
Kind = TypeVar("Kind")


class Archive(TypedDict):
    """Where a page lies."""

    file: str
    offset: Number


class Rights(TypedDict):
    """What a page says of its use."""

    robots: str
    noindex: bool
    tdm_reserved: bool


class Article(TypedDict):
    """**article**, but for its text."""

    url: str
    canonical_url: str
    title: str
    authors: list[str]
    published: Moment | None
    published_confidence: Share
    language: str
    site: str
    fetched_at: Moment
    score: Share
    lexical: Share
    dense: Share
    match: bool
    nearest_seed: str
    story: int
    copy_of: str | None
    revision: int
    words: Number
    sha256: Sha256
    mode: Mode
    run: int
    archive: Archive
    rights: Rights


class Fates(TypedDict):
    """`fates`."""

    fetched: Number
    stored: Number
    duplicate: Number
    dropped: Numbers
    dead: Numbers
    in_flight: Number
    frontier: Number


class Site(TypedDict):
    """What a site brought."""

    site: str
    pages: Number
    matches: Number


class Summary(TypedDict):
    """**summary**."""

    mode: Mode
    run: int
    seconds: Annotated[float, Meta(ge=0)]
    pages_fetched: Number
    matches: Number
    stories: Number
    duplicates: Number
    harvest: Share
    fates: Fates
    sites: list[Site]
    stopped_by: str


class Seed(TypedDict):
    """A line of `seed add` and `seed list`."""

    path: str
    ok: bool
    title: str
    words: Number
    language: str
    dropped_lines: list[str]
    problem: str | None


class Nearest(TypedDict):
    """How like a seed an article is."""

    seed: str
    score: Share


class Term(TypedDict):
    """A word that counted."""

    word: str
    weight: float


class Step(TypedDict):
    """A page on the way to an article."""

    url: str


class Explained(TypedDict):
    """`explain`."""

    score: Share
    parts: dict[str, float]
    nearest_seeds: list[Nearest]
    terms: list[Term]
    path: list[Step]


class Shown(TypedDict):
    """`show`."""

    url: str
    fate: str
    reason: str | None
    stage: str | None
    article: Article | None
    found_by: dict[str, Any]
    archive: Archive | None
    attempts: Number


class Scored(TypedDict):
    """A line of `score`."""

    path: str
    score: Share
    match: bool
    nearest_seed: str
    lexical: Share
    dense: Share
    terms: list[Term]


class Copy(TypedDict):
    """A copy of a story."""

    url: str
    similarity: Share
    published: Moment | None


class Story(TypedDict):
    """A line of `dupes`."""

    story: int
    canonical: str
    copies: list[Copy]


class Exported(TypedDict):
    """`export`."""

    file: str
    format: str
    articles: Number
    bytes: Number
    sha256: Sha256


class Queue(TypedDict):
    """A stage's queue."""

    waiting: Number
    running: Number
    failed: Number


class Frontier(TypedDict):
    """What waits."""

    hosts: Number
    urls: Number
    leased: Number


class Run(TypedDict):
    """A run in `status`."""

    run: int
    mode: Mode
    started_at: Moment
    ended_at: Moment | None


class Status(TypedDict):
    """`status`."""

    queues: dict[str, Queue]
    workers: Number
    frontier: Frontier
    runs: list[Run]


class Check(TypedDict):
    """A line of `doctor`."""

    check: str
    ok: bool
    detail: str
    fix: str


def held(record: dict[str, Any], kind: type[Kind]) -> Kind:
    """The record, as of this kind; msgspec.ValidationError names the first field that is of another, or not there."""
    return msgspec.convert(record, kind)
