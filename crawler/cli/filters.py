"""The filters that `list`, `search` and `export` share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.stores.wanted import Wanted

_AGO = re.compile(r"(\d{1,5})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@Parameter(name="*", group=Group("Filters", sort_key=9))
@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles.

    Parameters
    ----------
    site
        Only of this site.
    language
        Only in this language (en, de …).
    since
        Published on this day (2026-11-01) or later; or 30d, 4w, 6m, 1y ago.
    until
        Published on this day or earlier.
    least
        Only with this score or a higher one.
    most
        Only with this score or a lower one.
    story
        Only of this story, by its number.
    run
        Only of this run.
    where
        A condition, such as 'score > 0.6 and not title ~ "live"'.
    """

    site: str | None = None
    language: str | None = None
    since: str | None = None
    until: str | None = None
    least: Annotated[float | None, Parameter(name="--min-score")] = None
    most: Annotated[float | None, Parameter(name="--max-score")] = None
    story: int | None = None
    run: int | None = None
    where: str | None = None

    def wanted(self, *, everything: bool = False, copies: bool = False, mode: str | None = None) -> Wanted:
        """The choice as the store understands it. Raises UsageError for what is no day."""
        from pipelines import urls
        from pipelines.stores.wanted import Wanted

        site = self.site and urls.site_of(host_named(self.site))
        return Wanted(
            everything=everything, copies=copies, site=site, language=self.language,
            since=_day(self.since, "--since"), until=_day(self.until, "--until"), least=self.least, most=self.most,
            story=self.story, run=self.run, mode=mode, where=self.where,
        )  # fmt: skip


def host_named(given: str) -> str:
    """A site or host as URLs spell it, given as people do, or by one of its URLs: `München.de` is xn--mnchen-3ya.de."""
    from pipelines import urls

    canonical = urls.canonical(given if "://" in given else f"https://{given}/")
    return urls.host_of(canonical) if canonical else given.lower()


def _day(given: str | None, flag: str) -> str | None:
    if given is None:
        return None
    try:
        if ago := _AGO.fullmatch(given):
            return (datetime.now(UTC).date() - timedelta(days=int(ago[1]) * _DAYS[ago[2]])).isoformat()
        return date.fromisoformat(given).isoformat()
    except (ValueError, OverflowError):  # before the year 1
        raise UsageError(f"{flag} {given!r} is no day; write it like 2026-11-01, or 30d for thirty days ago.") from None
