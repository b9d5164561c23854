"""Whether a site's articles are still what they were: their number, their length, their dates and authors. Pure.

A site is held against its own history only, over days on which something was crawled at all. What is compared has to
be plain: a desk that is warned for nothing stops reading warnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

# so many crawled days are looked at, against so many before them, of which there must be so many
RECENT, HISTORY, NEEDED = 3, 28, 5
# articles from which a share or a median says something
ENOUGH = 8
# a site brings less than this share of what it used to: with 8 expected, chance does so once in 300 times
SILENT = 0.2
SHORTER = 0.5
# a field most articles had, and most have no more
FILLED, EMPTY = 0.8, 0.4
KINDS = ("silent", "shorter", "undated", "unsigned")


@dataclass(frozen=True, slots=True)
class Seen:
    """One article of a site: the day it was fetched (a number), its words, and which fields it has."""

    day: int
    words: int
    dated: bool
    signed: bool


@dataclass(frozen=True, slots=True)
class Period:
    """A site over some days: articles, their median length in words, the shares with a date and with authors."""

    days: int
    articles: int
    words: float
    dated: float
    signed: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong (one of KINDS), with the figures before and after."""

    kind: str
    before: Period
    after: Period


def troubles(articles: Sequence[Seen], crawled: Sequence[int]) -> Iterator[Trouble]:
    """What is wrong with a site, given its articles and the days on which anything was crawled."""
    days = sorted(set(crawled))[-(RECENT + HISTORY) :]
    recent, before = days[-RECENT:], days[:-RECENT]
    if len(recent) < RECENT or len(before) < NEEDED:
        return
    was, now = _period(articles, before), _period(articles, recent)
    expected = was.articles / was.days * now.days
    if expected >= ENOUGH and now.articles < SILENT * expected:
        yield Trouble("silent", was, now)
    if min(was.articles, now.articles) < ENOUGH:
        return
    if now.words < SHORTER * was.words:
        yield Trouble("shorter", was, now)
    for kind, share, shares in (("undated", was.dated, now.dated), ("unsigned", was.signed, now.signed)):
        if share >= FILLED and shares <= EMPTY:
            yield Trouble(kind, was, now)


def _period(articles: Sequence[Seen], days: Sequence[int]) -> Period:
    among = set(days)
    held = [one for one in articles if one.day in among]
    number = len(held) or 1
    return Period(
        len(days), len(held), float(median(one.words for one in held)) if held else 0.0,
        sum(one.dated for one in held) / number, sum(one.signed for one in held) / number,
    )  # fmt: skip
