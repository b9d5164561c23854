"""Counts what goes into an export while it goes by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.exports.article import Article
from pipelines.exports.rights import forbidden
from pipelines.exports.splits import split_of


@dataclass(slots=True)
class Tally:
    """What one file holds, and what was left out of it for what its pages say (reason -> number)."""

    span: list[str] = field(default_factory=list)
    sites: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    rights: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def admitted(
        self, articles: Iterable[Article], purpose: str | None, shares: Mapping[str, float], split: str
    ) -> Iterator[Article]:
        """The articles of this split that may be used for this purpose, counted as they go by."""
        for article in articles:
            if len(shares) > 1 and split_of(article, shares) != split:
                continue
            reason = forbidden(article, purpose)
            if reason:
                self.left_out[reason] += 1
                continue
            self._count(article)
            yield article

    def _count(self, article: Article) -> None:
        if article["published"]:
            self.span = [min([*self.span, article["published"]]), max([*self.span, article["published"]])]
        self.sites[article["site"]] += 1
        self.languages[article["language"]] += 1
        self.rights.update(name for name in ("noindex", "tdm_reserved") if article["rights"].get(name))

    def add(self, other: Tally) -> None:
        """Counts another file in."""
        spans = [*self.span, *other.span]
        self.span = [min(spans), max(spans)] if spans else []
        for name in ("sites", "languages", "rights", "left_out"):
            getattr(self, name).update(getattr(other, name))

    def told(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {
            "published": self.span or None,
            "sites": dict(self.sites.most_common()),
            "languages": dict(self.languages.most_common()),
            "rights": {name: self.rights[name] for name in ("noindex", "tdm_reserved")},
            "left_out": dict(self.left_out),
        }
