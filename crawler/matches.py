"""What was found, for a notebook or a program: a sequence of matches that reads the store as it goes.

It may be longer than memory: only what is looked at is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from crawler.explaining import explained
from crawler.picture import Explained, Harvest, table
from pipelines.errors import UsageError
from pipelines.exports.article import FIELDS
from pipelines.stores import Store, articles, runs, tallies
from pipelines.stores.wanted import Wanted

if TYPE_CHECKING:  # extras, and what they give
    import datasets
    import pandas
    import polars
    import pyarrow


# as many a notebook shows of them
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Match:
    """One article. `article` has all of its fields, as contract.md lists them; `why` is a few words."""

    url: str
    title: str
    text: str
    score: float
    published: datetime | None
    site: str
    language: str
    authors: tuple[str, ...]
    why: str
    article: Mapping[str, Any]
    _explain: Callable[[str], dict[str, Any]]

    def explain(self) -> Explained:
        """Why it matched: parts that add up to the logit of its score, words, sentences, what speaks against."""
        return Explained(self._explain(self.url))


class Matches(Sequence[Match]):
    """The stored articles that `wanted` chooses, best first."""

    def __init__(self, store: Store, wanted: Wanted, run: int | None = None) -> None:
        self._store = store
        self._wanted = wanted
        self._run = run

    def __len__(self) -> int:
        with self._store.read() as connection:
            return tallies.counted(connection, self._wanted)

    def __iter__(self) -> Iterator[Match]:
        for article in self._articles():
            yield self._match(article)

    @overload
    def __getitem__(self, at: int) -> Match: ...
    @overload
    def __getitem__(self, at: slice) -> list[Match]: ...
    def __getitem__(self, at: int | slice) -> Match | list[Match]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            return [self[n] for n in range(start, stop, step)] if step != 1 else self._piece(start, stop - start)
        place = at + len(self) if at < 0 else at
        found = self._piece(place, 1) if place >= 0 else []
        if not found:
            raise IndexError(f"there are only {len(self)} matches")
        return found[0]

    def _piece(self, start: int, number: int) -> list[Match]:
        if number <= 0:
            return []
        with self._store.read() as connection:
            held = list(articles.chosen(connection, self._wanted, limit=number, offset=start))
        return [self._match(article) for article in held]

    def _articles(self) -> Iterator[dict[str, Any]]:
        with self._store.read() as connection:
            yield from articles.chosen(connection, self._wanted)

    def _match(self, article: dict[str, Any]) -> Match:
        published = datetime.fromisoformat(article["published"]) if article["published"] else None
        return Match(
            article["url"], article["title"], article["text"], article["score"], published, article["site"],
            article["language"], tuple(article["authors"]), f"like {article['nearest_seed']}", article,
            lambda url: explained(self._store, url),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<{len(self)} matches, best first>"

    def _repr_html_(self) -> str:
        return table([match.article for match in self[:SHOWN]], len(self))

    # for other tools

    def to_arrow(self) -> pyarrow.Table:
        """A table with a typed column for each field of an article. Needs the extra `analysis`."""
        from pipelines.exports.as_parquet import table

        return table(self._articles(), tuple(FIELDS))

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a pandas frame. Needs pandas beside the extra `analysis`."""
        _needed("pandas", "pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The same as a polars frame. Needs polars beside the extra `analysis`."""
        return _needed("polars", "polars").from_arrow(self.to_arrow())

    def to_hf_dataset(self) -> datasets.Dataset:
        """The same as a Hugging Face dataset, in memory. Needs datasets beside the extra `analysis`."""
        return _needed("datasets", "datasets").Dataset(self.to_arrow())

    @property
    def plot(self) -> Plot:
        """What was found as pictures; so far `plot.harvest()`."""
        return Plot(self._store, self._run)


@dataclass(frozen=True, slots=True)
class Plot:
    """Pictures that a notebook shows."""

    _store: Store
    _run: int | None

    def harvest(self) -> Harvest:
        """Matches found over pages fetched, of the run these matches are from, or of the latest."""
        with self._store.read() as connection:
            latest = runs.latest(connection)
            run = self._run if self._run is not None else latest.id if latest else 0
            return Harvest.of(runs.harvest(connection, run))


def _needed(module: str, package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise UsageError(f"This needs one more package: pip install {package}.") from None
