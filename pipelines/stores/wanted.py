"""Which stored articles are meant: the filters that `list`, `search` and `export` share."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement

from pipelines.stores.families import of_family
from pipelines.stores.schema import KEPT, articles, storable
from pipelines.stores.where import condition, whole


@dataclass(frozen=True, slots=True)
class Wanted:
    """A choice of stored articles; a field that is None does not matter.

    Without `everything` only matches, without `copies` only originals. `since` and `until` are days (YYYY-MM-DD), both
    included, of publication; `least` and `most` bound the score; `where` is a condition as `where.condition` reads it;
    `profile` names the one whose runs found them.
    """

    everything: bool = False
    copies: bool = False
    site: str | None = None
    language: str | None = None
    since: str | None = None
    until: str | None = None
    least: float | None = None
    most: float | None = None
    story: int | None = None
    mode: str | None = None
    run: int | None = None
    where: str | None = None
    profile: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What is true of the articles meant. Raises UsageError for a condition that cannot be read."""
        a = articles.c
        found: list[ColumnElement[bool]] = [KEPT]
        if not self.everything:
            found.append(a.matched == 1)
        if not self.copies:
            found.append(a.copy_of.is_(None))
        for column, text in ((a.site, self.site), (a.language, self.language), (a.mode, self.mode)):
            if text is not None:
                found.append(column == storable(text))
        for column, number in ((a.story, self.story), (a.run, self.run)):
            if number is not None:
                found.append(column == whole(number))
        if self.since is not None:
            found.append(a.published >= self.since)
        if self.until is not None:
            found.append(a.published <= f"{self.until}T23:59:59Z")
        if self.least is not None:
            found.append(a.score >= self.least)
        if self.most is not None:
            found.append(a.score <= self.most)
        if self.profile is not None:
            # a sum has no index: a database would sort what that of runs gives it, rather than read what is in order
            found.append((a.run + 0).in_(of_family(storable(self.profile))))
        if self.where:
            found.append(condition(self.where))
        return found
