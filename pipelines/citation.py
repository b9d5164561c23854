"""Titles, names and dates as pages write them, made fit to cite."""

# ruff: noqa: RUF001 -- the look-alike letters of other scripts and the dashes are meant
from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

MAX_TITLE_CHARS: Final = 300
MAX_NAME_CHARS: Final = 60
MAX_AUTHORS: Final = 10
EARLIEST_YEAR: Final = 1990

_NAME_START: Final = re.compile(
    r"^(?:(?:written|posted|reported|published|story)\s+)?(?:by|von|par|por|di|af|av|door|od|автор|автори?|بقلم)\b[\s:]*",
    re.IGNORECASE,
)
_NAME_SEPARATOR: Final = re.compile(r"\s*(?:[;|/&]|\s(?:and|und|et|y|e|и|та|و)\s)\s*")
_IN_BRACKETS: Final = re.compile(r"\s*\([^()]{1,40}\)")
_ADDRESS: Final = re.compile(r"https?:|www\.|@|\.(?:com|org|net|html?)\b", re.IGNORECASE)
_NO_NAME: Final = re.compile(r"\d{2}|[<>{}=]")
_ROLE: Final = re.compile(
    r"\b(?:writer|editor|correspondent|reporter|staff|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.I
)
_NOBODY: Final = frozenset(
    {"admin", "administrator", "author", "editor", "webmaster", "anonymous", "none", "null", "staff"}
)
_DAY: Final = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_URL_DAY: Final = re.compile(
    r"/((?:19|20)\d{2})[/-](\d{1,2})[/-](\d{1,2})(?=[/-]|$)|/((?:19|20)\d{2})(\d{2})(\d{2})(?=[/-])"
)
# JSON can write these, and nobody can read them; hyphenation and marks of no width are for browsers
_UNREADABLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\u00ad\u200b\u2060\ufeff\ufffe\uffff]"
)
_EPOCH: Final = re.compile(r"1\d{9}(?:\d{3})?")


def one_line(text: str, limit: int) -> str:
    """Entities read, white space collapsed, what nobody sees gone, at most `limit` characters."""
    return " ".join(_UNREADABLE.sub("", html.unescape(text[: 4 * limit])).split())[:limit].strip()


def letters(text: str) -> str:
    """A text with nothing left that may differ without meaning anything."""
    return "".join(filter(str.isalnum, text.casefold()))


def authors_of(raw: Iterable[str]) -> tuple[str, ...]:
    """Names of people, at most ten, without "By", addresses, brackets, repetitions and the likes of "admin".

    "Doe, Jane" is told as Jane Doe.
    """
    names: dict[str, str] = {}
    for entry in raw:
        cleaned = _IN_BRACKETS.sub("", _NAME_START.sub("", one_line(entry, 300)))
        # an address would fall into pieces that look like names
        for name in [] if _ADDRESS.search(cleaned) else _NAME_SEPARATOR.split(cleaned):
            for single in _at_commas(name):
                person = single.strip(" ,.-–—:•*()[]\"'")
                if _is_name(person):
                    names.setdefault(person.casefold(), person)
    return tuple(names.values())[:MAX_AUTHORS]


def _at_commas(name: str) -> list[str]:
    first, *others = [part for part in name.split(",") if part.strip()] or [""]
    # "Doe, Jane" is one person; "Jane Doe, MD", "Jane Doe, Sports Writer" and "Jane Doe, MDR SACHSEN" are too
    if len(others) == 1 and len(first.split()) == len(others[0].split()) == 1:
        return [f"{others[0].strip()} {first.strip()}"]
    return [first, *(part for part in others if _names_another(part))]


def _names_another(part: str) -> bool:
    return len(part.split()) > 1 and not _ROLE.search(part) and part != part.upper()


def _is_name(name: str) -> bool:
    return (
        1 < len(name) <= MAX_NAME_CHARS
        and len(name.split()) <= 6
        and not _NO_NAME.search(name)
        and name.casefold() not in _NOBODY
        and any(map(str.isalpha, name))
    )


def date_of(raw: str, *, now: datetime | None = None) -> datetime | None:
    """The moment a machine-written date names; None if it is none, older than 1990, or in the future.

    Reads ISO 8601, RFC 2822, seconds or milliseconds since 1970, and any text with a YYYY-MM-DD in it. It keeps the
    zone that was written, which says what day it was where the article appeared; without one it is taken as UTC.
    """
    raw = raw.strip()[:80]
    found = _iso(raw) or _mail(raw) or _epoch(raw) or _day(_DAY.search(raw))
    return _plausible(found, now) if found else None


def date_in_url(url: str, *, now: datetime | None = None) -> datetime | None:
    """The day in a path such as /2024/05/17/ or /20240517-; None if there is none."""
    found = _day(_URL_DAY.search(url.partition("?")[0]))
    return _plausible(found, now) if found else None


def _iso(raw: str) -> datetime | None:
    try:
        return datetime.fromisoformat(raw) if len(raw) >= 10 and "-" in raw else None
    except ValueError:
        return None


def _mail(raw: str) -> datetime | None:
    try:
        return parsedate_to_datetime(raw) if "," in raw else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _epoch(raw: str) -> datetime | None:
    if not _EPOCH.fullmatch(raw):
        return None
    return datetime.fromtimestamp(int(raw) / (1000 if len(raw) == 13 else 1), UTC)


def _day(found: re.Match[str] | None) -> datetime | None:
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups() if part)
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


def _plausible(when: datetime, now: datetime | None) -> datetime | None:
    aware = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    try:
        utc = aware.astimezone(UTC)
    except OverflowError:
        return None
    # two days: zones written wrong, and clocks
    latest = (now or datetime.now(UTC)) + timedelta(days=2)
    return aware if utc.year >= EARLIEST_YEAR and utc <= latest else None
