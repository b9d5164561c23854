"""What a file holds that may be a seed, before hygiene: articles, addresses, and complaints about parts of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from pipelines import markup

_MAX_CONTROL_SHARE: Final = 0.02


class Unusable(Exception):
    """A file, or a line of it, that cannot be a seed; the message says why and what to do, without the file's name."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as its file has it. `plain` texts still need hygiene; `where` tells several of one file apart.

    `at` is its line, or its place in the list, in a file of several, counted from 1; else 0.
    `sure_of_day` is false where `published` was only guessed from the text.
    """

    text: str
    title: str = ""
    url: str = ""
    language: str = ""
    plain: bool = True
    where: str = ""
    at: int = 0
    published: date | None = None
    sure_of_day: bool = True


@dataclass(slots=True)
class Contents:
    """What one file holds: articles, addresses to fetch, and complaints about parts of it."""

    drafts: list[Draft] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def decoded(body: bytes) -> str:
    """A file's text, with lines that end as ours; raises Unusable where it is no text."""
    text = markup.decode(body)
    controls = sum(text.count(chr(code)) for code in (*range(9), *range(14, 27), 0xFFFD))
    if controls > _MAX_CONTROL_SHARE * len(text):
        raise Unusable("it is not text; save the article as plain text or HTML")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_url(text: str) -> bool:
    """Whether a line is the address of a page."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        return False


def day(text: str) -> date | None:
    """The day that a date in ISO 8601 begins with; None where there is none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
