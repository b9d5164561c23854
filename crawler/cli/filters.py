"""The filters that `list`, `search` and `export` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

if TYPE_CHECKING:
    from pipelines.stores.wanted import Wanted


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

    def wanted(self, *, profile: str | None, everything: bool = False, copies: bool = False) -> Wanted:
        """The choice as the store understands it, of a profile where one is named. UsageError for what is no day."""
        from pipelines import urls
        from pipelines.days import day
        from pipelines.stores.wanted import Wanted

        site = self.site and urls.site_of(urls.host_named(self.site))
        return Wanted(
            everything=everything, copies=copies, site=site, language=self.language,
            since=day(self.since, "--since"), until=day(self.until, "--until"), least=self.least, most=self.most,
            story=self.story, run=self.run, where=self.where, profile=profile,
        )  # fmt: skip
